"""The programs of examples/programs in processes that are killed at random sites, forked from one warm process.

python -m tests.examples.lives FOLDER SEED     prints, as JSON, how each program lived undisturbed, and how after kills
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from stretto.app import faultplan
from stretto.app.code import load_file
from stretto.core import faults
from stretto.runtime.clock import SystemClock

PROGRAMS = Path(__file__).parents[2] / "examples" / "programs"
NAMES = sorted({path.stem for path in PROGRAMS.glob("*.py")} - {"offline"})
LATER = {"onboarding": 4}
"""A program that waits for days is run again so many days later."""
KILLS = 2
DAY = 86_400_000_000
TIME = re.compile(r"\d+\.\d+ s\b")


def round_of(
    program: ModuleType, folder: Path, later: int, kills: int, random: Random, sites: int = 0
) -> dict[str, Any]:
    """Lives in a folder: some that are killed, and one in peace, or two where the program waits for days between them."""
    folder.mkdir(parents=True)
    killed = [_life(program, folder, f"{random.randint(1, sites)}:kill") for _ in range(kills)]
    days = [later, 2 * later] if later else [0]
    ended = [_life(program, folder, "", day) for day in days]
    done = [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
    assert len({one["key"] for one in done}) == len(done), "an effect happened twice under one key"
    passed = [int(line) for line in (folder / "passed").read_text().split()]
    return {
        "killed": killed,
        "ended": ended,
        "outcome": TIME.sub("", (folder / "outcome").read_text()),
        "effects": sorted(json.dumps(one["did"]) for one in done),
        "sites": max(passed),
    }


def _life(program: ModuleType, folder: Path, fault: str, days: int = 0) -> int:
    """The exit code of a process that runs the program there, negative where a signal killed it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.chdir(folder)
            _move_clock(days)
            passed: list[str] = []
            faults.lay(faultplan.parse(fault) if fault else passed.append)
            Path("outcome").write_text(repr(program.main()))
            with Path("passed").open("a") as file:
                file.write(f"{len(passed)}\n")
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _move_clock(days: int) -> None:
    now = SystemClock.now
    SystemClock.now = lambda self: now(self) + days * DAY  # type: ignore[method-assign]  # this process lives later


def main(folder: Path, seed: int) -> dict[str, Any]:
    """By name: what a program came to undisturbed, and after kills."""
    lives: dict[str, Any] = {}
    for name in NAMES:
        program, random = load_file(PROGRAMS / f"{name}.py"), Random(f"{seed} {name}")
        whole = round_of(program, folder / name / "whole", LATER.get(name, 0), 0, random)
        torn = round_of(program, folder / name / "torn", LATER.get(name, 0), KILLS, random, whole["sites"])
        lives[name] = {"whole": whole, "torn": torn}
    return lives


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
