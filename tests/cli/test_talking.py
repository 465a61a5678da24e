"""`stretto say` and `stretto chat`, in a pipe and in a terminal, and words as they are said."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

TALK = '''
from stretto import Agent, listen, tool, workflow
from stretto.testing import ScriptedModel, call

def answer(request):
    heard = [message.text for message in request.messages if message.role == "user"]
    if heard[-1] == "pay" and request.messages[-1].role != "tool":
        return [call("pay", amount=3)]
    return f"{len(heard)}: you said {heard[-1]}"

@tool(risk="high")
def pay(amount: int) -> str:
    """Pay."""
    return "paid"

desk = Agent(ScriptedModel(answer, latency=0.2), "You talk.", name="desk", tools=[pay])
slow = Agent(ScriptedModel(answer, latency=2), "You talk.", name="slow")

@workflow
async def loud() -> str:
    said = await listen()
    while said != "bye":
        said = await listen(said.upper())
    return "goodbye"
'''


@pytest.fixture
def talk(shell: Shell) -> Shell:
    (shell.folder / "talk.py").write_text(TALK)
    return shell


@pytest.mark.capability(201)
def test_a_conversation_over_processes_with_an_approval_in_it(talk: Shell) -> None:
    assert talk("run", "talk.py:desk", "hello", "--id", "a").out == "1: you said hello\n"
    assert talk("say", "a", "more").out == "2: you said more\n"
    waiting = talk("say", "a", "pay")
    assert (waiting.code, waiting.out) == (3, "")
    assert "approve a" in waiting.err
    assert talk("approve", "a").out == "3: you said pay\n"
    told = talk("say", "a", "thanks", "--key", "k", "--json").json
    assert (told["reply"], told["state"]) == ("4: you said thanks", "done")
    assert talk("say", "a", "thanks", "--key", "k").out == "4: you said thanks\n"
    assert talk("audit", "verify", "a").code == talk("replay", "a").code == 0


@pytest.mark.capability(201)
def test_a_chat_in_a_pipe_answers_line_by_line_and_goes_on(talk: Shell) -> None:
    def chat(lines: str, *more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "stretto", "chat", "talk.py:desk", "--id", "c", *more]
        return subprocess.run(
            command, input=lines, capture_output=True, text=True, cwd=talk.folder, env=talk.environment, timeout=60
        )

    assert chat("hi\nthere\n").stdout == "1: you said hi\n2: you said there\n"
    went_on = chat("again\n", "--json")
    assert '"reply":"3: you said again"' in went_on.stdout
    assert went_on.returncode == 0
    asked = chat("pay\n")
    assert asked.returncode == 3
    assert "approve c" in asked.stderr


def test_ctrl_c_ends_a_chat_with_the_command_that_goes_on(talk: Shell) -> None:
    command = [sys.executable, "-m", "stretto", "chat", "talk.py:desk", "--id", "c"]
    chat = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=talk.folder,
        env=talk.environment,
    )  # fmt: skip
    assert chat.stdin is not None
    assert chat.stdout is not None
    chat.stdin.write("hi\n")
    chat.stdin.flush()
    assert chat.stdout.readline() == "1: you said hi\n"
    chat.send_signal(signal.SIGINT)
    assert chat.wait(60) == 130
    _, said = chat.communicate()
    assert "chat talk.py:desk --id c" in said
    assert talk("say", "c", "again").out == "2: you said again\n"


def test_a_workflow_that_listens_is_told_more_and_others_say_why_not(talk: Shell) -> None:
    assert talk("run", "talk.py:loud", "--id", "l").code == 3
    assert talk("say", "l", "hello").out == "HELLO\n"
    assert talk("say", "l", "bye").out == "goodbye\n"
    refused = talk("say", "l", "more")
    assert refused.code == 2
    assert "await listen" in refused.err
    assert talk("chat", "talk.py:loud").code == 2


@pytest.mark.capability(202)
def test_words_are_written_to_a_pipe_while_they_are_said(talk: Shell) -> None:
    command = [sys.executable, "-m", "stretto", "run", "talk.py:slow", "a b c d e f g h", "--stream", "--id", "s"]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=talk.folder, env=talk.environment
    )
    assert running.stdout is not None
    pieces = []
    while piece := running.stdout.read1(4096):  # type: ignore[attr-defined]
        pieces.append(piece.decode())
    running.stdout.close()
    assert running.wait(60) == 0
    assert "".join(pieces) == "1: you said a b c d e f g h\n"
    assert len(pieces) > 3
    assert talk("run", "talk.py:desk", "x", "--stream", "--json").code == 2


SLOW = '''
import time
from stretto import tool, workflow

@tool
def nap() -> str:
    """Sleep."""
    time.sleep(600)
    return "awake"

@workflow
async def slow() -> str:
    return await nap()
'''


def test_a_run_whose_process_died_is_called_interrupted(shell: Shell) -> None:
    (shell.folder / "slow.py").write_text(SLOW)
    command = [sys.executable, "-m", "stretto", "run", "slow.py:slow", "--id", "s"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=shell.folder, env=shell.environment)
    assert running.stderr is not None
    while "start" not in running.stderr.readline():
        time.sleep(0.01)
    assert " running " in shell("list").out
    assert shell("list", "--json").json[0]["held"] is True
    running.kill()
    running.communicate()
    listed = shell("list").out
    assert "interrupted" in listed
    assert [run["id"] for run in shell("list", "--json", "--state", "interrupted").json] == ["s"]
    assert shell("list", "--json", "--state", "running").json == []
    assert "resume s" in listed
    assert "interrupted" in shell("status", "s").out
    assert "interrupted" in shell("why", "s").out
    told = shell("status", "s", "--json").json
    assert (told["state"], told["held"]) == ("running", False)


def test_a_database_that_may_only_be_read_is_looked_at(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    (shell.folder / "talk.py").write_text(TALK)
    assert shell("run", "talk.py:desk", "hello", "--id", "a", "--db", "runs.db").code == 0
    (shell.folder / "guarded.py").write_text(
        "import os, sys\nfrom stretto.cli.main import invoke\nreal = os.access\n"
        "os.access = lambda path, mode: real(path, mode) and not mode & os.W_OK\nsys.exit(invoke(sys.argv[1:]))\n"
    )  # whoever tests may be root, whom no permission stops

    def guarded(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "guarded.py", *words, "--db", "runs.db"]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=shell.folder, env=shell.environment, timeout=60
        )

    def files() -> list[str]:
        return sorted(path.name for path in Path(shell.folder).iterdir() if path.name.startswith("runs"))

    before = files()
    assert "done" in guarded("list").stdout
    for looking in (("status", "a"), ("show", "a"), ("why", "a"), ("export", "a"), ("audit", "verify")):
        assert guarded(*looking).returncode == 0, guarded(*looking).stderr
    refused = guarded("say", "a", "more")
    assert refused.returncode == 2
    assert "read-only for this user" in refused.stderr
    assert files() == before
