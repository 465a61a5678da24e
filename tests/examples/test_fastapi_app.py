"""The FastAPI application of the examples, in a process of its own that is killed and started again."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import stretto

EXAMPLES = Path(__file__).parents[2] / "examples"
Start = Callable[[], "subprocess.Popen[str]"]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def port() -> int:
    return _free_port()


@pytest.fixture
def begin(tmp_path: Path, port: int) -> Iterator[Start]:
    servers = []

    def start() -> subprocess.Popen[str]:
        where = ["--app-dir", str(EXAMPLES), "--port", str(port), "--log-level", "warning", "fastapi_app:api"]
        command = [sys.executable, "-m", "uvicorn", *where]
        source = os.path.dirname(os.path.dirname(stretto.__file__))
        environment = {**os.environ, "STRETTO_DB": str(tmp_path / "runs.db"), "PYTHONPATH": source}
        server = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.kill()
        server.communicate()


def _ask(port: int, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    url, head = f"http://127.0.0.1:{port}{path}", {"content-type": "application/json"}
    request = urllib.request.Request(url, data, head, method="GET" if body is None else "PUT")
    for _ in range(1_200):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.read().decode()
        except ConnectionError:
            time.sleep(0.05)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError):
                raise
            time.sleep(0.05)
    raise AssertionError("the server did not come up")


@pytest.mark.capability(204)
def test_a_run_goes_on_after_its_application_was_killed_and_started_again(port: int, begin: Start) -> None:
    server = begin()
    assert json.loads(_ask(port, "/reports/ev", {"topic": "cars"})) == {"id": "ev", "state": "running"}
    assert server.stdout is not None
    assert [server.stdout.readline() for _ in range(2)] == ["looks up the market\n", "looks up the makers\n"]
    server.kill()
    server.wait()
    again = begin()
    told = json.loads(_ask(port, "/reports/ev?wait=true"))
    assert told == {"id": "ev", "output": "the market of cars; the makers of cars; the law of cars", "state": "done"}
    assert again.stdout is not None
    assert [again.stdout.readline() for _ in range(2)] == ["looks up the makers\n", "looks up the law\n"]


@pytest.mark.capability(201, 202, 204)
def test_a_conversation_over_http_is_streamed_and_survives_the_application(port: int, begin: Start) -> None:
    def said(reply: str) -> str:
        return "".join(json.loads(line.removeprefix("data: ")) for line in reply.splitlines() if line)

    server = begin()
    assert said(_ask(port, "/chats/ann?say=hello")) == "You have said 1 things to me."
    server.kill()
    server.wait()
    begin()
    assert said(_ask(port, "/chats/ann?say=more")) == "You have said 2 things to me."
