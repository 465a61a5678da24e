"""How an agent's conversation is kept within its model's window: which turns go, and what is said in their place.

The system's instructions and the first message of the user stay as they are, byte for byte; a call and its result stay
together; recent turns stay, word for word. What goes is summarised by a model, or by any worker.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stretto.agents.archive import marks
from stretto.agents.briefing import CUT, READ_MORE, RECALL, SUMMARISE, SUMMARY, transcript
from stretto.agents.window import Window, shares
from stretto.core.errors import UsageError
from stretto.core.messages import Conversation, Message, ModelReply, system, user
from stretto.core.text import as_text
from stretto.models.tokens import clipped, likely_text
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.workflow import as_worker

Ask = Callable[[Conversation], Awaitable[ModelReply]]
LONGEST_SUMMARY = 4_000
"""Tokens of a summary, where the window is large enough for that."""


@dataclass(frozen=True)
class Compaction:
    """How an agent keeps within its model's window.

    `at` is the share of the room for messages at which old turns are summarised, `results` the share that the results
    of one turn may take. `prompt` is what the model is told that summarises (`{words}` is the length it may use);
    `worker` does it instead, given the old turns as text. `window` is the size in tokens of a model's window that no list
    tells, or a smaller one to keep to.
    """

    at: float = 0.9
    results: float = 0.25
    prompt: str = SUMMARISE
    worker: object = None
    window: int | None = None

    def __post_init__(self) -> None:
        if not (0 < self.at <= 1 and 0 < self.results < 1):
            raise UsageError(f"at={self.at} and results={self.results} are shares of the room, between 0 and 1")
        if self.window is not None and self.window < 1:
            raise UsageError(f"window={self.window} holds nothing; it is the number of tokens that fit into a request")

    def describe(self) -> dict[str, object]:
        """What it would do, as data."""
        worker = None if self.worker is None else as_worker(self.worker).fingerprint()
        return {"at": self.at, "results": self.results, "prompt": self.prompt, "worker": worker, "window": self.window}

    @property
    def prompts(self) -> dict[str, str]:
        """What it may say to a model, by name."""
        own = {} if self.worker is not None else {"summarise": self.prompt}
        return {**own, "summary": SUMMARY, "recall_earlier": RECALL, "cut": CUT, "read_more": READ_MORE}

    def plan(self, messages: Sequence[Message], sizes: Sequence[int], window: Window) -> dict[str, Any] | None:
        """Which messages go: all but what is pinned and as many recent turns as take half of what is left.

        `sizes` are the messages' likely tokens. None where nothing can go.
        """
        pinned, cut = _pinned(messages), _last_turn(messages)
        free = int(window.room * self.at) - sum(sizes[:pinned]) - _summary_size(window.room)
        kept = sum(sizes[cut:])
        for place in range(cut - 1, pinned, -1):
            kept += sizes[place]
            if kept > free // 2:
                break
            if messages[place].role != "tool":
                cut = place
        if cut <= pinned or (cut == pinned + 1 and any(marks(messages[pinned:cut]))):
            return None
        told = {"model": window.model, "window": window.size, "room": window.room}
        return {**told, "tokens": sum(sizes), "pinned": pinned, "cut": cut}

    async def summary(self, scope: Scope, old: Sequence[Message], room: int, ask: Ask) -> tuple[str, str]:
        """Who summarised, and the summary: short enough, whatever was asked for."""
        size = _summary_size(room)
        told = transcript(old)
        lengths = [likely_text(text) for text in told]
        text = _joined(told, shares(lengths, max(0, room - size - likely_text(self.prompt))))
        if self.worker is not None:
            worker = as_worker(self.worker)
            by, summary = worker.name, as_text(await tasks.call(scope, worker, text, "summary"))
        else:
            prompt = self.prompt.replace("{words}", str(max(50, size // 2)))
            reply = await ask(Conversation.of([system(prompt), user(text)]))
            by, summary = reply.model, reply.message.text
        if not summary.strip():  # it wanted to call a tool, or said nothing: then what was said speaks for itself
            by, summary = "excerpts", _joined(told, [max(8, share) for share in shares(lengths, size)])
        return by, _clipped(summary, size)


def _pinned(messages: Sequence[Message]) -> int:
    """How many messages at the beginning always stay: the instructions, and the first that a user said."""
    place = 0
    while place < len(messages) and messages[place].role == "system":
        place += 1
    return place + (place < len(messages) and messages[place].role == "user")


def _last_turn(messages: Sequence[Message]) -> int:
    """Where the last turn begins: what the model has not answered yet, with the calls that it is the result of."""
    place = next((at for at in range(len(messages) - 1, -1, -1) if messages[at].role == "assistant"), -1)
    return place if place + 1 < len(messages) and messages[place + 1].role == "tool" else place + 1


def _summary_size(room: int) -> int:
    return min(LONGEST_SUMMARY, room // 6)


def _clipped(text: str, tokens: int) -> str:
    shown = clipped(text, tokens)
    return shown if len(shown) == len(text) else f"{shown}..."


def _joined(texts: Sequence[str], lengths: Sequence[int]) -> str:
    """Texts, none longer than its length in tokens."""
    return "\n".join(_clipped(text, length) for text, length in zip(texts, lengths, strict=True))
