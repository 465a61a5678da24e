"""From the `flow:` of a file to the stages that do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import Any

from stretto.app.flows import gates, stages
from stretto.app.flows.beside import is_reference
from stretto.app.flows.condition import Condition, condition
from stretto.app.flows.kinds import kind
from stretto.app.flows.parts import Parts
from stretto.app.flows.shape import ASK, COMPETE, DEBATE, EACH, LOOP, ORCHESTRATE, REVIEW, ROUTE, STAGES
from stretto.app.flows.source import Node, Shape, checked
from stretto.app.flows.stages import Row, Stage, Use
from stretto.app.flows.wording import Wording, wording
from stretto.core.canonical import Json
from stretto.core.values import Budget
from stretto.core.values import seconds as in_seconds
from stretto.orchestrator.conflicts import RULES
from stretto.orchestrator.orchestrator import Orchestrator
from stretto.patterns.compete import compete
from stretto.patterns.debate import debate
from stretto.patterns.each import each
from stretto.runtime.worker import Worker
from stretto.tools.tool import Tool

Fields = Mapping[str, Node]


class Staging:
    """Makes the stages of one file; its workers are in `parts`."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._make: dict[str, Callable[[Node, Fields, str], Stage]] = {
            "parallel": self._parallel,
            "pipeline": self._pipeline,
            "fallback": self._fallback,
            "route": self._route,
            "loop": self._loop,
            "compete": self._compete,
            "debate": self._debate,
            "each": self._each,
            "review": self._review,
            "ask": self._ask,
            "tool": self._tool,
            "orchestrate": self._orchestrate,
        }

    def row(self, node: Node, prefix: str = "") -> Row:
        """A list of stages, one after the other."""
        return Row(tuple(self.stage(item, f"{prefix}{number}") for number, item in enumerate(node.items, 1)))

    def stage(self, node: Node, label: str) -> Stage:
        """One stage: a worker's name, a worker with its text, a nested list, or one of `STAGES`."""
        if isinstance(node.value, list):
            return self.row(node, f"{label}.")
        if not isinstance(node.value, dict):
            return self._named(node, label)
        kinds = [key for key in node.entries if key in STAGES]
        if len(kinds) > 1:
            raise node.wrong(f"{' and '.join(kinds)} stand in one stage; begin each with a `-` of its own")
        if not kinds:
            return self._told(node, label)
        given = node.fields(f"a {kinds[0]} stage", STAGES[kinds[0]])
        return self._make[kinds[0]](node, given, label)

    def _named(self, node: Node, label: str) -> Stage:
        name = node.text
        if not is_reference(name) and name not in self.parts.names():
            raise self._unknown(node, name)
        return Use(self.parts.worker(node), label)

    def _told(self, node: Node, label: str) -> Stage:
        """`{worker: "text with {goal} and {input}"}`."""
        if len(node.entries) != 1:
            strange = next((key for key in node.entries if key not in self.parts.names()), "")
            raise node.wrong(
                f"a stage is one thing, and this is {len(node.entries)}: {', '.join(node.entries)}"
                f"{f'; {strange!r} is no kind of stage' if strange else ''}; begin each with a `-` of its own"
            )
        ((name, text),) = node.entries.items()
        named = Node(name, text.file, text.line, node.path)
        if name not in self.parts.names() and not is_reference(name):
            raise self._unknown(named, name)
        return Use(self.parts.worker(named), label, None if text.value is None else wording(text))

    def _unknown(self, node: Node, name: str) -> Exception:
        workers = self.parts.names("agents", "workers")
        kinds = ", ".join(STAGES)
        there = f"the workers of this file are {', '.join(workers) or 'none'}, the kinds of stages {kinds}"
        near = get_close_matches(name, [*workers, *STAGES], 1)
        return node.wrong(f"unknown stage {name!r}; {there}" + (f"; did you mean {near[0]!r}?" if near else ""))

    def _maybe(self, given: Fields, key: str, label: str) -> Stage | None:
        return self.stage(given[key], label) if key in given else None

    # ---- patterns

    def _parallel(self, node: Node, given: Fields, label: str) -> Stage:
        many = given["parallel"]
        named = isinstance(many.value, dict)
        nodes = (
            list(many.entries.items())
            if named
            else [(f"{label}.{place}", item) for place, item in enumerate(many.items, 1)]
        )
        if not nodes:
            raise many.wrong("it is empty; it must have at least one stage")
        enough = _plain(given, "min_success")
        if enough is not None and enough > len(nodes):
            raise given["min_success"].wrong(
                f"{enough} of {len(nodes)} stages cannot succeed; it is at most {len(nodes)}"
            )
        return stages.Parallel(
            tuple(self.stage(item, name) for name, item in nodes),
            tuple(name for name, _ in nodes) if named else (),
            _plain(given, "limit"),
            enough,
            self.parts.beside.function(given["merge"]) if "merge" in given else None,
        )

    def _pipeline(self, node: Node, given: Fields, label: str) -> Stage:
        return self.row(given["pipeline"], f"{label}.")

    def _fallback(self, node: Node, given: Fields, label: str) -> Stage:
        return stages.Fallback(self.row(given["fallback"], f"{label}.").inner)

    def _route(self, node: Node, given: Fields, label: str) -> Stage:
        given = given["route"].fields("a route", ROUTE)
        choices = {name: self.stage(item, name) for name, item in given["choices"].entries.items()}
        if not choices:
            raise given["choices"].wrong("it is empty; a route has at least one choice")
        by = self.stage(given["by"], label)
        if isinstance(by, Use):
            about = {name: one.worker.description if isinstance(one, Use) else "" for name, one in choices.items()}
            by = replace(by, worker=by.worker.choosing(about))
        return stages.Route(given["by"], by, choices, self._maybe(given, "otherwise", "otherwise"))

    def _loop(self, node: Node, given: Fields, label: str) -> Stage:
        given = given["loop"].fields("a loop", LOOP)
        do, check = self.stage(given["do"], label), self._maybe(given, "check", label)
        until = self._until(given["until"], check or do)
        return stages.Loop(do, check, until, _plain(given, "max") or 3, self._maybe(given, "otherwise", label))

    def _until(self, node: Node, judge: Stage) -> Condition | Callable[..., Any]:
        until = self._rule(node)
        while isinstance(judge, Row):
            judge = judge.inner[-1]
        if isinstance(judge, Use) and isinstance(until, Condition):
            until.must_fit(judge.worker.gives.schema)
        return until

    def _rule(self, node: Node) -> Condition | Callable[..., Any]:
        return self.parts.beside.function(node) if is_reference(node.text) else condition(node)

    def _compete(self, node: Node, given: Fields, label: str) -> Stage:
        given = given["compete"].fields("a competition", COMPETE)
        workers, judge = self._workers(given), self.parts.worker(given["judge"])
        return self._pattern(
            node, label, partial(compete, *workers, judge=judge), _plains(given, "accept", "n", "limit")
        )

    def _debate(self, node: Node, given: Fields, label: str) -> Stage:
        given = given["debate"].fields("a debate", DEBATE)
        workers, judge = self._workers(given), self.parts.worker(given["judge"]) if "judge" in given else None
        return self._pattern(node, label, partial(debate, *workers, judge=judge), _plains(given, "rounds"))

    def _each(self, node: Node, given: Fields, label: str) -> Stage:
        one = given["each"]
        given = {"worker": one} if isinstance(one.value, str) else one.fields("each", EACH)
        worker = self.parts.worker(given["worker"])
        return self._pattern(node, label, partial(each, worker), _plains(given, "limit", "on_error"))

    def _workers(self, given: Fields) -> list[Worker[Any, Any]]:
        return [self.parts.worker(item) for item in given["workers"].items]

    def _pattern(self, node: Node, label: str, make: Callable[..., Worker[Any, Any]], how: dict[str, Any]) -> Stage:
        """A pattern of workers; what it refuses is said with the place."""
        return Use(checked(node, lambda _: make(**how)), label)

    def _orchestrate(self, node: Node, given: Fields, label: str) -> Stage:
        given = given["orchestrate"].fields("an orchestrator", ORCHESTRATE)
        parts: dict[str, Any] = {key: self.parts.worker(given[key]) for key in _PARTS if key in given}
        if "resolve" in given:
            rule = given["resolve"].text
            parts["resolve"] = rule if rule in RULES else self.parts.worker(given["resolve"])
        plain: dict[str, Any] = {key: given[key].plain for key in _PLAIN if key in given}
        boss = Orchestrator(
            self.parts.model(given) if "model" in given or "planner" not in given else None,
            [self.parts.worker(item) for item in given["workers"].items],
            name=given["name"].text if "name" in given else "orchestrator",
            budget=checked(given["budget"], Budget.parse) if "budget" in given else None,
            timeout=_seconds(given, "timeout"),
            **parts,
            **plain,
        )
        return Use(boss, label, wording(given["goal"]) if "goal" in given else None)

    # ---- people and tools

    def _review(self, node: Node, given: Fields, label: str) -> Stage:
        question, given = _question(given["review"], "a review", REVIEW)
        if "rejected" in given and "revise" in given:
            raise given["revise"].wrong(
                "it has rejected and revise; a rejected draft can go one way only, keep one of them"
            )
        return gates.Review(
            question,
            _plain(given, "to") or "",
            _seconds(given, "expires"),
            self._maybe(given, "rejected", "rejected"),
            self._maybe(given, "revise", "revise"),
            self._rule(given["when"]) if "when" in given else None,
        )

    def _ask(self, node: Node, given: Fields, label: str) -> Stage:
        question, given = _question(given["ask"], "a question", ASK)
        wanted = kind(given["type"], "answer", self.parts.beside) if "type" in given else str
        return gates.Question(question, wanted, _plain(given, "to") or "", _seconds(given, "expires"))

    def _tool(self, node: Node, given: Fields, label: str) -> Stage:
        fixed = given["with"].entries if "with" in given else {}
        part = self.parts.tool(given["tool"])
        if not isinstance(part, Tool):
            if fixed:
                raise given["with"].wrong(
                    f"{part.name!r} is a worker; `with` is for tools, tell a worker by `{part.name}: text`"
                )
            return Use(part, label)
        names = part.signature.arguments
        for name, item in fixed.items():
            if name not in names:
                raise item.unknown("argument", name, names, f"{part.name} takes {', '.join(names) or 'no arguments'}")
        return gates.ToolCall(given["tool"], part, {name: _fixed(item) for name, item in fixed.items()})


_PARTS = "planner", "reviewer", "integrator", "judge", "otherwise"
_PLAIN = "accept", "approve_plan", "repair", "max_plans", "limit", "retry"


def _question(node: Node, what: str, shape: Shape) -> tuple[Wording, Fields]:
    """The question, alone or among other fields."""
    given = {"question": node} if isinstance(node.value, str) else node.fields(what, shape)
    return wording(given["question"]), given


def _fixed(node: Node) -> Json | Wording:
    return wording(node) if isinstance(node.value, str) and node.value else node.plain


def _plain(given: Fields, key: str) -> Any:
    return given[key].plain if key in given else None


def _plains(given: Fields, *keys: str) -> dict[str, Any]:
    return {key: given[key].plain for key in keys if key in given}


def _seconds(given: Fields, key: str) -> float | None:
    return checked(given[key], in_seconds) if key in given else None
