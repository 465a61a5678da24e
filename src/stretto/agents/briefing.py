"""What the model sees: built here, and nowhere else. Every prompt that the package itself sends is a constant here."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from stretto.core.canonical import encode
from stretto.core.messages import Conversation, system, user

Instructions = str | Callable[..., str]

REPAIR = """Your answer does not fit what was asked for: {problem}
Answer again, whole, and correct this."""

LAST_TURN = """This is your last turn: give your final answer now, without calling tools, from what you have."""


def brief(instructions: Instructions, value: Any) -> Conversation:
    """The conversation that an agent begins with: its instructions, and its input as text or compact JSON."""
    text = _text(instructions, value)
    opening = [system(text)] if text else []
    return Conversation.of([*opening, user(as_text(value))])


def as_text(value: Any) -> str:
    """Text as it is, anything else as compact JSON."""
    return value if isinstance(value, str) else encode(value).decode()


def _text(instructions: Instructions, value: Any) -> str:
    if isinstance(instructions, str):
        return instructions
    return instructions(value) if inspect.signature(instructions).parameters else instructions()
