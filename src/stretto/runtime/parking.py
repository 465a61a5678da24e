"""Knows when all that is left of a run waits, and parks it then: a row on disk, no task, timer or object in memory.

A thread of control is active unless it waits in a way that is known here: for an answer, for branches, for a slot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from stretto.core import faults
from stretto.core.errors import JournalError, Starved
from stretto.core.events import RunParked
from stretto.core.ports import Entry, Lease, Store
from stretto.core.values import Answer
from stretto.runtime.outcome import Waiting
from stretto.runtime.recording import ROOT
from stretto.runtime.waits import Wait

if TYPE_CHECKING:
    from stretto.runtime.execution import Execution

LINGER = 2_000_000
"""Microseconds for which a run stays loaded for a timer, rather than be parked and taken up again."""
QUIET = 0.01
"""Seconds in which nothing happens before a run is told that nothing ever will: a thread may be about to go on."""
STANDSTILL = 1.0
"""Seconds without progress after which a run whose code awaits things unknown to stretto counts as waiting."""


class Parking:
    """The threads of control of one run, and its open questions."""

    def __init__(self, run: Execution, store: Store, lease: Lease) -> None:
        self.waits: dict[str, Wait] = {}
        self.underway = False
        self._run, self._store, self._lease = run, store, lease
        self._loop = asyncio.get_running_loop()
        self._active = 1
        self.awaited: set[asyncio.Future[Any]] = set()
        """What the idle threads wait for: where one is done, its thread is about to go on."""
        self._hungry: set[asyncio.Future[Any]] = set()
        self._starving: asyncio.TimerHandle | None = None
        self._deadlines: list[int] = []
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._looking: asyncio.TimerHandle | None = None

    # ---- threads of control

    def joined(self, branches: int) -> None:
        """One thread of control now waits for so many new ones."""
        self._active += branches - 1

    def rejoined(self) -> None:
        """A thread of control that waited goes on."""
        self._active += 1

    def idle(self) -> None:
        """A thread of control ended, or waits."""
        self._active -= 1
        if self._active <= 0:
            self._loop.call_soon(self.consider)

    async def until(self, change: Awaitable[Any], *, starves: bool = False) -> None:
        """Wait for something that another branch, or a person whom it asked, brings about.

        What `starves` can come from a branch alone: `Starved` is raised where all others wait as well, and for nobody.
        """
        known = {change} if isinstance(change, asyncio.Future) else set()
        self.awaited |= known
        self._hungry |= known if starves else set()
        self.idle()
        try:
            await change
        finally:
            self.awaited -= known
            self._hungry -= known
            self.rejoined()
        self._run.check_open()

    def slots(self, name: str, limit: int) -> asyncio.Semaphore:
        """What the tasks of one worker take turns by."""
        return self._slots.setdefault(name, asyncio.Semaphore(limit))

    def at(self, time: int, act: Callable[[], None]) -> Callable[[], None]:
        """Act when a time (microseconds since 1970) has come, also after having been parked; returns how to stop that."""
        timer = self._loop.call_later(self._seconds_to(time), lambda: due())
        self._deadlines.append(time)

        def due() -> None:
            nonlocal timer
            if self.underway:  # it is parked, and woken at this time; or it is not, and then the time has come
                timer = self._loop.call_later(0.01, due)
            else:
                act()

        def stop() -> None:
            timer.cancel()
            self._deadlines.remove(time)

        return stop

    # ---- questions

    async def wait(self, wait: Wait) -> Answer:
        """Wait for the answer to an open question."""
        self._run.check_open()
        self.waits[wait.id] = wait
        self.awaited.add(wait.future)
        self._set_timer(wait)
        self._run.mail.look_again()
        if not self._run.rehearses and wait.standing() is not None:  # by a rule that came after the question
            self._run.background(self._run.mail.by_rule(wait))
        self.idle()
        self._look_again()
        try:
            return await wait.future
        except asyncio.CancelledError:
            if not wait.future.done() or wait.future.cancelled():
                self.rejoined()
            self._run.check_open()
            raise
        finally:
            self.waits.pop(wait.id, None)
            self.awaited.discard(wait.future)
            if wait.timer is not None:
                wait.timer.cancel()

    def answered(self, wait: Wait, answer: Answer) -> None:
        """Let the thread of control go on that waits for this answer."""
        if not wait.future.done():
            self.rejoined()
            wait.future.set_result(answer)

    def evict(self) -> None:
        """Nobody waits here any more."""
        for wait in self.waits.values():
            wait.future.cancel()
        self._stop_timers()

    def _stop_timers(self) -> None:
        for timer in (self._looking, self._starving, *(wait.timer for wait in self.waits.values())):
            if timer is not None:
                timer.cancel()

    @property
    def stands_still(self) -> bool:
        """Whether all threads of control wait here, and no time limit runs."""
        return self._active <= 0 and not self._deadlines

    def rest(self) -> None:
        """Keep all as it is, for somebody to `wake` it."""
        self._stop_timers()
        self._looking = self._starving = None

    def wake(self, lease: Lease) -> None:
        """Go on waiting, under a new lease."""
        self._lease = lease
        for wait in self.waits.values():
            self._set_timer(wait)
        if self.waits:
            self._look_again()

    def _set_timer(self, wait: Wait) -> None:
        due = wait.asked.expires
        wait.timer = None if due is None else self._loop.call_later(self._seconds_to(due), self._due, wait)

    def _due(self, wait: Wait) -> None:
        if not self._run.closed and not wait.future.done() and not self.underway:
            decision = "due" if wait.asked.ask == "timer" else "expired"
            self._run.background(self._run.mail.take(wait, Answer(decision, channel="clock"), ""))

    def _seconds_to(self, time: int) -> float:
        return max(0.0, (time - self._run.now()) / 1e6)

    # ---- parking

    def consider(self, *, force: bool = False) -> None:
        """Park the run if all that is left of it waits and nothing is in flight."""
        run = self._run
        if run.closed or self.underway or run.busy or run.is_over or (self._active > 0 and not force):
            return
        if any(future.done() for future in self.awaited):  # it was answered, won or cut off, and does not know it yet
            return
        if not self.waits:
            if self._hungry and self._starving is None:
                self._starving = self._loop.call_later(QUIET, self._starve)
            return
        expiries = (wait.asked.expires for wait in self.waits.values() if wait.asked.expires is not None)
        wake = min((*expiries, *self._deadlines), default=None)
        if wake is None or wake - run.now() >= LINGER:
            self.underway = True
            run.background(self._park(wake))

    def _starve(self) -> None:
        """Where nobody has gone on since, and nobody is waited for, whoever waits for a message waits in vain."""
        self._starving, run = None, self._run
        stirs = run.closed or run.busy or run.is_over or self._active > 0 or self.waits or self._deadlines
        if not stirs and not any(future.done() for future in self.awaited):
            for future in self._hungry:
                future.set_exception(Starved("nobody is left who could send it"))

    def _look_again(self) -> None:
        if self._looking is None:
            self._looking = self._loop.call_later(STANDSTILL, self._look, self._run.progress)

    def _look(self, progress: int) -> None:
        """Park a run whose code awaits something that is not known here, once it has got nowhere for a while."""
        self._looking = None
        if not self._run.closed and self.waits:
            if self._run.progress == progress:
                self.consider(force=True)
            self._look_again()

    async def _park(self, wake: int | None) -> None:
        faults.site("park.before")
        entry = Entry(RunParked(tuple(sorted(self.waits)), wake), ROOT, "", self._run.now())
        try:
            parked = await self._store.park(self._lease, entry, self._run.mail.kept)
        except JournalError as error:
            self._run.stop(error)
            return
        self._run.closed |= parked  # the lease is given back: a letter that comes now is for who holds the run next
        self.underway = False
        faults.site("park.after")
        if parked:
            self._run.end(Waiting())
        else:
            self._run.mail.came()
