"""Agents of the OpenAI Agents SDK as workers: their loop as it is, their models and tools through the run."""

from __future__ import annotations

import copy
import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeGuard, Unpack, cast

import agents as sdk
from agents.agent_output import AgentOutputSchemaBase
from agents.models.interface import Model, ModelProvider
from agents.tool_context import ToolContext

from stretto.bridges import items
from stretto.bridges.guest import Guest, Limits, TheirTool, options
from stretto.bridges.theirs import called, plain, theirs
from stretto.bridges.visit import TOLD, Visit, here
from stretto.core.canonical import decode, encode
from stretto.core.errors import UsageError
from stretto.core.messages import ModelReply
from stretto.core.text import as_text
from stretto.core.values import Effect, Risk
from stretto.runtime.scope import Scope

Effects = Effect | Mapping[str, Effect]
_AT_THE_PROVIDER = (
    sdk.WebSearchTool,
    sdk.FileSearchTool,
    sdk.CodeInterpreterTool,
    sdk.ImageGenerationTool,
    sdk.HostedMCPTool,
)
"""Tools that are a part of a model call."""


def openai_agents(
    agent: sdk.Agent[Any],
    *,
    name: str = "",
    about: str = "",
    effect: Effects = "once",
    context: object = None,
    config: sdk.RunConfig | None = None,
    max_turns: int = 20,
    **limits: Unpack[Limits],
) -> Guest:
    """An agent of the OpenAI Agents SDK as a worker, with all that it hands over to.

    Each call of a model is a step, reserved and capped by the run's budget; each call of a tool goes through the gates.
    `effect` says how often a call of a tool may happen, of all tools or by name; one that is not named is "once". A tool
    with `needs_approval` asks a person. `context` is given to tools as the SDK has it. Without a `config` nothing is
    traced to anywhere. The limits are `retry`, `timeout`, `budget` and `limit`, as an `Agent` has them.
    """
    if not isinstance(agent, sdk.Agent):
        raise UsageError(f"openai_agents takes an Agent of the OpenAI Agents SDK, not {type(agent).__name__}")
    known = agent.output_type
    returns = Any if agent.handoffs or isinstance(known, AgentOutputSchemaBase) else known or str
    own = name or "_".join(agent.name.split())
    told = about or agent.handoff_description or ""
    bridged = _bridged(agent, effect, {})
    return SdkAgent(own, told, options(limits), Any, returns, agent, bridged, context, config, max_turns)


@dataclass(frozen=True, eq=False)
class SdkAgent(Guest):
    """See `openai_agents`."""

    agent: sdk.Agent[Any] = cast("sdk.Agent[Any]", None)  # noqa: RUF009  never left out
    bridged: sdk.Agent[Any] = cast("sdk.Agent[Any]", None)  # noqa: RUF009  likewise
    """The same, and those that it hands over to, whose models and tools go through the run."""
    given: object = None
    config: sdk.RunConfig | None = None
    max_turns: int = 20

    def describe(self) -> object:
        """Its own instructions, model and tools."""
        agent = self.agent
        told = agent.instructions if isinstance(agent.instructions, str) else called(agent.instructions)
        model = agent.model if isinstance(agent.model, str | None) else called(agent.model)
        tools = [tool.name for tool in agent.tools]
        return {"name": self.name, "kind": "openai-agents", "instructions": told, "model": model, "tools": tools}

    async def work(self, context: Scope, value: object) -> object:
        """Run the agent's loop; what its models and tools gave before a crash is read back."""
        asked = value if isinstance(value, str) or _is_items(value) else as_text(value)
        config = self.config or sdk.RunConfig(tracing_disabled=True)
        model = (
            _Metered(called(config.model, "openai"), _this(config.model)) if isinstance(config.model, Model) else None
        )
        config = replace(config, model=model or config.model, model_provider=_Provider(config.model_provider))

        async def work() -> sdk.RunResult:
            return await sdk.Runner.run(
                self.bridged, asked, context=self.given, max_turns=self.max_turns, run_config=config
            )

        visit = Visit(context)
        output = (await visit.host(work)).final_output
        visit.end()
        return plain(output) if self.returns is Any else output


def _is_items(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and all(isinstance(item, dict) and {"role", "type"} & item.keys() for item in value)


# ---- models


class _Provider(ModelProvider):
    """Models by name, whose calls are steps."""

    def __init__(self, inner: ModelProvider) -> None:
        self._inner = inner

    def get_model(self, model_name: str | None) -> Model:
        """See the SDK."""
        inner = self._inner
        name = model_name or sdk.models.get_default_model()
        known = name.replace("/", ":", 1) if "/" in name else f"openai:{name}"
        return _Metered(known, lambda: inner.get_model(model_name))

    async def aclose(self) -> None:
        """See the SDK."""
        await self._inner.aclose()


class _Metered(Model):
    """A model whose calls are steps of the run that it is called in; outside of one it is the model itself."""

    def __init__(self, name: str, inner: Callable[[], Model]) -> None:
        self.name, self._inner = name, inner

    async def get_response(self, *args: Any, **kwargs: Any) -> sdk.ModelResponse:
        """See the SDK."""
        visit = here.get()
        if visit is None:
            return await self._inner().get_response(*args, **kwargs)

        async def ask() -> ModelReply:
            return items.told(await self._inner().get_response(*args, **kwargs))

        request = items.request(inspect.signature(Model.get_response).bind(self, *args, **kwargs).arguments)
        return items.response(await visit.model(theirs(visit.scope, self.name, ask), request))

    def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """See the SDK."""
        return self._inner().stream_response(*args, **kwargs)


def _this(model: Model) -> Callable[[], Model]:
    return lambda: model


# ---- agents and their tools


def _bridged(agent: sdk.Agent[Any], effect: Effects, known: dict[int, sdk.Agent[Any]]) -> sdk.Agent[Any]:
    """A copy of an agent, and of those it hands over to, that works through the run."""
    if id(agent) in known:
        return known[id(agent)]
    known[id(agent)] = made = copy.copy(agent)
    for tool in agent.tools:
        _through(agent, tool, effect)

    async def get_all_tools(run_context: sdk.RunContextWrapper[Any]) -> list[sdk.Tool]:
        return [_through(agent, tool, effect) for tool in await agent.get_all_tools(run_context)]

    def to(one: sdk.Agent[Any] | sdk.Handoff[Any, Any]) -> sdk.Agent[Any] | sdk.Handoff[Any, Any]:
        if isinstance(one, sdk.Agent):
            return _bridged(one, effect, known)
        passed = copy.copy(one)

        async def on_invoke(context: sdk.RunContextWrapper[Any], given: str) -> sdk.Agent[Any]:
            return _bridged(await one.on_invoke_handoff(context, given), effect, known)

        passed.on_invoke_handoff = on_invoke
        return passed

    model = agent.model
    if isinstance(model, Model):
        made.model = _Metered(called(model, "openai"), _this(model))
    made.handoffs = [to(one) for one in agent.handoffs]
    vars(made)["get_all_tools"] = get_all_tools
    return made


def _through(agent: sdk.Agent[Any], tool: sdk.Tool, effect: Effects) -> sdk.Tool:
    """A tool that is called through the run."""
    if isinstance(tool, _AT_THE_PROVIDER):
        return tool
    if not isinstance(tool, sdk.FunctionTool):
        raise UsageError(
            f"the tool {tool.name} of {agent.name} acts in a way that cannot be recorded; give it as a function_tool"
        )
    if getattr(tool, "_is_agent_tool", False):
        raise UsageError(
            f"the tool {tool.name} of {agent.name} is an agent (as_tool), whose own calls would be neither capped nor "
            "recorded; hand over to it (handoffs=[...]), or call openai_agents(...) of it from a workflow"
        )
    made = copy.copy(tool)

    async def on_invoke(context: ToolContext[Any], written: str) -> Any:
        visit = here.get()
        if visit is None:
            return await tool.on_invoke_tool(context, written)

        async def call(**given: Any) -> Any:
            output = await tool.on_invoke_tool(context, encode(given).decode())
            return output if isinstance(output, str) else items.output(output)

        given = decode(written or "{}")
        often = effect if isinstance(effect, str) else effect.get(tool.name, "once")
        risk: Risk = "medium" if await _asks(tool, context, given) else "low"
        known = TheirTool(call, tool.name, tool.description, risk, often, parameters=tool.params_json_schema)
        try:
            return await visit.tool(known, given)
        except TOLD as error:
            return str(error)

    made.on_invoke_tool = on_invoke
    made.needs_approval = False
    return made


async def _asks(tool: sdk.FunctionTool, context: ToolContext[Any], given: dict[str, Any]) -> bool:
    """Whether the tool wants a person's yes."""
    asks = tool.needs_approval
    if isinstance(asks, bool):
        return asks
    return bool(await asks(context, given, context.tool_call_id))
