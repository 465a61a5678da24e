"""Types reach the editor: what a type checker says of a user's code, and what it leaves alone."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BESIDE = Path(sys.executable).parent
CHECKERS = {
    "mypy": [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")],
    "pyright": [shutil.which("pyright", path=BESIDE) or shutil.which("pyright") or "", "--pythonpath", sys.executable],
}

CODE = """
from dataclasses import dataclass

from stretto import Agent, File, Image, at_least, gather, handoff, injected, tool, workflow


@dataclass
class Report:
    title: str


class Ledger:
    pass


@tool
async def book(customer: str, amount: int, *, ledger: Ledger = injected, idempotency_key: str = injected) -> bool:
    return bool(customer and amount)


@tool(effect="idempotent")
def note(text: str, *, ledger: Ledger = injected) -> int:
    return len(text)


def brief(report: Report) -> str | None:
    return None if len(report.title) < 80 else "the title is too long"


writes = Agent("openai:gpt-5-mini", "You write.", name="writes")
reports = Agent("openai:gpt-5-mini", "You report.", name="reports", output=Report, accept=[brief, at_least(0.8, writes)])
triage = Agent("openai:gpt-5-mini", handoffs=[writes, handoff(reports, about="for reports"), "triage"])


@workflow
async def weekly(topic: str) -> Report:
    text: str = await writes(topic)
    report: Report = await reports(["Read", Image("a.png"), File(b"text")])
    both: list[str] = await gather(writes("a"), writes("b"))
    done: bool = await book("ada", 3)
    length: int = await note(text)
    number: int = await writes(topic)  # wrong
    title: str = await reports(topic)  # wrong
    await book("ada")  # wrong
    await book("ada", "three")  # wrong
    await book("ada", 3, ledger=3)  # wrong
    report.heading  # wrong
    (await writes.using("openai:gpt-5")(topic)).heading  # wrong
    return text  # wrong


async def outside() -> None:
    report: Report = await weekly("cars")
    await weekly(3)  # wrong
    text: str = await weekly("cars")  # wrong
"""


@pytest.mark.slow
@pytest.mark.capability(211)
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_type_checker_finds_exactly_what_is_wrong(checker: str, tmp_path: Path) -> None:
    if not CHECKERS[checker][0]:
        pytest.skip(f"{checker} is not installed")
    file = tmp_path / "editor.py"
    file.write_text(CODE, encoding="utf-8")
    done = subprocess.run([*CHECKERS[checker], str(file)], cwd=ROOT, capture_output=True, text=True, timeout=800)
    found = {int(line) for line in re.findall(r"editor\.py:(\d+)(?::\d+)?(?:: | - )error", done.stdout)}
    wrong = {number for number, line in enumerate(CODE.splitlines(), 1) if "# wrong" in line}
    assert found == wrong, done.stdout + done.stderr
