"""Parked runs are rows on disk: they cost no memory, and one is answered without looking at the others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.crash import parked


def _park(folder: Path, count: int) -> dict[str, Any]:
    command = [sys.executable, "-m", parked.__name__, str(folder / "runs.db"), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1_800, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@pytest.mark.capability(186)
def test_parked_runs_keep_nothing_in_memory(tmp_path: Path) -> None:
    few, many = _park(tmp_path, 20), _park(tmp_path / "many", 500)
    assert max(few["loaded"], many["loaded"]) < 50, "runs that nobody carries on any more"
    assert many["tasks"] <= few["tasks"] <= 3
    assert (many["resident_mb"] - few["resident_mb"]) * 1024 / 480 < 40, "KB for each parked run"


@pytest.mark.capability(186)
@pytest.mark.torture
def test_ten_thousand_parked_runs(tmp_path: Path) -> None:
    figures = _park(tmp_path, 10_000)
    print(f"\n{figures}")
    assert figures["resident_mb"] < 200
    assert figures["slowest_ms"] < 250
