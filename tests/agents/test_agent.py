"""An agent's loop: it thinks, calls tools, and answers with what was asked for, or says why not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Literal

import httpx2
import pytest

from stretto import Agent, App, ToolError, UsageError, WorkerFailed, fallback, run, tool, workflow
from stretto.core.messages import Delta, Message, ModelReply, ModelRequest, Rates, Text, ToolResult
from stretto.core.ports import Model
from stretto.models.script import calls
from stretto.testing import FakeProvider, ScriptedModel, call, fail, say


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


@pytest.fixture
def provided(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FakeProvider]]:
    fakes: list[FakeProvider] = []

    def provide(script: Any) -> FakeProvider:
        fakes.append(FakeProvider(script).__enter__())
        for name, value in fakes[-1].environment.items():
            monkeypatch.setenv(name, value)
        return fakes[-1]

    yield provide
    for fake in fakes:
        fake.__exit__(None, None, None)


def told(model: ScriptedModel, number: int = -1) -> list[str]:
    """The results of tools that a request ends with."""
    return [part.content for part in model.requests[number].messages[-1].parts if isinstance(part, ToolResult)]


@pytest.mark.capability(17, 18)
def test_it_chooses_one_action_after_the_other_in_one_context(provided: Callable[..., FakeProvider]) -> None:
    fake = provided([call("add", a=2, b=3), call("multiply", a=5, b=4), "20"])
    agent = Agent("openai:gpt-5-mini", "You calculate.", tools=[add, multiply])
    assert run(agent, "(2 + 3) * 4", db=":memory:") == "20"
    first, second, third = (received.request.messages for received in fake.received)
    assert [message.role for message in third] == ["system", "user", "assistant", "tool", "assistant", "tool"]
    assert (third[: len(second)], second[: len(first)]) == (second, first)


@pytest.mark.capability(17)
async def test_the_turns_stand_in_the_journal_in_order_with_inputs_and_outputs() -> None:
    model = ScriptedModel([call("add", a=2, b=3), call("multiply", a=5, b=4), "20"])
    async with App(db=":memory:") as app:
        job = await app.start(Agent(model, tools=[add, multiply]), "(2 + 3) * 4")
        await job
        steps = list((await job.refresh()).view.steps.values())
    assert [step.kind for step in steps] == ["model", "tool", "model", "tool", "model"]
    assert [(step.name, step.request, step.result) for step in steps if step.kind == "tool"] == [
        ("add", {"a": 2, "b": 3}, 5),
        ("multiply", {"a": 5, "b": 4}, 20),
    ]


@pytest.mark.capability(107)
async def test_each_agent_has_its_own_model_and_settings(provided: Callable[..., FakeProvider]) -> None:
    fake = provided(lambda request: "Done.")
    bold = Agent("openai-chat:gpt-4o", settings={"temperature": 0.9, "max_tokens": 100})
    calm = Agent("anthropic:claude-sonnet-4-6", settings={"temperature": 0.1, "top_p": 0.5})

    @workflow
    async def both() -> None:
        await bold("x")
        await calm("x")

    async with App(db=":memory:") as app:
        await (await app.start(both))
    sent = [json.loads(received.body) for received in fake.received]
    assert (sent[0]["model"], sent[0]["temperature"]) == ("gpt-4o", 0.9)
    assert 100 in (sent[0].get("max_tokens"), sent[0].get("max_completion_tokens"))
    assert (sent[1]["model"], sent[1]["temperature"], sent[1]["top_p"]) == ("claude-sonnet-4-6", 0.1, 0.5)


@pytest.mark.parametrize("choice", ["required", "add"])
async def test_a_forced_tool_is_called_once_and_then_the_model_is_free(choice: str) -> None:
    model = ScriptedModel([call("add", a=2, b=3), "5"])
    assert await Agent(model, tools=[add], settings={"tool_choice": choice})("2 + 3") == "5"
    assert [request.settings["tool_choice"] for request in model.requests] == [choice, "auto"]


@pytest.mark.capability(134)
async def test_a_worker_is_called_like_a_function_with_a_scripted_model() -> None:
    adder = Agent("openai:gpt-5-mini", "You add.", tools=[add], output=int)
    assert await adder.using(ScriptedModel([call("add", a=2, b=3), say(5)]))("2 + 3") == 5


@dataclass
class Found:
    items: list[str]


@pytest.mark.capability(25)
async def test_an_answer_of_another_type_is_sent_back_once_and_then_breaks_the_contract() -> None:
    model = ScriptedModel([say({"items": 3}), say({"items": ["a"]})])
    assert await Agent(model, output=Found)("x") == Found(["a"])
    assert "items: Input should be a valid" in model.requests[1].messages[-1].text
    with pytest.raises(WorkerFailed, match="finds failed: finds broke its contract: its answer does not fit: items"):
        await Agent(ScriptedModel([say({"items": 3})] * 2), name="finds", output=Found)("x")


# ---- nothing, where something is expected


@pytest.mark.capability(136)
@pytest.mark.parametrize("empty", ["", "  \n"])
async def test_an_empty_answer_is_sent_back_and_then_breaks_the_contract(empty: str) -> None:
    model = ScriptedModel([empty, "Now."])
    assert await Agent(model)("x") == "Now."
    assert "it is empty" in model.requests[1].messages[-1].text
    with pytest.raises(WorkerFailed, match="writes broke its contract: its answer does not fit: it is empty"):
        await Agent(ScriptedModel([empty] * 2), name="writes")("x")


@pytest.mark.capability(136)
@pytest.mark.parametrize(
    ("kind", "empty"), [(list[str], []), (str | None, None), (dict[str, int], {}), (Found, Found([]))]
)
async def test_nothing_is_an_answer_where_the_type_says_so(kind: Any, empty: Any) -> None:
    assert await Agent(ScriptedModel([say(empty)]), output=kind)("x") == empty


@pytest.mark.capability(136)
@pytest.mark.parametrize(("given", "shown"), [("", "(empty)"), (None, "null"), ([], "[]"), ({}, "{}")])
async def test_an_empty_input_is_shown_as_what_it_is(given: Any, shown: str) -> None:
    model = ScriptedModel(["There is nothing to do."])
    await Agent(model)(given)
    assert model.requests[0].messages[-1].text == shown


@pytest.mark.capability(136)
@pytest.mark.parametrize(("given", "shown"), [("", ""), (None, "null"), ([], "[]")])
async def test_an_empty_result_of_a_tool_reaches_the_model_as_it_is(given: Any, shown: str) -> None:
    @tool
    def look() -> Any:
        return given

    model = ScriptedModel([call("look"), "Nothing is there."])
    assert await Agent(model, tools=[look])("x") == "Nothing is there."
    assert told(model) == [shown]


@pytest.mark.capability(136)
async def test_an_empty_result_can_be_refused_with_an_outcome_of_its_own() -> None:
    search = Agent(ScriptedModel([say([])] * 2), name="search", output=list[str], accept=bool, repair=1)
    nothing = workflow(lambda goal: ["nothing was found"])
    assert await fallback(search, nothing)("x") == ["nothing was found"]


# ---- a tool whose server fails


PATIENCE = Event()


class Server(BaseHTTPRequestHandler):
    """Answers as its path says."""

    def do_GET(self) -> None:
        status, body = {"/500": (500, b"{}"), "/bad": (200, b"{oops")}.get(self.path, (200, b'{"rate": 1.1}'))
        if self.path == "/slow":
            PATIENCE.wait(60)
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    PATIENCE.set()
    server.shutdown()
    server.server_close()


def fetch(url: str) -> float:
    limit = 0.1 if url.endswith("/slow") else 30
    return float(httpx2.get(url, timeout=limit).raise_for_status().json()["rate"])


@tool
def rate(url: str) -> float:
    """The exchange rate."""
    return fetch(url)


@tool
def told_rate(url: str) -> float:
    """The exchange rate; where it fails, the model is told."""
    try:
        return fetch(url)
    except (httpx2.HTTPError, ValueError) as error:
        raise ToolError(f"the exchange cannot be asked: {error}; use 1.0") from error


FAULTS = ["/500", "/bad", "/slow", "refused"]


@pytest.mark.capability(137)
@pytest.mark.parametrize("fault", FAULTS)
async def test_the_declared_fallback_is_taken_where_a_tools_server_fails(fault: str, server: str) -> None:
    url = "http://127.0.0.1:1/" if fault == "refused" else server + fault

    @workflow
    async def asked(url: str) -> float:
        return await rate(url)

    assert await fallback(asked, workflow(lambda url: 1.0))(url) == 1.0
    assert await fallback(asked, workflow(lambda url: 1.0))(server) == 1.1


@pytest.mark.capability(137)
@pytest.mark.parametrize("fault", FAULTS)
async def test_an_agent_whose_tool_fails_gives_way_to_the_next(fault: str, server: str) -> None:
    url = "http://127.0.0.1:1/" if fault == "refused" else server + fault
    agent = Agent(ScriptedModel([call("rate", url=url)]), name="asks", tools=[rate])
    assert await fallback(agent, workflow(lambda goal: "about 1"))("x") == "about 1"
    model = ScriptedModel([call("told_rate", url=url), "I take 1.0."])
    assert await Agent(model, tools=[told_rate])("x") == "I take 1.0."
    assert "the exchange cannot be asked" in told(model)[0]


async def test_other_calls_of_the_turn_are_answered_where_one_tells_of_its_failure() -> None:
    @tool
    def broken() -> str:
        raise ToolError("not today")

    model = ScriptedModel([calls(call("broken"), call("add", a=1, b=2)), "3"])
    assert await Agent(model, tools=[broken, add])("x") == "3"
    assert told(model) == ["not today", "3"]


# ---- a model behind a wrapper


class Redacting:
    """A model that is not shown a secret: a plain class that has the port."""

    def __init__(self, model: Model, secret: str) -> None:
        self.model, self.secret = model, secret
        self.name, self.rates, self.window, self.max_output = model.name, model.rates, model.window, model.max_output

    async def reply(self, request: ModelRequest, watch: Callable[[Delta], None] | None = None) -> ModelReply:
        last = request.messages[-1]
        words = tuple(Text(p.text.replace(self.secret, "***")) if isinstance(p, Text) else p for p in last.parts)
        shown = ModelRequest(
            type(request.conversation).of([*request.messages[:-1], Message(last.role, words)]),
            request.tools,
            request.output,
            request.settings,
        )
        return await self.model.reply(shown, watch)

    def estimate(self, request: ModelRequest) -> int:
        return self.model.estimate(request)


async def test_a_model_can_be_wrapped_by_a_plain_class() -> None:
    model = ScriptedModel(["Hello."], rates=Rates())
    agent = Agent(model, "You greet.", name="greets")
    assert await agent.using(Redacting(model, "hunter2"))("I am hunter2") == "Hello."
    assert model.requests[0].messages[-1].text == "I am ***"


async def test_the_last_turn_asks_for_an_answer_and_a_bad_one_breaks_the_contract() -> None:
    model = ScriptedModel([call("add", a=1, b=2), say({"items": 3})])
    with pytest.raises(WorkerFailed, match="broke its contract: its answer does not fit"):
        await Agent(model, tools=[add], output=Found, max_turns=2)("x")
    assert model.requests[1].settings["tool_choice"] == "none"


async def test_a_model_that_fails_for_good_fails_the_task() -> None:
    with pytest.raises(WorkerFailed, match="asks failed"):
        await Agent(ScriptedModel([fail(400)]), name="asks")("x")


def test_a_handoff_and_a_tool_may_not_share_a_name() -> None:
    @tool
    def transfer_to_billing() -> str:
        return ""

    agent = Agent(ScriptedModel(["x"]), tools=[transfer_to_billing], handoffs=[Agent(name="billing")])
    with pytest.raises(UsageError, match="a tool is named 'transfer_to_billing', as the handoff is"):
        agent.describe()


class Kind(Enum):
    """Of a ticket."""

    BILL = "bill"
    BUG = "bug"


@pytest.mark.capability(25)
@pytest.mark.parametrize(
    ("kind", "said", "answer"),
    [(Kind, "bill", Kind.BILL), (Literal["a", "b"], "a\n", "a"), (date, "2026-11-21", date(2026, 11, 21))],
)
async def test_a_bare_word_is_an_answer_where_the_type_knows_it(kind: Any, said: str, answer: Any) -> None:
    assert await Agent(ScriptedModel([said]), output=kind)("x") == answer


@pytest.mark.capability(25)
@pytest.mark.parametrize("said", ["bills", "", "it is a bill"])
async def test_another_word_breaks_the_contract(said: str) -> None:
    with pytest.raises(WorkerFailed, match="sorter broke its contract"):
        await Agent(ScriptedModel([say(said)] * 2), name="sorter", output=Kind)("x")


async def test_an_agent_as_a_tool_is_not_begun_with_an_argument_of_another_name() -> None:
    web = Agent(ScriptedModel(["found it"]), "You search.", name="web")
    model = ScriptedModel([call("web", task="tea"), call("web", input="tea"), say("done")])
    assert await Agent(model, tools=[web])("x") == "done"
    assert "web takes one argument, input; it was given task" in str(model.requests[1].messages[-1])
    assert "found it" in str(model.requests[2].messages[-1])
