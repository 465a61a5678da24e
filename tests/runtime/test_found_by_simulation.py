"""What the simulation found in the engine, one test for each."""

from __future__ import annotations

import asyncio

from stretto import ask, gather, timeout, workflow
from tests.crash.scenarios import fan_out, pay, put
from tests.crash.simulation import Scenario, judge, play


def test_a_limited_gather_begins_its_branches_in_their_order_whatever_the_loop_does() -> None:
    """A branch that had begun found no slot when it was replayed, and its neighbours waited for it for ever."""
    scenario = Scenario(fan_out)
    plain = play(scenario)
    for seed in range(1, 31):
        judge(play(scenario, [20 + seed], seed=seed), plain, scenario)


@workflow
async def leaves_a_plain_task() -> str:
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0.01)
    task.cancel()
    return await pay("end")


def test_a_plain_task_that_outlives_its_run_is_no_defect() -> None:
    """Its end was reported to a run that was gone."""
    for seed in range(1, 31):
        assert play(Scenario(leaves_a_plain_task), seed=seed).output == "did pay"


@workflow
async def asks_beside() -> list[str]:
    return await gather(pay("a"), ask("well?"), pay("b"))


def test_an_evicted_run_leaves_no_error_that_nobody_retrieved() -> None:
    """What was thrown out of a parked run was reported as an error that nobody had looked at."""
    for seed in range(1, 61):
        assert play(Scenario(asks_beside), [10 + seed % 30], seed=seed).output == ["did pay", "about well?", "did pay"]


@workflow
async def asks_for_a_while() -> str:
    try:
        return await timeout(60, ask("anybody?"))
    except TimeoutError:
        return await pay("nobody")


def test_a_time_limit_that_comes_while_the_run_is_parked_does_not_park_it_for_ever() -> None:
    """The clock had jumped; the branch went on while the run was parked, with nothing left to wake it."""
    scenario = Scenario(asks_for_a_while, person=lambda asked, done: None)
    for seed in range(1, 101):
        assert play(scenario, seed=seed, jumps=60).output == "did pay"


async def _branch(what: str) -> str:
    return await put(what)


@workflow
async def branches_around_a_payment() -> list[str]:
    return [*await gather(_branch("a")), await pay("between"), *await gather(_branch("b"))]


def test_settling_a_doubt_takes_no_place_among_the_branches() -> None:
    """It was taken for a plain task, which forks the scope: later branches had other places once it was settled."""
    scenario = Scenario(branches_around_a_payment)
    plain = play(scenario)
    second = [number for number, site in enumerate(plain.sites, 1) if site == "effect.after"][1]
    for later in range(second + 1, second + 60):
        judge(play(scenario, [second, later]), plain, scenario)
