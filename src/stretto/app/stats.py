"""What many runs come to: how they end, what they fail of, how often people step in, and whether they look."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from stretto.app.gaps import SECOND, Gaps
from stretto.core.events import Answered, Row, StepFailed, TaskFailed
from stretto.core.ports import Store
from stretto.core.scope import task_of
from stretto.core.values import RunState
from stretto.runtime.failures import failure_from
from stretto.runtime.view import View, WaitView

HASTY = 5.0
"""Seconds in which nobody reads what they approve."""
PEOPLE = ("approval", "question", "review", "budget", "doubt")
_NOBODY = ("clock", "policy", "rule")
"""Channels of answers that no person gave at that time."""
_ALL = 10_000_000

Stats = dict[str, Any]


async def stats(store: Store, *, since: int = 0, last: int | None = None) -> Stats:
    """Of the runs that began `since` (microseconds since 1970), of these the `last` so many; times in seconds, USD."""
    rows = [row for row in await store.runs(limit=last or _ALL) if row.created >= since]
    runs = [await _run(store, row.id) for row in rows]
    return {
        "runs": len(runs),
        "states": dict(Counter(run.view.state.value for run in runs).most_common()),
        "failures": _failures(runs),
        "errors": _errors(runs),
        "interventions": _interventions(runs),
        "rubber_stamps": _rubber_stamps(runs),
        "cost": _percentiles([float(run.view.spend.usd) for run in runs]),
        "time": _percentiles([run.busy for run in runs if run.view.state.ended]),
    }


@dataclass(slots=True)
class _Run:
    view: View
    busy: float
    errors: Counter[tuple[str, str, str]]
    """By worker, what failed in it (itself, a model, a tool), and the error's class."""

    @property
    def answered(self) -> Iterator[WaitView]:
        """The questions that a person answered."""
        for wait in self.view.waits.values():
            if wait.asked.ask in PEOPLE and wait.answer is not None and wait.answer.channel not in _NOBODY:
                yield wait


async def _run(store: Store, id: str) -> _Run:
    rows = await store.read(id)
    view = await View(rows).whole(store.blob)
    return _Run(view, Gaps(rows).busy(view.begun, view.updated) / SECOND, Counter(_failed(view, rows)))


# ---- failures


def _failures(runs: Iterable[_Run]) -> list[Stats]:
    """Failed runs by the worker and the class of the error at the root, the most frequent first."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for run in runs:
        if run.view.state is RunState.FAILED and isinstance(run.view.failure, dict):
            root = failure_from(run.view.failure).root()
            found[root.worker, root.kind].append(run.view.id)
    groups = sorted(found.items(), key=lambda group: -len(group[1]))
    return [{"worker": worker, "error": kind, "runs": len(ids), "last": ids[0]} for (worker, kind), ids in groups]


def _failed(view: View, rows: Iterable[Row]) -> Iterator[tuple[str, str, str]]:
    """Everything that failed on the way, whatever came of the run; a task once for each of its attempts."""
    for row in rows:
        match row.event():
            case StepFailed(step=step, name=name, type=kind):
                task = view.tasks.get(task_of(row.scope))
                yield task.worker if task else view.worker, f"{step} {name}", kind or "Error"
            case TaskFailed(failure=dict(failure)) if failure.get("cause") is None:
                yield str(failure.get("worker", "")), "task", str(failure.get("kind", "Error"))
            case _:
                pass


def _errors(runs: Iterable[_Run]) -> list[Stats]:
    """What fails in runs, also in those that were done all the same, the most frequent first."""
    times: Counter[tuple[str, str, str]] = Counter()
    found: Counter[tuple[str, str, str]] = Counter()
    for run in runs:
        times.update(run.errors)
        found.update(run.errors.keys())
    return [
        {"worker": worker, "where": where, "error": kind, "times": count, "runs": found[worker, where, kind]}
        for (worker, where, kind), count in times.most_common()
    ]


# ---- people


def _interventions(runs: Sequence[_Run]) -> Stats:
    """How often a person was needed: per run, and per tool (or kind of question)."""
    per_run = [sum(1 for _ in run.answered) for run in runs]
    waits: dict[tuple[str, str], list[WaitView]] = defaultdict(list)
    for run in runs:
        for wait in run.answered:
            waits[wait.asked.ask, wait.asked.tool].append(wait)
    every = (wait.answer for run in runs for wait in run.view.waits.values())
    by_rule = sum(1 for answer in every if answer is not None and answer.channel in ("rule", "policy"))
    return {
        "total": sum(per_run), "per_run": round(sum(per_run) / len(runs), 2) if runs else 0.0,
        "runs_without": per_run.count(0), "by_rule": by_rule,
        "by_tool": [_tool(*named, found) for named, found in sorted(waits.items(), key=lambda group: -len(group[1]))],
    }  # fmt: skip


def _tool(kind: str, tool: str, waits: Sequence[WaitView]) -> Stats:
    answers = [wait.answer for wait in waits if wait.answer is not None]
    return {
        "kind": kind, "tool": tool, "answered": len(answers),
        "rejected": sum(answer.decision == "reject" for answer in answers),
        "edited": sum(answer.decision == "approve" and answer.value is not None for answer in answers),
        "waited": median(wait.answered - wait.begun for wait in waits) / SECOND,
    }  # fmt: skip


def _rubber_stamps(runs: Iterable[_Run]) -> list[Stats]:
    """Who approves which tool within seconds, or without having been shown the call; the worst first."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for wait in (wait for run in runs for wait in run.answered):
        if wait.asked.ask == "approval" and wait.answer is not None and wait.answer.decision == "approve":
            found[wait.answer.by, wait.asked.tool].update(("approvals", _look(wait, wait.answer)))
    bad = [(named, seen) for named, seen in found.items() if seen["hasty"] or seen["unseen"]]
    return [
        {"by": by, "tool": tool, **{name: seen[name] for name in ("approvals", "hasty", "unseen")}}
        for (by, tool), seen in sorted(bad, key=lambda one: -one[1]["hasty"] - one[1]["unseen"])
    ]


def _look(wait: WaitView, answer: Answered) -> str:
    """How well it was looked at: by how long the channel says that it showed the call, else since it was asked."""
    shown = answer.shown if answer.shown is not None else (wait.answered - wait.begun) / SECOND
    if shown >= HASTY:
        return "read"
    return "unseen" if answer.shown == 0 else "hasty"


# ---- numbers


def _percentiles(values: Sequence[float]) -> Stats:
    """By nearest rank: a value that occurred, and is not passed by more than that share."""
    ordered = sorted(values)
    found: Stats = {"total": round(sum(ordered), 6)}
    for share in (50, 90, 99):
        found[f"p{share}"] = ordered[math.ceil(len(ordered) * share / 100) - 1] if ordered else 0.0
    return {**found, "max": ordered[-1] if ordered else 0.0}
