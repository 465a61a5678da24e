"""The current scope: what `stretto`'s functions and a tool's direct call find their run by."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

current: ContextVar[Any] = ContextVar("stretto_scope", default=None)
"""The scope of the code that runs now; None outside a run, and inside an effect."""

trace: ContextVar[str] = ContextVar("stretto_trace", default="")
"""The `traceparent` of the effect that runs now, in a run that is traced; see `telemetry.traces`."""


def task_of(scope: str) -> str:
    """The key of the task that a scope is part of: the scope itself, or the one whose branch it is (`KEY.2`)."""
    return scope.partition(".")[0]
