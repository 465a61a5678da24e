"""`pipeline(a, b, c)`: an assembly line; each worker's output is the next one's input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

from stretto.core.errors import UsageError
from stretto.core.guesses import guided
from stretto.core.ports import Codec
from stretto.patterns.gate import Gate
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Out, Worker
from stretto.runtime.workflow import Workable, as_worker
from stretto.tools.codec import ANYTHING

Workers = Sequence[Worker[Any, Any]]


@dataclass(frozen=True)
class Pipeline(Worker[Any, Out]):
    """Workers in a row."""

    workers: tuple[Worker[Any, Any], ...]
    name: str = "pipeline"

    async def work(self, context: Scope, value: Any) -> Out:
        """Pass the value along the line."""
        by = ""
        for worker in self.workers:
            value, by = await tasks.call(context, worker, value, by=by), worker.name
        return value  # type: ignore[no-any-return]

    def taking(self, codec: Codec[Any]) -> Pipeline[Out]:
        """See `Worker.taking`."""
        return replace(self, workers=_line(self.workers, codec, self.name))

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


def _line(workers: Workers, given: Codec[Any], name: str) -> tuple[Worker[Any, Any], ...]:
    """The workers, each told what it is given; a gate with two ways has what stands behind it as one of them."""
    line: list[Worker[Any, Any]] = []
    for place, worker in enumerate(workers):
        one, behind = worker.taking(given), workers[place + 1 :]
        if isinstance(one, Gate) and one.otherwise is not None and one.then is None and behind:
            rest = _line(behind, one.takes, name)
            return (*line, replace(one, then=rest[0] if len(rest) == 1 else Pipeline(rest, name)))
        line.append(one)
        given = one.gives
    return tuple(line)


@overload
def pipeline(
    *workers: *tuple[*tuple[Workable, ...], Worker[Any, Out]],
    name: str = "pipeline",
) -> Pipeline[Out]: ...
@overload
def pipeline(*workers: Workable, name: str = "pipeline") -> Pipeline[Any]: ...
@guided  # type: ignore[misc]  # mypy: each of them is
def pipeline(*workers: Workable, name: str = "pipeline") -> Pipeline[Any]:
    """A worker that runs workers one after the other, each on the output of the one before."""
    if not workers:
        raise UsageError("pipeline needs at least one worker")
    return Pipeline(_line(tuple(map(as_worker, workers)), ANYTHING, name), name)
