"""`chaos` finds what would go wrong, and nothing where nothing would."""

from __future__ import annotations

import random
import time
import uuid

import pytest

from stretto import UsageError, ask, gather, now, tool, workflow
from stretto.app.chaos import Report, chaos
from stretto.runtime.workflow import as_worker

REAL: list[str] = []


@tool(effect="once")
def pay(what: str, at: float = 0) -> int:
    REAL.append(what)
    return 1


@tool(effect="idempotent")
def put(what: str) -> list[str]:
    REAL.append(what)
    return []


@tool(risk="high")
def send(what: str) -> str:
    REAL.append(what)
    return "x"


@workflow
async def good(goal: str) -> list[object]:
    begun = await now()
    first = await pay(goal, at=begun)
    return [first, *await gather(put("a"), send("b")), await ask("Good?")]


@workflow
async def reads_the_clock(goal: str) -> int:
    return await pay(goal, at=int(time.time()))


@workflow
async def draws_lots(goal: str) -> int:
    await put(goal)
    return await pay(f"{random.randint(1, 6)}")


@workflow
async def names_things(goal: str) -> int:
    return await pay(f"{goal} {uuid.uuid4()}")


@workflow
async def fails(goal: str) -> int:
    raise ValueError(goal)


def _chaos(worker: object) -> Report:
    REAL.clear()
    report = chaos(as_worker(worker), "EV")
    assert REAL == [], "something real happened"
    return report


def test_code_that_takes_the_same_way_every_time_comes_through() -> None:
    report = _chaos(good)
    assert report.bad == []
    assert report.points > 50
    assert len(report.trials) == 3 * report.points
    outcomes = {trial.outcome for trial in report.trials}
    assert {"went on", "in doubt", "repeated with the same key", "failed, and said so"} <= outcomes
    assert {trial.detail for trial in report.trials if trial.outcome == "in doubt"} >= {"pay", "send"}


@pytest.mark.capability(187)
@pytest.mark.parametrize("worker", [reads_the_clock, draws_lots, names_things], ids=lambda worker: worker.name)
def test_code_that_is_not_deterministic_is_found(worker: object) -> None:
    bad = _chaos(worker).bad
    assert {trial.outcome for trial in bad} == {"not deterministic"}
    assert any("pay" in trial.detail for trial in bad)


def test_a_target_that_fails_by_itself_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="nothing can be learnt"):
        _chaos(fails)


def test_of_many_points_some_are_tried() -> None:
    assert len(chaos(as_worker(good), "EV", most=10).trials) <= 30
