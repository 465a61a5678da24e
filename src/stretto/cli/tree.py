"""A run as lines of a tree: what goes on, waits, is done or still planned, within the room there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from stretto.app.gaps import Gaps
from stretto.app.progress import NOTHING, planned_tasks, spent_by_task
from stretto.cli.terminal import in_line
from stretto.cli.words import counted, duration, moment, money, tokens
from stretto.core.text import as_text
from stretto.core.values import Spend
from stretto.runtime.functions import SAID
from stretto.runtime.view import StepView, TaskView, View, WaitView

SIGNS = {
    "done": "✓", "failed": "✗", "waiting": "?", "running": "●", "planned": "○", "left": "–", "doubt": "?", "more": "…",
}  # fmt: skip
NEXT = "what is said next"
"""What a conversation waits for."""
_MANY = 100
"""Tasks of one parent that are no longer shown one by one."""
_CALM = frozenset({"done", "planned", "left"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line: how deep it stands, its state, who, what, and what it took; `many` lines were folded into it."""

    depth: int
    state: str
    name: str
    detail: str = ""
    took: str = ""
    spend: Spend = NOTHING
    many: int = 1

    @property
    def sign(self) -> str:
        """The sign of its state."""
        return SIGNS[self.state]

    @property
    def tokens(self) -> str:
        """Tokens used, in words."""
        return tokens(self.spend.input + self.spend.output) if self.spend.calls else ""

    @property
    def money(self) -> str:
        """Money spent, in words."""
        return money(self.spend.usd) if self.spend.usd else ""


def lines(view: View, gaps: Gaps, now: int, room: int, *, whole: bool = False) -> list[Line]:
    """The tree in at most `room` lines; what is finished is folded first. `whole` unfolds it where there is room."""
    tree = _Tree(view, gaps, now)
    if whole and len(full := list(tree.all(folded=False))) <= room:
        return full
    found = list(tree.all(folded=True))
    if len(found) > room:
        found = _merged(found)
    if len(found) > room:
        cut = sum(line.many for line in found[room - 1 :])
        found = [*found[: max(0, room - 1)], Line(0, "more", f"{cut} more")]
    return found


class _Tree:
    def __init__(self, view: View, gaps: Gaps, now: int) -> None:
        self._view, self._gaps, self._now = view, gaps, now
        self._over = view.state.ended
        self._spent = spent_by_task(view)
        self._children: dict[str, list[TaskView]] = {}
        for task in view.tasks.values():
            self._children.setdefault(task.parent, []).append(task)
        self._steps: dict[str, list[StepView]] = {}
        for step in view.steps.values():
            if step.state == "running":
                self._steps.setdefault(step.task, []).append(step)
        self._waits: dict[str, list[WaitView]] = {}
        for wait in () if self._over else view.open_waits:
            self._waits.setdefault(wait.task if wait.task in view.tasks else "", []).append(wait)

    def all(self, *, folded: bool) -> Iterator[Line]:
        for task in self._view.tasks.values():
            if task.parent not in self._view.tasks:
                yield from self._task(task, 0, folded)
        yield from (_question(wait, 0) for wait in self._waits.get("", ()))

    def _task(self, task: TaskView, depth: int, folded: bool) -> Iterator[Line]:
        state = "left" if task.state in ("running", "waiting") and self._over else task.state
        until = task.ended or (self._view.updated if self._over else self._now)
        detail = in_line(task.error, 80) if state == "failed" else hint(task)
        yield Line(
            depth,
            state,
            task.worker,
            detail,
            duration(self._gaps.busy(task.begun, until)),
            self._spent.get(task.key, NOTHING),
        )
        if folded and state == "done":
            return
        children = self._children.get(task.key, [])
        if folded and len(children) > _MANY:
            yield from self._done(children, depth + 1)
            children = [child for child in children if child.state != "done"]
        for child in children:
            yield from self._task(child, depth + 1, folded)
        if not self._over:
            yield from (_step(step, depth + 1, self._now) for step in self._steps.get(task.key, ()))
            yield from (_question(wait, depth + 1) for wait in self._waits.get(task.key, ()))
            yield from self._planned(task, depth + 1)

    def _done(self, children: list[TaskView], depth: int) -> Iterator[Line]:
        """Those of many tasks that are done, as one line; what each was is not even looked at."""
        done = [child for child in children if child.state == "done"]
        spent = [self._spent[child.key] for child in done if child.key in self._spent]
        if done:
            yield _counted(Line(depth, "done", done[0].worker, "", "", sum(spent, NOTHING), len(done)))

    def _planned(self, task: TaskView, depth: int) -> Iterator[Line]:
        begun = {child.label for child in self._children.get(task.key, ())}
        for planned in planned_tasks(self._view, task.key):
            if planned["id"] not in begun:
                yield Line(depth, "planned", planned.get("worker", ""), in_line(planned["id"]))


def hint(task: TaskView) -> str:
    """What tells a task from others of the same worker: its label, or the beginning of its input."""
    return in_line(task.label or _said(task.input), 48)


def _said(value: Any) -> str:
    if isinstance(value, dict):
        value = next(
            (item for key in ("goal", "text", "id") if (item := value.get(key))), next(iter(value.values()), "")
        )
    return as_text(value) if isinstance(value, str | int | float) else ""


def _step(step: StepView, depth: int, now: int) -> Line:
    return Line(depth, "running", step.name, step.kind, duration(now - step.begun))


def _question(wait: WaitView, depth: int) -> Line:
    return Line(depth, "doubt" if wait.asked.ask == "doubt" else "waiting", wanted(wait), took="")


def wanted(wait: WaitView) -> str:
    """What a wait is for, in a few words."""
    asked = wait.asked
    to = f" · to {in_line(asked.to)}" if asked.to else ""
    match asked.ask:
        case "approval":
            return f"approve {asked.tool}? {in_line(asked.prompt)}{to}"
        case "doubt":
            return f"did {asked.tool} happen?{to}"
        case "signal":
            return NEXT if asked.prompt == SAID else f"signal {in_line(asked.prompt)}"
        case "timer":
            return f"sleeps until {moment(asked.expires or 0)}"
        case _:
            return f"{in_line(asked.prompt)}{to}"


def _merged(found: Iterable[Line]) -> list[Line]:
    """Tasks of one parent that need no look, state by state as one line, where the first of them stood."""
    merged: list[Line] = []
    places: dict[tuple[int, str], int] = {}
    for line in found:
        places = {key: place for key, place in places.items() if key[0] <= line.depth}
        place = places.get((line.depth, line.state))
        if place is None or line.state not in _CALM:
            places.setdefault((line.depth, line.state), len(merged))
            merged.append(line)
        else:
            first = merged[place]
            merged[place] = replace(first, many=first.many + 1, spend=first.spend + line.spend)
    return [_counted(line) for line in merged]


def _counted(line: Line) -> Line:
    if line.many == 1:
        return line
    return replace(line, name=f"{counted(line.many, 'task')} {line.state}", detail="", took="")
