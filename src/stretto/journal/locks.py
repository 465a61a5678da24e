"""Kernel locks beside a database file: they end with the process that holds them, whatever the clock says.

`write` is held around every write transaction and checkpoint of any process: SQLite before 3.51.3 can damage a
write-ahead log when one connection writes while another starts the log anew. `holder-*` is held by each store for as
long as it lives; who finds it free knows that its runs have lost their holder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


class Locks:
    """The locks of one store on one database."""

    def __init__(self, database: Path) -> None:
        self._database, self._folder = database, _folder(database)
        self._folder.mkdir(exist_ok=True)
        self.holder = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._write = _open(self._folder / "write")
        self._mine = _open(self._folder / f"holder-{self.holder}")
        fcntl.flock(self._mine, fcntl.LOCK_EX)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer among all processes."""
        fcntl.flock(self._write, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._write, fcntl.LOCK_UN)

    def alive(self, holder: str) -> bool:
        """Whether the store of that name still lives; the lock of a dead one is swept away."""
        return is_alive(self._database, holder)

    def close(self) -> None:
        """Let go of everything."""
        (self._folder / f"holder-{self.holder}").unlink(missing_ok=True)
        os.close(self._mine)
        os.close(self._write)


def is_alive(database: Path, holder: str) -> bool:
    """See `Locks.alive`; who may only read the folder sweeps nothing."""
    path = _folder(database) / f"holder-{holder}"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return False
    finally:
        os.close(descriptor)


def _folder(database: Path) -> Path:
    return database.with_name(database.name + ".locks")


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
