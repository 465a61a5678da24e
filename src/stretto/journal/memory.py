"""A store that keeps nothing: for `db=":memory:"`, for calls outside a run, and for tests.

Events are sealed into the chain only when somebody reads or watches them.
"""

from __future__ import annotations

import sqlite3
import sys
import weakref
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from stretto.core.errors import JournalError
from stretto.core.events import STATE_AFTER, Row, RunParked, RunStarted
from stretto.core.ports import Durability, Entry, Lease, Letter, Memory, Observer, RunRow
from stretto.core.values import RunState
from stretto.journal.chain import seal
from stretto.journal.memories import Memories, Work


class MemoryStore:
    """Journal, leases and inbox in this process."""

    at_once = sys.maxsize

    def __init__(self, blob: Callable[[str], Awaitable[bytes]] | None = None) -> None:
        """`blob` fetches what is not here: a run rehearsed in memory reads the values of the one on disk."""
        self._elsewhere = blob
        self._runs: dict[str, _Run] = {}
        self._blobs: dict[str, bytes] = {}
        self._observers: list[Observer] = []
        self._memory: Memory | None = None

    @property
    def memory(self) -> Memory:
        """See `Remembering.memory`."""
        if self._memory is None:
            database = sqlite3.connect(":memory:", check_same_thread=False)
            weakref.finalize(self, database.close)

            async def do(work: Work) -> object:
                return work(database)

            self._memory = Memories(do, database.execute)
        return self._memory

    def append(self, lease: Lease, entries: Sequence[Entry], durability: Durability) -> Awaitable[None] | None:
        """See `Journal.append`; there is never anything to wait for."""
        if not lease.held:
            raise JournalError(f"run {lease.run!r} is no longer held by this process; it was parked or taken over")
        run = self._runs[lease.run]
        run.pending.extend(entries)
        for entry in entries:
            if entry.consumes:
                run.taken.add(entry.consumes)
            run.see(entry)
        if run.is_over:
            lease.held = False
        if self._observers:
            rows = self._sealed(run)
            for observer in self._observers:
                observer.see(rows)
        return None

    async def read(self, run: str, after: int = -1, limit: int | None = None) -> list[Row]:
        """See `Journal.read`."""
        if run not in self._runs:
            return []
        self._sealed(self._runs[run])
        return self._runs[run].rows[after + 1 : None if limit is None else after + 1 + limit]

    async def blob(self, digest: str) -> bytes:
        """See `Journal.blob`."""
        for run in self._runs.values():
            self._sealed(run)
        try:
            return self._blobs[digest]
        except KeyError:
            if self._elsewhere is not None:
                return await self._elsewhere(digest)
            raise JournalError(f"value {digest[:12]} is not in this journal") from None

    async def runs(self, *, state: RunState | None = None, limit: int = 1000) -> list[RunRow]:
        """See `Journal.runs`."""
        rows = [run.row() for run in self._runs.values() if state in (None, run.state)]
        return sorted(rows, key=lambda row: (row.created, row.id), reverse=True)[:limit]

    async def find(self, run: str) -> RunRow | None:
        """See `Journal.find`."""
        return self._runs[run].row() if run in self._runs else None

    async def create(self, run: str, *, fresh: bool = False) -> Lease | None:
        """See `Leases.create`."""
        known = self._runs.get(run)
        if known is not None and (known.lease.held or known.rows or known.pending):
            return None
        self._runs[run] = _Run(lease := Lease(run, epoch=known.lease.epoch + 1 if known else 1))
        return lease

    async def acquire(self, run: str) -> Lease | None:
        """See `Leases.acquire`."""
        known = self._runs.get(run)
        if known is None or known.lease.held:
            return None
        self._sealed(known)
        old = known.lease
        known.lease = Lease(run, old.epoch + 1, old.seq, old.head, old.time)
        return known.lease

    async def park(self, lease: Lease, entry: Entry, known: frozenset[str]) -> bool:
        """See `Leases.park`."""
        if any(letter.key not in known for letter in await self.letters(lease.run)):
            return False
        self.append(lease, [entry], Durability.FULL)
        lease.held = False
        return True

    async def release(self, lease: Lease) -> None:
        """See `Leases.release`."""
        lease.held = False

    async def post(self, letter: Letter) -> bool:
        """See `Inbox.post`."""
        run = self._runs[letter.run]
        if letter.key in run.inbox:
            return False
        run.inbox[letter.key] = letter
        for wake in tuple(run.listeners):
            wake()
        return True

    async def letters(self, run: str) -> list[Letter]:
        """See `Inbox.letters`."""
        known = self._runs[run]
        return [letter for key, letter in known.inbox.items() if key not in known.taken]

    async def due(self, now: int) -> list[tuple[str, frozenset[str]]]:
        """See `Inbox.due`."""
        found = []
        for id, run in self._runs.items():
            if run.state is RunState.WAITING:
                keys = frozenset(run.inbox.keys() - run.taken)
                due = run.wake is not None and run.wake <= now
                if keys or due:
                    found.append((id, frozenset() if due else keys))
        return found

    def listen(self, run: str, wake: Callable[[], None]) -> Callable[[], None]:
        """See `Inbox.listen`."""
        listeners = self._runs[run].listeners
        listeners.append(wake)
        return partial(_deaf, listeners, wake)

    def observe(self, observer: Observer) -> None:
        """See `Store.observe`."""
        self._observers.append(observer)

    async def close(self) -> None:
        """Forget nothing: a run in memory can be looked at as long as the store lives."""

    def _sealed(self, run: _Run) -> list[Row]:
        """Seal what is pending; the rows that this added."""
        added = []
        for entry in run.pending:
            row, blobs = seal(run.lease, entry)
            self._blobs.update([*blobs, *entry.blobs])
            added.append(row)
        run.pending.clear()
        run.rows.extend(added)
        return added


def _deaf(listeners: list[Callable[[], None]], wake: Callable[[], None]) -> None:
    if wake in listeners:
        listeners.remove(wake)


class _Run:
    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.rows: list[Row] = []
        self.pending: list[Entry] = []
        self.inbox: dict[str, Letter] = {}
        self.taken: set[str] = set()
        self.listeners: list[Callable[[], None]] = []
        self.state, self.worker, self.is_over = RunState.RUNNING, "", False
        self.wake: int | None = None
        self.created = self.updated = 0

    def see(self, entry: Entry) -> None:
        event = entry.event
        self.updated = entry.time
        if event.kind not in STATE_AFTER:
            return
        self.state = STATE_AFTER[event.kind]
        self.is_over = self.state.ended
        if isinstance(event, RunStarted):
            self.created, self.worker = entry.time, event.worker
        self.wake = event.wake if isinstance(event, RunParked) else None

    def row(self) -> RunRow:
        return RunRow(self.lease.run, self.state, self.worker, self.created, self.updated, self.wake, self.lease.held)
