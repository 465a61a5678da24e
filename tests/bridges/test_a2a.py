"""Agents of other organisations as workers, over A2A: the peer is made with the SDK of the protocol."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stretto import App, Rules, UsageError, WorkerFailed, parallel, run, start
from stretto.bridges import a2a
from tests.bridges.peer import Desk, serving


@pytest.fixture(params=["1.0", "0.3"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A peer that speaks either version, served."""
    desk = Desk()
    with serving(desk, request.param) as desk.url:
        yield desk


@pytest.mark.capability(24)
def test_a_peer_is_given_a_task_and_its_answer_comes_back(desk: Desk) -> None:
    peer = a2a(desk.url, name="desk")
    job = start(parallel(peer, a2a(desk.url, name="other")), "hello", db=":memory:")
    assert job.output == ["HELLO", "HELLO"]
    assert {row.ident.split(" ")[1] for row in job.events if row.kind == "step_done"} >= {"desk", "other"}
    assert run(peer, "data", db=":memory:") == {"price": 5}
    assert run(a2a(desk.url, name="desk", output=dict[str, int]), "data", db=":memory:") == {"price": 5}


@pytest.mark.capability(24)
def test_what_it_asks_is_asked_of_a_person(desk: Desk, tmp_path: Path) -> None:
    job = start(a2a(desk.url, name="desk", to="ann"), "ask", db=str(tmp_path / "runs.db"), id="r")
    assert (job.state, job.approvals[0]["prompt"], job.approvals[0]["to"]) == ("waiting", "Which town?", "ann")
    job.answer("bern", by="ann")
    assert job.output == "BERN"
    assert desk.told == ["ask", "bern"]


@pytest.mark.capability(24)
def test_it_stands_behind_the_gates_and_its_failures_are_told(desk: Desk) -> None:
    peer = a2a(desk.url, name="desk")
    job = start(peer, "hello", db=":memory:", policy=Rules(ask=("desk",)))
    assert (job.approvals[0]["args"]["content"], desk.told) == ("hello", [])
    with pytest.raises(WorkerFailed, match="desk ended its task as failed: no stock"):
        run(peer, "fail", db=":memory:")
    for limit in (0.5, 5, 50):  # as long as this machine needs to ask
        with pytest.raises(WorkerFailed, match=f"desk took longer than its limit of {limit} s"):
            run(a2a(desk.url, name="desk", timeout=limit), "hang", db=":memory:")
        if desk.cancelled:
            break
    assert len(desk.cancelled) == 1, "nobody waits for it here, and so it ends there"


@pytest.mark.capability(24)
async def test_a_task_that_is_cancelled_here_is_cancelled_there(desk: Desk) -> None:
    peer = a2a(desk.url, name="desk")
    async with App([peer], db=":memory:") as app:
        job = await app.start(peer, "hang")
        await asyncio.to_thread(desk.began.wait, 10)
        await job.cancel()
        assert job.state == "cancelled"
    assert len(desk.cancelled) == 1


@pytest.mark.capability(24)
def test_what_cannot_be_reached_is_told_and_was_not_done(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="takes the http address of a peer"):
        a2a("example.org")
    with pytest.raises(WorkerFailed, match=r"gone is not reached at http://127\.0\.0\.1:9/"):
        run(a2a("http://127.0.0.1:9", name="gone"), "x", db=":memory:")
    desk = Desk()
    with serving(desk) as url, pytest.raises(WorkerFailed, match=r"there is no agent card at .*the address above it"):
        run(a2a(f"{url}/elsewhere", name="desk"), "x", db=":memory:")
    with serving(desk) as url, pytest.raises(WorkerFailed, match="headers go to no other host"):
        run(a2a(url.replace("127.0.0.1", "localhost"), headers={"Authorization": "Bearer x"}), "x", db=":memory:")
    assert desk.told == []


@pytest.mark.capability(24)
def test_a_killed_process_sends_nothing_twice(tmp_path: Path) -> None:
    desk, file = Desk(), tmp_path / "program.py"

    def life(*words: str, fault: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "stretto", *words, "--db", str(tmp_path / "runs.db")]
        variables = os.environ | {"STRETTO_FAULT": fault}
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)

    with serving(desk) as url:
        file.write_text(f"from stretto.bridges import a2a\ndesk = a2a({url!r}, name='desk')\n")
        heard = life("run", f"{file}:desk", "hello", "--id", "heard", fault="effect.before#2:kill")  # before it looks
        unheard = life("run", f"{file}:desk", "again", "--id", "unheard", fault="effect.after#1:kill")  # it was sent
        assert heard.returncode == unheard.returncode == -signal.SIGKILL, heard.stderr + unheard.stderr
        heard, unheard = life("resume", "heard"), life("resume", "unheard")
        assert (heard.returncode, "HELLO" in heard.stdout) == (0, True), heard.stderr
        assert (unheard.returncode, "in doubt" in unheard.stderr) == (3, True), unheard.stderr
    assert desk.told == ["hello", "again"]
