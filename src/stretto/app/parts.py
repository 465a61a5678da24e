"""What a worker is made of: all workers in it, the tools they may call, and what they may say to a model."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any, TypeVar

from stretto.orchestrator.orchestrator import Orchestrator
from stretto.policy.gate import Rules
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workflow
from stretto.tools.tool import Tool, tool

T = TypeVar("T")


def workers(root: Worker[Any, Any], around: Mapping[str, Any]) -> list[Worker[Any, Any]]:
    """The worker and all that it is made of. What a workflow calls cannot be seen: all that stands around it counts."""
    roots = [root, *(_standing(around, Worker) if _is_opaque(root) else ())]
    return list({id(worker): worker for one in roots for worker in inside(one)}.values())


def _is_opaque(root: Worker[Any, Any]) -> bool:
    return any(isinstance(worker, Workflow) for worker in inside(root))


def _standing(around: Mapping[str, Any], kind: type[T]) -> Iterator[T]:
    return (thing for thing in around.values() if isinstance(thing, kind))


def inside(root: Worker[Any, Any]) -> Iterator[Worker[Any, Any]]:
    """Each worker once: agents may know each other."""
    left, seen = [root], set[int]()
    while left:
        worker = left.pop(0)
        if id(worker) not in seen:
            seen.add(id(worker))
            yield worker
            left = [*getattr(worker, "parts", ()), *worker.members, *left]


def tools(root: Worker[Any, Any], around: Mapping[str, Any]) -> dict[str, tuple[Tool[Any, Any], list[str]]]:
    """The tools by name, each with the workers that are known to have it."""
    found: dict[str, tuple[Tool[Any, Any], list[str]]] = {}
    for worker in workers(root, around):
        for thing in getattr(worker, "tools", ()):
            if not isinstance(thing, Worker):
                known = thing if isinstance(thing, Tool) else tool(thing)
                found.setdefault(known.name, (known, []))[1].append(worker.name)
    for known in _standing(around, Tool) if _is_opaque(root) else ():
        found.setdefault(known.name, (known, []))
    return found


def reachable_tools(root: Worker[Any, Any]) -> dict[str, Tool[Any, Any]]:
    """The tools that a worker can come to call, by name: those of all workers around it, and around these in turn."""
    found: dict[str, Tool[Any, Any]] = {}
    for worker, around in _reachable(root):
        for name, (known, _) in tools(worker, around).items():
            found.setdefault(name, known)
    return found


def fingerprints(root: Worker[Any, Any]) -> dict[str, set[str]]:
    """The fingerprints of the workers that one can come to call, by name: of each name as many as there are workers."""
    found: dict[str, set[str]] = {}
    for worker, _ in _reachable(root):
        found.setdefault(worker.name, set()).add(worker.fingerprint())
    return found


def can_plan(root: Worker[Any, Any]) -> bool:
    """Whether a worker is, has or may call an orchestrator."""
    return any(isinstance(worker, Orchestrator) for worker, _ in _reachable(root))


def _reachable(root: Worker[Any, Any]) -> Iterator[tuple[Worker[Any, Any], dict[str, Any]]]:
    """A worker, all around it, and all around these in turn, each with what stands around it."""
    seen: set[int] = set()
    left = [root]
    while left:
        worker = left.pop()
        if id(worker) not in seen:
            seen.add(id(worker))
            around = _around(worker)
            left += workers(worker, around)
            yield worker, around


def _around(worker: Worker[Any, Any]) -> dict[str, Any]:
    """What a workflow's function can name: its module, modules that this one knows, and the functions around it."""
    function = inspect.unwrap(worker.function) if isinstance(worker, Workflow) else None
    if not isinstance(function, FunctionType):
        return {}
    known = function.__globals__
    modules = [vars(thing) for thing in known.values() if isinstance(thing, ModuleType)]
    apart = {f"{at}.{name}": thing for at, names in enumerate(modules) for name, thing in names.items()}
    return {**apart, **known, **inspect.getclosurevars(function).nonlocals}


def prompts(root: Worker[Any, Any], around: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """What each worker may say to a model of its own accord, by worker and occasion."""
    told = (worker for worker in workers(root, around) if not isinstance(worker, Orchestrator))  # its parts say it
    return {worker.name: dict(said) for worker in told if (said := getattr(worker, "prompts", None))}


def rules_in(worker: Worker[Any, Any] | None) -> Iterator[Rules]:
    """The policies that a worker and those inside it bring along: a flow file's."""
    for one in () if worker is None else inside(worker):
        if isinstance(own := vars(one).get("rules"), Rules):
            yield own
