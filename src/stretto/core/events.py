"""The events of a run, and their envelope in the journal.

An event's body holds plain JSON. A field that is a `Value` is whatever a worker, tool or person gave: canonical bytes
when written (spilled into the blob table where large, the field's name then ends in `@`), JSON when read.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any, ClassVar

from stretto.core.canonical import Fragment, decode, digest, encode
from stretto.core.errors import JournalError
from stretto.core.frozen import frozen
from stretto.core.values import RunState

SPILL = 2048
"""Bytes above which a value goes to the blob table."""


Encoded = bytes
"""Canonical bytes of a value, on its way into the journal; JSON itself holds no bytes, so nothing else can be meant."""


@frozen
class Ref:
    """A value in the blob table, by its SHA-256."""

    digest: str


Value = Encoded | Ref | Any


class Event:
    """What happened. `kind` is its name in the journal."""

    kind: ClassVar[str]
    __slots__ = ()


@dataclass(slots=True)
class RunStarted(Event):
    """A run began: `worker` by name, `code` says where a process finds it, `settings` what it was started with."""

    kind = "run_started"
    worker: str
    input: Value
    code: str = ""
    settings: Value = None
    version: str = ""
    forked_from: str = ""
    forked_at: int = 0


@dataclass(slots=True)
class RunResumed(Event):
    """A process took the run up again; `retry` says that what failed is tried again."""

    kind = "run_resumed"
    process: str = ""
    retry: bool = False


@dataclass(slots=True)
class RunParked(Event):
    """All that is left waits; the run is a row on disk until an answer comes, or `wake` (microseconds) has come."""

    kind = "run_parked"
    waits: tuple[str, ...] = ()
    wake: int | None = None


@dataclass(slots=True)
class RunFinished(Event):
    """The run's result."""

    kind = "run_finished"
    output: Value


@dataclass(slots=True)
class RunFailed(Event):
    """The run ended in an error; `path` lists the scopes it passed through, innermost first."""

    kind = "run_failed"
    failure: Value
    path: tuple[str, ...] = ()


@dataclass(slots=True)
class RunCancelled(Event):
    """Somebody stopped the run."""

    kind = "run_cancelled"
    by: str = ""
    reason: str = ""


@dataclass(slots=True)
class TaskStarted(Event):
    """A worker was given a task; `task` is the scope in which it works. It was `queued` so many microseconds before."""

    kind = "task_started"
    worker: str
    task: str
    input: Value
    label: str = ""
    attempt: int = 1
    fingerprint: str = ""
    reused: bool = False
    queued: int = 0


@dataclass(slots=True)
class TaskFinished(Event):
    """A task's result. `memo` is what the next turn of a conversation needs to know of this one."""

    kind = "task_finished"
    output: Value
    memo: Value = None


@dataclass(slots=True)
class TaskFailed(Event):
    """A task ended in an error; `again` says that another attempt follows."""

    kind = "task_failed"
    failure: Value
    again: bool = False


@dataclass(slots=True)
class StepIntended(Event):
    """An effect is about to happen. `key` is its idempotency key, `reserved` the most it can cost, in USD; `before` is
    what an irreversible call is about to change, or that nobody says.
    """

    kind = "step_intended"
    step: str
    name: str
    request: Value
    effect: str = "once"
    key: str = ""
    reserved: str = ""
    reserved_tokens: int = 0
    before: Value = None


@dataclass(slots=True)
class StepDone(Event):
    """An effect happened. `request`: where there was no intent; `took`: microseconds, of these `queued` for its turn."""

    kind = "step_done"
    step: str
    name: str
    result: Value
    request: Value = None
    took: int = 0
    usage: tuple[int, int, int, int] | None = None
    cost: str = ""
    model: str = ""
    attempt: int = 1
    queued: int = 0


@dataclass(slots=True)
class StepFailed(Event):
    """An effect failed, and is known not to have happened, or may be repeated. `detail` revives the error."""

    kind = "step_failed"
    step: str
    name: str
    error: str
    type: str = ""
    detail: Value = None
    request: Value = None
    took: int = 0
    cost: str = ""
    doubt: bool = False


@dataclass(slots=True)
class Asked(Event):
    """The run waits for somebody or something: `wait` is the id an answer names, `digest` binds it to what was shown."""

    kind = "asked"
    wait: str
    ask: str
    prompt: str = ""
    tool: str = ""
    args: Value = None
    risk: str = ""
    preview: Value = None
    base: str = ""
    digest: str = ""
    to: str = ""
    expires: int | None = None
    schema: Value = None
    content: Value = None
    of: str = ""
    worker: str = ""


@dataclass(slots=True)
class Answered(Event):
    """An answer was taken: who, through which channel, what; `edited` is the digest of what was approved instead, `shown`
    for how many seconds the question stood before whoever answered, if known, `letter` the key of what brought a signal.
    """

    kind = "answered"
    wait: str
    decision: str
    value: Value = None
    reason: str = ""
    by: str = ""
    channel: str = ""
    edited: str = ""
    shown: float | None = None
    letter: str = ""


@dataclass(slots=True)
class Declined(Event):
    """A letter that could not be taken, and why: the question was answered already, or the edit did not fit."""

    kind = "declined"
    letter: str
    reason: str
    by: str = ""


@dataclass(slots=True)
class Decided(Event):
    """Something that depended on time or order was settled once: who won, what timed out, which plan is in force."""

    kind = "decided"
    name: str
    value: Value = None


@dataclass(slots=True)
class Ruled(Event):
    """A person approved all further calls of a tool in this run, those that fit `where`; answers by it name `rule`."""

    kind = "ruled"
    rule: str
    tool: str
    where: str = ""
    by: str = ""
    channel: str = ""


@dataclass(slots=True)
class Pruned(Event):
    """Somebody removed the contents of the `events` before this one; `proof` is a digest of what is left of them."""

    kind = "pruned"
    events: int
    proof: str
    by: str = ""


class Gone(Event):
    """What an event says whose content was pruned: nothing."""

    kind = "gone"
    __slots__ = ()


KINDS: dict[str, type[Event]] = {
    kind.kind: kind
    for kind in (
        RunStarted, RunResumed, RunParked, RunFinished, RunFailed, RunCancelled, TaskStarted, TaskFinished, TaskFailed,
        StepIntended, StepDone, StepFailed, Asked, Answered, Declined, Decided, Ruled, Pruned,
    )
}  # fmt: skip

NOTHING = b"null"
"""The body of an event whose content was pruned."""

STATE_AFTER: dict[str, RunState] = {
    RunStarted.kind: RunState.RUNNING,
    RunResumed.kind: RunState.RUNNING,
    RunParked.kind: RunState.WAITING,
    RunFinished.kind: RunState.DONE,
    RunFailed.kind: RunState.FAILED,
    RunCancelled.kind: RunState.CANCELLED,
}
"""The state machine of a run: every other event leaves it running. RUNNING leads anywhere, WAITING and FAILED only
back to RUNNING (or to CANCELLED), DONE only to RUNNING, where somebody says more, and CANCELLED nowhere."""


def write(event: Event) -> tuple[bytes, list[tuple[str, bytes]]]:
    """An event's canonical body, and the blobs (digest, bytes) that belong to it."""
    body: dict[str, Any] = {}
    blobs: list[tuple[str, bytes]] = []
    for name, default in _fields(event.kind):
        value = getattr(event, name)
        if value is default:
            continue
        kind = type(value)
        if kind is Encoded:
            if len(value) <= SPILL:
                body[name] = Fragment(value)
            else:
                body[f"{name}@"] = key = digest(value)
                blobs.append((key, value))
        elif kind is Ref:
            body[f"{name}@"] = value.digest
        elif value != default:
            body[name] = value
    return encode(body), blobs


def read(kind: str, body: bytes) -> Event:
    """The event of a stored body; unknown fields of a newer release are left out."""
    if kind not in KINDS:
        raise JournalError(f"event kind {kind!r} is not known to this release of stretto; upgrade it to read this run")
    if body == NOTHING:
        return Gone()
    values = decode(body)
    names, tuples = _shape(kind)
    if not values.keys() <= names:
        values = dict(_readable(names, values))
    for name in tuples:
        if values.get(name) is not None:
            values[name] = tuple(values[name])
    return KINDS[kind](**values)


_TUPLES = {"waits", "path", "usage"}


def _readable(names: Set[str], values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if name.endswith("@"):
            yield name[:-1], Ref(value)
        elif name in names:
            yield name, value


@cache
def _shape(kind: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """The names of an event's fields, and of those among them that JSON has as lists."""
    names = frozenset(name for name, _ in _fields(kind))
    return names, tuple(names & _TUPLES)


@cache
def _fields(kind: str) -> tuple[tuple[str, Any], ...]:
    shape = fields(KINDS[kind])  # type: ignore[arg-type]  # each kind is a dataclass
    return tuple((field.name, _REQUIRED if field.default is MISSING else field.default) for field in shape)


_REQUIRED = object()


@dataclass(slots=True)
class Row:
    """An event in its envelope, as committed: `time` in microseconds since 1970, `hash` over all else and `prev`."""

    run: str
    seq: int
    time: int
    epoch: int
    scope: str
    kind: str
    ident: str
    body: bytes
    prev: str
    hash: str

    def event(self) -> Event:
        """The event itself."""
        return read(self.kind, self.body)

    def line(self) -> bytes:
        """The event as one line of an export: canonical JSON, with its hash."""
        return encode({**self.sealed(), "hash": self.hash})

    def sealed(self) -> dict[str, Any]:
        """Everything that the hash covers."""
        return envelope(
            self.run, self.seq, self.time, self.epoch, self.scope, self.kind, self.ident, self.body, self.prev
        )


def envelope(
    run: str, seq: int, time: int, epoch: int, scope: str, kind: str, ident: str, body: bytes, prev: str
) -> dict[str, Any]:
    """Everything that a hash covers; its canonical form is what is hashed."""
    return {
        "body": Fragment(body), "epoch": epoch, "ident": ident, "kind": kind, "prev": prev, "run": run, "scope": scope,
        "seq": seq, "time": time,
    }  # fmt: skip
