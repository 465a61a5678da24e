"""Workers written as Python: a function's `if`, `for` and `await` are the graph."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, cast, overload

from stretto.core.canonical import decode, encode
from stretto.core.errors import UsageError
from stretto.core.guesses import guided
from stretto.core.ports import Codec, Options
from stretto.core.values import Budget
from stretto.core.values import seconds as in_seconds
from stretto.runtime.tasks import Call
from stretto.runtime.worker import PLAIN, Worker
from stretto.tools.codec import TypeCodec, codec_for
from stretto.tools.signature import Signature, signature_of, summary
from stretto.tools.tool import Tool

if TYPE_CHECKING:
    from stretto.runtime.scope import Scope

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Workflow(Worker[Any, R], Generic[P, R]):
    """A function as a worker. A plain function is plain computation; an async one may call workers, tools and people."""

    function: Callable[..., Any]
    name: str
    settings: Options = PLAIN
    untyped: tuple[Any, Any] = (Any, Any)
    """The types of its one parameter and of its result where the function does not say them."""

    @cached_property
    def signature(self) -> Signature:
        """The function's parameters."""
        return signature_of(self.function)

    @cached_property
    def takes(self) -> Codec[Any]:
        """One parameter is the input itself, and so is the first where the others have defaults; several are an object."""
        arguments = list(self.signature.arguments.values())
        if len(arguments) != 1:
            return Arguments(self.signature)
        said = arguments[0].annotation
        return codec_for(self.untyped[0] if said is Any else said)

    @cached_property
    def gives(self) -> TypeCodec[R]:
        """The function's return type."""
        said = self.signature.returns
        return codec_for(self.untyped[1] if said is Any else said)

    def taking(self, codec: Codec[Any]) -> Workflow[P, R]:
        """See `Worker.taking`."""
        kind = getattr(codec, "kind", Any)
        return self if kind is Any or self.untyped[0] is not Any else replace(self, untyped=(kind, self.untyped[1]))

    @cached_property
    def options(self) -> Options:
        """How its tasks are run."""
        return self.settings

    @property
    def description(self) -> str:
        """The function's docstring."""
        return summary(self.function)

    def describe(self) -> Any:
        """The function's own code; what it calls has fingerprints of its own."""
        return {"name": self.name, **code_of(self.function)}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        return super().__call__(*args, **kwargs)

    def pack(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The input made of a call's arguments."""
        given = self.signature.bind(args, kwargs)
        names = self.signature.arguments
        if len(names) == 1:
            (parameter,) = names.values()
            return given.get(parameter.name, parameter.default if parameter.default is not parameter.empty else None)
        return given

    def unsaid(self) -> object:
        """The input where none is given: the default of the one parameter, where that takes no None."""
        default = self.pack((), {}) if len(self.signature.arguments) == 1 else None
        try:
            self.takes.check(None)
        except ValueError:
            return default
        return None

    async def work(self, context: Any, value: Any) -> R:
        """Call the function."""
        arguments = self.named(value)
        if self.signature.injected or self.signature.wants_key:
            arguments |= self.signature.inject(context.run.deps, context.key)
        result = self.function(*(arguments.pop(name) for name in self.signature.positional), **arguments)
        return cast(R, await result if inspect.isawaitable(result) else result)

    def named(self, value: object) -> dict[str, Any]:
        """An input as arguments by name."""
        names = list(self.signature.arguments)
        return {names[0]: value} if len(names) == 1 else dict(cast("dict[str, Any]", value or {}))


@dataclass(frozen=True)
class ToolTask(Workflow[P, R]):
    """A tool as a worker: its task is one call of it, behind the gates."""

    tools: tuple[Tool[P, R], ...] = ()

    @property
    def description(self) -> str:
        """The tool's own."""
        return self.tools[0].description

    def describe(self) -> dict[str, Any]:
        """The function's own code, and what the gates know of it."""
        return {**super().describe(), "risk": self.tools[0].risk, "effect": self.tools[0].effect}

    async def work(self, context: Scope, value: object) -> R:
        """Call the tool."""
        return cast(R, await context.tool(self.tools[0], self.named(value)))


def code_of(function: Callable[..., Any]) -> dict[str, Any]:
    """A function's own code, as a fingerprint covers it; an object that can be called may say what it is."""
    if hasattr(function, "__json__"):
        return cast("dict[str, Any]", function.__json__())
    code = getattr(function, "__code__", None)
    if code is None:
        return {"code": "", "constants": [], "names": []}
    constants = [str(constant) for constant in code.co_consts if not inspect.iscode(constant)]
    return {"code": code.co_code.hex(), "constants": constants, "names": list(code.co_names)}


class Arguments:
    """The codec of several arguments: an object with their names, or the first alone where the others have defaults."""

    def __init__(self, signature: Signature) -> None:
        self._signature = signature

    @property
    def schema(self) -> dict[str, Any]:
        """See `Codec.schema`."""
        return self._signature.schema

    def check(self, value: Any) -> dict[str, Any]:
        """See `Codec.check`."""
        names = self._signature.arguments
        if value is not None and not isinstance(value, dict):
            first, *others = names or [""]
            if first and all(names[other].default is not inspect.Parameter.empty for other in others):
                return self._signature.check({first: value})
            raise ValueError(f"it takes {', '.join(names) or 'no arguments'} by name, not {type(value).__name__}")
        return self._signature.check(value or {})

    def stored(self, value: Any) -> tuple[bytes, dict[str, Any]]:
        """See `Codec.stored`."""
        checked = self._signature.model.model_validate(self.check(value))
        data = encode(checked)
        return data, self.load(decode(data))

    def load(self, value: Any) -> dict[str, Any]:
        """See `Codec.load`."""
        return self.check(value)


class Maker(Protocol):
    """What `workflow(...)` returns: a decorator that keeps the function's types."""

    @overload
    def __call__(self, function: Callable[P, Awaitable[R]], /) -> Workflow[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Workflow[P, R]: ...


@overload
def workflow(function: Callable[P, Awaitable[R]], /) -> Workflow[P, R]: ...
@overload
def workflow(function: Callable[P, R], /) -> Workflow[P, R]: ...
@overload
def workflow(
    *,
    name: str | None = None,
    budget: str | Budget | None = None,
    retry: int | None = None,
    timeout: float | str | None = None,
    limit: int | None = None,
) -> Maker: ...
@guided
def workflow(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    budget: str | Budget | None = None,
    retry: int | None = None,
    timeout: float | str | None = None,
    limit: int | None = None,
) -> Any:
    """Make a function a worker. `retry` counts further attempts, `timeout` is seconds or like "10 min" for each.

    `limit` is how many of its tasks are at work at once in a run.
    """
    options = Options(retry, None if timeout is None else in_seconds(timeout), Budget.parse(budget), limit)

    def make(function: Callable[..., Any]) -> Workflow[Any, Any]:
        return Workflow(function, name or function.__name__, options)

    return make if function is None else make(function)


def typed(thing: Any, takes: Any, gives: Any) -> Worker[Any, Any]:
    """A worker; a function that does not say what it takes and gives, takes and gives these types."""
    worker = as_worker(thing)
    return replace(worker, untyped=(takes, gives)) if isinstance(worker, Workflow) else worker


Workable = Worker[Any, Any] | Callable[..., Any]
"""A worker, or a function that `as_worker` makes one of."""


def as_worker(thing: Any, name: str = "") -> Worker[Any, Any]:
    """A worker, or a function or tool taken as one; `name` is for a function that has none of its own."""
    if isinstance(thing, Worker):
        return thing
    if isinstance(thing, type):
        raise UsageError(f"the class {thing.__name__} is not a worker; make one of it: {thing.__name__}(...)")
    if all(hasattr(thing, name) for name in ("name", "work", "takes", "gives", "options", "fingerprint")):
        return cast("Worker[Any, Any]", thing)
    if isinstance(thing, Tool):
        return ToolTask(thing.function, thing.name, tools=(thing,))
    if callable(thing) and hasattr(thing, "__name__"):
        own = thing.__name__
        return cast("Worker[Any, Any]", workflow(name=name if name and own == "<lambda>" else own)(thing))
    if isinstance(thing, list | tuple):
        raise UsageError(f"a {type(thing).__name__} is not a worker; give its items one by one, or as parallel(*items)")
    raise UsageError(f"{thing!r} is not a worker; give an Agent, a pattern, a @workflow or a function")
