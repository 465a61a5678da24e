"""Plain functions among workers that work at once: one that blocks does not keep the others waiting."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workable, Workflow, as_worker
from stretto.tools import threads

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Function(Workflow[P, R]):
    """A plain function, called in a thread of its own."""

    async def work(self, context: Scope, value: object) -> R:
        """Call it; what it returns may be awaited, which is done here."""
        if context.run.rehearses or threads.are_simulated():
            return await super().work(context, value)
        given = {**self.named(value), **self.signature.inject(context.run.deps, context.key)}
        with context.run.outside():
            result = await threads.call(self.function, given)
        return cast(R, await result if inspect.isawaitable(result) else result)


def beside(thing: Workable, name: str = "") -> Worker[Any, Any]:
    """A worker as it is; a plain function that is not async, beside the loop. `name` is as in `as_worker`."""
    worker = as_worker(thing, name)
    if inspect.isfunction(thing) and not inspect.iscoroutinefunction(thing):
        return Function(thing, worker.name)
    return worker
