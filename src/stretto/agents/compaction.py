"""A conversation kept within its model's window: long results are cut, old turns summarised, and both kept aside.

    fit: near the window? -> what goes ("overflow", recorded) -> a summary (a model's step, or a worker's task)
         -> the conversation anew: what is pinned, the summary, recent turns ("compaction", recorded)

The system's instructions and the first message of the user stay as they are, byte for byte; a call and its result stay
together. Near is decided by likely tokens (`stretto.models.tokens`), which depend on the messages and the window alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from stretto.agents.archive import Archive, cut_short, marks, stands_for
from stretto.agents.briefing import CUT, READ_MORE, RECALL, SUMMARISE, SUMMARY, as_text, transcript
from stretto.agents.window import REMEDY, Window, replaying, settled, shares
from stretto.core.canonical import digest, encode
from stretto.core.errors import UsageError
from stretto.core.messages import Conversation, Message, ModelReply, Text, ToolResult, link, system, user
from stretto.models.tokens import clipped, heft, likely_message, likely_text
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.workflow import as_worker
from stretto.tools.tool import Tool

Ask = Callable[[Conversation], Awaitable[ModelReply]]
LONGEST_SUMMARY = 4_000
"""Tokens of a summary, where the window is large enough for that."""
ARCHIVE_TOOLS = 300
"""Tokens of the tools that find what was taken out."""


@dataclass(frozen=True)
class Compaction:
    """How an agent keeps within its model's window.

    `at` is the share of the room for messages at which old turns are summarised, `results` the share that the results
    of one turn may take. `prompt` is what the model is told that summarises (`{words}` is the length it may use);
    `worker` does it instead, given the old turns as text.
    """

    at: float = 0.9
    results: float = 0.25
    prompt: str = SUMMARISE
    worker: Any = None

    def __post_init__(self) -> None:
        if not (0 < self.at <= 1 and 0 < self.results < 1):
            raise UsageError(f"at={self.at} and results={self.results} are shares of the room, between 0 and 1")

    @property
    def prompts(self) -> dict[str, str]:
        """What it may say to a model, by name."""
        own = {} if self.worker is not None else {"summarise": self.prompt}
        return {**own, "summary": SUMMARY, "recall_earlier": RECALL, "cut": CUT, "read_more": READ_MORE}


class Context:
    """The conversation of one task and the window that it must fit into."""

    def __init__(
        self, agent: str, conversation: Conversation, window: Window, how: Compaction | None, blob: Any, ask: Ask
    ) -> None:
        """Without `how` nothing is taken out, and what does not fit is an error. `ask` gives a model's reply."""
        self._agent, self._conversation, self._window, self._how, self._ask = agent, conversation, window, how, ask
        self._glanced = self._heft = self._total = 0
        self._sizes: list[int] = []
        self._archive = Archive(conversation, blob, int(window.room * how.results * 0.8) if how is not None else 0)

    @property
    def tools(self) -> Mapping[str, Tool[Any, Any]]:
        """The tools that find what was taken out; none where nothing was."""
        return self._archive.tools

    # ---- what fits

    async def fit(self, scope: Scope) -> None:
        """Make the conversation fit before it is sent; raises `ContextOverflow` where that cannot be."""
        limit = int(self._window.room * (self._how.at if self._how else 1))
        if self._is_within(limit) and not replaying(scope):
            return
        if self._how is not None:
            await self._compact(scope, self._how, limit)
        if not replaying(scope) and not self._is_within(self._window.room):
            raise self._window.refuse(self._agent, self._tokens(), self._why())

    def _is_within(self, limit: int) -> bool:
        """Whether the messages are likely to fit; most conversations are only glanced at, and no message twice."""
        messages = self._conversation.messages
        for message in messages[self._glanced :]:
            self._heft += heft(message)
        self._glanced = len(messages)
        return self._heft <= limit or self._tokens() <= limit

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
        kept = await settled(scope, "cut", self._conversation.head, lambda: _cuts(found, budget, whole), whole.items)
        if kept is None:
            return results
        short = cut_short(results, {one["call"]: (one["kept"], one["ref"], one["all"]) for one in kept})
        self._archive.notice([short])
        return short

    # ---- old turns

    async def _compact(self, scope: Scope, how: Compaction, limit: int) -> None:
        """Put a summary in the place of old turns."""
        head, messages = self._conversation.head, self._conversation.messages
        plan = await settled(scope, "overflow", head, lambda: None if self._is_within(limit) else self._plan(limit))
        if plan is None:
            return
        pinned, cut = plan["pinned"], plan["cut"]
        old, heads = messages[pinned:cut], _heads(messages[:cut])
        by, told = await self._summary(scope, how, old, plan["room"])
        count = sum(next(marks([message]), {}).get("count", 1) for message in old)
        mark = stands_for(heads[-1], pinned, count)
        words = SUMMARY.format(count=count, summary=told)
        summary = Message("user", (Text(words),), mark)
        self._conversation.restart([*messages[:pinned], summary, *messages[cut:]])
        self._glanced = self._heft = self._total = 0
        self._sizes.clear()
        self._archive.notice([summary])
        where = _heads([*messages[:pinned], summary])[-1]
        replaced = heads[pinned:]
        await scope.decide(
            "compaction", lambda: {"replaced": replaced, "summary": where, "by": by, "kept": len(messages) - cut}
        )

    def _plan(self, limit: int) -> dict[str, Any] | None:
        """Which messages go: all but what is pinned and as many recent turns as take half of what is left."""
        messages, total = self._conversation.messages, self._tokens()
        pinned = _pinned(messages)
        cut = _last_turn(messages)
        free = limit - sum(self._sizes[:pinned]) - _summary_size(self._window.room)
        kept = sum(self._sizes[cut:])
        for place in range(cut - 1, pinned, -1):
            kept += self._sizes[place]
            if kept > free // 2:
                break
            if messages[place].role != "tool":
                cut = place
        if cut <= pinned or (cut == pinned + 1 and any(marks(messages[pinned:cut]))):
            return None
        window = self._window
        return {
            "model": window.model,
            "window": window.size,
            "room": window.room,
            "tokens": total,
            "pinned": pinned,
            "cut": cut,
        }

    async def _summary(self, scope: Scope, how: Compaction, old: Sequence[Message], room: int) -> tuple[str, str]:
        """Who summarised, and the summary: short enough, whatever was asked for."""
        size = _summary_size(room)
        told = transcript(old)
        sizes = shares([likely_text(text) for text in told], max(0, room - size - likely_text(how.prompt)))
        text = "\n".join(_clipped(text, share) for text, share in zip(told, sizes, strict=True))
        if how.worker is not None:
            worker = as_worker(how.worker)
            by, summary = worker.name, as_text(await tasks.call(scope, worker, text, "summary"))
        else:
            prompt = how.prompt.replace("{words}", str(max(50, size // 2)))
            reply = await self._ask(Conversation.of([system(prompt), user(text)]))
            by, summary = reply.model, reply.message.text
        if not summary.strip():  # it wanted to call a tool, or said nothing: then what was said speaks for itself
            by, parts = "excerpts", shares([likely_text(text) for text in told], size)
            summary = "\n".join(_clipped(text, max(8, share)) for text, share in zip(told, parts, strict=True))
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


def _heads(messages: Sequence[Message]) -> list[str]:
    """The digest of each message in a chain of these."""
    heads, head = list[str](), ""
    for message in messages:
        head, _ = link(head, message)
        heads.append(head)
    return heads


def _summary_size(room: int) -> int:
    return min(LONGEST_SUMMARY, room // 6)


def _clipped(text: str, tokens: int) -> str:
    shown = clipped(text, tokens)
    return shown if len(shown) == len(text) else f"{shown}..."


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
