"""Orchestrators under orchestrators, at any depth: cost, approvals and failures come up to the root."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from stretto import Agent, App, Orchestrator, Run, parallel, pipeline, start, tool
from stretto.core.messages import ModelRequest, Rates, ToolResult, Usage
from stretto.models.script import Answer
from stretto.testing import ScriptedModel, call, say

SENT: list[str] = []


@tool(risk="high")
def send(what: str) -> str:
    SENT.append(what)
    return f"sent {what}"


def planner(goal: str, workers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each worker its share of the goal."""
    return [
        {"id": f"{worker['name']}_task", "worker": worker["name"], "goal": f"{goal}/{worker['name']}"}
        for worker in workers
    ]


def level(name: str, *workers: Any) -> Orchestrator:
    return Orchestrator(workers=workers, planner=planner, name=name, integrator=lambda results: results)


def think(request: ModelRequest) -> Answer:
    """Sends what it is asked, and says what came of it; costs ten tokens in and ten out."""
    for part in request.messages[-1].parts:
        if isinstance(part, ToolResult):
            return say(part.content, usage=Usage(10, 10))
    if request.tools:
        return call(request.tools[0].name, what=request.messages[-1].text)
    return say(f"re {request.messages[-1].text}", usage=Usage(10, 10))


model = ScriptedModel(think, name="test:think", rates=Rates(Decimal(1), Decimal(1)))  # a millionth of a dollar a token


def coder(name: str) -> Agent:
    return Agent(model, "You code.", name=name)


tree = level(
    "lead", level("front", coder("ui"), level("styles", coder("css"), coder("icons"))), level("back", coder("api"))
)


@pytest.mark.capability(20, 35)
def test_a_tree_of_depth_three_completes_and_its_cost_comes_up_to_the_root() -> None:
    job = start(tree, "shop", db=":memory:")
    assert job.output == {
        "front_task": {
            "ui_task": "re shop/front/ui",
            "styles_task": {"css_task": "re shop/front/styles/css", "icons_task": "re shop/front/styles/icons"},
        },
        "back_task": {"api_task": "re shop/back/api"},
    }
    assert (job.cost.calls, job.cost.usd) == (4, Decimal("0.00008"))
    assert job.plan is not None
    assert [task.id for task in job.plan.tasks] == ["front_task", "back_task"], "the root's plan, not one below"
    spent = {label: spend.calls for label, spend in by_label(job)}
    assert spent == {"lead": 4, "front_task": 3, "styles_task": 2, "back_task": 1}


def by_label(job: Run) -> Iterator[tuple[str, Any]]:
    for task in job.tasks:
        if task.worker in ("lead", "front", "styles", "back"):
            below = [step for step in job.view.steps.values() if task.key in (step.task, *job.view.above(step.task))]
            yield task.label or task.worker, sum((step.spend for step in below), job.cost.__class__())


@pytest.mark.capability(20)
def test_a_budget_at_the_root_holds_for_the_whole_tree() -> None:
    job = start(tree, "shop", db=":memory:", budget="3 calls")
    assert job.state == "waiting"
    assert [asked["kind"] for asked in job.approvals] == ["budget"]
    assert job.cost.calls == 3


@pytest.mark.capability(35)
def test_each_level_sees_its_own_subtree_and_no_more() -> None:
    seen: dict[str, Any] = {}

    def spy(name: str, *workers: Any) -> Orchestrator:
        def plan(brief: Any) -> Any:
            seen[name] = brief
            return planner(brief.goal, [{"name": card.name} for card in brief.workers])

        return Orchestrator(workers=workers, planner=plan, name=name, integrator=lambda results: results)

    top = spy("top", spy("left", coder("a"), coder("b")), spy("right", coder("secret")))
    assert start(top, "goal", db=":memory:").state == "done"
    assert {name: [card.name for card in brief.workers] for name, brief in seen.items()} == {
        "top": ["left", "right"],
        "left": ["a", "b"],
        "right": ["secret"],
    }
    assert (seen["left"].goal, seen["right"].goal) == ("goal/left", "goal/right")
    assert "secret" not in str(seen["left"])


@pytest.mark.capability(20)
def test_a_failure_three_levels_down_is_told_at_the_root() -> None:
    def breaks(goal: str) -> str:
        raise OSError(f"no disk for {goal}")

    top = level("one", level("two", level("three", breaks)))
    job = start(top, "x", db=":memory:")
    assert job.state == "failed"
    assert job.error == "one failed: no disk for x/two/three/breaks"
    chain = [one["worker"] for one in job.why()["chain"]]
    assert chain[0] == "breaks"
    assert [worker for at, worker in enumerate(chain) if worker not in chain[:at]] == ["breaks", "three", "two", "one"]


@pytest.mark.capability(20, 98)
def test_a_level_above_finds_another_way_round_a_level_that_failed() -> None:
    told: list[Any] = []

    def breaks(goal: str) -> str:
        raise OSError("no disk")

    def fine(goal: str) -> str:
        return f"fine {goal}"

    def round_it(goal: str, problems: list[dict[str, Any]]) -> list[dict[str, Any]]:
        told.extend(problems)
        return [{"id": "a", "worker": "fine" if problems else "two"}]

    job = start(
        Orchestrator(workers=[level("two", level("three", breaks)), fine], planner=round_it), "x", db=":memory:"
    )
    assert job.output == "fine x"
    assert (told[0]["worker"], told[0]["error"], told[0]["kind"]) == ("two", "breaks failed: no disk", "OSError")


# ---- approvals from below

mailer = Agent(model, "You send.", name="mailer", tools=[send])
WAYS: dict[str, Any] = {
    "orchestrators": level("one", level("two", level("three", mailer))),
    "a tool as a worker": level("one", level("two", level("three", send))),
    "in parallel": parallel(pipeline(parallel(mailer, mailer))),
}


@pytest.mark.capability(53)
@pytest.mark.parametrize("way", ["orchestrators", "a tool as a worker", "in parallel"])
def test_a_risky_call_far_down_asks_at_the_root_and_runs_once(way: str, tmp_path: Any) -> None:
    SENT.clear()
    job = start(WAYS[way], "x", db=str(tmp_path / "runs.db"), id="r")
    calls = 2 if way == "in parallel" else 1
    assert (job.state, [asked["tool"] for asked in job.approvals], SENT) == ("waiting", ["send"] * calls, [])
    for asked in list(job.approvals):
        job = App(db=str(tmp_path / "runs.db"), workers=[WAYS[way]]).get("r")
        job.approve(asked["id"], by="Ann")
    assert job.state == "done"
    assert len(SENT) == calls


@pytest.mark.capability(53)
def test_the_same_for_agents_that_are_tools_of_agents(tmp_path: Any) -> None:
    SENT.clear()

    def delegate(request: ModelRequest) -> Answer:
        for part in request.messages[-1].parts:
            if isinstance(part, ToolResult):
                return say(part.content)
        name = request.tools[0].name
        return call(name, **({"what": "x"} if name == "send" else {"input": "x"}))

    thinking = ScriptedModel(delegate, name="test:delegate")
    three = Agent(thinking, "c", name="three", tools=[send])
    two = Agent(thinking, "b", name="two", tools=[three])
    one = Agent(thinking, "a", name="one", tools=[two])
    job = start(one, "go", db=str(tmp_path / "runs.db"))
    assert [asked["worker"] for asked in job.approvals] == ["three"]
    job.approve(by="Ann")
    assert (job.output, SENT) == ("sent x", ["x"])


def test_a_program_shows_the_tree_of_plans() -> None:
    job = start(tree, "shop", db=":memory:")
    tasks = {task.key: task for task in job.tasks}
    plans = {tasks[key].worker: [one["id"] for one in plan["tasks"]] for key, plan in job.view.plans.items()}
    assert plans == {
        "lead": ["front_task", "back_task"],
        "front": ["ui_task", "styles_task"],
        "styles": ["css_task", "icons_task"],
        "back": ["api_task"],
    }
