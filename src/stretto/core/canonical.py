"""The one canonical form: JSON with sorted keys, for identity, approvals and the chain alike.

Refused, because two readers could understand them differently: NaN and infinity, lone surrogates, integers beyond 64
bits, keys that are not text. Decimals become strings, sets sorted lists, bytes are refused (they belong into blobs).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cache
from pathlib import PurePath
from typing import Any

import orjson

from stretto.core.errors import UsageError

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Fragment = orjson.Fragment
_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS  # the encoder leaves a dataclass's fields unsorted
_PLAIN = frozenset({str, int, bool, type(None)})
_FINITE = _PLAIN | {Fragment}  # hold no number that JSON cannot; a fragment was encoded, and so looked at, before


def encode(value: object) -> bytes:
    """The canonical bytes of a value; a `UsageError` names what has no canonical form."""
    try:
        text = orjson.dumps(value, default=_convert, option=_SORTED)
    except (TypeError, RecursionError) as error:
        raise _refusal(value, error) from error
    if b"null" in text:  # the encoder writes NaN and infinity as null, silently
        _refuse_nan(value, "value")
    return b"%b" % text  # a copy: the encoder's own bytes, where they are kept, keep a page of memory each


def join(value: object) -> bytes:
    """The canonical bytes of a value that is known to hold no floating-point numbers, but in canonical fragments."""
    try:
        return b"%b" % orjson.dumps(value, option=_SORTED)
    except TypeError as error:
        raise _refusal(value, error) from error


def decode(text: bytes | str) -> Any:
    """The value of canonical bytes, made of dicts, lists and scalars."""
    return orjson.loads(text)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def identity(data: bytes) -> str:
    """The first 128 bits of SHA-256 in hex: enough to tell the requests and scopes of one run apart."""
    return hashlib.sha256(data).hexdigest()[:32]


_LONGEST = 120


def _refusal(value: object, error: Exception) -> UsageError:
    where = _culprit(value)
    if isinstance(error.__cause__, _NotAwaited):
        return UsageError(f"{where} is {error.__cause__}")
    return UsageError(f"{where} has no canonical JSON form: {error}; {_REMEDY}")


class _NotAwaited(TypeError):
    """Somebody forgot to wait."""


_REMEDY = "use text, numbers, lists, dicts with text keys, dataclasses or pydantic models"


def _convert(value: Any) -> Any:
    """What the encoder does not know by itself."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError(f"{value} is not a number")
        return str(value)
    if hasattr(value, "__json__"):
        return value.__json__()
    if is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, name) for name in _field_names(type(value))}
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return [Fragment(item) for item in sorted(encode(item) for item in value)]
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "__await__"):
        raise _NotAwaited(f"{value!r}, which was not awaited; write `await` before it")
    raise TypeError(f"type {type(value).__name__} is not JSON")


@cache
def _field_names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _refuse_nan(value: Any, where: str) -> None:
    kind = type(value)
    if kind in _FINITE:
        return
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{where} is {value}, which JSON cannot hold; use None or text for it")
    for place, item in _parts(value):
        _refuse_nan(item, where + place)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What a value holds, each with its place in it."""
    if isinstance(value, Mapping):
        yield from ((f".{key}", item) for key, item in value.items())
    elif isinstance(value, list | tuple | Set):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((f".{field.name}", getattr(value, field.name)) for field in fields(value))
    elif hasattr(value, "model_dump"):
        yield "", value.model_dump()


def _culprit(value: Any, where: str = "value") -> str:
    """The innermost part of a value that cannot be encoded, by its path."""
    if len(where) > _LONGEST:  # a circle, or as good as one
        return f"{where[:_LONGEST]}..."
    items: Any = ()
    if isinstance(value, Mapping):
        items = ((f"{where}.{key}", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        items = ((f"{where}[{index}]", item) for index, item in enumerate(value))
    for path, item in items:
        try:
            orjson.dumps(item, default=_convert, option=_SORTED)
        except (TypeError, RecursionError):
            return _culprit(item, path)
    return where
