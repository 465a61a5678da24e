"""Starting runs and taking them up again."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from stretto.core import faults, media
from stretto.core.canonical import decode, encode
from stretto.core.errors import JournalError, UsageError
from stretto.core.events import Encoded, Gone, Ref, Row, RunCancelled, RunResumed, RunStarted
from stretto.core.frozen import frozen
from stretto.core.ports import Durability, Entry, Lease, Store, Worker
from stretto.core.values import Settings
from stretto.journal.memory import MemoryStore
from stretto.runtime import forks
from stretto.runtime.clock import SystemClock
from stretto.runtime.execution import Execution
from stretto.runtime.functions import SAID
from stretto.runtime.outcome import Outcome, Surroundings
from stretto.runtime.recording import ROOT, Recording
from stretto.runtime.reuse import EVERY_MODEL, GIVEN, Today, reusable

VERSION = "0.1.0"


@frozen
class Loaded:
    """A run that this process holds, with the worker and input to drive it by."""

    execution: Execution
    worker: Worker
    value: Any


def new_id(now: int) -> str:
    """An id that nobody has, short enough to type. It begins with the time, so that neighbours lie together in an index."""
    number = now // 1000 * _CHANCE + int.from_bytes(os.urandom(8)) % _CHANCE
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_CHANCE = 36**6


async def begin(
    around: Surroundings, worker: Worker, value: Any, *, id: str | None, settings: Settings, code: str
) -> Loaded | None:
    """Start a run; None where one with this id exists."""
    try:
        (data, value), given = (
            (b"null", None) if settings.listens else around.secrets.stored(worker.takes, value),
            value,
        )
    except ValueError as error:
        raise UsageError(f"{worker.name} cannot begin: its input does not fit: {error}") from error
    lease = await _created(around, id)
    if lease is None:
        return None
    execution = Execution(lease, Recording(), settings, around)
    started = RunStarted(worker.name, Encoded(data), code, Encoded(encode(settings)), VERSION)
    execution.append(started, ROOT, "", Durability.BEHIND, media.contents(data, given))
    return Loaded(execution, worker, value)


async def _created(around: Surroundings, id: str | None) -> Lease | None:
    """The lease of a new run. Where another process is just starting it, its first event, or its end, is awaited."""
    run = id or new_id(around.clock.now())
    for _ in range(_LOOKS):
        lease = await around.store.create(run, fresh=id is None)
        if lease is not None or await around.store.read(run, limit=1):
            return lease
        await asyncio.sleep(0.01)
    return None


_LOOKS = 500


async def started(around: Surroundings, run: str) -> RunStarted:
    """How a run began."""
    rows = await around.store.read(run, limit=1)
    if not rows:
        raise UsageError(f"there is no run {run!r} in this database; `stretto list` shows what there is")
    event = rows[0].event()
    if isinstance(event, Gone):
        raise UsageError(f"run {run!r} was pruned: what it did is gone; `stretto audit verify` says what is proven")
    if not isinstance(event, RunStarted):
        raise JournalError(f"run {run!r} does not begin with its start; `stretto audit verify {run}` says more")
    return event


async def plain(around: Surroundings, stored: Any) -> Any:
    """A recorded value as JSON."""
    return decode(await around.store.blob(stored.digest)) if isinstance(stored, Ref) else stored


async def take_up(
    around: Surroundings,
    run: str,
    worker: Worker,
    *,
    lease: Lease | None = None,
    resting: Loaded | None = None,
    known: Sequence[Row] = (),
) -> Loaded | None:
    """Hold an existing run and read what it has done; None while another process holds it.

    What rests in memory goes on from there, if nobody else has gone on with it since. `known` are its first events.
    """
    faults.site("acquire.before")
    lease = lease or await around.store.acquire(run)
    if lease is None:
        return None
    try:
        if resting is not None and resting.worker is worker and resting.execution.rests_at(lease):
            return await _wake(around, resting, lease)
        loaded = await _load(around, run, worker, lease, known)
    except BaseException:
        await around.store.release(lease)
        raise
    if loaded is None:
        await around.store.release(lease)
    return loaded


async def _load(around: Surroundings, run: str, worker: Worker, lease: Lease, known: Sequence[Row]) -> Loaded | None:
    faults.site("acquire.after")
    rows = [*known, *await around.store.read(run, len(known) - 1)]
    begun = rows[0].event()
    assert isinstance(begun, RunStarted)
    if rows[-1].kind == "run_cancelled" or (rows[-1].kind == "run_finished" and not await said_more(around, run)):
        return None  # by somebody else, since it was last looked at
    settings = Settings(**{**(await plain(around, begun.settings) or {})})
    try:
        value = await _input(around, begun, worker, settings)
    except ValueError as error:
        raise UsageError(f"run {run!r} began with an input that {worker.name} no longer takes: {error}") from error
    await _append(around, lease, _resumed(retry=rows[-1].kind == "run_failed"))
    rows += await around.store.read(run, rows[-1].seq)
    for tracer in around.tracers:
        tracer.recall(rows)
    reuse = None
    if begun.forked_from:
        origin = await around.store.read(begun.forked_from)
        every = settings.extra.get(EVERY_MODEL)
        today = Today(around.fingerprints(worker), around.model("").name if every else "", every == GIVEN)
        reuse = await reusable(origin, begun.forked_at, around.store.blob, today)
    return Loaded(Execution(lease, Recording(rows), settings, around, reuse), worker, value)


async def _wake(around: Surroundings, resting: Loaded, lease: Lease) -> Loaded:
    faults.site("acquire.after")
    await _append(around, lease, _resumed())
    if around.tracers:
        rows = await around.store.read(lease.run)
        for tracer in around.tracers:
            tracer.recall(rows)
    resting.execution.hold(lease)
    return resting


def _resumed(*, retry: bool = False) -> RunResumed:
    return RunResumed(f"{platform.node()}:{os.getpid()}", retry)


async def said_more(around: Surroundings, run: str) -> bool:
    """Whether a letter brings what a conversation has not answered yet."""
    return any(decode(letter.body).get("signal") == SAID for letter in await around.store.letters(run))


async def fork(
    around: Surroundings, run: str, at: int, worker: Worker, value: Any, settings: Settings, code: str
) -> str:
    """Begin a new run from the facts of another up to event `at`; its id. It is then taken up like any other."""
    rows, now = await around.store.read(run), around.clock.now()
    facts = forks.prefix(rows, at, now)
    data = b"null" if settings.listens else around.secrets.stored(worker.takes, value)[0]
    lease = await around.store.create(id := new_id(now))
    assert lease is not None
    started = RunStarted(worker.name, Encoded(data), code, Encoded(encode(settings)), VERSION, run, at)
    begun = Entry(started, ROOT, "", now, media.contents(data, value))
    pending = around.store.append(lease, [begun, *facts], Durability.FULL)
    if pending is not None:
        await pending
    await around.store.release(lease)
    return id


async def end_cancelled(store: Store, run: str, by: str, reason: str) -> None:
    """Cancel a parked run without its code."""
    lease = await store.acquire(run)
    if lease is not None:
        entry = Entry(RunCancelled(by, reason), ROOT, "", SystemClock().now(), consumes="cancel")
        pending = store.append(lease, [entry], Durability.FULL)
        if pending is not None:
            await pending
        await store.release(lease)


async def rehearse(around: Surroundings, run: str, worker: Worker) -> Outcome:
    """Go through a run again with no effect allowed; what comes of it, or the first difference as `ReplayMismatch`."""
    rows = await around.store.read(run)
    begun = rows[0].event()
    assert isinstance(begun, RunStarted)
    settings = Settings(**(await plain(around, begun.settings) or {}))
    nowhere = MemoryStore(around.store.blob)
    lease = await nowhere.create(run)
    assert lease is not None
    rehearsal = forks.Rehearsal(lease, Recording(rows), settings, replace(around, store=nowhere))
    rehearsal.compare(rows)
    return await rehearsal.drive(worker, await _input(around, begun, worker, settings))


async def _input(around: Surroundings, begun: RunStarted, worker: Worker, settings: Settings) -> Any:
    """What the run began with; nothing, where it began by listening."""
    return None if settings.listens else worker.takes.load(await plain(around, begun.input))


async def _append(around: Surroundings, lease: Lease, resumed: RunResumed) -> None:
    pending = around.store.append(lease, [Entry(resumed, ROOT, "", around.clock.now())], Durability.COMMITTED)
    if pending is not None:
        await pending
