"""What comes of a run that is driven, and what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stretto.core.frozen import frozen
from stretto.core.messages import Delta
from stretto.core.ports import Clock, Gate, Model, Store, Tracer
from stretto.models.guarded import Guards
from stretto.policy.secrets import Secrets

if TYPE_CHECKING:
    from stretto.runtime.scope import Scope


@frozen
class Finished:
    """The run's result; `events` is how many events led to it."""

    output: Any
    events: int = field(default=0, compare=False)


@frozen
class Waiting:
    """The run is parked."""


@frozen
class Stopped:
    """The run ended, or this process let go of it, with an error."""

    error: BaseException


Outcome = Finished | Waiting | Stopped


class Ending:
    """What comes of a run that is driven, once nothing of it goes on here; None where it was let go of."""

    __slots__ = ("_hears", "_waiting", "is_over", "outcome")

    def __init__(self) -> None:
        self.is_over = False
        self.outcome: Outcome | None = None
        self._hears: Callable[[Outcome | None], None] | None = None
        self._waiting: list[asyncio.Future[None]] = []

    async def wait(self) -> Outcome | None:
        """Wait for it. Who waits here may be cancelled, the run is not."""
        if not self.is_over:
            self._waiting.append(future := asyncio.get_running_loop().create_future())
            await future
        return self.outcome

    def then(self, hears: Callable[[Outcome | None], None]) -> None:
        """Tell this one before all who wait."""
        self._hears = hears

    def tell(self, outcome: Outcome | None) -> None:
        """It is over."""
        self.is_over, self.outcome = True, outcome
        hears, self._hears = self._hears, None
        if hears is not None:
            hears(outcome)
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()


@dataclass(slots=True)
class Surroundings:
    """What a process gives to the runs it holds."""

    store: Store
    clock: Clock
    gate: Gate
    model: Callable[[str], Model]
    deps: Mapping[type, Any]
    guards: Guards = field(default_factory=Guards)
    secrets: Secrets = field(default_factory=Secrets)
    listeners: Callable[[Scope, str], Callable[[Delta], None] | None] = lambda *_: None
    """Who hears what a model says as it says it, by the scope and identity of the call; None where nobody listens."""
    fingerprints: Callable[[Any], Mapping[str, Set[str]]] = lambda _: {}
    """The fingerprints, by name, of all workers that one is known to come to call."""
    stand_in: Callable[[Any], Any] = lambda tool: tool
    """What is called in place of a tool: itself, but for a run that must not touch the world."""
    tracers: tuple[Tracer, ...] = ()
    """Who is told what a run did before it is taken up."""
    forecast: Callable[[Any, Any], Awaitable[Any]] | None = None
    """What an orchestrator's plan will take, as data; None where nobody knows."""
