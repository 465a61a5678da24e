"""Tasks: finished ones are not entered again, failed ones are tried again, and what was done stays done."""

from pathlib import Path
from typing import Any

import pytest

from stretto import NotDone, RunFailed, ToolError, UsageError, WorkerFailed, pipeline, run, tool, workflow
from tests.crash.scenarios import OUTSIDE, look, pay
from tests.crash.simulation import Scenario, World, play
from tests.runtime.conftest import Begin

ENTERED: list[str] = []


@workflow
async def inner(what: str) -> str:
    ENTERED.append(what)
    return await look(what)


@workflow
async def outer() -> list[str]:
    return [await inner("a"), await inner("b"), await pay("end")]


def test_finished_tasks_are_not_entered_again() -> None:
    plain = play(Scenario(outer))
    for site in range(1, len(plain.sites)):
        ENTERED.clear()
        session = play(Scenario(outer), [site])
        done = sum(row.kind == "task_finished" for row in session.rows[: _resumed_at(session.rows)])
        assert len(ENTERED) <= 4 - done


def _resumed_at(rows: list[Any]) -> int:
    return next((row.seq for row in rows if row.kind == "run_resumed"), 0)


@workflow(retry=2)
async def third_time(what: str, *, world: World = OUTSIDE) -> str:
    paid = await pay(what)
    tries = world.facts[what] = world.facts.get(what, 0) + 1
    if tries < 3:
        raise OSError("not yet")
    return f"{paid} after {tries}"


def test_a_retry_reads_nothing_of_its_predecessor_but_what_must_not_happen_twice() -> None:
    session = play(Scenario(third_time, "x"))
    assert session.output == "did pay after 3"
    assert session.world.effects == [("pay", "x")]
    failures = [row.event() for row in session.rows if row.kind == "task_failed"]
    assert [failure.again for failure in failures] == [True, True]  # type: ignore[attr-defined]


@workflow(retry=1)
async def never() -> None:
    raise OSError("no")


def test_used_up_attempts_fail_with_their_number() -> None:
    error = play(Scenario(never, ends="run_failed")).error
    assert isinstance(error, WorkerFailed)
    assert str(error) == "never failed after 2 attempts: no"


@workflow(retry=5)
async def cannot_work() -> None:
    raise UsageError("wrong from the start")


def test_what_another_attempt_would_only_meet_again_is_not_tried_again() -> None:
    assert play(Scenario(cannot_work, ends="run_failed")).kinds["task_started"] == 1


@workflow(timeout=2)
async def endless() -> None:
    await look("x")
    import asyncio  # noqa: PLC0415

    await asyncio.sleep(1_000)


@pytest.mark.capability(95)
def test_a_task_has_its_time_limit() -> None:
    assert "longer than its limit of 2 s" in str(play(Scenario(endless, ends="run_failed")).error)


@workflow
async def misfit() -> int:
    return "three"  # type: ignore[return-value]


@pytest.mark.capability(100)
def test_an_output_that_breaks_the_contract_fails_the_task() -> None:
    assert "broke its contract" in str(play(Scenario(misfit, ends="run_failed")).error)


STATE: dict[str, Any] = {}


@tool(effect="once")
async def deliver(what: str) -> str:
    STATE.setdefault("delivered", []).append(what)
    if STATE.get("closed"):
        STATE["delivered"].pop()
        raise NotDone("the shop is closed")
    return "delivered"


@tool
async def parse(what: str) -> int:
    if STATE.get("broken"):
        raise ToolError("cannot parse")
    return len(what)


@workflow
async def job() -> list[Any]:
    return [await deliver("first"), await parse("four"), await deliver("second")]


@pytest.mark.capability(106)
def test_a_failed_run_goes_on_where_it_failed(tmp_path: Path) -> None:
    STATE.clear()
    STATE["broken"] = True
    with pytest.raises(RunFailed, match="cannot parse"):
        run(job, id="j", db=str(tmp_path / "runs.db"))
    assert STATE["delivered"] == ["first"]
    STATE["broken"], STATE["closed"] = False, True
    with pytest.raises(RunFailed, match="the shop is closed"):
        run(job, id="j", db=str(tmp_path / "runs.db"))
    STATE["closed"] = False
    assert run(job, id="j", db=str(tmp_path / "runs.db")) == ["delivered", 4, "delivered"]
    assert STATE["delivered"] == ["first", "second"]
    assert run(job, id="j", db=str(tmp_path / "runs.db")) == ["delivered", 4, "delivered"]
    assert STATE["delivered"] == ["first", "second"]


def test_the_same_id_with_another_input_is_refused(tmp_path: Path) -> None:
    @workflow
    async def echo(text: str) -> str:
        return text

    db = str(tmp_path / "runs.db")
    assert run(echo, "a", id="e", db=db) == "a"
    assert run(echo, "a", id="e", db=db) == "a"
    with pytest.raises(UsageError, match="another input"):
        run(echo, "b", id="e", db=db)


@workflow
async def repeated(word: str, times: int = 2) -> str:
    return word * times


async def test_an_input_that_is_no_object_is_the_first_parameter_where_the_others_have_defaults(begin: Begin) -> None:
    assert (await begin(repeated, "ab")).output == "abab"
    assert (await begin(repeated, {"word": "ab", "times": 1})).output == "ab"
    assert (await begin(pipeline(lambda word: word, repeated), "ab")).output == "abab"
