"""A model's window: how much of it messages may fill, and decisions that depend on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from stretto.core.canonical import encode
from stretto.core.errors import ContextOverflow
from stretto.core.events import Decided, Encoded
from stretto.core.frozen import frozen
from stretto.core.ports import Durability, Model
from stretto.runtime.scope import Scope

T = TypeVar("T")
REMEDY = (
    "give it less at once (map_reduce splits what is larger than any window), use a model with a larger window, "
    "or lower max_tokens in its settings"
)


@frozen
class Window:
    """The smallest window of the models that may answer. `size` is all of it, `room` what messages may fill, in tokens."""

    model: str
    size: int
    room: int

    @classmethod
    def of(
        cls, models: Sequence[Model], settings: Mapping[str, Any], around: int, at_most: int | None = None
    ) -> Window:
        """`around` is what stands beside the messages: tools and the schema of the answer. A window is `at_most` so large.

        All in tokens. Room is left for the answer, `max_tokens` or what the model may give, but for half the window at most.
        """
        limit, found = settings.get("max_tokens"), None
        for model in models:
            size = min(model.window, at_most or model.window)
            room = size - min(int(limit or model.max_output), size // 2) - around
            if found is None or room < found.room:
                found = cls(model.name, size, room)
        assert found is not None, "an agent has a model"
        return found

    def refuse(self, agent: str, size: int, why: str) -> ContextOverflow:
        """The error of a request whose messages are likely to come to `size` tokens."""
        return ContextOverflow(
            f"{agent} would send about {size} tokens of messages, and the window of {self.model} ({self.size} tokens) has "
            f"room for {max(0, self.room)} beside its tools and its answer; {why}",
            window=self.size,
            size=size,
        )


async def settled(
    scope: Scope,
    name: str,
    about: str,
    choose: Callable[[], T | None],
    blobs: Callable[[], Iterable[tuple[str, bytes]]] = tuple,
) -> T | None:
    """What depends on a window, decided once: as it was recorded, else as `choose` says; None is not recorded.

    A window may have another size when a run is resumed, and what has happened stays as it was. A decision is committed
    before it counts, with `blobs` and all that was recorded before, so that what it names can be read back.
    """
    ident = ""
    if replaying(scope):
        ident = scope.identify("decision", name, about.encode())
        found, value = await scope.decided(ident)
        if found or replaying(scope):
            return cast(T | None, value)
    chosen = choose()
    if chosen is None:
        return None
    await scope.frontier(name)
    ident = ident or scope.identify("decision", name, about.encode())
    decided = Decided(name, Encoded(encode(chosen)))
    await scope.run.commit(scope.record(decided, ident, Durability.COMMITTED, blobs=tuple(blobs())))
    return chosen


def replaying(scope: Scope) -> bool:
    """Whether more is recorded of the scope than its code has asked for again."""
    return scope.key in scope.run.recording.unclaimed


def shares(sizes: Sequence[int], budget: int) -> list[int]:
    """A budget divided: the small ones get what they need, the large ones the same each."""
    given, left = [0] * len(sizes), budget
    for place, index in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        given[index] = min(sizes[index], left // (len(sizes) - place))
        left -= given[index]
    return given
