"""Results that contradict each other: found, decided by a rule or a worker, and told with the loser.

Nothing here has an effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as filled
from typing import Any, ClassVar

from stretto.core.canonical import encode
from stretto.core.errors import UsageError
from stretto.core.values import undescribed
from stretto.orchestrator.handover import plain
from stretto.orchestrator.plan import Plan

RULES = ("first", "last", "majority")
"""Which claim stands: of the first or last task in the plan that makes one, or of most tasks."""


@dataclass(frozen=True)
class Conflict:
    """One field to which tasks gave different values: `claims` by task, `workers` says whose each task was."""

    field: str
    claims: dict[str, Any]
    workers: dict[str, str] = filled(default_factory=dict)


@dataclass(frozen=True)
class Ruling:
    """What whoever resolves a conflict says: the value that stands, and why."""

    chosen: object
    reason: str = ""
    __pydantic_config__: ClassVar[Any] = {"json_schema_extra": undescribed}


@dataclass(frozen=True)
class Resolved:
    """A conflict and how it was decided: what stands, the tasks that claimed it, what does not by task, who said so."""

    field: str
    chosen: object
    rejected: dict[str, Any]
    by: str
    reason: str = ""
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Merged:
    """The fields of all results, each with the value that stands, and how conflicts among them were decided."""

    values: dict[str, Any]
    resolved: tuple[Resolved, ...] = ()


def conflicts(plan: Plan, results: Mapping[str, Any]) -> list[Conflict]:
    """The fields to which results have different values. Who was given another's result corrects it, which is no conflict."""
    found = []
    for name, claims in _claims(plan, results).items():
        if len({encode(value) for value in claims.values()}) > 1:
            workers = {task.id: task.worker for task in plan.tasks if task.id in claims}
            found.append(Conflict(name, claims, workers))
    return found


def by_rule(conflict: Conflict, rule: str) -> Ruling:
    """What a rule says."""
    tasks = list(conflict.claims)
    match rule:
        case "first" | "last":
            task = tasks[0 if rule == "first" else -1]
            return Ruling(conflict.claims[task], f"{task} is the {rule} of {', '.join(tasks)} in the plan")
        case _:
            votes = Counter(encode(value) for value in conflict.claims.values())
            most, count = votes.most_common(1)[0]
            tie = " (as often as another; the first in the plan)" if list(votes.values()).count(count) > 1 else ""
            chosen = next(value for value in conflict.claims.values() if encode(value) == most)
            return Ruling(chosen, f"{count} of {len(tasks)} say so{tie}")


def ruling(said: object, who: str) -> Ruling:
    """What a worker said, as a ruling: one itself, or the value alone."""
    told = plain(said)
    if isinstance(told, dict) and "chosen" in told:
        return Ruling(told["chosen"], str(told.get("reason", "")))
    if told is None:
        raise UsageError(f"{who} resolved nothing; it returns the value that stands, or Ruling(chosen, reason)")
    return Ruling(told)


def resolved(conflict: Conflict, ruling: Ruling, by: str) -> Resolved:
    """The decision, with what it was against."""
    chosen = encode(ruling.chosen)
    rejected = {task: value for task, value in conflict.claims.items() if encode(value) != chosen}
    of = tuple(task for task in conflict.claims if task not in rejected)
    return Resolved(conflict.field, ruling.chosen, rejected, by, ruling.reason, of)


def merged(plan: Plan, results: Mapping[str, Any], decided: tuple[Resolved, ...]) -> Merged:
    """All fields together."""
    values = {name: list(claims.values())[-1] for name, claims in _claims(plan, results).items()}
    return Merged(values | {one.field: one.chosen for one in decided}, decided)


def _claims(plan: Plan, results: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Who says what to each field, in the plan's order; a claim that a later task was given and repeated or corrected is its.

    A result without fields is a claim about what was asked: its field is the task's goal.
    """
    said: dict[str, dict[str, Any]] = {}
    for task in plan.order():
        told = plain(results.get(task.id))
        fields = told if isinstance(told, dict) else {} if told is None else {task.goal: told}
        for name, value in fields.items():
            claims = said.setdefault(name, {})
            for older in plan.needs(task.id) & claims.keys():
                del claims[older]
            claims[task.id] = value
    return said
