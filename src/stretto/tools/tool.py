"""A tool: a function that agents and workflows may call, with what the gates and the journal must know of it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, cast, overload

from stretto.core.errors import UsageError
from stretto.core.guesses import guided
from stretto.core.messages import ToolSpec
from stretto.core.scope import current
from stretto.core.values import Effect, Preview, Risk, seconds
from stretto.tools import process as processes
from stretto.tools import threads
from stretto.tools.codec import TypeCodec, codec_for
from stretto.tools.signature import KEY, Signature, injected, signature_of, summary

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Tool(Generic[P, R]):
    """A callable with a schema, a risk and an effect.

    Calling it inside a run makes a step of the run (after the gates have agreed); outside, it calls the function.
    """

    function: Callable[..., Any]
    name: str
    description: str
    risk: Risk = "low"
    effect: Effect = "read"
    external: bool = False
    irreversible: bool = False
    to: str = ""
    expires: float | None = None
    preview: Callable[..., Preview | str | Awaitable[Preview | str]] | None = None
    verify: Callable[..., Any] | None = None
    undo: Callable[..., Any] | None = None
    timeout: float | None = None
    retry: int = 0
    process: bool = False
    before: Callable[..., Any] | None = None
    undoes: str = ""
    """The tool whose calls it takes back, where it is run to undo one."""

    @cached_property
    def signature(self) -> Signature:
        """The function's parameters."""
        return signature_of(self.function)

    @cached_property
    def codec(self) -> TypeCodec[R]:
        """How its results cross the journal."""
        return codec_for(self.signature.returns)

    @cached_property
    def spec(self) -> ToolSpec:
        """The tool as a model sees it."""
        return ToolSpec(self.name, self.description, self.signature.schema)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        scope = current.get()
        if scope is None:
            return self.invoke(self.signature.bind(args, _without(kwargs, self.signature)) | _whole(kwargs, self))
        given = self.signature.bind(args, kwargs)
        return cast("Coroutine[Any, Any, R]", scope.tool(self, given))

    async def invoke(self, arguments: Mapping[str, Any]) -> R:
        """Call the function itself: an async one in the loop, a blocking one in a thread, or either in a child process."""
        if self._is_async and not self.process:
            return cast(R, await self.function(**arguments))
        if threads.are_simulated():
            result = self.function(**arguments)
            return cast(R, await result if self._is_async else result)
        if self.process:
            return self.codec.load(await processes.call(self.function, arguments))
        return cast(R, await threads.call(self.function, arguments))

    @cached_property
    def _is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    def using(self, **changes: Any) -> Tool[P, R]:
        """The same tool with other properties, e.g. `search.using(risk="medium")`."""
        return replace(self, **changes)


def _whole(kwargs: Mapping[str, Any], tool: Tool[Any, Any]) -> dict[str, Any]:
    """What was given by name, where nothing is missing that only a run injects."""
    defaults = getattr(tool.function, "__kwdefaults__", None) or {}
    missing = [name for name in tool.signature.injected if defaults.get(name, injected) is injected]
    missing = [name for name in missing if name not in kwargs]
    if missing:
        raise UsageError(
            f"{tool.name} is called outside a run, where nothing is injected; give it {', '.join(missing)} by name"
        )
    return {KEY: "", **kwargs} if tool.signature.wants_key and defaults.get(KEY) is injected else dict(kwargs)


def _without(kwargs: Mapping[str, Any], signature: Signature) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name in signature.arguments}


class Maker(Protocol):
    """What `tool(...)` returns: a decorator that keeps the function's types."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Tool[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Tool[P, R]: ...


@overload
def tool(function: Callable[P, Coroutine[Any, Any, R]], /) -> Tool[P, R]: ...
@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    risk: Risk = "low",
    effect: Effect | None = None,
    external: bool = False,
    irreversible: bool = False,
    to: str = "",
    expires: float | str | None = None,
    preview: Callable[..., Any] | None = None,
    verify: Callable[..., Any] | None = None,
    undo: Callable[..., Any] | None = None,
    before: Callable[..., Any] | None = None,
    timeout: float | str | None = None,
    retry: int = 0,
    process: bool = False,
) -> Maker: ...
@guided
def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    risk: Risk = "low",
    effect: Effect | None = None,
    external: bool = False,
    irreversible: bool = False,
    to: str = "",
    expires: float | str | None = None,
    preview: Callable[..., Any] | None = None,
    verify: Callable[..., Any] | None = None,
    undo: Callable[..., Any] | None = None,
    before: Callable[..., Any] | None = None,
    timeout: float | str | None = None,
    retry: int = 0,
    process: bool = False,
) -> Any:
    """Make a function a tool; its schema comes from type hints and docstring.

    `risk`: low runs by itself, medium and high ask a person. `effect`: "read" may be repeated, "idempotent" is repeated
    with the same `idempotency_key` (a keyword-only parameter of that name receives it), "once" never; a tool with a
    risk above low, or that is `external` or `irreversible`, is "once" unless it says otherwise. What `preview` returns
    is shown with the question. `verify` finds out after a crash whether the effect happened: it returns the result, or
    None where it did not. `undo` takes it back. `before` tells what an irreversible call is about to change; it is
    recorded before the call. Each is given those of the call's arguments that it names; `verify` and `undo` may name
    `idempotency_key` too.
    `to` names who is asked, `expires` after how long the answer is no. `timeout` in seconds or like "2 min".
    """
    if risk not in ("low", "medium", "high"):
        raise UsageError(f"risk {risk!r} is not known; it is 'low', 'medium' or 'high'")
    if effect not in (None, "read", "idempotent", "once"):
        raise UsageError(f"effect {effect!r} is not known; it is 'read', 'idempotent' or 'once'")
    risky = risk != "low" or external or irreversible

    def make(function: Callable[..., Any]) -> Tool[Any, Any]:
        return Tool(
            function,
            name or function.__name__,
            description or summary(function),
            risk,
            effect or ("once" if risky else "read"),
            external,
            irreversible,
            to,
            None if expires is None else seconds(expires),
            preview,
            verify,
            undo,
            None if timeout is None else seconds(timeout),
            retry,
            process,
            before,
        )

    return make if function is None else make(function)
