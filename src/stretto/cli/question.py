"""A question of a run, asked in the terminal: what exactly is wanted, and yes, no, an edit, or later."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from stretto.cli import keyboard
from stretto.cli.answering import Asked, edit, fitting, instead
from stretto.cli.keyboard import Moot
from stretto.cli.terminal import drawn, in_line, pretty, safe
from stretto.cli.words import MICRO, moment
from stretto.core.errors import UsageError
from stretto.core.values import Answer

_FIRST_LINES = 40
"""Lines of a preview that are shown at once."""
_SHORT, _BESIDE = 200, 60
"""Characters of an argument that are shown at once, alone and beside a preview."""

_CHOICES = {
    "approval": {"y": "yes", "n": "no", "e": "edit", "l": "later"},
    "review": {"y": "accept", "n": "reject", "e": "edit", "l": "later"},
    "doubt": {"d": "it happened", "r": "repeat it", "a": "give up", "l": "later"},
    "budget": {"n": "no", "l": "later"},
    "question": {"l": "later"},
}


class Questions:
    """Asks whoever sits at the terminal. `quiet` keeps signals away while an editor has it."""

    def __init__(self, quiet: Callable[[], AbstractContextManager[None]]) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)

    async def ask(self, asked: Asked, moot: Moot) -> Answer | None:
        """The answer; None for later. Raises `keyboard.Answered` where somebody else was faster."""
        self._show(asked, whole=False)
        try:
            while (answer := await self._answer(asked, moot)) == "again":
                pass
        except keyboard.EndOfInput:
            self._console.print()
            return None
        return answer if isinstance(answer, Answer) else None

    # ---- what is shown

    def _show(self, asked: Asked, *, whole: bool) -> None:
        self._print(Text())
        self._print(self._title(asked))
        args = asked["args"] or {}
        width = max(map(len, args), default=0)
        for name, value in args.items():
            self._block(f"{name:<{width}}  ", pretty(value), 0 if whole else _BESIDE if asked["preview"] else _SHORT)
        if asked["content"] is not None:
            self._block("", pretty(asked["content"]), 0 if whole else _SHORT)
        if asked["preview"]:
            self._preview(str(asked["preview"]), whole)

    def _title(self, asked: Asked) -> Text:
        text = Text("? ", style="bold yellow").append(safe(asked["tool"] or asked["prompt"]), style="bold")
        said = [asked["prompt"] if asked["tool"] else "", f"asked by {asked['worker']}" if asked["worker"] else ""]
        said += [f"to {asked['to']}"] if asked["to"] else []
        said += [f"no answer by {moment(asked['expires'] * MICRO)} is a no"] if asked["expires"] else []
        return text.append("".join(f"  ·  {in_line(part, 300)}" for part in said if part), style="dim")

    def _block(self, name: str, value: str, limit: int) -> None:
        short = value if not limit or len(value) <= limit else f"{value[:limit].rstrip()}…"
        lines = safe(short).split("\n")
        text = Text(name, style="dim").append(lines[0], style="default")
        for line in lines[1:]:
            text.append(f"\n{' ' * len(name)}{line}", style="default")
        if short != value:
            text.append(f"  ({len(value):,} characters; s shows all)", style="dim")
        self._print(text, indent=2)

    def _preview(self, preview: str, whole: bool) -> None:
        found = safe(preview).rstrip("\n").split("\n")
        shown = found if whole or len(found) <= _FIRST_LINES else found[:_FIRST_LINES]
        self._print(Text())
        for line in shown:
            self._print(Text(line, style=_colour(line)), indent=2)
        if len(shown) < len(found):
            self._print(Text(f"… {len(found) - len(shown)} more lines; s shows all", style="dim"), indent=2)

    def _print(self, text: Text, indent: int = 0) -> None:
        if not text:
            self._console.print()  # an empty text in a padding is no line at all
            return
        fitted = drawn(text.plain, self._console.file)
        self._console.print(Padding.indent(text if fitted == text.plain else Text(fitted), indent))

    # ---- what is answered

    async def _answer(self, asked: Asked, moot: Moot) -> Answer | str | None:
        kind = asked["kind"]
        choices = {**_CHOICES[kind], **({"s": "show all"} if _is_long(asked) else {})}
        typed = await self._line(_offer(kind, choices), moot)
        choice = typed.lower()[:1] if typed.lower() in {*choices, *choices.values()} else ""
        match kind, choice:
            case _, "l":
                return None
            case _, "s":
                self._show(asked, whole=True)
                return "again"
            case (("approval" | "review"), "y"):
                return Answer("approve")
            case (("approval" | "review" | "budget"), "n"):
                return Answer("reject", reason=await self._line("  why not (may be empty) › ", moot))
            case (("approval" | "review"), "e"):
                return await self._edited(asked, moot)
            case "doubt", ("d" | "r" | "a"):
                return await self._settled(choice, moot)
            case (("budget" | "question"), "") if typed:
                return Answer("approve" if kind == "budget" else "answer", fitting(typed, asked))
        return "again"

    async def _settled(self, choice: str, moot: Moot) -> Answer | str:
        if choice == "d":
            return self._json(
                Answer("done"), await self._line("  its result, as JSON (may be empty) › ", moot) or "null"
            )
        return Answer({"r": "repeat", "a": "abort"}[choice])

    async def _edited(self, asked: Asked, moot: Moot) -> Answer | str:
        now = asked["args"] if asked["kind"] == "approval" else asked["content"]
        if os.environ.get("VISUAL") or os.environ.get("EDITOR"):
            with self._quiet():
                text = await asyncio.to_thread(
                    click.edit, f"{json.dumps(now, indent=2, ensure_ascii=False)}\n", extension=".json"
                )
        else:
            how = "NAME=VALUE, or JSON" if asked["kind"] == "approval" else "one line of JSON"
            text = await self._line(f"  instead, as {how} › ", moot)
        if not text:
            return "again"
        try:
            answer = Answer("approve", edit(asked, [text]) if asked["kind"] == "approval" else json.loads(text))
        except (ValueError, UsageError) as error:
            self._print(Text(f"that is no edit: {error}", style="red"), indent=2)
            return "again"
        if changed := instead(asked, answer):
            self._print(Text(changed), indent=2)
        return answer

    def _json(self, answer: Answer, text: str) -> Answer | str:
        try:
            return Answer(answer.decision, json.loads(text))
        except ValueError as error:
            self._print(Text(f"that is no JSON: {error}", style="red"), indent=2)
            return "again"

    async def _line(self, prompt: str, moot: Moot) -> str:
        return await keyboard.line(drawn(prompt, self._console.file), moot)


def _offer(kind: str, choices: Mapping[str, str]) -> str:
    words = " · ".join(f"{key} {word}" for key, word in choices.items())
    lead = {"budget": "the new budget, like $2, or  ", "question": "your answer, or  "}.get(kind, "")
    return f"\n  {lead}{words} › "


def _is_long(asked: Asked) -> bool:
    values = [*(asked["args"] or {}).values(), *([asked["content"]] if asked["content"] is not None else [])]
    return (
        any(len(pretty(value)) > _SHORT for value in values) or str(asked["preview"] or "").count("\n") >= _FIRST_LINES
    )


def _colour(line: str) -> str:
    if line.startswith(("+++", "---")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "default")
