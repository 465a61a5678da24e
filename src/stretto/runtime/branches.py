"""Concurrent branches of one scope: all of them, the first of them, or one of them against the clock.

Each branch gets a scope of its own, in the order of creation. Who failed first, who won and what timed out depend on
time, so they are recorded decisions.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import copy_context
from typing import Any, Literal, TypeVar, overload

from stretto.core.errors import Evicted, UsageError
from stretto.core.scope import current
from stretto.core.values import Done, Failed, at_once
from stretto.core.values import seconds as in_seconds
from stretto.runtime import failures
from stretto.runtime.scope import Scope

T = TypeVar("T")
Enough = Callable[["Done[Any] | Failed"], bool]
LATE = -1
"""The decision that the clock made."""


@overload
async def gather(*calls: Awaitable[T], limit: int | None = None, on_error: Literal["raise"] = "raise") -> list[T]: ...
@overload
async def gather(
    calls: Iterable[Awaitable[T]], /, *, limit: int | None = None, on_error: Literal["raise"] = "raise"
) -> list[T]: ...
@overload
async def gather(
    *calls: Awaitable[T], limit: int | None = None, on_error: Literal["collect"]
) -> list[Done[T] | Failed]: ...
@overload
async def gather(
    calls: Iterable[Awaitable[T]], /, *, limit: int | None = None, on_error: Literal["collect"]
) -> list[Done[T] | Failed]: ...
async def gather(*calls: Any, limit: int | None = None, on_error: str = "raise") -> list[Any]:
    """Await all calls at once and give their results in the order of the calls.

    At most `limit` run at a time. With `on_error="raise"` the first failure ends the others (what they have begun is
    recorded) and is raised; with "collect" each result is a `Done` or a `Failed`, and nothing is lost.
    """
    if on_error not in ("raise", "collect"):
        raise UsageError(f"on_error={on_error!r} is not known; it is 'raise' or 'collect'")
    branches = Branches("gather", _listed(calls), limit)
    if on_error == "collect":
        await branches.run(_never)
        return branches.outcomes
    await branches.decide(lambda outcome: not outcome.ok)
    return [branches.result(index) for index in range(len(branches.calls))]


async def race(*calls: Awaitable[T]) -> T:
    """Await all calls at once; the first result wins, the others are abandoned. A failure that comes first is raised."""
    if not calls:
        raise UsageError("race needs at least one call")
    branches = Branches("race", list(calls), None)
    return branches.result(await branches.decide(_always))  # type: ignore[no-any-return]


async def timeout(limit: float | str, call: Awaitable[T]) -> T:
    """The call's result, or `TimeoutError` where it takes longer than `limit` (seconds, or like "2 min")."""
    branches = Branches("timeout", [call], None)
    if await branches.decide(_always, in_seconds(limit)) == LATE:
        raise TimeoutError(f"it took longer than {in_seconds(limit):g} s")
    return branches.result(0)  # type: ignore[no-any-return]


def _listed(calls: tuple[Any, ...]) -> list[Awaitable[Any]]:
    if len(calls) == 1 and not inspect.isawaitable(calls[0]):
        return list(calls[0])
    return list(calls)


def _never(_: Done[Any] | Failed) -> bool:
    return False


def _always(_: Done[Any] | Failed) -> bool:
    return True


class Branches:
    """The branches that one call makes, and how they ended."""

    def __init__(self, kind: str, calls: Sequence[Awaitable[Any]], limit: int | None) -> None:
        scope = current.get()
        self.kind, self.calls = kind, calls
        try:
            if scope is None:
                raise UsageError(
                    f"{kind} works inside a run; make the code around it a @workflow, or use asyncio's own"
                )
            at_once(limit)
        except UsageError:
            self._close()
            raise
        self.outcomes: list[Any] = [None] * len(calls)
        self._scope: Scope = scope
        self._run = scope.run
        self._ident = scope.identify("decision", kind, b"")
        self._forks = [scope.fork() for _ in calls]
        self._limit = limit if limit is not None and limit < len(calls) else None

    def result(self, index: int) -> Any:
        """What a branch gave; its error is raised."""
        outcome = self.outcomes[index]
        if isinstance(outcome, Failed):
            raise outcome.error
        return outcome.value

    async def decide(self, enough: Enough, limit: float | None = None) -> int:
        """Run until one outcome is enough, and record which; a failure that was decisive is raised.

        A replay follows the recorded decision: only the branch that was decisive is looked at again.
        """
        try:
            return await self._decide(enough, limit)
        finally:
            self._close()

    def _close(self) -> None:
        """Calls that were never begun are not missed."""
        for call in self.calls:
            if inspect.iscoroutine(call) and inspect.getcoroutinestate(call) == inspect.CORO_CREATED:
                call.close()

    async def _decide(self, enough: Enough, limit: float | None) -> int:
        deadline = None if limit is None else await self._scope.decide("deadline", lambda: self._run.deadline(limit))
        found, decision = await self._scope.decided(self._ident)
        if found:
            index = decision["branch"]
            self._run.recording.leave((scope, ident) for scope, ident in decision["left"])
            await self.run(_never, only=index)
        else:
            index = await self.run(enough, deadline)
            if index is not None:
                self._scope.settle(self._ident, self.kind, self._decision(index))
        if index is None:
            return 0
        if index != LATE and isinstance(outcome := self.outcomes[index], Failed):
            raise failures.tagged(outcome.error, self._scope.key, self._ident)
        return int(index)

    def _decision(self, index: int) -> dict[str, Any]:
        """Which branch it was, of which scopes, and what the others had asked for in the scopes around: it is left alone."""
        forks = self._forks
        others = (fork.elsewhere for place, fork in enumerate(forks) if place != index)
        return {"branch": index, "of": [fork.key for fork in forks], "left": sorted(set().union(*others))}

    async def run(self, enough: Enough, deadline: int | None = None, only: int | None = None) -> int | None:
        """Run the branches to their ends, or until one outcome is enough or a time has come: then the others are ended."""
        chosen = range(len(self.calls)) if only is None else [index for index in [only] if index != LATE]
        for index, call in enumerate(self.calls):
            if index not in chosen and inspect.iscoroutine(call):
                call.close()
        if not chosen:
            return only
        join = _Join(self._run, len(chosen))
        slots = _Slots(self._limit, len(chosen))
        tasks = [
            self._run.spawn(self._one(index, join, enough, slots, place), ended=join.ended)
            for place, index in enumerate(chosen)
        ]
        quiet = self._run.parking.at(deadline, lambda: join.over(LATE)) if deadline is not None else None
        parking = self._run.parking
        parking.awaited.add(join.result)
        try:
            return await join.result
        finally:
            parking.awaited.discard(join.result)
            join.over(None)
            if quiet is not None:
                quiet()
            if left := [task for task in tasks if not task.done()]:
                for task in left:
                    task.cancel()
                await asyncio.wait(left)
            self._close()

    async def _one(self, index: int, join: _Join, enough: Enough, slots: _Slots, place: int) -> None:
        if slots.turns and not (turn := slots.turns[place]).done():
            asked = self._run.now()
            await self._run.parking.until(turn)
            self._forks[index].queued = self._run.now() - asked
        fork = self._forks[index]
        try:
            try:
                with fork:
                    value = await self.calls[index]
                    self._run.owes_nothing(fork, "to end")
                outcome: Done[Any] | Failed = Done(value)
            except Exception as error:  # noqa: BLE001  the boundary of a branch: its failure is an outcome
                outcome = Failed(error)
            self.outcomes[index] = outcome
            if enough(outcome):
                slots.close()
                join.over(index)
        except Evicted:
            return
        finally:
            slots.free()


class _Slots:
    """So many branches at a time, beginning in their own order, whatever order the loop comes to them in.

    A replay would otherwise wait for a branch that had begun, and has no slot this time.
    """

    def __init__(self, limit: int | None, branches: int) -> None:
        loop = asyncio.get_running_loop()
        self.turns: list[asyncio.Future[None]] = [loop.create_future() for _ in range(branches if limit else 0)]
        """What each branch waits for; none where all may begin at once."""
        self._next = 0
        for _ in self.turns[:limit]:
            self.free()

    def close(self) -> None:
        """Let no other branch begin."""
        self._next = len(self.turns)

    def free(self) -> None:
        """Let the next branch begin."""
        if self._next < len(self.turns):
            turn = self.turns[self._next]
            self._next += 1
            if not turn.done():
                turn.set_result(None)


class _Join:
    """The point where a thread of control waits for its branches; it keeps the run's count of what is not idle."""

    def __init__(self, run: Any, branches: int) -> None:
        self.result: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._run, self._left = run, branches
        run.parking.joined(branches)

    def over(self, index: int | None) -> None:
        """End the other branches."""
        if not self.result.done():
            self.result.set_result(index)

    def ended(self) -> None:
        """One branch came to its end; after the last one the waiting thread goes on."""
        self._left -= 1
        if self._left == 0:
            self._run.parking.rejoined()
            self.over(None)
        self._run.parking.idle()


def fork_plain_tasks(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    """A task factory for loops that stretto owns: plain asyncio tasks of a run fork its scope, as its own branches do."""
    scope: Scope | None = current.get()
    if scope is None or "context" in options or scope.owner is not asyncio.current_task(loop):
        return asyncio.Task(work, loop=loop, **options)
    context = copy_context()
    fork = scope.fork()
    scope.run.parking.rejoined()
    task = asyncio.Task(work, loop=loop, context=context, **options)
    fork.owner = task
    context.run(current.set, fork)
    task.add_done_callback(lambda _: None if scope.run.closed else scope.run.parking.idle())
    return task
