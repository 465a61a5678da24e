"""The workers of an app: those it was given, those its runs were started with, and those that a run's code names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from stretto.app.code import reference
from stretto.app.parts import rules_in
from stretto.app.targets import find_worker
from stretto.core.errors import UsageError
from stretto.core.guesses import listed
from stretto.policy.gate import Rules
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker

if TYPE_CHECKING:
    from stretto.app.handle import Run


class Known:
    """Workers by name. `own` are those that the app was given."""

    def __init__(self, workers: Iterable[Any], names: dict[str, Any]) -> None:
        """`names` are what stands by name where the app was made: another process finds the workers among them again."""
        given = [(as_worker(thing), thing) for thing in listed(workers, "workers")]
        self._workers = {worker.name: worker for worker, _ in given}
        self._codes = {worker.name: reference(thing, names) for worker, thing in given}
        self.own = frozenset(self._workers)
        self._ruled: tuple[Worker[Any, Any] | None, tuple[Rules, ...]] = None, ()
        self.handles: WeakValueDictionary[str, Run] = WeakValueDictionary()
        """Runs that were started here, as long as somebody has them in hand."""

    def add(self, worker: Worker[Any, Any]) -> None:
        """Know a worker, unless another one has its name."""
        self._workers.setdefault(worker.name, worker)

    def put(self, worker: Worker[Any, Any]) -> None:
        """Know a worker in place of another of its name."""
        self._workers[worker.name] = worker

    def code(self, worker: Worker[Any, Any]) -> str:
        """Where another process, like the command line, finds a worker; empty where nobody knows."""
        return self._codes.get(worker.name, "") if self._workers.get(worker.name) is worker else ""

    def rules(self, worker: Worker[Any, Any] | None) -> tuple[Rules, ...]:
        """The policies that a worker brings along; mostly the one that was asked about last is asked about again."""
        if worker is not self._ruled[0]:
            self._ruled = worker, tuple(rules_in(worker))
        return self._ruled[1]

    def find(self, name: str, code: str) -> Worker[Any, Any]:
        """The worker of a run."""
        if name in self._workers:
            return self._workers[name]
        if not code:
            raise UsageError(
                f"this run's worker {name!r} is not known here; name it in App([...]), or start runs from a worker "
                "that stands by its name in a module"
            )
        return find_worker(code)

    def held(self, run: str) -> Worker[Any, Any] | None:
        """The worker that a run in hand was started with: another one may have its name."""
        handle = self.handles.get(run)
        return handle.worker if handle is not None else None

    def revived(self, worker: Worker[Any, Any] | str, value: object) -> object:
        """What a worker gave, as its output type, where the worker is known here by its name; else as plain data."""
        known = self._workers.get(worker) if isinstance(worker, str) else worker
        return value if known is None else known.gives.load(value)
