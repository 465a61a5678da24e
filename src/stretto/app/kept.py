"""Conversations at hand: what rests between two turns stays in memory for a while, so that the next costs no replay.

The journal stays the truth. A run that rests is a row on disk that any process may go on with; where another one has,
what is kept here counts for nothing.
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING

from stretto.runtime.engine import Loaded
from stretto.runtime.outcome import Ending

if TYPE_CHECKING:
    from stretto.app.handle import Run

MOST = 64
"""Conversations that are kept at once; of more, the one that was told something last longest ago goes."""
IDLE = 300.0
"""Seconds for which one is kept."""


class Kept:
    """The conversations that one app keeps at hand."""

    def __init__(self) -> None:
        self._runs: dict[str, tuple[float, Loaded, Run | None]] = {}  # the one that rests longest comes first
        self._timer: asyncio.TimerHandle | None = None

    def put(self, loaded: Loaded, handle: Run | None) -> None:
        """Keep a run that has come to rest, and what is known of its events."""
        loop = asyncio.get_running_loop()
        self._runs[loaded.execution.id] = loop.time() + IDLE, loaded, handle
        if len(self._runs) > MOST:
            self._forget(next(iter(self._runs)))
        if self._timer is None:
            # a context of its own: the one here may have a run in sight, and would hold it
            self._timer = loop.call_later(IDLE, self._tidy, loop, context=Context())

    def get(self, id: str) -> Loaded | None:
        """What is kept of a run."""
        return self._runs[id][1] if id in self._runs else None

    def drop(self, loaded: Loaded) -> None:
        """A run goes on: from here where it is the same that is kept, and else that is forgotten."""
        if (kept := self.get(id := loaded.execution.id)) is loaded:
            del self._runs[id]
        elif kept is not None:
            self._forget(id)

    async def close(self) -> None:
        """Keep nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for ending in [self._forget(id) for id in list(self._runs)]:
            await ending.wait()

    def _forget(self, id: str) -> Ending:
        execution = self._runs.pop(id)[1].execution
        execution.forget()
        return execution.outcome

    def _tidy(self, loop: asyncio.AbstractEventLoop) -> None:
        """Forget what has rested for long."""
        now = loop.time()
        for id in [id for id, (until, _, _) in self._runs.items() if until <= now]:
            self._forget(id)
        until = next((until for until, _, _ in self._runs.values()), None)
        self._timer = loop.call_later(until - now, self._tidy, loop) if until is not None else None
