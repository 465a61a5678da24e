"""A collector that others wrote: Arize Phoenix, installed in an environment of its own.

`python -m venv /tmp/phoenix && /tmp/phoenix/bin/pip install arize-phoenix`, then
`PHOENIX=/tmp/phoenix/bin/phoenix make torture ARGS=tests/telemetry`.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from stretto import Agent, App, OpenTelemetry, tool, workflow
from stretto.core.messages import Rates
from stretto.testing import ScriptedModel, call, say

PHOENIX = os.environ.get("PHOENIX") or shutil.which("phoenix") or ""
QUERY = """{ projects { edges { node { traceCount recordCount spans(first: 50) { edges { node {
    name spanKind statusCode parentId tokenCountTotal context { spanId traceId } } } } } } } }"""
pytestmark = [
    pytest.mark.torture,
    pytest.mark.skipif(not PHOENIX, reason="NO REAL COLLECTOR: install arize-phoenix and name it in PHOENIX"),
]


@tool
async def search(query: str) -> str:
    """Search."""
    return f"about {query}"


@workflow
async def report(topic: str) -> str:
    steps = [call("search", query="cars"), say("Cars.")]
    model = ScriptedModel(steps, name="openai:gpt-5-mini", rates=Rates(Decimal(1), Decimal(2)))
    return await Agent(model, "You research.", name="research", tools=[search])(topic)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def phoenix(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    settings = {
        "PHOENIX_WORKING_DIR": str(tmp_path), "PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()), "PHOENIX_TELEMETRY_ENABLED": "false",
    }  # fmt: skip
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([PHOENIX, "serve"], env={**os.environ, **settings}, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: is_up(url), 120)
        yield url
    finally:
        server.terminate()
        server.wait(30)


def is_up(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/healthz").status_code == 200
    except httpx2.TransportError:
        return False


def until(happened: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


def project(url: str) -> dict[str, Any]:
    edges = httpx2.post(f"{url}/graphql", json={"query": QUERY}).json()["data"]["projects"]["edges"]
    found: dict[str, Any] = edges[0]["node"] if edges else {"recordCount": 0}
    return found


@pytest.mark.capability(129, 198)
async def test_phoenix_shows_one_trace_with_right_parents_kinds_and_tokens(phoenix: str) -> None:
    async with App([report], db=":memory:", telemetry=phoenix) as app:
        run = await app.start(report, "cars")
        await run
        await OpenTelemetry(phoenix).export(run.events, app.store.blob)  # again: the same spans
    until(lambda: project(phoenix)["recordCount"] == 6, 30)
    seen = project(phoenix)
    spans = [edge["node"] for edge in seen["spans"]["edges"]]
    names = {span["context"]["spanId"]: span["name"] for span in spans}
    assert seen["traceCount"] == 1
    assert {(span["name"], span["spanKind"], names.get(span["parentId"])) for span in spans} == {
        ("invoke_workflow report", "unknown", None),
        ("invoke_agent report", "agent", "invoke_workflow report"),
        ("invoke_agent research", "agent", "invoke_agent report"),
        ("chat gpt-5-mini", "llm", "invoke_agent research"),
        ("execute_tool search", "tool", "invoke_agent research"),
    }
    used = sum(span["tokenCountTotal"] or 0 for span in spans if span["name"].startswith("chat"))
    assert used == run.cost.input + run.cost.output
