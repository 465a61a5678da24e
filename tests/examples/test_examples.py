"""Every example runs without a key, and does what its first line says."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stretto import Run, start
from stretto.app.flows import load

EXAMPLES = Path(__file__).parents[2] / "examples"
SAID = {
    "agent": "A quarter of new cars are electric.\n- EV sales 2025.md\n",
    "desk": "Please ask a lawyer.\nasks: refund {'amount': 12, 'customer': 'ann'}\n"
    "We are sorry. You have 12 back. ['ann 12']\n",
    "embedded": "['ann owes 100', 'bob owes 101'] ['ann 100', 'bob 101']\n",
    "orchestrator": "the plan:\n- market by research\n- rivals by research\n- report by write\n"
    "EVs are a quarter of new cars; three makers lead.\n",
    "workflow": "Ready to publish? <<EV: market>; <EV: rivals>; <EV: law>>\n"
    "approval of publish {'post': 'Electric cars, in short.'}\npublished: Electric cars, in short.\n",
}


def test_every_program_is_run_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == SAID.keys() | {"fastapi_app"}  # which has tests of its own


@pytest.mark.parametrize("name", SAID)
def test_a_program_says_what_it_is_for(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, SAID[name], "")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(EXAMPLES / "flows", tmp_path / "flows"))


def test_the_report_flow_saves_what_was_approved(flows: Path) -> None:
    run: Run = start(load(flows / "report.yaml"), "EV", id="one", db="runs.db")
    assert [(task.worker, task.label) for task in run.tasks[1:]] == [
        ("parallel", ""),
        ("research", "market"),
        ("research", "rivals"),
        ("loop", ""),
        ("write", "round 1"),
        ("check", "round 1"),
        ("write", "round 2"),
        ("check", "round 2"),
        ("review", ""),
    ]
    run = start(load(flows / "report.yaml"), "EV", id="one", db="runs.db")
    assert (run.approvals[0]["prompt"], run.approvals[0]["to"]) == ("Is this good enough on EV?", "editors")
    run.approve(by="Ann")
    run.approve(by="Ann")
    assert run.output == "report.md has 4 words"
    assert Path("report.md").read_text(encoding="utf-8") == "Electric cars, in short."


def test_the_support_flow_asks_for_what_nobody_knows(flows: Path) -> None:
    run: Run = start(load(flows / "support.yaml"), "My invoice is wrong", db=":memory:")
    run.answer(None, {"amount": 12.5}, by="Ann")
    assert run.output == "Dear customer, Pay back 12.5, in answer to: My invoice is wrong"
    assert start(load(flows / "support.yaml"), "It beeps", db=":memory:").tasks[-1].worker == "technical"
