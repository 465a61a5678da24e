"""A model that follows a script: `test:`, the tests' `ScriptedModel`, and the floor of every benchmark."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from threading import Lock

from stretto.core.canonical import encode
from stretto.core.errors import ModelError, UsageError
from stretto.core.messages import (
    FREE,
    Conversation,
    Delta,
    Message,
    ModelReply,
    ModelRequest,
    Rates,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from stretto.models.failures import retryable
from stretto.models.script import Answer, Fail, Step, calls, numbered, say
from stretto.models.tokens import estimate

Said = Step | str | Sequence[Answer]
Script = Sequence[Step | str] | Callable[[ModelRequest], Said | Awaitable[Said]]


class ScriptedModel:
    """Answers from a script: a list of steps, or a function of the request.

    A list is used up in order: each request takes the next step, whoever asks. Answers of it that the request's
    conversation already holds count as used, so a conversation that goes on in a new process finds its place again.
    Where several conversations share a script and run in parallel, or must survive a restart, give a function: it sees
    the request and decides; a step, a list of answers that make one turn, or text is what it returns.
    """

    def __init__(
        self,
        script: Script,
        *,
        name: str = "test:scripted",
        rates: Rates | None = FREE,
        window: int = 200_000,
        max_output: int = 4_096,
        latency: float = 0.0,
    ) -> None:
        """`latency` is in seconds; `rates`, `window` and `max_output` are as the `Model` port has them."""
        self.name = name
        self.rates = rates
        self.window = window
        self.max_output = max_output
        self.latency = latency
        self.requests: list[ModelRequest] = []
        self._choose = script if callable(script) else _Steps(script, name).next
        self._dearest = 0 if callable(script) else max(map(_billed, script), default=0)

    async def reply(self, request: ModelRequest, watch: Callable[[Delta], None] | None = None) -> ModelReply:
        """The script's answer."""
        step = await self.step(request)
        if self.latency and (watch is None or isinstance(step, Fail)):
            await asyncio.sleep(self.latency)
        if isinstance(step, Fail):
            raise await self._failure(step, request)
        answer = self.answer(step, request)
        if watch is not None:
            await self._speak(answer.message, watch)
        return answer

    async def _speak(self, message: Message, watch: Callable[[Delta], None]) -> None:
        """Say it piece by piece, within the same time."""
        pieces = list(deltas(message))
        for piece in pieces:
            if self.latency:
                await asyncio.sleep(self.latency / len(pieces))
            watch(piece)

    def estimate(self, request: ModelRequest) -> int:
        """A bound on the input tokens, as for any other model, and never below what a step of the list bills."""
        return max(estimate(request, self.window - self.max_output), self._dearest)

    async def step(self, request: ModelRequest) -> Step:
        """The step of the script that is this request's; `requests` remembers the request as it was."""
        self.requests.append(_as_it_is(request))
        said = self._choose(request)
        return said if isinstance(said, Answer) else await _one_turn(said)

    def answer(self, step: Answer, request: ModelRequest) -> ModelReply:
        """A step as the reply to a request: its calls have ids, and what it used is counted."""
        message = numbered(step.message, len(request.messages))
        usage = step.usage or self._usage(request, message)
        return ModelReply(message, usage, self.name, "tool_call" if message.calls else "stop")

    def _usage(self, request: ModelRequest, message: Message) -> Usage:
        limit = request.settings.get("max_tokens", self.max_output)
        return Usage(sum(map(_rough_tokens, request.messages)), min(_rough_tokens(message), limit))

    async def _failure(self, step: Fail, request: ModelRequest) -> ModelError:
        limit = request.settings.get("timeout")
        if step.status == "hang":
            await _hang(limit)
            return ModelError(f"{self.name} gave no answer in {limit} seconds, as its script says", retryable=True)
        status = step.status if isinstance(step.status, int) else None
        return ModelError(
            f"{self.name} failed with {step.status}, as its script says",
            status=status,
            retryable=retryable(status),
            retry_after=step.retry_after,
        )


class _Steps:
    """A list of steps and how far it is used up."""

    def __init__(self, steps: Sequence[Step | str], name: str) -> None:
        self.steps = [say(step) if isinstance(step, str) else step for step in steps]
        self.name = name
        self.used = 0
        self._one_at_a_time = Lock()  # a fake provider asks from several threads

    def next(self, request: ModelRequest) -> Step:
        """The first step that neither this process nor the request's conversation has used."""
        answers = [message for message in request.messages if message.role == "assistant"]
        with self._one_at_a_time:
            if len(answers) > self.used:  # some of them were given elsewhere: by another process, or by another model
                self.used = max(self.used, self._held(answers))
            if self.used >= len(self.steps):
                raise UsageError(
                    f"the script of {self.name} has {len(self.steps)} steps and all are used; the request that found "
                    f"none left ends with {_last_words(request)!r}; add a step, or give a function of the request"
                )
            self.used += 1
            return self.steps[self.used - 1]

    def _held(self, answers: Sequence[Message]) -> int:
        """How much of the script a conversation with these answers has used; answers of other models do not count."""
        used = 0
        for answer in answers:
            rest = range(used, len(self.steps))
            used = next((place + 1 for place in rest if _gave(self.steps[place], answer)), used)
        return used


def deltas(message: Message) -> Iterator[Delta]:
    """A message as it would stream: word by word, then each call's name and arguments."""
    for part in message.parts:
        if isinstance(part, Text):
            for word in part.text.split(" ")[:-1]:
                yield Delta(text=word + " ")
            yield Delta(text=part.text.rsplit(" ", 1)[-1])
    for number, call in enumerate(message.calls):
        yield Delta(tool=call.name, args=encode(call.args).decode(), call=number)


def _billed(step: Step | str) -> int:
    return step.usage.input if isinstance(step, Answer) and step.usage else 0


def _as_it_is(request: ModelRequest) -> ModelRequest:
    """The request with a conversation that no longer grows."""
    now = request.conversation
    return ModelRequest(Conversation(now.messages.copy(), now.head), request.tools, request.output, request.settings)


def _gave(step: Step, message: Message) -> bool:
    """Whether a message is a step's answer; its calls have been given ids since."""
    return isinstance(step, Answer) and _anonymous(step.message) == _anonymous(message)


def _anonymous(message: Message) -> list[object]:
    return [(part.name, part.args) if isinstance(part, ToolCall) else part for part in message.parts]


async def _one_turn(said: Said | Awaitable[Said]) -> Step:
    if isinstance(said, Awaitable):
        said = await said
    match said:
        case Answer() | Fail():
            return said
        case str():
            return say(said)
        case _:
            return calls(*said)


async def _hang(limit: float | None) -> None:
    """Give no answer, for ever or until the request's own time limit."""
    try:
        async with asyncio.timeout(limit):
            await asyncio.Event().wait()
    except TimeoutError:
        return


def _rough_tokens(message: Message) -> int:
    """About a token for four bytes of UTF-8, as new tokenizers have it for most scripts; never more than the bound."""
    size = 4
    for part in message.parts:
        if isinstance(part, Text):
            size += _bytes(part.text)
        elif isinstance(part, ToolResult):
            size += _bytes(part.content)
        elif isinstance(part, ToolCall):
            size += len(encode(part.args))
    return size // 4


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _last_words(request: ModelRequest) -> str:
    return request.messages[-1].text[-80:] if request.messages else ""
