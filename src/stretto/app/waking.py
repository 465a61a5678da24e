"""Going on with runs that nobody goes on with: parked ones that were answered, or whose time has come, and interrupted ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from stretto.core.ports import RunRow, Store
from stretto.core.values import RunState
from stretto.runtime.clock import SystemClock

LOOK = 0.5
"""Seconds between two looks for parked runs."""
SWEEP = 5.0
"""Seconds between two looks for runs whose process has died."""


class Waker:
    """Looks after the runs of one app for as long as that is open.

    `wake` takes a run up, wherever its code is. Interrupted runs are taken up only where `owns` says that they are the
    app's: whoever opens a database to look at it does not go on with what others left in it.
    """

    def __init__(self, store: Store, wake: Callable[[str], Awaitable[None]], owns: Callable[[RunRow], bool]) -> None:
        self._store, self._wake, self._owns = store, wake, owns
        self._seen: dict[str, frozenset[str]] = {}

    async def watch(self) -> None:
        """Look, and look again, until cancelled."""
        swept = float("-inf")
        while True:
            if time.monotonic() - swept >= SWEEP:
                swept = time.monotonic()
                await self._sweep()
            await self._look()
            await asyncio.sleep(LOOK)

    async def _look(self) -> None:
        for id, letters in await self._store.due(SystemClock().now()):
            if not letters or self._seen.get(id) != letters:
                self._seen[id] = letters
                await self._wake(id)

    async def _sweep(self) -> None:
        for row in await self._store.runs(state=RunState.RUNNING):
            if not row.held and self._owns(row):
                await self._wake(row.id)
