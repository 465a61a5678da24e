"""`pipeline(a, b, c)`: an assembly line; each worker's output is the next one's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stretto.core.errors import UsageError
from stretto.core.ports import Codec
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker


@dataclass(frozen=True)
class Pipeline(Worker[Any, Any]):
    """Workers in a row."""

    workers: tuple[Worker[Any, Any], ...]
    name: str = "pipeline"

    async def work(self, context: Scope, value: Any) -> Any:
        """Pass the value along the line."""
        for worker in self.workers:
            value = await tasks.call(context, worker, value)
        return value

    @property
    def takes(self) -> Codec[Any]:
        """What the first one takes."""
        return self.workers[0].takes

    @property
    def gives(self) -> Codec[Any]:
        """What the last one gives."""
        return self.workers[-1].gives

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The workers, in order."""
        return self.workers


def pipeline(*workers: Any, name: str = "pipeline") -> Pipeline:
    """A worker that runs workers one after the other, each on the output of the one before."""
    if not workers:
        raise UsageError("pipeline needs at least one worker")
    return Pipeline(tuple(map(as_worker, workers)), name)
