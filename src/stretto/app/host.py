"""An app: workers, dependencies, policy and database together. What a server serves and a program embeds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from stretto.app.clock import SystemClock
from stretto.app.code import find_worker
from stretto.app.handle import Run
from stretto.app.settings import Environment, open_store
from stretto.core.canonical import encode
from stretto.core.errors import JournalError, RunFailed, StrettoError, UsageError
from stretto.core.ports import Model, Observer, Store
from stretto.core.values import Budget, RunState, Settings
from stretto.policy.gate import Rules
from stretto.runtime import engine
from stretto.runtime.branches import fork_plain_tasks
from stretto.runtime.execution import Outcome, Stopped, Surroundings
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
    ) -> None:
        self._environment = Environment.here()
        self._workers = {worker.name: worker for worker in map(as_worker, workers)}
        self._deps, self._rules, self._model = deps, policy or Rules(), model
        self._db = db or self._environment.db
        self._observers = list(observers)
        self.channel = channel
        self._store: Store | None = open_store(self._db) if self._db == ":memory:" else None
        self._lasting = self._store
        self._live: dict[str, asyncio.Task[Outcome]] = {}
        self._errors: dict[str, BaseException] = {}
        self._seen: dict[str, frozenset[str]] = {}
        self._given: Mapping[type, Any] = {}
        self._watch: asyncio.Task[None] | None = None

    # ---- life

    async def __aenter__(self) -> App:
        await self.open()
        self._watch = asyncio.get_running_loop().create_task(self._wake_parked())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Open the database and make the dependencies."""
        self._store = self._lasting or open_store(self._db)
        for observer in self._observers:
            self._store.observe(observer)
        made = self._deps() if callable(self._deps) else self._deps
        made = await made if asyncio.iscoroutine(made) else made
        self._given = made if isinstance(made, Mapping) else ({} if made is None else {type(made): made})

    async def close(self) -> None:
        """Let go of all runs and of the database."""
        tasks = [task for task in (self._watch, *self._live.values()) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._watch = None
        if self._store is not None and self._store is not self._lasting:
            await self._store.close()
            self._store = None

    def in_own_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry out work in an event loop of its own, in which plain asyncio tasks fork a run's scope as well."""

        async def whole() -> T:
            asyncio.get_running_loop().set_task_factory(fork_plain_tasks)
            await self.open()
            try:
                return await work
            finally:
                await self.close()

        return asyncio.run(whole())

    @property
    def store(self) -> Store:
        """The open database."""
        if self._store is None:
            raise UsageError("this App is not open; use it inside `async with app:`")
        return self._store

    # ---- runs

    async def start(
        self,
        worker: Any,
        input: Any = None,
        *,
        id: str | None = None,
        budget: str | Budget | None = None,
        approve: Sequence[str] = (),
        model: str | None = None,
        code: str = "",
        extra: dict[str, Any] | None = None,
    ) -> Run:
        """Start a run, or go on with the one that has this id and the same input."""
        worker = as_worker(worker)
        self._workers.setdefault(worker.name, worker)
        if isinstance(budget, str):
            Budget.parse(budget)
        settings = Settings(
            model or (self._model if isinstance(self._model, str) else "") or self._environment.model,
            tuple(approve),
            budget if isinstance(budget, str) else _said(budget),
            self._rules.autonomy,
            extra or {},
        )
        loaded = await engine.begin(self._around(settings), worker, input, id=id, settings=settings, code=code)
        if loaded is None:
            assert id is not None
            return await self._again(worker, input, id)
        run = Run(self, loaded.execution.id)
        self._drive(loaded)
        return run

    async def _again(self, worker: Worker[Any, Any], input: Any, id: str) -> Run:
        """A run of this id exists: go on with it, if it is the same."""
        around = self._around(Settings())
        begun = await engine.started(around, id)
        data, _ = worker.takes.stored(input)
        recorded = await fetched(begun.input, self.store.blob)
        if begun.worker != worker.name or encode(recorded) != data:
            raise UsageError(
                f"run {id!r} exists with another {'input' if begun.worker == worker.name else 'worker'}; the same "
                "id continues a run, a new run needs a new id"
            )
        await self.take_up(id, retry=True, worker=worker)
        return await Run(self, id).refresh()

    async def get(self, id: str) -> Run:
        """The run of that id."""
        if await self.store.find(id) is None:
            raise UsageError(f"there is no run {id!r} in {self._db}; `stretto list` shows what there is")
        return await Run(self, id).refresh()

    async def take_up(self, id: str, *, retry: bool = False, worker: Worker[Any, Any] | None = None) -> None:
        """Hold a run and let it go on, unless it has ended or somebody else holds it; `retry` goes on after a failure."""
        row = await self.store.find(id)
        if row is None:
            raise UsageError(f"there is no run {id!r} in {self._db}; `stretto list` shows what there is")
        if (
            id in self._live
            or row.state in (RunState.DONE, RunState.CANCELLED)
            or (row.state is RunState.FAILED and not retry)
        ):
            return
        begun = await engine.started(self._around(Settings()), id)
        worker = worker or self._find(begun.worker, begun.code)
        settings = Settings(**(await fetched(begun.settings, self.store.blob) or {}))
        if id in self._live:
            return
        loaded = await engine.take_up(self._around(replace(settings, approve=tuple(settings.approve))), id, worker)
        if loaded is not None:
            self._drive(loaded)

    def _find(self, name: str, code: str) -> Worker[Any, Any]:
        if name in self._workers:
            return self._workers[name]
        if not code:
            raise UsageError(
                f"this run's worker {name!r} is not known here; name it in App([...]), or start runs from a worker "
                "that stands by its name in a module"
            )
        return find_worker(code)

    def _drive(self, loaded: engine.Loaded) -> None:
        id = loaded.execution.id
        task = asyncio.get_running_loop().create_task(loaded.execution.drive(loaded.worker, loaded.value))
        self._live[id] = task
        task.add_done_callback(lambda task: self._drove(id, task))

    def _drove(self, id: str, task: asyncio.Task[Outcome]) -> None:
        self._live.pop(id, None)
        if task.cancelled():
            return
        if error := task.exception():
            self._errors[id] = error
        elif isinstance(outcome := task.result(), Stopped):
            self._errors[id] = outcome.error
        else:
            self._errors.pop(id, None)

    async def settled(self, id: str) -> None:
        """Wait until the run has ended or waits, as far as this process drives it; raises what stopped it short of that."""
        task = self._live.get(id)
        if task is not None:
            await asyncio.wait([task])
            await asyncio.sleep(0)
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
                    with contextlib.suppress(UsageError):  # a run whose code is not here is somebody else's to wake
                        await self.take_up(id)
            await asyncio.sleep(LOOK)

    # ---- what runs are given

    def _around(self, settings: Settings) -> Surroundings:
        rules = replace(self._rules, approve=(*self._rules.approve, *settings.approve))
        return Surroundings(self.store, SystemClock(), rules, self._models(settings.model), self._given)

    def _models(self, default: str) -> Callable[[str], Model]:
        if self._model is not None and not isinstance(self._model, str):
            given = self._model
            named = self._environment.resolver("")
            return lambda name: named(name) if name else given
        return self._environment.resolver(default)

    def revive(self, view: View) -> Any:
        """A run's output as its worker's output type, where the worker is known here; else as plain data."""
        worker = self._workers.get(view.worker)
        if worker is None or view.state is not RunState.DONE:
            return view.output
        return worker.gives.load(view.output)


def _said(budget: Budget | None) -> str:
    if budget is None:
        return ""
    parts = [
        f"${budget.usd}" if budget.usd is not None else "",
        f"{budget.tokens} tokens" if budget.tokens is not None else "",
        f"{budget.calls} calls" if budget.calls is not None else "",
    ]
    return ", ".join(part for part in parts if part)
