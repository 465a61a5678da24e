"""One after the other, and several patterns in each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from stretto import App, Debated, RunFailed, debate, gather, loop, parallel, pipeline, route, start, workflow
from stretto.core.events import TaskFinished, TaskStarted


def first(text: str) -> str:
    return f"{text} first"


def second(text: str) -> str:
    return f"{text} second"


def third(text: str) -> str:
    return f"{text} third"


@pytest.mark.capability(28)
def test_each_output_is_the_next_input_in_the_declared_order() -> None:
    done = start(pipeline(first, second, third), "x", db=":memory:")
    assert done.output == "x first second third"
    events = [row.event() for row in done.events]
    begun = [event for event in events if isinstance(event, TaskStarted)][1:]
    ended = [event for event in events if isinstance(event, TaskFinished)][:-1]
    assert [event.worker for event in begun] == ["first", "second", "third"]
    assert [event.input for event in begun[1:]] == [event.output for event in ended[:-1]]


@pytest.mark.capability(32)
def test_a_pipeline_is_a_worker_in_parallel() -> None:
    both = parallel(pipeline(first, second, third), pipeline(third, first))
    assert start(both, "x", db=":memory:").output == ["x first second third", "x third first"]


def hopeful(view: dict[str, Any]) -> str:
    return "ship" if view["task"].endswith("second") else "wait"


def doubtful(view: dict[str, Any]) -> str:
    return "ship" if len(view["transcript"]) > 2 else "wait"


@pytest.mark.capability(37)
def test_route_pipeline_and_debate_compose() -> None:
    critical = pipeline(first, second, debate(hopeful, doubtful))
    hybrid = route(lambda text: "critical" if "!" in text else "plain", {"critical": critical, "plain": first})
    done = start(hybrid, "now!", db=":memory:")
    assert done.output == {
        "agreed": True,
        "answer": "ship",
        "positions": {"hopeful": "ship", "doubtful": "ship"},
        "rounds": 2,
        "reason": "",
    }
    workers = [task.worker for task in done.tasks]
    assert workers[:6] == ["route", "chooser", "pipeline", "first", "second", "debate"]
    assert start(hybrid, "later", db=":memory:").output == "later first"
    assert start(pipeline(hybrid, lambda value: value), "now!", db=":memory:").output["rounds"] == 2


AFTER: list[str] = []


@dataclass
class Report:
    title: str
    pages: int


@workflow
def wrong(text: str) -> Report:
    return {"title": text, "pages": "many"}  # type: ignore[return-value]


@workflow
def right(text: str) -> Report:
    return Report(text, 3)


@workflow
def next_one(value: Any) -> Any:
    AFTER.append("next_one")
    return value


@pytest.mark.capability(100)
@pytest.mark.parametrize(
    "line",
    [
        pipeline(wrong, next_one),
        pipeline(parallel(right, wrong), next_one),
        pipeline(route(lambda text: "wrong", {"wrong": wrong}), next_one),
        pipeline(loop(wrong, until=lambda report: True), next_one),
        pipeline(pipeline(right, lambda report: report.title, wrong), next_one, next_one),
    ],
)
async def test_a_result_that_breaks_its_contract_goes_nowhere(line: Any) -> None:
    AFTER.clear()
    async with App(db=":memory:") as app:
        job = await app.start(line, "x")
        with pytest.raises(RunFailed, match="broke its contract"):
            await job
    assert AFTER == []


@workflow
async def manager(goal: str) -> list[str]:
    return await gather(lead(f"{goal} {part}") for part in ("east", "west"))


@workflow
async def lead(goal: str) -> str:
    return " + ".join(await gather(hand(f"{goal} {number}") for number in (1, 2)))


@workflow
def hand(goal: str) -> str:
    return f"did {goal}"


@pytest.mark.capability(35)
def test_each_level_sees_its_own_subtree_only() -> None:
    done = start(manager, "build", db=":memory:")
    view = done.view
    (top,) = view.children("0")
    leads = view.children(top.key)
    assert [task.worker for task in leads] == ["lead", "lead"]
    for task, part in zip(leads, ("east", "west"), strict=True):
        hands = view.children(task.key)
        assert sorted(one.input for one in hands) == [f"build {part} 1", f"build {part} 2"]
    assert done.output == ["did build east 1 + did build east 2", "did build west 1 + did build west 2"]


def test_debated_is_a_value_of_its_own_type_at_the_end_of_a_line() -> None:
    assert isinstance(start(pipeline(first, debate(hopeful, doubtful, rounds=1)), "x", db=":memory:").output, Debated)
