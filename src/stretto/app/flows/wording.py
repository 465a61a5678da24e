"""Texts of a flow file with `{goal}` and `{input}`, and parts of them: `{goal.topic}`. `{{goal}}` stands for itself."""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass

from stretto.app.flows.condition import is_missing, look_up
from stretto.app.flows.source import Node
from stretto.core.text import as_text

GOAL: ContextVar[object] = ContextVar("GOAL", default=None)
"""The goal of the flow whose stages are at work here."""
_PLACE = re.compile(r"\{(?P<literal>\{[A-Za-z_][\w.]*\})\}|\{(?P<name>[A-Za-z_][\w.]*)\}")
KNOWN = ("goal", "input")


@dataclass(frozen=True, slots=True)
class Wording:
    """A text that is completed when its stage begins."""

    node: Node

    @property
    def names(self) -> set[str]:
        """What it needs: goal, input, both or neither."""
        return {found["name"].split(".")[0] for found in _PLACE.finditer(self.node.text) if found["name"]}

    def __call__(self, value: object) -> str:
        """The text with the goal and the stage's input in it."""
        given = {"goal": GOAL.get(), "input": value}

        def put(found: re.Match[str]) -> str:
            if found["literal"]:
                return found["literal"]
            head, *path = found["name"].split(".")
            part = look_up(given[head], tuple(path))
            if is_missing(part):
                raise self.node.wrong(f"{{{found['name']}}} is not there; the {head} is {as_text(given[head])[:200]!r}")
            return as_text(part)

        return _PLACE.sub(put, self.node.text)

    def __str__(self) -> str:
        return self.node.text

    def __json__(self) -> dict[str, str]:
        """The text, as a fingerprint covers it."""
        return {"text": self.node.text}


def wording(node: Node) -> Wording:
    """The text of a node; a placeholder that nothing fills is refused."""
    if isinstance(node.value, dict):
        raise node.wrong('it must be text; a text that begins with { needs quotes: "{goal}"')
    text = Wording(node)
    for name in sorted(text.names - {*KNOWN}):
        raise node.unknown(
            "placeholder",
            f"{{{name}}}",
            [f"{{{known}}}" for known in KNOWN],
            f"a text can hold {{goal}} and {{input}}; for braces of its own write {{{{{name}}}}}",
        )
    return text
