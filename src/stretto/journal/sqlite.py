"""The journal in one SQLite file: write-ahead log, one writer, one commit for all that is waiting."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from stretto.core.errors import JournalError
from stretto.core.events import STATE_AFTER, Row, RunParked, RunStarted
from stretto.core.ports import Durability, Entry, Lease, Letter, Memory, Observer, RunRow
from stretto.core.values import RunState
from stretto.journal import retention
from stretto.journal.chain import seal
from stretto.journal.locks import Locks
from stretto.journal.memories import Memories
from stretto.journal.schema import connect, explain, prepare
from stretto.journal.writer import Job, Work, Writer

POLL = 0.05
"""Seconds between two looks into the inbox, for letters that other processes posted."""

_READ = (
    "select run,seq,time,epoch,scope,kind,ident,body,hash from events where run=? and seq between ? and ? order by seq"
)
_ROW = "insert into events values(?,?,?,?,?,?,?,?,?)"
_LETTER = "insert or ignore into inbox values(?,?,?,null)"
_BLOB = "insert or ignore into blobs values(?,?)"


class SqliteStore:
    """Journal, leases and inbox in the file at `path`, shared by any number of processes."""

    at_once = 200

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        prepare(self.path)
        self._locks = Locks(self.path)
        self._write, self._read = connect(self.path), connect(self.path)
        self._level = Durability.COMMITTED
        self._observers: list[Observer] = []
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writer = Writer(self._commit, self._show, self._explain)
        self.memory: Memory = Memories(self._done, self._ask)

    # ---- journal

    def append(self, lease: Lease, entries: Sequence[Entry], durability: Durability) -> Awaitable[None] | None:
        """See `Journal.append`."""
        if not lease.held:
            raise JournalError(f"run {lease.run!r} is no longer held by this process; it was parked or taken over")
        return self._writer.append(lease, entries, durability)

    async def read(self, run: str, after: int = -1, limit: int | None = None) -> list[Row]:
        """See `Journal.read`."""
        newest = self._ask("select max(seq) from events where run=?", (run,)).fetchone()[0]
        if newest is None or newest <= after:
            return []
        last = newest if limit is None else min(newest, after + limit)
        if last - after <= self.at_once:  # more of them are read in a thread
            return self._rows(self._read, run, after, last)
        return await asyncio.to_thread(self._rows_apart, run, after, last)

    def _rows_apart(self, run: str, after: int, last: int) -> list[Row]:
        reader = connect(self.path)
        try:
            return self._rows(reader, run, after, last)
        finally:
            reader.close()

    def _rows(self, reader: sqlite3.Connection, run: str, after: int, last: int) -> list[Row]:
        rows, prev = [], ""
        try:
            for _, seq, time, epoch, scope, kind, ident, body, head in reader.execute(_READ, (run, after, last)):
                if seq > after:
                    rows.append(Row(run, seq, time, epoch, scope, kind, ident, body, prev, head))
                prev = head
        except sqlite3.Error as error:
            raise explain(error, self.path) from error
        return rows

    async def blob(self, digest: str) -> bytes:
        """See `Journal.blob`."""
        found = self._ask("select cast(data as blob) from blobs where digest=?", (digest,)).fetchone()
        if found is None:
            raise JournalError(f"value {digest[:12]} is not in {self.path}; was it pruned?")
        return bytes(found[0])

    async def runs(self, *, state: RunState | None = None, limit: int = 1000) -> list[RunRow]:
        """See `Journal.runs`."""
        rows = self._ask(
            f"{_INDEX} where ? is null or state=? order by created desc, id limit ?", (state, state, limit)
        )
        return [self._run_row(row) for row in rows]

    async def find(self, run: str) -> RunRow | None:
        """See `Journal.find`."""
        row = self._ask(f"{_INDEX} where id=?", (run,)).fetchone()
        return self._run_row(row) if row else None

    def _run_row(self, row: tuple[Any, ...]) -> RunRow:
        run, state, worker, created, updated, wake, holder = row
        return RunRow(run, RunState(state), worker, created, updated, wake, holder is not None and self._lives(holder))

    def _lives(self, holder: str) -> bool:
        return holder == self._locks.holder or self._locks.alive(holder)

    def observe(self, observer: Observer) -> None:
        """See `Store.observe`."""
        self._observers.append(observer)

    async def close(self) -> None:
        """See `Journal.close`."""
        if self._timer:
            self._timer.cancel()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        with self._locks.writing():
            if not self._writer.broken:
                self._write.execute("update runs set holder=null where holder=?", (self._locks.holder,))
            self._read.close()
            self._write.close()  # the last one to close a file also empties its log
        self._locks.close()

    # ---- retention

    async def prune(self, run: str, by: str, now: int) -> bool:
        """See `Retention.prune`."""
        done: bool = await self._done(lambda db: retention.prune(db, run, by, now), Durability.FULL)
        return done

    async def sweep(self) -> int:
        """See `Retention.sweep`."""
        swept: int = await self._done(retention.sweep)
        return swept

    async def compact(self) -> None:
        """See `Retention.compact`."""
        await self.sweep()
        await asyncio.to_thread(retention.compact, self.path)

    def _ask(self, query: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Read; an error is one that a person can act on."""
        try:
            return self._read.execute(query, values)
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    # ---- leases

    async def create(self, run: str, *, fresh: bool = False) -> Lease | None:
        """See `Leases.create`; with `fresh` the caller knows that the id is new, and its first event begins its row."""
        epoch = 1 if fresh else await self._done(lambda db: self._create(db, run))
        return Lease(run, epoch) if epoch else None

    def _create(self, db: sqlite3.Connection, run: str) -> int:
        row = (run, RunState.RUNNING, "", 0, 0, None, 1, self._locks.holder)
        if db.execute("insert or ignore into runs values(?,?,?,?,?,?,?,?)", row).rowcount:
            return 1
        if db.execute("select 1 from events where run=? limit 1", (run,)).fetchone():
            return 0
        lease = self._acquire(db, run)  # its creator died before its first event
        return lease.epoch if lease else 0

    async def acquire(self, run: str) -> Lease | None:
        """See `Leases.acquire`."""
        lease: Lease | None = await self._done(lambda db: self._acquire(db, run))
        return lease

    def _acquire(self, db: sqlite3.Connection, run: str) -> Lease | None:
        found = db.execute("select epoch, holder from runs where id=?", (run,)).fetchone()
        if found is None:
            return None
        epoch, holder = found
        if holder is not None and (holder == self._locks.holder or self._locks.alive(holder)):
            return None
        db.execute("update runs set holder=?, epoch=? where id=?", (self._locks.holder, epoch + 1, run))
        tail = db.execute("select seq, hash, time from events where run=? order by seq desc limit 1", (run,)).fetchone()
        seq, head, time = tail or (-1, "", 0)
        return Lease(run, epoch + 1, seq + 1, head, time)

    async def park(self, lease: Lease, entry: Entry, known: frozenset[str]) -> bool:
        """See `Leases.park`."""
        rows: list[Row] | None = await self._done(lambda db: self._park(db, lease, entry, known), Durability.FULL)
        if rows is None:
            return False
        self._show(rows)
        return True

    def _park(self, db: sqlite3.Connection, lease: Lease, entry: Entry, known: frozenset[str]) -> list[Row] | None:
        waiting = db.execute("select key from inbox where run=? and taken is null", (lease.run,))
        if any(key not in known for (key,) in waiting):
            return None
        lease.held = False
        return self._insert(db, [(lease, entry)])

    async def release(self, lease: Lease) -> None:
        """See `Leases.release`."""
        if lease.held:
            lease.held = False
            await self._done(lambda db: db.execute("update runs set holder=null where id=?", (lease.run,)).rowcount)

    # ---- inbox

    async def post(self, letter: Letter) -> bool:
        """See `Inbox.post`."""
        row = (letter.run, letter.key, letter.body)
        posted: int = await self._done(lambda db: db.execute(_LETTER, row).rowcount, Durability.FULL)
        if posted:
            self._wake(letter.run)
        return bool(posted)

    async def letters(self, run: str) -> list[Letter]:
        """See `Inbox.letters`."""
        rows = self._ask("select run, key, body from inbox where run=? and taken is null order by rowid", (run,))
        return [Letter(*row) for row in rows]

    async def due(self, now: int) -> list[tuple[str, frozenset[str]]]:
        """See `Inbox.due`."""
        found: dict[str, set[str]] = {}
        late = set()
        for run, key in self._ask(_DUE, (RunState.WAITING, RunState.WAITING, now)):
            found.setdefault(run, set()).add(key or "")
            if key is None:
                late.add(run)
        return [(run, frozenset() if run in late else frozenset(keys)) for run, keys in found.items()]

    def listen(self, run: str, wake: Callable[[], None]) -> Callable[[], None]:
        """See `Inbox.listen`."""
        self._listeners.setdefault(run, []).append(wake)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(POLL, self._look)
        return lambda: self._deaf(run, wake)

    def _deaf(self, run: str, wake: Callable[[], None]) -> None:
        listeners = self._listeners.get(run, [])
        if wake in listeners:
            listeners.remove(wake)
        if not listeners:
            self._listeners.pop(run, None)

    def _look(self) -> None:
        self._timer = None
        if not self._listeners:
            return
        for (run,) in self._ask("select distinct run from inbox where taken is null").fetchall():
            self._wake(run)
        self._timer = asyncio.get_running_loop().call_later(POLL, self._look)

    def _wake(self, run: str) -> None:
        for wake in tuple(self._listeners.get(run, ())):
            wake()

    # ---- inside the writer's thread

    def _commit(self, jobs: list[Job]) -> list[Row]:
        """One transaction for all jobs; on disk before it returns if any of them asked for that."""
        level = Durability.FULL if any(job.durability is Durability.FULL for job in jobs) else Durability.COMMITTED
        if level is not self._level:
            self._write.execute("pragma synchronous=full" if level is Durability.FULL else "pragma synchronous=normal")
            self._level = level
        db, rows = self._write, []
        with self._locks.writing():
            db.execute("begin immediate")
            try:
                waiting: list[tuple[Lease, Entry]] = []
                for job in jobs:
                    if job.lease is not None:
                        lease = job.lease
                        waiting += [(lease, entry) for entry in job.entries]
                        continue
                    rows += self._insert(db, waiting)
                    waiting = []
                    assert job.work is not None
                    job.result = job.work(db)
                rows += self._insert(db, waiting)
                db.execute("commit")
            except BaseException:
                if db.in_transaction:
                    db.execute("rollback")
                raise
        return rows

    def _insert(self, db: sqlite3.Connection, entries: list[tuple[Lease, Entry]]) -> list[Row]:
        rows: list[Row] = []
        blobs: dict[str, bytes] = {}
        later: list[tuple[Row, Entry]] = []
        for lease, entry in entries:
            row, spilled = seal(lease, entry)
            rows.append(row)
            if spilled or entry.blobs:
                blobs.update([*spilled, *entry.blobs])
            if entry.consumes or row.kind in STATE_AFTER:
                later.append((row, entry))
                lease.held = lease.held and not _ends(row.kind)
        if blobs:
            db.executemany(_BLOB, blobs.items())
        db.executemany(_ROW, [(r.run, r.seq, r.time, r.epoch, r.scope, r.kind, r.ident, r.body, r.hash) for r in rows])
        if later:
            _index(db, later, self._locks.holder)
        return rows

    # ---- plumbing

    async def _done(self, work: Work, durability: Durability = Durability.COMMITTED) -> Any:
        loop = asyncio.get_running_loop()
        job = Job(loop, durability, work=work, done=(done := loop.create_future()))
        self._writer.put(job)
        return await done

    def _show(self, rows: list[Row]) -> None:
        for observer in self._observers:
            observer.see(rows)

    def _explain(self, error: BaseException) -> JournalError:
        if isinstance(error, sqlite3.Error):
            explained = explain(error, self.path)
            return explained if isinstance(explained, JournalError) else JournalError(str(explained))
        return error if isinstance(error, JournalError) else JournalError(f"{self.path}: {error!r}")


_DUE = """
select runs.id, inbox.key from inbox join runs on runs.id = inbox.run where inbox.taken is null and runs.state = ?
union all select id, null from runs where state = ? and wake <= ?"""
_INDEX = "select id, state, worker, created, updated, wake, holder from runs"


def _ends(kind: str) -> bool:
    """Whether an event ends its run, so that nobody holds it any more."""
    return kind in STATE_AFTER and STATE_AFTER[kind].ended


_TAKEN = "update inbox set taken=? where run=? and key=?"
_BEGUN = """
insert into runs values(?,?,?,?,?,?,?,?) on conflict(id) do update set state=excluded.state, worker=excluded.worker,
created=excluded.created, updated=excluded.updated, wake=excluded.wake, holder=excluded.holder"""
_MOVED = "update runs set state=?, updated=?, wake=?, holder=case when ? then holder end where id=?"


def _index(db: sqlite3.Connection, later: list[tuple[Row, Entry]], holder: str) -> None:
    """Keep the index of runs and the inbox in step with events, in their own transaction: one row a run, as it is last."""
    db.executemany(_TAKEN, [(row.seq, row.run, entry.consumes) for row, entry in later if entry.consumes])
    begun: dict[str, tuple[str, int, int]] = {}
    moved: dict[str, tuple[RunState, int, int | None]] = {}
    for row, entry in later:
        event = entry.event
        if isinstance(event, RunStarted):
            begun[row.run] = event.worker, row.time, row.epoch
        if row.kind in STATE_AFTER:
            moved[row.run] = STATE_AFTER[row.kind], row.time, event.wake if isinstance(event, RunParked) else None
    new = []
    for run, (worker, created, epoch) in begun.items():
        state, updated, wake = moved.pop(run)
        new.append((run, state, worker, created, updated, wake, epoch, holder if state is RunState.RUNNING else None))
    db.executemany(_BEGUN, new)
    db.executemany(_MOVED, [(*last, last[0] is RunState.RUNNING, run) for run, last in moved.items()])
