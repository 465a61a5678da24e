"""`fallback(a, b, ...)`: one worker after the other gets the input, until one of them succeeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from stretto.core.errors import GIVEN_UP, Failure, PolicyDenied, UsageError, WorkerFailed
from stretto.core.ports import Codec
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker

NO = (PolicyDenied.__name__, GIVEN_UP)
"""What a rule or a person said no to, or gave up in doubt, is not tried in another way."""


@dataclass(frozen=True)
class Fallback(Worker[Any, Any]):
    """Workers for the same job, the best one first."""

    workers: tuple[Worker[Any, Any], ...]
    name: str = "fallback"

    async def work(self, context: Scope, value: Any) -> Any:
        """The first result; the last worker's error, with the failures of those before it, where there is none."""
        before: list[Failure] = []
        for worker in self.workers[:-1]:
            try:
                return await tasks.call(context, worker, value)
            except WorkerFailed as error:
                if error.failure.root().kind in NO:
                    raise
                before.append(error.failure)
        try:
            return await tasks.call(context, self.workers[-1], value)
        except WorkerFailed as error:
            raise WorkerFailed(replace(error.failure, beside=tuple(before))) from error

    @property
    def takes(self) -> Codec[Any]:
        """What the first one takes; all get the same."""
        return self.workers[0].takes

    @property
    def gives(self) -> Codec[Any]:
        """What the first one gives; the others must give the same."""
        return self.workers[0].gives

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The workers, in order."""
        return self.workers


def fallback(*workers: Any, name: str = "fallback") -> Fallback:
    """A worker that gives its input to the first of `workers`, and to the next one where that failed."""
    if not workers:
        raise UsageError("fallback needs at least one worker")
    return Fallback(tuple(map(as_worker, workers)), name)
