"""What a forked run may take over from the run it came from, beyond the fork, and what it must ask about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from stretto.core.blobs import Blob
from stretto.core.canonical import encode, identity
from stretto.core.events import Ref, Row, StepIntended, TaskFinished, TaskStarted
from stretto.core.scope import task_of
from stretto.runtime.recording import MEETINGS

EVERY_MODEL, GIVEN = "every_model", "given"
"""The further setting of a fork whose model is that of all its workers, and its value where the model itself was given.

One that is named stands for those that workers name; one that is given stands for models that were given, too.
"""
_SCRIPTED = "test:"
"""Scripted models are given as they are, and not named: they stay."""


@dataclass(slots=True)
class Reuse:
    """The finished tasks behind the fork, and the `once` calls that were made there."""

    outputs: dict[str, list[Any]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    def task(self, worker: str, fingerprint: str, data: bytes) -> tuple[bool, Any]:
        """Whether the same worker finished the same task, and its stored output; each is given out once."""
        outputs = self.outputs.get(_task(worker, fingerprint, data))
        return (True, outputs.pop(0)) if outputs else (False, None)

    def was_made(self, tool: str, request: bytes) -> bool:
        """Whether this very call was made already."""
        return _call(tool, request) in self.made


@dataclass(frozen=True, slots=True)
class Today:
    """What a fork is carried out with: its workers' fingerprints by name, and the model that all are to use, if any."""

    fingerprints: Mapping[str, Set[str]]
    model: str = ""
    given: bool = False
    """Whether that model itself was given, so that it is another one even where it has the same name."""

    def differs(self, row: Row) -> bool:
        """Whether a task or model call would not be the same today; the tasks around it may come to something else."""
        if row.kind == TaskStarted.kind and self.fingerprints:
            begun = row.event()
            assert isinstance(begun, TaskStarted)
            return begun.fingerprint not in self.fingerprints.get(begun.worker, {begun.fingerprint})
        if not self.model or not row.ident.startswith("model "):
            return False
        by = row.ident.split(" ")[1]
        return self.given or (by != self.model and not by.startswith(_SCRIPTED))


async def reusable(rows: Sequence[Row], at: int, blob: Blob, today: Today) -> Reuse:
    """What can be reused of a run's events behind `at`."""
    reuse, begun = Reuse(), dict[tuple[str, str], TaskStarted]()
    parents, apart = dict[str, str](), set[str]()
    for row in rows:
        # what a task does to others is no part of its output, and what a person accepted there is not accepted here
        if row.ident.startswith(MEETINGS) or row.ident.startswith("review ") or today.differs(row):
            task: str | None = task_of(row.scope)
            while task is not None:
                apart.add(task)
                task = parents.get(task)
        match row.event():
            case TaskStarted() as started:
                begun[row.scope, row.ident] = started
                parents[started.task] = task_of(row.scope)
            case TaskFinished(output=output) if row.seq > at and begun[row.scope, row.ident].task not in apart:
                started = begun[row.scope, row.ident]
                name = _task(started.worker, started.fingerprint, await _bytes(started.input, blob))
                reuse.outputs.setdefault(name, []).append(output)
            case StepIntended(effect="once", name=tool, request=request) if row.seq > at:
                reuse.made.add(_call(tool, await _bytes(request, blob)))
            case _:
                continue
    return reuse


async def _bytes(value: Any, blob: Blob) -> bytes:
    return await blob(value.digest) if isinstance(value, Ref) else encode(value)


def _task(worker: str, fingerprint: str, data: bytes) -> str:
    return identity(encode([worker, fingerprint]) + data)


def _call(tool: str, request: bytes) -> str:
    return identity(encode(tool) + request)
