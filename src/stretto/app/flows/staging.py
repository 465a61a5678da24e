"""From the `flow:` of a file to the workers that do it: each kind of stage is the pattern of that name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from stretto.app.flows.beside import is_reference
from stretto.app.flows.condition import Condition, OfLastTurn, condition
from stretto.app.flows.parts import Parts
from stretto.app.flows.shape import FIELDS, STAGES
from stretto.app.flows.source import Node, checked, read
from stretto.app.flows.stage import AnyWorker, Arguments, Stage, WayOut, again
from stretto.app.flows.wording import Wording, wording
from stretto.core.canonical import Json
from stretto.core.errors import UsageError
from stretto.orchestrator.conflicts import RULES
from stretto.orchestrator.orchestrator import Orchestrator
from stretto.patterns import parallel as side_by_side
from stretto.patterns.compete import compete
from stretto.patterns.debate import debate
from stretto.patterns.each import each
from stretto.patterns.fallback import fallback
from stretto.patterns.gate import Gate, gate
from stretto.patterns.group_chat import group_chat
from stretto.patterns.loop import loop
from stretto.patterns.map_reduce import map_reduce
from stretto.patterns.person import person
from stretto.patterns.pipeline import Pipeline, pipeline
from stretto.patterns.route import route
from stretto.runtime.workflow import as_worker
from stretto.tools.tool import Tool


class Staging:
    """Makes the stages of one file; its workers are in `parts`, and `texts` is what its stages tell workers and people."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.texts: list[Wording] = []
        self._readers: dict[str, Callable[[Node], Any]] = {
            **parts.readers,
            "stage": self.stage,
            "row": lambda node: Stage(self.row(node), node),
            "way out": lambda node: WayOut(node.path, Stage(self.stage(node), node, again)),
            "revision": lambda node: Stage(self.stage(node), node, again),
            "wording": self._wording,
            "rule": self._rule,
            "merge": self._merge,
            "resolver": lambda node: node.text if node.text in RULES else parts.worker(node),
            "call": self._call,
            "fixed": lambda node: node.entries,
        }
        self._make: dict[str, Callable[..., AnyWorker]] = {
            "parallel": _parallel,
            "tool": self._tool,
            "pipeline": lambda workers: workers,
            "fallback": lambda workers: fallback(*workers),
            "route": lambda by, choices, **how: route(by, choices, **how),
            "loop": _loop,
            "each": each,
            "map_reduce": lambda map, reduce, **how: map_reduce(map, reduce, **how),
            "compete": lambda workers, **how: compete(*workers, **how),
            "debate": lambda workers, **how: debate(*workers, **how),
            "group_chat": _group_chat,
            "gate": gate,
            "review": _review,
            "ask": _ask,
            "person": person,
            "orchestrate": self._orchestrate,
        }

    def row(self, node: Node) -> Pipeline[Any]:
        """A list of stages, one after the other."""
        return _line(node, [self.stage(item) for item in node.items])

    def stage(self, node: Node) -> AnyWorker:
        """One stage: a worker's name, a worker with its text, a nested list, or one of `STAGES`."""
        if isinstance(node.value, list):
            return Stage(self.row(node), node)
        if not isinstance(node.value, dict):
            return self._named(node)
        kinds = [key for key in node.entries if key in STAGES]
        if len(kinds) > 1:
            raise node.wrong(f"{' and '.join(kinds)} stand in one stage; begin each with a `-` of its own")
        return self._of_kind(node, kinds[0]) if kinds else self._told(node)

    def _named(self, node: Node) -> AnyWorker:
        name = node.text
        if not is_reference(name) and name not in self.parts.names():
            workers = self.parts.names("agents", "workers")
            kinds = ", ".join(STAGES)
            there = f"the workers of this file are {', '.join(workers) or 'none'}, the kinds of stages {kinds}"
            near = get_close_matches(name, [*workers, *STAGES], 1)
            raise node.wrong(f"unknown stage {name!r}; {there}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return self.parts.worker(node)

    def _told(self, node: Node) -> AnyWorker:
        """`{worker: "text with {goal} and {input}"}`."""
        if len(node.entries) != 1:
            strange = next((key for key in node.entries if key not in self.parts.names()), "")
            raise node.wrong(
                f"a stage is one thing, and this is {len(node.entries)}: {', '.join(node.entries)}"
                f"{f'; {strange!r} is no kind of stage' if strange else ''}; begin each with a `-` of its own"
            )
        ((name, text),) = node.entries.items()
        worker = self._named(Node(name, text.file, text.line, node.path))
        return worker if text.value is None else Stage(worker, text, self._wording(text))

    def _of_kind(self, node: Node, kind: str) -> AnyWorker:
        """A stage of that kind: its fields are the arguments of the pattern."""
        what = f"{'an' if kind[0] in 'aeo' else 'a'} {kind}"
        shape, given = STAGES[kind], node.fields(f"{what} stage", STAGES[kind])
        if kind in FIELDS:
            shape, one = FIELDS[kind], given[kind]
            first, *others = shape["required"]
            if others or isinstance(one.value, dict):
                given = one.fields(what, shape)
            else:
                one.must_be(shape["properties"][first])
                given = {first: one}
        arguments = {key: read(item, shape["properties"][key], self._readers) for key, item in given.items()}
        made = checked(node, lambda _: self._make[kind](**arguments))
        return made if isinstance(made, Gate | Stage) or kind == "tool" else Stage(made, node)

    # ---- what fields say

    def _wording(self, node: Node) -> Wording:
        self.texts.append(wording(node))
        return self.texts[-1]

    def _rule(self, node: Node) -> Condition | Callable[..., Any]:
        return self.parts.beside.function(node) if is_reference(node.text) else condition(node)

    def _merge(self, node: Node) -> Callable[..., Any]:
        return self.parts.beside.function(node) if is_reference(node.text) else self.parts.worker(node)

    def _call(self, node: Node) -> AnyWorker:
        part = self.parts.tool(node)
        return Stage(as_worker(part), node, Arguments(part, {})) if isinstance(part, Tool) else part

    # ---- stages that are more than their pattern

    def _tool(self, tool: AnyWorker, **more: dict[str, Node]) -> AnyWorker:
        fixed = more.get("with", {})
        if not isinstance(tool, Stage) or not isinstance(tool.fill, Arguments):
            if fixed:
                raise UsageError(
                    f"{tool.name!r} is a worker; `with` is for tools, tell a worker by `{tool.name}: text`"
                )
            return tool
        names = tool.fill.tool.signature.arguments
        for name, item in fixed.items():
            if name not in names:
                raise item.unknown("argument", name, names, f"{tool.name} takes {', '.join(names) or 'no arguments'}")
        return replace(tool, fill=replace(tool.fill, fixed={name: self._fixed(item) for name, item in fixed.items()}))

    def _fixed(self, node: Node) -> Json | Wording:
        return self._wording(node) if isinstance(node.value, str) and node.value else node.plain

    def _orchestrate(
        self, workers: list[AnyWorker], goal: Wording | None = None, name: str = "orchestrator", **how: Any
    ) -> AnyWorker:
        how.setdefault("model", None if "planner" in how else self.parts.model)
        boss = Orchestrator(workers=workers, name=name, **how)
        return boss if goal is None else Stage(boss, goal.node, goal)


def _line(node: Node, stages: list[AnyWorker]) -> Pipeline[Any]:
    """As in any pipeline, what stands behind a gate with another way is one of its ways; here it is a stage."""
    for place, one in enumerate(stages[:-1]):
        if isinstance(one, Gate) and one.otherwise is not None and one.then is None:
            behind = Stage(_line(node, stages[place + 1 :]), node)
            return pipeline(*stages[:place], replace(one, then=behind))
    return pipeline(*stages)


def _parallel(parallel: list[AnyWorker] | dict[str, AnyWorker], **how: Any) -> AnyWorker:
    if isinstance(parallel, dict):  # names of stages are no names of Python's
        return replace(side_by_side.parallel(*parallel.values(), **how), labels=tuple(parallel))
    return side_by_side.parallel(*parallel, **how)


def _loop(do: AnyWorker, until: Callable[..., Any], check: AnyWorker | None = None, **how: Any) -> AnyWorker:
    if isinstance(until, Condition):
        until.must_fit((check or do).gives.schema)
    if isinstance(do, Stage) and isinstance(do.fill, Wording):  # the task, which comes back with draft and verdict
        return Stage(loop(do.worker, check, until=until, **how), do.node, do.fill)
    return loop(do, check, until=until, **how)


def _group_chat(workers: list[AnyWorker], until: Callable[..., Any] | None = None, **how: Any) -> AnyWorker:
    return group_chat(*workers, until=OfLastTurn(until) if isinstance(until, Condition) else until, **how)


def _review(rejected: AnyWorker | None = None, revise: AnyWorker | None = None, **how: Any) -> AnyWorker:
    if rejected is not None and revise is not None:
        raise UsageError("it has rejected and revise; a rejected draft can go one way only, keep one of them")
    return gate(otherwise=rejected, revise=revise, name="review", **how)


def _ask(question: Wording, type: type[Any] = str, to: str = "", **how: Any) -> AnyWorker:
    return person("ask", question=question, output=type, to=to, **how)
