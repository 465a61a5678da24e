"""Code that a run waits for while no scope is in sight: effects, and whatever lives beside its workers."""

from __future__ import annotations

from contextvars import Context, copy_context
from typing import TYPE_CHECKING

from stretto.core.scope import current

if TYPE_CHECKING:
    from stretto.runtime.execution import Execution


class Outside:
    """See `Execution.outside`."""

    __slots__ = ("_run", "_token")

    def __init__(self, run: Execution) -> None:
        self._run = run

    def __enter__(self) -> None:
        self._token = current.set(None)
        self._run.busy += 1

    def __exit__(self, *_: object) -> None:
        self._run.busy -= 1
        current.reset(self._token)


def nowhere() -> Context | None:
    """A context with no scope in sight; None where the one here is such a one."""
    if current.get() is None:
        return None
    context = copy_context()
    context.run(current.set, None)
    return context
