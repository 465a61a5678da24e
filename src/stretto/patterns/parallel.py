"""`parallel(a, b, c)`: workers at once on the same input; their results in their order, or merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stretto.core.errors import UsageError
from stretto.core.ports import Codec
from stretto.core.values import Done
from stretto.runtime.branches import gather
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker
from stretto.tools.codec import ANYTHING, codec_for
from stretto.tools.signature import signature_of


@dataclass(frozen=True)
class Parallel(Worker[Any, Any]):
    """Workers side by side."""

    workers: tuple[Worker[Any, Any], ...]
    labels: tuple[str, ...] = ()
    merge: Callable[[Any], Any] | None = None
    limit: int | None = None
    min_success: int | None = None
    name: str = "parallel"

    async def work(self, context: Scope, value: Any) -> Any:
        """Give all of them the value; put their results together."""
        calls = [worker(value) for worker in self.workers]
        if self.min_success is None:
            results: list[Any] = await gather(calls, limit=self.limit)
        else:
            results = self._enough(await gather(calls, limit=self.limit, on_error="collect"))
        whole = dict(zip(self.labels, results, strict=True)) if self.labels else results
        return self.merge(whole) if self.merge else whole

    def _enough(self, outcomes: list[Any]) -> list[Any]:
        done = [outcome for outcome in outcomes if isinstance(outcome, Done)]
        assert self.min_success is not None
        if len(done) < self.min_success:
            raise next(outcome.error for outcome in outcomes if not outcome.ok)
        return [outcome.value if outcome.ok else None for outcome in outcomes]

    @property
    def takes(self) -> Codec[Any]:
        """What the first one takes; all get the same."""
        return self.workers[0].takes

    @property
    def gives(self) -> Codec[Any]:
        """What the merge function returns."""
        return codec_for(signature_of(self.merge).returns) if self.merge else ANYTHING

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The workers, in order."""
        return self.workers


def parallel(*workers: Any, merge: Callable[[Any], Any] | None = None, limit: int | None = None,
             min_success: int | None = None, name: str = "parallel", **named: Any) -> Parallel:
    """A worker that runs workers at once on the same input.

    The result is a list in their order, or a dict where they are given by name; `merge` makes one value of it. With
    `min_success` that many results are enough, and None stands for a failed one.
    """
    if bool(workers) == bool(named):
        raise UsageError("parallel needs workers, either in order or all by name")
    members = tuple(map(as_worker, workers or named.values()))
    if min_success is not None and not 1 <= min_success <= len(members):
        raise UsageError(f"min_success={min_success} cannot be met by {len(members)} workers")
    return Parallel(members, tuple(named), merge, limit, min_success, name)
