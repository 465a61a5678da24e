"""Runs whose outside world is a `World`, in an App of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from stretto import App, Run
from tests.crash.simulation import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def app(world: World) -> AsyncIterator[App]:
    async with App(db=":memory:", deps=world) as app:
        yield app


Begin = Callable[..., Awaitable[Run]]


@pytest.fixture
def begin(app: App) -> Begin:
    """Start a worker, and wait until it has ended or waits."""

    async def start(worker: Any, *args: Any, **kwargs: Any) -> Run:
        job = await app.start(worker, *args, **kwargs)
        await app.settled(job.id)
        return await job.refresh()

    return start
