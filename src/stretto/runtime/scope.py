"""A scope: where a worker, or one branch of it, meets the journal. Steps are identified within their scope.

A scope is a single thread of control. It forks for every task and every concurrent branch, in the order of creation,
so that what a branch recorded is found again in whatever order the branches come back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from stretto.core import faults, media
from stretto.core.canonical import encode, identity
from stretto.core.errors import NotDone, UsageError
from stretto.core.events import Decided, Encoded, Event, Ref, StepDone, StepFailed
from stretto.core.ports import Codec, Durability
from stretto.core.scope import current
from stretto.policy.ledger import Account
from stretto.runtime import actions, failures, frontier
from stretto.runtime.recording import Record
from stretto.telemetry import traces

if TYPE_CHECKING:
    from stretto.runtime.execution import Execution
    from stretto.tools.tool import Tool

T = TypeVar("T")
_NOTHING: Any = frozenset()


class Scope:
    """One thread of control of a run, working for `worker`. Its forks have its key as the beginning of theirs."""

    __slots__ = (
        "_counts",
        "_forks",
        "_token",
        "account",
        "elsewhere",
        "input",
        "key",
        "origin",
        "owner",
        "parent",
        "queued",
        "retried",
        "retry",
        "run",
        "since",
        "talk",
        "worker",
    )

    def __init__(self, run: Execution, key: str, parent: Scope | None, worker: str, account: Account) -> None:
        self.run = run
        self.key = self.origin = key
        """`origin` is the same place in the first attempts of all tasks around: what an effect's key is made of."""
        self.retried = False
        """Whether what is done here may have to be found again by another attempt."""
        self.retry: int | None = None
        """Further tries after a failure, as the innermost task around says; None where none says anything."""
        self.input: bytes | None = None
        """What the task was given, as it is stored; None in a branch of one."""
        self.talk: Any = None
        """Of a turn of a conversation: what was said before, and then what the next one needs to know."""
        self.since: int = run.tick
        """How often the run's tasks had met when this began."""
        self.parent = parent
        self.worker = worker
        self.account = account
        self.owner: asyncio.Task[Any] | None = None
        self.queued = 0
        """Microseconds that it waited for its turn, as a branch, until the next task is given in it."""
        self.elsewhere: set[tuple[str, str]] = _NOTHING
        """What this scope and those inside it asked for in scopes around: the calls that were made there."""
        self._counts: dict[str, int] = {}
        self._forks = 0

    # ---- identity

    def identify(self, kind: str, name: str, request: bytes) -> str:
        """The identity of the next step with this kind, name and request: its occurrence among equals is counted."""
        self.check_owner()
        stem = f"{kind} {name} {identity(request)}"
        count = self._counts.get(stem, 0)
        self._counts[stem] = count + 1
        return f"{stem} {count}" if count else stem

    def fork(self) -> Scope:
        """The scope of a new branch."""
        self._forks += 1
        fork = Scope(self.run, f"{self.key}.{self._forks}", self, self.worker, self.account)
        fork.origin, fork.retried = f"{self.origin}.{self._forks}", self.retried
        fork.retry = self.retry
        return fork

    def child(self, key: str, worker: str, account: Account) -> Scope:
        """The scope of a task that was given to a worker."""
        child, here = Scope(self.run, key, self, worker, account), current.get()
        if here is not None and here is not self:  # it was called for here, and is awaited in a branch
            child.since = here.since
        return child

    def around(self) -> Iterator[Scope]:
        """The scopes around this one, innermost first."""
        scope = self.parent
        while scope is not None:
            yield scope
            scope = scope.parent

    @property
    def root(self) -> Scope:
        """The scope around all others."""
        return self.parent.root if self.parent is not None else self

    def __enter__(self) -> None:
        """Be the current scope of this asyncio task."""
        self.owner = asyncio.current_task(self.run.loop)
        self._token = current.set(self)

    def __exit__(self, *_: object) -> None:
        current.reset(self._token)

    def check_owner(self) -> None:
        """Refuse steps from a task that stretto did not see being made."""
        if self.owner is not asyncio.current_task(self.run.loop):
            raise UsageError(
                f"{self.worker} does something in a plain asyncio task that stretto did not see being made, so its "
                "place in the journal is not certain; use stretto's gather, race or timeout for branches"
            )

    # ---- the journal

    def recall(self, ident: str) -> Record | None:
        """What is recorded under this identity, which is claimed by it; None where it is new."""
        recording = self.run.recording
        record = recording.claim(self.key, ident) if recording.unclaimed else None
        if record is not None and current.get() is not self:
            self._note(ident)
        return record

    def _note(self, ident: str) -> None:
        """Remember in the branches that the running code is in that they asked for something of this scope."""
        here: Scope | None = current.get()
        while here is not None and here is not self:
            if not here.elsewhere:
                here.elsewhere = set()
            here.elsewhere.add((self.key, ident))
            here = here.parent

    def recall_of_other_model(self, ident: str) -> Record | None:
        """In a fork: what another model answered to the same request before the fork; it stays a fact."""
        recording = self.run.recording
        if self.run.reuse is None or self.key not in recording.unclaimed:
            return None
        kind, _, request = ident.split(" ", 2)
        found = (one for one in recording.unclaimed[self.key] if one.split(" ", 2)[::2] == [kind, request])
        other = next(found, None)
        return recording.claim(self.key, other) if other is not None else None

    def record(
        self,
        event: Event,
        ident: str,
        durability: Durability = Durability.BEHIND,
        *,
        blobs: Sequence[tuple[str, bytes]] = (),
        consumes: str = "",
    ) -> Awaitable[None] | None:
        """Append an event of this scope."""
        if current.get() is not self:
            self._note(ident)
        return self.run.append(event, self.key, ident, durability, blobs, consumes)

    async def frontier(self, wanted: str) -> None:
        """Let something new begin only when all that this scope and those around it recorded was asked for again."""
        self.run.check_open()
        if self.run.recording.unclaimed:
            await frontier.reached(self.run, self, wanted)

    # ---- effects

    async def step(
        self, kind: str, name: str, request: bytes, perform: Callable[[], Awaitable[T]], codec: Codec[T]
    ) -> T:
        """An effect that may be repeated: done once, recorded, and read back ever after."""
        ident = self.identify(kind, name, request)
        record = self.recall(ident)
        if record is not None and record.ended is not None:
            return await self.revive(record, codec)
        await self.frontier(f"{kind} {name}")
        return await self.perform(kind, name, ident, perform, codec, Encoded(request))

    async def perform(
        self,
        kind: str,
        name: str,
        ident: str,
        perform: Callable[[], Awaitable[T]],
        codec: Codec[T],
        request: Encoded | None,
        durability: Durability = Durability.BEHIND,
        *,
        doubt: bool = False,
    ) -> T:
        """Do an effect with no scope in sight, and record what came of it; `request` where no intent has it already.

        With `doubt`, one that raises anything but `NotDone` may have happened all the same.
        """
        run = self.run
        run.check_open()
        begun = time.perf_counter_ns()
        try:
            with run.outside():
                faults.site("effect.before")
                value = await (traces.within(self, ident, perform) if run.traced else perform())
                faults.site("effect.after")
            (data, value), given = run.secrets.stored(codec, value), value
            blobs = media.contents(data, given)
        except Exception as error:  # noqa: BLE001  the boundary at which an effect's error becomes an event
            failed = failures.of_step(
                kind, name, error, request, _microseconds(begun), doubt=doubt and not isinstance(error, NotDone)
            )
            surfaced = failures.tagged(failures.surfaced(error, failed, run.secrets), self.key, ident)
            await run.commit(self.record(failed, ident, durability))
            raise surfaced from (None if surfaced is error else error)
        event = StepDone(kind, name, Encoded(data), request, _microseconds(begun))
        done = self.record(event, ident, durability, blobs=blobs)
        if done is not None:
            await run.commit(done)
        return value

    async def revive(self, record: Record, codec: Codec[T]) -> T:
        """The recorded result of a step; a recorded failure is raised again."""
        assert record.ended is not None
        match record.ended.event():
            case StepDone(result=result):
                return codec.load(result if not isinstance(result, Ref) else await self.run.value(result))
            case StepFailed() as failed:
                error = failures.revived(failed, await self.run.value(failed.detail))
                raise failures.tagged(error, record.ended.scope, record.ended.ident)
            case other:
                raise AssertionError(f"a step ended with {other}")

    async def decide(self, name: str, choose: Callable[[], Any]) -> Any:
        """Something that depends on time or chance, settled once: the recorded value, else what `choose` says now."""
        ident = self.identify("decision", name, b"")
        found, value = await self.decided(ident)
        if found:
            return value
        await self.frontier(name)
        value = choose()
        self.settle(ident, name, value)
        return value

    def decide_now(
        self, name: str, request: bytes, choose: Callable[[], tuple[object, Sequence[tuple[str, bytes]]]]
    ) -> object:
        """`decide` where nothing can be awaited: a small value, and the blobs to store with it."""
        ident = self.identify("decision", name, request)
        record = self.recall(ident)
        if record is not None and record.ended is not None:
            event = record.ended.event()
            assert isinstance(event, Decided)
            return event.value
        self.run.check_open()
        self.run.owes_nothing(self, name)
        value, blobs = choose()
        self.record(Decided(name, Encoded(encode(value))), ident, blobs=blobs)
        return value

    async def decided(self, ident: str) -> tuple[bool, Any]:
        """Whether a decision is recorded, and what it was."""
        record = self.recall(ident)
        if record is None or record.ended is None:
            return False, None
        event = record.ended.event()
        assert isinstance(event, Decided)
        return True, await self.run.value(event.value)

    def settle(self, ident: str, name: str, value: Any) -> None:
        """Record a decision."""
        self.run.check_open()
        self.record(Decided(name, Encoded(encode(value))), ident)

    def tool(self, tool: Tool[Any, T], given: Mapping[str, Any]) -> Awaitable[T]:
        """A tool's call as a step of this run, behind the gates."""
        return actions.act(self, self.run.stand_in(tool), given)


def _microseconds(begun: int) -> int:
    return (time.perf_counter_ns() - begun) // 1000
