"""Trace and span ids, and the W3C `traceparent` that carries them from program to program.

The ids are made of what the journal calls things, so a run has the same ones however often it is resumed or exported.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from stretto.core.canonical import digest
from stretto.core.errors import UsageError
from stretto.core.scope import current, task_of, trace

T = TypeVar("T")
KEY = "traceparent"
"""Where a run's settings keep the trace that it was started in."""
_ROOT = "0"
_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


@dataclass(frozen=True, slots=True)
class TraceParent:
    """A span in a trace: 128 and 64 bits, neither of them 0."""

    trace: int
    span: int

    @classmethod
    def parse(cls, text: str) -> TraceParent:
        """Of a header's value, `00-TRACE-SPAN-FLAGS`; see https://www.w3.org/TR/trace-context/."""
        found = _FORM.fullmatch(text.strip().lower())
        parent = cls(int(found["trace"], 16), int(found["span"], 16)) if found else None
        if parent is None or not parent.trace or not parent.span:
            raise UsageError(
                f"traceparent {text!r} is not understood; it is 00-TRACE-SPAN-01 with 32 and 16 hexadecimal digits"
            )
        return parent

    def __str__(self) -> str:
        return f"00-{self.trace:032x}-{self.span:016x}-01"


def trace_of(run: str, settings: Mapping[str, Any] | None) -> tuple[int, TraceParent | None]:
    """A run's trace, and the span elsewhere that it was started in; `settings` are those it was started with."""
    extra = (settings or {}).get("extra") or {}
    outer = TraceParent.parse(extra[KEY]) if extra.get(KEY) else None
    return (outer.trace if outer else _number("trace", run, digits=32)), outer


def run_span(run: str) -> int:
    """The span of a run as a whole."""
    return _number("run", run)


def task_span(run: str, scope: str) -> int:
    """The span of the task that a scope, or the branch it is, belongs to; the run's own outside all tasks."""
    task = task_of(scope)
    return run_span(run) if task == _ROOT else _number("task", run, task)


def step_span(run: str, scope: str, ident: str) -> int:
    """The span of one step."""
    return _number("step", run, scope, ident)


def _number(*parts: str, digits: int = 16) -> int:
    return int(digest("\0".join(parts).encode())[:digits], 16) or 1


# ---- inside a run


def traceparent() -> str:
    """What a program that this code calls needs in order to join the trace, as the header of that name.

    Inside a tool it names the tool's call, elsewhere in a run the task. Empty outside a run, and in a run that nobody
    traces.
    """
    if known := trace.get():
        return known
    scope = current.get()
    return _here(scope, task_span(scope.run.id, scope.key)) if scope is not None and scope.run.traced else ""


class _Place(Protocol):
    """What is needed of a scope."""

    key: str
    run: Any


async def within(scope: _Place, ident: str, perform: Callable[[], Awaitable[T]]) -> T:
    """Carry out an effect of a traced run, so that `traceparent()` in it names its step."""
    token = trace.set(_here(scope, step_span(scope.run.id, scope.key, ident)))
    try:
        return await perform()
    finally:
        trace.reset(token)


def _here(scope: _Place, span: int) -> str:
    number, _ = trace_of(scope.run.id, {"extra": scope.run.settings.extra})
    return str(TraceParent(number, span))
