"""Who watches an app's runs; and its telemetry, which is none unless a collector is named.

That is `App(telemetry=...)`, `STRETTO_OTLP`, or an observer that is a `Tracer`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stretto.app.settings import Environment
from stretto.core.events import Row
from stretto.core.ports import Observer, Store, Tracer
from stretto.telemetry.otel import OpenTelemetry
from stretto.telemetry.traces import KEY, TraceParent

_LOG = logging.getLogger("stretto")


def tracers(telemetry: str | bool | None, environment: Environment) -> list[Observer]:
    """The observer that sends spans to a collector, where one is wanted: its address, or True for the environment's."""
    where = environment.variables.get("STRETTO_OTLP", "") if telemetry is None else telemetry
    return [OpenTelemetry("env" if where is True else where)] if where else []


def among(observers: Iterable[Observer]) -> tuple[Tracer, ...]:
    """Those who follow runs from process to process."""
    return tuple(observer for observer in observers if isinstance(observer, Tracer))


def observed(store: Store, observers: Iterable[Observer]) -> None:
    """Show what is committed to all of them."""
    for observer in observers:
        store.observe(_Harmless(observer))


class _Harmless:
    """An observer whose own errors stop no run: they are a warning, once."""

    def __init__(self, observer: Observer) -> None:
        self._observer, self._warned = observer, False

    def see(self, rows: Sequence[Row]) -> None:
        try:
            self._observer.see(rows)
        except Exception:  # noqa: BLE001  the boundary: whoever only watches cannot do harm
            if not self._warned:
                self._warned = True
                _LOG.warning("observer %r failed; runs go on without it", self._observer, exc_info=True)


def opened(observers: Iterable[Observer], store: Store) -> None:
    """The store is open now."""
    for tracer in among(observers):
        tracer.open(store.blob)


async def closed(observers: Iterable[Observer]) -> None:
    """Have the last spans delivered."""
    for tracer in among(observers):
        await tracer.close()


def joined(
    traceparent: str, extra: Mapping[str, Any] | None, observers: Iterable[Observer], environment: Environment
) -> dict[str, Any]:
    """A run's further settings with the trace it is part of, where it is part of one.

    That is the one named, else the span of the program around (where that uses OpenTelemetry), else, in an app that
    has telemetry, the one of the process around (`TRACEPARENT`).
    """
    wanted = traceparent or _around()
    if not wanted and among(observers):
        wanted = environment.variables.get("TRACEPARENT", "")
    return {**(extra or {}), **({KEY: str(TraceParent.parse(wanted))} if wanted else {})}


def _around() -> str:
    """The current span of the program that embeds us, if it has the SDK's API loaded and records the span."""
    api = sys.modules.get("opentelemetry.trace")
    context = api.get_current_span().get_span_context() if api is not None else None
    return str(TraceParent(context.trace_id, context.span_id)) if context is not None and context.is_valid else ""
