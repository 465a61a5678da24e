"""A journal that this user may only read: the file, or its folder, is write-protected."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

from stretto.core.errors import UsageError
from stretto.journal.locks import is_alive
from stretto.journal.schema import explain, refuse_foreign, refuse_newer
from stretto.journal.sqlite import SqliteStore
from stretto.journal.writer import Job, Writer


def is_protected(path: Path) -> bool:
    """Whether there is a journal that can be read and not written."""
    return path.is_file() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


class ReadOnlyStore(SqliteStore):
    """Shows what a protected file at `path` holds; whatever would write to it is a `UsageError`."""

    at_once = sys.maxsize

    def __init__(self, path: Path) -> None:
        self.path = path
        self._observers, self._listeners, self._timer = [], {}, None
        self._writer = _Nobody(path)
        self._copied: tempfile.TemporaryDirectory[str] | None = None
        try:
            self._read = self._opened()
            refuse_foreign(self._read, path)
            refuse_newer(self._read, path)
        except sqlite3.Error as error:
            raise explain(error, path) from error

    def _opened(self) -> sqlite3.Connection:
        """Where nobody has it open, SQLite would make files beside it to read it. So it is read as one that does not
        change; or, where a log lies beside it that was not taken in yet, from a copy of both."""
        log = self.path.with_name(f"{self.path.name}-wal")
        if not log.exists() or not log.stat().st_size:
            return _connected(f"{self.path.resolve().as_uri()}?immutable=1")
        try:
            shared = _connected(f"{self.path.resolve().as_uri()}?mode=ro")
            shared.execute("select 1 from sqlite_master").fetchone()
        except sqlite3.OperationalError:
            self._copied = tempfile.TemporaryDirectory(prefix="stretto-")
            for file in (self.path, log):
                shutil.copy(file, Path(self._copied.name) / file.name)
            return _connected((Path(self._copied.name) / self.path.name).as_uri())
        return shared

    def _lives(self, holder: str) -> bool:
        return is_alive(self.path, holder)

    async def close(self) -> None:
        """See `Journal.close`."""
        self._read.close()
        if self._copied is not None:
            self._copied.cleanup()


class _Nobody(Writer):
    """Stands where a journal has its writer."""

    def __init__(self, path: Path) -> None:
        self._path, self.broken = path, None

    def put(self, job: Job) -> None:
        """Nothing is written here."""
        raise UsageError(
            f"{self._path} is read-only for this user, so its runs can be looked at and not gone on with; change its "
            "permissions and its folder's, or copy it and name the copy with --db"
        )


def _connected(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=10)
