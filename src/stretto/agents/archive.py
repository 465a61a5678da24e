"""What was taken out of a conversation, and how a model finds it again.

Nothing is held in memory for it: a message that stands for others names the last of them, and the journal has the chain.
So it is found after a crash, by the next turn of a conversation, and by an agent that it was handed over to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from stretto.agents.briefing import CUT, READ_MORE, RECALL, transcript
from stretto.core.blobs import Blob
from stretto.core.canonical import decode
from stretto.core.errors import ToolError
from stretto.core.messages import Conversation, Message, ToolResult, unlink
from stretto.core.text import whole_to
from stretto.memory.passages import Passage
from stretto.memory.search import Index
from stretto.models.tokens import clipped, likely_text
from stretto.tools.tool import Tool

BY = "stretto"
_PASSAGE, _HEAD = 600, 80
"""Characters of a passage, a few sentences, and of what is said in front of a further one."""
_NUMBER = re.compile(r"^\[\d+\] ", re.MULTILINE)
"""A message's number, which nobody looks for."""


def stands_for(head: str, pinned: int, count: int) -> dict[str, Any]:
    """The mark of a message that stands for `count` others: the chain that ends with `head`, but for its beginning."""
    return {"by": BY, "replaces": head, "pinned": pinned, "count": count}


def cut_short(message: Message, kept: dict[str, tuple[int, str, str]]) -> Message:
    """Long results of a message cut: by call, how many characters are kept, the cut's name, and where all of it lies."""
    parts = [
        ToolResult(part.call, part.name, _cut(part.content, *kept[part.call][:2]), part.ok)
        if isinstance(part, ToolResult) and part.call in kept
        else part
        for part in message.parts
    ]
    return Message(message.role, tuple(parts), {"by": BY, "cut": {ref: where for _, ref, where in kept.values()}})


def _cut(content: str, kept: int, ref: str) -> str:
    return content[:kept] + CUT.format(kept=kept, total=len(content), ref=ref)


def marks(messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    """What stretto took out of these messages."""
    for message in messages:
        if _is_marked(message):
            yield message.provider


def _is_marked(message: Message) -> bool:
    return isinstance(message.provider, dict) and message.provider.get("by") == BY


class Archive:
    """The tools that find what was taken out of a conversation; none where nothing was."""

    def __init__(self, conversation: Conversation, blob: Blob, piece: int) -> None:
        """`piece` is how much they give at once, in tokens."""
        self._conversation, self._blob, self.piece = conversation, blob, piece
        self._searched: tuple[str, list[str], Index] | None = None
        self.tools: dict[str, Tool[Any, Any]] = {}
        if conversation.total(_is_marked):  # of a conversation that goes on, only new messages are looked at
            self.notice(conversation.messages)

    def notice(self, messages: Sequence[Message]) -> None:
        """See in messages what was taken out."""
        for mark in marks(messages):
            if "replaces" in mark:
                self.tools.setdefault("recall_earlier", Tool(self.recall_earlier, "recall_earlier", RECALL))
            if "cut" in mark or "replaces" in mark:
                self.tools.setdefault("read_more", Tool(self.read_more, "read_more", READ_MORE))

    async def recall_earlier(self, query: str) -> str:
        """The passages of what was taken out that fit a query best."""
        head = "".join(mark["replaces"] for mark in marks(self._conversation.messages) if "replaces" in mark)
        if self._searched is None or self._searched[0] != head:
            texts = [text for turn in _turns(await self._earlier()) for text in _passages(turn)]
            self._searched = head, texts, Index([Passage("", "prose", 1, _NUMBER.sub("", text)) for text in texts])
        _, texts, index = self._searched
        found, left = list[str](), self.piece
        for place, _ in index.search([query], limit=20):
            left -= likely_text(texts[place])
            if left < 0 and found:
                break
            found.append(texts[place])
        return "\n\n".join(found) or "Nothing of what was taken out has any of these words; try others."

    async def read_more(self, ref: str, offset: int = 0, find: str = "") -> str:
        """A piece of a long result that was cut."""
        where = await self._where()
        if ref not in where:
            raise ToolError(f"there is no cut {ref!r}; there are {', '.join(where) or 'none'}")
        text = str(decode(await self._blob(where[ref])))
        if find and (offset := text.find(find, max(0, offset))) < 0:
            return f"There are no such words behind that place; the result has {len(text)} characters."
        offset = whole_to(text, min(max(0, offset), len(text)))
        piece = clipped(text[offset : offset + 4 * self.piece], self.piece)
        end = offset + len(piece)
        left = "This is the end of it" if end == len(text) else f"Read on with offset={end}"
        return f"{piece}\n\n[Characters {offset} to {end} of {len(text)}. {left}.]"

    async def _where(self) -> dict[str, str]:
        """The digest of each result that was cut, by the cut's name."""
        messages = [*await self._earlier(), *self._conversation.messages]
        return {ref: where for mark in marks(messages) for ref, where in mark.get("cut", {}).items()}

    async def _earlier(self) -> list[Message]:
        """The messages that were taken out, oldest first."""
        earlier: list[Message] = []
        for mark in marks(self._conversation.messages):
            if "replaces" in mark:
                earlier += await self._chain(mark)
        return earlier

    async def _chain(self, mark: dict[str, Any]) -> list[Message]:
        """The messages that one message stands for; one that stands for others in turn is replaced by these."""
        chain, head = list[Message](), mark["replaces"]
        while head:
            head, message = unlink(await self._blob(head))
            chain.append(message)
        earlier: list[Message] = []
        for message in chain[::-1][mark["pinned"] :]:
            inner = next((one for one in marks([message]) if "replaces" in one), None)
            earlier += [message] if inner is None else await self._chain(inner)
        return earlier


def _turns(messages: Sequence[Message]) -> list[str]:
    """Messages as text, the results of a turn's calls with the calls."""
    turns: list[str] = []
    for message, told in zip(messages, transcript(messages), strict=True):
        if message.role == "tool" and turns:
            turns[-1] += f"\n{told}"
        else:
            turns.append(told)
    return turns


def _passages(turn: str) -> Iterator[str]:
    """A turn in pieces, each with the beginning of its first line, which says who spoke."""
    end = whole_to(turn, min(len(turn), _PASSAGE))
    yield turn[:end]
    head = turn.split("\n", 1)[0][:_HEAD]
    while end < len(turn):
        start, end = end, max(end + 1, whole_to(turn, min(len(turn), end + _PASSAGE)))
        yield f"{head} ... {turn[start:end]}"
