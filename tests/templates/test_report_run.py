"""`stretto run report` from the outside: real processes, a real database, a real kill."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from stretto.core.messages import ModelRequest
from stretto.models.script import Step as Turn
from stretto.testing import FakeProvider, say

GOAL = "What does the service do, how long are records kept, and who pays?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "service.md").write_text("# Service\n\nThe service delivers parcels by drone to remote islands.\n")
    (docs / "policy.md").write_text(
        "# Retention\n\nRecords are kept for seven years.\n\nBackups are kept for a month.\n"
    )
    (docs / "old.md").write_text("# Retention\n\nRecords are kept for five years.\n")
    for number in range(40):
        text = " ".join(
            f"Chapter {number} speaks about drone part {part}, its weight and its wear." for part in range(60)
        )
        (docs / f"part{number}.md").write_text(f"# Part {number}\n\n{text}\n")
    return tmp_path


def stretto(folder: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*args), cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "stretto", *args]


def run(*more: str) -> tuple[str, ...]:
    return "run", "report", GOAL, "--docs", "docs", "--id", "r", *more


def cited(folder: Path) -> list[tuple[str, int]]:
    report = (folder / "report.md").read_text()
    return [(path, int(line)) for path, line in re.findall(r"`([^`\s]+):(\d+)(?:-\d+)?`", report)]


def test_it_waits_with_the_diff_and_writes_what_was_approved(folder: Path) -> None:
    waiting = stretto(folder, *run())
    assert waiting.returncode == 3, waiting.stderr
    assert not (folder / "report.md").exists()
    (asked,) = json.loads(stretto(folder, "approvals", "r", "--json").stdout)
    assert (asked["tool"], asked["risk"], asked["kind"]) == ("write_file", "medium", "approval")
    assert stretto(folder, "approve", "r").returncode == 0
    report = (folder / "report.md").read_text()
    assert asked["args"]["text"] == report
    assert "".join(f"+{line}\n" for line in report.splitlines()) in asked["preview"]


@pytest.mark.capability(212)
def test_every_citation_resolves_and_contradictions_stand_side_by_side(folder: Path) -> None:
    assert stretto(folder, *run("--approve", "write_file")).returncode == 0
    places = cited(folder)
    assert places
    for path, line in places:
        assert len((folder / "docs" / path).read_text().splitlines()) >= line
    report = (folder / "report.md").read_text()
    assert "seven years" in report
    assert "five years" in report
    assert "could not be answered" in report
    assert "drone" in report


@pytest.mark.capability(102)
def test_a_killed_run_goes_on_and_repeats_no_finished_step(folder: Path) -> None:
    child = subprocess.Popen(command(*run("--approve", "write_file")), cwd=folder, stderr=subprocess.DEVNULL)
    while child.poll() is None and not _finished(folder):
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    before = _finished(folder)
    assert stretto(folder, *run("--approve", "write_file")).returncode == 0
    after = _finished(folder)
    assert after[: len(before)] == before
    assert len(set(after)) == len(after)
    assert stretto(folder, "audit", "verify", "r").returncode == 0


def _finished(folder: Path) -> list[tuple[str, str]]:
    lines = stretto(folder, "export", "r").stdout.splitlines() if (folder / ".stretto/runs.db").exists() else []
    events = [json.loads(line) for line in lines]
    return [(event["scope"], event["ident"]) for event in events if event["kind"] in ("step_done", "task_finished")]


def test_with_a_model_every_statement_rests_on_quotes(folder: Path) -> None:
    with FakeProvider(_model) as provider:
        model = "openai:gpt-5-mini"
        done = stretto(folder, *run("--approve", "write_file", "--model", model), **provider.environment)
        assert done.returncode == 0, done.stderr
        assert {body["model"] for body in (json.loads(one.body) for one in provider.received)} == {"gpt-5-mini"}
    report = (folder / "report.md").read_text()
    assert "It delivers parcels. (`service.md:3`)" in report
    assert "made up" not in report
    assert "objected" not in report


def _model(request: ModelRequest) -> Turn:
    """A model that plans, answers from the first sentence, and makes one thing up, which it objects to itself."""
    role, given = request.messages[0].text, request.messages[-1].text
    if role.startswith("You plan"):
        return say(
            [{"title": "Service", "question": "What does the service do?", "queries": ["service delivers parcels"]}]
        )
    body: Any = json.loads(given)
    if role.startswith("You answer"):
        source = next(each["id"] for each in body["sentences"] if "parcels" in each["text"])
        said = [
            {"text": "It delivers parcels.", "sources": [source]},
            {"text": "This is made up.", "sources": [source]},
        ]
        return say({"statements": said})
    if role.startswith("You write"):
        return say([{"text": "Parcels fly.", "sources": []}])
    return say(
        [{"statement": each["statement"], "reason": "not there"} for each in body if "made up" in each["statement"]]
    )
