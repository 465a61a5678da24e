"""Further turns of a conversation: whoever speaks last goes on from the messages there are, read from the journal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from stretto.agents import handoffs
from stretto.agents.handoffs import Transfer
from stretto.agents.instructions import instructed
from stretto.agents.shown import shown
from stretto.core.messages import Conversation, Message, system, unlink
from stretto.core.ports import Codec, Options
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker

if TYPE_CHECKING:
    from stretto.agents.agent import Agent


class Memo(dict[str, str]):
    """What a turn leaves to the next: `head`, the digest of its messages, and `speaker`, who answered.

    As long as the run stays in memory, also the messages themselves.
    """

    __slots__ = ("_kept",)
    _kept: Conversation | None

    @classmethod
    def of(cls, body: dict[str, str], kept: Conversation | None = None) -> Memo:
        """`kept` is the conversation that ends with the head."""
        memo = cls(body)
        memo._kept = kept
        return memo

    async def conversation(self, scope: Scope) -> Conversation:
        """The conversation so far; what was kept is given once, and another attempt reads the journal."""
        kept, self._kept = self._kept, None
        return kept or Conversation(await _messages(scope, self["head"]), self["head"])


def left(speaker: str, conversation: Conversation | None = None) -> Memo:
    """What a turn leaves; without a conversation, that somebody else is about to answer."""
    head = conversation.head if conversation is not None else ""
    return Memo.of({"speaker": speaker, "head": head}, conversation)


@dataclass(frozen=True)
class Turn(Worker[Any, Any]):
    """A turn of the conversation that began with the agent `first`: `speaker` answers what is said now."""

    first: Agent[Any]
    memo: Memo

    @cached_property
    def speaker(self) -> Agent[Any]:
        """Who answered last; the first agent, where that one is no more among those it can hand over to."""
        return handoffs.team_of(self.first).get(self.memo["speaker"], self.first)

    @property
    def name(self) -> str:  # type: ignore[override]  # a field elsewhere
        """The speaker's."""
        return self.speaker.name

    @property
    def takes(self) -> Codec[Any]:
        """As the conversation began."""
        return self.first.takes

    @property
    def gives(self) -> Codec[Any]:
        """As the conversation began."""
        return self.first.gives

    @property
    def options(self) -> Options:
        """The speaker's: its budget, attempts and time, for each turn."""
        return self.speaker.options

    def describe(self) -> object:
        """What the speaker would do, after what was said."""
        return {"turn": self.speaker.describe(), "after": self.memo["head"]}

    async def work(self, context: Scope, value: object) -> object:
        """Answer, or hand over to one who does."""
        agent = self.speaker
        if (twin := agent.stand_in(context)) is not None:
            return await tasks.call(context, twin, value)
        if (refusal := await agent.admit(context, value)) is not None:
            context.talk = self.memo
            return refusal
        before = await self.memo.conversation(context)
        text = await instructed(context, agent.instructions, value)
        heard = await shown(context, value)
        said = await agent.converse(context, _going_on(before, text, heard))
        if not isinstance(said, Transfer):
            return said
        return await handoffs.follow(context, self.first, value, replace(said, heard=True))


async def _messages(scope: Scope, head: str) -> list[Message]:
    """All that was said before, read from its end to its beginning."""
    messages = []
    while head:
        head, message = unlink(await scope.run.blob(head))
        messages.append(message)
    return messages[::-1]


def _going_on(conversation: Conversation, instructions: str, heard: Message) -> Conversation:
    """The conversation with what is said now; under other instructions it is another one, and stored anew."""
    opening = [system(instructions)] if instructions else []
    if [message for message in conversation if message.role == "system"] != opening:
        conversation = Conversation.of([*opening, *(message for message in conversation if message.role != "system")])
    conversation.append(heard)
    return conversation


def turn(first: Agent[Any], memo: object) -> Worker[Any, Any]:
    """Who answers what is said next; where the turn before left nothing, the agent begins anew."""
    if memo is None:
        return first
    return Turn(first, memo if isinstance(memo, Memo) else Memo.of(cast(dict[str, str], memo)))
