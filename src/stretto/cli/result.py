"""What a command says of a run when it leaves it: its output, its failure, or what it waits for and how to go on."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stretto.app import conversing
from stretto.app.handle import Run
from stretto.app.host import App
from stretto.cli import codes
from stretto.cli.options import Common
from stretto.cli.terminal import command, in_line, note, out, out_json, pretty, tell
from stretto.cli.tree import NEXT
from stretto.cli.words import MICRO, cost, moment
from stretto.core.errors import RunFailed, RunWaiting
from stretto.core.ports import RunRow
from stretto.core.values import RunState
from stretto.runtime.failures import failure_from
from stretto.runtime.functions import SAID


def leave(run: Run, common: Common, db: str, told: str = "") -> int:
    """Say how the run stands; the exit code that goes with it. An output that was `told` already is not said again."""
    if common.json:
        out_json(as_object(run))
    elif run.view.state is not RunState.DONE or pretty(run.view.output) != told:
        _tell(run, db)
    return codes.of_state(run.view.state)


async def leave_reply(run: Run, app: App, said: conversing.Said | None, common: Common, told: str = "") -> int | None:
    """Say what was answered, unless that was `told` already; where it was not, how the run stands, and the exit code."""
    try:
        reply = await conversing.replied(run, app, said, plain=True)
    except (RunWaiting, RunFailed):
        return leave(run, common, app.db)
    if common.json:
        out_json({**as_object(run), "reply": reply})
    elif pretty(reply) != told:
        out(pretty(reply))
    return None


def shown(common: Common, value: object, lines: Iterable[str]) -> int:
    """A finding, as JSON for a program or as lines for a person; the exit code."""
    if common.json:
        out_json(value)
    else:
        tell("\n".join(lines))
    return codes.DONE


def noted(common: Common, value: object, line: str) -> int:
    """What was done, as JSON for a program or as a note for a person; the exit code."""
    if common.json:
        out_json(value)
    else:
        note(line)
    return codes.DONE


INTERRUPTED = "interrupted"
"""The state of a run that is running by its journal, and that no process has."""


def standing(row: RunRow, db: str) -> tuple[str, str]:
    """A run's state for a person, and how to go on where its process has died."""
    if row.state is not RunState.RUNNING or row.held:
        return row.state.value, ""
    return INTERRUPTED, f"  · {command(db, 'resume', row.id)}"


def as_object(run: Run) -> dict[str, Any]:
    """The run as the one object that `run --json` ends with."""
    view = run.view
    whole: dict[str, Any] = {"id": run.id, "state": view.state.value, "output": view.output, "cost": cost(view.spend)}
    if view.state is RunState.FAILED:
        whole["error"] = failure_from(view.failure).sentence()
    if view.state is RunState.WAITING:
        whole["approvals"] = run.approvals
    return whole


def _tell(run: Run, db: str) -> None:
    view = run.view
    match view.state:
        case RunState.DONE:
            if view.output is not None:
                if sys.stdout.isatty() and sys.stderr.isatty():
                    note()
                out(pretty(view.output))
        case RunState.FAILED:
            failure = failure_from(view.failure)
            note(f"✗ {in_line(failure.sentence(), 1000)}")
            if failure.root().where:
                note(f"  raised at          {failure.root().where}")
            note(f"  what led to it     {command(db, 'why', run.id)}")
            note(f"  try again there    {command(db, 'resume', run.id)}")
        case RunState.CANCELLED:
            note(f"✗ run {run.id} was cancelled")
        case RunState.WAITING | RunState.RUNNING:
            _tell_waiting(run, db)


def _tell_waiting(run: Run, db: str) -> None:
    """What it answered last, in a conversation, and what it waits for."""
    for asked in run.approvals:
        if (asked["kind"], asked["prompt"]) == ("signal", SAID) and asked["content"] is not None:
            out(pretty(asked["content"]))
    note(f"? run {run.id} waits; nothing of it is lost. To go on:")
    for asked in run.approvals:
        note(f"\n  {about(asked)}")
        for meaning, words in ways(asked):
            note(f"    {meaning:<10} {command(db, *words)}")


def about(asked: Mapping[str, Any]) -> str:
    """A question in one line."""
    what = {
        "approval": f"{call(asked)} needs approval: {asked['prompt']}",
        "signal": NEXT if asked["prompt"] == SAID else f"signal {asked['prompt']}",
        "timer": asked["prompt"],
        "doubt": f"{call(asked)} is in doubt. {asked['prompt']}",
    }.get(asked["kind"], asked["prompt"])
    to = f" · to {asked['to']}" if asked["to"] else ""
    until = f" · until {moment(asked['expires'] * MICRO)}" if asked["expires"] else ""
    return in_line(f"{asked['id']}  {what}{to}{until}", 400)


def call(asked: Mapping[str, Any], width: int = 100, each: int = 24) -> str:
    """The call that is asked about, in short: at most so many characters, and of `each` argument."""
    args = (f"{name}={in_line(pretty(value), each)}" for name, value in (asked["args"] or {}).items())
    return in_line(f"{asked['tool']}({', '.join(args)})", width)


def ways(asked: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The commands that answer a question: what each means, and its words."""
    run, wait = asked["run"], asked["id"]
    match asked["kind"]:
        case "approval" | "review":
            yield "yes", ("approve", run, wait)
            yield "no", ("reject", run, wait, "--reason", "WHY")
        case "question":
            yield "answer", ("approve", run, wait, "--edit", "ANSWER")
        case "timer":
            yield "then", ("resume", run)
        case "budget":
            yield "raise", ("approve", run, wait, "--edit", "$1")
            yield "no", ("reject", run, wait, "--reason", "WHY")
        case "doubt":
            yield "happened", ("resolve", run, wait, "done", "--result", "JSON")
            yield "repeat", ("resolve", run, wait, "repeat")
            yield "give up", ("resolve", run, wait, "abort")
        case "signal" if asked["prompt"] == SAID:
            yield "say", ("say", run, "TEXT")
        case "signal":
            yield "send", ("send", run, asked["prompt"], "JSON")
        case _:
            yield "go on", ("resume", run)
