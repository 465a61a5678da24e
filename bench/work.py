"""What both sides do: one question, one tool, one answer; plain steps."""

from __future__ import annotations

SYSTEM = "You are a helpful assistant. Use the tool to add numbers."
QUESTION = "What is 2 + 3?"
WIDTH = 100
BREADTH = 8
FIFTH = 5
"""Every so many steps there is one with an intent."""


async def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


def answer(result: object) -> str:
    return f"The sum is {result}."
