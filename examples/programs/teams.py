"""Teams under a lead: back end and front end work at once, each planned by itself; operations say yes to the deployment.

It runs code that a model wrote: with a real model, let it run in a container.

python teams.py                                                  writes a small shop into ./shop
stretto run teams.py:lead "a shop for bicycles" --model openai:gpt-5-mini
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from offline import YES, Said, System, heard, model, people

from stretto import Agent, Orchestrator, ToolError, start, tool
from stretto.core.messages import ModelRequest
from stretto.testing import call

cluster, SHOP = System("cluster"), Path("shop")


@tool(effect="idempotent")
def write_file(name: str, text: str) -> str:
    """Write a file of the shop; it has no folders."""
    if Path(name).name != name:
        raise ToolError(f"{name!r} is no plain name")
    SHOP.mkdir(exist_ok=True)
    (SHOP / name).write_text(text, encoding="utf-8")
    return f"{name}: {len(text.splitlines())} lines"


@tool(timeout="5 min")
def run_tests() -> str:
    """Run all tests of the shop."""
    done = subprocess.run([sys.executable, "-m", "unittest"], cwd=SHOP, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(done.stderr[-2_000:])
    return done.stderr.splitlines()[-3].split(" in ")[0]


@tool(risk="high", to="operations", preview=lambda goal, tests: f"{goal}. {tests}", verify=cluster.did)
def deploy(goal: str, tests: str, *, idempotency_key: str = "") -> dict[str, str]:
    """Bring the shop to the customers."""
    return cluster.do(idempotency_key, deployed=goal, tests=tests)


def team(part: str) -> Orchestrator:
    """Somebody who writes code, somebody who writes tests for it, and a plan of their own."""
    code = Agent(instructions=f"You code the {part}.", name=f"{part}_coder", tools=[write_file])
    test = Agent(
        instructions=f"You write tests, with unittest, for the {part}.", name=f"{part}_tester", tools=[write_file]
    )
    return Orchestrator(workers=[code, test], name=part, about=f"writes and tests the {part}")


def phases(goal: str) -> list[dict[str, Any]]:
    """The lead's plan, by rule: both teams at once, then all tests, then the deployment."""
    return [
        {"id": "service", "worker": "back_end", "goal": f"prices and stock of {goal}"},
        {"id": "page", "worker": "front_end", "goal": f"the page of {goal}"},
        {"id": "tests", "worker": "run_tests", "after": ["service", "page"]},
        {"id": "deployment", "worker": "deploy", "after": ["tests"]},
    ]


lead = Orchestrator(workers=[team("back_end"), team("front_end"), run_tests, deploy], planner=phases, name="lead")


# ---- stands in for a model and for operations, so that this runs without a key

FILES = {
    "You code the back_end": ("prices.py", "def price(item):\n    return {'bicycle': 700}[item]\n"),
    "You code the front_end": ("page.py", "def page(item):\n    return f'<h1>{item}</h1>'\n"),
    "You write tests, with unittest, for the back_end": ("test_prices.py", "price('bicycle') == 700"),
    "You write tests, with unittest, for the front_end": ("test_page.py", "page('bell') == '<h1>bell</h1>'"),
}
TEST = """import unittest

from {module} import {function}


class Test(unittest.TestCase):
    def test(self):
        assert {check}
"""


def plans(request: ModelRequest) -> dict[str, Any]:
    """A team's plan: code, then tests."""
    part = "back_end" if "back_end_coder" in heard(request) else "front_end"
    return {
        "tasks": [
            {"id": "code", "worker": f"{part}_coder", "goal": "code"},
            {"id": "tests", "worker": f"{part}_tester", "goal": "tests", "after": ["code"]},
        ]
    }


def writes(request: ModelRequest) -> Said:
    """A file, and what was written."""
    if request.messages[-1].role == "tool":
        return heard(request)
    name, text = FILES[request.messages[0].text.removesuffix(".")]
    if name.startswith("test_"):
        text = TEST.format(module=name[5:-3], function=text.split("(")[0], check=text)
    return call("write_file", name=name, text=text)


MODEL = model({"You plan": plans, "You code": writes, "You write tests": writes, "You are given": "It is written."})


def main() -> dict[str, str]:
    """What was deployed."""
    return dict(people(start(lead, "a shop for bicycles", id="shop", model=MODEL), {"deploy": YES}))


if __name__ == "__main__":
    print(main())
