"""One loaded run: it appends under its lease, takes answers, and is parked when all that is left of it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from stretto.core import errors, faults
from stretto.core.canonical import decode, encode
from stretto.core.errors import Evicted, Failure, JournalError, ReplayMismatch, WorkerFailed
from stretto.core.events import (
    Declined,
    Encoded,
    Event,
    Ref,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunParked,
)
from stretto.core.ports import Clock, Durability, Entry, Gate, Lease, Letter, Model, Store, Worker
from stretto.core.scope import current
from stretto.core.values import Answer, Budget, Settings
from stretto.policy.ledger import Account
from stretto.runtime import failures, tasks
from stretto.runtime.recording import ROOT, Recording
from stretto.runtime.reuse import Reuse
from stretto.runtime.scope import Scope
from stretto.runtime.waits import Wait, answered

T = TypeVar("T")
GRACE = 0.8
"""Seconds that a cancelled effect gets to come to its end."""
LINGER = 2_000_000
"""Microseconds for which a run stays loaded for a timer, rather than be parked and taken up again."""
PATIENCE = 1.0
"""Seconds without progress after which a run whose code awaits things unknown to stretto counts as waiting."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The run's result."""

    output: Any


@dataclass(frozen=True, slots=True)
class Waiting:
    """The run is parked."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The run ended, or this process let go of it, with an error."""

    error: BaseException


Outcome = Finished | Waiting | Stopped


async def outcome_of(drive: asyncio.Task[Outcome]) -> Outcome | None:
    """What comes of a run that is being driven; None where it was let go of. Who waits here may be cancelled, not it."""
    if not drive.done():
        over = asyncio.Event()
        drive.add_done_callback(lambda _: over.set())
        await over.wait()
    return None if drive.cancelled() or drive.exception() is not None else drive.result()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process gives to the runs it holds."""

    store: Store
    clock: Clock
    gate: Gate
    model: Callable[[str], Model]
    deps: Mapping[type, Any]


class Outside:
    """See `Execution.outside`."""

    __slots__ = ("_run", "_token")

    def __init__(self, run: Execution) -> None:
        self._run = run

    def __enter__(self) -> None:
        self._token = current.set(None)
        self._run.busy += 1

    def __exit__(self, *_: object) -> None:
        self._run.busy -= 1
        current.reset(self._token)


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
        self.gate, self.deps, self.model = around.gate, around.deps, around.model
        self.grace = GRACE
        self.closed = False
        self.busy = 0
        self._loop = asyncio.get_running_loop()
        self._outcome: asyncio.Future[Outcome] = self._loop.create_future()
        self._lease, self._store, self._clock = lease, around.store, around.clock
        self._waits: dict[str, Wait] = {}
        self._letters: dict[str, Letter] = {}
        self._active = 1
        self._progress = 0
        self._cancelled: RunCancelled | None = None
        self._parking = self._draining = self._news = self._concluded = False
        self._looking: asyncio.TimerHandle | None = None
        self._deadlines: list[int] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._deaf = self._store.listen(self.id, self._letters_came)

    # ---- life

    async def drive(self, worker: Worker, value: Any) -> Outcome:
        """Run the root worker until it ends, fails, is stopped, or all that is left of it waits."""
        self._root = self._background(self._main(worker, value))
        if self._lease.epoch > 1:  # a run that was just made has heard of every letter so far
            self._letters_came()
        try:
            return await self._outcome
        finally:
            self._deaf()
            del self._deaf  # it holds the run, which would wait for the collector
            await self._close()

    async def _main(self, worker: Worker, value: Any) -> None:
        account = self.account(ROOT, "the run", Budget.parse(self.settings.budget or None))
        scope = Scope(self, ROOT, None, worker.name, account)
        try:
            with scope:
                output = await tasks.call(scope, worker, value)
            data = Encoded(worker.gives.stored(output)[0])
            await self._conclude(RunFinished(data), Finished(output))
        except asyncio.CancelledError:
            if self._cancelled is None or self.closed:
                raise
            await self._cut_off()
        except Exception as error:  # noqa: BLE001  the boundary at which a worker's error becomes the run's
            await (self._fail(worker, error) if self._cancelled is None else self._cut_off())

    def account(self, key: str, name: str, budget: Budget | None, above: Account | None = None) -> Account:
        """A task's account, as it stood when the run was last loaded."""
        raised = self.recording.caps.get(key)
        cap = budget.raised(raised) if budget is not None and raised is not None else raised or budget
        return Account(key, name, cap, above, self.recording.spent.get(key))

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
            self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        if not self._outcome.done():
            self._outcome.set_result(outcome)

    def stop(self, error: BaseException) -> None:
        """Let go of the run at once: nothing that its code still does counts."""
        self.closed = True
        self._end(Stopped(error))

    async def _close(self) -> None:
        """Evict what is left of the run's code, and let go of the lease."""
        self.closed = True
        for wait in self._waits.values():
            wait.future.cancel()
        if self._looking is not None:
            self._looking.cancel()
        while left := [task for task in self._tasks if not task.done() and task is not asyncio.current_task()]:
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=self.grace)
            self._tasks.difference_update(left)
        if self._lease.held:
            await self._store.release(self._lease)

    @property
    def ending(self) -> bool:
        """Whether nothing of the run goes on: it was cancelled, or this process lets go of it."""
        return self.closed or self._cancelled is not None

    def cancel(self, by: str, reason: str) -> None:
        """Unwind the run's code, which may undo; what has not come to an end within the grace is cut off."""
        if self._cancelled is None and not self._concluded:
            self._cancelled = RunCancelled(by, reason)
            self._root.cancel()
            self._loop.call_later(self.grace, lambda: None if self.closed else self._background(self._cut_off()))

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
        self.check_open()
        self._progress += 1
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
            await asyncio.shield(pending)
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
        return decode(stored.data) if isinstance(stored, Encoded) else stored

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

    def spawn(self, work: Coroutine[Any, Any, T], *, inside: bool = False) -> asyncio.Task[T]:
        """A task that lives no longer than the run is loaded, with no scope in sight unless it is `inside` the one here."""
        context = copy_context()
        if not inside:
            context.run(current.set, None)
        task = self._loop.create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
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

    def joined(self, branches: int) -> None:
        """One thread of control now waits for so many new ones."""
        self._active += branches - 1

    def rejoined(self) -> None:
        """A thread of control that waited for branches goes on."""
        self._active += 1

    async def until(self, change: Awaitable[Any]) -> None:
        """Wait for something that another branch, or a person whom it asked, brings about."""
        self.idle()
        try:
            await change
        finally:
            self._active += 1
        self.check_open()

    def idle(self) -> None:
        """A thread of control ended, or waits for somebody."""
        self._active -= 1
        if self._active <= 0:
            self._loop.call_soon(self._maybe_park)

    async def frontier(self, scope: Scope, wanted: str) -> None:
        """Wait until the scopes around have asked again for all they recorded; code that cannot has gone another way.

        A call stands in the scope where it was made; the branch that awaits it waits for that scope as for those around.
        """
        unclaimed = self.recording.unclaimed
        here: Scope = current.get() or scope
        self.owes_nothing(here, wanted)
        ancestors = [] if here is scope else [scope, *scope.around()]
        ancestors += here.around()
        deadline = self._loop.time() + PATIENCE
        while late := [ancestor for ancestor in ancestors if ancestor.key in unclaimed]:
            if self._loop.time() > deadline:
                self.mismatch(late[0], wanted)
            await asyncio.sleep(0 if self._loop.time() < deadline - PATIENCE * 0.9 else PATIENCE / 100)

    def owes_nothing(self, scope: Scope, wanted: str) -> None:
        """Refuse to go on where the code of a scope has not asked again for something it recorded."""
        if scope.key in self.recording.unclaimed:
            self.mismatch(scope, wanted)

    def mismatch(self, scope: Scope, wanted: str) -> None:
        """Stop: the code has gone another way than the one recorded."""
        recorded = sorted(" ".join(ident.split(" ")[:2]) for ident in self.recording.unclaimed[scope.key])
        self.stop(
            ReplayMismatch(
                f"run {self.id}: {scope.worker} now wants {wanted}, but the journal has {', '.join(recorded[:3])}"
                f"{f' and {len(recorded) - 3} more' if len(recorded) > 3 else ''} there, which it has not asked for again. "
                "Nothing was done. A resumed run must take the same way: read the clock, chance and order through stretto "
                "(now, random, race), restore the code that the run began with, or start a new run"
            )
        )
        raise Evicted

    def at(self, time: int, act: Callable[[], None]) -> Callable[[], None]:
        """Act when a time (microseconds since 1970) has come, also after having been parked; returns how to stop that."""
        timer = self._loop.call_later(max(0.0, (time - self.now()) / 1e6), act)
        self._deadlines.append(time)

        def stop() -> None:
            timer.cancel()
            self._deadlines.remove(time)

        return stop

    # ---- waiting and parking

    async def wait(self, wait: Wait) -> Answer:
        """Wait for the answer to an open question."""
        self.check_open()
        self._waits[wait.id] = wait
        due = wait.asked.expires
        timer = self._loop.call_later(max(0.0, (due - self.now()) / 1e6), self._due, wait) if due is not None else None
        if self._letters:
            self._letters_came()
        self.idle()
        self._look_again()
        try:
            return await wait.future
        except asyncio.CancelledError:
            if not wait.future.done() or wait.future.cancelled():
                self._active += 1
            self.check_open()
            raise
        finally:
            self._waits.pop(wait.id, None)
            if timer is not None:
                timer.cancel()

    def _due(self, wait: Wait) -> None:
        if not self.closed and not wait.future.done() and not self._parking:
            decision = "due" if wait.asked.ask == "timer" else "expired"
            self._background(self._take(wait, Answer(decision, channel="clock"), ""))

    def _look(self, progress: int) -> None:
        """Park a run whose code awaits something that stretto does not know, once it has got nowhere for a while."""
        self._looking = None
        if not self.closed and self._waits:
            if self._progress == progress:
                self._maybe_park(force=True)
            self._look_again()

    def _look_again(self) -> None:
        if self._looking is None:
            self._looking = self._loop.call_later(PATIENCE, self._look, self._progress)

    def _maybe_park(self, *, force: bool = False) -> None:
        if self.closed or self._parking or self.busy or not self._waits or self._outcome.done():
            return
        if self._active > 0 and not force:
            return
        expiries = (wait.asked.expires for wait in self._waits.values() if wait.asked.expires is not None)
        wake = min((*expiries, *self._deadlines), default=None)
        if wake is not None and wake - self.now() < LINGER:
            return
        self._parking = True
        self._background(self._park(wake))

    async def _park(self, wake: int | None) -> None:
        faults.site("park.before")
        entry = Entry(RunParked(tuple(sorted(self._waits)), wake), ROOT, "", self.now())
        try:
            parked = await self._store.park(self._lease, entry, frozenset(self._letters))
        except JournalError as error:
            self.stop(error)
            return
        self._parking = False
        faults.site("park.after")
        if parked:
            self._end(Waiting())
        else:
            self._letters_came()

    # ---- letters

    def _letters_came(self) -> None:
        self._news = True
        if not self.closed and not self._draining:
            self._draining = True
            self.busy += 1
            self._background(self._drain())

    async def _drain(self) -> None:
        """Take the letters, one after the other."""
        try:
            while self._news:
                self._news = False
                for letter in await self._store.letters(self.id):
                    if not self.closed and not self._parking:
                        await self._read(letter)
        finally:
            self._draining = False
            self.busy -= 1
        if self._active <= 0:
            self._maybe_park()

    async def _read(self, letter: Letter) -> None:
        """Take a letter, keep it for a question that is not open yet, or decline it."""
        body = decode(letter.body)
        if letter.key == "cancel":
            self.cancel(body.get("by", ""), body.get("reason", ""))
            return
        wait = self._signalled(body["signal"]) if "signal" in body else self._waits.get(body["wait"])
        answer = Answer(**body["answer"])
        if wait is None or wait.taken or wait.future.done():
            self._letters[letter.key] = letter
            return
        self._letters.pop(letter.key, None)
        if problem := wait.check(answer):
            await self.commit(
                self.append(Declined(letter.key, problem, answer.by), ROOT, "", Durability.FULL, consumes=letter.key)
            )
        else:
            await self._take(wait, answer, letter.key)

    def _signalled(self, name: str) -> Wait | None:
        """The oldest open question for a signal; one that comes too early is kept until there is one."""
        waits = (wait for wait in self._waits.values() if wait.asked.ask == "signal" and not wait.taken)
        return next((wait for wait in waits if wait.asked.prompt == name), None)

    async def _take(self, wait: Wait, answer: Answer, letter: str) -> None:
        """Record an answer, then let the branch go on that waits for it."""
        if wait.taken or wait.future.done():
            return
        wait.taken = True
        faults.site("wake.before")
        event = answered(wait.id, answer, wait.edited(answer) if wait.edited is not None else "")
        await self.commit(wait.scope.record(event, wait.ident, Durability.FULL, consumes=letter))
        faults.site("wake.after")
        if not wait.future.done():
            self._active += 1
            wait.future.set_result(answer)
