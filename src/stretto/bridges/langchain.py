"""Models and tools for graphs, whose calls are steps of the run: `chat_model` and `langchain_tool`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding
from langchain_core.tools import BaseTool, StructuredTool, ToolException

from stretto.bridges.theirs import called, plain, theirs
from stretto.bridges.visit import TOLD, Visit, here, opaque
from stretto.core.errors import UsageError
from stretto.core.messages import (
    Conversation,
    Message,
    ModelReply,
    ModelRequest,
    Part,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from stretto.core.text import as_text
from stretto.tools.tool import Tool, tool

METERED = "stretto"
"""The tag of a model whose calls are steps."""
_BY = "langchain"
_ROLES: dict[str, Role] = {"system": "system", "ai": "assistant", "human": "user"}


def chat_model(model: BaseChatModel, *, name: str = "") -> BaseChatModel:
    """A LangChain model whose calls are steps of the run, in a graph that is `langgraph(graph, effect="read")`.

    Each call is reserved, capped and recorded, and read back after a crash. `name` is `provider:model`, by which its
    price is known; by default it is what the model says of itself. Elsewhere it is the model as it was.
    """
    if not isinstance(model, BaseChatModel):
        raise UsageError(f"chat_model takes a LangChain chat model, not {type(model).__name__}")
    provider = model._get_ls_params().get("ls_provider", "")
    return _ChatModel(inner=model, known=name or called(model, provider), tags=[METERED])


class _ChatModel(BaseChatModel):
    """See `chat_model`."""

    inner: BaseChatModel
    known: str

    @property
    def _llm_type(self) -> str:
        return "stretto"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """See LangChain: what the model itself would be given with these tools."""
        bound = self.inner.bind_tools(tools, **kwargs)
        if not isinstance(bound, RunnableBinding):
            raise UsageError(
                f"{self.known} binds tools in a way that cannot be followed; bind them to the model's calls"
            )
        return self.bind(**bound.kwargs)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        visit = here.get()
        if visit is None:
            return _result(await self.inner.ainvoke(messages, stop=stop, **kwargs))
        return _result(await self._step(visit, messages, stop, kwargs))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        visit = here.get()
        if visit is None:
            return _result(self.inner.invoke(messages, stop=stop, **kwargs))
        return _result(visit.wait(self._step(visit, messages, stop, kwargs)))

    async def _step(
        self, visit: Visit, messages: list[BaseMessage], stop: list[str] | None, settings: dict[str, Any]
    ) -> AIMessage:
        async def ask() -> ModelReply:
            return _told(await self.inner.ainvoke(messages, {"callbacks": []}, stop=stop, **settings))

        limit = settings.get("max_tokens") or getattr(self.inner, "max_tokens", None)
        given = {"max_tokens": limit, "stop": stop, **cast("dict[str, Any]", plain(settings))}
        known = {name: value for name, value in given.items() if value is not None}
        request = ModelRequest(Conversation.of([_message(one) for one in messages]), settings=known)
        reply = await visit.model(theirs(visit.scope, self.known, ask), request)
        return AIMessage(**reply.message.provider["message"])


def _result(message: BaseMessage) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=message)])


def _told(message: BaseMessage) -> ModelReply:
    """A model's answer as it is recorded: the message itself beside what it says."""
    kept = plain(message.model_dump(exclude={"type"}, exclude_none=True))
    used = getattr(message, "usage_metadata", None) or {}
    cached = used.get("input_token_details", {}).get("cache_read", 0)
    usage = Usage(used.get("input_tokens", 0), used.get("output_tokens", 0), cached)
    return ModelReply(Message("assistant", tuple(_parts(message)), {"by": _BY, "message": kept}), usage)


def _message(message: BaseMessage) -> Message:
    """A message in our form; what has no such form is kept verbatim, but for ids, which are made anew each time."""
    if isinstance(message, ToolMessage) and isinstance(message.content, str):
        failed = message.status == "error"
        return Message("tool", (ToolResult(message.tool_call_id, message.name or "", message.content, ok=not failed),))
    role = _ROLES.get(message.type, "user")
    if isinstance(message.content, str):
        return Message(role, tuple(_parts(message)))
    return Message(role, tuple(_parts(message)), {"by": _BY, "content": plain(message.content)})


def _parts(message: BaseMessage) -> Iterator[Part]:
    if message.text:
        yield Text(str(message.text))
    if isinstance(message, AIMessage):
        yield from (ToolCall(call["id"] or "", call["name"], plain(call["args"])) for call in message.tool_calls)


def langchain_tool(function: Tool[..., Any] | Callable[..., Any]) -> BaseTool:
    """A tool or function of stretto's as a tool for a graph: each call is a step of the run, behind the gates.

    A `ToolError`, or a no, is told to the model. Outside a run it is the function itself.
    """
    known = function if isinstance(function, Tool) else tool(function)

    async def call(**given: Any) -> str:
        visit = here.get()
        if visit is None and opaque.get():
            raise UsageError(
                f"{known.name} is called in a graph that runs as one step, behind which no gate stands; let its calls be "
                'steps of their own: langgraph(graph, effect="read")'
            )
        try:
            return as_text(await (known.invoke(given) if visit is None else visit.tool(known, given)))
        except TOLD as error:
            raise ToolException(str(error)) from error

    def wait(**given: Any) -> str:
        visit = here.get()
        if visit is None:
            raise UsageError(f"{known.name} is called outside a run, where only `await` works; use ainvoke")
        return visit.wait(call(**given))

    return StructuredTool(
        name=known.name,
        description=known.description or known.name,
        args_schema=known.spec.parameters,
        func=wait,
        coroutine=call,
        handle_tool_error=True,
    )
