"""Further turns of a conversation: whoever speaks last goes on from the messages there are, read from the journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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

Memo = dict[str, str]
"""What a turn leaves to the next: `head`, the digest of its messages, and `speaker`, who answered."""


def left(speaker: str, conversation: Conversation | None = None) -> Memo:
    """What a turn leaves; without a conversation, that somebody else is about to answer."""
    return {"speaker": speaker, "head": conversation.head if conversation is not None else ""}


@dataclass(frozen=True)
class Turn(Worker[Any, Any]):
    """A turn of the conversation that began with the agent `first`: `speaker` answers what is said now."""

    first: Agent[Any]
    memo: Memo

    @property
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
        messages = await _messages(context, self.memo["head"])
        text = await instructed(context, agent.instructions, value)
        heard = await shown(context, value)
        said = await agent.converse(context, _going_on(messages, self.memo["head"], text, heard))
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


def _going_on(messages: Sequence[Message], head: str, instructions: str, heard: Message) -> Conversation:
    """The conversation with what is said now; under other instructions it is another one, and stored anew."""
    opening = [system(instructions)] if instructions else []
    if [message for message in messages if message.role == "system"] == opening:
        conversation = Conversation(list(messages), head)
    else:
        conversation = Conversation.of([*opening, *(message for message in messages if message.role != "system")])
    conversation.append(heard)
    return conversation


def turn(first: Agent[Any], memo: object) -> Worker[Any, Any]:
    """Who answers what is said next; where the turn before left nothing, the agent begins anew."""
    return Turn(first, cast(Memo, memo)) if memo is not None else first
