"""An app: workers, dependencies, policy and database together. What a server serves and a program embeds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast
from weakref import WeakSet

from stretto.app import tracing
from stretto.app.conversing import UNSAID
from stretto.app.handle import Run
from stretto.app.parts import reachable_tools, rules_in
from stretto.app.recorded import RecordedModel
from stretto.app.settings import Environment, open_store
from stretto.app.streams import Voices
from stretto.app.targets import find_worker
from stretto.core.canonical import encode
from stretto.core.errors import JournalError, RunFailed, StrettoError, UsageError
from stretto.core.events import RunStarted
from stretto.core.ports import Model, Observer, Store
from stretto.core.values import Budget, RunState, Settings
from stretto.models.guarded import Guards
from stretto.models.pace import Limit
from stretto.policy.gate import Rules
from stretto.runtime import engine
from stretto.runtime.branches import fork_plain_tasks
from stretto.runtime.clock import SystemClock
from stretto.runtime.execution import Execution
from stretto.runtime.outcome import Ending, Outcome, Stopped, Surroundings
from stretto.runtime.undo import UNDOES, Undo, made
from stretto.runtime.view import View, fetched
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker

T = TypeVar("T")
LOOK = 0.5
"""Seconds between two looks for parked runs that an answer or the clock wakes."""


class App:
    """Use as `async with app:` in a running event loop; runs that are not finished when it closes go on another time."""

    def __init__(
        self,
        workers: Iterable[Any] = (),
        *,
        deps: Any = None,
        policy: Rules | None = None,
        db: str | None = None,
        model: str | Model | None = None,
        observers: Sequence[Observer] = (),
        channel: str = "python",
        limits: Mapping[str, str | Limit] | None = None,
        telemetry: str | bool | None = None,
    ) -> None:
        """`limits` says what a minute allows, over all runs: {"openai": "500 requests, 200000 tokens"}, or by model.

        `telemetry` is the address of an OpenTelemetry collector, or True for the environment's; see docs/telemetry.md.
        """
        self._guards = Guards(limits)
        self._made: dict[str, Model] = {}
        self._environment = Environment.here()
        self._workers = {worker.name: worker for worker in map(as_worker, workers)}
        self._deps, self._rules, self._model = deps, policy or Rules(), model
        self._db = db or self._environment.db
        self._observers = [*observers, *tracing.tracers(telemetry, self._environment)]
        self.channel = channel
        self._store: Store | None = open_store(self._db) if self._db == ":memory:" else None
        self._lasting = self._store
        if self._store is not None:
            for observer in self._observers:
                self._store.observe(observer)
        self._live: dict[str, Execution] = {}
        self._unread: WeakSet[Run] = WeakSet()
        self._errors: dict[str, BaseException] = {}
        self._seen: dict[str, frozenset[str]] = {}
        self._given: Mapping[type, Any] = {}
        self._watch: asyncio.Task[None] | None = None
        self._voices, self._heard = Voices(), cast("Store | None", None)
        self._for_good = False

    # ---- life

    async def __aenter__(self) -> App:
        await self.open()
        self._for_good = True
        self._watch = asyncio.get_running_loop().create_task(self._wake_parked())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Open the database and make the dependencies."""
        if self._store is None:
            self._store = open_store(self._db)
            for observer in self._observers:
                self._store.observe(observer)
        tracing.opened(self._observers, self._store)
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
        if self._heard is not self.store:
            self._heard = self.store
            self.store.observe(self._voices)
        return self._voices

    @property
    def db(self) -> str:
        """The database, as it was named."""
        return self._db

    def drives(self, id: str) -> bool:
        """Whether this process holds the run and carries it on."""
        return id in self._live

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
        self._workers.setdefault(worker.name, worker)
        if isinstance(budget, str):
            Budget.parse(budget)
        settings = Settings(
            model or (self._model if isinstance(self._model, str) else "") or self._environment.model,
            tuple(approve),
            budget if isinstance(budget, str) else str(budget or ""),
            self._rules.autonomy,
            tracing.joined(traceparent, extra, self._observers, self._environment),
            listens,
        )
        if settings.model not in ("", "none"):
            self._models(settings.model)(settings.model)  # a model that is not to be had is the caller's to mend, now
        loaded = await engine.begin(self._around(settings, worker), worker, input, id=id, settings=settings, code=code)
        if loaded is None:
            assert id is not None
            return await self._again(worker, input, id, listens=listens)
        return Run(self, loaded.execution.id, self._drive(loaded))

    async def _again(self, worker: Worker[Any, Any], input: Any, id: str, *, listens: bool) -> Run:
        """A run of this id exists: go on with it, if it is the same."""
        around = self._around(Settings())
        begun = await engine.started(around, id)
        same = listens or encode(await fetched(begun.input, self.store.blob)) == worker.takes.stored(input)[0]
        if begun.worker != worker.name or not same:
            raise UsageError(
                f"run {id!r} exists with another {'input' if begun.worker == worker.name else 'worker'}; the same "
                "id continues a run, a new run needs a new id"
            )
        await self.take_up(id, retry=True, worker=worker)
        return await Run(self, id).refresh()

    def get(self, id: str) -> Any:
        """The run of that id: awaited in a live loop, elsewhere found at once."""
        return self.either(self._get(id))

    async def _get(self, id: str) -> Run:
        if await self.store.find(id) is None:
            raise UsageError(f"there is no run {id!r} in {self._db}; `stretto list` shows what there is")
        return await Run(self, id).refresh()

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
            raise UsageError(f"there is no run {id!r} in {self._db}; `stretto list` shows what there is")
        if id in self._live or row.state is RunState.CANCELLED or (row.state is RunState.FAILED and not retry):
            return
        if row.state is RunState.DONE and not await engine.said_more(self._around(Settings()), id):
            return
        if row.state is RunState.FAILED and await self.store.find(f"{id}-undo") is not None:
            raise UsageError(f"run {id!r} was undone, so what it did is no fact any more; start a new run")
        begun = await engine.started(self._around(Settings()), id)
        worker = worker or await self._worker_of(begun)
        settings = Settings(**(await fetched(begun.settings, self.store.blob) or {}))
        if id in self._live or (row.state is RunState.DONE and not getattr(worker, "converses", False)):
            return
        loaded = await engine.take_up(
            self._around(replace(settings, approve=tuple(settings.approve)), worker), id, worker
        )
        if loaded is not None:
            self._drive(loaded)

    async def _worker_of(self, begun: RunStarted) -> Worker[Any, Any]:
        """The worker that a run began with; one that undoes another run is made anew from that run's."""
        if not begun.code.startswith(UNDOES):
            return self._find(begun.worker, begun.code)
        of = await engine.started(self._around(Settings()), begun.code.removeprefix(UNDOES))
        worker = await self._worker_of(of)
        return Undo(worker, reachable_tools(worker))

    async def worker_of(self, id: str) -> Worker[Any, Any] | None:
        """The worker that a run began with; None where its code is not here."""
        try:
            return await self._worker_of(await engine.started(self._around(Settings()), id))
        except UsageError:
            return None

    async def undo(self, id: str, by: str) -> Run:
        """See `Run.undo`."""
        begun, rows = await engine.started(self._around(Settings()), id), await self.store.read(id)
        worker = await self._worker_of(begun)
        undo, new = Undo(worker, reachable_tools(worker)), f"{id}-undo"
        value = {"run": id, "by": by, "channel": self.channel, "calls": await made(rows, self.store.blob)}
        settings, code = Settings(autonomy=self._rules.autonomy), f"{UNDOES}{id}"
        loaded = await engine.begin(self._around(settings, undo), undo, value, id=new, settings=settings, code=code)
        if loaded is not None:
            return Run(self, new, self._drive(loaded))
        if (await engine.started(self._around(Settings()), new)).code != code:
            raise UsageError(f"run {new!r} exists and undoes nothing; run {id!r} is undone under that id")
        await self.take_up(new, retry=True)
        return await Run(self, new).refresh()

    def _find(self, name: str, code: str) -> Worker[Any, Any]:
        if name in self._workers:
            return self._workers[name]
        if not code:
            raise UsageError(
                f"this run's worker {name!r} is not known here; name it in App([...]), or start runs from a worker "
                "that stands by its name in a module"
            )
        return find_worker(code)

    async def fork(
        self,
        id: str,
        at: int,
        *,
        worker: Any = None,
        input: Any = None,
        model: str | None = None,
        budget: str | None = None,
    ) -> Run:
        """A new run from the facts of another up to event `at`, with another worker, input or model; see `Run.fork`."""
        begun = await engine.started(self._around(Settings()), id)
        known = as_worker(worker) if worker is not None else await self._worker_of(begun)
        if input is not None and at > 0:
            raise UsageError(
                "another input changes a run from its beginning; fork at 0 with it, finished tasks that it does not "
                "touch are reused all the same"
            )
        self._workers[known.name] = known
        around = self._around(Settings())
        was = Settings(**(await fetched(begun.settings, self.store.blob) or {}))
        settings = replace(was, approve=(), model=model or was.model, budget=budget or was.budget)
        value = input if input is not None else await fetched(begun.input, self.store.blob)
        if worker is None or input is None:
            value = known.takes.load(value)
        new = await engine.fork(around, id, at, known, value, settings, begun.code if worker is None else "")
        await self.take_up(new)
        execution = self._live.get(new)
        return await Run(self, new, execution.outcome if execution is not None else None).refresh()

    async def rehearse(self, id: str, worker: Any = None) -> Outcome:
        """See `Run.replay`."""
        begun = await engine.started(self._around(Settings()), id)
        known = as_worker(worker) if worker is not None else await self._worker_of(begun)
        return await engine.rehearse(self._around(Settings()), id, known)

    def _drive(self, loaded: engine.Loaded) -> Ending:
        execution = loaded.execution
        self._live[execution.id] = execution
        execution.outcome.then(lambda outcome: self._drove(execution.id, outcome))
        return execution.begin(loaded.worker, loaded.value)

    def _drove(self, id: str, outcome: Outcome | None) -> None:
        self._live.pop(id, None)
        if isinstance(outcome, Stopped):
            self._errors[id] = outcome.error
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

    async def _wake_parked(self) -> None:
        """Take up parked runs that somebody has answered, or whose time has come."""
        while True:
            for id, letters in await self.store.due(SystemClock().now()):
                if id not in self._live and (not letters or self._seen.get(id) != letters):
                    self._seen[id] = letters
                    try:
                        await self.take_up(id)
                    except UsageError:
                        continue  # a run whose code is not here is somebody else's to wake
                    except Exception as error:  # noqa: BLE001  the boundary: one run's trouble is not the others'
                        self._errors[id] = error
            await asyncio.sleep(LOOK)

    # ---- what runs are given

    def _around(self, settings: Settings, worker: Worker[Any, Any] | None = None) -> Surroundings:
        rules = self._rules
        if settings.approve:
            rules = replace(rules, approve=(*rules.approve, *settings.approve))
        for own in rules_in(worker):
            rules = rules.and_also(own)
        return Surroundings(
            self.store, SystemClock(), rules, self._models(settings.model), self._given, guards=self._guards,
            tracers=tracing.among(self._observers), listeners=self._voices.of,
        )

    def _models(self, default: str) -> Callable[[str], Model]:
        """How a run finds its models by name; the empty name is the run's own."""
        given = self._model if self._model is not None and not isinstance(self._model, str) else None
        named = self._environment.resolver(default, self._blob, self._made)

        def find(name: str) -> Model:
            if not name and given is not None:
                return given
            wanted = name or default
            if wanted.startswith("replay:"):
                return RecordedModel(wanted.removeprefix("replay:"), self.store)
            return named(wanted)

        return find

    async def _blob(self, digest: str) -> bytes:
        return await self.store.blob(digest)

    def converses(self, worker: str) -> bool:
        """Whether the worker of that name is known here, and goes on after an answer."""
        return bool(getattr(self._workers.get(worker), "converses", False))

    def revive(self, view: View) -> Any:
        """A run's output as its worker's output type, where the worker is known here; else as plain data."""
        return self.revived(view.worker, view.output) if view.state is RunState.DONE else view.output

    def revived(self, worker: str, value: Any) -> Any:
        """What a worker gave, as its output type, where the worker is known here; else as plain data."""
        known = self._workers.get(worker)
        return value if known is None else known.gives.load(value)
