"""`simulate` as its users have it: time that flies, an order that a seed gives, processes that die at any point."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter

import pytest

from stretto import ReplayMismatch, UsageError, ask, gather, now, sleep, tool, workflow
from stretto.core.events import Asked
from stretto.core.values import Answer
from stretto.testing import Simulation, Stuck, agree, simulate


class Bank:
    """The world: what was paid, by key."""

    def __init__(self) -> None:
        self.paid: Counter[str] = Counter()

    def settle(self, asked: Asked, key: str) -> Answer | None:
        if asked.ask != "doubt":
            return agree(asked, key)
        return Answer("done", "paid", by="eve") if self.paid[key] else Answer("repeat", by="eve")


ANYWHERE = Bank()
"""Stands where the test's bank is injected."""


@tool(risk="high")
async def pay(what: str, *, idempotency_key: str = "", bank: Bank = ANYWHERE) -> str:
    await asyncio.sleep(1)
    bank.paid[idempotency_key] += 1
    return "paid"


@tool
def look(what: str) -> str:
    return f"saw {what}"


@workflow
async def errand(what: str) -> list[str]:
    found = await look(what)
    paid = await gather(pay("a"), pay("b"), pay("a"))
    await sleep(days=7)
    return [found, *paid, await ask("Good?")]


def _run(sim: Simulation, bank: Bank) -> object:
    return sim.run(errand, "EV", deps=bank, person=bank.settle)


def test_a_workflow_lives_through_a_crash_at_every_point() -> None:
    bank = Bank()
    with simulate() as sim:
        expected = _run(sim, bank)
    assert expected == ["saw EV", "paid", "paid", "paid", "yes"]
    for site in range(1, len(sim.sites) + 1):
        bank = Bank()
        with simulate(crash_at=[site]) as again:
            assert _run(again, bank) == expected
        assert again.lives == 2
        assert sorted(bank.paid.values()) == [1, 1, 1]


def test_a_workflow_lives_through_any_order_with_crashes_and_power_cuts() -> None:
    lives = set()
    for seed in range(1, 101):
        bank = Bank()
        with simulate(seed, crashes=2, power_cuts=True, eager=True) as sim:
            assert _run(sim, bank) == ["saw EV", "paid", "paid", "paid", "yes"]
        assert sorted(bank.paid.values()) == [1, 1, 1]
        lives.add(sim.lives)
    assert lives >= {1, 2, 3}


def test_equal_seeds_give_equal_traces_and_others_do_not() -> None:
    def trace(seed: int) -> tuple[str, ...]:
        with simulate(seed, crashes=1) as sim:
            _run(sim, Bank())
        return tuple(sim.trace)

    assert trace(3) == trace(3)
    assert len({trace(seed) for seed in range(1, 11)}) == 10


def test_a_full_disk_stops_the_process_and_loses_nothing() -> None:
    bank = Bank()
    with simulate(full_from=4) as sim:
        assert _run(sim, bank) == ["saw EV", "paid", "paid", "paid", "yes"]
    assert sim.lives == 2


@workflow
async def reads_the_clock() -> str:
    paid = await pay(f"on day {time.time() // 86_400:.0f}")
    await look("end")
    return paid


def test_code_that_reads_the_clock_is_found_out() -> None:
    with simulate() as sim:
        sim.run(reads_the_clock, deps=Bank())
    refused = 0
    for site in range(1, len(sim.sites)):
        bank = Bank()
        with simulate(crash_at=[site]) as again:
            try:
                again.run(reads_the_clock, deps=bank, person=bank.settle)
            except ReplayMismatch:
                refused += 1
    assert refused > 5


def test_time_is_virtual_and_everything_is_as_before_afterwards() -> None:
    async def nap() -> float:
        await asyncio.sleep(3_600)
        return time.time()

    real, state = time.time, random.getstate()
    with simulate(1) as sim:
        assert sim.run_until_complete(nap()) == sim.time()
    assert time.time is real
    assert random.getstate() == state


@workflow
async def tells_the_time() -> float:
    begun = await now()
    await sleep(days=30)
    return await now() - begun


def test_a_month_takes_no_time() -> None:
    with simulate() as sim:
        assert sim.run(tells_the_time) == pytest.approx(30 * 86_400, abs=1)


@workflow
async def waits_for_nobody() -> str:
    await asyncio.get_running_loop().create_future()
    return ""


def test_a_run_that_waits_for_nothing_is_stuck() -> None:
    with simulate() as sim, pytest.raises(Stuck):
        sim.run(waits_for_nobody)


def test_a_doubt_that_nobody_can_settle_is_the_tests_to_settle() -> None:
    with simulate() as sim:
        sim.run(errand, "EV", deps=Bank())
    site = sim.sites.index("effect.before", 8) + 1
    with simulate(crash_at=[site]) as sim, pytest.raises(UsageError, match="only the test knows"):
        sim.run(errand, "EV", deps=Bank())


@tool
def slow(text: str) -> str:
    time.sleep(0.02)
    return text * 2


@tool(process=True)
def apart(text: str) -> str:
    return text * 3


@workflow
async def blocked(text: str) -> str:
    return await slow(text) + await apart(text)


def test_blocking_tools_are_called_in_the_loop() -> None:
    with simulate(1) as sim:
        assert sim.run(blocked, "a") == "aaaaa"
