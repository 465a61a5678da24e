"""Bugs planted in the engine, one at a time: each is caught by the test that its patch names.

A patch says in its first line what is wrong, and in its second which test must fail. CI plants a few each day, `make
torture` all of them.
"""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATCHES = sorted(path.stem for path in HERE.glob("*.patch"))
TODAY = 3
"""Patches that are planted each day."""


def _of_today() -> list[str]:
    first = datetime.datetime.now(datetime.UTC).date().toordinal() * TODAY
    return [PATCHES[(first + number) % len(PATCHES)] for number in range(TODAY)]


def _named_in(patch: Path) -> str:
    line = patch.read_text().splitlines()[1]
    assert line.startswith("caught by: "), f"{patch.name} does not say in its second line which test catches it"
    return line.removeprefix("caught by: ")


def _plant(name: str, folder: Path) -> None:
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    apply = ["git", "apply", "--recount", "-C1", str(HERE / f"{name}.patch")]
    outside = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    done = subprocess.run(apply, cwd=folder, env=outside, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (
        f"{name}.patch no longer applies; plant that bug in the code as it is now: {done.stderr}"
    )


def _check(name: str, folder: Path) -> None:
    _plant(name, folder)
    test = _named_in(HERE / f"{name}.patch")
    program = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-o",
        "faulthandler_timeout=0",
        test,
    ]
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90, check=False
        )
    except subprocess.TimeoutExpired:
        return  # it hangs, which nobody overlooks
    assert done.returncode == 1, f"{test} does not catch {name}\n{done.stdout[-3_000:]}{done.stderr[-1_000:]}"


@pytest.mark.parametrize("name", _of_today())
def test_a_planted_bug_is_caught(name: str, tmp_path: Path) -> None:
    _check(name, tmp_path)


@pytest.mark.torture
@pytest.mark.parametrize("name", PATCHES)
def test_each_planted_bug_is_caught(name: str, tmp_path: Path) -> None:
    _check(name, tmp_path)


def test_each_patch_applies_and_there_are_twenty(tmp_path: Path) -> None:
    for name in PATCHES:
        _named_in(HERE / f"{name}.patch")
        check = ["git", "apply", "--check", "--recount", "-C1", str(HERE / f"{name}.patch")]
        done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (
            f"{name}.patch no longer applies; plant that bug in the code as it is now: {done.stderr}"
        )
    assert len(PATCHES) >= 20
