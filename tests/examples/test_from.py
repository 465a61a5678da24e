"""The peers' tutorials in stretto: each runs as a process of its own, and says the same when it was killed on the way."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stretto import start
from stretto.app.code import load_file
from tests.examples.from_lives import LINES, NAMES, PROGRAMS, ROUNDS

ROOT = Path(__file__).parents[2]
LEDGER = """\
  facts: researcher shall find how the fuel is made (done)
  costs: researcher shall find what it costs (done)
  summary: analyst shall sum up (done)
It is made of oils, waste or captured carbon, and costs 2 to 5 times as much as other fuel.
"""
TYPED = {
    "autogen_group_chat": "In which season?\n" + "APPROVE\n" * 4,
    "magentic_ledger": "what it costs, too\n\n",
    "openai_agents_triage": LINES,
}
"""What is typed into the programs that talk with somebody."""
SAID = {
    "langgraph_supervisor": """\
user to supervisor: What were the GDPs of the US and of New York state in 2024, and what share of the first was the second?
supervisor to research: GDPs of the US and New York state in 2024
research to supervisor: US: $29.18 trillion; New York state: $2.297 trillion
supervisor to maths: 2.297 / 29.18, in percent
maths to supervisor: 7.87 %
supervisor to user: The US made $29.18 trillion, New York state $2.30 trillion: 7.87 % of it.
The US made $29.18 trillion, New York state $2.30 trillion: 7.87 % of it.
""",
    "crewai_hierarchical": """\
Agents at night: Agents at night: it begins. (Ask a founder)
The intern that never sleeps: The intern that never sleeps: it begins. (Ask a founder)
Who checks the checker: Who checks the checker: it begins. (Ask a founder)
A budget for a mind: A budget for a mind: it begins. (Ask a founder)
Say no: Say no: it begins. (Ask a founder)
""",
    "autogen_group_chat": """\
planner: searcher: who scored most?
user: In which season?
planner: searcher: who scored most in 2006-07?
user: APPROVE
searcher: Points in 2006-07: Haslem 844, Wade 1397, Posey 550.
planner: searcher: Wade's rebounds in 2007-08
user: APPROVE
searcher: Wade had 214 rebounds in 2007-08.
planner: searcher: Wade's rebounds in 2008-09
user: APPROVE
searcher: Wade had 398 rebounds in 2008-09.
planner: analyst: by how much did they change?
user: APPROVE
analyst: They rose by 85.98 %.
planner: Dwyane Wade scored most, 1397 points; his rebounds rose by 85.98 %. DONE
""",
    "openai_agents_triage": """\
user to triage: May I take a bag?
triage to faq_desk: It is theirs.
faq_desk to user: One bag of up to 50 pounds, 22 by 14 by 9 inches, is free.
user to faq_desk: Please move me.
faq_desk to triage: It is about a seat.
triage to seat_desk: It is theirs.
seat_desk to user: What is your confirmation number?
user to seat_desk: It is AB12.
seat_desk to user: Which seat would you like?
user to seat_desk: To 7C.
seat_desk to update_seat: {'confirmation': 'AB12', 'seat': '7C'}
update_seat to booking: {'confirmation': 'AB12', 'flight': 'FLT-', 'seat': '7C'}
update_seat to seat_desk: Seat 7C is now booked under AB12.
seat_desk to user: Seat 7C is now booked under AB12.
user to seat_desk: Is there wifi?
seat_desk to triage: It is a question.
triage to faq_desk: It is theirs.
faq_desk to user: There is free wifi: join Airline-Wifi.
""",
    "adk_workflow": """\
def total(xs: list[float]) -> float: return sum(xs)
Energy: panels got cheaper. Cars: ranges grew. Carbon: plants run. All three moved.
It woke. It hummed, warm as bread. It wept. It stayed.
A picnic, a museum on its free day.
""",
    "magentic_ledger": LEDGER,
}


def _without_chance(said: str) -> str:
    """The number of a flight is drawn by lot."""
    return re.sub(r"FLT-\d+", "FLT-", said)


def test_every_program_is_run_here() -> None:
    assert sorted(SAID) == NAMES


@pytest.mark.capability(16, 19, 28, 29, 31, 38, 39, 41)
@pytest.mark.parametrize("name", SAID)
def test_a_program_does_the_job_of_the_tutorial_it_was_written_after(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(PROGRAMS / f"{name}.py")]
    done = subprocess.run(
        command, input=TYPED.get(name, ""), capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert _without_chance(done.stdout).endswith(SAID[name])


def test_a_process_that_was_told_to_die_is_run_again(tmp_path: Path) -> None:
    command = [sys.executable, str(PROGRAMS / "adk_workflow.py")]
    told = {**os.environ, "STRETTO_FAULT": "90:kill", "STRETTO_DB": str(tmp_path / "mine.db")}
    died = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=told, timeout=60, check=False)
    assert (died.returncode, SAID["adk_workflow"].startswith(died.stdout)) == (-signal.SIGKILL, True)
    del told["STRETTO_FAULT"]
    again = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=told, timeout=60, check=False)
    assert (again.returncode, again.stdout) == (0, SAID["adk_workflow"])


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("lives")
    command = [sys.executable, "-m", "tests.examples.from_lives", str(folder), "7"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("name", SAID)
def test_killed_anywhere_and_run_again_it_comes_to_the_same(name: str, lives: dict[str, Any]) -> None:
    life = lives[name]
    assert len(life["rounds"]) == ROUNDS
    assert life["whole"]["ended"] == [0]
    for one in (life["whole"], *life["rounds"]):
        assert one["ended"][-1] == 0
        assert one is life["whole"] or one["ended"][0] == -9
        assert _without_chance(one["said"]).endswith(SAID[name])


def test_a_supervisor_shows_its_loop_and_branches_as_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PROGRAMS))
    program = load_file(PROGRAMS / "langgraph_supervisor.py")
    job = start(program.by_hand, "What share?", db=str(tmp_path / "runs.db"))
    assert [task.worker for task in job.tasks] == ["by_hand", "decide", "research", "decide", "maths", "decide"]


def test_the_table_counts_our_programs_as_they_are() -> None:
    counted = load_file(PROGRAMS / "count.py")
    table = (PROGRAMS / "README.md").read_text(encoding="utf-8")
    for name in NAMES:
        (row,) = re.findall(rf"^\| `{name}\.py` \|( \d.*)\|$", table, re.MULTILINE)
        theirs, ours, tokens_theirs, tokens_ours, stand_in = (int(cell) for cell in row.split("|")[:5])
        assert ((ours, tokens_ours), stand_in) == (counted.ours(name), counted.stand_in(name)), name
        assert ours < theirs, name
        assert tokens_ours < tokens_theirs, name
