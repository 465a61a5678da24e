"""Starting runs and taking them up again."""

from __future__ import annotations

import os
import platform
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from stretto.core import faults
from stretto.core.canonical import decode, encode
from stretto.core.errors import JournalError, UsageError
from stretto.core.events import Encoded, Ref, RunResumed, RunStarted
from stretto.core.ports import Durability, Entry, Lease, Worker
from stretto.core.values import Settings
from stretto.runtime.execution import Execution, Surroundings
from stretto.runtime.recording import ROOT, Recording

VERSION = "0.1.0"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run that this process holds, with the worker and input to drive it by."""

    execution: Execution
    worker: Worker
    value: Any


def new_id() -> str:
    """An id that nobody has; short enough to type."""
    return secrets.token_hex(6)


async def begin(
    around: Surroundings, worker: Worker, value: Any, *, id: str | None, settings: Settings, code: str
) -> Loaded | None:
    """Start a run; None where one with this id exists."""
    try:
        data, value = worker.takes.stored(value)
    except ValueError as error:
        raise UsageError(f"{worker.name} cannot begin: its input does not fit: {error}") from error
    lease = await around.store.create(id or new_id(), fresh=id is None)
    if lease is None:
        return None
    execution = Execution(lease, Recording(), settings, around)
    started = RunStarted(worker.name, Encoded(data), code, Encoded(encode(asdict(settings))), VERSION)
    execution.append(started, ROOT, "", Durability.BEHIND)
    return Loaded(execution, worker, value)


async def started(around: Surroundings, run: str) -> RunStarted:
    """How a run began."""
    rows = await around.store.read(run)
    if not rows:
        raise UsageError(f"there is no run {run!r} in this database; `stretto list` shows what there is")
    event = rows[0].event()
    if not isinstance(event, RunStarted):
        raise JournalError(f"run {run!r} does not begin with its start; `stretto audit verify {run}` says more")
    return event


async def plain(around: Surroundings, stored: Any) -> Any:
    """A recorded value as JSON."""
    return decode(await around.store.blob(stored.digest)) if isinstance(stored, Ref) else stored


async def take_up(around: Surroundings, run: str, worker: Worker, *, lease: Lease | None = None) -> Loaded | None:
    """Hold an existing run and read what it has done; None while another process holds it."""
    faults.site("acquire.before")
    lease = lease or await around.store.acquire(run)
    if lease is None:
        return None
    faults.site("acquire.after")
    rows = await around.store.read(run)
    begun = rows[0].event()
    assert isinstance(begun, RunStarted)
    retry = any(row.kind == "run_failed" for row in rows[-1:])
    resumed = RunResumed(f"{platform.node()}:{os.getpid()}", retry)
    settings = Settings(**{**(await plain(around, begun.settings) or {})})
    await _append(around, lease, resumed)
    rows = await around.store.read(run)
    execution = Execution(lease, Recording(rows), settings, around)
    try:
        value = worker.takes.load(await plain(around, begun.input))
    except ValueError as error:
        await around.store.release(lease)
        raise UsageError(f"run {run!r} began with an input that {worker.name} no longer takes: {error}") from error
    return Loaded(execution, worker, value)


async def _append(around: Surroundings, lease: Lease, resumed: RunResumed) -> None:
    pending = around.store.append(lease, [Entry(resumed, ROOT, "", around.clock.now())], Durability.COMMITTED)
    if pending is not None:
        await pending
