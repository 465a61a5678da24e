"""An agent's tools: functions, tools and other workers, called as a model asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from stretto.agents import loops
from stretto.agents.handoffs import Handoff
from stretto.core.errors import NotDone, PolicyDenied, ToolError, UsageError
from stretto.core.messages import Message, ToolCall, ToolResult, ToolSpec
from stretto.core.scope import current
from stretto.core.text import as_text
from stretto.runtime import tasks
from stretto.runtime.branches import gather
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.tools.tool import Tool, tool

HANDED = "The conversation is handed over, to one agent in a turn."
"""The result of a handoff's tool, for a filter that keeps the calls."""
_NONE: Mapping[str, Tool[Any, Any]] = MappingProxyType({})
TOLD = (ToolError, NotDone, PolicyDenied)
"""Errors that the model is told of, so that it can do something else; any other fails the task."""


class Kit:
    """The tools of one agent, by name, and the agents that it may hand over to."""

    def __init__(self, things: Iterable[Any], handoffs: Iterable[Handoff] = ()) -> None:
        self._things: dict[str, Tool[Any, Any] | Worker[Any, Any]] = {}
        for thing in things:
            known = thing if isinstance(thing, Tool | Worker) else _tool(thing)
            if known.name in self._things:
                raise UsageError(
                    f"two tools are named {known.name!r}; names must differ, rename one with using(name=...)"
                )
            self._things[known.name] = known
        self._handoffs = {one.tool.name: one for one in handoffs}
        if both := self._handoffs.keys() & self._things.keys():
            raise UsageError(f"a tool is named {min(both)!r}, as the handoff is; rename it with using(name=...)")
        self.specs = (
            *(_spec(thing) for thing in self._things.values()),
            *(one.tool for one in self._handoffs.values()),
        )

    def __contains__(self, name: str) -> bool:
        return name in self._things

    def handoff(self, calls: tuple[ToolCall, ...]) -> Handoff | None:
        """Whom a turn hands the conversation over to; the first, where it names several."""
        if not self._handoffs:
            return None
        return next((self._handoffs[call.name] for call in calls if call.name in self._handoffs), None)

    async def answer(
        self, scope: Scope, calls: tuple[ToolCall, ...], more: Mapping[str, Tool[Any, Any]] = _NONE
    ) -> Message:
        """The results of a turn's calls, in their order; several are made at once. `more` are tools of this task alone."""
        if len(calls) == 1:
            return Message("tool", (await self._call(scope, calls[0], more),))
        return Message("tool", tuple(await gather(self._here(call, more) for call in calls)))

    async def _here(self, call: ToolCall, more: Mapping[str, Tool[Any, Any]]) -> ToolResult:
        return await self._call(current.get(), call, more)

    async def _call(self, scope: Scope, call: ToolCall, more: Mapping[str, Tool[Any, Any]]) -> ToolResult:
        if call.name in self._handoffs:
            return ToolResult(call.id, call.name, HANDED)
        thing = self._things.get(call.name) or more.get(call.name)
        if thing is None:
            return _told(call, self._unknown(call.name))
        if not isinstance(call.args, dict):
            return _told(call, f"the arguments of {call.name} were not a JSON object")
        try:
            pending = scope.tool(thing, call.args) if isinstance(thing, Tool) else _delegate(scope, thing, call.args)
        except (ValueError, UsageError) as error:
            return _told(call, f"the arguments do not fit: {error}")
        try:
            return ToolResult(call.id, call.name, as_text(await pending))
        except TOLD as error:
            return _told(call, str(error))

    def _unknown(self, name: str) -> str:
        names = [spec.name for spec in self.specs]
        near = get_close_matches(name, names, 1)
        known = f"your tools are {', '.join(names)}" if names else "you have no tools"
        return f"there is no tool {name!r}; {known}" + (f"; did you mean {near[0]!r}?" if near else "")


def _tool(thing: Any) -> Tool[Any, Any]:
    if not callable(thing) or not hasattr(thing, "__name__"):
        raise UsageError(f"{thing!r} is not a tool; give a function, a @tool or a worker")
    return tool(thing)


def _spec(thing: Tool[Any, Any] | Worker[Any, Any]) -> ToolSpec:
    if isinstance(thing, Tool):
        return thing.spec
    schema = thing.takes.schema
    if schema.get("type") != "object":
        schema = {"type": "object", "properties": {"input": schema or {"type": "string"}}, "required": ["input"]}
    return ToolSpec(thing.name, thing.description or f"Delegate to {thing.name}.", schema)


def _delegate(scope: Scope, worker: Worker[Any, Any], args: dict[str, Any]) -> Any:
    whole = worker.takes.schema.get("type") == "object"
    if not whole and args.keys() != {"input"}:
        raise UsageError(f"{worker.name} takes one argument, input; it was given {', '.join(args) or 'none'}")
    value = args if whole else args["input"]
    place = tasks.place(scope, worker, value)
    loops.refuse_ping_pong(scope, worker, place[2])
    return tasks.perform(*place, worker, "")


def _told(call: ToolCall, problem: str) -> ToolResult:
    return ToolResult(call.id, call.name, problem, ok=False)
