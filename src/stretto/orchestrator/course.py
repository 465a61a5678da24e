"""One goal on its way through an orchestrator: planned, carried out, reviewed, planned anew, put together, judged.

_begin -> carry out, each task reviewed -> (what failed: _mended) -> _integrate -> _judge -> (not good enough: _improved)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stretto.core.errors import GIVEN_UP, Failure, PlanOnly, PolicyDenied, RunFailed, UsageError, WorkerFailed
from stretto.core.text import as_text
from stretto.core.values import Score
from stretto.orchestrator import conflicts
from stretto.orchestrator.conflicts import Conflict, Resolved
from stretto.orchestrator.handover import Draft, fields, for_part, for_task, of_draft, plain, shaped
from stretto.orchestrator.plan import (
    Brief,
    Plan,
    PlannedTask,
    Problem,
    Verdict,
    assigned,
    check,
    planned,
    revised,
    still_good,
)
from stretto.orchestrator.schedule import Progress, carry_out
from stretto.runtime import failures, tasks
from stretto.runtime.functions import approved
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workflow
from stretto.tools.codec import codec_for

if TYPE_CHECKING:
    from stretto.orchestrator.orchestrator import Orchestrator

FINAL = (PolicyDenied.__name__, GIVEN_UP, "LoopDetected", UsageError.__name__)
"""What a rule or a person said no to, and what could only fail again: the same plan does not try it once more."""
JUDGED = "Judged"
"""The kind of a problem with the whole: the planner may have finished tasks done again."""


class Course:
    """See above. Whatever it decides stands in the journal before anything follows from it."""

    def __init__(self, boss: Orchestrator, scope: Scope, goal: object) -> None:
        self._boss, self._scope, self._goal = boss, scope, goal
        self._names = [worker.name for worker in boss.members]
        _, self._least = boss.parts, boss.least  # what is said wrong is found before anything is done
        self._plan: Plan | None = None
        self._results: dict[str, Any] = {}
        self._problems: tuple[Problem, ...] = ()
        self._drafts: dict[str, Draft] = {}
        """Results of tasks that are done again, and why."""
        self._asked: list[str] = []
        """Where in the journal the planner was asked for the version that it has given last."""
        self._draft: Draft | None = None
        """The last whole that was not good enough, and why."""

    async def run(self) -> object:
        """Reach the goal."""
        plan = await self._begin()
        while True:
            progress = await carry_out(self._scope, plan, self._results, self._perform, self._boss.limit)
            self._results = progress.results
            if progress.errors:
                plan = await self._mended(plan, progress)
                continue
            whole = await self._integrate(plan)
            refused = await self._judge(plan, whole)
            if refused is None:
                return whole
            plan = await self._improved(plan, whole, refused)

    # ---- plan

    async def _begin(self) -> Plan:
        plan = await self._next(())
        if plan is None:
            plan = self._unplanned()
        await self._in_force(plan)
        run = self._scope.run
        if run.settings.extra.get("plan_only"):
            await self._forecast(plan)
            run.stop(PlanOnly(f"{self._boss.name} has made its plan"))
            run.check_open()
        return await self._approved(plan, ())

    def _unplanned(self) -> Plan:
        """What the planner has no tasks for goes to `otherwise`."""
        other = self._boss.other
        if other is None:
            raise UsageError(
                f"{self._boss.planning.name} gave no tasks; a plan needs at least one, or the orchestrator "
                "otherwise=WORKER for what nobody has a plan for"
            )
        return Plan((PlannedTask(other.name, as_text(self._goal), other.name),), why="the planner had no tasks")

    async def _next(self, problems: tuple[Problem, ...]) -> Plan | None:
        """The next version of the plan, or None where there is no other; a model's that cannot work goes back to it."""
        boss, before = self._boss, self._plan
        brief = Brief(self._goal, boss.cards, before, self._results, problems)
        label, self._asked = f"version {before.version + 1 if before else 1}", []
        for left in reversed(range(1 if boss.planner is not None else boss.repair + 1)):
            place = tasks.place(self._scope, boss.planning, boss.briefed(brief))
            self._asked.append(f"{self._scope.key} {place[1]}")
            said = await tasks.perform(*place, boss.planning, label)
            try:
                return self._checked(said, problems)
            except UsageError as error:
                if not left:
                    raise
                wrong = Problem("", boss.planning.name, f"the plan cannot be carried out: {error}")
                brief = replace(brief, problems=(*problems, wrong))
        raise AssertionError("the last try returns or raises")

    def _checked(self, said: Any, problems: Sequence[Problem]) -> Plan | None:
        boss = self._boss
        try:
            plan = planned(said, as_text(self._goal))
        except ValueError as error:
            raise UsageError(
                f"{boss.planning.name} gave no plan: {error}; a plan is a list of tasks with id, worker, goal and after"
            ) from error
        if plan is None:
            return None
        other = boss.other.name if boss.other is not None else None
        plan = replace(plan, tasks=tuple(assigned(task, boss.assign, self._names, other) for task in plan.tasks))
        if self._plan is not None:
            whole = any(problem.kind == JUDGED for problem in problems)
            plan = revised(self._plan, plan, self._results, may_redo=whole)
        return check(plan, self._names)

    async def _in_force(self, plan: Plan) -> None:
        self._plan = plan
        await self._scope.decide("plan", lambda: plain(plan))

    async def _approved(self, plan: Plan, known: Sequence[PlannedTask]) -> Plan:
        """The plan as a person lets it pass, who is asked where it holds tasks that nobody has let pass yet."""
        to = self._boss.approve_plan
        while to and not all(task in known for task in plan.tasks):
            forecast = await self._forecast(plan)
            ask = "Carry out this plan?" if plan.version == 1 else f"Carry out version {plan.version} of the plan?"
            ask = f"{ask} ({forecast})" if forecast else ask
            try:
                said = await approved(plan, ask, to=to if isinstance(to, str) else "", check=self._edited)
            except PolicyDenied as no:
                plan = await self._instead(plan, no)
                continue
            edited = self._edited(said)
            if edited != plan:
                await self._in_force(edited)
            return edited
        return plan

    async def _instead(self, plan: Plan, no: PolicyDenied) -> Plan:
        """Another plan, for the reason that a person gave against this one; without a reason, or another, the no stands."""
        if no.reason and plan.version < self._boss.max_plans:
            new = await self._next((Problem("", "", f"the plan was rejected: {no.reason}", kind="Rejected"),))
            if new is not None and new.tasks != plan.tasks:
                await self._in_force(new)
                return new
            for place in self._asked:  # a resume asks the person anew, and the planner only after another no
                failures.tagged(no, *place.split(" ", 1))
        raise no

    async def _forecast(self, plan: Plan) -> str:
        """What the plan will take, in a few words: recorded, so that what it came to can stand beside it."""
        run, ident = self._scope.run, self._scope.identify("decision", "forecast", b"")
        found, forecast = await self._scope.decided(ident)
        if not found:
            if run.forecast is None:
                return ""
            await self._scope.frontier("forecast")
            with run.outside():
                forecast = await run.forecast(self._boss, plain(plan))
            self._scope.settle(ident, "forecast", forecast)
        return str(forecast["told"])

    def _edited(self, said: Plan) -> Plan:
        """A person's plan: held to the same rules, and with what is finished in it."""
        assert self._plan is not None
        goal = as_text(self._goal)
        told = replace(said, tasks=tuple(task if task.goal else replace(task, goal=goal) for task in said.tasks))
        return check(replace(revised(self._plan, told, self._results), version=self._plan.version), self._names)

    # ---- tasks

    async def _perform(self, task: PlannedTask, results: dict[str, Any]) -> Any:
        """A task's result, once it has passed its review."""
        worker = next(worker for worker in self._boss.members if worker.name == task.worker)
        draft, given = self._drafts.get(task.id), None
        for _ in range(self._boss.repair + 1):
            given = _given(worker, task, results, draft)
            result = await _call(worker, given, task.id)
            verdict = await self._reviewed(task, result)
            if verdict.ok:
                return result
            draft = Draft(result, verdict.reason or "no reason was given")
        assert draft is not None
        rejected = f"the result was rejected: {draft.reason}"
        raise WorkerFailed(Failure(worker.name, rejected, "Rejected", given, self._boss.repair + 1))

    async def _reviewed(self, task: PlannedTask, result: Any) -> Verdict:
        reviewer = self._boss.reviewing
        if reviewer is None or not (task.accept or self._boss.reviewer is not None):
            return Verdict(True)
        shown = {"goal": task.goal, "accept": task.accept, "result": plain(result)}
        if isinstance(reviewer, Workflow):  # a function may ask for more; a model is told no more than it needs
            shown["task"] = plain(task)
        said = await _call(reviewer, for_part(reviewer, shown, shown["result"]), task.id)
        return _verdict(reviewer, said)

    # ---- what failed

    async def _mended(self, plan: Plan, progress: Progress) -> Plan:
        """A plan that goes round what failed; where there is none, that is the end."""
        errors = list(progress.errors.values())
        problems = tuple(_problem(task, error) for task, error in progress.errors.items())
        if plan.version >= self._boss.max_plans:
            raise self._gave_up(f"after {plan.version} plans", errors, [])
        new = await self._next(problems)
        hopeless = problems == self._problems or any(problem.kind in FINAL for problem in problems)
        if new is None or (new.tasks == plan.tasks and hopeless):
            raise self._gave_up(f"{self._boss.planning.name} has no other plan", errors, self._asked)
        self._problems = problems
        await self._in_force(new)
        return await self._approved(new, plan.tasks)

    def _gave_up(self, why: str, errors: Sequence[WorkerFailed], asked: Sequence[str]) -> WorkerFailed:
        """The error of the first task that failed, with the others beside it.

        A resume tries all of them again, as if the planner had not been `asked` for a way round them.
        """
        first, *others = errors
        beside = tuple(other.failure for other in others)
        error: Exception = WorkerFailed(
            Failure(self._boss.name, f"gave up: {why}", "GaveUp", self._goal, cause=first.failure, beside=beside)
        )
        for place in (*asked, *(place for one in errors for place in failures.path_of(one))):
            scope, _, ident = place.partition(" ")
            error = failures.tagged(error, scope, ident)
        assert isinstance(error, WorkerFailed)
        return error

    # ---- the whole

    async def _integrate(self, plan: Plan) -> Any:
        decided = tuple([await self._resolved(conflict) for conflict in self._conflicts(plan)])
        integrator = self._boss.integrating
        if integrator is not None:
            results = shaped(integrator, self._results)
            whole = {"goal": plain(self._goal), "results": results, **of_draft(self._draft)}
            if self._boss.resolve is not None:
                whole["resolved"] = plain(decided)
            return await tasks.call(self._scope, integrator, for_part(integrator, whole, results))
        if self._boss.resolve is not None:
            merged = conflicts.merged(plan, self._results, decided)
            return merged if self._boss.output in (Any, conflicts.Merged) else merged.values
        leaves = plan.leaves()
        return self._results[leaves[0].id] if len(leaves) == 1 else plain(self._results)

    def _conflicts(self, plan: Plan) -> list[Conflict]:
        if self._boss.resolve is None:
            return []
        return [one for one in conflicts.conflicts(plan, self._results) if self._boss.resolver(one.field) is not None]

    async def _resolved(self, conflict: Conflict) -> Resolved:
        who = self._boss.resolver(conflict.field)
        if isinstance(who, Worker):
            whole = {"goal": plain(self._goal), **fields(conflict)}
            said = await tasks.call(self._scope, who, for_part(who, whole, plain(conflict)), conflict.field)
            decision = conflicts.resolved(conflict, conflicts.ruling(said, who.name), who.name)
        else:
            assert who is not None
            decision = conflicts.resolved(conflict, conflicts.by_rule(conflict, who), who)
        await self._scope.decide("resolved", lambda: plain(decision))
        return decision

    async def _judge(self, plan: Plan, whole: Any) -> Problem | None:
        """What is wrong with the whole; None where it is good enough, or nobody judges."""
        judge, least = self._boss.judging, self._least
        if judge is None:
            return None
        shown = {"goal": plain(self._goal), "result": plain(whole)}
        score = _score(judge, await tasks.call(self._scope, judge, for_part(judge, shown, shown["result"])))
        passed = score.value >= least
        judged = {"value": score.value, "reason": score.reason, "accept": least, "ok": passed, "version": plan.version}
        await self._scope.decide("judged", lambda: judged)
        told = f"judged {score.value:g}, and {least:g} is accepted: {score.reason}".removesuffix(": ")
        return None if passed else Problem("", judge.name, told, kind=JUDGED)

    async def _improved(self, plan: Plan, whole: Any, refused: Problem) -> Plan:
        """A plan that mends the whole; where it has nothing new to do, who made the whole makes it anew."""
        if plan.version >= self._boss.max_plans:
            raise RunFailed(f"{self._boss.name} gave up after {plan.version} plans: {refused.error}")
        new = await self._next((refused,)) or replace(plan, version=plan.version + 1)
        self._draft, self._drafts = Draft(whole, refused.error), {}
        good = still_good(plan, new, self._results)
        if len(good) == len(new.tasks) and self._boss.integrating is None:
            last = {task.id for task in new.leaves()}
            self._drafts = {name: Draft(self._results[name], refused.error) for name in last}
            good = [name for name in good if name not in last]
        self._results = {name: self._results[name] for name in good}
        await self._in_force(new)
        return await self._approved(new, plan.tasks)


def _given(worker: Worker[Any, Any], task: PlannedTask, results: dict[str, Any], draft: Draft | None) -> object:
    """What a worker gets of a task; where it asks for what nobody knows, the task has failed."""
    try:
        return for_task(worker, task, results, draft)
    except UsageError as error:
        raise WorkerFailed(Failure(worker.name, str(error), UsageError.__name__, task.goal)) from error


def _call(worker: Worker[Any, Any], given: Any, label: str) -> tasks.Call[Any]:
    """A task for a worker, labelled with the plan's id for it; one that cannot begin has failed like any other."""
    try:
        return tasks.Call(worker, given, label)
    except UsageError as error:
        raise WorkerFailed(Failure(worker.name, str(error), UsageError.__name__, given)) from error


def _problem(task: str, error: WorkerFailed) -> Problem:
    failure, root = error.failure, error.failure.root()
    told = root.error if root is failure else f"{root.worker} failed: {root.error}"
    return Problem(task, failure.worker, told, plain(failure.input), failure.attempts, root.kind)


def _verdict(reviewer: Worker[Any, Any], said: Any) -> Verdict:
    told = plain(said)
    if told is None or isinstance(told, bool):
        return Verdict(told is not False)
    if isinstance(told, str):
        return Verdict(not told, told)
    if isinstance(told, dict) and "feedback" in told:
        told = {"reason": told["feedback"], **told}
    try:
        verdict: Verdict = codec_for(Verdict).load(told)
    except ValueError as error:
        raise UsageError(
            f"{reviewer.name} gave no verdict: {error}; a review gives True to accept, False or a reason to refuse, or "
            "Verdict(ok, reason)"
        ) from error
    return verdict


def _score(judge: Worker[Any, Any], said: Any) -> Score:
    told = plain(said)
    try:
        score: Score = codec_for(Score).load({"value": told} if isinstance(told, int | float) else told)
        if not 0 <= score.value <= 1:
            raise ValueError(f"{score.value:g} is not between 0 and 1")
    except ValueError as error:
        raise UsageError(
            f"{judge.name} gave no score: {error}; a judge returns a number between 0 and 1, or Score(value, reason)"
        ) from error
    return score
