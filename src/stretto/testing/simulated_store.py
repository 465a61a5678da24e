"""A disk that keeps only what was committed, and a process's view of it that can die at any fault site.

A process appends into its memory; a commit writes what waits there. The death of the process loses what was not
committed. The death of the machine loses, beside that, what was committed since the last FULL commit: all of it, or
only its end. A write may fail, before or after it reached the disk, and the disk may be full.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import TypeVar

from stretto.core import faults
from stretto.core.errors import JournalError
from stretto.core.events import STATE_AFTER, Row
from stretto.core.ports import Durability, Entry, Lease, Letter, Memory, Observer, RunRow
from stretto.core.values import RunState
from stretto.journal.memory import MemoryStore, _Run
from stretto.testing.machine import Crash, Machine

T = TypeVar("T")


class Disk(MemoryStore):
    """What survives the death of a process, and who is told of what is written."""

    def __init__(self) -> None:
        super().__init__()
        self._log: list[tuple[str, Entry]] = []
        self._safe = 0
        self.written: Callable[[Sequence[Row]], None] | None = None

    def append(self, lease: Lease, entries: Sequence[Entry], durability: Durability) -> None:
        super().append(lease, entries, durability)
        self._log += [(lease.run, entry) for entry in entries]
        run = self._runs[lease.run]
        self._sealed(run)
        if durability is Durability.FULL:
            self._safe = len(self._log)
        if self.written is not None:
            self.written(run.rows[-len(entries) :])

    async def post(self, letter: Letter) -> bool:
        self._safe = len(self._log)
        return await super().post(letter)

    def let_go(self) -> None:
        """The process that held the runs is dead."""
        for run in self._runs.values():
            run.lease.held = False
            run.listeners.clear()

    def lose_power(self, random: Random) -> int:
        """The machine is dead, too: what is not safe is lost from some point on. How many events that were."""
        kept = random.randint(self._safe, len(self._log))
        lost, self._log = len(self._log) - kept, self._log[:kept]
        self._safe = kept
        if lost:
            for id, run in self._runs.items():
                self._runs[id] = _remade(run, [entry for of, entry in self._log if of == id])
        return lost


def _remade(old: _Run, entries: list[Entry]) -> _Run:
    rows = old.rows[: len(entries)]
    tail = rows[-1] if rows else None
    head, time = (tail.hash, tail.time) if tail else ("", 0)
    run = _Run(Lease(old.lease.run, old.lease.epoch, len(rows), head, time, held=False))
    run.rows, run.inbox = rows, old.inbox
    for entry in entries:
        if entry.consumes:
            run.taken.add(entry.consumes)
        run.updated = entry.time
        if entry.event.kind in STATE_AFTER:
            run.see(entry)
    return run


class SimulatedStore:
    """A store as one process has it: appends wait in memory, in order, for a commit that somebody asks for.

    `lazy`: what nobody waits for is committed only with the next thing somebody waits for: the worst case.
    """

    at_once = sys.maxsize

    def __init__(self, disk: Disk, machine: Machine, *, lazy: bool = True) -> None:
        self._disk, self._machine, self._lazy = disk, machine, lazy
        self._queue: list[tuple[Lease, Sequence[Entry], Durability, asyncio.Future[None] | None]] = []
        self._armed = False
        self._broken: JournalError | None = None

    def append(self, lease: Lease, entries: Sequence[Entry], durability: Durability) -> Awaitable[None] | None:
        self._check()
        if not lease.held:
            raise JournalError(f"run {lease.run!r} is no longer held by this process")
        loop = asyncio.get_running_loop()
        done = loop.create_future() if durability else None
        self._queue.append((lease, entries, durability, done))
        if not self._armed and (done is not None or not self._lazy):
            self._armed = True
            delay = self._machine.random.choice((0, 0.001, 0.002)) if self._machine.seed else 0
            loop.call_later(delay, self._flush)
        return done

    def _check(self) -> None:
        self._machine.check()
        if self._broken is not None:
            raise self._broken

    def _flush(self) -> None:
        self._armed = False
        if not self._machine.alive or self._broken is not None:
            return
        try:
            faults.site("commit.before")
            queue, self._queue = self._queue, []
            failed = self._commit(queue)
            faults.site("commit.after")
        except Crash:
            return
        for _, _, _, done in queue:
            if done is not None and not done.done():
                done.set_exception(failed) if failed else done.set_result(None)

    def _commit(
        self, queue: list[tuple[Lease, Sequence[Entry], Durability, asyncio.Future[None] | None]]
    ) -> JournalError | None:
        """One transaction, on disk if any part of it asked for that. One that fails is the last of this process."""
        if not queue:
            return None
        level = max(durability for _, _, durability, _ in queue)

        def write() -> None:
            for lease, entries, _, _ in queue:
                self._disk.append(lease, entries, level)

        try:
            self._machine.write(write)
        except JournalError as error:
            self._broken = error
        return self._broken

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        self._check()

    async def create(self, run: str, *, fresh: bool = False) -> Lease | None:
        await self._turn()
        return await self._disk.create(run, fresh=fresh)

    async def acquire(self, run: str) -> Lease | None:
        await self._turn()
        return await self._disk.acquire(run)

    async def park(self, lease: Lease, entry: Entry, known: frozenset[str]) -> bool:
        await self._machine.delay()
        await self._turn()
        self._flush()
        self._check()
        parked = await self._disk.park(lease, entry, known)
        await self._turn()
        return parked

    async def release(self, lease: Lease) -> None:
        await self._turn()
        self._flush()
        await self._disk.release(lease)

    async def post(self, letter: Letter) -> bool:
        return await self._disk.post(letter)

    async def read(self, run: str, after: int = -1, limit: int | None = None) -> list[Row]:
        await self._turn()
        return await self._disk.read(run, after, limit)

    async def blob(self, digest: str) -> bytes:
        await self._turn()
        return await self._disk.blob(digest)

    async def letters(self, run: str) -> list[Letter]:
        await self._turn()
        return await self._disk.letters(run)

    async def runs(self, *, state: RunState | None = None, limit: int = 1000) -> list[RunRow]:
        return await self._disk.runs(state=state, limit=limit)

    async def find(self, run: str) -> RunRow | None:
        return await self._disk.find(run)

    @property
    def memory(self) -> Memory:
        return self._disk.memory

    async def due(self, now: int) -> list[tuple[str, frozenset[str]]]:
        return await self._disk.due(now)

    def listen(self, run: str, wake: Callable[[], None]) -> Callable[[], None]:
        return self._disk.listen(run, wake)

    def observe(self, observer: Observer) -> None:
        self._disk.observe(observer)

    async def close(self) -> None:
        return None
