"""`parallel(a, b, c)`: workers at once on the same input; their results in their order, or merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stretto.core.errors import UsageError, WorkerFailed
from stretto.core.ports import Codec
from stretto.core.values import Done, Failed
from stretto.runtime.branches import gather
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker
from stretto.tools.codec import ANYTHING, codec_for
from stretto.tools.signature import signature_of

PARTIAL = "partial"
"""The recorded decision to go on with fewer results than workers; its value says of how many, and what failed."""


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
            outcomes = await gather(calls, limit=self.limit, on_error="collect")
            results = await enough(context, outcomes, self.min_success)
        whole = dict(zip(self.labels, results, strict=True)) if self.labels else results
        return self.merge(whole) if self.merge else whole

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


async def enough(scope: Scope, outcomes: Sequence[Done[Any] | Failed], needed: int) -> list[Any]:
    """The results, None for a failed one: that they are partial, and why, is a recorded decision."""
    errors = [outcome.error for outcome in outcomes if isinstance(outcome, Failed)]
    if len(outcomes) - len(errors) < needed:
        raise _together(errors)
    if errors:
        await scope.decide(PARTIAL, lambda: {"of": len(outcomes), "failed": [str(error) for error in errors]})
    return [outcome.value if isinstance(outcome, Done) else None for outcome in outcomes]


def _together(errors: list[Exception]) -> Exception:
    """The first error, with the failures of the others beside it."""
    failed = [error for error in errors if isinstance(error, WorkerFailed)]
    if failed[:1] != errors[:1]:
        return errors[0]
    first = failed[0].failure
    together = WorkerFailed(replace(first, beside=(*first.beside, *(error.failure for error in failed[1:]))))
    together.__cause__ = failed[0]
    return together


def parallel(
    *workers: Any,
    merge: Callable[[Any], Any] | None = None,
    limit: int | None = None,
    min_success: int | None = None,
    name: str = "parallel",
    **named: Any,
) -> Parallel:
    """A worker that runs workers at once on the same input.

    The result is a list in their order, or a dict where they are given by name; `merge` makes one value of it. With
    `min_success` that many results are enough, and None stands for a failed one; that the result is partial, and what
    failed, is a decision in the journal.
    """
    if bool(workers) == bool(named):
        raise UsageError("parallel needs workers, either in order or all by name")
    members = tuple(map(as_worker, workers or named.values()))
    if min_success is not None and not 1 <= min_success <= len(members):
        raise UsageError(f"min_success={min_success} cannot be met by {len(members)} workers")
    return Parallel(members, tuple(named), merge, limit, min_success, name)
