"""What a branch recorded is found again by that branch, whatever the order in which branches come back."""

import asyncio
from random import Random
from typing import Any

import pytest

from stretto import App, gather, tool, workflow
from tests.crash.scenarios import OUTSIDE, look, pay
from tests.crash.simulation import Scenario, Session, World, play


@tool
async def fetch(url: str, *, world: World = OUTSIDE) -> str:
    await world.delay()
    return f"page {url}"


@tool
async def summarize(page: str, *, world: World = OUTSIDE) -> str:
    await world.delay()
    return f"summary of {page}"


async def _read(url: str) -> str:
    page = await fetch(url)
    again = await fetch("index")
    return f"{url}: {await summarize(page)}, {await summarize(again)}"


@workflow
async def two_branches() -> list[str]:
    return await gather(_read("a"), _read("b"))


@workflow
async def raw_branches() -> list[str]:
    tasks = [asyncio.create_task(_read(url)) for url in "ab"]
    await asyncio.sleep(0.001)
    return [*await asyncio.gather(*tasks), *await asyncio.gather(_read("c"), _read("d"))]


def _right(url: str) -> str:
    return f"{url}: summary of page {url}, summary of page index"


def _interrupted(scenario: Scenario, seed: int, **how: Any) -> Session:
    random = Random(seed)
    crashes = [random.randint(1, 60) for _ in range(random.randint(0, 3))]
    return play(scenario, crashes, seed=seed, lazy=random.random() < 0.5, **how)


@pytest.mark.capability(177)
def test_results_never_land_in_the_wrong_branch() -> None:
    for seed in range(1, 1_001):
        assert _interrupted(Scenario(two_branches), seed).output == [_right("a"), _right("b")], f"seed {seed}"


def test_plain_asyncio_tasks_keep_their_results_where_stretto_owns_the_loop() -> None:
    for seed in range(1, 301):
        assert _interrupted(Scenario(raw_branches), seed).output == [_right(url) for url in "abcd"], f"seed {seed}"


@pytest.mark.parametrize("seed", [1, 2])
def test_plain_asyncio_tasks_are_refused_where_it_does_not(seed: int) -> None:
    error = play(Scenario(raw_branches, ends="run_failed"), seed=seed, own_loop=False).error
    assert "gather" in str(error)
    assert "plain asyncio task" in str(error)


@workflow
async def child(name: str) -> str:
    return await look(name)


@workflow
async def raw_calls() -> list[str]:
    return list(await asyncio.gather(child("a"), child("b")))


@workflow
async def raw_tools() -> list[str]:
    return list(await asyncio.gather(look("a"), look("b")))


@pytest.mark.parametrize("worker", [raw_calls, raw_tools])
async def test_calls_awaited_by_plain_tasks_are_refused_in_a_loop_of_the_users(worker: Any) -> None:
    async with App(db=":memory:", deps=World()) as app:
        job = await app.start(worker)
        with pytest.raises(Exception, match="use stretto's gather"):
            await job


async def test_stretto_gather_works_in_a_loop_of_the_users() -> None:
    async with App(db=":memory:", deps=World()) as app:
        assert await (await app.start(two_branches)) == [_right("a"), _right("b")]


@workflow
async def made_before_awaited() -> list[str]:
    calls = [child("x"), child("x"), child("y")]
    return [await calls[2], await calls[1], await calls[0]]


def test_a_call_takes_its_place_when_it_is_made() -> None:
    plain = play(Scenario(made_before_awaited))
    for site in range(1, len(plain.sites)):
        again = play(Scenario(made_before_awaited), [site])
        assert again.output == plain.output
        assert again.kinds["task_started"] == 4


@workflow
async def twice() -> str:
    call = child("x")
    await call
    return await call


def test_a_call_is_awaited_once() -> None:
    assert "awaited before" in str(play(Scenario(twice, ends="run_failed")).error)


@workflow
async def equal_calls() -> list[str]:
    return [await pay("x"), *await gather(pay("x"), pay("x")), await pay("x")]


def test_equal_calls_are_told_apart_by_their_occurrence() -> None:
    plain = play(Scenario(equal_calls))
    assert plain.world.effects == [("pay", "x")] * 4
    assert len(plain.world.keys) == 4
