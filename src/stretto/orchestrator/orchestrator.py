"""The orchestrator: it plans, assigns, reviews, re-plans and integrates.

work -> _plan -> (a person, where asked) -> carry_out, each task reviewed -> _plan again where something failed
     -> _integrate
Each of its parts is a worker: an agent where a model is named, a function where a rule is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Any

from stretto.agents.agent import Agent, Brain
from stretto.core.canonical import decode, encode
from stretto.core.errors import Failure, PlanOnly, PolicyDenied, RunFailed, UsageError, WorkerFailed
from stretto.core.ports import Options
from stretto.core.values import Accepted, Budget, Rejected
from stretto.core.values import seconds as in_seconds
from stretto.orchestrator.plan import Brief, Plan, PlannedTask, Problem, Verdict, WorkerCard, check, revised
from stretto.orchestrator.schedule import Progress, carry_out
from stretto.runtime import tasks
from stretto.runtime.functions import review as ask_review
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker, typed
from stretto.tools.codec import ANYTHING, TypeCodec, codec_for

PLAN = """You plan work for others. You are given a goal and the workers who can do it.
Make the smallest plan that reaches the goal: tasks with a short id, the worker who does it, a goal that says what to
deliver, `after` with the ids of tasks whose results it needs, and `accept` with what makes the result good enough.
Tasks that do not need each other run at once. If an earlier plan and its problems are given, keep what is finished
(do not repeat those tasks, but you may need their ids in `after`) and find another way for what failed."""

REVIEW = """You review one result of one task. Say whether it meets the task's acceptance; if not, say exactly what is wrong."""

INTEGRATE = """You are given a goal and the results of the tasks done for it. Make the one deliverable that the goal asks for,
from these results alone. Where results contradict each other, say so and say which one you used and why."""
"""The prompts of the three parts, where a model does them; `planner`, `reviewer` and `integrator` replace them."""


@dataclass(frozen=True)
class Orchestrator(Worker[Any, Any]):
    """A worker that gives tasks to other workers.

    `model` plans, reviews and integrates, unless `planner`, `reviewer` or `integrator` (workers or functions) do; `assign`
    chooses the worker of a task by rule. `approve_plan` shows the plan to a person first, who may edit it. A result that
    is rejected is worked on again at most `repair` times; what still fails is planned anew, up to `max_plans` versions.
    `limit` bounds the tasks at once.
    """

    model: Brain | Sequence[Brain] | None = None
    workers: Sequence[Any] = ()
    _: KW_ONLY
    name: str = "orchestrator"
    about: str = ""
    planner: Any = None
    reviewer: Any = None
    integrator: Any = None
    assign: Callable[[PlannedTask], str | None] | None = None
    approve_plan: bool | str = False
    repair: int = 1
    max_plans: int = 3
    limit: int | None = None
    output: Any = Any
    budget: str | Budget | None = None
    retry: int = 0
    timeout: float | str | None = None

    async def work(self, context: Scope, value: Any) -> Any:
        """Reach the goal."""
        plan = await self._plan(context, Brief(value, self._cards))
        if context.run.settings.extra.get("plan_only"):
            context.run.stop(PlanOnly(f"{self.name} has made its plan"))
            context.run.check_open()
        plan = await self._approved(context, plan)
        progress = Progress({}, [])
        while True:
            progress = await carry_out(context, plan, progress.results, self._performer(context, value), self.limit)
            if not progress.problems:
                return await self._integrate(context, value, plan, progress.results)
            if plan.version >= self.max_plans:
                raise RunFailed(f"{self.name} gave up after {plan.version} plans: {_told(progress.problems)}")
            again = Brief(value, self._cards, plan, progress.results, tuple(progress.problems))
            plan = await self._plan(context, again)

    # ---- plan

    async def _plan(self, scope: Scope, brief: Brief) -> Plan:
        """The next version of the plan, checked, and recorded as the one in force."""
        plan: Plan = await tasks.call(
            scope, self._planner, brief, f"version {brief.before.version + 1 if brief.before else 1}"
        )
        plan = replace(plan, tasks=tuple(map(self._assigned, plan.tasks)))
        if brief.before is not None:
            plan = revised(brief.before, plan, brief.finished)
        check(plan, [worker.name for worker in self.members])
        return await self._in_force(scope, plan)

    async def _in_force(self, scope: Scope, plan: Plan) -> Plan:
        await scope.decide("plan", lambda: decode(_PLANS.stored(plan)[0]))
        return plan

    def _assigned(self, task: PlannedTask) -> PlannedTask:
        worker = self.assign(task) if self.assign else None
        return replace(task, worker=worker) if worker else task

    async def _approved(self, scope: Scope, plan: Plan) -> Plan:
        if not self.approve_plan:
            return plan
        to = self.approve_plan if isinstance(self.approve_plan, str) else ""
        match await ask_review(plan, "Carry out this plan?", to=to):
            case Accepted(edited) if edited != plan:
                return await self._in_force(scope, check(edited, [worker.name for worker in self.members]))
            case Accepted():
                return plan
            case Rejected(reason):
                raise PolicyDenied(f"the plan was rejected: {reason or 'no reason was given'}")

    # ---- tasks

    def _performer(self, scope: Scope, goal: Any) -> Callable[[PlannedTask, dict[str, Any]], Any]:
        workers = {worker.name: worker for worker in self.members}

        async def perform(task: PlannedTask, results: dict[str, Any]) -> Any:
            worker = workers[task.worker]
            given = fitted(worker, task, results)
            for number in range(self.repair + 1):
                result = await worker_call(worker, given, task.id)
                verdict = await self._reviewed(task, result)
                if verdict.ok:
                    return result
                given = _with_feedback(given, result, verdict)
                if number == self.repair:
                    raise WorkerFailed(
                        Failure(
                            worker.name, f"the result was rejected: {verdict.reason}", "Rejected", given, number + 1
                        )
                    )
            raise AssertionError("the last round returns or raises")

        return perform

    async def _reviewed(self, task: PlannedTask, result: Any) -> Verdict:
        if self._reviewer is None or not (task.accept or self.reviewer is not None):
            return Verdict(True)
        shown = {"goal": task.goal, "accept": task.accept, "result": _plain(result)}
        verdict: Verdict = codec_for(Verdict).load(_plain(await worker_call(self._reviewer, shown, task.id)))
        return verdict

    async def _integrate(self, scope: Scope, goal: Any, plan: Plan, results: dict[str, Any]) -> Any:
        if self._integrator is not None:
            return await tasks.call(scope, self._integrator, {"goal": _plain(goal), "results": _plain(results)})
        leaves = plan.leaves()
        return results[leaves[0].id] if len(leaves) == 1 else results

    # ---- the parts

    @cached_property
    def _planner(self) -> Worker[Any, Any]:
        if self.planner is not None:
            return typed(self.planner, Brief, Plan)
        return Agent(self.model, PLAN, name=f"{self.name}.plan", output=Plan, input=Brief, repair=2)

    @cached_property
    def _reviewer(self) -> Worker[Any, Any] | None:
        if self.reviewer is not None:
            return as_worker(self.reviewer)
        return Agent(self.model, REVIEW, name=f"{self.name}.review", output=Verdict) if self._thinks else None

    @cached_property
    def _integrator(self) -> Worker[Any, Any] | None:
        if self.integrator is not None:
            return as_worker(self.integrator)
        return Agent(self.model, INTEGRATE, name=f"{self.name}.integrate") if self._thinks else None

    @property
    def _thinks(self) -> bool:
        """Whether a model does what no worker was given for: an orchestrator of rules alone never calls one."""
        return self.model is not None or self.planner is None

    @cached_property
    def _cards(self) -> tuple[WorkerCard, ...]:
        return tuple(WorkerCard(worker.name, worker.description, worker.takes.schema) for worker in self.members)

    # ---- what a worker is

    @cached_property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """Those it gives tasks to."""
        if not self.workers:
            raise UsageError(f"{self.name} has no workers; give it workers=[...]")
        return tuple(map(as_worker, self.workers))

    @property
    def parts(self) -> tuple[Worker[Any, Any], ...]:
        """Those who plan, review and integrate."""
        return tuple(part for part in (self._planner, self._reviewer, self._integrator) if part is not None)

    @property
    def gives(self) -> TypeCodec[Any]:
        """How its output crosses the journal."""
        return codec_for(self.output) if self.output is not Any else _codec_of(self._integrator)

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


_PLANS: TypeCodec[Plan] = codec_for(Plan)


def fitted(worker: Worker[Any, Any], task: PlannedTask, results: dict[str, Any]) -> Any:
    """What a worker is given of a task: the fields its input declares and no others; the goal alone where it takes text."""
    whole: dict[str, Any] = {"goal": task.goal, **task.inputs}
    if results:
        whole["results"] = _plain(results)
    schema = worker.takes.schema
    if schema.get("type") == "string":
        return task.goal if not results else encode(whole).decode()
    if "properties" in schema:
        return {name: value for name, value in whole.items() if name in schema["properties"]}
    return whole if len(whole) > 1 else task.goal


def worker_call(worker: Worker[Any, Any], given: Any, label: str) -> Any:
    """A task for a worker, labelled with the plan's id for it."""
    return tasks.Call(worker, given, label)


def _codec_of(worker: Worker[Any, Any] | None) -> Any:
    return worker.gives if worker is not None else ANYTHING


def _plain(value: Any) -> Any:
    return decode(encode(value))


def _with_feedback(given: Any, draft: Any, verdict: Verdict) -> Any:
    told = {"draft": _plain(draft), "feedback": verdict.reason}
    return {**given, **told} if isinstance(given, dict) else {"goal": given, **told}


def _told(problems: Sequence[Problem]) -> str:
    return "; ".join(f"task {problem.task}: {problem.error}" for problem in problems)
