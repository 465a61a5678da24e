"""What a worker is handed: the fields that its input declares and no others. Nothing here has an effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stretto.core.canonical import Json, decode, encode
from stretto.core.errors import UsageError
from stretto.core.text import as_text
from stretto.orchestrator.plan import PlannedTask
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Draft:
    """A result that was not good enough, and why."""

    value: object
    reason: str


def for_task(worker: Worker[Any, Any], task: PlannedTask, results: Mapping[str, object], draft: Draft | None) -> object:
    """What a worker gets of a task: its goal, inputs, results of the tasks it needs, and what was wrong with its draft.

    A function gets the parameters that it names, which may be results by their tasks' ids. What takes text, or anything,
    gets the goal alone where there is no more to say, else all of it (as JSON where it takes text); so does the one
    parameter that a function must be given, where nothing that it names is there. Raises `UsageError` for what it lacks.
    """
    whole: dict[str, object] = {"goal": task.goal, **fields(task.inputs)}
    if results:
        whole["results"] = shaped(worker, results)
    declared, parameter = _fields(worker), _parameter(worker)
    if draft is not None:
        whole |= of_draft(draft)
        if parameter == "goal" or (declared is not None and "feedback" not in declared):
            whole["goal"] = f"{task.goal}\n\nYour last result was not accepted: {draft.reason}"
    known = {**fields(results), **whole}
    if parameter in known and not (parameter == "goal" and declared is not None):
        return known[parameter]
    if declared is not None:
        free = not set(declared) & (known.keys() - {"draft", "feedback"})
        return _named(worker, known, task.goal if list(whole) == ["goal"] else whole, free)
    return shaped(worker, results) if results and _type(worker) == "array" else _told(worker, whole)


def for_part(worker: Worker[Any, Any], whole: Mapping[str, object], sole: object) -> object:
    """What a planner, reviewer, integrator, resolver or judge gets of `whole`.

    A function gets the parameters that it names; the only one, or the only one that it must be given, where it has another
    name, is `sole`. Raises `UsageError` for what it lacks.
    """
    parameter = _parameter(worker)
    if parameter in whole:
        return whole[parameter]
    declared = _fields(worker)
    if declared is not None:
        return _named(worker, whole, sole, all(whole.get(name) is not sole for name in declared))
    if parameter:
        return as_text(sole) if _type(worker) == "string" else sole
    return _told(worker, dict(whole))


def shaped(worker: Worker[Any, Any], results: Mapping[str, object]) -> Json:
    """Results by task, or in the plan's order where the worker declares a list of them."""
    schema = worker.takes.schema
    declared = schema.get("properties", {}).get("results", schema)
    return [plain(result) for result in results.values()] if declared.get("type") == "array" else plain(results)


def of_draft(draft: Draft | None) -> dict[str, object]:
    """A draft and what was wrong with it, as fields."""
    return {} if draft is None else {"draft": plain(draft.value), "feedback": draft.reason}


def plain(value: object) -> Json:
    """The value as a reader of the journal gets it."""
    told: Json = decode(encode(value))
    return told


def fields(value: object) -> dict[str, Json]:
    """The fields of a value, or the items of a mapping, as a reader of the journal gets them."""
    told = plain(value)
    assert isinstance(told, dict)
    return told


def _named(worker: Worker[Any, Any], known: Mapping[str, object], sole: object, free: bool) -> dict[str, object]:
    """The fields that a worker's input declares; the one that it requires and nobody knows is `sole`, if that is `free`."""
    schema = worker.takes.schema
    chosen = {name: known[name] for name in schema["properties"] if name in known}
    match [name for name in schema.get("required", ()) if name not in known]:
        case []:
            return chosen
        case [name] if free and isinstance(worker, Workflow):
            text = schema["properties"][name].get("type") == "string"
            return {**chosen, name: as_text(sole) if text else sole}
        case unknown:
            raise UsageError(
                f"{worker.name} cannot begin: it must be given {', '.join(unknown)}, and there is nothing of that name; "
                f"by name there are {', '.join(known)}"
            )


def _parameter(worker: Worker[Any, Any]) -> str:
    """The name of a function's only parameter; empty for everything else."""
    names = worker.signature.arguments if isinstance(worker, Workflow) else {}
    return next(iter(names)) if len(names) == 1 else ""


def _fields(worker: Worker[Any, Any]) -> list[str] | None:
    """The names that a worker's input declares; None where it takes text, or anything."""
    declared = worker.takes.schema.get("properties")
    return None if declared is None else list(declared)


def _type(worker: Worker[Any, Any]) -> object:
    return worker.takes.schema.get("type")


def _told(worker: Worker[Any, Any], whole: dict[str, object]) -> object:
    alone = list(whole) == ["goal"]
    match _type(worker):
        case "string":
            return as_text(whole["goal"] if alone else whole)
        case "object":
            return whole
        case _:
            return whole["goal"] if alone else whole
