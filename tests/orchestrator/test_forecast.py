"""Before anything runs, a plan says what it will cost, from past runs or from prices; afterwards both stand side by side."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from stretto import Agent, Orchestrator, start, workflow
from stretto.core.messages import ModelRequest, Rates, Usage
from stretto.models.script import Answer
from stretto.testing import ScriptedModel, say

PROGRAM = """
from decimal import Decimal
from pathlib import Path
from stretto import Agent, Orchestrator
from stretto.core.messages import Rates, Usage
from stretto.testing import ScriptedModel, say

def search(goal):
    Path("effects").write_text("searched")
    return "found"

def planner(goal):
    return [{"id": "look", "worker": "search"}, {"id": "tell", "worker": "write", "after": ["look"]}]

model = ScriptedModel(lambda request: say("done", usage=Usage(1000, 500)), name="openai:x",
                      rates=Rates(Decimal(2), Decimal(8)), max_output=1000)
boss = Orchestrator(workers=[search, Agent(model, "You write.", name="write")], planner=planner, name="boss")
"""


@pytest.mark.capability(2, 181)
def test_the_range_comes_from_prices_until_there_are_past_runs(tmp_path: Path, cli: Any) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    before = json.loads(cli("plan", "app.py:boss", "EV", "--json").out)["forecast"]
    least, most = map(Decimal, before["usd"])
    assert Decimal("0.0004") < least < Decimal("0.001"), "one short answer"
    assert Decimal("0.016") <= most < Decimal("0.03"), "an answer of 1000 tokens, and another where that does not fit"
    assert (before["of"], before["unknown"]) == (0, [])
    assert not (tmp_path / "effects").exists()
    assert "by the prices of its models" in cli("plan", "app.py:boss", "EV").out
    assert cli("run", "app.py:boss", "EV").code == 0
    after = json.loads(cli("plan", "app.py:boss", "EV", "--json").out)["forecast"]
    assert (after["usd"], after["of"]) == (["0.006", "0.006"], 2)
    assert after["tasks"]["look"]["usd"] == ["0", "0"]
    shown = cli("plan", "app.py:boss", "EV").out
    assert re.search(r"cost  \$0\.006(, .+)? \(as 2 past tasks took\)", shown), "and the time, where it was slow"


def think(request: ModelRequest) -> Answer:
    return say("done", usage=Usage(1000, int(request.messages[-1].text)))


@workflow
async def opaque(goal: str) -> str:
    return goal


@pytest.mark.capability(181)
def test_the_approval_shows_it_and_what_it_came_to_stands_beside_it(tmp_path: Path) -> None:
    model = ScriptedModel(think, name="test:think", rates=Rates(Decimal(2), Decimal(8)))

    def planner(goal: str) -> list[dict[str, Any]]:
        return [{"id": "a", "worker": "writes", "goal": goal}, {"id": "b", "worker": "writes", "goal": goal}]

    boss = Orchestrator(workers=[Agent(model, name="writes"), opaque], planner=planner, approve_plan=True)
    db = str(tmp_path / "runs.db")
    for said in ("100", "200"):
        start(boss, said, db=db).approve(by="Ann")
    job = start(boss, "150", db=db)
    assert job.approvals[0]["prompt"].startswith("Carry out this plan? ($0.0056 – $0.0072")
    job.approve(by="Ann")
    (forecast,) = job.why()["forecast"]
    assert (forecast["usd"], forecast["of"]) == (["0.0056", "0.0072"], 8)
    assert job.cost.usd == Decimal("0.0064")


def test_what_nobody_knows_is_said_so(tmp_path: Path) -> None:
    def planner(goal: str) -> list[dict[str, Any]]:
        return [{"id": "a", "worker": "pipe"}]

    from_elsewhere = Orchestrator(workers=[opaque], planner=lambda goal: [{"id": "x", "worker": "opaque"}], name="pipe")
    boss = Orchestrator(workers=[from_elsewhere], planner=planner, approve_plan=True)
    job = start(boss, "x", db=str(tmp_path / "runs.db"))
    assert job.why()["forecast"][0]["unknown"] == ["pipe"]
