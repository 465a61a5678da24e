"""The one thread that writes: it takes what all runs have appended meanwhile and commits it as one transaction."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from stretto.core.errors import JournalError
from stretto.core.events import Row
from stretto.core.ports import Durability, Entry, Lease

Work = Callable[[sqlite3.Connection], Any]
Commit = Callable[["list[Job]"], "list[Row]"]
_MOST = 4096


@dataclass(slots=True)
class Job:
    """Either entries to append under a lease, or other work inside the transaction, whose result the caller gets."""

    loop: asyncio.AbstractEventLoop
    durability: Durability
    lease: Lease | None = None
    entries: list[Entry] = field(default_factory=list)
    work: Work | None = None
    done: asyncio.Future[Any] | None = None
    result: Any = None


class Writer:
    """Hands jobs over once per turn of the loop; calls `commit` in its thread; settles futures and tells `seen` after.

    A commit that fails stops the writer for good: what it would have said is not known to be stored, and everybody
    who waits or comes later gets the error.
    """

    def __init__(
        self, commit: Commit, seen: Callable[[list[Row]], None], explain: Callable[[BaseException], JournalError]
    ) -> None:
        self._commit, self._seen, self._explain = commit, seen, explain
        self._pending: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        self._queue: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self.broken: JournalError | None = None
        self._thread = threading.Thread(target=self._work, name="stretto-journal", daemon=True)
        self._thread.start()

    def put(self, job: Job) -> None:
        """Queue a job of the running loop; jobs of one loop keep their order."""
        if self.broken:
            raise self.broken
        pending = self._pending.get(job.loop)
        if pending is None:
            self._pending[job.loop] = pending = []
            job.loop.call_soon(self._hand_over, job.loop)
        pending.append(job)

    def append(self, lease: Lease, entries: Sequence[Entry], durability: Durability) -> asyncio.Future[Any] | None:
        """Queue entries; what a run appends without a pause is one job. What to wait for, unless it may come behind."""
        loop = asyncio.get_running_loop()
        done = loop.create_future() if durability else None
        pending = self._pending.get(loop)
        last = pending[-1] if pending else None
        if last is None or last.lease is not lease or last.done is not None or self.broken:
            self.put(Job(loop, durability, lease, list(entries), done=done))
        else:
            last.entries += entries
            last.durability, last.done = durability, done
        return done

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        jobs = self._pending.pop(loop, None)
        if jobs:
            self._queue.put(jobs)

    def close(self) -> None:
        """Write what is queued, then end the thread."""
        for loop in list(self._pending):
            self._hand_over(loop)
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (jobs := self._queue.get()) is not None:
            stop = self._more(jobs)
            if self.broken:
                self._settle(jobs, [])
            else:
                try:
                    rows = self._commit(jobs)
                except BaseException as error:  # noqa: BLE001  the boundary: whatever it was, nothing was committed
                    self.broken, rows = self._explain(error), []
                self._settle(jobs, rows)
            if stop:
                return

    def _more(self, jobs: list[Job]) -> bool:
        """Add what has queued up meanwhile; True when told to stop."""
        while len(jobs) < _MOST:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                return False
            if more is None:
                return True
            jobs.extend(more)
        return False

    def _settle(self, jobs: list[Job], rows: list[Row]) -> None:
        for loop in {job.loop for job in jobs}:
            waiting = [job for job in jobs if job.loop is loop and job.done is not None]
            if waiting or rows:
                try:
                    loop.call_soon_threadsafe(self._tell, waiting, rows)
                except RuntimeError:  # the loop is closed: nobody waits there any more
                    continue
            rows = []  # observers hear of a commit once

    def _tell(self, jobs: list[Job], rows: list[Row]) -> None:
        if rows:
            self._seen(rows)
        for job in jobs:
            assert job.done is not None
            if job.done.done():
                continue
            if self.broken:
                job.done.set_exception(self.broken)
            else:
                job.done.set_result(job.result)
