"""What a function takes: arguments that a model or caller gives, and what is injected.

Keyword-only parameters are injected where they are named `idempotency_key`, or annotated with a class that is no JSON
type: a database handle, a client. They stand in no schema, no prompt and no journal row. The default `injected` tells
type checkers that a caller need not give them.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, Union, cast, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, Field, PydanticSchemaGenerationError, PydanticUserError, ValidationError, create_model

from stretto.core.errors import UsageError
from stretto.tools.codec import codec_for, complaint, name_of

KEY = "idempotency_key"


class _Injected:
    """The default of what is injected."""

    def __repr__(self) -> str:
        return "injected"


injected = cast("Any", _Injected())
"""`async def book(amount: int, *, ledger: Ledger = injected)`: given by the app, not by whoever calls `book(5)`."""
_JSON = (str, int, float, bool, bytes, list, dict, tuple, set, frozenset, type(None))


@dataclass(frozen=True)
class Signature:
    """A function's parameters, told apart."""

    function: Callable[..., Any]
    arguments: dict[str, inspect.Parameter]
    injected: dict[str, Any]
    wants_key: bool
    returns: Any

    @cached_property
    def model(self) -> type[BaseModel]:
        """The arguments as a pydantic model."""
        descriptions = parameter_docs(self.function)
        fields: dict[str, Any] = {}
        for name, parameter in self.arguments.items():
            kind = parameter.annotation
            if name in descriptions:
                kind = Annotated[kind, Field(description=descriptions[name])]
            fields[name] = (kind, ... if parameter.default is inspect.Parameter.empty else parameter.default)
        title = getattr(self.function, "__name__", "arguments")
        try:
            return create_model(title, __config__={"extra": "forbid", "arbitrary_types_allowed": False}, **fields)
        except PydanticSchemaGenerationError as error:
            raise UsageError(self._unfit()) from error
        except PydanticUserError as error:
            raise UsageError(f"{called(self.function)}: {error.message}") from error  # typing.TypedDict

    def _unfit(self) -> str:
        for name, parameter in self.arguments.items():
            try:
                _ = codec_for(parameter.annotation).adapter
            except UsageError:
                kind = name_of(parameter.annotation)
                return (
                    f"{called(self.function)} takes {name}: {kind}, of which there is no JSON; write `*, {name}: {kind}` "
                    "to have it injected from deps=..., or take JSON types, dataclasses or pydantic models"
                )
        return f"{called(self.function)} has a parameter of which there is no JSON"

    @cached_property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the arguments."""
        schema = self.model.model_json_schema()
        schema.pop("title", None)
        return schema

    @cached_property
    def _plain(self) -> dict[str, type] | None:
        """The types of the arguments, where each needs no more than a look at its type."""
        kinds = {name: parameter.annotation for name, parameter in self.arguments.items()}
        return kinds if all(kind in (str, int, bool) for kind in kinds.values()) else None

    @cached_property
    def positional(self) -> list[str]:
        """The arguments that the function takes by position only."""
        return [name for name, parameter in self.arguments.items() if parameter.kind is parameter.POSITIONAL_ONLY]

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments by name, as a caller wrote them; defaults are filled in."""
        given = dict(zip(self.arguments, args, strict=False))
        if not kwargs and len(args) <= len(self.arguments):
            return given
        if (
            len(args) > len(self.arguments)
            or given.keys() & kwargs.keys()
            or not kwargs.keys() <= self.arguments.keys()
        ):
            raise UsageError(
                f"{called(self.function)}() takes {', '.join(self.arguments) or 'no arguments'}; "
                f"got {len(args)} by position and {', '.join(kwargs) or 'none'} by name"
            )
        return given | dict(kwargs)

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function takes them; raises `ValueError` saying what does not fit."""
        if {name: type(value) for name, value in given.items()} == self._plain:
            return dict(given)
        try:
            checked = self.model.model_validate(dict(given))
        except ValidationError as error:
            raise ValueError(complaint(error)) from error
        return {name: getattr(checked, name) for name in self.arguments}

    def inject(self, deps: Mapping[type, Any], key: str) -> dict[str, Any]:
        """Values for the injected parameters."""
        values: dict[str, Any] = {KEY: key} if self.wants_key else {}
        for name, kind in self.injected.items():
            found = next((value for known, value in deps.items() if known is kind or _is_subclass(known, kind)), None)
            if found is None:
                raise UsageError(
                    f"{called(self.function)} needs {name}: {name_of(kind)}, and no such dependency was given; "
                    "pass it in App(deps=...) or run(deps=...)"
                )
            values[name] = found
        return values


def signature_of(function: Callable[..., Any]) -> Signature:
    """Read a function's parameters; what cannot be called by name is a `UsageError`."""
    try:
        hints = get_type_hints(_annotated(function), include_extras=True)
    except NameError as error:
        raise UsageError(
            f"{called(function)}: annotation {error.name!r} is not defined where the function is; "
            "import it at the top of the module"
        ) from error
    arguments, handles, wants_key = {}, {}, False
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise UsageError(f"{called(function)} takes *{name}; a tool's arguments must be named one by one")
        kind = hints.get(name, Any)
        if parameter.kind is parameter.KEYWORD_ONLY and name == KEY:
            wants_key = True
        elif parameter.default is injected or (parameter.kind is parameter.KEYWORD_ONLY and _is_handle(kind)):
            handles[name] = kind
        else:
            arguments[name] = parameter.replace(annotation=kind)
    return Signature(function, arguments, handles, wants_key, hints.get("return", Any))


def called(function: Callable[..., Any]) -> str:
    """What a function is called; an object that can be called goes by its class."""
    return str(getattr(function, "__name__", "") or type(function).__name__)


def _annotated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Where the annotations stand: in the function, the one that a `partial` completes, or an object's `__call__`."""
    if inspect.isroutine(function) or isinstance(function, type):
        return function
    return _annotated(getattr(function, "func", None) or type(function).__call__)


def _is_handle(kind: Any) -> bool:
    if get_origin(kind) in (Union, types.UnionType) or not isinstance(kind, type) or is_typeddict(kind):
        return False
    return not issubclass(kind, _JSON) and not issubclass(kind, BaseModel) and kind is not object


def _is_subclass(kind: Any, of: Any) -> bool:
    return isinstance(kind, type) and isinstance(of, type) and issubclass(kind, of)


@cache
def _companion(function: Callable[..., Any]) -> Signature | None:
    try:
        return signature_of(function)
    except UsageError:  # it takes whatever comes
        return None


def fitted(function: Callable[..., Any], args: Mapping[str, Any], deps: Mapping[type, Any], key: str) -> dict[str, Any]:
    """The arguments for a tool's `verify`, `preview` or `before`: those of the tool's that it names, and what is injected."""
    known = _companion(function)
    if known is None:
        return dict(args)
    return {**{name: args[name] for name in known.arguments if name in args}, **known.inject(deps, key)}


def injections(function: Callable[..., Any], deps: Mapping[type, Any]) -> dict[str, Any]:
    """What a function wants injected; nothing where its parameters cannot be read."""
    try:
        known = _companion(function)
    except (TypeError, ValueError):  # not hashable, or a builtin
        return {}
    return known.inject(deps, "") if known is not None and known.injected else {}


def summary(function: Callable[..., Any]) -> str:
    """What the docstring says before its list of arguments."""
    text = inspect.getdoc(function) or ""
    for stop in ("\nArgs:", "\nArguments:", "\nParameters", "\n:param", "\nReturns:", "\nRaises:"):
        text = text.split(stop)[0]
    return text.strip()


def parameter_docs(function: Callable[..., Any]) -> dict[str, str]:
    """Descriptions of parameters, from a Google-style `Args:` block or `:param name:` lines."""
    docs: dict[str, str] = {}
    inside, current = False, ""
    for line in (inspect.getdoc(function) or "").splitlines():
        bare = line.strip()
        if bare.startswith(":param "):
            name, _, text = bare.removeprefix(":param ").partition(":")
            docs[name.split()[-1]] = text.strip()
        elif bare in ("Args:", "Arguments:"):
            inside = True
        elif inside and bare and not line.startswith(" "):
            inside = False
        elif inside and line.startswith("    ") and not line.startswith("     ") and ":" in bare:
            name, _, text = bare.partition(":")
            current = name.split("(")[0].strip()
            docs[current] = text.strip()
        elif inside and bare and current:
            docs[current] += " " + bare
    return docs
