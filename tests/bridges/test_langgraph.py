"""LangGraph graphs as workers: as one step by default, else with each call of a model or tool a step of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import interrupt
from pydantic import Field
from typing_extensions import TypedDict

from stretto import UsageError, WorkerFailed, parallel, pipeline, run, start, tool
from stretto.bridges import chat_model, langchain_tool, langgraph
from stretto.core.events import Asked
from stretto.core.values import Answer
from stretto.runtime import parking
from stretto.testing import simulate
from tests.bridges.said import nobody

paid: list[str] = []


@tool(effect="once")
async def pay(to: str) -> str:
    """Pay somebody."""
    paid.append(to)
    return f"paid {to}"


class Said(BaseChatModel):
    """Pays two at once, then says that it did; it goes by what it is shown, so that it can be asked again."""

    model_name: str = "gpt-5-mini"
    asked: list[int] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "said"

    def _get_ls_params(self, stop: Any = None, **kwargs: Any) -> Any:
        return {"ls_provider": "openai", "ls_model_type": "chat"}

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind(tools=[tool.name for tool in tools])

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.asked.append(1)
        given = sorted(str(message.content) for message in messages if isinstance(message, ToolMessage))
        calls = [{"name": "pay", "args": {"to": to}, "id": to} for to in ("ann", "bob")]
        used = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
        words: dict[str, Any] = {"content": " and ".join(given)} if given else {"content": "", "tool_calls": calls}
        named = {"model_name": self.model_name}
        message = AIMessage(**words, usage_metadata=used, response_metadata=named)
        return ChatResult(generations=[ChatGeneration(message=message)])


def agent(model: BaseChatModel, given: BaseTool, *, blocks: bool = False) -> Any:
    """The usual graph of a model and its tools."""
    bound = model.bind_tools([given])

    async def think(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await bound.ainvoke(state["messages"])]}

    def think_in_a_thread(state: MessagesState) -> dict[str, Any]:
        return {"messages": [bound.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("think", think_in_a_thread if blocks else think)
    graph.add_node("tools", ToolNode([given]))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", tools_condition)
    graph.add_edge("tools", "think")
    return graph.compile()


def through(known: Any = pay, *, blocks: bool = False, model: Said | None = None) -> Any:
    """The same as a worker, through the run."""
    graph = agent(chat_model(model or Said()), langchain_tool(known), blocks=blocks)
    return langgraph(graph, name="payer", effect="read")


@pytest.fixture(autouse=True)
def _nobody_is_paid_yet() -> None:
    paid.clear()


class Town(TypedDict):
    town: str
    people: int


def count(state: Town) -> dict[str, int]:
    paid.append(state["town"])
    return {"people": len(state["town"])}


def counting(node: Any = count) -> Any:
    graph = StateGraph(Town)
    graph.add_node("count", node)
    graph.add_edge(START, "count")
    graph.add_edge("count", END)
    return graph


@pytest.mark.capability(24)
def test_a_graph_runs_as_one_step_and_what_its_models_used_is_counted() -> None:
    job = start(langgraph(agent(Said(), _plain()), name="payer"), "pay them", db=":memory:")
    assert job.output == "paid ann and paid bob"
    assert [row.ident.split(" ")[1] for row in job.events if row.kind == "step_done"] == [
        "payer",
        "openai:gpt-5-mini",
        "openai:gpt-5-mini",
    ]
    assert (job.cost.calls, job.cost.input, job.cost.output) == (2, 20, 10)
    assert job.cost.usd > 0
    assert run(langgraph(counting().compile()), {"town": "Bern"}, db=":memory:") == {"town": "Bern", "people": 4}
    towns = parallel(langgraph(counting().compile(), name="a"), langgraph(counting().compile(), name="b", output=Town))
    assert run(towns, {"town": "Oslo"}, db=":memory:")[1]["people"] == 4


def _plain() -> BaseTool:
    """A tool of LangChain's own."""
    from langchain_core.tools import tool as langchain  # noqa: PLC0415  it is called as ours is

    @langchain("pay")
    def pay_plainly(to: str) -> str:
        """Pay."""
        return f"paid {to}"

    return pay_plainly


@pytest.mark.capability(24)
def test_a_crash_in_the_middle_leaves_it_in_doubt_and_only_there() -> None:
    def once(*crashes: int) -> tuple[int, bool]:
        paid.clear()
        doubts: list[str] = []

        def person(asked: Asked, _: str) -> Answer:
            doubts.append(asked.ask)
            return Answer("repeat", by="eve")

        with simulate(0, crash_at=set(crashes)) as sim:
            assert sim.run(langgraph(_async()), {"town": "Bern"}, person=person)["people"] == 4
        assert len(paid) == 1 or doubts == ["doubt"], crashes
        return len(sim.sites), bool(doubts)

    sites, _ = once()
    doubted = [once(site)[1] for site in range(1, sites + 1)]
    assert any(doubted)
    assert not all(doubted)


@pytest.mark.capability(24)
def test_what_it_used_stops_what_comes_behind_it() -> None:
    payer = langgraph(agent(Said(), _plain()), name="payer")
    job = start(pipeline(payer, payer), "pay them", db=":memory:", budget="2 calls")
    assert job.cost.calls == 2
    assert (job.state, job.approvals[0]["kind"]) == ("waiting", "budget")
    assert "payer waits" in job.approvals[0]["prompt"]


def _async() -> Any:
    async def node(state: Town) -> dict[str, int]:
        return count(state)

    return counting(node).compile()


@pytest.mark.capability(24)
def test_a_crash_at_any_point_repeats_no_call_of_a_graph_that_goes_through_the_run() -> None:
    def truth(asked: Asked, _: str) -> Answer:
        to = asked.args["to"]  # type: ignore[index, call-overload]
        return Answer("done", f"paid {to}", by="eve") if to in paid else Answer("repeat", by="eve")

    def life(*crashes: int) -> tuple[int, int]:
        paid.clear()
        model = Said(asked=[])
        with simulate(0, crash_at=set(crashes)) as sim:
            output = sim.run(through(model=model), "pay them", person=truth, model=nobody)
        assert (output, sorted(paid)) == ("paid ann and paid bob", ["ann", "bob"]), crashes
        return len(sim.sites), len(model.asked)

    sites, asked = life()
    assert (sites > 40, asked) == (True, 2)
    for site in range(1, sites + 1):
        assert life(site)[1] <= 3, "only the call that was cut off is made again"


@pytest.mark.capability(24)
@pytest.mark.parametrize("blocks", [False, True])
def test_its_models_are_capped_and_its_tools_gated(blocks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "STANDSTILL", 0.05)
    risky = pay.using(risk="high")
    job = start(through(risky, blocks=blocks), "pay them", db=":memory:", budget="$0.0001")
    assert (job.state, job.approvals[0]["kind"]) == ("waiting", "budget")
    job.approve(by="eve", edit="$1")
    assert [item["args"] for item in job.approvals] == [{"to": "ann"}, {"to": "bob"}]
    first, second = (item["id"] for item in job.approvals)
    job.approve(first, by="eve")
    job.reject(second, by="eve", reason="not today")
    assert job.state == "done"
    assert "paid ann" in job.output
    assert "not today" in job.output
    assert paid == ["ann"]
    assert 0 < job.cost.usd < 1


@pytest.mark.capability(24)
def test_what_it_interrupts_for_is_asked_of_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asks(state: Town) -> dict[str, int]:
        return {"people": int(interrupt("How many live there?")) + int(interrupt({"question": "Guests?", "of": 1}))}

    db = str(tmp_path / "runs.db")
    job = start(langgraph(counting(asks).compile(), effect="read"), {"town": "Bern"}, db=db)
    assert job.approvals[0]["prompt"] == "How many live there?"
    job.answer(7, by="ann")
    assert (job.approvals[0]["prompt"], job.approvals[0]["content"]) == ("Guests?", {"question": "Guests?", "of": 1})
    job.answer(2, by="ann")
    assert job.output["people"] == 9

    with pytest.raises(WorkerFailed, match=r'interrupts.*kept nowhere.*effect="read"'):
        run(langgraph(counting(asks).compile()), {"town": "Bern"}, db=db)
    job = start(langgraph(counting(asks).compile(InMemorySaver())), {"town": "Bern"}, db=db)
    job.answer(1, by="ann")
    job.answer(1, by="ann")
    assert job.output["people"] == 2


@pytest.mark.capability(24)
def test_what_cannot_work_is_refused_and_says_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"takes a compiled graph, not StateGraph; give it graph\.compile\(\)"):
        langgraph(counting())
    with pytest.raises(UsageError, match="takes a LangChain chat model, not str"):
        chat_model("gpt-5")  # type: ignore[arg-type]
    job = start(langgraph(agent(Said(), langchain_tool(pay.using(risk="high")))), "x", db=":memory:")
    assert "behind which no gate stands" in job.approvals[0]["prompt"]
    assert paid == []
