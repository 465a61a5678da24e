"""What is known across runs, in tables of their own beside a SQLite journal. They are made when they are first used.

A row of `memories` that a run said by itself is derived from its journal, and goes with it; one that somebody asked to
be remembered stays until it is forgotten.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from stretto.core.ports import Memo

# The terms are words already, folded and stemmed: the tokenizer only has to find them again between the spaces.
_TABLES = (
    """create table if not exists memories(
        id integer primary key, key text unique, space text not null, run text not null, time integer not null,
        kind text not null, about text not null, tags text not null, text text not null)""",
    "create index if not exists memories_run on memories(run)",
    """create virtual table if not exists memory_terms using fts5(
        terms, tokenize="unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc' tokenchars '_+#'")""",
    "create table if not exists memory_runs(run text primary key, updated integer not null) without rowid",
)
_COLUMNS = "m.id, m.space, m.run, m.time, m.kind, m.about, m.tags, m.text"
_THESE = "m.space = ? and m.time >= ? and (m.kind = 'memory' or m.run <> ?)"
_NEWEST = f"select {_COLUMNS} from memories m where {_THESE} order by m.time desc, m.id desc limit ?"
_MATCHING = (
    f"select {_COLUMNS} from memory_terms join memories m on m.id = memory_terms.rowid "
    f"where memory_terms match ? and {_THESE} order by rank * case m.kind when 'memory' then 2 else 1 end, m.time desc "
    "limit ?"
)
"""`rank` is negative, and the less the better; what somebody asked to be remembered counts twice."""
_MOST_TERMS = 64

Work = Callable[[sqlite3.Connection], Any]


class Memories:
    """A `Memory` in a database: `do` carries out work in a transaction, `ask` reads what is committed."""

    def __init__(self, do: Callable[[Work], Awaitable[Any]], ask: Callable[..., sqlite3.Cursor]) -> None:
        self._do, self._ask = do, ask
        self._ready = False

    async def remember(self, memo: Memo) -> int:
        """See `Memory.remember`."""
        kept: int = await self._write(lambda db: _keep(db, memo))
        return kept

    async def search(
        self, space: str, terms: Sequence[str], *, since: int = 0, without: str = "", limit: int = 5
    ) -> list[Memo]:
        """See `Memory.search`."""
        await self._prepare()
        given = (space, since, without, limit)
        if not terms:
            return [_memo(row) for row in self._ask(_NEWEST, given)]
        wanted = list(dict.fromkeys(terms))[:_MOST_TERMS]
        match = " OR ".join(f'"{term}"' for term in wanted)
        return [_memo(row) for row in self._ask(_MATCHING, (match, *given))]

    async def find(self, id: int) -> Memo | None:
        """See `Memory.find`."""
        await self._prepare()
        row = self._ask(f"select {_COLUMNS} from memories m where m.id = ?", (id,)).fetchone()
        return _memo(row) if row else None

    async def forget(self, id: int) -> bool:
        """See `Memory.forget`."""
        return bool(await self._write(lambda db: _forget(db, id)))

    async def indexed(self) -> dict[str, int]:
        """See `Memory.indexed`."""
        await self._prepare()
        return dict(self._ask("select run, updated from memory_runs").fetchall())

    async def index(self, run: str, updated: int, memos: Sequence[Memo]) -> None:
        """See `Memory.index`."""
        await self._write(lambda db: _index(db, run, updated, memos))

    async def _prepare(self) -> None:
        if not self._ready:
            await self._do(_make)
            self._ready = True

    async def _write(self, work: Work) -> Any:
        await self._prepare()
        return await self._do(work)


def _make(db: sqlite3.Connection) -> None:
    for table in _TABLES:
        db.execute(table)


def _keep(db: sqlite3.Connection, memo: Memo) -> int:
    row = (memo.key or None, memo.space, memo.run, memo.time, memo.kind, memo.about, "\n".join(memo.tags), memo.text)
    made = db.execute("insert or ignore into memories values(null,?,?,?,?,?,?,?,?)", row)
    if not made.rowcount:
        return int(db.execute("select id from memories where key=?", (memo.key,)).fetchone()[0])
    db.execute("insert into memory_terms(rowid, terms) values(?,?)", (made.lastrowid, memo.terms))
    return int(made.lastrowid or 0)


def _remove(db: sqlite3.Connection, condition: str, value: object) -> int:
    """Remove memos; how many there were."""
    ids = db.execute(f"select id from memories where {condition}", (value,)).fetchall()
    db.executemany("delete from memory_terms where rowid=?", ids)
    db.executemany("delete from memories where id=?", ids)
    return len(ids)


def _index(db: sqlite3.Connection, run: str, updated: int, memos: Sequence[Memo]) -> None:
    _remove(db, _SAID, run)
    for memo in memos:
        _keep(db, memo)
    db.execute("insert or replace into memory_runs values(?,?)", (run, updated))


def _forget(db: sqlite3.Connection, id: int) -> int:
    removed = _remove(db, "id = ?", id)
    purge(db)
    return removed


_SAID = "kind <> 'memory' and run = ?"


def drop(db: sqlite3.Connection, run: str) -> None:
    """Remove what a run said by itself, where there is a memory; what somebody asked to be remembered stays."""
    if _is_made(db):
        _remove(db, _SAID, run)


def purge(db: sqlite3.Connection) -> None:
    """Remove the words of what was removed from the index's own pages, too."""
    if _is_made(db):
        db.execute("insert into memory_terms(memory_terms) values('optimize')")


def _is_made(db: sqlite3.Connection) -> bool:
    return db.execute("select 1 from sqlite_master where name='memory_runs'").fetchone() is not None


def _memo(row: Sequence[Any]) -> Memo:
    id, space, run, time, kind, about, tags, text = row
    return Memo(text, run, time, space, kind, about, tuple(tags.split("\n")) if tags else (), id=id)
