"""gather, race and timeout: what they give, and that a replay gives the same."""

import asyncio
import contextlib
from typing import Any, cast

import pytest

from stretto import App, Done, Failed, UsageError, WorkerFailed, ask, gather, race, timeout, tool, workflow
from tests.crash.scenarios import OUTSIDE, look, pay, step
from tests.crash.simulation import Scenario, World, play


@tool
async def busy(what: str, *, world: World = OUTSIDE) -> int:
    """How many are in here at once."""
    world.facts["in"] = world.facts.get("in", 0) + 1
    await asyncio.sleep(1)
    most = world.facts["in"]
    world.facts["in"] -= 1
    return int(most)


@workflow
async def limited() -> list[int]:
    return await gather((busy(str(number)) for number in range(9)), limit=3)


def test_no_more_run_at_once_than_the_limit_says() -> None:
    assert max(play(Scenario(limited)).output) == 3


@workflow
async def broken(what: str) -> str:
    raise LookupError(what)


@workflow
async def collects() -> list[Any]:
    outcomes = await gather(step("a"), broken("b"), on_error="collect")
    match outcomes:
        case [Done(value), Failed(error)]:
            return [value, str(error)]
        case _:
            return []


def test_collected_outcomes_lose_no_result() -> None:
    assert play(Scenario(collects)).output == ["saw a, did pay", "broken failed: b"]


@workflow
async def first_failure() -> None:
    await gather(broken("b"), ask("never answered"))


def test_the_first_failure_ends_the_others_and_the_run() -> None:
    session = play(Scenario(first_failure, ends="run_failed"))
    assert isinstance(session.error, WorkerFailed)
    assert session.error.failure.root().error == "b"


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (lambda: race(), "at least one"),
        (lambda: gather(limit=0), "at least 1"),
        (lambda: gather(on_error=cast(Any, "x")), "collect"),
    ],
)
def test_what_cannot_work_is_said_at_once(call: Any, fault: str) -> None:
    @workflow
    async def wrong() -> None:
        await call()

    assert fault in str(play(Scenario(wrong, ends="run_failed")).error)


async def test_branches_outside_a_run_are_refused() -> None:
    with pytest.raises(UsageError, match="inside a run"):
        await gather()


@workflow
async def asks_in_vain() -> list[str]:
    with contextlib.suppress(TimeoutError):
        await timeout(0.05, ask("anybody?"))
    won = await race(ask("nobody?"), look("quick"))
    return [won, await ask("somebody?")]


async def test_questions_of_abandoned_branches_are_withdrawn() -> None:
    async with App(db=":memory:", deps=World()) as app:
        job = await app.start(asks_in_vain)
        await app.settled(job.id)
        await job.refresh()
        assert [item["prompt"] for item in job.approvals] == ["somebody?"]
        gone = next(wait for wait in job.view.waits.values() if wait.asked.prompt == "anybody?")
        with pytest.raises(UsageError, match="went on without it"):
            await job.answer(gone.asked.wait, "late", by="eve")
        await job.answer(None, "me", by="eve")
        assert await job == ["saw quick", "me"]


WORKS = {"b": False}


@workflow
async def mended(what: str) -> str:
    paid = await pay(what)
    if not WORKS.get(what, True):
        raise ValueError("not mended")
    return paid


@workflow
async def gathers() -> list[str]:
    return await gather(mended("a"), mended("b"), mended("c"))


async def test_a_failed_gather_resumes_with_what_its_branches_had_finished() -> None:
    world, WORKS["b"] = World(), False
    async with App(db=":memory:", deps=world) as app:
        job = await app.start(gathers, id="g")
        with pytest.raises(WorkerFailed):
            await job
        WORKS["b"] = True
        await job.resume()
        assert await job == ["did pay"] * 3
        assert sorted(world.effects) == [("pay", "a"), ("pay", "b"), ("pay", "c")]


@workflow
async def slow_effect(what: str, *, world: World = OUTSIDE) -> str:
    return await pay_slowly(what)


@tool(effect="once")
async def pay_slowly(what: str, *, idempotency_key: str = "", world: World = OUTSIDE) -> str:
    await world.happen("pay_slowly", what, key=idempotency_key)
    await asyncio.sleep(60)
    return "paid slowly"


@workflow
async def abandons_an_effect() -> str:
    try:
        await timeout(1, slow_effect("x"))
    except TimeoutError:
        return "too slow"
    return "quick"


def test_an_effect_cut_off_in_an_abandoned_branch_is_a_doubt_that_is_shown() -> None:
    session = play(Scenario(abandons_an_effect))
    assert session.kinds["asked"] == 1
    assert session.output in ("too slow", "quick")  # which of them, is open until it is known
    assert session.world.effects == [("pay_slowly", "x")]
