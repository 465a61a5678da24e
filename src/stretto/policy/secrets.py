"""Secrets: what a process knows and no journal may hold. Where one turns up in a run, its name stands in its place.

A run meets the masked value itself, so that it is the same after a crash: what a tool returns or raises, what a provider
answers with an error, what a worker is given and gives. Binary contents and what a prompt itself tells a model stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from stretto.core.canonical import decode, encode
from stretto.core.events import Encoded, Event
from stretto.core.ports import Codec

T = TypeVar("T")
SECRET = re.compile(r"(API_?KEY|SECRET|SECRET_KEY|ACCESS_KEY|TOKEN|PASSWORD|PASSWD)$", re.IGNORECASE)
"""How the names of variables end whose values are secrets."""
SHORTEST = 8
"""Characters: what is shorter may well be a word."""


class Secrets:
    """Values that must not be stored, by name."""

    def __init__(self, named: Mapping[str, str] | None = None) -> None:
        longest_first = sorted((named or {}).items(), key=lambda item: -len(item[1]))
        self._texts = [(value, f"[{name}]") for name, value in longest_first]
        self._bytes = [(encode(value)[1:-1], encode(told)[1:-1]) for value, told in self._texts]

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Secrets:
        """Those of an environment, known by the names of its variables."""
        return cls({name: value for name, value in variables.items() if len(value) >= SHORTEST and SECRET.search(name)})

    def __bool__(self) -> bool:
        return bool(self._texts)

    def mask(self, text: str) -> str:
        """Text with names in place of secrets."""
        for value, told in self._texts:
            text = text.replace(value, told)
        return text

    def masked(self, data: bytes) -> bytes:
        """Canonical bytes with names in place of secrets; the same object where there is none."""
        if not self._bytes or not any(value in data for value, _ in self._bytes):
            return data
        for value, told in self._bytes:
            data = data.replace(value, told)
        return encode(decode(data))  # a masked key may sort elsewhere

    def stored(self, codec: Codec[T], value: T) -> tuple[bytes, T]:
        """See `Codec.stored`: the bytes without secrets, and the value as they have it."""
        data, value = codec.stored(value)
        if not self._bytes or (told := self.masked(data)) is data:
            return data, value
        return told, codec.load(decode(told))

    def kept(self, event: Event) -> Event:
        """An event as it may be stored."""
        told = {field.name: self._kept(getattr(event, field.name)) for field in fields(event)}  # type: ignore[arg-type]  # each kind of event is a dataclass
        changed = {name: value for name, value in told.items() if value is not getattr(event, name)}
        return replace(event, **changed) if changed else event  # type: ignore[type-var]  # likewise

    def _kept(self, value: Any) -> Any:
        match value:
            case str():
                return value if (told := self.mask(value)) == value else told
            case Encoded(data):
                return value if (masked := self.masked(data)) is data else Encoded(masked)
            case dict() | list() | tuple():
                return value if (masked := self.masked(data := encode(value))) is data else decode(masked)
            case _:
                return value
