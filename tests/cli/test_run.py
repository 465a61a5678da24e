"""`stretto run`: what goes in, what comes out, and every exit code, through real processes."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cli.conftest import Shell, until


def test_a_run_prints_its_output_and_nothing_else_on_stdout(shell: Shell) -> None:
    ended = shell("run", "workers.py:shout", "a b")
    assert (ended.code, ended.out) == (0, "A B\n")
    assert "start   shout · a b" in ended.err


def test_json_is_one_object(shell: Shell) -> None:
    ended = shell("run", "workers.py:add", "--input", '{"a": 1, "b": 2}', "--json", "--id", "sum")
    cost = {"usd": "0", "input": 0, "output": 0, "calls": 0, "unpriced": 0}
    assert json.loads(ended.out) == {"id": "sum", "state": "done", "output": 3, "cost": cost}
    assert ended.err == ""


def test_an_output_of_nothing_prints_nothing(shell: Shell) -> None:
    assert shell("run", "workers.py:nothing").out == ""


def test_a_goal_may_come_from_a_pipe(shell: Shell) -> None:
    assert shell("run", "workers.py:shout", "-", stdin="from a pipe").out == "FROM A PIPE\n"


def test_a_failure_exits_1_and_says_how_to_go_on(shell: Shell) -> None:
    ended = shell("run", "workers.py:failing", "x", "--id", "f")
    assert ended.code == 1
    assert "no such thing: x" in ended.err
    assert "stretto why f" in ended.err
    assert "stretto resume f" in ended.err
    assert "Traceback" not in ended.err
    assert shell("run", "workers.py:failing", "x", "--json").json["error"] == "failing failed: no such thing: x"


@pytest.mark.capability(59)
def test_what_waits_exits_3_with_whole_commands_that_work(shell: Shell) -> None:
    ended = shell("run", "workers.py:writing", "a", "--id", "w", "--db", "some where.db")
    assert ended.code == 3
    assert shell.effects() == ["look up a"]
    (line,) = [line for line in ended.err.splitlines() if "stretto approve w" in line]
    assert line.endswith("--db 'some where.db'")
    wait = line.split()[3 + line.split().index("approve") - 1]
    approved = shell("approve", "w", wait, "--db", "some where.db")
    assert (approved.code, approved.out) == (0, "A\n")
    assert (shell.folder / "out.txt").read_text() == "A"
    assert shell.effects() == ["look up a", "write out.txt"]


def test_what_waits_says_so_in_json(shell: Shell) -> None:
    ended = shell("run", "workers.py:writing", "a", "--id", "w", "--json")
    assert (ended.code, ended.json["state"], ended.json["output"]) == (3, "waiting", None)
    (asked,) = ended.json["approvals"]
    assert (asked["kind"], asked["tool"], asked["risk"]) == ("approval", "write_file", "medium")
    assert asked["args"] == {"path": "out.txt", "text": "A"}
    assert "+A" in asked["preview"]


@pytest.mark.capability(42)
def test_tools_approved_beforehand_run(shell: Shell) -> None:
    ended = shell("run", "workers.py:writing", "a", "--approve", "write_file,other", "--id", "w")
    assert ended.code == 0
    (answer,) = shell("why", "w", "--json").json["answers"]
    assert (answer["decision"], answer["by"]) == ("approve", "--approve")


def test_approving_a_tool_when_a_run_goes_on_answers_its_question(shell: Shell) -> None:
    assert shell("run", "workers.py:writing", "a", "--id", "w").code == 3
    assert shell("run", "workers.py:writing", "a", "--id", "w", "--approve", "write_file").out == "A\n"


def test_the_same_id_goes_on_and_repeats_nothing(shell: Shell) -> None:
    assert shell("run", "workers.py:failing", "x", "--id", "f").code == 1
    (shell.folder / "mended").touch()
    assert shell("run", "workers.py:failing", "x", "--id", "f").out == "mended\n"
    assert shell.effects() == ["look up x"]


def test_a_finished_id_prints_its_output_again(shell: Shell) -> None:
    assert shell("run", "workers.py:shout", "a", "--id", "s").out == "A\n"
    assert shell("run", "workers.py:shout", "a", "--id", "s").out == "A\n"
    assert shell.effects() == ["look up a"]


def test_the_same_id_with_another_input_is_a_usage_error(shell: Shell) -> None:
    shell("run", "workers.py:shout", "a", "--id", "s")
    ended = shell("run", "workers.py:shout", "b", "--id", "s")
    assert ended.code == 2
    assert "another input" in ended.err


def test_code_that_went_another_way_exits_4_and_does_nothing(shell: Shell) -> None:
    (shell.folder / "drift").write_text("one.txt")
    assert shell("run", "workers.py:drifting", "x", "--id", "d").code == 3
    (shell.folder / "drift").write_text("two.txt")
    ended = shell("approve", "d")
    assert ended.code == 4
    assert "Nothing was done" in ended.err
    assert shell.effects() == []


def test_ctrl_c_lets_go_and_the_run_goes_on_later(shell: Shell) -> None:
    process = shell.begin("run", "workers.py:resting", "x", "--id", "r")
    until(shell.effects)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stretto resume r" in err
    assert shell("status", "r", "--json").json["state"] == "running"
    other = shell.begin("resume", "r")
    assert other.stderr is not None
    assert "resume  r" in other.stderr.readline()
    other.send_signal(signal.SIGTERM)
    other.communicate(timeout=60)
    assert other.returncode == 130
    assert shell.effects() == ["look up x"]


def test_ctrl_c_does_not_wait_for_a_blocking_tool_and_leaves_a_doubt(shell: Shell) -> None:
    process = shell.begin("run", "workers.py:blocked", "inv", "--id", "b")
    until(shell.effects)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert shell("resume", "b").code == 3
    (doubt,) = shell("approvals", "b", "--json").json
    assert (doubt["kind"], doubt["tool"]) == ("doubt", "slow_pay")
    settled = shell("resolve", "b", str(doubt["step"]), "done", "--result", '"paid by hand"')
    assert (settled.code, settled.out) == (0, "paid by hand\n")
    assert shell.effects() == ["pay inv"]


def test_ctrl_c_twice_leaves_at_once(shell: Shell) -> None:
    process = shell.begin("run", "workers.py:blocked", "inv", "--id", "b")
    until(shell.effects)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_a_run_that_sleeps_is_waited_for(shell: Shell) -> None:
    ended = shell("run", "workers.py:napping", "3")
    assert (ended.code, ended.out) == (0, "rested\n")


@pytest.mark.capability(205)
def test_a_run_that_sleeps_for_long_is_left_and_taken_up_again(shell: Shell) -> None:
    ended = shell("run", "workers.py:napping", "100000", "--id", "n")
    assert ended.code == 3
    assert "sleeps for 100000 s" in ended.err
    assert "stretto resume n" in ended.err
    assert shell("resume", "n").code == 3


def test_a_live_run_is_followed_by_a_second_command(shell: Shell) -> None:
    first = shell.begin("run", "workers.py:resting", "x", "--id", "r")
    until(shell.effects)
    second = shell.begin("run", "workers.py:resting", "x", "--id", "r")
    assert second.stderr is not None
    assert "another process holds this run" in second.stderr.readline()
    assert shell("cancel", "r").code == 0
    assert (first.wait(10), second.wait(10)) == (1, 1)
    assert shell.effects() == ["look up x"]


def test_who_follows_takes_over_when_the_holder_dies(shell: Shell) -> None:
    first = shell.begin("run", "workers.py:resting", "x", "--id", "r")
    until(shell.effects)
    second = shell.begin("resume", "r")
    assert second.stderr is not None
    assert "another process holds this run" in second.stderr.readline()
    first.kill()
    assert "resume  r" in second.stderr.readline()


def test_many_commands_share_one_database(shell: Shell) -> None:
    with ThreadPoolExecutor(6) as pool:
        ended = list(pool.map(lambda number: shell("run", "workers.py:shout", f"n{number}"), range(6)))
    assert [one.code for one in ended] == [0] * 6
    assert len(shell("list", "--json").json) == 6
    assert shell("audit", "verify").out.startswith("6 runs")


def test_whoever_stops_reading_is_no_error(shell: Shell) -> None:
    process = shell.begin("run", "workers.py:large", "--input", "200000")
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(20) == 0
    assert process.stderr is not None
    assert "Broken" not in process.stderr.read()
