"""What comes of a run that is driven, and what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stretto.core.ports import Clock, Gate, Model, Store
from stretto.models.guarded import Guards


@dataclass(frozen=True, slots=True)
class Finished:
    """The run's result."""

    output: Any


@dataclass(frozen=True, slots=True)
class Waiting:
    """The run is parked."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The run ended, or this process let go of it, with an error."""

    error: BaseException


Outcome = Finished | Waiting | Stopped


async def outcome_of(drive: asyncio.Task[Outcome]) -> Outcome | None:
    """What comes of a run that is being driven; None where it was let go of. Who waits here may be cancelled, not it."""
    if not drive.done():
        over = asyncio.Event()
        drive.add_done_callback(lambda _: over.set())
        await over.wait()
    return None if drive.cancelled() or drive.exception() is not None else drive.result()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process gives to the runs it holds."""

    store: Store
    clock: Clock
    gate: Gate
    model: Callable[[str], Model]
    deps: Mapping[type, Any]
    guards: Guards = field(default_factory=Guards)
    stand_in: Callable[[Any], Any] = lambda tool: tool
    """What is called in place of a tool: itself, but for a run that must not touch the world."""
