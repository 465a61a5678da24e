"""How typed values cross the journal: pydantic at the border, canonical JSON inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from types import UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, cast, get_args, get_origin

from pydantic import (
    PlainSerializer,
    PlainValidator,
    PydanticSchemaGenerationError,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticSerializationError

from stretto.core.canonical import decode, encode
from stretto.core.errors import RunFailed, UsageError
from stretto.core.ports import Codec
from stretto.core.values import Failed

T = TypeVar("T")
_PLAIN: tuple[Any, ...] = (str, int, bool, type(None))
_ANYTHING: tuple[Any, ...] = (Any, object)


class TypeCodec(Generic[T]):
    """The codec of one type; `Any` takes whatever has a canonical form, and gives back plain JSON."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self.plain = kind in _PLAIN
        self.anything = kind in _ANYTHING

    @cached_property
    def adapter(self) -> TypeAdapter[T]:
        """pydantic's view of the type, built on first use."""
        try:
            return TypeAdapter(_with_failures(self.kind))
        except PydanticSchemaGenerationError as error:
            raise UsageError(
                f"type {name_of(self.kind)} cannot cross the journal; use JSON types, dataclasses or pydantic "
                "models, and make handles (connections, clients) keyword-only dependencies"
            ) from error
        except PydanticUserError as error:  # a typing.TypedDict, before Python 3.12
            raise UsageError(f"type {name_of(self.kind)} cannot cross the journal: {error.message}") from error

    @cached_property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the type."""
        return {} if self.anything else self.adapter.json_schema()

    def check(self, value: Any) -> T:
        """The value as the type has it; raises `ValueError` saying what does not fit."""
        if self.anything or (self.plain and type(value) is self.kind):
            return cast(T, value)
        try:
            return self.adapter.validate_python(value)
        except ValidationError as error:
            raise ValueError(complaint(error)) from error

    def dump(self, value: T) -> bytes:
        """See `Codec.dump`; a value that does not fit the type is a `ValueError`."""
        if self.anything or self.plain:
            return encode(self.check(value))
        try:
            return encode(self.adapter.dump_python(self.check(value), mode="json", fallback=_said))
        except (PydanticSerializationError, UnicodeDecodeError) as error:
            raise UsageError(f"a value of type {name_of(self.kind)} cannot be kept as JSON: {error}") from error

    def load(self, value: Any) -> T:
        """See `Codec.load`."""
        if self.anything or (self.plain and type(value) is self.kind):
            return cast(T, value)
        try:
            return self.adapter.validate_json(encode(value))
        except ValidationError as error:
            raise ValueError(complaint(error)) from error

    def stored(self, value: Any) -> tuple[bytes, T]:
        """The canonical bytes of a value, and the value as a later reader gets it."""
        kind = type(value)
        if kind in _PLAIN and (self.anything or kind is self.kind):
            return encode(value), cast(T, value)
        data = self.dump(value)
        return data, self.load(decode(data))


def _failed(stored: object) -> Failed:
    match stored:
        case Failed():
            return stored
        case Mapping() if stored.get("ok") is False:
            return Failed(RunFailed(str(stored.get("error"))))
        case _:
            raise ValueError("it is no failure")


def _said(value: object) -> str:
    """What crosses of an error, wherever it stands."""
    if isinstance(value, Exception):
        return str(value)
    raise PydanticSerializationError(f"Unable to serialize unknown type: {type(value)}")


FAILED = Annotated[Failed, PlainValidator(_failed), PlainSerializer(Failed.__json__)]
"""A failure as it crosses the journal: what it said."""


def _with_failures(kind: Any) -> Any:
    """The type with `FAILED` for `Failed`, however deep: pydantic has no schema for an exception."""
    if kind is Failed:
        return FAILED
    origin, given = get_origin(kind), get_args(kind)
    inner = tuple(map(_with_failures, given)) if origin not in (Annotated, Literal) else given
    if all(new is old for new, old in zip(inner, given, strict=True)):
        return kind
    return Union[inner] if origin in (Union, UnionType) else origin[inner]  # noqa: UP007


@lru_cache(maxsize=1024)
def _codec(kind: Any) -> TypeCodec[Any]:
    return TypeCodec(kind)


def codec_for(kind: Any) -> TypeCodec[Any]:
    """The codec of a type, built once; no annotation means anything."""
    try:
        return _codec(kind)
    except TypeError:  # an unhashable annotation
        return TypeCodec(kind)


ANYTHING: TypeCodec[Any] = codec_for(Any)


def common(codecs: Iterable[Codec[Any]]) -> Codec[Any]:
    """What values of any of these codecs cross with: the one that they all are, else anything."""
    first, *others = codecs
    return first if all(other is first for other in others) else ANYTHING


def name_of(kind: Any) -> str:
    """A type's name as a reader knows it."""
    return getattr(kind, "__name__", None) or str(kind)


def complaint(error: ValidationError) -> str:
    """What does not fit, one clause a field."""
    clauses = []
    for item in error.errors(include_url=False)[:5]:
        where = ".".join(str(part) for part in item["loc"])
        clauses.append(f"{where}: {item['msg']}" if where else item["msg"])
    more = error.error_count() - len(clauses)
    return "; ".join(clauses) + (f"; and {more} more" if more else "")
