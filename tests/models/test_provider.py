"""What the conformance checks cannot see: the bytes on the wire, the connections, the key."""

import asyncio
import gc
import json
from typing import Any

import pytest

from stretto import Agent, Run, start, workflow
from stretto.core.errors import ModelError, UsageError
from stretto.core.messages import (
    Conversation,
    Delta,
    Media,
    Message,
    ModelReply,
    ModelRequest,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    user,
)
from stretto.core.ports import Model
from stretto.models.resolve import resolve
from stretto.testing import FakeProvider, call, fail, say
from stretto.testing.conformance import PIXEL, SEARCH, VERDICT, asked
from stretto.testing.dialects.anthropic import SIGNATURE

DIALECTS = ["openai:gpt-5-mini", "openai-responses:gpt-5-mini", "anthropic:claude-sonnet-4-6"]
NUMBERS = {"type": "array", "items": {"type": "integer"}}


def ask(model: Model, request: ModelRequest) -> ModelReply:
    return asyncio.run(model.reply(request))


def sent(fake: FakeProvider) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(fake.received[-1].body)
    return body


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("fault", [fail(500), fail(429), fail("cut"), fail("malformed")])
def test_each_call_is_one_request_however_it_ends(name: str, fault: Any) -> None:
    with FakeProvider([fault, "second"]) as fake:
        with pytest.raises(ModelError):
            ask(resolve(name, fake.environment), asked("Hi"))
        assert len(fake.received) == 1


@pytest.mark.capability(107)
def test_settings_arrive_by_the_providers_names() -> None:
    settings: dict[str, Any] = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 77, "tool_choice": "required"}
    with FakeProvider([call("search", query="a")] * 2) as fake:
        ask(resolve("openai:gpt-4o", fake.environment), asked("Hi", tools=(SEARCH,), seed=3, **settings))
        body = sent(fake)
        assert (body["temperature"], body["top_p"], body["seed"], body["max_tokens"]) == (0.5, 0.9, 3, 77)
        assert body["tool_choice"] == "required"
        ask(resolve("anthropic:claude-sonnet-4-6", fake.environment), asked("Hi", tools=(SEARCH,), **settings))
        body = sent(fake)
        assert (body["temperature"], body["max_tokens"], body["tool_choice"]["type"]) == (0.5, 77, "any")


@pytest.mark.capability(107)
def test_a_local_server_is_told_the_temperature_whatever_its_model_is_called() -> None:
    with FakeProvider(["Hello"]) as fake:
        ask(resolve("openai:gpt-5-mini", fake.environment), asked("Hi", temperature=0.2))
        assert (sent(fake)["model"], sent(fake)["temperature"]) == ("gpt-5-mini", 0.2)


@pytest.mark.parametrize(
    ("name", "field"), [(DIALECTS[0], "max_tokens"), (DIALECTS[1], "max_output_tokens"), (DIALECTS[2], "max_tokens")]
)
def test_no_request_goes_out_without_a_limit_on_its_answer(name: str, field: str) -> None:
    with FakeProvider(["Hi"]) as fake:
        model = resolve(name, fake.environment)
        ask(model, asked("Hi"))
        assert sent(fake)[field] == model.max_output


def test_an_unknown_setting_is_refused_before_anything_is_sent() -> None:
    with FakeProvider(["Hi"]) as fake:
        with pytest.raises(UsageError, match=r"'temprature' is unknown; the settings are max_tokens.*temperature"):
            ask(resolve(DIALECTS[0], fake.environment), asked("Hi", temprature=1))
        assert not fake.received


@pytest.mark.parametrize("name", DIALECTS)
def test_a_type_that_is_no_object_is_asked_for_in_one_and_taken_out_again(name: str) -> None:
    with FakeProvider([say({"value": [1, 2]}), say([3])]) as fake:
        model = resolve(name, fake.environment)
        assert ask(model, asked("Count", output=NUMBERS)).message.text == "[1, 2]"
        wanted = fake.received[-1].request.output
        assert wanted is not None
        assert (wanted["type"], wanted["properties"]["value"]["type"]) == ("object", "array")
        assert ask(model, asked("Count", output=NUMBERS)).message.text == "[3]", "a model may ignore the wrapping"


def test_a_model_without_typed_answers_gives_one_by_a_tool() -> None:
    with FakeProvider([call("final_result", ok=True, why="so")] * 2) as fake:
        model = resolve("anthropic:claude-without-schemas", fake.environment)
        reply = ask(model, asked("Judge", output=VERDICT))
        assert (json.loads(reply.message.text), reply.message.calls) == ({"ok": True, "why": "so"}, ())
        seen: list[Delta] = []
        asyncio.run(model.reply(asked("Judge", output=VERDICT), seen.append))
        assert json.loads("".join(delta.text for delta in seen)) == {"ok": True, "why": "so"}


@pytest.mark.parametrize(
    ("name", "sealed"), [("anthropic:claude-sonnet-4-6", SIGNATURE), ("openai-responses:gpt-5-mini", "c2VhbGVk")]
)
def test_reasoning_goes_back_verbatim_to_its_provider_and_to_no_other(name: str, sealed: str) -> None:
    with FakeProvider([say("Thought.", thinking="Hm, hm."), "more", "more"]) as fake:
        conversation = Conversation.of([user("Think")])
        first = ask(resolve(name, fake.environment), ModelRequest(conversation))
        assert first.message.text == "Thought."
        conversation.append(Message.from_json(json.loads(json.dumps(first.message.__json__()))))
        conversation.append(user("Go on"))
        ask(resolve(name, fake.environment), ModelRequest(conversation))
        assert sealed.encode() in fake.received[-1].body
        assert b"Thought." in fake.received[-1].body
        ask(resolve("openai:gpt-4o", fake.environment), ModelRequest(conversation))
        assert sealed.encode() not in fake.received[-1].body
        assert b"Hm, hm." not in fake.received[-1].body


def test_what_is_kept_for_the_provider_repeats_no_words() -> None:
    with FakeProvider([say("A long answer.", thinking="Hm.")]) as fake:
        reply = ask(resolve("anthropic:claude-sonnet-4-6", fake.environment), asked("Think"))
    assert "A long answer." not in json.dumps(reply.message.provider)


@pytest.mark.capability(174)
@pytest.mark.parametrize("name", DIALECTS)
def test_a_stored_image_is_fetched_by_its_digest(name: str) -> None:
    async def blobs(digest: str) -> bytes:
        return b"\x89PNG " + digest.encode()

    picture = ModelRequest(Conversation.of([user([Text("What is it?"), Media("image/png", digest="abc")])]))
    with FakeProvider(["A cat."]) as fake:
        ask(resolve(name, fake.environment, blobs=blobs), picture)
        (_, received) = fake.received[-1].request.messages[-1].parts
        assert received == Media("image/png", url="data:image/png;base64,iVBORyBhYmM=")
        with pytest.raises(UsageError, match=r"stored image/png abc.*`blobs`"):
            ask(resolve(name, fake.environment), picture)


@pytest.mark.capability(175)
def test_a_medium_that_the_provider_cannot_take_is_refused_before_it_is_sent() -> None:
    film = ModelRequest(Conversation.of([user([Media("video/mp4", PIXEL.replace("image/png", "video/mp4"))])]))
    with FakeProvider(["Hi"]) as fake:
        with pytest.raises(ModelError, match="anthropic:claude-sonnet-4-6 cannot be asked this") as caught:
            ask(resolve("anthropic:claude-sonnet-4-6", fake.environment), film)
        assert not caught.value.retryable
        assert not fake.received


@pytest.mark.parametrize("name", DIALECTS)
def test_calls_that_another_model_made_go_on_here(name: str) -> None:
    conversation = Conversation.of(
        [
            user("Go"),
            Message("assistant", (Text("Looking."), ToolCall("elsewhere_1", "search", {"query": "a"}))),
            Message("tool", (ToolResult("elsewhere_1", "search", "found"),)),
            user("And?"),
        ]
    )
    with FakeProvider(["Done."]) as fake:
        ask(resolve(name, fake.environment), ModelRequest(conversation, (SEARCH,)))
        parts = [part for message in fake.received[-1].request.messages for part in message.parts]
    assert ToolCall("elsewhere_1", "search", {"query": "a"}) in parts
    assert ToolResult("elsewhere_1", "search", "found") in parts


def test_the_key_is_sent_but_never_said() -> None:
    def tell(request: ModelRequest) -> Any:
        return fail(401)

    with FakeProvider(tell) as fake:
        environment = fake.environment | {"OPENAI_API_KEY": "sk-a-secret-key"}
        model = resolve("openai:script-says-401", environment)
        with pytest.raises(ModelError, match="answered 401") as caught:
            ask(model, asked("Hi"))
        assert fake.received[-1].headers["authorization"] == "Bearer sk-a-secret-key"
        leaked = resolve("openai:sk-a-secret-key", environment)
        with pytest.raises(ModelError) as echoed:
            ask(leaked, asked("Hi"))
    for said in (str(caught.value), repr(model), repr(getattr(model, "endpoint", "")), str(echoed.value)):
        assert "sk-a-secret-key" not in said


def test_retry_after_may_be_a_date() -> None:
    with FakeProvider([fail(503, retry_after=3_600)], dates=True) as fake, pytest.raises(ModelError) as caught:
        ask(resolve(DIALECTS[0], fake.environment), asked("Hi"))
    assert caught.value.retry_after is not None
    assert 3_500 < caught.value.retry_after <= 3_600


def test_a_server_that_is_not_there_is_named() -> None:
    with FakeProvider() as fake:
        gone = fake.environment
    with pytest.raises(ModelError, match=rf"{DIALECTS[0]} could not be reached at {gone['OPENAI_BASE_URL']}") as caught:
        ask(resolve(DIALECTS[0], gone), asked("Hi"))
    assert caught.value.retryable


@pytest.mark.parametrize("name", DIALECTS)
def test_one_model_serves_one_event_loop_after_another(name: str) -> None:
    with FakeProvider(["one", "two", "three"]) as fake:
        model = resolve(name, fake.environment)
        assert [ask(model, asked("Hi")).message.text for _ in range(3)] == ["one", "two", "three"]


def test_one_model_serves_two_event_loops_at_once() -> None:
    async def both(model: Model) -> list[str]:
        mine = await model.reply(asked("Hi"))
        other = await asyncio.to_thread(ask, model, asked("Hi"))
        again = await model.reply(asked("Hi"))
        return [reply.message.text for reply in (mine, other, again)]

    with FakeProvider(["one", "two", "three"]) as fake:
        assert asyncio.run(both(resolve(DIALECTS[0], fake.environment))) == ["one", "two", "three"]


def test_fifty_calls_at_once_share_one_model() -> None:
    async def all_at_once(model: Model) -> list[ModelReply]:
        async with asyncio.TaskGroup() as tasks:
            calls = [tasks.create_task(model.reply(asked(f"number {number}"))) for number in range(50)]
        return [one.result() for one in calls]

    with FakeProvider(lambda request: request.messages[-1].text) as fake:
        replies = asyncio.run(all_at_once(resolve(DIALECTS[0], fake.environment)))
        assert [reply.message.text for reply in replies] == [f"number {number}" for number in range(50)]
        assert fake.billed.input == sum(reply.usage.input for reply in replies)


@pytest.mark.capability(110)
def test_a_provider_that_bills_more_than_the_bound_has_more_reserved_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent = Agent("openai:gpt-5-mini", "Answer.", settings={"max_tokens": 10}, retry=0)

    @workflow
    async def asking(times: int) -> int:
        for number in range(times):
            await agent(str(number))
        return times

    with FakeProvider(lambda _: say("Hi", usage=Usage(5_000, 5))) as fake:
        for variable, value in fake.environment.items():
            monkeypatch.setenv(variable, value)
        job: Run = start(asking, 10, budget="22000 tokens", db=":memory:")
        assert (fake.billed.input, job.state) == (20_000, "waiting"), "the fifth would have been the one above the cap"


@pytest.mark.parametrize("name", DIALECTS)
def test_a_model_that_nobody_holds_any_more_closes_its_connections_at_once(name: str) -> None:
    """Also where a collection finds it among other garbage: a socket that is left to it warns, which fails a test."""

    async def once(fake: FakeProvider) -> None:
        model = resolve(name, fake.environment)
        await model.reply(asked("Hi"))
        knot: list[Any] = [model]
        knot.append(knot)

    async def talk(fake: FakeProvider) -> None:
        await once(fake)
        gc.collect()
        assert sockets(), "no connection was open, so this shows nothing"
        async with asyncio.timeout(60):
            while sockets():  # noqa: ASYNC110  a transport tells nobody but its protocol
                await asyncio.sleep(0.01)

    with FakeProvider(["Hi"]) as fake:
        asyncio.run(talk(fake))


@pytest.mark.parametrize("name", DIALECTS)
def test_a_loop_that_ends_meanwhile_leaves_no_connection_open(name: str) -> None:
    async def talk(fake: FakeProvider, turns: int) -> None:
        model = resolve(name, fake.environment)
        await asyncio.gather(*(model.reply(asked("Hi")) for _ in range(3)))
        del model
        gc.collect()
        for _ in range(turns):
            await asyncio.sleep(0)

    with FakeProvider(["Hi"] * 12) as fake:
        for turns in range(3, 7):
            asyncio.run(talk(fake, turns))
            assert not sockets(), f"{turns} turns of the loop before its end"


def sockets() -> list[object]:
    """The connections of this process that are open."""
    return [one for one in gc.get_objects() if isinstance(one, asyncio.Transport) and not one.is_closing()]
