"""One loaded run: it appends under its lease, takes answers, and is parked when all that is left of it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import copy_context
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from stretto.core import errors, faults
from stretto.core.canonical import decode, encode
from stretto.core.errors import Evicted, Failure, JournalError, WorkerFailed
from stretto.core.events import Encoded, Event, Ref, RunCancelled, RunFailed, RunFinished, RunParked, RunResumed
from stretto.core.ports import Durability, Entry, Lease, Worker
from stretto.core.values import Budget, Settings
from stretto.runtime import budgets, conversations, failures, frontier, tasks
from stretto.runtime.mail import Mail
from stretto.runtime.notebook import Notebook
from stretto.runtime.outcome import Ending, Finished, Outcome, Stopped, Surroundings, Waiting
from stretto.runtime.outside import Outside, nowhere
from stretto.runtime.parking import Parking
from stretto.runtime.recording import ROOT, Recording
from stretto.runtime.reuse import Reuse
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker as TalkingWorker

if TYPE_CHECKING:
    from stretto.runtime.board import Board
    from stretto.runtime.checkins import Mark

T = TypeVar("T")
GRACE = 0.8
"""Seconds that a cancelled effect gets to come to its end."""


class Execution:
    """A run that this process holds."""

    rehearses = False
    """Whether finished tasks are gone through again, rather than taken as finished."""

    def __init__(
        self, lease: Lease, recording: Recording, settings: Settings, around: Surroundings, reuse: Reuse | None = None
    ) -> None:
        self.id = lease.run
        self.recording = recording
        self.settings = settings
        self.reuse = reuse
        self.gate, self._given, self.model, self.guards = around.gate, around.deps, around.model, around.guards
        self.grace = GRACE
        self.stand_in, self.listeners, self.forecast = around.stand_in, around.listeners, around.forecast
        self.secrets, self._masks = around.secrets, bool(around.secrets)
        self.traced = bool(around.tracers) or "traceparent" in settings.extra
        self.closed = False
        self.busy = 0
        self.loop = asyncio.get_running_loop()
        self.outcome = Ending()
        self.is_over = False
        """Whether it is settled what came of the run here."""
        self._outcome: Outcome | None = None
        self.keeps = self.talks = False
        """Whether it stays in memory while it rests, as its app says; and whether it is a conversation."""
        self._told: asyncio.Future[None] | None = None
        """Of a conversation that is done: what it waits for until it is told more."""
        self._lease, self._store, self._clock = lease, around.store, around.clock
        self.progress = 0
        self.tally = recording.tally
        """How many events of each kind there are."""
        self.tick = len(recording.meetings)
        """How often its tasks have met: read or written shared values, sent or received messages."""
        self.board: Board | None = None
        self.marks: dict[str, Mark] = {}
        """Where each scope last checked in."""
        self._since = self.now()
        self._cancelled: RunCancelled | None = None
        self._concluded = False
        self._tasks: dict[asyncio.Task[Any], Callable[[], None] | None] = {}  # in the order of their making
        self._parking: Parking | None = Parking(self, self._store, lease)
        self.mail = Mail(self, self._store)

    @cached_property
    def deps(self) -> Mapping[type, Any]:
        """What its tools are given: the app's dependencies, and its memory."""
        return {**self._given, Notebook: Notebook(self._store, self.id, self.now)}

    # ---- life

    def begin(self, worker: Worker, value: object) -> Ending:
        """Run the root worker until it ends, fails, is stopped, or all that is left of it waits."""
        if self.rests:
            self._wake()
        else:
            self._root = self.loop.create_task(self._main(worker, value), context=nowhere())
        if self.is_resumed:
            self.mail.came()
        return self.outcome

    async def drive(self, worker: Worker, value: Any) -> Outcome:
        """The same, awaited: who is cancelled here lets go of the run."""
        ending = self.begin(worker, value)
        try:
            outcome = await ending.wait()
        except asyncio.CancelledError:
            self.let_go()
            await ending.wait()
            raise
        assert outcome is not None
        return outcome

    @property
    def is_resumed(self) -> bool:
        """Whether it was held before; a run that was just made has heard of every letter so far."""
        return self._lease.epoch > 1

    @property
    def parking(self) -> Parking:
        """Its threads of control and open questions; code that comes too late for them is thrown out."""
        if self._parking is None:
            raise Evicted
        return self._parking

    async def _main(self, worker: Worker, value: Any) -> None:
        try:
            account = budgets.account(self, [ROOT], "the run", Budget.parse(self.settings.budget or None))
            scope = Scope(self, ROOT, None, worker.name, account)
            try:
                with scope:
                    if isinstance(worker, TalkingWorker) and worker.converses:
                        output, data = await conversations.hold(scope, worker, value)
                    else:
                        output = await tasks.call(scope, worker, value)
                        data = self.secrets.stored(worker.gives, output)[0]
                await self._finish(output, data)
            except asyncio.CancelledError:
                if self._cancelled is None or self.closed:
                    raise
                await self._cut_off()
            except Exception as error:  # noqa: BLE001  the boundary at which a worker's error becomes the run's
                await (self._fail(worker, error) if self._cancelled is None else self._cut_off())
        except Evicted:
            return
        except Exception as error:  # noqa: BLE001  the boundary: it must not be lost
            self.stop(error)

    def worked(self) -> int:
        """Microseconds in which some process held the run."""
        return self.recording.worked + self.now() - self._since

    async def _finish(self, output: object, data: bytes) -> None:
        await self._conclude(RunFinished(Encoded(data)), Finished(output, sum(self.tally.values()) + 1))

    async def replies(self, output: object, data: bytes) -> None:
        """End a conversation with its last reply; comes back where it is told more before it is forgotten."""
        self._told = self.loop.create_future()
        await self._finish(output, data)
        await self._told

    async def _fail(self, worker: Worker, error: Exception) -> None:
        unexpected = Failure(worker.name, failures.message(error), failures.type_name(error))
        failure = error.failure if isinstance(error, WorkerFailed) else unexpected
        event = RunFailed(Encoded(encode(failure)), tuple(failures.path_of(error)))
        await self._conclude(event, Stopped(error))

    async def _conclude(self, event: Event, outcome: Outcome) -> None:
        """Record how the run ended; it ends once."""
        if not self._concluded:
            self._concluded = True
            await self.commit(self.append(event, ROOT, "", Durability.FULL))
            self.end(outcome)

    def end(self, outcome: Outcome) -> None:
        """Settle what came of the run here."""
        if not self.is_over:
            self.is_over, self._outcome = True, outcome
            self.loop.call_soon(self._close)

    def stop(self, error: BaseException) -> None:
        """Let go of the run at once: nothing that its code still does counts."""
        self.closed = True
        self.end(Stopped(error))

    def let_go(self) -> None:
        """End nothing: this process or another goes on with the run some other time."""
        if not self.is_over:
            self.is_over = True
            self._close()

    def _close(self) -> None:
        """Evict what is left of the run's code, and let go of the lease; a conversation that rests may stay at hand."""
        self.closed = True
        self.mail.deaf()
        if self.rests:
            self.recording.worked = self.worked()
            self.parking.rest()
            self.outcome.tell(self._outcome)
        else:
            self._unload()

    # ---- at rest

    @property
    def rests(self) -> bool:
        """Whether it is a row on disk whose code stands still in memory, and can go on from there."""
        if not (self.keeps and self.talks and self.closed):
            return False
        return self._told is not None or (isinstance(self._outcome, Waiting) and self.parking.stands_still)

    def rests_at(self, lease: Lease) -> bool:
        """Whether it rests, and nobody has gone on with the run since."""
        return self.rests and (lease.seq, lease.head) == (self._lease.seq, self._lease.head)

    def hold(self, lease: Lease) -> None:
        """Hold the run again; `begin` then goes on where it stands."""
        self.tally[RunParked.kind] += self._told is None
        self.tally[RunResumed.kind] += 1
        self._lease, self.outcome = lease, Ending()

    def forget(self) -> None:
        """Unload what rests."""
        self.keeps, self.outcome = False, Ending()
        self._unload()

    def _wake(self) -> None:
        self.closed = self.is_over = self._concluded = False
        self._outcome, self._since = None, self.now()
        self.mail = Mail(self, self._store)
        self.parking.wake(self._lease)
        if self._told is not None:
            self._told.set_result(None)
            self._told = None

    def _unload(self) -> None:
        self.parking.evict()
        self._tasks[self._root] = None
        if self._lease.held or not all(task.done() for task in self._tasks):
            self._root = self.loop.create_task(self._clear())
        else:
            self._closed()

    async def _clear(self) -> None:
        try:
            while left := [task for task in self._tasks if not task.done()]:
                for task in left:
                    task.cancel()
                await asyncio.wait(left, timeout=self.grace)
                for task in left:
                    self._tasks.pop(task, None)
            if self._lease.held:
                await self._store.release(self._lease)
        except JournalError as error:
            self._outcome = Stopped(error)
        finally:
            self._closed()

    def _closed(self) -> None:
        self._parking = None  # it and the mail hold the run, which would wait for the collector
        del self.mail
        self.outcome.tell(self._outcome)

    @property
    def ending(self) -> bool:
        """Whether nothing of the run goes on: it was cancelled, or this process lets go of it."""
        return self.closed or self._cancelled is not None

    def cancel(self, by: str, reason: str) -> None:
        """Unwind the run's code, which may undo; what has not come to an end within the grace is cut off."""
        if self._cancelled is None and not self._concluded:
            self._cancelled = RunCancelled(by, reason)
            self._root.cancel()
            self.loop.call_later(self.grace, lambda: None if self.closed else self.background(self._cut_off()))

    async def _cut_off(self) -> None:
        assert self._cancelled is not None
        reason = f": {self._cancelled.reason}" if self._cancelled.reason else ""
        await self._conclude(self._cancelled, Stopped(errors.RunCancelled(f"run {self.id} was cancelled{reason}")))

    # ---- the journal

    def append(
        self,
        event: Event,
        scope: str,
        ident: str,
        durability: Durability,
        blobs: Sequence[tuple[str, bytes]] = (),
        consumes: str = "",
    ) -> Awaitable[None] | None:
        """Append an event of this run; a store that fails stops the run."""
        if self.closed:
            raise Evicted
        self.progress += 1
        self.tally[event.kind] += 1
        if self._masks:
            event = self.secrets.kept(event)
        faults.site("record.before")
        try:
            pending = self._store.append(
                self._lease, [Entry(event, scope, ident, self._clock.now(), blobs, consumes)], durability
            )
        except JournalError as error:
            self.stop(error)
            raise Evicted from error
        faults.site("record.after")
        return pending

    async def commit(self, pending: Awaitable[None] | None) -> None:
        """Wait for an append, where there is something to wait for; a store that fails stops the run."""
        if pending is None:
            return
        self.busy += 1
        try:
            await pending
        except JournalError as error:
            self.stop(error)
            raise Evicted from error
        finally:
            self.busy -= 1
        self.check_open()

    async def value(self, stored: Any) -> Any:
        """A recorded value as JSON, fetched where it lies in the blob table."""
        if isinstance(stored, Ref):
            return decode(await self._store.blob(stored.digest))
        return decode(stored) if isinstance(stored, Encoded) else stored

    async def blob(self, digest: str) -> bytes:
        """A stored value's bytes."""
        return await self._store.blob(digest)

    def check_open(self) -> None:
        """Throw code of an evicted run out."""
        if self.closed:
            raise Evicted

    def now(self) -> int:
        """Microseconds since 1970."""
        return self._clock.now()

    def deadline(self, seconds: float | None) -> int | None:
        """The time in that many seconds, in microseconds since 1970."""
        return None if seconds is None else self.now() + int(seconds * 1_000_000)

    # ---- concurrency

    def spawn(
        self, work: Coroutine[Any, Any, T], *, inside: bool = False, ended: Callable[[], None] | None = None
    ) -> asyncio.Task[T]:
        """A task that lives no longer than the run is loaded, with no scope in sight unless it is `inside` the one here.

        It is told to `ended` that the task is done.
        """
        # a context that is given keeps the task factory from taking this for a plain task, which forks the scope
        task = self.loop.create_task(work, context=copy_context() if inside else nowhere())
        self._tasks[task] = ended
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        ended = self._tasks.pop(task, None)
        if self.closed and not task.cancelled():
            task.exception()  # nobody asks for it any more, and that is no defect to report
        if ended is not None:
            ended()

    def background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Something that nobody awaits: an error in it stops the run."""

        async def quiet() -> None:
            try:
                await work
            except Evicted:
                return
            except Exception as error:  # noqa: BLE001  the boundary: it must not be lost
                self.stop(error)

        task = self.spawn(quiet())
        task.add_done_callback(lambda _: work.close())  # where it was cancelled before it began
        return task

    def outside(self) -> Outside:
        """Inside an effect: no scope is in sight, and the run is not idle."""
        return Outside(self)

    def owes_nothing(self, scope: Scope, wanted: str) -> None:
        """Refuse to go on where the code of a scope has not asked again for something it recorded."""
        if scope.key in self.recording.unclaimed:
            self.mismatch(scope, wanted)

    def mismatch(self, scope: Scope, wanted: str) -> None:
        """Stop: the code has gone another way than the one recorded."""
        self.stop(frontier.mismatch(self, scope, wanted))
        raise Evicted
