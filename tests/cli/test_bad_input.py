"""What cannot work ends in one clear message and the right exit code, and nothing is lost."""

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Ended, Shell


def said(ended: Ended) -> str:
    """The one message of a command that could not work."""
    assert ended.code == 2
    assert ended.out == ""
    assert "Traceback" not in ended.err
    return ended.err


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("workers.py:shoot", "did you mean 'shout'"),
        ("worker.py:shout", "there is no file"),
        ("workers.py", "say which worker"),
        ("nomodule:shout", "there is no module 'nomodule'"),
        ("workerz.py", "there is no file"),
        ("reprot", "is nothing that stretto can run"),
        ("workers.py:WORKERS", "has no 'WORKERS'"),
        ("workers.py:happened.__doc__", "is not a worker"),
        ("flow.yaml", "flow.yaml"),
    ],
)
def test_an_unknown_target_offers_what_there_is(shell: Shell, target: str, message: str) -> None:
    assert message in said(shell("run", target, "x"))


def test_a_file_that_does_not_load_says_where(shell: Shell) -> None:
    (shell.folder / "bad.py").write_text("x = 1\ny = x / 0\n")
    message = said(shell("run", "bad.py:w", "x"))
    assert "ZeroDivisionError" in message
    assert "bad.py:2" in message
    (shell.folder / "worse.py").write_text("def x(:\n")
    assert "SyntaxError" in said(shell("run", "worse.py:w", "x"))


def test_options_that_do_not_fit_each_other(shell: Shell) -> None:
    assert "--docs" in said(shell("run", "workers.py:shout", "x", "--docs", "."))
    assert "one input" in said(shell("run", "workers.py:shout", "x", "--input", "1"))
    assert "takes JSON" in said(shell("run", "workers.py:shout", "--input", "{"))
    assert "in quotes: 'a b c'" in said(shell("run", "workers.py:shout", "a", "b", "c"))
    assert "the id '' is no text" in said(shell("run", "workers.py:shout", "a", "--id", ""))
    assert "not .pdf" in said(shell("graph", "workers.py:boss", "-o", "boss.pdf"))
    assert "budget" in said(shell("run", "workers.py:shout", "x", "--budget", "lots"))
    assert "its input does not fit" in said(shell("run", "workers.py:add", "x"))
    assert "as JSON with --input" in said(shell("run", "workers.py:add", "x"))
    assert "provider" in said(shell("run", "workers.py:shout", "x", "--model", "nobody:knows"))


def test_a_worker_that_needs_something_says_so_before_there_is_a_run(shell: Shell) -> None:
    (shell.folder / "needs.py").write_text(
        "from stretto import Agent, pipeline, workflow\n\n\nagent = Agent('test:', 'You help.', name='agent')\n"
        "then = pipeline(agent, agent)\n\n\n@workflow\ndef sum(a: int, b: int) -> int:\n    return a + b\n\n\n"
        "@workflow\ndef greet(name: str = 'you') -> str:\n    return f'Hello, {name}'\n"
    )
    assert "agent needs a GOAL" in (told := said(shell("run", "needs.py:agent")))
    assert "stretto chat needs.py:agent" in told
    assert "pipeline needs a GOAL" in said(shell("run", "needs.py:then"))
    assert "sum needs a, b: give them as JSON with --input" in said(shell("run", "needs.py:sum"))
    assert "agent makes no plan" in said(shell("plan", "needs.py:agent", "x"))
    assert shell("list", "--json").json == []
    assert shell("run", "needs.py:greet").out == "Hello, you\n"


def test_a_model_that_is_not_to_be_had_is_told_before_there_is_a_run(shell: Shell) -> None:
    (shell.folder / "thinks.py").write_text(
        "from stretto import Agent, fallback, pipeline\n\n\nwrong = Agent('opnai:gpt-5', name='wrong')\n"
        "plain = Agent('gpt-5', name='plain')\nkeyless = Agent('openai:gpt-5', name='keyless')\n"
        "none = Agent(name='none')\ninside = pipeline(Agent('test:', name='a'), wrong)\n"
        "round = fallback(keyless, Agent('test:', name='b'))\n"
    )
    for worker, message in (
        ("wrong", "did you mean 'openai'?"),
        ("plain", "did you mean 'openai:gpt-5'?"),
        ("keyless", "set OPENAI_API_KEY"),
        ("none", "the run names none"),
        ("inside", "'opnai:gpt-5' has no provider"),
    ):
        assert message in said(shell("run", f"thinks.py:{worker}", "x")), worker
    assert shell("list", "--json").json == []
    assert shell("run", "thinks.py:round", "x").code == 0  # a key that is missing inside may never be needed


def test_commands_that_are_not_there(shell: Shell) -> None:
    assert "did you mean 'status'" in said(shell("statuss"))
    assert "Missing argument" in said(shell("run"))
    assert "No such option" in said(shell("run", "workers.py:shout", "x", "--modle", "m"))


def test_errors_are_json_where_json_is_asked_for(shell: Shell) -> None:
    for arguments in (["run", "nope", "x"], ["run"], ["status", "nope"]):
        ended = shell(*arguments, "--json")
        assert (ended.code, list(ended.json)) == (2, ["error"])
        assert ended.err == ""


@pytest.mark.parametrize("goal", ["", "x" * 100_000, "\x1b[2Jété 漢字 \u202e"])
def test_any_goal_is_taken(shell: Shell, goal: str) -> None:
    ended = shell("run", "workers.py:shout", goal, "--json")
    assert (ended.code, ended.json["output"]) == (0, " ".join(goal.split()).upper())


def test_a_goal_cannot_move_the_cursor(shell: Shell) -> None:
    ended = shell("run", "workers.py:shout", "\x1b[2J\u202e")
    assert "\x1b" not in ended.err
    assert "\u202e" not in ended.err


def test_a_file_that_is_no_database(shell: Shell) -> None:
    (shell.folder / "text.db").write_text("not a database at all, but long enough to be read as one" * 20)
    assert "is not a database" in said(shell("run", "workers.py:shout", "x", "--db", "text.db"))


def test_a_database_of_another_program(shell: Shell) -> None:
    with sqlite3.connect(shell.folder / "other.db") as database:
        database.execute("create table something(x)")
    database.close()
    assert "another program" in said(shell("run", "workers.py:shout", "x", "--db", "other.db"))


def test_a_database_that_cannot_be(shell: Shell) -> None:
    (shell.folder / "file").touch()
    assert "cannot be written" in said(shell("run", "workers.py:shout", "x", "--db", "file/runs.db"))
    assert "is not known" in said(shell("run", "workers.py:shout", "x", "--db", "mysql://x"))
    assert "there is no database" in said(shell("status", "x", "--db", "nowhere.db"))


@pytest.mark.slow
def test_a_database_that_another_program_has_locked(shell: Shell) -> None:
    shell("run", "workers.py:shout", "x", "--id", "s")
    database = sqlite3.connect(Path(shell.folder, ".stretto", "runs.db"), isolation_level=None)
    database.execute("begin exclusive")
    ended = shell("run", "workers.py:shout", "y", "--id", "t")
    database.execute("rollback")
    database.close()
    assert ended.code == 1
    assert "locked by another program" in ended.err
    assert "Traceback" not in ended.err
    assert shell("run", "workers.py:shout", "y", "--id", "t").out == "Y\n"
