"""What a person sees and types: the live tree, the question, Ctrl-C. Through a terminal of its own."""

import contextlib
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.cli.conftest import Shell, until

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


@dataclass
class Terminal:
    """A command whose stdin and stderr are a terminal, and whose stdout is a pipe."""

    process: subprocess.Popen[str]
    descriptor: int
    seen: str = ""
    raw: str = ""

    def shows(self, text: str, seconds: float = 60.0) -> str:
        """All that was shown until this text was; what comes behind it counts for the next time."""
        deadline = time.monotonic() + seconds
        while text not in self.plain:
            assert time.monotonic() < deadline, f"{text!r} did not come; seen: {self.plain}"
            self._read(0.1)
        shown, found, self.seen = self.plain.partition(text)
        return shown + found

    def ended(self) -> tuple[int, str]:
        """Exit code and what came on stdout, once it has ended."""
        deadline = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it did not end; seen: {self.plain}"
            self._read(0.05)
        self._read(0.1)
        assert self.process.stdout is not None
        return self.process.returncode, self.process.stdout.read()

    def types(self, line: str) -> None:
        """Type a line."""
        os.write(self.descriptor, f"{line}\n".encode())

    @property
    def plain(self) -> str:
        """What was shown since, without colours and movements."""
        return _ESCAPES.sub("", self.seen)

    def _read(self, seconds: float) -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            if select.select([self.descriptor], [], [], seconds)[0]:
                read = os.read(self.descriptor, 65_536).decode(errors="replace")
                self.seen, self.raw = self.seen + read, self.raw + read


@pytest.fixture
def terminal(shell: Shell) -> Iterator["Opened"]:
    opened = Opened(shell)
    yield opened
    for one in opened.terminals:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()
        os.close(one.descriptor)


class Opened:
    """Opens terminals with a command in them."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self.terminals: list[Terminal] = []

    def __call__(self, *arguments: str, **environment: str) -> Terminal:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "stretto", *arguments],
            cwd=self._shell.folder,
            env=self._shell.environment | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"} | environment,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            start_new_session=True,
        )
        os.close(theirs)
        self.terminals.append(Terminal(process, ours))
        return self.terminals[-1]


@pytest.mark.capability(191)
def test_the_tree_shows_what_goes_on_and_stays_when_it_is_done(terminal: Opened) -> None:
    seen = terminal("run", "workers.py:boss", "go", "--id", "b")
    assert seen.ended()[0] == 0
    assert "2 of 2 tasks" in seen.plain
    assert "✓ shout  two" in seen.plain


def test_a_question_shows_all_that_would_happen_and_yes_does_it(terminal: Opened, shell: Shell) -> None:
    seen = terminal("run", "workers.py:writing", "a", "--id", "w")
    shown = seen.shows("l later")
    assert "? write_file" in shown
    assert "its risk is medium" in shown
    assert "path  out.txt" in shown
    assert "+++ out.txt" in shown
    assert shell.effects() == ["look up a"]
    seen.types("y")
    assert seen.ended() == (0, "A\n")
    (answer,) = shell("why", "w", "--json").json["answers"]
    assert (answer["decision"], answer["channel"]) == ("approve", "cli")


def test_a_no_asks_for_a_reason(terminal: Opened) -> None:
    seen = terminal("run", "workers.py:writing", "a")
    seen.shows("l later")
    seen.types("n")
    seen.shows("why not")
    seen.types("not today")
    seen.shows("not today")
    assert seen.ended()[0] == 1


def test_later_leaves_the_run_waiting(terminal: Opened, shell: Shell) -> None:
    seen = terminal("run", "workers.py:paying", "inv", "--id", "p")
    seen.shows("l later")
    seen.types("l")
    assert "inv2" in seen.shows("l later")
    seen.types("l")
    assert "stretto approve p" in seen.shows("--reason WHY")
    assert seen.ended()[0] == 3
    assert shell.effects() == []


def test_an_edit_is_typed_and_refused_where_it_does_not_fit(terminal: Opened, shell: Shell) -> None:
    seen = terminal("run", "workers.py:writing", "a")
    for line, told in [
        ("{", "that is no edit"),
        ('{"path": 1}', "do not fit write_file"),
        ("path=other.txt", "instead: write_file(path=other.txt, text=A)"),
    ]:
        seen.shows("l later")
        seen.types("e")
        seen.shows("as NAME=VALUE, or JSON")
        seen.types(line)
        seen.shows(told)
    assert seen.ended()[0] == 0
    assert (shell.folder / "other.txt").read_text() == "A"


def test_an_editor_may_be_used(terminal: Opened, shell: Shell) -> None:
    editor = shell.folder / "editor.sh"
    editor.write_text('#!/bin/sh\nsed -i s/out.txt/edited.txt/ "$1"\n')
    editor.chmod(0o755)
    seen = terminal("run", "workers.py:writing", "a", EDITOR=shlex.quote(str(editor)))
    seen.shows("l later")
    seen.types("e")
    assert seen.ended()[0] == 0
    assert (shell.folder / "edited.txt").read_text() == "A"


def test_what_was_typed_before_a_question_does_not_answer_it(terminal: Opened, shell: Shell) -> None:
    seen = terminal("run", "workers.py:writing", "a")
    seen.types("y")
    seen.shows("l later")
    time.sleep(0.3)
    assert seen.process.poll() is None
    assert shell.effects() == ["look up a"]


def test_a_question_that_is_answered_elsewhere_is_not_asked_on(terminal: Opened, shell: Shell) -> None:
    seen = terminal("run", "workers.py:writing", "a", "--id", "w")
    seen.shows("l later")
    assert shell("approve", "w", "--by", "ada").out == "A\n"
    seen.shows("answered elsewhere")
    assert seen.ended() == (0, "A\n")
    assert shell.effects() == ["look up a", "write out.txt"]


def test_questions_of_a_busy_run_are_asked_at_once(terminal: Opened, shell: Shell) -> None:
    seen = terminal("run", "workers.py:asking_while_busy", "x")
    seen.shows("Which colour?")
    seen.shows("l later")
    seen.types("red")
    (shell.folder / "answered").touch()
    assert seen.ended() == (0, "red\n")


def test_typed_answers_have_the_type_that_is_asked_for(terminal: Opened) -> None:
    seen = terminal("run", "workers.py:asking", "cars")
    seen.shows("l later")
    seen.types("blue")
    seen.shows("l later")
    seen.types("many")
    seen.shows("the answer was not taken")
    seen.shows("l later")
    seen.types("3")
    assert seen.ended() == (0, "3 blue cars\n")


def test_a_doubt_is_settled_by_hand(terminal: Opened, shell: Shell) -> None:
    first = shell.begin("run", "workers.py:blocked", "inv", "--id", "b")
    until(shell.effects)
    first.kill()
    first.wait()
    seen = terminal("resume", "b")
    assert "not known whether slow_pay happened" in seen.shows("l later")
    seen.types("d")
    seen.shows("its result")
    seen.types('"paid"')
    assert seen.ended() == (0, "paid\n")
    assert shell.effects() == ["pay inv"]


def test_ctrl_c_at_a_question_lets_go_and_shows_the_cursor_again(terminal: Opened) -> None:
    seen = terminal("run", "workers.py:writing", "a", "--id", "w")
    seen.shows("l later")
    os.kill(seen.process.pid, signal.SIGINT)
    seen.shows("stretto resume w")
    assert seen.ended()[0] == 130


def test_ctrl_c_in_the_tree_leaves_the_terminal_as_it_was(terminal: Opened, shell: Shell) -> None:
    seen = terminal("run", "workers.py:resting", "x", "--id", "r")
    seen.shows("0 of 1 task")
    until(shell.effects)
    os.kill(seen.process.pid, signal.SIGINT)
    assert seen.ended()[0] == 130
    assert 0 < seen.raw.count("\x1b[?25l") <= seen.raw.count("\x1b[?25h")
    assert "stretto resume r" in seen.plain


def test_json_neither_draws_nor_asks(terminal: Opened) -> None:
    seen = terminal("run", "workers.py:writing", "a", "--json")
    assert seen.ended()[0] == 3
    assert seen.plain == ""


def test_in_ci_and_dumb_terminals_progress_is_plain_lines(terminal: Opened) -> None:
    for environment in ({"CI": "true"}, {"TERM": "dumb"}):
        seen = terminal("run", "workers.py:shout", "a", **environment)
        seen.ended()
        assert "start   shout · a" in seen.plain
        assert "\x1b" not in seen.raw


def test_a_terminal_without_unicode_gets_ascii(terminal: Opened) -> None:
    seen = terminal("run", "workers.py:shout", "a", PYTHONIOENCODING="ascii", NO_COLOR="1")
    seen.ended()
    assert "+ shout  a" in seen.plain
    assert seen.raw.isascii()


def test_others_words_cannot_move_the_cursor(terminal: Opened) -> None:
    seen = terminal("run", "workers.py:writing", "a\x1b[2Jb")
    assert "A\\x1b[2JB" in seen.shows("l later")
