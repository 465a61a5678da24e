"""The command line, and models that a test scripts."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., Said]:
    """Runs `stretto` in the test's folder."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def command(*arguments: str, **environment: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "stretto", *arguments],
            cwd=tmp_path,
            env={**kept, "PYTHONPATH": str(SOURCE), "LANG": "C.UTF-8", "COLUMNS": "120", **environment},
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return command
