"""A worker called outside a run: it gets a run of its own, in memory, that ends with the call. Good for tests."""

from __future__ import annotations

from typing import Any

from stretto.core.errors import RunWaiting, UsageError
from stretto.core.ports import Model, Worker
from stretto.core.values import Settings
from stretto.journal.memory import MemoryStore
from stretto.policy.gate import Rules
from stretto.runtime import engine
from stretto.runtime.clock import SystemClock
from stretto.runtime.outcome import Finished, Stopped, Surroundings


async def alone(worker: Worker, value: Any) -> Any:
    """The worker's output; raises what it failed with, and `RunWaiting` where a person would have to answer."""
    around = Surroundings(MemoryStore(), SystemClock(), Rules(), _by_name, {})
    loaded = await engine.begin(around, worker, value, id=None, settings=Settings(), code="")
    assert loaded is not None
    match await loaded.execution.drive(worker, loaded.value):
        case Finished(output):
            return output
        case Stopped(error):
            raise error
        case _:
            raise RunWaiting(
                f"{worker.name} waits for an answer, and nobody can give it outside a run; use run() or an App",
                loaded.execution.id,
            )


def _by_name(name: str) -> Model:
    raise UsageError(
        f"model {name!r} is named, and a call outside a run knows no environment; give the agent a model, like "
        "ScriptedModel([...]), or use run() or an App"
    )
