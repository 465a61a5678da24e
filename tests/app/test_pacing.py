"""Runs that are started all at once leave room in the event loop for others."""

import asyncio
from itertools import pairwise

from stretto import App, workflow
from stretto.app.pacing import MOST


@workflow
async def quick(number: int) -> int:
    return number


async def test_runs_started_at_once_begin_in_order_a_few_in_each_turn_of_the_loop() -> None:
    async with App(db=":memory:") as app:
        began: list[int] = []

        async def one(number: int) -> int:
            job = await app.start(quick, number)
            began.append(number)
            return int(await job)

        everything = asyncio.gather(*(one(number) for number in range(5 * MOST)))
        seen = []
        while len(began) < 5 * MOST:
            seen.append(len(began))
            await asyncio.sleep(0)
        assert await everything == list(range(5 * MOST))
    assert began == sorted(began)
    assert max(later - before for before, later in pairwise(seen)) <= MOST
