"""`fallback(a, b, ...)`: one worker after the other gets the input, until one of them succeeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, overload

from stretto.core.errors import Failure, UsageError, WorkerFailed
from stretto.core.guesses import guided
from stretto.patterns.peers import Peers
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Out, Worker
from stretto.runtime.workflow import Workable, as_worker


@dataclass(frozen=True)
class Fallback(Peers[Out]):
    """Workers for the same job, the best one first."""

    name: str = "fallback"

    async def work(self, context: Scope, value: object) -> Out:
        """The first result; the last worker's error, with the failures of those before it, where there is none."""
        before: list[Failure] = []
        for worker in self.workers[:-1]:
            try:
                return await tasks.call(context, worker, value)  # type: ignore[no-any-return]
            except WorkerFailed as error:
                if error.failure.is_no:
                    raise
                before.append(error.failure)
        try:
            return await tasks.call(context, self.workers[-1], value)  # type: ignore[no-any-return]
        except WorkerFailed as error:
            raise WorkerFailed(replace(error.failure, beside=tuple(before))) from error


@overload
def fallback(*workers: Worker[Any, Out], name: str = "fallback") -> Fallback[Out]: ...
@overload
def fallback(*workers: Workable, name: str = "fallback") -> Fallback[Any]: ...
@guided
def fallback(*workers: Workable, name: str = "fallback") -> Fallback[Any]:
    """A worker that gives its input to the first of `workers`, and to the next one where that failed."""
    if not workers:
        raise UsageError("fallback needs at least one worker")
    return Fallback(tuple(map(as_worker, workers)), name)
