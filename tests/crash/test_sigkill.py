"""The real thing: SIGKILL, a real database, and a file of effects as the judge."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash import kills, victim
from tests.crash.kills import OUTPUT, check


def _life(folder: Path, fault: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", victim.__name__, str(folder / "runs.db"), str(folder / "effects")]
    environment = {**os.environ, "STRETTO_FAULT": fault}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def _sites(folder: Path) -> list[str]:
    return [line for line in _life(folder, "log").stderr.splitlines() if line[:1].isdigit()]


def _die_at(folder: Path, *faults: str) -> None:
    folder.mkdir()
    killed = [_life(folder, fault) for fault in faults]
    assert killed[0].returncode in (-signal.SIGKILL, 0), killed[0].stderr  # a late site may not be reached
    last = _life(folder, "")
    assert last.returncode == 0, last.stderr
    assert last.stdout.startswith(OUTPUT)
    asyncio.run(check(folder))


@pytest.mark.capability(76, 102, 103, 179)
def test_a_killed_process_repeats_no_once_step(tmp_path: Path) -> None:
    sites = _sites(tmp_path)
    assert len(sites) > 80
    for number in range(3, len(sites), 23):
        _die_at(tmp_path / f"at{number}", f"{number}:kill")


def test_a_process_killed_twice_repeats_no_once_step(tmp_path: Path) -> None:
    for number, (first, second) in enumerate(
        [("intent.after#2", "effect.after#1"), ("effect.after#1", "wake.after#1")]
    ):
        _die_at(tmp_path / str(number), f"{first}:kill", f"{second}:kill")


def _kill(folder: Path, seed: int, wanted: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", kills.__name__, str(folder), str(seed), str(wanted)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _killed(folder: Path, wanted: int) -> int:
    """How many processes were killed; any round in which something was lost or repeated ends in an error."""
    shares = [_kill(folder, seed, wanted // 2) for seed in (1, 2)]
    counts = [int(share.communicate()[0] or 0) for share in shares]
    assert [share.returncode for share in shares] == [0, 0]
    return sum(counts)


def test_random_kills_repeat_no_once_step(tmp_path: Path) -> None:
    assert _killed(tmp_path, 60) >= 60


@pytest.mark.torture
def test_ten_thousand_random_kills_repeat_no_once_step(tmp_path: Path) -> None:
    assert _killed(tmp_path, 10_000) >= 10_000
