"""The tables of a SQLite journal, and how a file is told to be one."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from stretto.core.errors import JournalError, UsageError

APPLICATION = 0x73747265  # "stre"
VERSION = 1
_HEADER = 512
"""Bytes of the smallest database."""

# Events lie in the order in which they were written: a commit for fifty runs fills a few pages, not one page a run.
_TABLES = """
create table if not exists runs(
    id text primary key, state text not null, worker text not null, created integer not null,
    updated integer not null, wake integer, epoch integer not null, holder text) without rowid;
create index if not exists runs_created on runs(created);
create index if not exists runs_wake on runs(wake) where wake is not null;
create table if not exists events(
    run text, seq integer, time integer not null, epoch integer not null, scope text not null, kind text not null,
    ident text not null, body blob not null, hash text not null, primary key(run, seq));
create table if not exists blobs(digest text primary key, data blob not null);
create table if not exists inbox(
    run text, key text, body blob not null, taken integer, primary key(run, key));
create index if not exists inbox_waiting on inbox(run) where taken is null;
"""


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode, usable from any thread that takes care of itself."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    database.executescript("pragma journal_mode=wal; pragma synchronous=normal; pragma foreign_keys=off;")
    return database


def prepare(path: Path) -> None:
    """Make the file a journal, or see that it is one; raises what a person can act on."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab"):
            pass
    except OSError as error:
        raise UsageError(f"database {path} cannot be written: {error.strerror}; name another with --db") from error
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as database:
            refuse_foreign(database, path)
        with contextlib.closing(connect(path)) as database:
            _prepare(database, path)
    except sqlite3.DatabaseError as error:
        raise explain(error, path) from error


def refuse_foreign(database: sqlite3.Connection, path: Path) -> None:
    """Look before anything is written: even the choice of a write-ahead log would change somebody else's file."""
    if 0 < path.stat().st_size < _HEADER:  # SQLite would take it for empty, and overwrite it
        raise sqlite3.DatabaseError("file is not a database")
    tables = database.execute("select count(*) from sqlite_master").fetchone()[0]
    application = database.execute("pragma application_id").fetchone()[
        0
    ]  # set with the tables, so it is read after them
    if application != APPLICATION and tables:
        raise UsageError(
            f"{path} is a database of another program; stretto needs a file of its own, name one with --db"
        )


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    if refuse_newer(database, path) < VERSION:
        database.executescript(
            f"begin immediate; {_TABLES} pragma application_id={APPLICATION}; pragma user_version={VERSION}; commit"
        )


def refuse_newer(database: sqlite3.Connection, path: Path) -> int:
    """The format of the file, where it is one that is known here."""
    version: int = database.execute("pragma user_version").fetchone()[0]
    if version > VERSION:
        raise UsageError(f"{path} was written by a newer stretto (format {version}, this one reads {VERSION}); upgrade")
    return version


def explain(error: sqlite3.Error, path: Path) -> JournalError | UsageError:
    """The error that a person can act on."""
    text = str(error)
    if "not a database" in text:
        return UsageError(
            f"{path} is not a database; stretto keeps its journal in a SQLite file, name another with --db"
        )
    if "locked" in text:
        return JournalError(
            f"{path} is locked by another program; close it there (a database browser, a backup) and "
            "run the same command again: nothing that was recorded is lost"
        )
    if "full" in text or "disk I/O" in text:
        free = _free(path)
        return JournalError(
            f"{path} could not be written: {text} ({free}); make room and run the same command again: "
            "nothing that was recorded is lost"
        )
    if "readonly" in text:
        return JournalError(f"{path} is read-only for this user; change its permissions or name another with --db")
    return JournalError(f"{path}: {text}")


def _free(path: Path) -> str:
    disk = os.statvfs(path.parent)
    return f"{disk.f_bavail * disk.f_frsize // 2**20} MiB free"
