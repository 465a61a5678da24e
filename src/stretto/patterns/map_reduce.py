"""`map_reduce(read, merge)`: a text larger than any window, in pieces; what is found in them is merged until one is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from stretto.core.canonical import decode, encode
from stretto.core.errors import ContextOverflow, UsageError
from stretto.core.guesses import guided
from stretto.core.ports import Codec
from stretto.core.text import as_text
from stretto.core.values import at_once
from stretto.memory.chunks import chunks
from stretto.models.tokens import likely_text
from stretto.runtime import tasks
from stretto.runtime.branches import gather
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker

SIZE = 4_000
"""Tokens that a worker is given at once where neither the caller nor a model's window says."""


@dataclass(frozen=True)
class MapReduce(Worker[Any, Any]):
    """One worker for the pieces, one for what came of them."""

    mapper: Worker[Any, Any]
    reducer: Worker[Any, Any]
    size: int | None = None
    limit: int | None = 8
    field: str = ""
    name: str = "map_reduce"

    async def work(self, context: Scope, value: object) -> object:
        """Read all pieces at once; then merge as many results as fit, level by level. Where it cuts is recorded."""
        text, rest = self._taken_apart(value)
        room = self._room(context, self.mapper, self.size) - _tokens(rest)
        if room < 1:
            raise ContextOverflow(
                f"{self.name}: {self.mapper.name} has no room for a piece beside what it is told", window=room
            )
        lengths = await context.decide("pieces", lambda: [len(piece) for piece in chunks(text, room, _tokens)] or [0])
        pieces = [self._put(rest, piece) for piece in _sliced(text, lengths)]
        results = await self._all(self.mapper, pieces, "piece {} of {}")
        level = 1
        while True:
            room = self._room(context, self.reducer) - _tokens(rest)
            groups = _sliced(results, await context.decide("groups", lambda: self._groups(results, room)))  # noqa: B023  called now
            whole = [self._put(rest, self._merged(group)) for group in groups]
            results = await self._all(self.reducer, whole, f"level {level}, {{}} of {{}}")
            if len(results) == 1:
                return results[0]
            level += 1

    async def _all(self, worker: Worker[Any, Any], values: Sequence[Any], label: str) -> list[Any]:
        calls: list[tasks.Call[Any]] = [
            tasks.Call(worker, value, label.format(n, len(values))) for n, value in enumerate(values, 1)
        ]
        results: list[Any] = await gather(calls, limit=self.limit)
        return results

    def _taken_apart(self, value: object) -> tuple[str, dict[str, Any]]:
        """The long text, and what stands beside it."""
        if not self.field:
            if not isinstance(value, str):
                raise UsageError(f"{self.name} takes a text; name the field that holds it with field=...")
            return value, {}
        whole = decode(encode(value))
        if not isinstance(whole, dict) or not isinstance(whole.get(self.field), str):
            raise UsageError(f"{self.name} takes an object whose field {self.field!r} is a text")
        return whole.pop(self.field), whole

    def _put(self, rest: dict[str, Any], part: Any) -> Any:
        return {**rest, self.field: part} if self.field else part

    def _room(self, scope: Scope, worker: Worker[Any, Any], size: int | None = None) -> int:
        """How much a worker is given at once, in tokens: `size`, or what its model's window has room for."""
        rooms = [room for room in _rooms(scope, worker) if room is not None]
        return min([size, *rooms]) if size is not None else min(rooms, default=max(SIZE, self.size or 0))

    def _groups(self, results: Sequence[Any], room: int) -> list[int]:
        """How many results are merged at once; one alone only where it is all there is, or is left over."""
        groups, filled = [0], 0
        for result in results:
            size = _tokens(result) + 1
            if groups[-1] and filled + size > room:
                if groups[-1] == 1:
                    raise ContextOverflow(
                        f"{self.name} cannot merge: two results come to about {filled + size} tokens, and {self.reducer.name} "
                        f"takes {room} at once; have {self.mapper.name} answer shorter, or use a model with a larger window",
                        window=room,
                        size=filled + size,
                    )
                groups.append(0)
                filled = 0
            groups[-1] += 1
            filled += size
        return groups

    def _merged(self, results: Sequence[Any]) -> Any:
        """What a reducer is given: text where it, or its field, takes text; else the list."""
        schema = self.reducer.takes.schema
        kind = schema.get("properties", {}).get(self.field, {}) if self.field else schema
        if kind.get("type") == "string":
            return "\n\n".join(map(as_text, results))
        return list(results)

    @property
    def takes(self) -> Codec[Any]:
        """What the mapper takes; only longer."""
        return self.mapper.takes

    @property
    def gives(self) -> Codec[Any]:
        """What the reducer gives."""
        return self.reducer.gives

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """Both."""
        return (self.mapper, self.reducer)


@guided
def map_reduce(
    mapper: object,
    reducer: object,
    *,
    size: int | None = None,
    limit: int | None = 8,
    field: str = "",
    name: str = "map_reduce",
) -> MapReduce:
    """A worker for a text of any length: `mapper` gets it piece by piece, `reducer` the list of what came of them.

    A piece has at most `size` tokens, or as many as the models' windows have room for, and ends where a paragraph, a
    line, a sentence or a word does. `limit` pieces are worked on at once. Results that are too many for one request are
    reduced in groups, and what comes of these again, until one is left. With `field` the input is an object: the text
    stands in that field, and pieces and results take its place in it, beside all else.

    Raises `ContextOverflow` where two results are too long to be merged in one request.
    """
    if size is not None and size < 1:
        raise UsageError(f"size={size} would cut the text to nothing; it is at least 1 token")
    return MapReduce(as_worker(mapper), as_worker(reducer), size, at_once(limit), field, name)


def _rooms(scope: Scope, worker: Worker[Any, Any]) -> Iterable[int | None]:
    """What the worker says, else what those say that it is made of."""
    said: Callable[[Scope], int | None] | None = getattr(worker, "room", None)
    room = said(scope) if said is not None else None
    if room is not None:
        yield room
        return
    for member in getattr(worker, "members", ()):
        yield from _rooms(scope, member)


def _tokens(value: Any) -> int:
    """What a value is likely to come to as JSON, the longest form in which a model sees it."""
    return likely_text(encode(value).decode()) if value else 0


def _sliced(whole: Any, lengths: Iterable[int]) -> list[Any]:
    pieces, start = [], 0
    for length in lengths:
        pieces.append(whole[start : start + length])
        start += length
    return pieces
