"""Values that the tasks of one run share: typed, merged by a rule, written and read as a whole.

    notes = shared("notes", list[str], merge=operator.add)     # inert data, anywhere in a module

    await notes.add(["found it"])                              # in a workflow, in any branch
    everything = await notes.get()

Who reads and writes first depends on time, so each reading and writing is a recorded step: a resumed run sees what it
saw. A write that is based on an outdated view, and that no rule merges, is a `WriteConflict`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar, cast, get_origin, overload

from stretto.core.canonical import decode, encode
from stretto.core.errors import UsageError, WriteConflict
from stretto.core.events import StepDone
from stretto.runtime.acts import Act, Nothing, Written, written
from stretto.runtime.board import NAME, board_of, key_of, keys, refuse, settle
from stretto.runtime.cells import Cell
from stretto.runtime.functions import here
from stretto.runtime.recording import MEMORY
from stretto.runtime.scope import Scope
from stretto.tools.codec import ANYTHING, TypeCodec, codec_for, name_of

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")
Rule = Callable[[T, T], T]
_MOST = 24
"""Values that one step reads or writes."""
_EMPTY = (list, dict, set, frozenset, tuple, str, int, float, bool)
_UNSET: Any = object()


def last_wins(old: T, new: T) -> T:  # noqa: ARG001  the shape of a rule
    """The rule by which the last writer wins."""
    return new


@dataclass(frozen=True)
class Shared(Generic[T]):
    """A value that all tasks of a run see under its name; see `shared`."""

    name: str
    kind: object
    merge: Rule[T] | None = None
    initial: object = _UNSET
    about: str = ""

    # ---- one value

    async def get(self) -> T:
        """The value now, the same on every replay."""
        return cast(T, (await _read(f"{self.name}.get", (self,)))[0])

    async def add(self, value: T) -> None:
        """Merge a value into what is there, by the rule; parallel additions lose nothing."""
        if self.merge is None:
            raise UsageError(
                f"{self.name} has no rule by which a value is merged; give it shared(..., merge=operator.add), "
                "max or a function of old and new, or use set()"
            )
        await _write(f"{self.name}.add", {self: ("add", value)})

    async def set(self, value: T) -> None:
        """Put a value in the place of what is there.

        Raises `WriteConflict` where another branch wrote since this one began or last looked, unless the rule is `last_wins`.
        """
        await _write(f"{self.name}.set", {self: ("set", value)})

    async def update(self, change: Callable[[T], T]) -> T:
        """Put what a function makes of the value in its place, at once; the new value. The function must be pure."""
        return self.codec.load(await _write(f"{self.name}.update", {self: ("update", change)}))

    # ---- for agents

    @cached_property
    def reader(self) -> Act:
        """The tool `read_NAME`, for agents."""
        return Act(f"read_{self.name}", f"Read {self._called}.", Nothing, lambda _: self.get())

    @cached_property
    def writer(self) -> Act:
        """The tool `add_to_NAME`, or `set_NAME` where no rule merges, for agents."""
        if self.merge is None:
            about = f"Write {self._called}, in place of what is there."
            return Act(f"set_{self.name}", about, written(self.kind), self._written(self.set))
        return Act(f"add_to_{self.name}", f"Add to {self._called}.", written(self.kind), self._written(self.add))

    def tools(self) -> list[Act]:
        """Both, for `Agent(tools=[*notes.tools()])`."""
        return [self.reader, self.writer]

    @property
    def _called(self) -> str:
        return f"{self.name!r}, which the workers of this run share{f': {self.about}' if self.about else ''}"

    @staticmethod
    def _written(write: Callable[[T], Awaitable[None]]) -> Callable[[Written[T]], Awaitable[str]]:
        async def act(given: Written[T]) -> str:
            await write(given.value)
            return "Written."

        return act

    # ---- how it is kept

    @cached_property
    def codec(self) -> TypeCodec[T]:
        """How its value crosses the journal."""
        return codec_for(self.kind)

    def stored(self, value: object, by: str) -> bytes:
        """The canonical form of a value that a worker, or the rule, wants to write."""
        try:
            return self.codec.dump(cast(T, value))  # it looks
        except ValueError as error:
            raise UsageError(f"{by} writes to {self.name!r} what is no {name_of(self.kind)}: {error}") from error

    def value(self, data: bytes | None) -> T:
        """The value of a canonical form; the initial one where nobody has written."""
        if data is not None:
            return self.codec.load(decode(data))
        if self.initial is not _UNSET:
            return self.codec.load(decode(self.stored(self.initial, "initial=")))  # nobody shares an object
        empty = get_origin(self.kind) or self.kind
        if empty in _EMPTY:
            return cast(T, empty())
        raise UsageError(
            f"nobody has written {self.name!r} yet, and no {name_of(self.kind)} is known to begin with; give it "
            "shared(..., initial=...)"
        )

    def merged(self, data: bytes | None, new: bytes) -> bytes:
        """What becomes of a value when another is added; the first is taken as it is where there is no initial one."""
        assert self.merge is not None
        if data is None and self.initial is _UNSET:
            return new
        return self.stored(self.merge(self.value(data), self.value(new)), "its rule")

    def __hash__(self) -> int:
        return hash(self.name)


def shared(
    name: str, kind: type[T], *, merge: Rule[T] | None = None, initial: T = _UNSET, about: str = ""
) -> Shared[T]:
    """A value of a type that all tasks of a run share under this name. Each run has its own.

    `merge(old, new)` is a pure function: what `add` makes of the value there and the one added, in the order of the
    journal (`operator.add` for lists and numbers, `operator.or_` for dicts and sets, `max`, ...). Without one, only
    `set` and `update` write. `last_wins` as the rule lets the last writer win. `initial` is the value before anyone wrote;
    collections, text and numbers begin empty. `about` tells a model what it is for.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"shared value {name!r}: a name is made of ASCII letters, digits and _, at most 40 of them")
    return Shared(name, kind, merge, initial, about)


# ---- several values


@overload
async def snapshot(first: Shared[T], second: Shared[U], /) -> tuple[T, U]: ...
@overload
async def snapshot(first: Shared[T], second: Shared[U], third: Shared[V], /) -> tuple[T, U, V]: ...
@overload
async def snapshot(*cells: Shared[Any]) -> tuple[Any, ...]: ...
async def snapshot(*cells: Shared[Any]) -> tuple[Any, ...]:
    """Several values as they stood at one moment: no half of another branch's `commit` is ever seen."""
    return tuple(await _read("snapshot", cells))


async def commit(values: Mapping[Shared[Any], object]) -> None:
    """Write several values at once, all or none: added where they have a rule, else set."""
    await _write("commit", {cell: ("add" if cell.merge is not None else "set", values[cell]) for cell in values})


# ---- steps


async def _cell(scope: Scope, cell: Shared[Any]) -> Cell:
    """The state of a value; what the journal has of it is gone through once its rule is known."""
    state = board_of(scope.run).cell(cell.name)
    if state.recorded:
        requests = [await scope.run.value(one.request) for one in state.recorded]
        for one, request in zip(state.recorded or (), requests, strict=False):  # unless somebody was quicker
            if request is None:
                state.past[one.at] = state.data
                continue
            for verb, value in request[cell.name].items():
                data = encode(value)
                state.take(verb, data, _after(cell, state, verb, data), one.by, one.tick, one.key)
    state.recorded = None
    return state


def _after(cell: Shared[Any], state: Cell, verb: str, data: bytes) -> bytes:
    """What the value is after a change."""
    return cell.merged(state.data, data) if verb == "add" else data


async def _read(name: str, cells: Iterable[Shared[Any]]) -> list[Any]:
    scope, cells = here(f"{name}()"), _few(cells)
    ident = scope.identify(MEMORY, name, encode([cell.name for cell in cells]))
    record = scope.recall(ident)
    states = [await _cell(scope, cell) for cell in cells]
    if record is not None and record.ended is not None:
        return [cell.value(state.past.pop((scope.key, ident))) for cell, state in zip(cells, states, strict=True)]
    await scope.frontier(name)
    values = [cell.value(state.data) for cell, state in zip(cells, states, strict=True)]
    versions = {cell.name: state.version for cell, state in zip(cells, states, strict=True)}
    settle(scope, MEMORY, name, ident, None, {"by": scope.worker, "versions": versions})
    for state in states:
        state.saw(keys(scope), scope.run.tick)
    return values


Change = tuple[str, Any]
"""`add`, `set` or `update`, and the value or the function."""


async def _write(name: str, changes: Mapping[Shared[Any], Change]) -> object:
    """Make changes at once, or none of them; what was written last."""
    scope, cells = here(f"{name}()"), _few(changes)
    given = {cell: cell.stored(value, scope.worker) for cell, (verb, value) in changes.items() if verb != "update"}
    ident = scope.identify(MEMORY, name, encode({cell.name: decode(data) for cell, data in given.items()}))
    record = scope.recall(ident)
    states = {cell: await _cell(scope, cell) for cell in cells}
    if record is not None and record.ended is not None:
        await scope.revive(record, ANYTHING)  # raises what it was refused with
        done = record.ended.event()
        assert isinstance(done, StepDone)
        [*_, value] = (await scope.run.value(done.request))[cells[-1].name].values()
        return value
    await scope.frontier(name)
    key = key_of(scope, ident)
    made: dict[Shared[Any], tuple[str, bytes]] = {}
    for cell, (verb, change) in changes.items():
        state = states[cell]
        if verb == "set" and cell.merge is not last_wins and state.is_news_to(scope):
            raise refuse(scope, MEMORY, name, ident, _conflict(scope, cell, state))
        if verb != "set" and key in state.made:
            made[cell] = "again", state.made[key]
        else:
            made[cell] = verb, given[cell] if verb != "update" else _updated(scope, cell, state, change)
    after = {cell: _after(cell, states[cell], *done) for cell, done in made.items()}
    request = {cell.name: {verb: decode(data)} for cell, (verb, data) in made.items()}
    versions = {cell.name: states[cell].version + (verb != "again") for cell, (verb, _) in made.items()}
    result = {"by": scope.worker, "versions": versions} | ({"key": key} if key else {})
    kept, tick = settle(scope, MEMORY, name, ident, encode(request), result), scope.run.tick
    for cell, (verb, data) in made.items():
        states[cell].saw(keys(scope), tick)
        states[cell].take(verb, data, after[cell], scope.worker, tick, key)
    await scope.run.commit(kept)
    return decode(made[cells[-1]][1])


def _updated(scope: Scope, cell: Shared[Any], state: Cell, change: Callable[[Any], object]) -> bytes:
    return cell.stored(change(cell.value(state.data)), scope.worker)


def _conflict(scope: Scope, cell: Shared[Any], state: Cell) -> WriteConflict:
    by = state.by if state.by != scope.worker else f"another task of {state.by}"
    return WriteConflict(
        f"{scope.worker} cannot set {cell.name!r}: {by} wrote version {state.version} of it meanwhile, which "
        f"{scope.worker} has not seen; read it again and decide anew, use update(), or give {cell.name!r} a rule: "
        "shared(..., merge=...), where merge=last_wins lets the last writer win"
    )


def _few(cells: Iterable[Shared[Any]]) -> list[Shared[Any]]:
    """The values that one step is about."""
    few = list(cells)
    if not 0 < len(few) <= _MOST:
        raise UsageError(f"one step reads or writes 1 to {_MOST} shared values, not {len(few)}; put them into one type")
    return few
