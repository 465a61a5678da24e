"""Runs that are started all at once begin a few at a time, so that the event loop is free for others in between."""

from __future__ import annotations

import asyncio
from collections import deque

MOST = 32
"""Runs that begin in one turn of the event loop: a few milliseconds of work."""


class Starts:
    """Lets so many runs begin in each turn of the loop, in the order in which they came."""

    def __init__(self) -> None:
        self._begun = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def turn(self) -> None:
        """Wait for a turn that has room."""
        if self._begun < MOST:
            self._count()
        else:
            self._waiting.append(future := asyncio.get_running_loop().create_future())
            await future

    def _count(self) -> None:
        if not self._begun:
            asyncio.get_running_loop().call_soon(self._next)
        self._begun += 1

    def _next(self) -> None:
        self._begun = 0
        while self._waiting and self._begun < MOST:
            future = self._waiting.popleft()
            if not future.done():
                self._count()
                future.set_result(None)
