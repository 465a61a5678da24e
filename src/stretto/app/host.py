"""An app: workers, dependencies, policy and database together. What a server serves and a program embeds."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar, cast
from weakref import WeakSet

from stretto.app import policies, tracing
from stretto.app.conversing import UNSAID
from stretto.app.forecast import forecast
from stretto.app.handle import Run
from stretto.app.kept import Kept
from stretto.app.known import Known
from stretto.app.models import Models
from stretto.app.pacing import Starts
from stretto.app.parts import fingerprints, reachable_tools
from stretto.app.retracing import again
from stretto.app.settings import Environment, open_store
from stretto.app.streams import Voices
from stretto.app.waking import Waker
from stretto.core.blobs import fetched
from stretto.core.errors import JournalError, RunFailed, StrettoError, UsageError
from stretto.core.events import RunStarted
from stretto.core.guesses import guided
from stretto.core.ports import Model, Observer, Store
from stretto.core.values import Budget, RunState, Settings
from stretto.models.guarded import Guards
from stretto.models.pace import Limit
from stretto.runtime import engine
from stretto.runtime.branches import fork_plain_tasks
from stretto.runtime.clock import SystemClock
from stretto.runtime.execution import Execution
from stretto.runtime.outcome import Ending, Outcome, Stopped, Surroundings
from stretto.runtime.undo import UNDOES, Undo
from stretto.runtime.view import View
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workflow, as_worker

T = TypeVar("T")


@guided
class App:
    """Use as `async with app:` in a running event loop; runs that are not finished when it closes go on another time.

    From then on it goes on with parked runs that are answered or whose time comes, and with those of its `workers` whose
    process has died, or was closed before they had ended.
    """

    def __init__(
        self,
        workers: Iterable[Any] = (),
        *,
        deps: Any = None,
        policy: policies.Policy | None = None,
        db: str | None = None,
        model: str | Model | None = None,
        observers: Sequence[Observer] = (),
        channel: str = "python",
        limits: Mapping[str, str | int | Limit] | None = None,
        models: Mapping[str, str] | None = None,
        telemetry: str | bool | None = None,
        stream: bool = False,
    ) -> None:
        """`policy` is rules, or a TOML file with them. `models` names models by what they are for: {"strong":
        "anthropic:claude-sonnet-4-6"}. `limits` says what is allowed over all runs: {"openai": "2 at once, 500 requests,
        200000 tokens"} (a minute), or by model. All three may stand in stretto.toml; see docs/orchestrator.md.
        `telemetry` is the address of an OpenTelemetry collector, or True for the environment's; see docs/telemetry.md.
        With `stream`, models always stream, so that who listens late hears what is being said from its beginning.
        """
        self._environment = Environment.here()
        self._guards = Guards({**self._environment.limits, **(limits or {})})
        self._models = Models(model, self._environment, models, lambda: self.store)
        self.known = Known(workers, sys._getframe(2).f_globals)
        self._deps, self._rules = deps, policies.rules(policy, self._environment.policy)
        self.autonomy = self._rules.autonomy
        """How much is done without asking, by its policy."""
        self.db = db or self._environment.db
        self._observers = [*observers, *tracing.tracers(telemetry, self._environment)]
        self.channel = channel
        self._store: Store | None = open_store(self.db) if self.db == ":memory:" else None
        self._lasting = self._store
        if self._store is not None:
            tracing.observed(self._store, self._observers)
        self._live: dict[str, Execution] = {}
        self._kept = Kept()
        self._unread: WeakSet[Run] = WeakSet()
        self._starts = Starts()
        self._errors: dict[str, BaseException] = {}
        self._stopped: set[str] = set()
        self._given: Mapping[type, Any] = {}
        self._watch: asyncio.Task[None] | None = None
        self.past: Store | None = None
        """Where forecasts look for what workers took before, if not in its own database."""
        self._voices, self._heard = Voices(always=stream), cast("Store | None", None)
        self._for_good = False

    # ---- life

    async def __aenter__(self) -> App:
        await self.open()
        self._for_good = True
        # it goes on with its own, unless they stopped here of an error that they would meet again
        waker = Waker(self.store, self._wake, lambda row: row.worker in self.known.own and row.id not in self._stopped)
        self._watch = asyncio.get_running_loop().create_task(waker.watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Open the database and make the dependencies."""
        if self._store is None:
            self._store = open_store(self.db)
            tracing.observed(self._store, self._observers)
        tracing.opened(self._observers, self._store)
        if self._voices.always:
            self._hear()
        made = self._deps() if callable(self._deps) else self._deps
        made = await made if asyncio.iscoroutine(made) else made
        self._given = made if isinstance(made, Mapping) else ({} if made is None else {type(made): made})

    async def close(self) -> None:
        """Let go of all runs and of the database."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        live = list(self._live.values())
        for execution in live:
            execution.let_go()
        for execution in live:
            await execution.outcome.wait()
        await self._kept.close()
        self._watch, self._for_good = None, False
        await tracing.closed(self._observers)
        if self._store is not None and self._store is not self._lasting:
            for run in list(self._unread):
                with contextlib.suppress(JournalError):
                    await run.refresh()
            self._unread.clear()
            await self._store.close()
            self._store = None

    def in_own_loop(self, work: Coroutine[Any, Any, T], *, for_good: bool = False) -> T:
        """Carry out work in an event loop of its own, in which plain asyncio tasks fork a run's scope as well.

        `for_good` says that the work itself sees to its runs: their methods return as they do inside `async with app:`.
        """

        async def whole() -> T:
            asyncio.get_running_loop().set_task_factory(fork_plain_tasks)
            try:
                await self.open()
            except BaseException:
                work.close()
                raise
            self._for_good = for_good
            try:
                return await work
            finally:
                await self.close()

        return asyncio.run(whole())

    @property
    def is_open(self) -> bool:
        """Whether its database can be read now."""
        return self._store is not None

    @property
    def is_open_for_good(self) -> bool:
        """Whether it was opened by its user, and not for one call."""
        return self._for_good

    @property
    def store(self) -> Store:
        """The open database."""
        if self._store is None:
            raise UsageError("this App is not open; use it inside `async with app:`")
        return self._store

    @property
    def voices(self) -> Voices:
        """Who listens to runs here; from the first listener on, it hears of all that is recorded."""
        self._hear()
        return self._voices

    def _hear(self) -> None:
        if self._heard is not self.store:
            self._heard = self.store
            self.store.observe(self._voices)

    def drives(self, id: str) -> bool:
        """Whether this process holds the run and carries it on."""
        return id in self._live

    def ending(self, id: str) -> Ending | None:
        """What tells when a run that is held here has come to rest."""
        execution = self._live.get(id)
        return execution.outcome if execution is not None else None

    def lend(self, model: Model) -> str:
        """A name for a model that a fork is given; see `Run.fork`."""
        return self._models.lend(model)

    # ---- runs

    async def start(
        self,
        worker: Any,
        input: Any = UNSAID,
        *,
        id: str | None = None,
        budget: str | Budget | None = None,
        approve: Sequence[str] = (),
        model: str | None = None,
        code: str = "",
        extra: dict[str, Any] | None = None,
        traceparent: str = "",
    ) -> Run:
        """Start a run, or go on with the one that has this id and the same input.

        An agent that is given no input begins a conversation: it waits for what `Run.say` says, and then for more.
        """
        worker = as_worker(worker)
        listens = input is UNSAID and getattr(worker, "converses", False)
        input = None if input is UNSAID else input
        if input is None and isinstance(worker, Workflow):
            input = worker.unsaid()
        self.known.add(worker)
        code = code or self.known.code(worker)
        Budget.parse(budget)
        if id is not None and not (id and isinstance(id, str)):
            raise UsageError(f"the id {id!r} is no text; name the run by a text, or leave it out for a new one")
        settings = Settings(
            model or self._models.default,
            tuple(name.strip() for name in approve.split(",")) if isinstance(approve, str) else tuple(approve),
            budget if isinstance(budget, str) else str(budget or ""),
            self._rules.autonomy,
            tracing.joined(traceparent, self._models.noted(extra), self._observers, self._environment),
            listens,
        )
        if id is None or await self.store.find(id) is None:
            self._models.check(settings, worker)  # a model that is not to be had is the caller's to mend, now
        await self._starts.turn()
        loaded = await engine.begin(self.around(settings, worker), worker, input, id=id, settings=settings, code=code)
        if loaded is None:
            assert id is not None
            return await again(self, worker, input, id, listens=listens)
        run = Run(self, loaded.execution.id, self.drive(loaded), worker)
        self.known.handles[run.id] = run
        return run

    def get(self, id: str) -> Any:
        """The run of that id: awaited in a live loop, elsewhere found at once."""
        return self.either(self._get(id))

    async def _get(self, id: str) -> Run:
        if await self.store.find(id) is None:
            raise UsageError(f"there is no run {id!r} in {self.db}; `stretto list` shows what there is")
        run = self.known.handles[id] = self.known.handles.get(id) or Run(self, id)
        return await run.refresh()

    def either(self, work: Coroutine[Any, Any, T]) -> Any:
        """The work itself where a loop runs, to be awaited; else what comes of it, carried out at once."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self.in_own_loop(work)
        return work

    async def take_up(self, id: str, *, retry: bool = False, worker: Worker[Any, Any] | None = None) -> None:
        """Hold a run and let it go on, unless it has ended or somebody else holds it; `retry` goes on after a failure."""
        row = await self.store.find(id)
        if row is None:
            raise UsageError(f"there is no run {id!r} in {self.db}; `stretto list` shows what there is")
        if id in self._live or row.state is RunState.CANCELLED or (row.state is RunState.FAILED and not retry):
            return
        if row.state is RunState.DONE and not await engine.said_more(self.around(Settings()), id):
            return
        if row.state is RunState.FAILED and await self.store.find(f"{id}-undo") is not None:
            raise UsageError(f"run {id!r} was undone, so what it did is no fact any more; start a new run")
        begun = await engine.started(self.around(Settings()), id)
        worker = worker or self.known.held(id) or await self.worker_that_began(begun)
        settings = Settings(**(await fetched(begun.settings, self.store.blob) or {}))
        if id in self._live or (row.state is RunState.DONE and not getattr(worker, "converses", False)):
            return
        around = self.around(replace(settings, approve=tuple(settings.approve)), worker)
        known = handle.rows if (handle := self.known.handles.get(id)) is not None else ()
        loaded = await engine.take_up(around, id, worker, resting=self._kept.get(id), known=known)
        if loaded is not None:
            self.drive(loaded)

    async def worker_that_began(self, begun: RunStarted) -> Worker[Any, Any]:
        """The worker that a run began with; one that undoes another run is made anew from that run's."""
        if not begun.code.startswith(UNDOES):
            return self.known.find(begun.worker, begun.code)
        of = await engine.started(self.around(Settings()), begun.code.removeprefix(UNDOES))
        worker = await self.worker_that_began(of)
        return Undo(worker, reachable_tools(worker))

    async def worker_of(self, id: str, *, must: bool = False) -> Worker[Any, Any] | None:
        """The worker that a run began with; None where its code is not here, or a `UsageError` where it must be."""
        try:
            return self.known.held(id) or await self.worker_that_began(
                await engine.started(self.around(Settings()), id)
            )
        except UsageError:
            if must:
                raise
            return None

    def drive(self, loaded: engine.Loaded) -> Ending:
        execution = loaded.execution
        self._kept.drop(loaded)
        self._live[execution.id] = execution
        execution.keeps = self._for_good
        execution.outcome.then(partial(self._drove, loaded))
        return execution.begin(loaded.worker, loaded.value)

    def _drove(self, loaded: engine.Loaded, outcome: Outcome | None) -> None:
        id = loaded.execution.id
        self._live.pop(id, None)
        if loaded.execution.rests:
            self._kept.put(loaded, self.known.handles.get(id))
        if isinstance(outcome, Stopped):
            self._errors[id] = outcome.error
            self._stopped.add(id)
        elif outcome is not None:
            self._errors.pop(id, None)

    async def keep_in_sight(self, run: Run, events: int) -> None:
        """See that a run which has come to its end can be looked at from now on, also when this is closed."""
        if events > self.store.at_once:
            await run.refresh()
        elif self._store is not self._lasting:
            self._unread.add(run)

    async def settled(self, id: str) -> None:
        """Wait until the run has ended or waits, as far as this process drives it; raises what stopped it short of that."""
        execution = self._live.get(id)
        if execution is not None:
            await execution.outcome.wait()
        error = self._errors.pop(id, None)
        if error is not None and not isinstance(error, RunFailed) and isinstance(error, StrettoError):
            row = await self.store.find(id) if not isinstance(error, JournalError) else None
            if row is None or row.state is not RunState.FAILED:
                raise error

    async def ended(self, id: str) -> None:
        """Wait until the run has ended, whoever drives it."""
        while True:
            await self.settled(id)
            row = await self.store.find(id)
            if row is None or row.state.ended:
                return
            await asyncio.sleep(0.05)

    async def _wake(self, id: str) -> None:
        """Take up a run that nobody goes on with."""
        if id in self._live:
            return
        try:
            await self.take_up(id)
        except UsageError:
            return  # a run whose code is not here is somebody else's to wake
        except Exception as error:  # noqa: BLE001  the boundary: one run's trouble is not the others'
            self._errors[id] = error

    # ---- what runs are given

    def around(self, settings: Settings, worker: Worker[Any, Any] | None = None) -> Surroundings:
        rules = (
            replace(self._rules, approve=(*self._rules.approve, *settings.approve)) if settings.approve else self._rules
        )
        for own in self.known.rules(worker):
            rules = rules.and_also(own)
        return Surroundings(
            self.store,
            SystemClock(),
            rules,
            self._models.of(settings),
            self._given,
            guards=self._guards,
            secrets=self._environment.secrets,
            fingerprints=fingerprints,
            tracers=tracing.among(self._observers),
            forecast=lambda boss, plan: forecast(boss, plan, self.past or self.store, self._models.of(settings)),
            listeners=self._voices.of,
        )

    def revive(self, view: View, worker: Worker[Any, Any] | None = None) -> Any:
        """A run's output as its worker's output type, where the worker is known here; else as plain data."""
        return self.known.revived(worker or view.worker, view.output) if view.state is RunState.DONE else view.output
