"""Giving a worker a task: the call, its attempts, and its result in the journal."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from stretto.core.canonical import decode, encode
from stretto.core.errors import Evicted, Failure, UsageError, WorkerFailed
from stretto.core.events import Encoded, TaskFailed, TaskFinished, TaskStarted
from stretto.core.ports import Worker
from stretto.core.scope import current
from stretto.policy.ledger import Account
from stretto.policy.secrets import Secrets
from stretto.runtime import budgets, failures, retries
from stretto.runtime.recording import Record, task_key

if TYPE_CHECKING:
    from stretto.runtime.scope import Scope

T = TypeVar("T")


class Call(Generic[T]):
    """A worker's call that was made and not yet begun; awaiting it makes the task. Its place is fixed when it is made."""

    __slots__ = ("_begun", "_place", "label", "value", "worker")

    def __init__(self, worker: Worker, value: Any, label: str = "") -> None:
        self.worker, self.value, self.label = worker, value, label
        self._begun = False
        scope = current.get()
        self._place = place(scope, worker, value) if scope is not None else None

    def __repr__(self) -> str:
        return f"<a call of {self.worker.name}>"

    def __await__(self) -> Generator[Any, None, T]:
        if self._begun:
            raise UsageError(f"this call of {self.worker.name} was awaited before; keep its result, or call again")
        self._begun = True
        return self._run().__await__()

    async def _run(self) -> T:
        scope = current.get()
        if scope is None:
            alone = importlib.import_module("stretto.runtime.alone")  # it stands on the engine, which stands on this
            return await alone.alone(self.worker, self.value)  # type: ignore[no-any-return]
        scope.check_owner()
        return await perform(*(self._place or place(scope, self.worker, self.value)), self.worker, self.label)  # type: ignore[no-any-return]


Place = tuple["Scope", str, bytes, Any]


def place(scope: Scope, worker: Worker, value: Any, by: str = "") -> Place:
    """Where in the journal a call stands: its scope, its identity, and its input as it is stored; `by` names who made it."""
    try:
        data, value = worker.takes.stored(value)
    except ValueError as error:
        told = f"{worker.name} cannot begin: its input does not fit: {error}; it was given by {by or scope.worker}"
        raise UsageError(told) from error
    return scope, scope.identify("task", worker.name, data), data, value


def call(scope: Scope, worker: Worker, value: Any, label: str = "", by: str = "") -> Coroutine[Any, Any, Any]:
    """Give a worker a task now; `by` names the worker that the input is from, where it is not the one whose scope it is."""
    return perform(*place(scope, worker, value, by), worker, label)


async def perform(scope: Scope, ident: str, data: bytes, value: Any, worker: Worker, label: str) -> Any:
    """The recorded result of a task, else work on it until it is done or its attempts are used up."""
    attempts = (worker.options.retry or 0) + 1
    names = [ident, *[f"{ident} attempt {attempt}" for attempt in range(2, attempts + 1)]]
    account = _account(scope, worker, names)
    for attempt, name in enumerate(names, 1):
        record = scope.recall(name)
        try:
            task = scope, name, record, data, value, worker, label, attempt, attempts, account
            if worker.options.limit is None or (record is not None and record.ended is not None):
                return await _attempt(*task)
            return await _in_turn(scope, worker, worker.options.limit, partial(_attempt, *task))
        except _Again:
            if not scope.run.recording.knows(scope.key, f"{ident} attempt {attempt + 1}"):
                await retries.rest(scope, retries.pause(attempt))
    raise AssertionError("the last attempt returns or raises")


def _account(scope: Scope, worker: Worker, names: list[str]) -> Account:
    """The account of a task: one of its own where it has a budget, for all its attempts."""
    if worker.options.budget is None:
        return scope.account
    keys = [task_key(scope.key, name) for name in names]
    return budgets.account(scope.run, keys, worker.name, worker.options.budget, scope.account)


async def _in_turn(scope: Scope, worker: Worker, limit: int, work: Callable[[], Awaitable[Any]]) -> Any:
    """Work once so many tasks of the worker at most are at work; a task inside another of them has that one's turn."""
    if any(around.worker == worker.name for around in (scope, *scope.around())):
        return await work()
    slots = scope.run.parking.slots(worker.name, limit)
    await scope.run.parking.until(slots.acquire())
    try:
        return await work()
    finally:
        slots.release()


class _Again(Exception):
    pass


async def _attempt(
    scope: Scope,
    ident: str,
    record: Record | None,
    data: bytes,
    value: Any,
    worker: Worker,
    label: str,
    attempt: int,
    attempts: int,
    account: Account,
) -> Any:
    key = task_key(scope.key, ident)
    if record is not None and record.ended is not None and not scope.run.rehearses:
        scope.run.recording.done(key)
        return await _recorded(scope, record, worker)
    if record is None:
        if scope.run.recording.unclaimed:
            await scope.frontier(f"task {worker.name}")
        if scope.run.reuse is not None:
            found, output = scope.run.reuse.task(worker.name, worker.fingerprint(), data)
            if found:
                return await _taken_over(scope, ident, data, worker, label, output)
        here = current.get() or scope  # the branch, where the call was made outside it
        queued, here.queued = here.queued, 0
        started = TaskStarted(worker.name, key, Encoded(data), label, attempt, worker.fingerprint(), queued=queued)
        await scope.run.commit(scope.record(started, ident))
    child = _inside(scope, key, ident, worker, data, attempt, attempts, account)
    try:
        with child:
            output = await (worker.work if worker.options.timeout is None else partial(_limited, worker))(child, value)
            scope.run.owes_nothing(child, "to end")
        stored, output = _fitting(worker, output, scope.run.secrets)
    except Evicted:
        raise
    except Exception as error:
        again = attempt < attempts and not failures.is_final(error)
        failure = await _failed(scope, ident, worker, value, error, attempt, again)
        if again:
            raise _Again from error
        raise failures.tagged(WorkerFailed(failure), scope.key, ident) from error
    memo = None
    if child.talk is not None and (scope.parent is None or scope.talk is not None):
        scope.talk, memo = child.talk, Encoded(encode(child.talk))
    await scope.run.commit(scope.record(TaskFinished(Encoded(stored), memo), ident))
    return output


def _inside(
    scope: Scope, key: str, ident: str, worker: Worker, data: bytes, attempt: int, attempts: int, account: Account
) -> Scope:
    """The scope in which a worker makes an attempt."""
    child = scope.child(key, worker.name, account)
    if attempt > 1 or scope.origin != scope.key:
        child.origin = task_key(scope.origin, ident.removesuffix(f" attempt {attempt}"))
    child.retried = scope.retried or attempts > 1
    child.retry = scope.retry if worker.options.retry is None else worker.options.retry
    child.input = data
    return child


async def _failed(
    scope: Scope, ident: str, worker: Worker, value: object, error: Exception, attempt: int, again: bool
) -> Failure:
    """The failure of an attempt, recorded, with names in place of secrets."""
    failure = failures.of_task(worker.name, value, error, attempt)
    told = encode(failure)
    if (masked := scope.run.secrets.masked(told)) is not told:
        failure = failures.failure_from(decode(masked))
    await scope.run.commit(scope.record(TaskFailed(Encoded(masked), again), ident))
    return failure


async def _taken_over(scope: Scope, ident: str, data: bytes, worker: Worker, label: str, output: Any) -> Any:
    """In a fork: the result that the same worker had for the same input in the run it came from."""
    key, stored = task_key(scope.key, ident), await scope.run.value(output)
    scope.record(TaskStarted(worker.name, key, Encoded(data), label, 1, worker.fingerprint(), reused=True), ident)
    await scope.run.commit(scope.record(TaskFinished(Encoded(encode(stored))), ident))
    return worker.gives.load(stored)


async def _limited(worker: Worker, scope: Scope, value: Any) -> Any:
    assert worker.options.timeout is not None
    try:
        async with asyncio.timeout(worker.options.timeout):
            return await worker.work(scope, value)
    except TimeoutError as error:
        raise TimeoutError(f"{worker.name} took longer than its limit of {worker.options.timeout:g} s") from error


def _fitting(worker: Worker, output: Any, secrets: Secrets) -> tuple[bytes, Any]:
    try:
        return secrets.stored(worker.gives, output)
    except ValueError as error:
        raise ValueError(
            f"{worker.name} broke its contract: what it returned does not fit its output type: {error}"
        ) from error


async def _recorded(scope: Scope, record: Record, worker: Worker) -> Any:
    assert record.ended is not None
    match record.ended.event():
        case TaskFinished(output=output, memo=memo):
            if memo is not None:
                scope.talk = await scope.run.value(memo)
            return worker.gives.load(await scope.run.value(output))
        case TaskFailed(failure=failure, again=again):
            if again:
                raise _Again
            error = WorkerFailed(failures.failure_from(await scope.run.value(failure)))
            raise failures.tagged(error, record.ended.scope, record.ended.ident)
        case other:
            raise AssertionError(f"a task ended with {other}")
