"""A plan is data: tasks with worker, goal, inputs, dependencies and acceptance. Nothing here has an effect."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from stretto.core.canonical import decode, encode
from stretto.core.errors import UsageError
from stretto.core.values import undescribed
from stretto.tools.codec import TypeCodec, codec_for


class _ReadsLikeJson:
    """`plan["tasks"]` beside `plan.tasks`: a plan is shown, edited and stored as JSON."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None


def _by_name(inputs: Any) -> Any:
    """Inputs by name, which providers with typed answers can only give as pairs."""
    if isinstance(inputs, list) and all(isinstance(pair, dict) and pair.keys() == {"name", "value"} for pair in inputs):
        return {pair["name"]: pair["value"] for pair in inputs}
    return inputs


_ELSEWHERE = {
    "after": ("depends_on", "dependencies", "needs", "requires", "context"),
    "goal": ("description", "task", "instruction", "instructions"),
    "worker": ("agent", "assignee", "assigned_to", "owner"),
    "inputs": ("input", "args", "arguments", "parameters"),
    "accept": ("expected_output", "acceptance"),
}
"""Our words for a task's fields, each with what planners who know other packages call it."""


def _in_our_words(task: Any) -> Any:
    """A task with its fields by our names: one of another name would be a dependency, or a goal, that nobody heeds."""
    if not isinstance(task, dict):
        return task
    told = dict(task)
    for ours, theirs in _ELSEWHERE.items():
        for name in theirs:
            if name in told and ours not in told:
                told[ours] = told.pop(name)
    return told


_VALUES = [{"type": kind} for kind in ("string", "number", "boolean")]
_PAIR = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "value": {"anyOf": [*_VALUES, {"type": "array", "items": {"anyOf": _VALUES}}]},
    },
    "required": ["name", "value"],
    "additionalProperties": False,
}
Inputs = Annotated[dict[str, Any], BeforeValidator(_by_name), WithJsonSchema({"type": "array", "items": _PAIR})]


@dataclass(frozen=True)
class PlannedTask(_ReadsLikeJson):
    """One task. `after` names the tasks whose results it needs, `accept` says when its result is good enough.

    `goal` is what the worker shall deliver, by default what the orchestrator itself was given; `inputs` are further
    fields of its input. `kind` is for `assign`, which chooses the worker by rule.
    """

    id: str
    goal: str = ""
    worker: str = ""
    after: tuple[str, ...] = ()
    inputs: Inputs = field(default_factory=dict)
    accept: str = ""
    kind: str = ""
    __pydantic_config__: ClassVar[Any] = {"json_schema_extra": undescribed}


_FIELDS = [field.name for field in fields(PlannedTask)]


@dataclass(frozen=True)
class Plan(_ReadsLikeJson):
    """Tasks and how they depend on each other; `version` counts the revisions, `why` gives the planner's reason."""

    tasks: tuple[Annotated[PlannedTask, BeforeValidator(_in_our_words)], ...]
    version: int = 1
    why: str = ""
    __pydantic_config__: ClassVar[Any] = {"json_schema_extra": undescribed}

    @model_validator(mode="before")
    @classmethod
    def _of_tasks(cls, said: object) -> object:
        """The tasks alone are a plan, too."""
        return {"tasks": said} if isinstance(said, list) else said

    def order(self) -> list[PlannedTask]:
        """The tasks, each after those it needs; a cycle is a `UsageError` that names it."""
        by_id = {task.id: task for task in self.tasks}
        done: dict[str, PlannedTask] = {}
        for task in self.tasks:
            _visit(task, by_id, done, [])
        return list(done.values())

    def leaves(self) -> list[PlannedTask]:
        """The tasks that no other task needs."""
        needed = {name for task in self.tasks for name in task.after}
        return [task for task in self.tasks if task.id not in needed]

    def needs(self, task: str) -> set[str]:
        """The tasks that a task needs, directly or through others."""
        after = {one.id: one.after for one in self.tasks}
        needed: set[str] = set()
        left = list(after[task])
        while left:
            name = left.pop()
            if name not in needed:
                needed.add(name)
                left += after[name]
        return needed


@dataclass(frozen=True)
class WorkerCard:
    """A worker as a planner sees it."""

    name: str
    about: str = ""
    takes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """Something that failed, as a planner is told of it: which task, by whom, given what, how, after how many attempts.

    `task` is empty where it is the whole: what all results came to was not good enough, or a plan could not be
    carried out. `kind` is the error's type.
    """

    task: str
    worker: str
    error: str
    input: Any = None
    attempts: int = 1
    kind: str = ""


@dataclass(frozen=True)
class Brief:
    """What a planner is given: the goal, who can work, and, from the second version on, what came of the one before."""

    goal: Any
    workers: tuple[WorkerCard, ...]
    before: Plan | None = None
    finished: dict[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """A reviewer's opinion of one result."""

    ok: bool
    reason: str = ""
    __pydantic_config__: ClassVar[Any] = {"json_schema_extra": undescribed}


# ---- what a planner says


def planned(said: object, goal: str) -> Plan | None:
    """The plan that a planner gave as a `Plan`, as JSON of one, or as a list of tasks; None where it has none.

    Tasks without a goal get the orchestrator's own. Raises `ValueError` saying what is no plan.
    """
    told = decode(encode(said))
    if told in (None, {}, []) or (isinstance(told, dict) and told.get("tasks") == []):
        return None
    plan = PLANS.load(told)
    for task in map(_in_our_words, told if isinstance(told, list) else told["tasks"]):
        if unknown := task.keys() - _FIELDS:
            raise ValueError(f"task {task['id']!r} has no field {min(unknown)!r}, only {', '.join(_FIELDS)}")
    return replace(plan, tasks=tuple(task if task.goal else replace(task, goal=goal) for task in plan.tasks))


def check(plan: Plan, workers: Sequence[str]) -> Plan:
    """The plan, if it can be carried out: unique ids, known workers, no circle."""
    ids = [task.id for task in plan.tasks]
    if not ids:
        raise UsageError("the plan has no tasks; a plan needs at least one")
    twice = next((name for name in ids if ids.count(name) > 1), None) if len(set(ids)) < len(ids) else None
    if twice is not None:
        raise UsageError(f"the plan has two tasks named {twice!r}; each needs an id of its own")
    for task in plan.tasks:
        if task.worker not in workers:
            near = get_close_matches(task.worker, workers, 1)
            raise UsageError(
                f"task {task.id!r} is for worker {task.worker!r}, who is not here; the workers are "
                f"{', '.join(workers)}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
    plan.order()
    return plan


def revised(before: Plan, after: Plan, finished: Collection[str], *, may_redo: bool = False) -> Plan:
    """The next version: what is finished stays as it was, everything else is the planner's.

    With `may_redo` (all is finished, and not good enough) a finished task that the planner changed is done again.
    """
    anew = {task.id: task for task in after.tasks}
    kept = [task for task in before.tasks if task.id in finished]
    if may_redo:
        kept = [anew.get(task.id, task) for task in kept]
    names = {task.id for task in kept}
    return replace(
        after, tasks=(*kept, *(task for task in after.tasks if task.id not in names)), version=before.version + 1
    )


def still_good(before: Plan, after: Plan, finished: Iterable[str]) -> list[str]:
    """The finished tasks that stand as they were, and all of whose inputs do."""
    old, new = {task.id: task for task in before.tasks}, {task.id: task for task in after.tasks}
    same = {name for name in finished if name in new and old[name] == new[name]}
    return [name for name in finished if name in same and after.needs(name) <= same]


def _visit(task: PlannedTask, by_id: Mapping[str, PlannedTask], done: dict[str, PlannedTask], path: list[str]) -> None:
    if task.id in done:
        return
    if task.id in path:
        raise UsageError(
            f"the plan goes in a circle: {' -> '.join([*path[path.index(task.id) :], task.id])}; "
            "a task can only need tasks that do not need it"
        )
    for name in task.after:
        if name not in by_id:
            raise UsageError(
                f"task {task.id!r} waits for {name!r}, which the plan does not contain; its tasks are "
                f"{', '.join(by_id)}"
            )
        _visit(by_id[name], by_id, done, [*path, task.id])
    done[task.id] = task


# ---- who does a task

Assign = Callable[[PlannedTask], str | None] | Mapping[str, Any]
"""A rule that names a task's worker, or None to leave it; or the workers by the task's `kind`."""


def assigned(task: PlannedTask, rule: Assign | None, known: Collection[str], otherwise: str | None) -> PlannedTask:
    """The task with the worker that the rule names; one for nobody who is here goes to `otherwise`, where that is given."""
    wanted = None
    if isinstance(rule, Mapping):
        wanted = rule.get(task.kind)
    elif rule is not None:
        wanted = rule(task)
    worker = getattr(wanted, "name", None) or getattr(wanted, "__name__", None) or wanted or task.worker
    if worker not in known and otherwise is not None:
        worker = otherwise
    return task if worker == task.worker else replace(task, worker=str(worker))


PLANS: TypeCodec[Plan] = codec_for(Plan)


def recorded(value: object) -> Plan | None:
    """A plan out of a journal."""
    return None if value is None else PLANS.load(value)
