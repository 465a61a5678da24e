"""Code that takes another way when it is resumed is stopped before it acts; code that does not never is."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

import pytest

from stretto import ReplayMismatch, gather, now, race, workflow
from tests.crash.scenarios import look, pay, put, step
from tests.crash.simulation import Scenario, Session, play

SEEDS, ALL_SEEDS = range(1, 101), range(1, 501)
_life = count()
_outside = Random(4)


@workflow
async def reads_the_clock() -> list[str]:
    first = await look("a")
    return [first, await pay(f"on day {time.time() // 86_400:.0f}"), await pay("end")]


@workflow
async def follows_a_set() -> list[str]:
    return [await pay(str(name)) for name in {Scattered(name) for name in "abcd"}]


class Scattered(str):
    """A text whose hash differs from process to process, as that of any text does."""

    __slots__ = ()

    def __hash__(self) -> int:
        return _outside.getrandbits(60)


@workflow
async def draws_lots() -> list[str]:
    await look("a")
    return [await pay("heads" if random.random() < 0.5 else "tails"), await pay("end")]


@workflow
async def races_past_stretto() -> str:
    async def contest(name: str) -> str:
        await asyncio.sleep(_outside.random())
        return name

    tasks = [asyncio.create_task(contest(name)) for name in "abc"]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    return await pay(done.pop().result())


@workflow
async def drops_a_step() -> str:
    if next(_life) % 2 == 0:
        await pay("a")
    return await pay("b")


@workflow
async def changes_a_branch() -> list[str]:
    async def branch(name: str) -> str:
        await look(name)
        return await pay(f"{name} {_outside.random()}")

    return await gather(branch("a"), branch("b"))


WRONG: dict[Any, Callable[[Session], bool]] = {
    reads_the_clock: lambda session: sum(effect[1].startswith("on day") for effect in session.world.effects) <= 1,
    follows_a_set: lambda session: max(Counter(session.world.effects).values(), default=0) <= 1,
    draws_lots: lambda session: len({effect[1] for effect in session.world.effects} & {"heads", "tails"}) <= 1,
    races_past_stretto: lambda session: len(session.world.effects) <= 1,
    drops_a_step: lambda session: max(Counter(session.world.effects).values(), default=0) <= 1,
    changes_a_branch: lambda session: len(session.world.effects) <= 2,
}


def _check_refused(worker: Any, seeds: range) -> None:
    refused = 0
    for seed in seeds:
        session = play(Scenario(worker), [Random(seed).randint(5, 40)], seed=seed, lazy=seed % 2 == 0)
        assert WRONG[worker](session), f"seed {seed}: {session.world.effects}"
        refused += isinstance(session.error, ReplayMismatch)
        assert session.error is None or isinstance(session.error, ReplayMismatch), f"seed {seed}: {session.error!r}"
    assert refused > len(seeds) / 10


@pytest.mark.parametrize("worker", WRONG, ids=lambda worker: worker.name)
def test_code_that_diverges_is_refused_before_it_acts(worker: Any) -> None:
    _check_refused(worker, SEEDS)


@pytest.mark.torture
@pytest.mark.parametrize("worker", WRONG, ids=lambda worker: worker.name)
def test_code_that_diverges_is_refused_in_all_seeds(worker: Any) -> None:
    _check_refused(worker, ALL_SEEDS)


def test_the_refusal_names_both_sides_and_the_remedy() -> None:
    sessions = (play(Scenario(reads_the_clock), [site]) for site in range(10, 30))
    error = next(session.error for session in sessions if session.error is not None)
    for part in ("now wants tool pay", "the journal has tool pay", "Nothing was done", "now, random, race"):
        assert part in str(error)


@workflow
async def all_correct() -> list[Any]:
    begun = await now()

    async def slow(name: str) -> list[str]:
        await asyncio.sleep(0.05)
        found = await look(name)
        await asyncio.sleep(0.3)
        return [found, await pay("same"), await put(name)]

    first = await asyncio.gather(slow("a"), slow("b"), step("same"), step("same"))
    winner = await race(slow("c"), slow("d"))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(slow(name)) for name in "ef"]
    return [*first, len(winner), *(task.result() for task in tasks), await pay("end"), begun > 0]


def _check_never_refused(seeds: range) -> None:
    plain = play(Scenario(all_correct))
    for seed in seeds:
        random = Random(seed)
        crashes = [random.randint(1, 2 * len(plain.sites)) for _ in range(random.randint(1, 3))]
        how: dict[str, Any] = {"lazy": seed % 2 == 0, "eager": seed % 3 == 0, "power_cuts": seed % 5 == 0}
        session = play(Scenario(all_correct), crashes, seed=seed, **how)
        assert session.output == plain.output, f"seed {seed}, crashes {crashes}: {session.error}"


def test_correct_code_is_never_refused() -> None:
    _check_never_refused(range(1, 201))


@pytest.mark.torture
def test_correct_code_is_never_refused_in_a_thousand_seeds() -> None:
    _check_never_refused(range(1, 1_001))
