"""Progress as plain lines on stderr: one a task's beginning, end and question. For pipes and CI."""

from __future__ import annotations

from stretto.app.progress import spent_by_task
from stretto.cli.terminal import in_line, note
from stretto.cli.tree import hint, wanted
from stretto.cli.watch import Silent, Watch
from stretto.cli.words import duration, spent
from stretto.core.events import (
    Answered,
    Asked,
    Declined,
    Row,
    Ruled,
    RunResumed,
    RunStarted,
    TaskFailed,
    TaskFinished,
    TaskStarted,
)
from stretto.core.values import Spend
from stretto.runtime.recording import task_key
from stretto.runtime.view import TaskView


class PlainLines(Silent):
    """A line an event, and nothing in between."""

    def see(self, row: Row, watch: Watch) -> None:
        """See `Display`."""
        said = _said(row, watch)
        if said:
            at = duration(watch.gaps.busy(watch.view.begun, row.time))
            note(f"{at:>8}  {said[0]:<7} {said[1]}")


def _said(row: Row, watch: Watch) -> tuple[str, str] | None:
    view = watch.view
    match row.event():
        case RunStarted(worker=worker):
            return "run", f"{row.run} · {worker}"
        case RunResumed():
            done = sum(task.state == "done" for task in view.tasks.values())
            return "resume", f"{row.run} · {view.worker} · {done} of {len(view.tasks)} tasks begun are finished"
        case TaskStarted(task=key):
            return "start", _named(view.tasks[key])
        case TaskFinished():
            return "done", _ended(view.tasks[task_key(row.scope, row.ident)], watch)
        case TaskFailed(again=again):
            task = view.tasks[task_key(row.scope, row.ident)]
            return "failed", f"{_ended(task, watch)} · {in_line(task.error, 200)}{' · tries again' if again else ''}"
        case Asked(ask=kind, wait=wait) if kind != "timer":
            return "asks", f"{wanted(view.waits[wait])} ({wait})"
        case Answered(decision=decision, by=who, channel=channel, wait=wait) if channel != "clock":
            return "answer", f"{decision} by {in_line(who) or channel} ({wait})"
        case Ruled(tool=tool, where=where, by=who, channel=channel):
            fit = f" where {in_line(where)}" if where else ""
            return "rule", f"all {tool}{fit} approved by {in_line(who) or channel}"
        case Declined(reason=reason):
            return "refused", f"the answer was not taken: {in_line(reason, 200)}"
        case _:
            return None


def _named(task: TaskView) -> str:
    said = hint(task)
    return f"{task.worker} · {said}" if said else task.worker


def _ended(task: TaskView, watch: Watch) -> str:
    used = spent(spent_by_task(watch.view).get(task.key, Spend())) if watch.view.steps else ""
    return " · ".join(part for part in (_named(task), duration(watch.gaps.busy(task.begun, task.ended)), used) if part)
