"""The conversation of one task and the window that it must fit into.

    fit: near the window? -> what goes ("overflow", recorded) -> a summary (a model's step, or a worker's task)
         -> the conversation anew: what is pinned, the summary, recent turns ("compaction", recorded)

Near is decided by likely tokens (`stretto.models.tokens`), which depend on the messages and the window alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

from stretto.agents.archive import Archive, cut_short, marks, stands_for
from stretto.agents.briefing import CUT, SUMMARY
from stretto.agents.compaction import Ask, Compaction
from stretto.agents.window import REMEDY, Window, replaying, settled, shares
from stretto.core.blobs import Blob
from stretto.core.canonical import digest, encode
from stretto.core.errors import ModelError
from stretto.core.messages import Conversation, Message, Text, ToolResult, link
from stretto.models.tokens import clipped, heft, likely_message, likely_text
from stretto.runtime.scope import Scope
from stretto.tools.tool import Tool

OVERFLOW, CUTS, COMPACTION = "overflow", "cut", "compaction"
"""The recorded decisions: which messages go for which window; what is cut of long results; what was replaced by what."""
ARCHIVE_TOOLS = 300
"""Tokens of the tools that find what was taken out."""
_TOO_LONG = re.compile(
    r"context.(length|size|window)|too long|too many tokens|token count|reduce the length|maximum context",
    re.IGNORECASE,
)
"""How providers say that a request does not fit: OpenAI and who speaks like it, Anthropic, Google, Groq, llama.cpp."""


class Context:
    """The conversation of one task and the window that it must fit into."""

    def __init__(
        self, agent: str, conversation: Conversation, window: Window, how: Compaction | None, blob: Blob, ask: Ask
    ) -> None:
        """Without `how` nothing is taken out, and what does not fit is an error. `ask` gives a model's reply."""
        self._agent, self._conversation, self._window, self._how, self._ask = agent, conversation, window, how, ask
        self._sizes: list[int] = []
        self._total = 0
        self._archive = Archive(conversation, blob, self._piece())

    @property
    def tools(self) -> Mapping[str, Tool[Any, Any]]:
        """The tools that find what was taken out; none where nothing was."""
        return self._archive.tools

    def _piece(self) -> int:
        """How much of what was taken out is given at once, in tokens."""
        return int(self._window.room * self._how.results * 0.8) if self._how is not None else 0

    # ---- what fits

    async def fit(self, scope: Scope) -> None:
        """Make the conversation fit before it is sent; raises `ContextOverflow` where that cannot be."""
        how, head = self._how, self._conversation.head
        limit = int(self._window.room * (how.at if how else 1))
        if self._is_within(limit) and not replaying(scope):
            return
        if how is not None:
            due = await settled(
                scope, OVERFLOW, head, lambda: None if self._is_within(limit) else self._plan(how, self._window)
            )
            if due is not None:
                await self._compact(scope, how, due)
        if not replaying(scope) and not self._is_within(self._window.room):
            raise self._window.refuse(self._agent, self._tokens(), self._why())

    async def shrink(self, scope: Scope, error: ModelError) -> bool:
        """Whether something could be taken out after a provider refused a request as too long.

        Its window is smaller than was known, then; from here on half of what was sent is taken for the room there is.
        """
        how = self._how
        if how is None or error.status not in (400, 413, 422) or not _TOO_LONG.search(str(error)):
            return False
        size = self._tokens()
        told = replace(self._window, size=size, room=size // 2)
        due = await settled(scope, OVERFLOW, f"refused {self._conversation.head}", lambda: self._plan(how, told))
        if due is None:
            return False
        self._window = Window(due["model"], due["window"], due["room"])
        self._archive.piece = self._piece()
        await self._compact(scope, how, due)
        return True

    def _is_within(self, limit: int) -> bool:
        """Whether the messages are likely to fit; most conversations are only glanced at, and no message twice."""
        return self._conversation.total(heft) <= limit or self._tokens() <= limit

    def _tokens(self) -> int:
        for message in self._conversation.messages[len(self._sizes) :]:
            self._sizes.append(likely_message(message))
            self._total += self._sizes[-1]
        return self._total

    def _why(self) -> str:
        if self._how is None:
            return f"compaction=False forbids to summarise old turns; allow it, or {REMEDY}"
        return f"its instructions, its input and its last turn must stay as they are; {REMEDY}"

    # ---- long results

    async def bounded(self, scope: Scope, results: Message) -> Message:
        """The results of a turn as the model gets them: what is too long for its share is cut, and kept whole aside."""
        if self._how is None:
            return results
        budget = max(1, int(self._window.room * self._how.results))
        light = sum([4 * len(part.content) for part in results.parts if isinstance(part, ToolResult)]) <= budget
        if light and not replaying(scope):
            return results
        found = {part.call: part for part in results.parts if isinstance(part, ToolResult)}
        whole: dict[str, bytes] = {}
        kept = await settled(scope, CUTS, self._conversation.head, lambda: _cuts(found, budget, whole), whole.items)
        if kept is None:
            return results
        short = cut_short(results, {one["call"]: (one["kept"], one["ref"], one["all"]) for one in kept})
        self._archive.notice([short])
        return short

    # ---- old turns

    async def _compact(self, scope: Scope, how: Compaction, plan: Mapping[str, Any]) -> None:
        """Put a summary in the place of old turns."""
        messages = self._conversation.messages
        pinned, cut = plan["pinned"], plan["cut"]
        old, heads = messages[pinned:cut], _heads(messages[:cut])
        by, told = await how.summary(scope, old, plan["room"], self._ask)
        count = sum(next(marks([message]), {}).get("count", 1) for message in old)
        mark = stands_for(heads[-1], pinned, count)
        words = SUMMARY.format(count=count, summary=told)
        summary = Message("user", (Text(words),), mark)
        self._conversation.restart([*messages[:pinned], summary, *messages[cut:]])
        self._sizes, self._total = [], 0
        self._archive.notice([summary])
        where = _heads([*messages[:pinned], summary])[-1]
        replaced = heads[pinned:]
        await scope.decide(
            COMPACTION, lambda: {"replaced": replaced, "summary": where, "by": by, "kept": len(messages) - cut}
        )

    def _plan(self, how: Compaction, window: Window) -> dict[str, Any] | None:
        self._tokens()
        return how.plan(self._conversation.messages, self._sizes, window)


def _heads(messages: Sequence[Message]) -> list[str]:
    """The digest of each message in a chain of these."""
    heads, head = list[str](), ""
    for message in messages:
        head, _ = link(head, message)
        heads.append(head)
    return heads


def _cuts(
    found: Mapping[str, ToolResult], budget: int, whole: MutableMapping[str, bytes]
) -> list[dict[str, Any]] | None:
    """What is cut of which results; None where all fit. What is cut goes into `whole`, as it is stored, by its digest."""
    longest = 4 * budget + 1  # characters that are too many in any script
    sizes = [likely_text(part.content[:longest]) for part in found.values()]
    if sum(sizes) <= budget:
        return None
    note = likely_text(CUT)
    cuts = []
    for (call, part), size, share in zip(found.items(), sizes, shares(sizes, budget), strict=True):
        if share < size:
            kept = len(clipped(part.content, max(0, share - note)))
            data = encode(part.content)
            whole[where := digest(data)] = data
            cuts.append(
                {"call": call, "tool": part.name, "kept": kept, "of": len(part.content), "ref": where[:8], "all": where}
            )
    return cuts
