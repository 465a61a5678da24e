"""Journals of earlier releases stay readable: they verify, replay, and go on under today's code.

`golden/VERSION.sql` is the database as that release wrote it, with one run that is done and one that waits. A release that
changes what is stored adds a file, and changes none.
"""

import importlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from stretto import App, start
from stretto.app.audit import audit

GOLDEN = Path(__file__).parent / "golden"
RELEASES = sorted(path.stem for path in GOLDEN.glob("*.sql"))
OUTPUT = "sent 'Hi' to bob@example.org; Carl: Hi, all (10, 5000)"


@pytest.fixture(params=RELEASES)
def db(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The database of a release."""
    path = tmp_path / "runs.db"
    with sqlite3.connect(path) as file:
        file.executescript((GOLDEN / f"{request.param}.sql").read_text("utf-8"))
    file.close()
    return str(path)


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The worker whose runs these are."""
    monkeypatch.syspath_prepend(GOLDEN)
    return importlib.import_module("workers").everything


@pytest.mark.capability(195)
def test_an_old_run_that_is_done_has_its_output_and_replays(db: str, everything: Any) -> None:
    job = start(everything, "Hello, Zoë", id="done", db=db)
    assert job.output == OUTPUT
    assert job.replay() == OUTPUT
    assert [task.worker for task in job.tasks] == ["everything", "adder", "adder"]
    assert b'{"a":2,"b":3}' in b"".join(row.line() for row in job.events)


@pytest.mark.capability(151, 195)
def test_an_old_run_that_waits_goes_on(db: str, everything: Any) -> None:
    job = start(everything, "Hello, Zoë", id="waiting", db=db)
    assert [item["prompt"] for item in job.approvals] == ["Who signs?"]
    job.answer(None, "Carl", by="bob")
    job.approve(by="cleo")
    assert job.output == "sent 'Hello, Zoë' to ann@example.org; Carl: Hello, Zoë (10, 5000)"


async def test_the_chains_of_old_runs_are_whole(db: str) -> None:
    async with App(db=db) as app:
        findings = [await audit(app.store, run) for run in ("done", "waiting")]
    assert [finding.problem for finding in findings] == ["", ""]
