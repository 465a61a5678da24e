"""What a worker is handed: the fields that its input declares and no others. Nothing here has an effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stretto.core.canonical import decode, encode
from stretto.orchestrator.plan import PlannedTask
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Draft:
    """A result that was not good enough, and why."""

    value: Any
    reason: str


def for_task(worker: Worker[Any, Any], task: PlannedTask, results: Mapping[str, Any], draft: Draft | None) -> Any:
    """What a worker gets of a task: its goal, inputs, results of the tasks it needs, and what was wrong with its draft.

    A worker may name each result by its task's id. One that takes text, or anything, gets the goal alone where there is
    no more to say, else all of it (as JSON where it takes text).
    """
    whole: dict[str, Any] = {"goal": task.goal, **plain(task.inputs)}
    if results:
        whole["results"] = shaped(worker, results)
    fields = _fields(worker)
    if draft is not None:
        whole |= of_draft(draft)
        if fields is not None and "feedback" not in fields:
            whole["goal"] = f"{task.goal}\n\nYour last result was not accepted: {draft.reason}"
    known = {**plain(results), **whole}
    parameter = _parameter(worker)
    if parameter in known and parameter != "goal":
        return known[parameter]
    if fields is not None:
        return {name: known[name] for name in fields if name in known}
    return shaped(worker, results) if results and _type(worker) == "array" else _told(worker, whole)


def for_part(worker: Worker[Any, Any], whole: Mapping[str, Any], sole: Any) -> Any:
    """What a planner, reviewer, integrator, resolver or judge gets of `whole`.

    A function gets the parameters that it names; its only parameter, where it has another name, is `sole`.
    """
    parameter = _parameter(worker)
    if parameter in whole:
        return whole[parameter]
    fields = _fields(worker)
    if fields is not None:
        return {name: whole[name] for name in fields if name in whole}
    if parameter:
        return as_text(sole) if _type(worker) == "string" else sole
    return _told(worker, dict(whole))


def shaped(worker: Worker[Any, Any], results: Mapping[str, Any]) -> Any:
    """Results by task, or in the plan's order where the worker declares a list of them."""
    schema = worker.takes.schema
    declared = schema.get("properties", {}).get("results", schema)
    return [plain(result) for result in results.values()] if declared.get("type") == "array" else plain(results)


def of_draft(draft: Draft | None) -> dict[str, Any]:
    """A draft and what was wrong with it, as fields."""
    return {} if draft is None else {"draft": plain(draft.value), "feedback": draft.reason}


def plain(value: Any) -> Any:
    """The value as a reader of the journal gets it."""
    return decode(encode(value))


def as_text(value: Any) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else encode(value).decode()


def _parameter(worker: Worker[Any, Any]) -> str:
    """The name of a function's only parameter; empty for everything else."""
    names = worker.signature.arguments if isinstance(worker, Workflow) else {}
    return next(iter(names)) if len(names) == 1 else ""


def _fields(worker: Worker[Any, Any]) -> list[str] | None:
    """The names that a worker's input declares; None where it takes text, or anything."""
    declared = worker.takes.schema.get("properties")
    return None if declared is None else list(declared)


def _type(worker: Worker[Any, Any]) -> Any:
    return worker.takes.schema.get("type")


def _told(worker: Worker[Any, Any], whole: dict[str, Any]) -> Any:
    alone = list(whole) == ["goal"]
    match _type(worker):
        case "string":
            return as_text(whole["goal"] if alone else whole)
        case "object":
            return whole
        case _:
            return whole["goal"] if alone else whole
