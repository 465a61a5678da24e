"""Several processes on one database, some frozen for a while: no lost answer, no double holder, no corruption."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from stretto.core.values import RunState
from stretto.journal.chain import verify
from stretto.journal.sqlite import SqliteStore
from tests.crash import crowd

ROLES = ["holder", "approver", "second"]
LIMIT = 60


def _begin(role: str, folder: Path, first: int, last: int) -> subprocess.Popen[bytes]:
    names = [role, str(folder / "runs.db"), str(folder / "effects"), str(first), str(last)]
    return subprocess.Popen([sys.executable, "-m", crowd.__name__, *names])


def _freeze(processes: list[subprocess.Popen[bytes]], chance: random.Random) -> None:
    """Freeze one or two of them, and let them go on a moment later."""
    frozen = chance.sample([one for one in processes if one.poll() is None], k=1)
    for process in frozen:
        process.send_signal(signal.SIGSTOP)
    time.sleep(chance.uniform(0.001, 0.15))
    for process in frozen:
        process.send_signal(signal.SIGCONT)


def rounds(folder: Path, count: int) -> None:
    chance = random.Random(count)
    processes = [_begin(role, folder, 0, count) for role in ROLES]
    until = time.monotonic() + LIMIT + count
    try:
        while any(one.poll() is None for one in processes) and time.monotonic() < until:
            time.sleep(chance.uniform(0, 0.05))
            if any(one.poll() is None for one in processes):
                _freeze(processes, chance)
    finally:
        for one in processes:
            one.kill()
            one.wait()
    assert [one.returncode for one in processes] == [0, 0, 0]
    asyncio.run(_check(folder, count))


async def _check(folder: Path, count: int) -> None:
    lines = (folder / "effects").read_text().splitlines()
    assert max(Counter(lines).values()) == 1, "an effect happened twice"
    assert {line.split()[0] for line in lines} == {f"r{number}{branch}" for number in range(count) for branch in "ab"}
    assert len(lines) == 2 * count
    store = SqliteStore(folder / "runs.db")
    try:
        for number in range(count):
            row = await store.find(f"r{number}")
            assert row is not None
            assert row.state is RunState.DONE
            events = await store.read(row.id)
            assert verify(events) is None
            epochs = [event.epoch for event in events]
            assert epochs == sorted(epochs), "somebody wrote who no longer held the run"
            taken_up = Counter(event.epoch for event in events if event.kind in ("run_started", "run_resumed"))
            assert set(taken_up.values()) == {1}, "two held the run at once"
            assert await store.letters(row.id) == [], "an answer was lost"
    finally:
        await store.close()
    with closing(sqlite3.connect(folder / "runs.db")) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)


def test_processes_that_share_runs_lose_and_repeat_nothing(tmp_path: Path) -> None:
    rounds(tmp_path, 20)


@pytest.mark.torture
def test_processes_share_ten_thousand_runs(tmp_path: Path) -> None:
    begun = time.monotonic()
    rounds(tmp_path, 10_000)
    print(f"\n10000 rounds in {time.monotonic() - begun:.0f} s")
