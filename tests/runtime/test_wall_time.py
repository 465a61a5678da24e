"""A budget of time: what is worked counts, what is waited does not; it asks a person, as every budget does."""

import asyncio

import pytest

from stretto import App, Budget, RunFailed, gather, sleep, tool, workflow
from stretto.core.events import Asked
from stretto.core.values import Answer
from tests.crash.simulation import Scenario, play


@tool
async def slow(what: str) -> str:
    await asyncio.sleep(4)
    return what


@workflow(budget="10 s")
async def six() -> list[str]:
    return [await slow(what) for what in "abcdef"]


@workflow
async def around() -> list[str]:
    return [*await six(), await slow("after")]


def _more(asked: Asked, happened: bool) -> Answer:
    assert asked.ask == "budget"
    return Answer("approve", "1 min", by="eve")


def _no(asked: Asked, happened: bool) -> Answer:
    return Answer("reject", by="eve")


def test_used_up_time_parks_the_run_until_a_person_gives_more() -> None:
    session = play(Scenario(around, person=_more))
    assert session.output == [*"abcdef", "after"]
    asked = [event for row in session.rows if isinstance(event := row.event(), Asked)]
    assert [one.prompt for one in asked] == ["The budget of six is used up (12.0 of 10 s); slow waits."]
    assert session.kinds["run_parked"] == 1


def test_time_that_nobody_gives_fails_the_task() -> None:
    session = play(Scenario(around, person=_no, ends="run_failed"))
    assert "the budget of six is used up and was not raised: 12.0 of 10 s" in str(session.error)
    assert session.kinds["step_done"] == 3


def test_time_is_counted_through_crashes() -> None:
    for site in range(1, len(play(Scenario(around, person=_more)).sites) + 1):
        session = play(Scenario(around, person=_more), [site])
        assert session.output == [*"abcdef", "after"], f"died at {site}"
        assert session.kinds["asked"] == 1, f"died at {site}"


@workflow(budget="10 s")
async def waits_between() -> list[str]:
    first = await slow("first")
    await sleep(days=30)
    return [first, await slow("second")]


def test_time_that_is_waited_does_not_count() -> None:
    session = play(Scenario(waits_between, person=lambda asked, happened: None))
    assert session.output == ["first", "second"]


@workflow(budget="10 s")
async def twenty() -> list[str]:
    return await gather((slow(str(number)) for number in range(20)), limit=5)


def test_branches_ask_once() -> None:
    session = play(Scenario(twenty, person=_more))
    assert len(session.output) == 20
    assert session.kinds["asked"] == 1


@tool
async def blocks() -> None:
    await asyncio.sleep(0.01)


@workflow
async def goes_on() -> None:
    for _ in range(3):
        await blocks()


@pytest.mark.capability(95)
async def test_a_whole_run_has_its_time() -> None:
    async with App(db=":memory:") as app:
        job = await app.start(goes_on, budget=Budget(seconds=0.005))
        await app.settled(job.id)
        assert (await job.refresh()).approvals[0]["kind"] == "budget"
        await job.approve(edit="1 min", by="eve")
        await job


@workflow(timeout=0.05)
async def hangs() -> None:
    await asyncio.Event().wait()


async def test_a_time_limit_cuts_what_hangs() -> None:
    async with App(db=":memory:") as app:
        job = await app.start(hangs)
        with pytest.raises(RunFailed, match="longer than its limit"):
            await job
