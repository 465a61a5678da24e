"""A local server that speaks the providers' wire formats, answers from a script, and counts and bills every request.

    with FakeProvider([call("search", query="EV"), say("Done.")]) as fake:
        model = resolve("openai:gpt-5-mini", fake.environment)

It speaks OpenAI Chat Completions and Responses and Anthropic Messages, whole and streamed. Bound to loopback only.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.message import Message as Headers
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from threading import Event, Thread
from time import time
from types import TracebackType
from typing import Any, Self

from stretto.core.errors import UsageError
from stretto.core.messages import ModelReply, ModelRequest, Usage, assistant
from stretto.models.script import Answer, Fail
from stretto.models.scripted import Script, ScriptedModel
from stretto.testing.dialects import Dialect, Said, anthropic, chat, responses

DIALECTS: dict[str, Dialect] = {
    "/v1/chat/completions": chat,
    "/v1/responses": responses,
    "/v1/messages": anthropic,
}


@dataclass(frozen=True, slots=True)
class Received:
    """One HTTP request: its path, headers (names in lower case), body byte for byte, and what it asks."""

    path: str
    headers: dict[str, str]
    body: bytes
    request: ModelRequest

    @property
    def model(self) -> str:
        """The model that is asked, by the provider's own name for it."""
        return str(json.loads(self.body)["model"])


class FakeProvider:
    """The server; a context manager that runs it in a thread of its own.

    `script` is as a `ScriptedModel`'s: a list of steps, or a function of the request. `received` holds every request
    that could be read, `bills` the usage of each that was answered.
    """

    def __init__(self, script: Script = (), *, dates: bool = False, pause: float = 0.0) -> None:
        """Nothing listens before the `with`. With `dates`, `Retry-After` is an HTTP date instead of seconds.

        `pause` is in seconds, before each event of a stream.
        """
        self.dates = dates
        self.pause = pause
        self.received: list[Received] = []
        self.bills: list[Usage] = []
        self.script = ScriptedModel(script, name="the fake provider")
        self._closing = Event()
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        closing, exchange = self._closing, self._exchange

        class Exchange(_Exchange):
            ended = closing
            serve = staticmethod(exchange)

        self._server = _Server(("127.0.0.1", 0), Exchange)
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        if self._server is None:
            raise UsageError("the fake provider listens only inside its `with`")
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which real programs talk to this server instead of a provider."""
        return {
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_API_KEY": "fake-key-openai",
            "OLLAMA_BASE_URL": f"{self.url}/v1",
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": "fake-key-anthropic",
        }

    @property
    def billed(self) -> Usage:
        """All usage together."""
        return sum(self.bills, Usage())

    def _exchange(self, path: str, headers: Headers, body: bytes) -> tuple[int, dict[str, str], Any]:
        """Status, headers and body of the answer: JSON, raw bytes, or an iterator of events; None is no answer."""
        dialect = DIALECTS.get(path)
        if dialect is None:
            return 404, {}, chat.error(404, f"{path} is not served; try {', '.join(DIALECTS)}")
        parsed = json.loads(body)
        request = dialect.read(parsed)
        self.received.append(Received(path, {name.lower(): value for name, value in headers.items()}, body, request))
        try:
            step = asyncio.run(self.script.step(request))
        except UsageError as error:
            return 400, {}, dialect.error(400, str(error))
        if isinstance(step, Fail):
            return self._failed(step, dialect, streams=parsed.get("stream", False))
        return 200, {}, self._answered(step, request, dialect, parsed)

    def _answered(self, step: Answer, request: ModelRequest, dialect: Dialect, body: dict[str, Any]) -> Any:
        reply = replace(self.script.answer(step, request), model=body["model"])
        self.bills.append(reply.usage)
        said = Said(reply, step.thinking)
        return self._slowly(dialect.stream(said)) if body.get("stream") else dialect.whole(said)

    def _slowly(self, events: Iterator[str]) -> Iterator[str]:
        for event in events:
            if self.pause:
                self._closing.wait(self.pause)
            yield event

    def _failed(self, step: Fail, dialect: Dialect, *, streams: bool) -> tuple[int, dict[str, str], Any]:
        match step.status:
            case int(status):
                return status, self._wait(step.retry_after), dialect.error(status, f"the script says {status}")
            case "malformed":
                return 200, {}, iter(["data: {oops\n\n"]) if streams else b'{"id": "fake", "choices": [oops'
            case "cut" if streams:
                beginning = dialect.stream(Said(ModelReply(assistant("never all of it"), model="fake")))
                return 200, {}, islice(beginning, 4)
            case "cut":
                return 200, {"Content-Length": "1000"}, b'{"id": "fake", "cho'
            case "hang":
                return 0, {}, None

    def _wait(self, seconds: float | None) -> dict[str, str]:
        if seconds is None:
            return {}
        return {"Retry-After": formatdate(time() + seconds, usegmt=True) if self.dates else f"{seconds:g}"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is none of the server's business."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Exchange(BaseHTTPRequestHandler):
    """One connection. It is kept open between requests, as providers do."""

    protocol_version = "HTTP/1.1"
    ended: Event
    serve: Any

    def do_POST(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers, answer = self.serve(self.path, self.headers, body)
        if answer is None:
            self.ended.wait()
            self.close_connection = True
        elif isinstance(answer, Iterator):
            self._stream(answer)
        else:
            self._whole(status, headers, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _whole(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = headers.get("Content-Length") is not None  # cut: less was sent than announced

    def _stream(self, events: Iterator[str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            data = event.encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")
