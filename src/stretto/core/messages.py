"""What is said to a model and what it answers: our own form, the one the journal keeps.

A conversation is a chain: each message is stored under a digest that covers the message and the digest of the one
before, so a conversation that grows by one message costs one message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from stretto.core.canonical import decode, digest, encode
from stretto.core.frozen import frozen

Role = Literal["system", "user", "assistant", "tool"]


@frozen
class Text:
    """Words."""

    text: str

    def __json__(self) -> dict[str, Any]:
        return {"text": self.text}


@frozen
class ToolCall:
    """A model asks for a tool; `args` is what it wrote, an object, or the raw text where that was not JSON."""

    id: str
    name: str
    args: Any

    def __json__(self) -> dict[str, Any]:
        return {"call": {"id": self.id, "name": self.name, "args": self.args}}


@frozen
class ToolResult:
    """What a tool gave back, or why it did not (`ok=False`)."""

    call: str
    name: str
    content: str
    ok: bool = True

    def __json__(self) -> dict[str, Any]:
        return {"result": {"call": self.call, "name": self.name, "content": self.content, "ok": self.ok}}


@frozen
class Media:
    """An image, sound, film or document, by reference: `url`, or the `digest` of a stored blob."""

    media_type: str
    url: str = ""
    digest: str = ""

    def __json__(self) -> dict[str, Any]:
        return {"media": {"media_type": self.media_type, "url": self.url, "digest": self.digest}}


Part = Text | ToolCall | ToolResult | Media


def _part(body: dict[str, Any]) -> Part:
    match body:
        case {"text": str(text)}:
            return Text(text)
        case {"call": call}:
            return ToolCall(**call)
        case {"result": result}:
            return ToolResult(**result)
        case _:
            return Media(**body["media"])


@frozen
class Message:
    """One turn. `provider` is what a provider needs to see again verbatim (reasoning, signatures); others ignore it.

    Where stretto itself took something out of the turn, it says there where that is kept (`{"by": "stretto", ...}`).
    """

    role: Role
    parts: tuple[Part, ...]
    provider: Any = None

    @property
    def text(self) -> str:
        """All words of the message."""
        return "".join([part.text for part in self.parts if isinstance(part, Text)])

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tools it asks for."""
        return tuple([part for part in self.parts if isinstance(part, ToolCall)])

    def __json__(self) -> dict[str, Any]:
        body: dict[str, Any] = {"role": self.role, "parts": [part.__json__() for part in self.parts]}
        if self.provider is not None:
            body["provider"] = self.provider
        return body

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Message:
        """The message that `__json__` wrote."""
        return cls(body["role"], tuple(map(_part, body["parts"])), body.get("provider"))


def system(text: str) -> Message:
    """Instructions."""
    return Message("system", (Text(text),))


def user(content: str | Sequence[Part]) -> Message:
    """What a person, or the worker that delegates, says."""
    return Message("user", (Text(content),) if isinstance(content, str) else tuple(content))


def assistant(text: str = "", calls: Sequence[ToolCall] = ()) -> Message:
    """What a model says and asks for."""
    words: tuple[Part, ...] = (Text(text),) if text else ()
    return Message("assistant", words + tuple(calls))


Measure = Callable[[Message], int]


@dataclass(slots=True)
class Conversation:
    """Messages in order, with the digest of the whole (`head`) and each message's stored form."""

    messages: list[Message] = field(default_factory=list)
    head: str = ""
    _links: list[tuple[str, bytes]] = field(default_factory=list)
    _frame: str = ""
    _sums: dict[Measure, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Conversation:
        """A conversation of these messages."""
        whole = cls()
        for message in messages:
            whole.append(message)
        return whole

    def append(self, message: Message, linked: tuple[str, bytes] | None = None) -> None:
        """Add a message; the head moves on. `linked` is what `link` gives here, where the caller has kept it."""
        linked = linked or link(self.head, message)
        self.head = linked[0]
        self._links.append(linked)
        self.messages.append(message)

    def follow(self, head: str, message: Message) -> None:
        """Go on with a message that is stored already, under this digest."""
        self.head = head
        self.messages.append(message)

    def restart(self, messages: Sequence[Message]) -> None:
        """Begin anew with these messages; what was added before and not yet stored will be, all the same."""
        self.head, self.messages, self._sums = "", [], {}
        for message in messages:
            self.append(message)

    def total(self, measure: Measure) -> int:
        """What all messages measure; each is measured once, so that a long conversation costs no more a turn."""
        measured, known = self._sums.get(measure, (0, 0))
        whole = known + sum(map(measure, self.messages[measured:]))
        self._sums[measure] = len(self.messages), whole
        return whole

    def unstored(self, frame: tuple[str, bytes]) -> list[tuple[str, bytes]]:
        """Digest and stored form of what was added since the last time of asking, and of a frame that is another now."""
        links, self._links = self._links, []
        if frame[0] != self._frame:
            self._frame = frame[0]
            links.append(frame)
        return links

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages)

    def __len__(self) -> int:
        return len(self.messages)


def link(before: str, message: Message) -> tuple[str, bytes]:
    """A message's digest and stored form, which names the one before it."""
    stored = encode({"after": before, "message": message.__json__()})
    return digest(stored), stored


def unlink(stored: bytes) -> tuple[str, Message]:
    """The digest of the message before, and the message."""
    body = decode(stored)
    return body["after"], Message.from_json(body["message"])


@frozen
class ToolSpec:
    """A tool as a model sees it: name, what it does, and the JSON schema of its arguments."""

    name: str
    description: str
    parameters: dict[str, Any]


@frozen
class ModelRequest:
    """All that one model call depends on. `output` is the JSON schema of the answer, where it must be typed.

    `settings` are provider-neutral: `temperature`, `max_tokens`, `top_p`, `seed`, `tool_choice` ("auto", "none",
    "required" or a tool's name), `timeout` (seconds). `framed` is what `frame()` says, where the caller has kept it.
    """

    conversation: Conversation
    tools: tuple[ToolSpec, ...] = ()
    output: dict[str, Any] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    framed: bytes = b""

    def frame(self) -> bytes:
        """The canonical form of everything but the messages; it is the same from turn to turn."""
        return self.framed or encode({"output": self.output, "settings": self.settings, "tools": self.tools})

    @property
    def messages(self) -> list[Message]:
        """The conversation, oldest first."""
        return self.conversation.messages


@frozen
class Usage:
    """Tokens of one call. `input` counts all that was read, `cached` the part of it that came from the provider's cache."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_written: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cached + other.cached,
            self.cache_written + other.cache_written,
        )


@frozen
class ModelReply:
    """A model's answer: the message, what it used, which model really answered, and for how many microseconds it waited."""

    message: Message
    usage: Usage = Usage()
    model: str = ""
    finish: str = "stop"
    queued: int = 0


@frozen
class Delta:
    """A piece of an answer while it is being given: for a person to watch, never recorded.

    `args` is a piece of the JSON that is written for `tool`; `call` says for which of the answer's calls, from 0.
    """

    text: str = ""
    tool: str = ""
    args: str = ""
    call: int = 0


@frozen
class Rates:
    """What a model costs, in USD per million tokens."""

    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)
    cached: Decimal | None = None
    cache_written: Decimal | None = None

    def cost(self, usage: Usage) -> Decimal:
        """What a call cost, in USD; cached tokens at their own rate where there is one."""
        if self is FREE:
            return _NOTHING
        cached = self.input if self.cached is None else self.cached
        written = self.input if self.cache_written is None else self.cache_written
        fresh = usage.input - usage.cached - usage.cache_written
        total = fresh * self.input + usage.cached * cached + usage.cache_written * written + usage.output * self.output
        return total / _MILLION


FREE = Rates()
_NOTHING, _MILLION = Decimal(0), Decimal(1_000_000)
