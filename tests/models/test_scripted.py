import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from stretto.core.errors import ModelError, UsageError
from stretto.core.messages import Conversation, Delta, Message, ModelReply, ModelRequest, ToolResult, Usage, user
from stretto.core.messages import assistant as from_assistant
from stretto.models.echo import echo
from stretto.models.script import Step, read_script
from stretto.testing import ScriptedModel, call, calls, fail, say
from stretto.testing.conformance import VERDICT, asked


def ask(model: ScriptedModel, request: ModelRequest) -> ModelReply:
    return asyncio.run(model.reply(request))


def text(model: ScriptedModel, words: str = "Hi") -> str:
    return ask(model, asked(words)).message.text


def test_a_list_is_used_up_in_order_whoever_asks() -> None:
    model = ScriptedModel(["one", say("two"), say({"three": 3})])
    assert [text(model, words) for words in ("a", "b", "c")] == ["one", "two", '{"three":3}']


def test_a_list_that_is_used_up_says_so_and_names_the_request() -> None:
    model = ScriptedModel(["one"], name="test:short")
    text(model)
    with pytest.raises(UsageError, match=r"test:short has 1 steps and all are used.*'and what now\?'"):
        text(model, "and what now?")


def test_a_failure_is_used_up_like_an_answer() -> None:
    model = ScriptedModel([fail(429, retry_after=2), "fine"])
    with pytest.raises(ModelError) as caught:
        text(model)
    assert (caught.value.status, caught.value.retry_after) == (429, 2)
    assert text(model) == "fine"


def test_a_conversation_that_goes_on_in_a_new_process_finds_its_place() -> None:
    script: list[Step] = [call("search", query="a"), fail(500), call("search", query="b"), say("done")]
    conversation = Conversation.of([user("Go")])
    before_the_crash = ScriptedModel(script)
    for _ in range(2):
        reply = _answer(before_the_crash, conversation)
        conversation.append(Message.from_json(json.loads(json.dumps(reply.message.__json__()))))
        conversation.append(Message("tool", (ToolResult(reply.message.calls[0].id, "search", "found"),)))
    assert _answer(ScriptedModel(script), conversation).message.text == "done"


def test_answers_of_another_model_use_nothing_up() -> None:
    conversation = Conversation.of([user("Go"), from_assistant("said by another"), user("Go on")])
    assert _answer(ScriptedModel(["first"]), conversation).message.text == "first"


def _answer(model: ScriptedModel, conversation: Conversation) -> ModelReply:
    try:
        return ask(model, ModelRequest(conversation))
    except ModelError:
        return ask(model, ModelRequest(conversation))


def test_a_function_answers_from_the_request_and_may_be_async() -> None:
    async def later(request: ModelRequest) -> Any:
        return [say("Looking."), call("search", query=request.messages[-1].text)]

    reply = ask(ScriptedModel(later), asked("EV"))
    assert reply.message.text == "Looking."
    assert reply.message.calls[0].args == {"query": "EV"}
    assert text(ScriptedModel(lambda request: request.messages[-1].text.upper()), "ev") == "EV"


def test_calls_have_ids_that_differ_over_a_conversation() -> None:
    model = ScriptedModel([calls(call("a"), call("b")), call("a")])
    conversation = Conversation.of([user("Go")])
    first = ask(model, ModelRequest(conversation)).message
    conversation.append(first)
    second = ask(model, ModelRequest(conversation)).message
    ids = [one.id for one in (*first.calls, *second.calls)]
    assert len(set(ids)) == 3
    assert all(ids)


def test_requests_are_kept_as_they_were_when_they_came() -> None:
    model = ScriptedModel(["one", "two"])
    conversation = Conversation.of([user("Hi")])
    ask(model, ModelRequest(conversation))
    conversation.append(user("more"))
    ask(model, ModelRequest(conversation))
    assert [len(request.messages) for request in model.requests] == [1, 2]


def test_scripted_usage_is_reported_and_unscripted_is_counted() -> None:
    model = ScriptedModel([say("a", usage=Usage(10, 2)), say("x" * 400)])
    assert ask(model, asked("Hi")).usage == Usage(10, 2)
    counted = ask(model, asked("y" * 4_000, max_tokens=50)).usage
    assert counted == Usage(1_001, 50), "about a token for four letters, and never more than was allowed"


def test_the_estimate_covers_what_a_list_bills() -> None:
    model = ScriptedModel(["free", say("a", usage=Usage(1_000_000, 2))])
    assert model.estimate(asked("Hi")) == 1_000_000
    assert ScriptedModel([]).estimate(asked("Hi")) < 100


def test_a_watcher_sees_the_words_one_by_one() -> None:
    seen: list[Delta] = []
    asyncio.run(ScriptedModel(["a b  c"]).reply(asked("Hi"), seen.append))
    assert [delta.text for delta in seen] == ["a ", "b ", " ", "c"]


def test_a_script_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text(
        json.dumps(
            [
                {"say": "Hi"},
                {"say": {"ok": True}},
                {"call": "a", "args": {"x": 1}},
                {"calls": [{"say": "Both."}, {"call": "a"}]},
                {"fail": 429, "retry_after": 2},
                {"fail": "cut"},
            ]
        )
    )
    assert read_script(path) == [
        say("Hi"),
        say({"ok": True}),
        call("a", x=1),
        calls(say("Both."), call("a")),
        fail(429, retry_after=2),
        fail("cut"),
    ]


@pytest.mark.parametrize("body", ['{"say": 1}', '[{"sya": "Hi"}]', '[{"call": "a", "args": 1}]', "[oops", '["Hi"]'])
def test_a_wrong_script_file_is_named_with_its_step(tmp_path: Path, body: str) -> None:
    path = tmp_path / "script.json"
    path.write_text(body)
    with pytest.raises(UsageError, match=r"script.*script\.json"):
        read_script(path)


def test_without_a_script_the_answer_echoes_and_never_calls_a_tool() -> None:
    assert echo(asked("Hello   there")) == say("Hello there")
    assert echo(asked("x" * 300)) == say("x" * 200 + "...")
    assert echo(asked("Judge", output=VERDICT)) == say({"ok": False, "why": ""})
