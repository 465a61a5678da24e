"""Answers given on the command line: which question is meant, and what the answer says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from stretto.app.handle import Run
from stretto.app.host import App
from stretto.cli.carry import carry
from stretto.cli.follow import give
from stretto.cli.options import Common, as_json
from stretto.cli.result import call
from stretto.cli.terminal import note
from stretto.core.errors import UsageError
from stretto.core.values import Answer

Asked = Mapping[str, Any]
"""A question as `app.handle.described` gives it."""
_NAMED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


def answer(common: Common, id: str, wanted: str | None, by: str, say: Callable[[Asked], Answer]) -> int:
    """Answer a question of a run (the only open one, or the one meant), and see the run through."""

    async def begin(app: App) -> tuple[str, str]:
        run = await app.get(id)
        asked = _meant(run, wanted)
        name = asked["id"] if asked else wanted
        said = say(asked or {"kind": ""})
        if changed := instead(asked, said):
            note(changed)
        await give(run, name, said, by)
        return id, name or ""

    return carry(common, begin, id=id, by=by)


def _meant(run: Run, wanted: str | None) -> Asked | None:
    """The open question of that id, step, tool or prompt; where none is named, the only one."""
    answerable = [asked for asked in run.approvals if asked["kind"] != "timer"]
    if wanted is None:
        return answerable[0] if len(answerable) == 1 else None
    named = [asked for asked in answerable if wanted in (asked["tool"], asked["prompt"])]
    return next(
        (asked for asked in answerable if wanted in (asked["id"], *_steps(run, asked))),
        named[0] if len(named) == 1 else None,
    )


def _steps(run: Run, asked: Asked) -> list[str]:
    """The numbers that may stand for a question: its own, and that of the step it is about."""
    wait = run.view.waits[asked["id"]]
    about = [
        step.seq
        for step in run.view.steps.values()
        if wait.asked.of and (step.ident, step.task) == (wait.asked.of, wait.task)
    ]
    return [str(number) for number in (wait.seq, *about)]


def instead(asked: Asked | None, answer: Answer) -> str:
    """What an edit makes of a call, in one line; empty where nothing is edited."""
    if asked is None or asked["kind"] != "approval" or not isinstance(answer.value, dict):
        return ""
    made = {**asked, "args": {**(asked["args"] or {}), **answer.value}}
    return f"instead: {call(made, 1000, 200)}"


def edit(asked: Asked, texts: Sequence[str]) -> object:
    """What `--edit` says: the arguments of a call that change, the answer to a question as its type has it, or JSON."""
    if not texts:
        return None
    if asked["kind"] == "approval":
        return _changed(asked, texts)
    if len(texts) > 1:
        raise UsageError("--edit was given several times; only a call has several arguments, so give the whole as one")
    return as_json(texts[0], "--edit") if _is_text_in_json(texts[0]) else fitting(texts[0], asked)


def _changed(asked: Asked, texts: Sequence[str]) -> object:
    """The arguments that change: each text is NAME=VALUE, or a JSON object with some of them."""
    changed: dict[str, object] = {}
    for text in texts:
        if (named := _NAMED.fullmatch(text)) is not None:
            kind = (asked["schema"] or {}).get("properties", {}).get(named[1])
            changed[named[1]] = fitting(named[2], {"kind": "", "schema": kind})
        else:
            changed |= _as_object(text, asked["tool"])
    return changed


def _as_object(text: str, tool: str) -> dict[str, object]:
    try:
        said = json.loads(text)
    except ValueError as error:
        said = error
    if not isinstance(said, dict):
        why = f" ({said})" if isinstance(said, ValueError) and text.lstrip().startswith("{") else ""
        raise UsageError(
            f"--edit changes arguments of {tool}, as NAME=VALUE or as a JSON object; {text[:60]!r} is neither{why}"
        )
    return said


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
