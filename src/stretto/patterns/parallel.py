"""`parallel(a, b, c)`: workers at once on the same input; their results in their order, or merged."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, WrapSerializer
from typing_extensions import TypedDict

from stretto.core.errors import UsageError, WorkerFailed
from stretto.core.ports import Codec
from stretto.core.values import Done, Failed, at_once
from stretto.patterns.peers import Peers
from stretto.runtime import failures, tasks
from stretto.runtime.beside import beside
from stretto.runtime.branches import gather
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workable, code_of
from stretto.tools.codec import codec_for
from stretto.tools.signature import signature_of

PARTIAL = "partial"
"""The recorded decision to go on with fewer results than workers; its value says of how many, and what failed."""


@dataclass(frozen=True)
class Parallel(Peers[Any]):
    """Workers side by side."""

    labels: tuple[str, ...] = ()
    merge: Workable | None = None
    limit: int | None = None
    min_success: int | None = None
    name: str = "parallel"

    async def work(self, context: Scope, value: object) -> object:
        """Give all of them the value; put their results together."""
        labels = self.labels or [""] * len(self.workers)
        calls = [tasks.Call[Any](worker, value, label) for worker, label in zip(self.workers, labels, strict=True)]
        if self.min_success is None:
            results: list[Any] = await gather(calls, limit=self.limit)
        else:
            outcomes = await gather(calls, limit=self.limit, on_error="collect")
            results = await enough(context, outcomes, self.min_success)
        whole = dict(zip(self.labels, results, strict=True)) if self.labels else results
        return whole if self.merge is None else await self._merged(context, self.merge, whole)

    async def _merged(self, context: Scope, merge: Workable, whole: list[Any] | dict[str, Any]) -> object:
        """A function is plain computation; a worker that puts the results together gets a task."""
        if isinstance(merge, Worker):
            return await tasks.call(context, merge, whole, "merge")
        arguments = signature_of(merge).arguments
        names = [name for name, argument in arguments.items() if argument.default is argument.empty]
        if len(names) > 1:  # it names the results one by one
            given = {name: whole[name] for name in arguments if name in whole} if isinstance(whole, dict) else {}
            merged = merge(**given) if given else merge(*whole)
        else:
            merged = merge(whole)
        return await merged if inspect.isawaitable(merged) else merged

    @cached_property
    def gives(self) -> Codec[Any]:
        """What the merge returns; without one, what each of them gives, in its place."""
        if isinstance(self.merge, Worker):
            return self.merge.gives
        return codec_for(self._row if self.merge is None else signature_of(self.merge).returns)

    @property
    def _row(self) -> Any:
        """The type of all results together."""
        kinds = [getattr(worker.gives, "kind", Any) for worker in self.workers]
        if all(kind in _PLAIN for kind in kinds):
            return Any
        if self.min_success is not None:
            kinds = [kind | None for kind in kinds]
        if self.labels:
            return TypedDict("Results", dict(zip(self.labels, kinds, strict=True)))  # type: ignore[operator]
        in_place = WrapSerializer(lambda results, as_tuple: as_tuple(tuple(results)))
        return Annotated[tuple[tuple(kinds)], AfterValidator(list), in_place]  # type: ignore[misc]

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The workers, in order, and who merges."""
        return (*self.workers, self.merge) if isinstance(self.merge, Worker) else self.workers

    def describe(self) -> dict[str, Any]:
        """Labels and merge with the workers."""
        merge = None if self.merge is None or isinstance(self.merge, Worker) else code_of(self.merge)
        return {**super().describe(), "labels": list(self.labels), "merge": merge}


_PLAIN = (Any, object, str, int, bool, type(None), dict, list)
"""Types of which JSON says all."""


async def enough(scope: Scope, outcomes: Sequence[Done[Any] | Failed], needed: int) -> list[Any]:
    """The results, None for a failed one: that they are partial, and why, is a recorded decision; a no is an error."""
    errors = [outcome.error for outcome in outcomes if isinstance(outcome, Failed)]
    refused = [error for error in errors if isinstance(error, WorkerFailed) and error.failure.is_no]
    if refused or len(outcomes) - len(errors) < needed:
        raise failures.together(refused or errors)
    if errors:
        await scope.decide(PARTIAL, lambda: {"of": len(outcomes), "failed": [str(error) for error in errors]})
    return [outcome.value if isinstance(outcome, Done) else None for outcome in outcomes]


def parallel(
    *workers: Workable,
    merge: Workable | None = None,
    limit: int | None = None,
    min_success: int | None = None,
    name: str = "parallel",
    **named: Workable,
) -> Parallel:
    """A worker that runs workers at once on the same input.

    The result is a list in their order, or a dict where they are given by name; `merge`, a function or a worker, makes
    one value of it. At most `limit` are at work at once. With
    `min_success` that many results are enough, and None stands for a failed one; that the result is partial, and what
    failed, is a decision in the journal. A no, of a policy or a person, is not worked around.
    """
    if bool(workers) == bool(named):
        raise UsageError("parallel needs workers, either in order or all by name")
    members = (*map(beside, workers), *(beside(worker, label) for label, worker in named.items()))
    if min_success is not None and not 1 <= min_success <= len(members):
        raise UsageError(
            f"min_success={min_success} cannot be met by {len(members)} workers; it is at most {len(members)}"
        )
    return Parallel(members, tuple(named), merge, at_once(limit), min_success, name)
