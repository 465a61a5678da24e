"""Several do the same job, a judge scores what they make, and the best is taken."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from stretto import Agent, App, RunFailed, Score, UsageError, ask, compete, parallel, pipeline, sleep, start, workflow
from stretto.testing import ScriptedModel, say, simulate


def short(task: str) -> str:
    return f"{task}!"


def long(task: str) -> str:
    return f"{task}, at great length"


def broken(task: str) -> str:
    raise OSError("it broke")


def length(answer: str) -> Score:
    return Score(len(answer) / 100, f"{len(answer)} letters")


def decision(run: Any) -> Any:
    return next(value for _, _, name, value in run.view.decisions if name == "compete")


@pytest.mark.capability(36)
def test_the_best_is_selected_and_the_losers_stay_inspectable() -> None:
    done = start(compete(short, long, broken, judge=length), "tea", db=":memory:")
    assert done.output == "tea, at great length"
    assert decision(done) == {
        "winner": 2,
        "candidates": [
            {"worker": "short", "score": 0.04, "reason": "4 letters"},
            {"worker": "long", "score": 0.2, "reason": "20 letters"},
            {"worker": "broken", "failed": "broken failed: it broke"},
        ],
    }
    outputs = {(task.worker, task.label): task.output for task in done.tasks}
    assert outputs["short", "candidate 1"] == "tea!"
    assert outputs["length", "candidate 1"] == {"value": 0.04, "reason": "4 letters"}


def test_of_equal_scores_the_first_wins() -> None:
    assert start(compete(short, long, judge=lambda answer: 0.5), "tea", db=":memory:").output == "tea!"


@workflow
async def after(case: dict[str, float]) -> float:
    await sleep(case["seconds"])
    return case["seconds"]


@workflow
async def much_later(case: dict[str, float]) -> float:
    await sleep(3600)
    return -1


@pytest.mark.capability(36)
def test_a_score_that_is_good_enough_ends_the_others() -> None:
    with simulate(3) as sim:
        begun = sim.time()
        worker = compete(much_later, after, much_later, judge=lambda answer: answer, accept=0.9)
        assert sim.run(worker, {"seconds": 5}) == 5
        assert sim.time() - begun < 60
    told = [row.event() for row in sim.events if row.kind == "decided"]
    candidates = next(event.value for event in told if event.name == "compete")  # type: ignore[attr-defined]
    assert candidates == {
        "winner": 2,
        "candidates": [
            {"worker": "much_later", "left": True},
            {"worker": "after", "score": 5.0, "reason": ""},
            {"worker": "much_later", "left": True},
        ],
    }


def test_one_after_the_other_the_first_good_one_spares_the_rest() -> None:
    made: list[str] = []

    async def attempt(task: str) -> int:
        made.append(task)
        return len(made)

    done = start(compete(attempt, n=5, judge=lambda answer: answer / 2, accept=1, limit=1), "try", db=":memory:")
    assert done.output == 2
    assert made == ["try", "try"]
    assert decision(done)["winner"] == 2


@workflow
async def quick(task: str) -> str:
    return "quick"


@workflow
async def slow(task: str) -> str:
    await asyncio.sleep(0.05)
    return "slow"


@workflow
async def asks(best: str) -> str:
    return f"{best}, then {await ask('and now?')}"


best_then_ask = pipeline(compete(slow, quick, judge=lambda answer: 1, accept=0.9), asks)


async def test_an_early_winner_stays_the_winner_in_another_process(tmp_path: Any) -> None:
    db = str(tmp_path / "runs.db")
    async with App(db=db) as app:
        job = await app.start(best_then_ask, "x", id="r")
        await app.settled("r")
        assert (await job.refresh()).state == "waiting"
    async with App(db=db) as app:
        again = await app.start(best_then_ask, "x", id="r")
        await again.answer("and now?", "on", by="ann")
        assert await again == "quick, then on"
        assert [value for _, _, name, value in (await again.refresh()).view.decisions if name == "race"] == [1]


async def test_where_all_fail_the_error_has_all_failures() -> None:
    def wrong(task: str) -> str:
        raise ValueError("it is wrong")

    async with App(db=":memory:") as app:
        with pytest.raises(RunFailed, match=r"it broke.*it is wrong"):
            await (await app.start(compete(broken, wrong, judge=length), "tea"))


@dataclass
class Draft:
    text: str


def test_a_judge_is_a_function_of_task_and_answer_or_an_agent() -> None:
    seen: list[Any] = []

    def rule(task: str, answer: Draft) -> float:
        seen.append((task, answer))
        return 0.5

    def draft(task: str) -> Draft:
        return Draft(f"about {task}")

    assert start(compete(draft, judge=rule), "tea", db=":memory:").output == Draft("about tea")
    assert seen == [("tea", Draft("about tea"))]

    model = ScriptedModel([say({"value": 0.2, "reason": "dull"}), say({"value": 0.8, "reason": "vivid"})])
    judge = Agent(model, "Score the answer.", name="judge", output=Score)
    done = start(compete(short, long, judge=judge, limit=1), "tea", db=":memory:")
    assert done.output == "tea, at great length"
    assert '"answer":"tea!"' in model.requests[0].messages[-1].text
    assert '"task":"tea"' in model.requests[0].messages[-1].text


@dataclass
class Grade:
    points: int
    why: str
    reason: str = "graded"


def test_a_verdict_may_have_a_type_of_its_own() -> None:
    done = start(compete(short, long, judge=lambda answer: Grade(len(answer), "so")), "tea", db=":memory:")
    assert done.output == "tea, at great length"
    assert decision(done)["candidates"][1] == {"worker": "long", "score": 20.0, "reason": "graded"}


def test_three_attempts_of_one_agent_are_three_calls() -> None:
    model = ScriptedModel([say("bad"), say("better"), say("best of all")])
    write = Agent(model, "Write.", name="write")
    assert start(compete(write, n=3, judge=length), "tea", db=":memory:").output == "best of all"


def test_a_judge_that_gives_no_score_is_told_so() -> None:
    done = start(compete(short, judge=lambda answer: "fine"), "tea", db=":memory:")
    assert done.state == "failed"
    assert "Score(value, reason)" in done.error


def test_it_nests() -> None:
    inner = compete(short, long, judge=length)
    assert start(parallel(pipeline(inner, short), inner), "tea", db=":memory:").output == [
        "tea, at great length!",
        "tea, at great length",
    ]


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one worker"):
        compete(judge=length)
    with pytest.raises(UsageError, match="at least 1"):
        compete(short, judge=length, n=0)
    with pytest.raises(UsageError, match="limit=0"):
        compete(short, judge=length, limit=0)
