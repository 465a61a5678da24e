"""What a fork did not pay again: the model calls that the run it came from had made already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stretto.core.events import Pruned, Row, RunStarted, TaskFinished, TaskStarted
from stretto.core.ports import Store
from stretto.core.scope import task_of
from stretto.core.values import Spend
from stretto.runtime.view import View

_FORKED = b'"forked_from"'


async def origin_of(rows: Sequence[Row], store: Store) -> list[Row]:
    """The events of the run that one beginning with these was forked from; none where it was not."""
    if not rows or rows[0].seq or _FORKED not in rows[0].body:
        return []
    begun = rows[0].event()
    return await store.read(begun.forked_from) if isinstance(begun, RunStarted) and begun.forked_from else []


def saved(rows: Sequence[Row], origin: Sequence[Row]) -> dict[str, Any] | None:
    """Where a fork began, the tasks it took over whole, and the calls, tokens and money that were not spent again."""
    begun = rows[0].event() if rows else None
    if not isinstance(begun, RunStarted) or not begun.forked_from:
        return None
    over = {_place(row): event for row in rows if isinstance(event := row.event(), TaskStarted) and event.reused}
    total = _spent(origin, begun.forked_at, over)
    return {
        "of": begun.forked_from,
        "at": begun.forked_at,
        "tasks": [event.label or event.worker for event in over.values()],
        "saved": {"calls": total.calls, "tokens": total.input + total.output, "usd": str(total.usd)},
    }


def _place(row: Row) -> tuple[str, str]:
    """Where an event stands; equal in a run and its fork where both went the same way."""
    return row.scope, row.ident


def _spent(origin: Sequence[Row], at: int, over: Mapping[tuple[str, str], TaskStarted]) -> Spend:
    """What the first run spent up to `at`, and in the tasks that were taken over."""
    if not origin or origin[-1].kind == Pruned.kind:
        return Spend()
    view = View(origin)
    ended = {_place(row) for row in origin if row.kind == TaskFinished.kind and row.seq > at}
    begun = {_place(row): row.event() for row in origin if row.kind == TaskStarted.kind and _place(row) in ended}
    tasks = {where: event for where, event in begun.items() if isinstance(event, TaskStarted)}
    whole = {tasks.pop(where).task for where, event in over.items() if _is(event, tasks.get(where))}
    for where, event in over.items():  # what went another way until there was taken from wherever it was done
        if where in tasks or where not in begun:
            found = next((place for place, task in tasks.items() if _is(event, task)), None)
            whole |= {tasks.pop(found).task} if found else set()
    total = Spend()
    for (scope, _), step in view.steps.items():
        if step.seq <= at or not whole.isdisjoint((task := task_of(scope), *view.above(task))):
            total += step.spend
    return total


def _is(one: TaskStarted, other: TaskStarted | None) -> bool:
    """Whether two tasks are the same work."""
    return other is not None and (one.worker, one.fingerprint, one.input) == (
        other.worker, other.fingerprint, other.input,
    )  # fmt: skip
