"""The stages of a flow at work. Each takes the output of the one before; every use of a worker is a task of the run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from stretto.app.flows.condition import Condition
from stretto.app.flows.source import Node
from stretto.app.flows.wording import Wording
from stretto.core.errors import NotDone, PolicyDenied, RunFailed, ToolError, UsageError
from stretto.core.scope import current
from stretto.core.values import Done, Failed
from stretto.patterns.answer import label_of, meant
from stretto.patterns.loop import feedback
from stretto.patterns.parallel import enough
from stretto.runtime.branches import gather
from stretto.runtime.tasks import Call
from stretto.runtime.worker import Worker

AnyWorker = Worker[Any, Any]
Rule = Callable[..., Any]


class Ended(Exception):
    """A rejected draft went another way, and the flow ends with what came of it."""

    def __init__(self, value: object) -> None:
        super().__init__("the flow ended early")
        self.value = value


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a flow: its goal, and what is added to the labels of tasks (`round 2`)."""

    goal: object
    note: str = ""


class Stage(Protocol):
    """One step of a flow, or several."""

    @property
    def inner(self) -> tuple[Stage, ...]:
        """The stages it is made of."""
        ...

    async def run(self, job: Job, value: object) -> object:
        """Do it with the output of the stage before."""
        ...


@dataclass(frozen=True, slots=True)
class Use:
    """A worker, given the value, or a text made of it."""

    worker: AnyWorker
    label: str
    text: Wording | None = None
    inner: tuple[Stage, ...] = ()

    def given(self, job: Job, value: object) -> object:
        """What the worker is given."""
        return value if self.text is None else self.text.fill(job.goal, value)

    async def run(self, job: Job, value: object) -> object:
        """Give the worker a task."""
        label = f"{self.label} {job.note}".strip()
        result: object = await Call(self.worker, self.given(job, value), label)
        return result


@dataclass(frozen=True, slots=True)
class Row:
    """Stages one after the other."""

    inner: tuple[Stage, ...]

    async def run(self, job: Job, value: object) -> object:
        """Pass the value along."""
        for stage in self.inner:
            value = await stage.run(job, value)
        return value


@dataclass(frozen=True, slots=True)
class Parallel:
    """Stages at once on the same value; their results as a list, by name, or merged."""

    inner: tuple[Stage, ...]
    names: tuple[str, ...] = ()
    limit: int | None = None
    min_success: int | None = None
    merge: Rule | None = None

    async def run(self, job: Job, value: object) -> object:
        """Give all of them the value; put their results together."""
        calls: list[Awaitable[object]] = [stage.run(job, value) for stage in self.inner]
        if self.min_success is None:
            results = await gather(calls, limit=self.limit)
        else:
            results = await _enough(await gather(calls, limit=self.limit, on_error="collect"), self.min_success)
        whole = dict(zip(self.names, results, strict=True)) if self.names else results
        return self.merge(whole) if self.merge else whole


async def _enough(outcomes: list[Done[object] | Failed], needed: int) -> list[object]:
    """The results, None for a failed one; a person's no is not a failure to be tolerated."""
    errors = [outcome.error for outcome in outcomes if isinstance(outcome, Failed)]
    final = [error for error in errors if isinstance(error, Ended | PolicyDenied | UsageError)]
    if final:
        raise final[0]
    return await enough(current.get(), outcomes, needed)


@dataclass(frozen=True, slots=True)
class Fallback:
    """Stages of which the first that works counts."""

    inner: tuple[Stage, ...]

    async def run(self, job: Job, value: object) -> object:
        """Try them in order; the last one's failure is the failure."""
        for stage in self.inner[:-1]:
            try:
                return await stage.run(job, value)
            except (RunFailed, ToolError, NotDone, TimeoutError):
                continue
        return await self.inner[-1].run(job, value)


@dataclass(frozen=True, slots=True)
class Route:
    """A chooser, and the stages it chooses from."""

    node: Node
    by: Stage
    choices: Mapping[str, Stage]
    otherwise: Stage | None

    @property
    def inner(self) -> tuple[Stage, ...]:
        """The chooser and all it can choose."""
        return (self.by, *self.choices.values(), *([self.otherwise] if self.otherwise else []))

    async def run(self, job: Job, value: object) -> object:
        """Ask where the value belongs, and give it there."""
        said = label_of(await self.by.run(job, value))
        label = meant(said, self.choices)
        chosen = self.otherwise if label is None else self.choices[label]
        if chosen is None:
            raise self.node.unknown(
                "choice",
                said,
                self.choices,
                f"the choices are {', '.join(self.choices)}; give `otherwise` for everything else",
            )
        return await chosen.run(job, value)


@dataclass(frozen=True, slots=True)
class Loop:
    """A stage that is repeated until its verdict is good."""

    do: Stage
    check: Stage | None
    until: Condition | Rule
    rounds: int
    otherwise: Stage | None

    @property
    def inner(self) -> tuple[Stage, ...]:
        """What is repeated, who checks it, and the way out."""
        return tuple(stage for stage in (self.do, self.check, self.otherwise) if stage is not None)

    async def run(self, job: Job, value: object) -> object:
        """The last draft; `otherwise` gets it where the bound came before the condition."""
        do, task = self.do, value
        if isinstance(do, Use):  # its text is the task, which comes back with draft and verdict in the next round
            do, task = replace(do, text=None), do.given(job, value)
        given, draft = task, task
        for number in range(1, self.rounds + 1):
            turn = replace(job, note=f"{job.note} round {number}".strip())
            draft = await do.run(turn, given)
            verdict = draft if self.check is None else await self.check.run(turn, draft)
            if self.until(verdict):
                return draft
            given = draft if self.check is None else feedback(task, draft, verdict)
        return draft if self.otherwise is None else await self.otherwise.run(job, draft)
