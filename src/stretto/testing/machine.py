"""The machine that a simulation runs on: whether its process lives, its clock, chance, what is wrong with its disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar, cast

from stretto.core.errors import JournalError

T = TypeVar("T")


class Crash(BaseException):
    """The process is dead."""


@dataclass
class Machine:
    """Whether the process lives, chance, the time of day (seconds since 1970), and what is wrong with the disk.

    `fail_at` are the commits that fail, counted over the whole session, and `full_from` the one from which on the disk
    is full until the process is started again. Without a `seed` nothing is left to chance, and all is quick.
    """

    seed: int = 0
    fail_at: Collection[int] = ()
    full_from: int | None = None
    now: float = 1_800_000_000
    alive: bool = True
    commits: int = 0
    random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def check(self) -> None:
        """Nothing more happens in a process that is dead."""
        if not self.alive:
            raise Crash

    async def delay(self) -> None:
        """0 to 3 ms; none without a seed."""
        if self.seed and self.alive:
            await asyncio.sleep(self.random.choice((0, 0, 0.001, 0.002, 0.003)))

    def write(self, write: Callable[[], None]) -> None:
        """One commit; raises `JournalError` where it fails, and then nobody knows whether it was written."""
        self.commits += 1
        if self.full_from is not None and self.commits >= self.full_from:
            raise JournalError("the simulated disk is full")
        if self.commits not in self.fail_at:
            return write()
        if self.seed and self.random.random() < 0.5:
            write()
        raise JournalError(f"the simulated disk failed at write {self.commits}")


class SimulatedClock:
    """The time of day on a machine: it goes on as virtual time does, through crashes, and can be set wrong."""

    def __init__(self, machine: Machine, loop: asyncio.AbstractEventLoop) -> None:
        self._begin = machine.now - loop.time()
        self._loop = loop

    def now(self) -> int:
        return int((self._begin + self._loop.time()) * 1e6)

    def jump(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self._begin += seconds


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of work that never waits."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    raise AssertionError("it waited")
