"""The programs of examples/from in processes that are killed at random sites, forked from one warm process.

python -m tests.examples.from_lives FOLDER SEED     prints, as JSON, what each program said undisturbed, and after kills
"""

from __future__ import annotations

import builtins
import io
import json
import os
import runpy
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from random import Random
from typing import Any

from stretto.app import faultplan
from stretto.core import faults

PROGRAMS = Path(__file__).parents[2] / "examples" / "from"
NAMES = sorted({path.stem for path in PROGRAMS.glob("*.py")} - {"count", "stand_ins"})
LINES = "May I take a bag?\nPlease move me.\nIt is AB12.\nTo 7C.\nIs there wifi?\n"
"""What a passenger says, a line at a time."""
ROUNDS = 3


def answer(prompt: object = "") -> str:
    """What a person says when they are asked: they are not content with the first plan."""
    asked = str(prompt)
    if asked.startswith("Carry out"):
        return "what it costs, too" if "this plan" in asked else ""
    return "In which season?" if asked.startswith("searcher: who scored most?") else "APPROVE"


def life(name: str, folder: Path, plan: Callable[[str], None]) -> int:
    """The exit code of a process that runs the program there, negative where a signal killed it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.chdir(folder)
            builtins.input = answer
            sys.stdin = io.StringIO(LINES)
            faults.lay(plan)
            with Path("said").open("w", encoding="utf-8") as said, redirect_stdout(said):
                runpy.run_path(str(PROGRAMS / f"{name}.py"), run_name="__main__")
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def lives(name: str, folder: Path, kills: list[int]) -> dict[str, Any]:
    """Lives that are killed at these sites, and a last one in peace: how they ended, and what it said."""
    folder.mkdir(parents=True)
    ended = [life(name, folder, faultplan.parse(f"{site}:kill")) for site in kills]
    count = folder / "sites"
    count.touch()
    ended.append(life(name, folder, lambda _: _count(count)))
    return {"ended": ended, "said": (folder / "said").read_text(encoding="utf-8"), "sites": count.stat().st_size}


def _count(file: Path) -> None:
    with file.open("a") as marks:
        marks.write(".")


def main(folder: Path, seed: int) -> dict[str, Any]:
    """By name: the life without a kill, and a few with one or two."""
    sys.path.insert(0, str(PROGRAMS))
    told: dict[str, Any] = {}
    for name in NAMES:
        runpy.run_path(str(PROGRAMS / f"{name}.py"))  # what it imports is there in every fork
        random, whole = Random(f"{seed} {name}"), lives(name, folder / name / "whole", [])
        sites = range(1, whole["sites"] + 1)
        rounds = [
            lives(name, folder / name / str(number), random.choices(sites, k=1 + number % 2))
            for number in range(ROUNDS)
        ]
        told[name] = {"whole": whole, "rounds": rounds}
    return told


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
