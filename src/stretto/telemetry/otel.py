"""`OpenTelemetry(...)`: runs as OpenTelemetry spans, while they go on or afterwards."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from stretto.core.errors import UsageError
from stretto.core.events import STATE_AFTER, Row, RunStarted
from stretto.core.values import RunState
from stretto.telemetry.spans import Projection, spans

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from stretto.telemetry.sdk import Delivery

LAST = 2.0
"""Seconds that an app, when it closes, waits for the last spans to be delivered."""
LOST = 10.0
"""Seconds before a process died whose spans may not have been delivered: whoever takes its runs up sends them again."""
_CHUNK = 256


class OpenTelemetry:
    """An observer that sends what runs do to a collector; see `core.ports.Tracer`.

    `to` is the collector's address ("http://localhost:4318"), "env" for the one that `OTEL_EXPORTER_OTLP_ENDPOINT` names,
    or an exporter of the SDK. Prompts, answers, arguments and results go along only `with_contents`. `service` is what
    the spans' `service.name` says. Needs the extra `otel`.
    """

    def __init__(
        self, to: str | SpanExporter = "env", *, with_contents: bool = False, service: str = "", version: str = ""
    ) -> None:
        try:
            sdk = importlib.import_module("stretto.telemetry.sdk")
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith("opentelemetry"):
                raise
            raise UsageError("OpenTelemetry needs its SDK, an extra: pip install 'stretto[otel]'") from error
        exporter = sdk.exporter(to) if isinstance(to, str) else to
        self._delivery: Delivery = sdk.Delivery(exporter, service, version, with_contents=with_contents)
        self._runs: dict[str, Projection] = {}

    # ---- live

    def open(self, blob: Callable[[str], Awaitable[bytes]]) -> None:
        """See `Tracer`."""
        self._delivery.read_with(blob)

    def recall(self, rows: Sequence[Row]) -> None:
        """See `Tracer`."""
        if not rows:
            return
        run = self._runs[rows[0].run] = Projection()
        since = _cut_off(rows)
        for row in rows:
            if (ended := run.see(row)) and since is not None and row.time >= since:
                self._delivery.put(ended)

    def see(self, rows: Sequence[Row]) -> None:
        """See `Observer`."""
        for row in rows:
            self._see(row)

    def _see(self, row: Row) -> None:
        if row.kind == RunStarted.kind:
            self._runs[row.run] = Projection()
        run = self._runs.get(row.run)
        if run is None:
            return  # somebody else's: it is not known how it began
        if ended := run.see(row):
            self._delivery.put(ended)
        if STATE_AFTER.get(row.kind, RunState.RUNNING) is not RunState.RUNNING:
            del self._runs[row.run]  # whoever takes it up again tells its story anew

    async def close(self) -> None:
        """See `Tracer`."""
        self._runs.clear()
        await asyncio.to_thread(self._delivery.finish, LAST)

    # ---- afterwards

    async def export(self, rows: Sequence[Row], blob: Callable[[str], Awaitable[bytes]]) -> int:
        """Send all spans of a run, and how many they were; what has not ended yet ends with the last event.

        The spans of a run have the same ids each time. Raises `UsageError` where the collector does not take them.
        """
        self._delivery.read_with(blob)
        found = spans(rows)
        for at in range(0, len(found), _CHUNK):
            if not await asyncio.to_thread(self._delivery.deliver, found[at : at + _CHUNK]):
                raise UsageError(
                    f"the collector did not take the spans of run {rows[0].run}; is it there, and does it speak OTLP "
                    "over HTTP at that address?"
                )
        return len(found)


def _cut_off(rows: Sequence[Row]) -> int | None:
    """From when on spans may be lost (microseconds), where the process before this one did not come to a rest."""
    if len(rows) < 2 or STATE_AFTER.get(rows[-2].kind, RunState.RUNNING) is not RunState.RUNNING:
        return None
    return rows[-2].time - int(LOST * 1e6)
