"""What every driver of the `Model` port must do, as checks that any test can run.

    for check in MODEL_CHECKS:
        asyncio.run(check(make))

`make(script)` gives a context manager whose model answers by that script: by itself, or through a fake provider.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any

from stretto.core.errors import ModelError
from stretto.core.messages import (
    Conversation,
    Delta,
    Media,
    Message,
    ModelReply,
    ModelRequest,
    Text,
    ToolResult,
    ToolSpec,
    Usage,
    system,
    user,
)
from stretto.core.ports import Model
from stretto.models.script import call, calls, fail, say
from stretto.models.scripted import Script

MakeModel = Callable[[Script], AbstractContextManager[Model]]
Check = Callable[[MakeModel], Coroutine[Any, Any, None]]

SEARCH = ToolSpec(
    "search",
    "Looks a word up.",
    {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
        "additionalProperties": False,
    },
)
VERDICT = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "why": {"type": "string"}},
    "required": ["ok", "why"],
    "additionalProperties": False,
}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
    "RU5ErkJggg=="
)
WORDS = "Grüße, 世界! שלום 👩‍👩‍👧 e\u0301"


async def model_conformance(make: MakeModel) -> None:
    """Run every check; the first that does not hold raises an `AssertionError`."""
    for check in MODEL_CHECKS:
        await check(make)


async def words_come_back_unchanged(make: MakeModel) -> None:
    """Text of any script arrives, and is answered, character by character."""
    with make(lambda request: say(request.messages[-1].text)) as model:
        reply = await model.reply(asked(WORDS))
    _expect(reply.message.text == WORDS, f"{WORDS!r} came back as {reply.message.text!r}")
    _expect(reply.message.role == "assistant", "the reply is not the assistant's")


async def instructions_arrive(make: MakeModel) -> None:
    """A system message arrives as one."""
    with make(lambda request: say(request.messages[0].role + ":" + request.messages[0].text)) as model:
        reply = await model.reply(ModelRequest(Conversation.of([system("Be brief."), user("Hello")])))
    _expect(reply.message.text == "system:Be brief.", f"the instructions arrived as {reply.message.text!r}")


async def a_tool_is_called(make: MakeModel) -> None:
    """A call has an id, the tool's name and its arguments as an object."""
    with make([call("search", query="EV")]) as model:
        reply = await model.reply(asked("Look it up", tools=(SEARCH,)))
    (one,) = reply.message.calls
    _expect((one.name, one.args) == ("search", {"query": "EV"}), f"the call came as {one}")
    _expect(bool(one.id), "the call has no id")


async def tools_are_called_in_parallel(make: MakeModel) -> None:
    """Several calls of one turn come in order, each with an id of its own, beside the words."""
    with make([calls(say("Looking."), call("search", query="a"), call("search", query="b"))]) as model:
        reply = await model.reply(asked("Look both up", tools=(SEARCH,)))
    _expect(reply.message.text == "Looking.", f"the words beside the calls came as {reply.message.text!r}")
    asked_for = [one.args["query"] for one in reply.message.calls]
    _expect(asked_for == ["a", "b"], f"the calls came for {asked_for}")
    _expect(len({one.id for one in reply.message.calls}) == 2, "two calls share an id")


async def results_go_back(make: MakeModel) -> None:
    """A conversation goes on with the results of its calls, the failed ones too."""
    conversation = Conversation.of([user("Look both up")])
    with make(_by_results) as model:
        first = await model.reply(ModelRequest(conversation, (SEARCH,)))
        conversation.append(first.message)
        conversation.append(
            Message(
                "tool",
                tuple(
                    ToolResult(one.id, one.name, f"found {one.args['query']}", ok=one.args["query"] == "a")
                    for one in first.message.calls
                ),
            )
        )
        second = await model.reply(ModelRequest(conversation, (SEARCH,)))
    good, bad = second.message.text.split("; ")
    _expect(good == "found a" and "found b" in bad, f"the results arrived as {second.message.text!r}")


async def typed_output_is_the_text(make: MakeModel) -> None:
    """With an output schema the reply's text is the JSON."""
    with make([say({"ok": True, "why": "grün"})]) as model:
        reply = await model.reply(asked("Judge", output=VERDICT))
    _expect(reply.message.text == '{"ok":true,"why":"grün"}', f"the output came as {reply.message.text!r}")


async def an_image_arrives(make: MakeModel) -> None:
    """An image stands beside the words it came with."""
    with make(lambda request: say(" ".join(type(part).__name__ for part in request.messages[-1].parts))) as model:
        question = user([Text("What is it?"), Media("image/png", PIXEL)])
        reply = await model.reply(ModelRequest(Conversation.of([question])))
    _expect(reply.message.text == "Text Media", f"the message arrived as {reply.message.text!r}")


async def a_stream_is_the_reply_in_pieces(make: MakeModel) -> None:
    """Watched or not, the reply is the same; the deltas make up its words and its arguments."""
    turn = calls(say("Looking it up now."), call("search", query="EV"), usage=Usage(20, 10))
    with make([turn, turn]) as model:
        unwatched = await model.reply(asked("Go", tools=(SEARCH,)))
        seen: list[Delta] = []
        watched = await model.reply(asked("Go", tools=(SEARCH,)), seen.append)
    _expect("".join(delta.text for delta in seen) == "Looking it up now.", f"the words streamed as {seen}")
    _expect(
        "".join(delta.args for delta in seen if delta.tool == "search").replace(" ", "") == '{"query":"EV"}',
        f"the arguments streamed as {seen}",
    )
    _expect(_said(watched) == _said(unwatched), f"streamed {watched}, unstreamed {unwatched}")


async def usage_is_what_was_billed(make: MakeModel) -> None:
    """Input counts all that was read, the cached part included; streamed or not."""
    bill = Usage(input=1_000, output=50, cached=400)
    with make([say("a", usage=bill), say("b", usage=bill)]) as model:
        whole = await model.reply(asked("x" * 1_000))
        streamed = await model.reply(asked("x" * 1_000), lambda _: None)
    _expect(whole.usage == bill, f"billed {bill}, reported {whole.usage}")
    _expect(streamed.usage == bill, f"billed {bill}, reported {streamed.usage} when streamed")


async def the_estimate_covers_the_bill(make: MakeModel) -> None:
    """No request is billed for more input than was estimated for it."""
    with make(["ok"] * 4) as model:
        for request in (asked("Hi"), asked(WORDS * 50), asked("Hi", tools=(SEARCH,)), asked("Hi", output=VERDICT)):
            reply = await model.reply(request)
            bound = model.estimate(request)
            _expect(bound >= reply.usage.input, f"estimated {bound}, billed {reply.usage.input}")
    _expect(model.max_output <= model.window, "the longest answer does not fit into the window")


async def a_limit_says_when_to_come_back(make: MakeModel) -> None:
    """429 is retryable and carries the provider's wait; the next call goes through, with no hidden retry."""
    with make([fail(429, retry_after=7), say("now")]) as model:
        error = await _error(model, asked("Hi"))
        _expect((error.status, error.retryable, error.retry_after) == (429, True, 7.0), f"429 came as {vars(error)}")
        _expect(model.name in str(error) and "429" in str(error), f"the message says only {str(error)!r}")
        _expect((await model.reply(asked("Hi"))).message.text == "now", "the call after the limit failed")


async def errors_say_whether_to_try_again(make: MakeModel) -> None:
    """The server's faults may pass, the caller's do not."""
    for status, passes in ((500, True), (503, True), (400, False), (401, False)):
        with make([fail(status)]) as model:
            error = await _error(model, asked("Hi"))
        _expect((error.status, error.retryable) == (status, passes), f"{status} came as {vars(error)}")


async def a_broken_answer_is_an_error(make: MakeModel) -> None:
    """A body that is no JSON and a connection cut half-way are errors that may pass, streamed or not."""
    for fault in (fail("malformed"), fail("cut")):
        for watch in (None, lambda _: None):
            with make([fault]) as model:
                error = await _error(model, asked("Hi"), watch)
            _expect(error.retryable and error.status is None, f"{fault.status} came as {error!r}, {vars(error)}")


async def silence_ends_in_time(make: MakeModel) -> None:
    """A provider that never answers is given up after `timeout` seconds, which may be tried again."""
    for watch in (None, lambda _: None):
        with make([fail("hang")]) as model:
            error = await _error(model, asked("Hi", timeout=0.05), watch)
        _expect(error.retryable and error.status is None, f"a time-out came as {vars(error)}")


MODEL_CHECKS: tuple[Check, ...] = (
    words_come_back_unchanged,
    instructions_arrive,
    a_tool_is_called,
    tools_are_called_in_parallel,
    results_go_back,
    typed_output_is_the_text,
    an_image_arrives,
    a_stream_is_the_reply_in_pieces,
    usage_is_what_was_billed,
    the_estimate_covers_the_bill,
    a_limit_says_when_to_come_back,
    errors_say_whether_to_try_again,
    a_broken_answer_is_an_error,
    silence_ends_in_time,
)
"""Every check, in the order in which a driver is best built."""


def asked(
    words: str, *, tools: tuple[ToolSpec, ...] = (), output: dict[str, Any] | None = None, **settings: object
) -> ModelRequest:
    """A request of one message."""
    return ModelRequest(Conversation.of([user(words)]), tools, output, settings)


def _by_results(request: ModelRequest) -> Any:
    results = [part.content for message in request.messages for part in message.parts if isinstance(part, ToolResult)]
    return "; ".join(results) if results else [call("search", query="a"), call("search", query="b")]


def _said(reply: ModelReply) -> tuple[object, ...]:
    return reply.message.text, [(one.name, one.args) for one in reply.message.calls], reply.usage, reply.finish


async def _error(model: Model, request: ModelRequest, watch: Callable[[Delta], None] | None = None) -> ModelError:
    try:
        reply = await model.reply(request, watch)
    except ModelError as error:
        return error
    raise AssertionError(f"no error, but {reply}")


def _expect(holds: bool, complaint: str) -> None:
    if not holds:
        raise AssertionError(complaint)
