"""What a loaded run's tasks share, rebuilt from its journal: the meeting point of `shared` values and channels.

The order of these events in the journal is the order in which they were applied; between looking and recording nothing
is awaited, so nothing is lost and nobody sees a half of anything.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from stretto.core.canonical import encode, identity
from stretto.core.events import Encoded, Row, StepDone
from stretto.core.ports import Durability
from stretto.runtime import failures
from stretto.runtime.cells import Cell, Queue, Recorded
from stretto.runtime.recording import MEMORY

if TYPE_CHECKING:
    from stretto.runtime.execution import Execution
    from stretto.runtime.recording import Recording
    from stretto.runtime.scope import Scope

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
"""What the names of shared values and channels look like: tools are named after them."""


class Board:
    """The cells and queues of one run."""

    def __init__(self, recording: Recording) -> None:
        self._cells: dict[str, Cell] = {}
        self._queues: dict[str, Queue] = {}
        self.waiting: dict[str, list[asyncio.Future[None]]] = {}
        """Those who wait for a message, by channel."""
        for tick, row in enumerate(recording.meetings, 1):
            done = row.event()
            assert isinstance(done, StepDone)
            assert isinstance(done.result, dict)
            if done.step == MEMORY:
                self._met(tick, row, done.result, done.request, list(_around(row.scope, recording.parents)))
            else:
                self._posted(row, done.result, done.request)

    def cell(self, name: str) -> Cell:
        """The shared value of that name."""
        return self._cells.setdefault(name, Cell())

    def queue(self, name: str) -> Queue:
        """The channel of that name."""
        return self._queues.setdefault(name, Queue())

    def _met(self, tick: int, row: Row, result: dict[str, Any], request: object, keys: list[str]) -> None:
        for name in result["versions"]:
            cell = self.cell(name)
            assert cell.recorded is not None
            cell.recorded.append(Recorded(tick, (row.scope, row.ident), result["by"], request, result.get("key", "")))
            cell.saw(keys, tick)

    def _posted(self, row: Row, result: dict[str, Any], request: object) -> None:
        queue, key, number = self.queue(result["channel"]), result.get("key", ""), result["number"]
        if "to" not in result:
            queue.past[row.scope, row.ident] = queue.take(queue.given.get(key) or queue.post(number), key)
        elif "again" not in result:
            queue.send(result["by"], result["to"], request)
            queue.made |= {key} if key else set()


def _around(scope: str, parents: dict[str, str]) -> Iterator[str]:
    """A scope and those around it, as far as they are known from the journal."""
    at: str | None = scope
    while at:
        yield at
        at = at.rpartition(".")[0] or parents.get(at)


def board_of(run: Execution) -> Board:
    """What the run's tasks share; made when it is first asked for."""
    if run.board is None:
        run.board = Board(run.recording)
    return run.board


def key_of(scope: Scope, ident: str) -> str:
    """Under which another attempt of the task would do the same again; empty where there is no other."""
    return identity(f"{scope.origin} {ident}".encode()) if scope.retried else ""


def settle(
    scope: Scope, kind: str, name: str, ident: str, request: bytes | None, result: dict[str, Any]
) -> Awaitable[None] | None:
    """Record a meeting, which is the next tick of the run; where it changed something, until when it is kept."""
    scope.run.tick += 1
    done = StepDone(kind, name, Encoded(encode(result)), None if request is None else Encoded(request))
    return scope.record(done, ident, Durability.BEHIND if request is None else Durability.COMMITTED)


def refuse(scope: Scope, kind: str, name: str, ident: str, error: Exception) -> Exception:
    """Record that it depended on who came first, and came out badly; the error to raise."""
    scope.record(failures.of_step(kind, name, error, None, 0), ident)
    return failures.tagged(error, scope.key, ident)


def keys(scope: Scope) -> Iterable[str]:
    """A scope and those around it."""
    return (scope.key, *(one.key for one in scope.around()))
