"""Handing a conversation over: another agent goes on with it, under its own instructions, and answers in the end.

The agent that was given the task stays responsible for it: it gives the conversation to one agent after the other, each
a task of its own, until one answers. The model asks for it by a tool, `transfer_to_NAME`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

from stretto.agents.briefing import HANDOVER
from stretto.agents.instructions import instructed
from stretto.core.canonical import decode, encode
from stretto.core.errors import LoopDetected, UsageError
from stretto.core.messages import Conversation, Message, Text, ToolCall, ToolSpec, system, user
from stretto.core.ports import Codec, Options
from stretto.memory.messages import HANDOFF
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.tools.codec import codec_for

if TYPE_CHECKING:
    from stretto.agents.agent import Agent

Filter = Callable[[list[Message]], list[Message]]
_SHOWN = 500
_REASON = {"type": "object", "properties": {"reason": {"type": "string", "description": "Why, in one sentence."}}}


def words_only(messages: list[Message]) -> list[Message]:
    """What was said by person and agents, without the tools' calls and results: what the next agent sees by default."""
    heard = []
    for message in messages:
        words = tuple(part for part in message.parts if not isinstance(part, ToolCall))
        if message.role != "tool" and words:
            heard.append(message if message.role == "user" else Message(message.role, words))
    return heard


@dataclass(frozen=True)
class Handoff:
    """An agent that a conversation may go to: itself, or its name among those that it can get to from there."""

    to: Agent[Any] | str
    filter: Filter = words_only
    about: str = ""

    @property
    def name(self) -> str:
        """The agent's name."""
        return self.to if isinstance(self.to, str) else self.to.name

    @property
    def tool(self) -> ToolSpec:
        """The tool by which a model asks for it."""
        about = self.about or ("" if isinstance(self.to, str) else self.to.about)
        told = f"Hand the conversation over to {self.name}, who goes on with it. {about}".strip()
        return ToolSpec(f"transfer_to_{re.sub(r'[^a-zA-Z0-9_-]', '_', self.name)}", told, _REASON)


def handoff(to: Agent[Any] | str, *, filter: Filter = words_only, about: str = "") -> Handoff:
    """For `handoffs=`: an agent, or its name where agents know each other, and how the conversation gets there.

    `about` tells the model when to hand over to it. `filter` makes of the messages so far (without instructions) those
    that the next agent sees; it must give the same for the same.
    """
    return Handoff(to, filter, about)


def handoffs_of(things: Iterable[Any]) -> tuple[Handoff, ...]:
    """What was given as `handoffs=`; a `UsageError` names what is no agent."""
    found = tuple(thing if isinstance(thing, Handoff) else Handoff(thing) for thing in things)
    for one in found:
        if not isinstance(one.to, str) and not hasattr(one.to, "converse"):
            raise UsageError(
                f"{getattr(one.to, 'name', one.to)} cannot go on with a conversation; hand over to an Agent, give others as tools"
            )
    return found


def team_of(first: Agent[Any]) -> dict[str, Agent[Any]]:
    """The agents that a conversation can get to, by name."""
    team, left = {first.name: first}, [first]
    named: list[tuple[str, str]] = []
    while left:
        sender = left.pop()
        for one in handoffs_of(sender.handoffs):
            if isinstance(one.to, str):
                named.append((sender.name, one.to))
            elif one.name not in team:
                team[one.name] = one.to
                left.append(one.to)
            elif team[one.name] is not one.to:
                raise UsageError(f"two agents that hand over to each other are named {one.name!r}; names must differ")
    for sender_name, name in named:
        if name not in team:
            raise UsageError(
                f"{sender_name} hands over to {name!r}, and nobody of that name is reached from {first.name} by "
                f"handoffs; there are {', '.join(team)}; give the agent itself, or start with one that knows it"
            )
    return team


@dataclass(frozen=True)
class Transfer:
    """A conversation on its way: what the next agent sees of it. `heard`: a person spoke while the sender had it."""

    sender: str
    to: str
    reason: str
    messages: tuple[Message, ...] = field(repr=False)
    heard: bool = False

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Transfer:
        """The transfer that was stored."""
        return cls(**{**body, "messages": tuple(map(Message.from_json, body["messages"]))})


async def leave(scope: Scope, sender: str, to: Handoff, messages: Sequence[Message], *, heard: bool) -> Transfer:
    """The conversation as it leaves its agent; that it does is recorded."""
    reasons = [call.args for call in messages[-2].calls if call.name == to.tool.name and isinstance(call.args, dict)]
    reason = str(reasons[0].get("reason") or "")[:_SHOWN] if reasons else ""
    await scope.decide(HANDOFF, lambda: {"from": sender, "to": to.name, "reason": reason})
    seen = to.filter([message for message in messages if message.role != "system"])
    if reason or not seen or seen[-1].role != "user":
        seen = [*seen, user([Text(HANDOVER.format(sender=sender, reason=reason).strip())])]
    return Transfer(sender, to.name, reason, tuple(seen), heard)


async def follow(scope: Scope, first: Agent[Any], value: object, transfer: Transfer) -> object:
    """Give the conversation to one agent after the other, until one of them answers."""
    team, hops = team_of(first), list[tuple[str, str]]()
    while True:
        hops = [*([] if transfer.heard else hops), (transfer.sender, transfer.to)]
        _refuse_circle(hops, transfer)
        receiver = Receiver(team[transfer.to])
        said = await tasks.call(scope, receiver, {"input": value, "messages": transfer.messages}, HANDOFF)
        if not isinstance(said, Transfer):
            return said
        transfer = said


def _refuse_circle(hops: Sequence[tuple[str, str]], last: Transfer) -> None:
    if hops[-1] in hops[:-1]:
        path = " -> ".join([hops[0][0], *(to for _, to in hops)])
        raise LoopDetected(
            f"{path} went round in circles: {last.sender} handed the conversation over to {last.to} again, and nobody "
            f"had said anything new" + (f"; its reason: {last.reason}" if last.reason else "")
        )


@dataclass(frozen=True)
class Receiver(Worker[Any, Any]):
    """An agent that goes on with a conversation; it answers, or hands over in turn."""

    agent: Agent[Any]

    @property
    def name(self) -> str:  # type: ignore[override]  # a field elsewhere
        """The agent's."""
        return self.agent.name

    @property
    def options(self) -> Options:
        """The agent's: its budget, attempts and time."""
        return self.agent.options

    @property
    def gives(self) -> Codec[Any]:
        """The agent's own answer, or the conversation handed over."""
        return _AnswerOrTransfer(self.agent.answers)

    def describe(self) -> object:
        """What the agent would do."""
        return {"receives": self.agent.describe()}

    async def work(self, context: Scope, value: Mapping[str, Any]) -> object:
        """Go on with the conversation, under the agent's own instructions."""
        agent, given = self.agent, _as_taken(self.agent, value["input"])
        if (twin := agent.stand_in(context)) is not None:
            return await tasks.call(context, twin, given)
        messages = [Message.from_json(message) for message in value["messages"]]
        if (refusal := await agent.admit(context, given)) is not None:
            return refusal
        text = await instructed(context, agent.instructions, given)
        return await agent.converse(context, Conversation.of([*([system(text)] if text else []), *messages]))


def _as_taken(agent: Agent[Any], given: object) -> object:
    """What the first agent was given, as the type that this one takes where it fits: for its guards and instructions."""
    try:
        return agent.takes.load(given)
    except ValueError:
        return given


_KEY = "handed_over"


class _AnswerOrTransfer:
    """The codec of an answer, or of a transfer in its place."""

    def __init__(self, answers: Codec[Any]) -> None:
        self._answers = answers
        self.schema = answers.schema

    def check(self, value: Any) -> Any:
        """See `Codec.check`."""
        return value if isinstance(value, Transfer) else self._answers.check(value)

    def stored(self, value: Any) -> tuple[bytes, Any]:
        """See `Codec.stored`."""
        if not isinstance(value, Transfer):
            return self._answers.stored(value)
        data = encode({_KEY: value})
        return data, self.load(decode(data))

    def load(self, value: Any) -> Any:
        """See `Codec.load`."""
        if isinstance(value, dict) and value.keys() == {_KEY}:
            return Transfer.from_json(value[_KEY])
        return self._answers.load(value)


def all_answers(team: Iterable[Agent[Any]]) -> Codec[Any]:
    """The codec of whatever one of them answers."""
    kinds = {agent.output: None for agent in team}
    return codec_for(Union[tuple(kinds)] if Any not in kinds else Any)  # noqa: UP007  made of what is known at run time
