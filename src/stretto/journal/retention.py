"""Removing what need not be kept from a SQLite journal, and keeping the proof that it was there.

A pruned event loses its body, scope and identity. What stays (number, time, epoch, kind, hash) is covered by the event
that says who pruned, which is the end of the run's chain.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path

from stretto.core.events import NOTHING, Pruned, Row
from stretto.core.ports import Entry, Lease
from stretto.core.values import RunState
from stretto.journal import memories
from stretto.journal.chain import proof, seal
from stretto.journal.locks import Locks
from stretto.journal.schema import connect

_NAMED = re.compile(rb'"([0-9a-f]{64})"')


def prune(db: sqlite3.Connection, run: str, by: str, now: int) -> bool:
    """See `Retention.prune`; inside a transaction."""
    found = db.execute("select state, epoch from runs where id=?", (run,)).fetchone()
    rows = [Row(run, seq, time, epoch, "", kind, "", b"", "", head) for seq, time, epoch, kind, head in _left(db, run)]
    if found is None or not RunState(found[0]).ended or not rows or rows[-1].kind == Pruned.kind:
        return False
    last = rows[-1]
    lease = Lease(run, found[1], last.seq + 1, last.hash, last.time)
    end, _ = seal(lease, Entry(Pruned(len(rows), proof(rows), by), "0", "", now))
    db.execute("update events set body=?, scope='', ident='' where run=?", (NOTHING, run))
    db.execute("insert into events values(?,?,?,?,?,?,?,?,?)",
               (run, end.seq, end.time, end.epoch, end.scope, end.kind, end.ident, end.body, end.hash))  # fmt: skip
    db.execute("delete from inbox where run=?", (run,))
    memories.drop(db, run)
    return True


def _left(db: sqlite3.Connection, run: str) -> sqlite3.Cursor:
    """What stays of a run's events."""
    return db.execute("select seq, time, epoch, kind, hash from events where run=? order by seq", (run,))


def sweep(db: sqlite3.Connection) -> int:
    """See `Retention.sweep`; inside a transaction, so that nobody names a value meanwhile.

    A value may name others, as a message names the one before it: whatever looks like a digest counts as one.
    """
    named = {key for (body,) in db.execute("select cast(body as blob) from events") for key in _NAMED.findall(body)}
    left = list(named)
    while left:
        stored = db.execute("select cast(data as blob) from blobs where digest=?", (left.pop().decode(),)).fetchone()
        new = set(_NAMED.findall(stored[0])) - named if stored else set()
        named |= new
        left += new
    every = [key for (key,) in db.execute("select digest from blobs")]
    lost = [(key,) for key in every if key.encode() not in named]
    db.executemany("delete from blobs where digest=?", lost)
    memories.purge(db)
    return len(lost)


def compact(path: Path) -> None:
    """Write the file anew without its holes, while no process writes; its log is emptied."""
    locks = Locks(path)
    try:
        with locks.writing(), contextlib.closing(connect(path)) as db:
            db.execute("vacuum")
            db.execute("pragma wal_checkpoint(truncate)")
    finally:
        locks.close()
