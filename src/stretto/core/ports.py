"""The whole extension surface: what each part may ask of another. Each port is narrow; drivers stand behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol, TypeVar, runtime_checkable

from stretto.core.events import Event, Row
from stretto.core.messages import Delta, ModelReply, ModelRequest, Rates
from stretto.core.values import Action, Budget, Judgement, RunState, at_once

T = TypeVar("T", covariant=True)


class Codec(Protocol[T]):
    """How values of one type cross the journal, validated on the way in and on the way out."""

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the type."""
        ...

    def check(self, value: Any) -> T:
        """The value as the type has it; raises `ValueError` saying what does not fit."""
        ...

    def stored(self, value: Any) -> tuple[bytes, T]:
        """The canonical bytes of a value, and the value as a later reader gets it."""
        ...

    def load(self, value: Any) -> T:
        """The value of decoded JSON; raises `ValueError` where it does not fit the type."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """How a worker's tasks are run: attempts after a failure, seconds a try may take, and a budget of their own.

    With `retry=0` nothing is tried again, not even a model call that failed in passing; None leaves that as it is.
    `limit` is how many of them are at work at once in a run; None is no limit.
    """

    retry: int | None = None
    timeout: float | None = None
    budget: Budget | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        at_once(self.limit)


class Worker(Protocol):
    """Anything that does work: typed input to typed output, with a name."""

    @property
    def name(self) -> str:
        """What the journal, the plan and people call it."""
        ...

    @property
    def takes(self) -> Codec[Any]:
        """How its input crosses the journal."""
        ...

    @property
    def gives(self) -> Codec[Any]:
        """How its output crosses the journal."""
        ...

    @property
    def options(self) -> Options:
        """How its tasks are run."""
        ...

    def fingerprint(self) -> str:
        """Changes when the worker would do something else with the same input."""
        ...

    async def work(self, context: Any, value: Any) -> Any:
        """Do it. Every effect goes through the context."""
        ...


class Model(Protocol):
    """Something that continues a conversation."""

    name: str
    """`provider:model`, as the journal and the bill call it."""
    rates: Rates | None
    """What it costs; None where the price is unknown."""
    window: int
    """Tokens that fit into one request and its answer."""
    max_output: int
    """The most tokens it answers with where a request sets no `max_tokens`."""

    async def reply(self, request: ModelRequest, watch: Callable[[Delta], None] | None = None) -> ModelReply:
        """One answer, streamed to `watch` where that is given; raises `ModelError`."""
        ...

    def estimate(self, request: ModelRequest) -> int:
        """No fewer input tokens than the request will be billed for."""
        ...


class Durability(IntEnum):
    """When an append may be relied on."""

    BEHIND = 0
    """Commits soon; the caller does not wait."""
    COMMITTED = 1
    """The caller waits for the commit, which survives the death of the process."""
    FULL = 2
    """The caller waits until it is on disk, with everything appended before; it survives the death of the machine."""


@dataclass(slots=True)
class Lease:
    """The right to append to one run. `seq`, `head` and `time` are the chain's end, moved by the journal alone."""

    run: str
    epoch: int = 0
    seq: int = 0
    head: str = ""
    time: int = 0
    held: bool = True


@dataclass(slots=True)
class Entry:
    """An event on its way into the journal: `consumes` names the inbox item it answers, `time` is in microseconds."""

    event: Event
    scope: str
    ident: str
    time: int
    blobs: Sequence[tuple[str, bytes]] = ()
    consumes: str = ""


@dataclass(frozen=True, slots=True)
class RunRow:
    """What the journal's index says of a run; times in microseconds since 1970.

    `held`: a living process has it. A run that is running and not held was interrupted, and can be taken up.
    """

    id: str
    state: RunState
    worker: str
    created: int
    updated: int
    wake: int | None = None
    held: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """Something posted to a run by who does not hold it: an answer, a signal, a cancellation."""

    run: str
    key: str
    body: bytes = field(repr=False)


class Journal(Protocol):
    """The ordered, append-only, hash-chained events of runs."""

    at_once: int
    """So many events `read` gives without waiting for anything."""

    def append(self, lease: Lease, entries: Sequence[Entry], durability: Durability) -> Awaitable[None] | None:
        """Append in order, all or nothing; None where there is nothing to wait for. Raises `JournalError`.

        An event that ends the run also lets go of its lease.
        """
        ...

    async def read(self, run: str, after: int = -1, limit: int | None = None) -> list[Row]:
        """The committed events of a run behind sequence number `after`, at most `limit` of them."""
        ...

    async def blob(self, digest: str) -> bytes:
        """A stored value by its SHA-256."""
        ...

    async def runs(self, *, state: RunState | None = None, limit: int = 1000) -> list[RunRow]:
        """The index of runs, newest first."""
        ...

    async def find(self, run: str) -> RunRow | None:
        """One run's row in the index."""
        ...

    async def close(self) -> None:
        """Commit what is pending and let go of the store."""
        ...


class Leases(Protocol):
    """Who may append to a run."""

    async def create(self, run: str, *, fresh: bool = False) -> Lease | None:
        """The lease of a run that does not exist yet; None where it does. `fresh`: the id is known to be new.

        A run whose creator died before its first event does not exist.
        """
        ...

    async def acquire(self, run: str) -> Lease | None:
        """The lease of an existing run with a new epoch; None while somebody else lives and holds it."""
        ...

    async def park(self, lease: Lease, entry: Entry, known: frozenset[str]) -> bool:
        """Append the parking entry and let go, unless a letter waits whose key is not `known`: then neither, and False."""
        ...

    async def release(self, lease: Lease) -> None:
        """Let go."""
        ...


class Inbox(Protocol):
    """Letters to runs, from anyone, durable, each key once."""

    async def post(self, letter: Letter) -> bool:
        """Store a letter; False where one with this key was posted before."""
        ...

    async def letters(self, run: str) -> list[Letter]:
        """What was posted and not yet consumed."""
        ...

    async def due(self, now: int) -> list[tuple[str, frozenset[str]]]:
        """The parked runs whose time to wake has come (with no keys), or that have letters (with the letters' keys)."""
        ...

    def listen(self, run: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` in this loop soon after a letter for the run arrives; returns how to stop that."""
        ...


class Store(Journal, Leases, Inbox, Protocol):
    """A database is all three."""

    def observe(self, observer: Observer) -> None:
        """Show every committed event to an observer."""
        ...


@runtime_checkable
class Retention(Protocol):
    """A store that grows old: what need not be kept can be removed, and the proof that it was there stays."""

    async def prune(self, run: str, by: str, now: int) -> bool:
        """Remove what the events of a run that has ended say, and its letters; False where there is nothing to do."""
        ...

    async def sweep(self) -> int:
        """Remove the values that no event names any more; how many there were."""
        ...

    async def compact(self) -> None:
        """Sweep, and give the room back to the file system."""
        ...


class Observer(Protocol):
    """Somebody who watches: sees committed events only, and can't stop a run."""

    def see(self, rows: Sequence[Row]) -> None:
        """Events that were just committed, in order."""
        ...


@runtime_checkable
class Tracer(Observer, Protocol):
    """An observer that follows runs from process to process, and has something to deliver in the end."""

    def open(self, blob: Callable[[str], Awaitable[bytes]]) -> None:
        """A store is open: `blob` reads its large values, in the running loop."""
        ...

    def recall(self, rows: Sequence[Row]) -> None:
        """What a run did before it is taken up here."""
        ...

    async def close(self) -> None:
        """Deliver what is left, as far as that is quick."""
        ...


class Gate(Protocol):
    """A rule about actions. `version` changes with the rules; approvals bind to it."""

    @property
    def version(self) -> str:
        """Names the rules in force."""
        ...

    def judge(self, action: Action) -> Judgement:
        """Allow, ask or deny, with the reason."""
        ...


class Clock(Protocol):
    """The time of day."""

    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Memo:
    """Something known across runs: `run` said it at `time` (microseconds since 1970). `terms` are what it is found by.

    `kind` is "memory" where somebody asked that it be remembered; what a run said by itself is "output" or "answer".
    """

    text: str
    run: str
    time: int
    space: str = ""
    kind: str = "memory"
    about: str = ""
    tags: tuple[str, ...] = ()
    key: str = ""
    """What makes writing it twice one: empty where it can be written anew."""
    terms: str = field(default="", repr=False)
    id: int = 0


class Memory(Protocol):
    """What is known across runs, apart from the journals, and searched by words."""

    async def remember(self, memo: Memo) -> int:
        """Keep a memo; its id. One with a key that is there is not kept twice."""
        ...

    async def search(
        self, space: str, terms: Sequence[str], *, since: int = 0, without: str = "", limit: int = 5
    ) -> list[Memo]:
        """Memos of a space with any of these terms, best first; with no terms all of them, newest first.

        `since` in microseconds since 1970. What the run `without` said by itself is left out.
        """
        ...

    async def find(self, id: int) -> Memo | None:
        """One memo."""
        ...

    async def forget(self, id: int) -> bool:
        """Remove one; False where it is not there."""
        ...

    async def indexed(self) -> dict[str, int]:
        """The runs whose words were taken in, each with the time (`RunRow.updated`) as of which they were."""
        ...

    async def index(self, run: str, updated: int, memos: Sequence[Memo]) -> None:
        """Take in what a run said by itself, in place of what was taken in of it before."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A store with a memory beside its journal."""

    @property
    def memory(self) -> Memory:
        """What is known across its runs."""
        ...
