"""Why a run stands where it stands: what fed its output, what it failed of, or what it waits for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stretto.app.gaps import SECOND, Gaps
from stretto.app.provenance import fed
from stretto.app.savings import saved
from stretto.app.steps import rule
from stretto.app.timeline import worked
from stretto.core.errors import Failure
from stretto.core.events import Row, RunFailed
from stretto.core.values import RunState
from stretto.runtime.failures import failure_from
from stretto.runtime.recording import next_try, task_key
from stretto.runtime.view import StepView, TaskView, View, WaitView

Reasons = dict[str, Any]
_PEOPLE = ("approval", "question", "review", "budget", "signal")


def why(view: View, rows: Sequence[Row], origin: Sequence[Row] = ()) -> Reasons:
    """The reasons, as data; times in seconds, money in USD as text. `origin`: the run that it was forked from, if any."""
    reasons: Reasons = {"run": view.id, "state": view.state.value}
    match view.state:
        case RunState.FAILED:
            reasons |= _failure(view, rows)
        case RunState.WAITING | RunState.RUNNING:
            reasons["waits"] = [_wait(view, wait) for wait in view.open_waits]
        case RunState.DONE | RunState.CANCELLED:
            pass
    if fork := saved(rows, origin):
        reasons["fork"] = fork
    gaps = Gaps(rows)
    reasons["tasks"] = [_task(view, task, gaps) for task in view.tasks.values()]
    reasons["answers"] = [_answer(wait) for wait in view.waits.values() if wait.answer and wait.asked.ask in _PEOPLE]
    reasons["rules"] = [{"step": made.seq, **rule(made), "at": made.begun / SECOND} for made in view.rules]
    reasons["doubts"] = [_answer(wait) for wait in view.waits.values() if wait.asked.ask == "doubt"]
    reasons["retries"] = list(_retries(view))
    reasons["failures"] = list(_failures(view))
    reasons["plans"] = list(_decided(view, "plan"))
    reasons["checks"] = list(_decided(view, "guard", "accept"))
    reasons["partial"] = list(_decided(view, "partial"))
    reasons["handoffs"] = list(_decided(view, "handoff"))
    reasons["resolved"] = list(_decided(view, "resolved"))
    reasons["judged"] = list(_decided(view, "judged"))
    reasons["forecast"] = list(_decided(view, "forecast"))
    return {
        **reasons,
        "time": worked(view, gaps, view.updated),
        "events": len(rows),
        "head": rows[-1].hash if rows else "",
    }


# ---- a failure


def _failure(view: View, rows: Sequence[Row]) -> Reasons:
    """The error at its root, the step it came out of, and the tasks it passed through, innermost first."""
    failure = failure_from(view.failure)
    root = failure.root()
    ended = next(event for row in reversed(rows) if isinstance(event := row.event(), RunFailed))
    passed = [(scope, ident) for scope, _, ident in (step.partition(" ") for step in ended.path)]
    tasks = [view.tasks[key] for key in (task_key(*place) for place in passed) if key in view.tasks]
    levels = []
    at: Failure | None = failure
    while at is not None:
        levels.append(
            {"worker": at.worker, "error": at.error, "kind": at.kind, "input": at.input, "attempts": at.attempts}
        )
        at = at.cause
    chain = [_level(level, tasks) for level in reversed(levels)]
    step = next((view.steps[place] for place in passed if place in view.steps), None)
    where = next((place for place in passed if place in view.steps or task_key(*place) in view.tasks), ("", ""))
    before = fed(view, rows, *_inmost(where, view))
    return {
        "error": root.error,
        "kind": root.kind,
        "step": _step(step) if step else None,
        "chain": chain,
        "fed": before,
    }


def _inmost(place: tuple[str, str], view: View) -> tuple[str, str]:
    """The failed step; of a task that failed outside any step, a place in it behind everything that it did."""
    key = task_key(*place)
    return (key, "") if place not in view.steps and key in view.tasks else place


def _level(level: Reasons, tasks: Sequence[TaskView]) -> Reasons:
    task = next((task for task in tasks if task.worker == level["worker"]), None)
    return {**level, "step": task.seq if task else None, "label": task.label if task else ""}


def _step(step: StepView) -> Reasons:
    return {"step": step.seq, "kind": step.kind, "name": step.name, "request": step.request, "error": step.error}


# ---- a wait


def _wait(view: View, wait: WaitView) -> Reasons:
    asked = wait.asked
    chain: list[str] = []
    at = view.tasks.get(wait.task)
    while at is not None:
        chain.append(f"{at.worker} ({at.label})" if at.label else at.worker)
        at = view.tasks.get(at.parent)
    return {
        "id": asked.wait, "kind": asked.ask, "tool": asked.tool, "prompt": asked.prompt, "to": asked.to,
        "since": wait.begun / SECOND, "expires": asked.expires / SECOND if asked.expires is not None else None,
        "chain": chain,
    }  # fmt: skip


# ---- what came of it


def _task(view: View, task: TaskView, gaps: Gaps) -> Reasons:
    parent = view.tasks.get(task.parent)
    state = "left" if view.state.ended and not task.ended else task.state
    return {
        "step": task.seq, "worker": task.worker, "label": task.label, "state": state, "attempt": task.attempt,
        "parent": parent.seq if parent else None, "after": _after(view, task),
        "took": gaps.busy(task.begun, task.ended) / SECOND if task.ended else None,
    }  # fmt: skip


def _after(view: View, task: TaskView) -> list[str]:
    """The tasks of the plan whose results this one was given."""
    plan = view.plans.get(task.parent) if task.label else None
    tasks = plan["tasks"] if isinstance(plan, dict) else ()
    return next((list(planned.get("after", ())) for planned in tasks if planned["id"] == task.label), [])


def _answer(wait: WaitView) -> Reasons:
    asked, answer = wait.asked, wait.answer
    return {
        "step": wait.seq, "kind": asked.ask, "tool": asked.tool, "prompt": asked.prompt, "digest": asked.digest,
        "decision": answer.decision if answer else None, "by": answer.by if answer else "",
        "channel": answer.channel if answer else "", "reason": answer.reason if answer else "",
        "edited": bool(answer and answer.value is not None), "at": wait.answered / SECOND if answer else None,
    }  # fmt: skip


def _decided(view: View, *what: str) -> Iterator[Reasons]:
    """What was decided of a kind: verdicts, handoffs, versions of plans, conflicts of results, opinions of the whole."""
    for seq, _, name, value in view.decisions:
        if name in what and isinstance(value, dict):
            yield {"step": seq, **({"of": name} if len(what) > 1 else {}), **value}


def _retries(view: View) -> Iterator[Reasons]:
    """What was tried again: tasks in a further attempt, and the tries of a step that another one followed."""
    for task in view.tasks.values():
        if task.attempt > 1:
            yield {"step": task.seq, "what": f"{task.worker}, attempt {task.attempt}", "error": ""}
    yield from (_failed(step) for place, step in view.steps.items() if step.state == "failed" and _again(place, view))


def _failures(view: View) -> Iterator[Reasons]:
    """The steps that failed for good; whoever made them may have gone on without."""
    left = (step for place, step in view.steps.items() if step.state == "failed" and not _again(place, view))
    yield from map(_failed, left)


def _again(place: tuple[str, str], view: View) -> bool:
    """Whether a step was tried again."""
    scope, ident = place
    return (scope, next_try(ident)) in view.steps


def _failed(step: StepView) -> Reasons:
    return {"step": step.seq, "what": f"{step.kind} {step.name}", "error": step.error}
