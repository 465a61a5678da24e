"""`stretto chaos TARGET [GOAL]`."""

import json
from pathlib import Path

import pytest

from stretto.cli.main import invoke

APP = """
import time
from stretto import tool, workflow

@tool(effect="once")
def pay(what: str) -> str:
    raise AssertionError("this is real")

@workflow
async def good(goal: str) -> str:
    return await pay(goal)

@workflow
async def bad(goal: str) -> str:
    return await pay(f"{goal} {time.time():.0f}")
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "shop.py"
    path.write_text(APP)
    return path


@pytest.mark.capability(187)
def test_chaos_tells_what_would_have_happened(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["chaos", f"{app}:good", "EV"]) == 0
    out = capsys.readouterr().out
    assert "in doubt: pay" in out
    assert "nothing was lost" in out


def test_chaos_finds_code_that_reads_the_clock(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["chaos", f"{app}:bad", "EV", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert {trial["outcome"] for trial in report["bad"]} == {"not deterministic"}
    assert any("pay" in trial["detail"] for trial in report["bad"])
