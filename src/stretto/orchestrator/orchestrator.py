"""The orchestrator: it plans, assigns, reviews, re-plans, integrates and judges.

Each of its parts is a worker: an agent where a model is named, a function where a rule is enough. How they work together
stands in `course`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any

from stretto.agents.agent import WORDS, Agent, Brain
from stretto.core.errors import UsageError
from stretto.core.guesses import guided, listed
from stretto.core.ports import Options
from stretto.core.values import Budget, Score
from stretto.core.values import seconds as in_seconds
from stretto.orchestrator.conflicts import RULES, Merged, Ruling
from stretto.orchestrator.course import Course
from stretto.orchestrator.handover import fields, for_part
from stretto.orchestrator.plan import Assign, Brief, Plan, Verdict, WorkerCard
from stretto.orchestrator.prompts import PROMPTS
from stretto.runtime.beside import beside
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workable, Workflow, as_worker, typed
from stretto.tools.codec import ANYTHING, TypeCodec, codec_for

ACCEPT = 0.8
"""The score from which on a judge's opinion is good enough, where `accept` does not say."""


@guided
@dataclass(frozen=True)
class Orchestrator(Worker[Any, Any]):
    """A worker that gives tasks to other workers.

    `model` plans, reviews and integrates, unless `planner`, `reviewer` or `integrator` (workers or functions) do; `assign`
    chooses the worker of a task by rule: a function of the task, or workers by the task's `kind`. A task for nobody who
    is here, or a goal without a plan, goes to `otherwise`. `approve_plan` shows a plan to a person first (True, or to
    whom), who may edit it.

    A result that is rejected is worked on again at most `repair` times; what still fails is planned anew, up to
    `max_plans` versions; what is finished stays. `judge` gives the whole a score (a number from 0 to 1, or `Score`); one
    below `accept` (0.8) goes back to the planner, or, where that adds nothing, to whoever put the whole together. With a
    model, `accept` alone is enough.

    `instructions` are what a model that does a part is told of its role, before what it is told of the part.
    `resolve` decides where results contradict each other in a field: "first", "last", "majority", or a worker, for all
    fields or by field (`{"price": "last", "name": expert}`). `limit` bounds the tasks at once. `prompts` replaces what a
    model is told that does a part: "plan", "review", "integrate", "judge", and "repair" and "last_turn" of all of them.
    `output` is the type of what comes out.
    """

    model: Brain | Sequence[Brain] | None = None
    workers: Sequence[Any] = ()
    _: KW_ONLY
    name: str = "orchestrator"
    about: str = ""
    instructions: str = ""
    planner: Workable | None = None
    reviewer: Workable | None = None
    integrator: Workable | None = None
    judge: Workable | None = None
    accept: float | None = None
    assign: Assign | None = None
    otherwise: Workable | None = None
    resolve: str | Workable | Mapping[str, str | Workable] | None = None
    approve_plan: bool | str = False
    repair: int = 1
    max_plans: int = 3
    limit: int | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    output: Any = Any
    budget: str | Budget | None = None
    retry: int | None = None
    timeout: float | str | None = None

    async def work(self, context: Scope, value: Any) -> Any:
        """Reach the goal."""
        return await Course(self, context, value).run()

    # ---- the parts

    @cached_property
    def planning(self) -> Worker[Any, Any]:
        """Who plans."""
        if self.planner is not None:
            if isinstance(self.planner, list | tuple | Plan):
                raise UsageError("planner is a function or a worker; write planner=lambda goal: [...] for a fixed plan")
            worker = _typed(self.planner, Plan, f"{self.name}.plan")
            names = worker.signature.arguments if isinstance(worker, Workflow) else {}
            return typed(worker, Brief, Any) if list(names) == ["brief"] else worker
        return self._agent("plan", output=Plan, input=Brief, repair=2)

    @cached_property
    def reviewing(self) -> Worker[Any, Any] | None:
        """Who reviews the result of a task."""
        if self.reviewer is not None:
            return _typed(self.reviewer, Verdict, f"{self.name}.review")
        return self._agent("review", output=Verdict) if self._thinks else None

    @cached_property
    def integrating(self) -> Worker[Any, Any] | None:
        """Who puts the results together."""
        if self.integrator is not None:
            return as_worker(self.integrator, f"{self.name}.integrate")
        if not self._thinks:
            return None
        return self._agent("integrate", output=str if self.output is Any else self.output)

    @cached_property
    def judging(self) -> Worker[Any, Any] | None:
        """Who judges the whole."""
        if self.judge is not None:
            return _typed(self.judge, Score, f"{self.name}.judge")
        return self._agent("judge", output=Score) if self.accept is not None and self._thinks else None

    @cached_property
    def least(self) -> float:
        """The score from which on the whole is good enough."""
        least = ACCEPT if self.accept is None else self.accept
        if not 0 <= least <= 1:
            raise UsageError(f"accept={least!r} is no score; it is between 0 and 1")
        if self.accept is not None and self.judging is None:
            raise UsageError(f"{self.name} has accept={least!r} and nobody who judges; give it judge=...")
        return least

    @cached_property
    def other(self) -> Worker[Any, Any] | None:
        """Who gets what nobody else does."""
        if self.otherwise is None:
            return None
        known = (worker for thing, worker in zip(self.workers, self._team, strict=True) if thing is self.otherwise)
        return next(known, None) or beside(self.otherwise)

    @cached_property
    def _team(self) -> tuple[Worker[Any, Any], ...]:
        return tuple(map(beside, listed(self.workers, "workers")))

    @cached_property
    def _resolvers(self) -> dict[str, str | Worker[Any, Any]]:
        by_field = self.resolve if isinstance(self.resolve, Mapping) else {"": self.resolve}
        return {name: _resolver(who) for name, who in by_field.items()}

    def resolver(self, field: str) -> str | Worker[Any, Any] | None:
        """The rule or worker that decides conflicts in a field."""
        return self._resolvers.get(field, self._resolvers.get(""))

    def briefed(self, brief: Brief) -> object:
        """What the planner is given: the fields of the brief that it names, the goal alone, or all of it."""
        told = fields(brief)
        return for_part(self.planning, told, told["goal"])

    def _agent(self, part: str, **properties: Any) -> Agent[Any]:
        if unknown := self.prompts.keys() - PROMPTS.keys() - WORDS.keys():
            known = ", ".join([*PROMPTS, *WORDS])
            raise UsageError(f"{self.name} never says {min(unknown)!r}; prompts replaces {known}")
        wording = {name: text for name, text in self.prompts.items() if name in WORDS}
        instructions = f"{self.instructions}\n\n{self.prompts.get(part, PROMPTS[part])}".lstrip()
        return Agent(self.model, instructions, name=f"{self.name}.{part}", wording=wording, **properties)

    @property
    def _thinks(self) -> bool:
        """Whether a model does what no worker was given for: an orchestrator of rules alone never calls one."""
        return self.model is not None or self.planner is None

    @cached_property
    def cards(self) -> tuple[WorkerCard, ...]:
        """Its workers, as a planner sees them."""
        return tuple(WorkerCard(worker.name, worker.description, worker.takes.schema) for worker in self.members)

    # ---- what a worker is

    @cached_property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """Those it gives tasks to."""
        found = [*self._team, *([self.other] if self.other is not None else [])]
        if not found:
            raise UsageError(f"{self.name} has no workers; give it workers=[...]")
        known: dict[str, Worker[Any, Any]] = {}
        for worker in found:
            if known.setdefault(worker.name, worker) is not worker:
                raise UsageError(
                    f"two workers of {self.name} are named {worker.name!r}; a plan names them, so give one another name"
                )
        return tuple(known.values())

    @property
    def parts(self) -> tuple[Worker[Any, Any], ...]:
        """Those who plan, review, integrate, resolve and judge."""
        resolvers = [who for who in self._resolvers.values() if isinstance(who, Worker)]
        parts = (self.planning, self.reviewing, self.integrating, self.judging, *resolvers)
        return tuple(part for part in parts if part is not None)

    @property
    def gives(self) -> TypeCodec[Any]:
        """How its output crosses the journal."""
        if self.output is not Any:
            return codec_for(self.output)
        if self.integrating is not None:
            gives: Any = self.integrating.gives
            return gives  # type: ignore[no-any-return]
        return codec_for(Merged) if self.resolve is not None else ANYTHING

    @cached_property
    def options(self) -> Options:
        """How its tasks are run."""
        return Options(
            self.retry, None if self.timeout is None else in_seconds(self.timeout), Budget.parse(self.budget)
        )

    @property
    def description(self) -> str:
        """What it is good for."""
        return self.about or f"Plans and delegates to {', '.join(worker.name for worker in self.members)}."

    def describe(self) -> Any:
        """Its parts and workers."""
        return {"name": self.name, "members": [worker.fingerprint() for worker in (*self.parts, *self.members)]}

    def __hash__(self) -> int:
        return id(self)


def _typed(thing: Any, kind: Any, name: str = "") -> Worker[Any, Any]:
    """A part; an agent that would answer with text answers with the type that is wanted of it."""
    worker = as_worker(thing, name)
    return worker.using(output=kind) if isinstance(worker, Agent) and worker.output is str else worker


def _resolver(who: Any) -> Any:
    if who is None or who in RULES:
        return who
    if isinstance(who, str):
        raise UsageError(f"resolve={who!r} is no rule; it is {', '.join(map(repr, RULES))}, or a worker or function")
    return _typed(who, Ruling)
