"""Answers given on the command line: which question is meant, and what the answer says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from stretto.app.handle import Run
from stretto.app.host import App
from stretto.cli.carry import carry
from stretto.cli.follow import give
from stretto.cli.options import Common, as_json
from stretto.core.values import Answer

Asked = Mapping[str, Any]
"""A question as `app.handle.described` gives it."""


def answer(common: Common, id: str, wanted: str | None, by: str, say: Callable[[Asked], Answer]) -> int:
    """Answer a question of a run (the only open one, or the one meant), and see the run through."""

    async def begin(app: App) -> tuple[str, str]:
        run = await app.get(id)
        asked = _meant(run, wanted)
        name = asked["id"] if asked else wanted
        await give(run, name, say(asked or {"kind": ""}), by)
        return id, name or ""

    return carry(common, begin, id=id, by=by)


def _meant(run: Run, wanted: str | None) -> Asked | None:
    """The open question of that id or step; where none is named, the only one."""
    answerable = [asked for asked in run.approvals if asked["kind"] != "timer"]
    if wanted is None:
        return answerable[0] if len(answerable) == 1 else None
    return next((asked for asked in answerable if wanted in (asked["id"], *_steps(run, asked))), None)


def _steps(run: Run, asked: Asked) -> list[str]:
    """The numbers that may stand for a question: its own, and that of the step it is about."""
    wait = run.view.waits[asked["id"]]
    about = [
        step.seq
        for step in run.view.steps.values()
        if wait.asked.of and (step.ident, step.task) == (wait.asked.of, wait.task)
    ]
    return [str(number) for number in (wait.seq, *about)]


def edit(asked: Asked, text: str | None) -> object:
    """What `--edit` says: the arguments of a call as JSON, the answer to a question as its type has it, or as JSON."""
    if text is None or asked["kind"] == "approval" or _is_text_in_json(text):
        return as_json(text, "--edit")
    return fitting(text, asked)


def _is_text_in_json(text: str) -> bool:
    """Whether it is text written as JSON: a script quotes what a person types as it is."""
    try:
        return isinstance(json.loads(text), str)
    except ValueError:
        return False


def fitting(typed: str, asked: Asked) -> object:
    """What was typed, as JSON where the question takes more than text and it is some; else as text."""
    if asked["kind"] == "budget" or (asked.get("schema") or {}).get("type") == "string":
        return typed
    try:
        return cast(object, json.loads(typed))
    except ValueError:
        return typed
