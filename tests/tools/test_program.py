"""Another program as a worker: what goes in and out, exit codes, and that it dies with all that it started."""

import os
import sys
import time
from pathlib import Path

import pytest

from stretto import Orchestrator, UsageError, WorkerFailed, fallback, pipeline, program, run

SHOUT = "import sys; print(sys.argv[1].upper() + '!')"
COUNT = "import sys; print(len(sys.stdin.read()))"
FAILS = "import sys; sys.stderr.write('no such model'); sys.exit(3)"
HANGS = 'sleep 600 & echo $! > "$0"; wait'


@pytest.mark.capability(23)
def test_text_goes_in_as_an_argument_or_by_stdin_and_the_output_comes_back() -> None:
    shout = program(sys.executable, "-c", SHOUT, "{input}", name="shout")
    count = program(sys.executable, "-c", COUNT, name="count")
    assert run(pipeline(shout, count), "hé; $HOME `ls`", db=":memory:") == "15"
    plan = [{"id": "a", "worker": "shout", "goal": "one"}]
    assert run(Orchestrator(workers=[shout], planner=lambda goal: plan), "x", db=":memory:") == "ONE!"


@pytest.mark.capability(23)
def test_a_program_that_also_reads_stdin_finds_it_empty_where_the_text_is_an_argument() -> None:
    both = program(sys.executable, "-c", "import sys; print(sys.argv[1] + sys.stdin.read())", "{input}", timeout=20)
    assert run(both, "hello", db=":memory:") == "hello"


@pytest.mark.capability(23)
def test_another_exit_code_than_zero_is_a_failure_that_says_what_it_said() -> None:
    fails = program(sys.executable, "-c", FAILS, name="fails")
    with pytest.raises(WorkerFailed, match="ended with exit code 3: no such model"):
        run(fails, "x", db=":memory:")
    assert run(fallback(fails, program("cat")), "y", db=":memory:") == "y"
    with pytest.raises((UsageError, WorkerFailed), match="cannot be started"):
        run(program("no-such-program-anywhere"), "x", db=":memory:")
    with pytest.raises(UsageError, match="needs a command"):
        program()


@pytest.mark.capability(23)
def test_past_its_time_it_dies_with_all_that_it_started(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    for limit in (1, 10, 60):  # as long as this machine needs to start it
        hangs = program("sh", "-c", HANGS, "{input}", name="hangs", timeout=limit)
        with pytest.raises(WorkerFailed):
            run(hangs, str(file), db=":memory:")
        if file.exists() and file.read_text():
            break
    grandchild = int(file.read_text())
    for _ in range(3_000):
        try:
            os.kill(grandchild, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{grandchild}/stat").exists() and " Z " in Path(f"/proc/{grandchild}/stat").read_text():
            return  # dead, and nobody here has to bury it
        time.sleep(0.02)
    raise AssertionError("what the program had started lives on")
