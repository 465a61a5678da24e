"""`fallback(a, b, ...)`: one worker after the other gets the input, until one of them succeeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, overload

from stretto.core.errors import GIVEN_UP, Failure, PolicyDenied, UsageError, WorkerFailed
from stretto.core.ports import Codec
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Out, Worker
from stretto.runtime.workflow import Workable, as_worker
from stretto.tools.codec import common

NO = (PolicyDenied.__name__, GIVEN_UP)
"""What a rule or a person said no to, or gave up in doubt, is not tried in another way."""


@dataclass(frozen=True)
class Fallback(Worker[Any, Out]):
    """Workers for the same job, the best one first."""

    workers: tuple[Worker[Any, Out], ...]
    name: str = "fallback"

    async def work(self, context: Scope, value: object) -> Out:
        """The first result; the last worker's error, with the failures of those before it, where there is none."""
        before: list[Failure] = []
        for worker in self.workers[:-1]:
            try:
                return await tasks.call(context, worker, value)  # type: ignore[no-any-return]
            except WorkerFailed as error:
                if error.failure.root().kind in NO:
                    raise
                before.append(error.failure)
        try:
            return await tasks.call(context, self.workers[-1], value)  # type: ignore[no-any-return]
        except WorkerFailed as error:
            raise WorkerFailed(replace(error.failure, beside=tuple(before))) from error

    def taking(self, codec: Codec[Any]) -> Fallback[Out]:
        """See `Worker.taking`."""
        return replace(self, workers=tuple(worker.taking(codec) for worker in self.workers))

    @property
    def takes(self) -> Codec[Any]:
        """What the first one takes; all get the same."""
        return self.workers[0].takes

    @property
    def gives(self) -> Codec[Any]:
        """What all of them give, where that is the same."""
        return common(worker.gives for worker in self.workers)

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The workers, in order."""
        return self.workers


@overload
def fallback(*workers: Worker[Any, Out], name: str = "fallback") -> Fallback[Out]: ...
@overload
def fallback(*workers: Workable, name: str = "fallback") -> Fallback[Any]: ...
def fallback(*workers: Workable, name: str = "fallback") -> Fallback[Any]:
    """A worker that gives its input to the first of `workers`, and to the next one where that failed."""
    if not workers:
        raise UsageError("fallback needs at least one worker")
    return Fallback(tuple(map(as_worker, workers)), name)
