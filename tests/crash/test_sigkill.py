"""The real thing: SIGKILL, a real database, and a file of effects as the judge."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from stretto.journal.chain import verify
from stretto.journal.sqlite import SqliteStore
from tests.crash import victim

LIVES = 20


def _life(folder: Path, fault: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", victim.__name__, str(folder / "runs.db"), str(folder / "effects")]
    environment = {**os.environ, "STRETTO_FAULT": fault}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def _sites(folder: Path) -> list[str]:
    return [line for line in _life(folder, "log").stderr.splitlines() if line[:1].isdigit()]


async def _check(folder: Path) -> None:
    effects = (folder / "effects").read_text().splitlines()
    done = Counter(line for line in effects if line.startswith("pay"))
    assert set(done.values()) == {1}, done
    whats = Counter(line.split()[1] for line in done)
    assert whats == {"first": 1, "a": 1, "b": 1, "same": 2}
    assert len({line for line in effects if line.startswith("put")}) == 3, "keys changed, or were shared"
    store = SqliteStore(folder / "runs.db")
    try:
        assert verify(await store.read("v")) is None
    finally:
        await store.close()


def _die_at(folder: Path, *faults: str) -> None:
    folder.mkdir()
    killed = [_life(folder, fault) for fault in faults]
    assert killed[0].returncode in (-signal.SIGKILL, 0), killed[0].stderr  # a late site may not be reached
    last = _life(folder, "")
    assert last.returncode == 0, last.stderr
    assert last.stdout.startswith("[['saw first', 'paid first', 'put same'], ['saw a', 'paid a', 'put same']")
    asyncio.run(_check(folder))


@pytest.mark.capability(76, 102, 103, 179)
def test_a_killed_process_repeats_no_once_step(tmp_path: Path) -> None:
    sites = _sites(tmp_path)
    assert len(sites) > 80
    for number in range(3, len(sites), 11):
        _die_at(tmp_path / f"at{number}", f"{number}:kill")


def test_a_process_killed_twice_repeats_no_once_step(tmp_path: Path) -> None:
    for number, (first, second) in enumerate(
        [("intent.after#2", "effect.after#1"), ("effect.after#1", "wake.after#1")]
    ):
        _die_at(tmp_path / str(number), f"{first}:kill", f"{second}:kill")


@pytest.mark.torture
def test_a_process_killed_anywhere_repeats_no_once_step(tmp_path: Path) -> None:
    for number in range(1, len(_sites(tmp_path)) + 1):
        _die_at(tmp_path / f"at{number}", f"{number}:kill", f"{number % 17 + 3}:kill")
