"""`stretto demo`: one report, planned, killed in the middle, taken up again, approved; told on the screen as it happens."""

from __future__ import annotations

import secrets
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import Distribution, distributions
from pathlib import Path

import click

from stretto.app.host import App
from stretto.cli.session import SHOW_CURSOR
from stretto.core.errors import UsageError
from stretto.runtime.view import View

GOAL = "What is each package for, under which licence is it, and which ones talk to the network?"
HOME = Path(".stretto/demo")
ANSWERED_WITHIN = 20
"""Seconds that a terminal is given to answer."""


@click.command("demo")
def command() -> int:
    """A due-diligence report over the documents of the packages installed here. Needs no key and no hands."""
    return Demo(HOME, f"demo-{secrets.token_hex(2)}").tell()


class Demo:
    """The story. Each chapter runs the very commands that it shows."""

    def __init__(self, home: Path, id: str) -> None:
        self.docs, self.out, self.db = home / "documents", home / "report.md", home / "runs.db"
        self.id = id
        self.seen = 0

    def tell(self) -> int:
        """From the documents to the report."""
        count = collect(self.docs)
        self.out.unlink(missing_ok=True)
        _say(
            f"1. Documents: metadata, read-me and licence files of {count} installed packages, in {self.docs}/.",
            "   No model is named, so rule-based workers do the work. The goal:",
            f"   “{GOAL}”",
        )
        _say("2. The plan, before anything runs:")
        self._stretto("plan", "report", GOAL, "--docs", str(self.docs))
        _say("3. The run. This process will kill it with SIGKILL in the middle:")
        self._killed()
        _say("4. The same command again. It goes on where it died:")
        self._stretto(*self._run, may=3)
        self._count()
        _say("5. Writing a file is a medium risk, so the run waits for a person. Exactly this would be written:")
        self._approved()
        _say("6. Why does the report say what it says, and what did it cost?")
        self._stretto("why", self.id)
        lines = self.out.read_text(encoding="utf-8").count("\n")
        _say(
            f"The report: {self.out} ({lines} lines). Now with documents of yours:",
            '   stretto run report "What does this project do, and how is it configured?" --docs FOLDER',
            "   stretto run report \"…\" --docs FOLDER --model openai:gpt-5-mini --budget '$0.50'",
            f"   stretto show {self.id} --db {self.db}",
        )
        return 0

    # ---- chapters

    @property
    def _run(self) -> list[str]:
        return ["run", "report", GOAL, "--docs", str(self.docs), "--out", str(self.out), "--id", self.id]

    def _killed(self) -> None:
        with self._begun(*self._run) as child:
            while child.poll() is None and not self._is_half_done():
                time.sleep(0.02)
            child.send_signal(signal.SIGKILL)
            child.wait()
        if sys.stderr.isatty():
            sys.stderr.write(SHOW_CURSOR)
        view = self._view()
        self.seen = view.seq
        done = sum(task.state == "done" for task in view.tasks.values())
        finished = sum(step.state == "done" for step in view.steps.values())
        _say(
            f"   killed (exit {child.returncode}); the journal holds {done} finished tasks and {finished} finished steps."
        )

    def _is_half_done(self) -> bool:
        """Whether some of the research is finished, and the report is not."""
        tasks = self._view().tasks.values()
        return any(task.worker == "research" and task.state == "done" for task in tasks)

    def _count(self) -> None:
        """How many steps that had been finished before the kill were done again, counted from the journal."""
        repeated = 0
        before: set[tuple[str, str]] = set()
        for row in App(db=str(self.db)).get(self.id).events:
            if row.kind == "step_done":
                repeated += (row.scope, row.ident) in before
                before.add((row.scope, row.ident))
        _say(f"   {repeated} finished steps repeated.")

    def _approved(self) -> None:
        run = App(db=str(self.db)).get(self.id)
        diff = str(run.approvals[0]["preview"]).splitlines()
        for line in [*diff[:24], *([f"   ... {len(diff) - 24} more lines"] if len(diff) > 24 else [])]:
            click.secho(f"   {line[:150]}", fg="green" if line.startswith("+") else None)
        if _agrees():
            self._stretto("approve", self.id)
        else:
            self._stretto("reject", self.id, "--reason", "not today")
            raise UsageError("you said no, so nothing was written; that is how it should be")

    # ---- plumbing

    def _view(self) -> View:
        """What the journal has of the run so far."""
        try:
            view: View = App(db=str(self.db)).get(self.id).view
        except UsageError:
            return View()  # it has not begun yet
        return view

    def _begun(self, *args: str) -> subprocess.Popen[bytes]:
        args = (*args, "--db", str(self.db))
        click.secho("   $ stretto " + shlex.join(args), bold=True)
        return subprocess.Popen([sys.executable, "-m", "stretto", *args], stdin=subprocess.DEVNULL)

    def _stretto(self, *args: str, may: int = 0) -> None:
        with self._begun(*args) as child:
            code = child.wait()
        if code not in (0, may):
            raise UsageError(f"stretto {args[0]} ended with exit code {code}; the demo stops here")


def collect(folder: Path) -> int:
    """Copy what the installed packages say about themselves; the number of packages."""
    shutil.rmtree(folder, ignore_errors=True)
    count = 0
    for package in sorted(distributions(), key=lambda each: str(each.metadata["Name"]).lower()):
        texts = _texts(package)
        for name, text in texts.items():
            file = folder / str(package.metadata["Name"]).lower() / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        count += bool(texts)
    return count


def _texts(package: Distribution) -> dict[str, str]:
    """A package's own documents, by name."""
    texts = {"METADATA": package.read_text("METADATA") or ""}
    for file in package.files or []:
        inside = file.parts[0].endswith(".dist-info") and ".." not in file.parts
        if inside and file.name.upper().startswith(("LICEN", "COPYING", "NOTICE", "AUTHORS", "README")):
            try:
                texts[file.name] = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
    return {name: text for name, text in texts.items() if text}


def _agrees() -> bool:
    """Ask a terminal; without one, or without an answer, the second process says yes."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        click.echo("   no terminal to ask: another process approves it")
        return True
    click.secho(f"   Write it? [Y/n] (yes after {ANSWERED_WITHIN} seconds) ", bold=True, nl=False)
    ready, _, _ = select.select([sys.stdin], [], [], ANSWERED_WITHIN)
    said = sys.stdin.readline().strip().lower() if ready else ""
    if not ready:
        click.echo()
    return said in ("", "y", "yes")


def _say(*lines: str) -> None:
    """A chapter's heading, with time to read it."""
    click.echo()
    for line in lines:
        click.secho(line, fg="cyan" if line[:1].isdigit() else None, bold=line[:1].isdigit())
    sys.stdout.flush()
    if sys.stdout.isatty():
        time.sleep(1.5)
