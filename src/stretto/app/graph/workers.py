"""How a worker is made of others: what passes to whom, who chooses, who checks, and who may give work to whom."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import CodeType, FunctionType
from typing import Any

from stretto.agents.agent import Agent
from stretto.agents.handoffs import handoffs_of
from stretto.app.graph.data import Canvas, Part, alone
from stretto.orchestrator.orchestrator import Orchestrator
from stretto.patterns.compete import Compete
from stretto.patterns.debate import Debate
from stretto.patterns.each import Each
from stretto.patterns.fallback import Fallback
from stretto.patterns.gate import Gate
from stretto.patterns.group_chat import GroupChat
from stretto.patterns.loop import Loop
from stretto.patterns.map_reduce import MapReduce
from stretto.patterns.parallel import Parallel
from stretto.patterns.person import Person
from stretto.patterns.pipeline import Pipeline
from stretto.patterns.route import Route
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workflow
from stretto.tools.tool import Tool

AnyWorker = Worker[Any, Any]
Draw = Callable[[], Part]


class Drawing:
    """Draws workers on a canvas. An agent that several may give work to is drawn once."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self._known: dict[int, Part] = {}

    def worker(self, worker: AnyWorker, *, outermost: bool = False) -> Part:
        """Draw a worker where it stands."""
        draw = self.shape(worker)
        if draw is None:
            return self._single(worker)
        kind, bounds = _kind(worker), _bounds(worker)
        if outermost and worker.name == kind and not bounds:  # a frame around everything would say nothing
            part = draw()
        else:
            label = kind if worker.name == kind else f"{worker.name} · {kind}"
            with self.canvas.group(kind, f"{label}{bounds}"):
                part = draw()
        self._known.setdefault(id(worker), part)
        return part

    def shape(self, worker: AnyWorker) -> Draw | None:
        """How a pattern is drawn; None for what is one node."""
        return self._at_once(worker) or self._in_turn(worker)

    def _at_once(self, worker: AnyWorker) -> Draw | None:
        match worker:
            case Parallel(workers=workers, labels=labels):
                return lambda: self._fan(workers, labels, _merging(worker))
            case Compete(workers=workers, judge=judge):
                return lambda: self._fan(workers, (), "", judge)
            case MapReduce(mapper=mapper, reducer=reducer):
                return lambda: self._fan([mapper], ("each piece",), "", reducer)
            case Each(worker=inner):
                return lambda: self._fan([inner], ("each item",), "all")
            case Orchestrator():
                return lambda: self._orchestrator(worker)
            case _:
                return None

    def _in_turn(self, worker: AnyWorker) -> Draw | None:
        match worker:
            case Pipeline(workers=workers):
                return lambda: self.row(workers)
            case Route(choices=choices, otherwise=otherwise):
                ways = {**choices, "otherwise": otherwise} if otherwise else choices
                return lambda: self._route(worker.chooser, ways)
            case Loop(worker=inner, critic=critic, otherwise=otherwise):
                return lambda: self._again((inner, critic), f"again, at most {worker.rounds}", otherwise)
            case Fallback(workers=workers):
                return lambda: self._instead(workers)
            case Debate(speakers=speakers, judge=judge):
                return lambda: self._again((*speakers, judge), f"next round, at most {worker.rounds}")
            case GroupChat():
                return lambda: self._chat(worker)
            case Gate():
                return lambda: self._gate(worker)
            case _:
                return None

    # ---- shapes

    def row(self, workers: Iterable[AnyWorker]) -> Part:
        """One after the other."""
        drawn = [self.worker(one) for one in workers]
        for before, after in pairwise(drawn):
            self.canvas.join(before, after)
        return Part(drawn[0].begins, drawn[-1].ends)

    def _fan(
        self, workers: Sequence[AnyWorker], labels: Sequence[str], merge: str, meet: AnyWorker | None = None
    ) -> Part:
        """All at once on the same input, until they meet."""
        fork = self.canvas.node("fork")
        drawn = [self.worker(one) for one in workers]
        for place, part in enumerate(drawn):
            for begin in part.begins:
                self.canvas.edge(fork, begin, labels[place] if place < len(labels) else "")
        last = self.worker(meet) if meet else alone(self.canvas.node("join", merge))
        for part in drawn:
            self.canvas.join(part, last)
        return Part((fork,), last.ends)

    def _route(self, chooser: AnyWorker, ways: Mapping[str, AnyWorker]) -> Part:
        """One of several ways."""
        chosen = self.worker(chooser)
        ends: list[tuple[str, str]] = []
        for label, way in ways.items():
            part = self.worker(way)
            self.canvas.join(chosen, part, label)
            ends += part.ends
        return Part(chosen.begins, tuple(ends))

    def _again(self, workers: Iterable[AnyWorker | None], label: str, otherwise: AnyWorker | None = None) -> Part:
        """A row that comes round again."""
        part = self.row(one for one in workers if one is not None)
        self.canvas.join(part, part, label, "back")
        if otherwise is None:
            return part
        out = self.worker(otherwise)
        self.canvas.join(part, out, "not settled")
        return Part(part.begins, (*part.ends, *out.ends))

    def _instead(self, workers: Iterable[AnyWorker]) -> Part:
        """The next one where the one before failed."""
        drawn = [self.worker(one) for one in workers]
        for before, after in pairwise(drawn):
            self.canvas.join(before, after, "failed", "else")
        return Part(drawn[0].begins, tuple(end for part in drawn for end in part.ends))

    # ---- patterns that are more than a shape

    def _chat(self, chat: GroupChat) -> Part:
        hub = self.worker(chat.next) if chat.next is not None else alone(self.canvas.node("turns", "in turn"))
        for one in chat.participants:
            self.canvas.join(hub, self.worker(one), "", "both")
        return Part(hub.begins, tuple((end, f"at most {chat.turns} turns") for end, _ in hub.ends))

    def _gate(self, gate: Gate) -> Part:
        question = gate.name if inspect.isroutine(gate.question) else str(gate.question)
        when = ("only where needed",) if gate.when is not None else ()
        asked = alone(self.canvas.node("gate", question, (*asked_of(gate.to), *when)), "yes")
        ends = asked.ends
        if gate.then is not None:
            then = self.worker(gate.then)
            self.canvas.join(asked, then, "yes")
            ends = then.ends
        if gate.otherwise is not None:
            other = self.worker(gate.otherwise)
            self.canvas.join(asked, other, "no")
            ends += other.ends
        if gate.revise is not None:
            revised = self.worker(gate.revise)
            self.canvas.join(asked, revised, "no")
            self.canvas.join(revised, asked, "again", "back")
        return Part(asked.begins, ends)

    def _orchestrator(self, boss: Orchestrator) -> Part:
        """Who plans, those who get the tasks, and who reviews and puts together."""
        plan = self.worker(boss.planning)
        begins, first = plan.begins, plan
        if boss.approve_plan:
            to = boss.approve_plan if isinstance(boss.approve_plan, str) else ""
            asked = alone(self.canvas.node("gate", "Carry out this plan?", asked_of(to)), "yes")
            self.canvas.join(plan, asked)
            plan = asked
        done: list[tuple[str, str]] = []
        for member in boss.members:
            part = self.worker(member)
            self.canvas.join(plan, part, "tasks", "gives")
            done += part.ends
        last = Part((), tuple(done))
        for after in (boss.reviewing, boss.integrating, boss.judging):
            if after is not None:
                part = self.worker(after)
                self.canvas.join(last, part)
                last = part
        if boss.max_plans > 1:
            ends = Part((), last.ends[:1]) if len(last.ends) > 1 else last
            self.canvas.join(ends, first, f"new plan, at most {boss.max_plans}", "back")
        return Part(begins, last.ends)

    # ---- one node, and those it may give work to

    def _single(self, worker: AnyWorker) -> Part:
        names, calls = _named(worker) if isinstance(worker, Workflow) else ([], [])
        tools = [*getattr(worker, "tools", ()), *names]
        node = self.canvas.node(
            _kind(worker), worker.name, tuple(_details(worker)), tools=tuple(map(called, filter(_is_tool, tools)))
        )
        part = alone(node)
        self._known.setdefault(id(worker), part)
        over = {id(one.to) for one in handoffs_of(worker.handoffs)} if isinstance(worker, Agent) else set()
        for member in dict.fromkeys((*worker.members, *calls)):
            known = self._known.get(id(member)) or self.worker(member)
            self.canvas.join(part, known, "hands over" if id(member) in over else "", "gives")
        return part


def _kind(worker: AnyWorker) -> str:
    name = type(worker).__name__
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name).lstrip("_")


def _bounds(worker: AnyWorker) -> str:
    """What bounds a pattern, in a few words."""
    match worker:
        case Compete(accept=accept) if accept is not None:
            return f" (good enough from {accept:g})"
        case Parallel(limit=limit) | Compete(limit=limit) | Each(limit=limit) if limit is not None:
            return f" (at most {limit} at once)"
        case _:
            return ""


def _merging(parallel: Parallel) -> str:
    if parallel.min_success is not None:
        return f"{parallel.min_success} of {len(parallel.workers)} are enough"
    return f"merge: {called(parallel.merge)}" if parallel.merge else ""


def asked_of(who: str) -> tuple[str, ...]:
    """Whom a question goes to, in words."""
    return (f"asks {who}",) if who else ("asks a person",)


def _details(worker: AnyWorker) -> Iterator[str]:
    match worker:
        case Agent(model=model):
            brains = model if isinstance(model, list | tuple) else [model]
            named = [str(getattr(brain, "name", brain)) for brain in brains if brain is not None]
            yield f"agent · {', else '.join(named)}" if named else "agent"
        case Person(to=to):
            yield from asked_of(to)
        case _:
            yield _kind(worker)


def _is_tool(thing: object) -> bool:
    return callable(thing) and not isinstance(thing, Worker)


def called(thing: object) -> str:
    """A tool's or function's name, and whether a person is asked before it runs."""
    if not isinstance(thing, Tool):
        name = str(getattr(thing, "name", getattr(thing, "__name__", type(thing).__name__)))
        return name if name != "<lambda>" else "a function"
    return f"{thing.name} (asks)" if thing.risk != "low" or thing.external or thing.irreversible else thing.name


def _named(workflow: Workflow[Any, Any]) -> tuple[list[object], list[AnyWorker]]:
    """The tools and workers that a workflow's code names: what it may call."""
    function = inspect.unwrap(workflow.function)
    if not isinstance(function, FunctionType):
        return [], []
    known = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    found = [known[name] for name in dict.fromkeys(_names(function.__code__)) if name in known]
    tools: list[object] = [thing for thing in found if isinstance(thing, Tool)]
    return tools, [thing for thing in found if isinstance(thing, Worker) and thing is not workflow]


def _names(code: CodeType) -> Iterator[str]:
    yield from (*code.co_names, *code.co_freevars)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
