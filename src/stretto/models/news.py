"""Waiting for something to change, in whichever event loop one is."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress


class News:
    """Who waits here wakes when something has changed, and looks for itself what it was."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    async def wait(self, limit: float = math.inf) -> None:
        """Until the next change, at most so many seconds."""
        self._waiting.add(change := asyncio.get_running_loop().create_future())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(limit if limit < math.inf else None):
                    await change
        finally:
            self._waiting.discard(change)

    def spread(self) -> None:
        """Something has changed."""
        for change in self._waiting:
            if not change.done():
                change.set_result(None)


def now() -> float:
    """Seconds, by the clock of the event loop."""
    return asyncio.get_running_loop().time()
