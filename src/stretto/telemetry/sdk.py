"""The OpenTelemetry SDK behind our spans, imported when somebody wants them: the extra `otel`.

A thread of its own delivers them in batches. What it cannot deliver it drops, with one warning: a run never waits for
a collector, and never fails because of one.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Sequence
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from stretto.core.blobs import Blob
from stretto.core.errors import UsageError
from stretto.telemetry.contents import contents
from stretto.telemetry.spans import Attributes, Span

MOST = 10_000
"""Spans that wait to be delivered; of more, the oldest are dropped."""
BATCH = 512
DELAY = 1.0
"""Seconds after which what there is is delivered, however little."""
DELIVERED_WITHIN = 3.0
"""Seconds that the delivery of a batch may take, with all tries."""
_LOG = logging.getLogger("stretto.telemetry")
_SPEAKS = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_KINDS = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def exporter(to: str) -> SpanExporter:
    """One that sends to a collector's address; for "env", to the one that `OTEL_EXPORTER_OTLP_ENDPOINT` names."""
    if to == "env":
        return OTLPSpanExporter(timeout=DELIVERED_WITHIN)
    address = urlsplit(to)
    if address.scheme not in ("http", "https") or not address.netloc:
        raise UsageError(
            f"{to!r} is no address of a collector; it is like http://localhost:4318, or env for the one that "
            "OTEL_EXPORTER_OTLP_ENDPOINT names"
        )
    path = address.path.rstrip("/")
    whole = path if path.endswith("/v1/traces") else f"{path}/v1/traces"
    return OTLPSpanExporter(address._replace(path=whole).geturl(), timeout=DELIVERED_WITHIN)


class Delivery:
    """A queue of spans and the thread that empties it."""

    def __init__(self, exporter: SpanExporter, service: str, version: str, *, with_contents: bool) -> None:
        self._exporter, self._with_contents = exporter, with_contents
        self._resource = _resource(service)
        self._scope = InstrumentationScope("stretto", version)
        self._waiting: deque[Span] = deque()
        self._changed = threading.Condition()
        self._warned = False
        self._dropped = 0
        self._delivering: set[int] = set()
        self._thread: threading.Thread | None = None
        self._blob: Blob | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def read_with(self, blob: Blob) -> None:
        """Where large values and messages are read, in the running loop."""
        self._blob, self._loop = blob, asyncio.get_running_loop()

    def put(self, spans: Sequence[Span]) -> None:
        """Queue spans; never waits."""
        with self._changed:
            self._waiting.extend(spans)
            while len(self._waiting) > MOST:
                self._waiting.popleft()
                self._dropped += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="stretto-telemetry", daemon=True)
                self._thread.start()
            if len(self._waiting) >= BATCH:
                self._changed.notify_all()

    def finish(self, seconds: float) -> None:
        """Deliver what waits, as far as that is done in time, and end the thread; the next span begins another."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread is not None:
            thread.join(seconds)
            if thread.is_alive():
                self._warn(f" within {seconds:g} s")

    def deliver(self, spans: Sequence[Span]) -> bool:
        """Send spans now; whether the collector took them."""
        ready = [self._readable(span) for span in spans]
        speaks = logging.getLogger(_SPEAKS)
        self._delivering.add(threading.get_ident())
        speaks.addFilter(self._is_foreign)
        try:
            return self._exporter.export(ready) is SpanExportResult.SUCCESS
        finally:
            speaks.removeFilter(self._is_foreign)
            self._delivering.discard(threading.get_ident())

    def _is_foreign(self, record: logging.LogRecord) -> bool:
        """Whether the exporter speaks for somebody else: of our deliveries we tell ourselves, once."""
        return record.thread not in self._delivering

    # ---- in the thread

    def _work(self) -> None:
        me = threading.current_thread()
        while True:
            with self._changed:
                if self._thread is me and len(self._waiting) < BATCH:
                    self._changed.wait(DELAY)
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                if not batch and self._thread is not me:
                    return
            if batch:
                self._send(batch)

    def _send(self, batch: Sequence[Span]) -> None:
        try:
            arrived, why = self.deliver(batch), ""
        except Exception as error:  # noqa: BLE001  the boundary: whatever an exporter does, the thread goes on
            arrived, why = False, f": {error!r}"
        if not arrived or self._dropped:
            self._warn(why)

    def _warn(self, why: str) -> None:
        """Say it once."""
        if not self._warned:
            self._warned = True
            _LOG.warning(
                "spans do not arrive at the collector%s; runs go on without it, and `stretto export ID --otlp URL` "
                "delivers them later",
                why,
            )

    # ---- as the SDK has them

    def _readable(self, span: Span) -> ReadableSpan:
        attributes: Attributes = {**span.attributes, **self._contents(span)}
        parent = None if span.parent is None else SpanContext(span.trace, span.parent, span.remote, _SAMPLED)
        return ReadableSpan(
            span.name,
            SpanContext(span.trace, span.id, False, _SAMPLED),
            parent,
            self._resource,
            attributes,
            kind=_KINDS[span.kind],
            status=Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET),
            start_time=span.begun * 1000,
            end_time=span.ended * 1000,
            instrumentation_scope=self._scope,
        )

    def _contents(self, span: Span) -> Attributes:
        if not self._with_contents or self._blob is None or self._loop is None or self._loop.is_closed():
            return {}
        reading = asyncio.run_coroutine_threadsafe(_read(span, self._blob), self._loop)
        try:
            return reading.result(DELIVERED_WITHIN)
        except TimeoutError:  # the loop is busy, or ends: the span goes without
            reading.cancel()
            return {}


def _resource(service: str) -> Resource:
    """What sends the spans: the name given, else the environment's (`OTEL_SERVICE_NAME`), else ours."""
    found = Resource.create({"service.name": service} if service else {})
    is_named = not str(found.attributes["service.name"]).startswith("unknown_service")
    return found if is_named else found.merge(Resource({"service.name": "stretto"}))


async def _read(span: Span, blob: Blob) -> Attributes:
    return await contents(span, blob)
