"""Going round in circles, found before it is paid for: the same calls again and again, the same tasks to and fro."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stretto.core.errors import LoopDetected
from stretto.core.messages import Message, ToolCall, ToolResult
from stretto.core.text import as_text
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker

TIMES = 3
"""How often in a row an agent may not ask for the same, where it was given the same each time."""
_SHOWN = 300
Turn = tuple[list[tuple[str, Any]], list[tuple[str, bool]]]
Task = tuple[str, bytes | None]


def refuse_repetition(agent: str, messages: Sequence[Message]) -> None:
    """Raise `LoopDetected` where the last message asks for just what the turns before it asked for, in vain."""
    if messages[-2].role != "tool":
        return
    wanted = _calls(messages[-1])
    turns = _turns(messages, len(messages) - 2)
    before = [turn for turn, _ in zip(turns, range(TIMES - 1), strict=False)]
    if len(before) == TIMES - 1 and all(turn == (wanted, before[0][1]) for turn in before):
        asked = ", ".join(f"{name}({as_text(args)})" for name, args in wanted)
        given = ", ".join(content for content, _ in before[0][1])
        raise LoopDetected(
            f"{agent} went round in circles: it asked for {_cut(asked)} for the {TIMES}rd time in a row, and was "
            f"given the same each time: {_cut(given)}"
        )


def refuse_ping_pong(scope: Scope, worker: Worker[Any, Any], given: bytes) -> None:
    """Raise `LoopDetected` where workers would give each other the tasks again that they are at already."""
    chain: list[Task] = [(worker.name, given)]
    chain += [(one.worker, one.input) for one in (scope, *scope.around()) if one.input is not None]
    for period in range(1, len(chain) // 2 + 1):
        if chain[:period] == chain[period : 2 * period]:
            path = " -> ".join(name for name, _ in reversed(chain[: 2 * period]))
            raise LoopDetected(
                f"{path} went round in circles: {worker.name} was given the same again that it is at already: "
                f"{_cut(given.decode())}"
            )


def _turns(messages: Sequence[Message], last: int) -> Iterator[Turn]:
    """The turns up to the message at `last`, latest first: what was asked for, and what was given."""
    for place in range(last, 0, -2):
        if messages[place].role != "tool" or messages[place - 1].role != "assistant":
            return
        results = [(part.content, part.ok) for part in messages[place].parts if isinstance(part, ToolResult)]
        yield _calls(messages[place - 1]), results


def _calls(message: Message) -> list[tuple[str, Any]]:
    return [(part.name, part.args) for part in message.parts if isinstance(part, ToolCall)]


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
