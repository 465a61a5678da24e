"""LangGraph graphs as workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, Unpack, cast
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.pregel import Pregel
from langgraph.types import Command
from typing_extensions import TypedDict

from stretto.bridges.guest import Guest, Limits, options
from stretto.bridges.langchain import METERED
from stretto.bridges.theirs import count, plain
from stretto.bridges.visit import Visit, opaque
from stretto.core.errors import UsageError
from stretto.core.messages import Usage
from stretto.core.text import as_text
from stretto.core.values import Effect
from stretto.policy.ledger import Reservation
from stretto.runtime import budgets, functions
from stretto.runtime.scope import Scope
from stretto.tools.tool import Tool

AnyGraph: TypeAlias = Pregel[Any, Any, Any, Any]
_ROLES = {"human": "user", "ai": "assistant"}
MESSAGES = "messages"
"""The part of a graph's state in which a text goes in, and the last words come out."""


def langgraph(
    graph: AnyGraph,
    *,
    name: str = "",
    about: str = "",
    effect: Effect = "once",
    input: object = Any,
    output: object = Any,
    config: Mapping[str, Any] | None = None,
    **limits: Unpack[Limits],
) -> Guest:
    """A compiled LangGraph graph as a worker: text in and text out where it has `messages`, else its state.

    `effect` says how often what the graph does may happen. By default it is "once": the graph's run is one step, and one
    that a crash cut off is in doubt; what its models used is counted afterwards. With "read" it may be run again: then
    the calls of its `chat_model`s and `langchain_tool`s are steps of their own, which are capped, gated and not
    repeated. What it interrupts for is asked of a person. `input` and `output` are types, `config` is given to the graph.
    The limits are `retry`, `timeout`, `budget` and `limit`, as an `Agent` has them.
    """
    if not isinstance(graph, Pregel):
        raise UsageError(f"langgraph takes a compiled graph, not {type(graph).__name__}; give it graph.compile()")
    own = name or ("graph" if graph.name in ("", "LangGraph") else "_".join(graph.name.split()))
    return Graph(own, about, options(limits), input, output, graph, effect, dict(config or {}))


class Ran(TypedDict):
    """What one go of a graph came to: its state, what it interrupts for, by id, and each model's name and tokens."""

    state: object
    asks: dict[str, Any]
    used: list[tuple[str, int, int, int]]


@dataclass(frozen=True, eq=False)
class Graph(Guest):
    """See `langgraph`."""

    graph: AnyGraph = cast("AnyGraph", None)  # noqa: RUF009  never left out
    effect: Effect = "once"
    config: Mapping[str, Any] = field(default_factory=dict)

    def describe(self) -> object:
        """Its name and nodes."""
        return {"name": self.name, "kind": "langgraph", "nodes": sorted(self.graph.nodes), "effect": self.effect}

    async def work(self, context: Scope, value: object) -> object:
        """Run the graph to its end; what it interrupts for is asked on the way."""
        words = isinstance(value, str) and MESSAGES in self.graph.channels
        visit, saver = Visit(context), InMemorySaver()
        ran = await self._go(visit, saver, {MESSAGES: [{"role": "user", "content": value}]} if words else value)
        while ran["asks"]:
            answers = {id: await _answer(self.name, asked) for id, asked in ran["asks"].items()}
            ran = await self._go(visit, saver, None, answers)
        visit.end()
        return as_text(cast("dict[str, Any]", ran["state"])[MESSAGES][-1]["content"]) if words else ran["state"]

    async def _go(
        self, visit: Visit, saver: InMemorySaver, given: object, answers: dict[str, Any] | None = None
    ) -> Ran:
        """Run the graph until it ends or interrupts; count what models used that are no steps of their own."""
        scope = visit.scope
        if self.effect == "read":
            ran = await visit.host(
                lambda: self._invoke(self.graph.copy({"checkpointer": saver}), scope, given, answers)
            )
            used = await scope.decide("used", lambda: ran["used"]) if ran["used"] else []
        else:
            ran = await self._step(scope, given, answers)
            used = ran["used"]
        for model, read, said, cached in used:
            await count(scope, model, Usage(read, said, cached))
        return ran

    async def _step(self, scope: Scope, given: object, answers: dict[str, Any] | None) -> Ran:
        async def go(input: Any, answers: Any = None) -> Ran:
            token = opaque.set(True)
            try:
                return await self._invoke(self.graph, scope, input, answers)
            finally:
                opaque.reset(token)

        if scope.key not in scope.run.recording.unclaimed:  # what comes is new
            await _afford(scope, self.name)
        tool: Tool[..., Ran] = Tool(go, self.name, self.about, "low", self.effect)
        ran = await scope.tool(tool, {"input": given, "answers": answers})
        if ran["asks"] and not self.graph.checkpointer:
            raise UsageError(
                f"{self.name} interrupts, and where it stood is kept nowhere; compile it with a checkpointer that outlives "
                'the process, or let it run again: langgraph(graph, effect="read")'
            )
        return ran

    async def _invoke(self, graph: AnyGraph, scope: Scope, given: object, answers: dict[str, Any] | None) -> Ran:
        heard = _Heard(self.effect == "read")
        configurable = {"thread_id": scope.key, **self.config.get("configurable", {})}
        callbacks = [*self.config.get("callbacks", ()), heard]
        config = cast(RunnableConfig, {**self.config, "configurable": configurable, "callbacks": callbacks})
        if answers is not None:
            given = Command(resume=answers)
        elif graph.checkpointer and (await graph.aget_state(config)).next:
            given = None  # its own checkpointer knows where it was cut off
        state = await graph.ainvoke(given, config)
        asks = state.pop("__interrupt__", ()) if isinstance(state, dict) else ()
        return {"state": _plain(state), "asks": {one.id: plain(one.value) for one in asks}, "used": heard.used}


async def _answer(name: str, asked: Any) -> Any:
    """A person's answer to what a graph interrupts for."""
    if isinstance(asked, str):
        return await functions.ask(asked, cast("type[Any]", Any))
    question = asked.get("question") if isinstance(asked, dict) else None
    text = question if isinstance(question, str) else f"{name} waits for an answer"
    return await functions.ask(text, cast("type[Any]", Any), about=asked)


async def _afford(scope: Scope, name: str) -> None:
    """Begin only while the budget is not used up; what the graph then uses is not known beforehand."""
    while (full := scope.account.too_small(Reservation())) is not None:
        if full.refused:
            raise UsageError(full.refused)
        if full.in_flight or full.asking:
            await scope.run.parking.until(full.change())
        else:
            await budgets.ask_for_more(scope, full, f"{name} waits")


def _plain(state: Any) -> Any:
    """A graph's state as JSON, its messages as a model's API has them."""
    match state:
        case BaseMessage():
            words = state.content if isinstance(state.content, str) else plain(state.content)
            calls = {"tool_calls": plain(state.tool_calls)} if isinstance(state, AIMessage) and state.tool_calls else {}
            return {"role": _ROLES.get(state.type, state.type), "content": words, **calls}
        case dict():
            return {str(key): _plain(value) for key, value in state.items()}
        case list() | tuple():
            return [_plain(value) for value in state]
        case _:
            return plain(state)


class _Heard(BaseCallbackHandler):
    """What the models of a graph used, as LangChain tells it; of those whose calls are steps, nothing where `steps`."""

    def __init__(self, steps: bool) -> None:
        self.used: list[tuple[str, int, int, int]] = []
        self._steps, self._providers = steps, dict[UUID, str]()

    def on_chat_model_start(self, *_: Any, run_id: UUID, metadata: dict[str, Any] | None = None, **__: Any) -> None:
        """See LangChain."""
        self._providers[run_id] = (metadata or {}).get("ls_provider", "")

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, tags: list[str] | None = None, **_: Any) -> None:
        """See LangChain."""
        provider = self._providers.pop(run_id, "")
        if self._steps and METERED in (tags or ()):
            return
        for generation in response.generations[0][:1]:
            message = generation.message if isinstance(generation, ChatGeneration) else None
            used = message.usage_metadata if isinstance(message, AIMessage) else None
            if message is not None and used is not None:
                model = str(message.response_metadata.get("model_name", "model"))
                cached = used.get("input_token_details", {}).get("cache_read", 0)
                name = "-".join((f"{provider}:{model}" if provider else model).split())
                self.used.append((name, used["input_tokens"], used["output_tokens"], cached))
