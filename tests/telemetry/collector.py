"""A collector for tests: it takes OTLP over HTTP, and keeps the spans as the protocol's own classes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """What arrived. `status` is what it answers with."""

    url: str
    status: int = 200
    spans: list[Span] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    requests: int = 0

    def take(self, body: bytes) -> None:
        self.requests += 1
        if self.status != 200:
            return
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            self.services |= {
                one.value.string_value for one in resource.resource.attributes if one.key == "service.name"
            }
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]

    def named(self, name: str) -> Span:
        """The one span of that name."""
        (span,) = [span for span in self.spans if span.name == name]
        return span

    def parent(self, span: Span) -> str:
        """The name of a span's parent; empty for one without."""
        return next((one.name for one in self.spans if one.span_id == span.parent_span_id), "")

    def until(self, count: int) -> None:
        """Wait for so many spans."""
        deadline = time.monotonic() + 60
        while len(self.spans) < count:
            assert time.monotonic() < deadline, (
                f"{len(self.spans)} of {count} spans came: {[s.name for s in self.spans]}"
            )
            time.sleep(0.01)


def attributes(span: Span) -> dict[str, Any]:
    """A span's attributes as plain values."""
    return {one.key: _plain(one.value) for one in span.attributes}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    found = getattr(value, kind)
    return [_plain(one) for one in found.values] if kind == "array_value" else found


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a port of its own."""

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.path == "/v1/traces"
            collector.take(body)
            self.send_response(collector.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
