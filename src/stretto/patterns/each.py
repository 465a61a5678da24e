"""`each(worker)`: one task for every item of a list that is known only when the run gets there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

from stretto.core.errors import UsageError
from stretto.core.guesses import guided
from stretto.core.ports import Codec
from stretto.core.values import Done, Failed, at_once
from stretto.runtime.beside import beside
from stretto.runtime.branches import gather
from stretto.runtime.scope import Scope
from stretto.runtime.tasks import Call
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workable
from stretto.tools.codec import codec_for


@dataclass(frozen=True)
class Each(Worker[Any, list[Any]]):
    """A worker, and how many of its tasks are at work at once."""

    worker: Worker[Any, Any]
    limit: int | None = None
    on_error: Literal["raise", "collect"] = "raise"
    name: str = "each"

    async def work(self, context: Scope, value: list[Any]) -> list[Any]:
        """A task an item; the results in the order of the items, none for an empty list."""
        calls = [Call[Any](self.worker, item, f"item {number}") for number, item in enumerate(value, 1)]
        if self.on_error == "raise":
            return await gather(calls, limit=self.limit)
        return await gather(calls, limit=self.limit, on_error="collect")

    def taking(self, codec: Codec[Any]) -> Each:
        """See `Worker.taking`."""
        items = get_args(getattr(codec, "kind", Any))
        return replace(self, worker=self.worker.taking(codec_for(items[0]))) if len(items) == 1 else self

    @cached_property
    def takes(self) -> Codec[Any]:
        """A list of what the worker takes."""
        return codec_for(list[getattr(self.worker.takes, "kind", Any)])  # type: ignore[misc]

    @cached_property
    def gives(self) -> Codec[Any]:
        """A list of what the worker gives."""
        kind = getattr(self.worker.gives, "kind", Any)
        return codec_for(list[kind] if self.on_error == "raise" else list[Done[kind] | Failed])  # type: ignore[valid-type]

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The worker."""
        return (self.worker,)

    def describe(self) -> dict[str, Any]:
        """What becomes of failures with the worker."""
        return {**super().describe(), "on_error": self.on_error}


@guided
def each(
    worker: Workable, *, limit: int | None = None, on_error: Literal["raise", "collect"] = "raise", name: str = "each"
) -> Each:
    """A worker that takes a list and gives each item to `worker`, at most `limit` of them at once.

    Its result is the list of results, in the order of the items; an empty list gives an empty list. The first failure
    ends the others and is raised; with `on_error="collect"` each result is a `Done(value)` or a `Failed(error)`.
    """
    if on_error not in ("raise", "collect"):
        raise UsageError(f"on_error={on_error!r} is not known; it is 'raise' or 'collect'")
    return Each(beside(worker), at_once(limit), on_error, name)
