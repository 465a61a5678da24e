"""A flow: the worker that a flow file describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stretto.agents.agent import Agent
from stretto.app.flows.gates import Question, Review, ToolCall
from stretto.app.flows.source import Node
from stretto.app.flows.stages import Ended, Job, Row, Stage, Use
from stretto.app.flows.wording import Wording
from stretto.core.canonical import Json
from stretto.core.errors import UsageError
from stretto.core.ports import Gate, Options
from stretto.policy.gate import Rules
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.tools.tool import Tool


@dataclass(frozen=True)
class Flow(Worker[Any, Any]):
    """A worker read from a file. Its input is the goal, text or JSON; its output that of its last stage.

    `rules` is the file's policy, which every run of it, or of a worker that it is a member of, is held to; `triggers` is
    its `on:`.
    """

    name: str
    node: Node
    stages: Row
    rules: Rules
    triggers: Mapping[str, str]
    settings: Options
    about: str = ""
    goal: str | None = None

    async def work(self, context: Scope, value: object) -> object:
        """Pass the goal through the stages."""
        self._check_rules(context.run.gate)
        self._check_models(context)
        goal = self.goal if value is None else value
        if goal is None:
            self._need_no_goal()
        try:
            return await self.stages.run(Job(goal), goal)
        except Ended as end:
            return end.value

    # ---- what must hold before it begins

    def _check_rules(self, gate: Gate) -> None:
        lacking = uncovered(self.rules, gate)
        if lacking:
            raise UsageError(
                f"{self.node.file}: its policy ({lacking}) does not stand in this run's, because the flow is called by code that "
                "does not name it as a member; start the run with policy=flow.rules"
            )

    def _check_models(self, scope: Scope) -> None:
        """Refuse before anything is spent where an agent has no model to think with."""
        said = scope.run.settings.model
        for worker in within(self):
            if isinstance(worker, Agent) and worker.model is None and (worker.twin is None or said not in ("", "none")):
                try:
                    scope.run.model("")
                except UsageError as error:
                    if said not in ("", "none"):
                        raise
                    raise UsageError(
                        f"{self.node.file}: agent {worker.name!r} names no model and the run has none; give it "
                        "`model: provider:model`, or the run --model or STRETTO_MODEL"
                    ) from error

    def _need_no_goal(self) -> None:
        for text in self._texts():
            if "goal" in text.names:
                raise text.node.wrong(
                    "it needs {goal}, and the run was given none; give the run a goal, or the file `goal:`"
                )

    # ---- what a worker is

    @property
    def path(self) -> Path:
        """The file, as it was named."""
        return Path(self.node.file)

    @property
    def data(self) -> Json:
        """The file as plain data."""
        return self.node.plain

    @property
    def options(self) -> Options:
        """The budget of the run."""
        return self.settings

    @property
    def description(self) -> str:
        """What it is good for."""
        return self.about

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The workers that stand in it, each once."""
        used = {id(stage.worker): stage.worker for stage in _all(self.stages) if isinstance(stage, Use)}
        return tuple(used.values())

    @property
    def tools(self) -> tuple[Tool[..., Any], ...]:
        """The tools that stand in it, each once."""
        return tuple(
            {stage.tool.name: stage.tool for stage in _all(self.stages) if isinstance(stage, ToolCall)}.values()
        )

    def describe(self) -> dict[str, Any]:
        """What the file says, and its workers."""
        return {"name": self.name, "file": self.data, "members": [member.fingerprint() for member in self.members]}

    @property
    def prompts(self) -> dict[str, str]:
        """The texts that its stages tell workers and people, by their place."""
        return {text.node.path: text.node.text for text in self._texts()}

    def _texts(self) -> Iterator[Wording]:
        for stage in _all(self.stages):
            match stage:
                case Use(text=Wording() as text):
                    yield text
                case Review(question=text) | Question(question=text):
                    yield text
                case ToolCall(fixed=fixed):
                    yield from (part for part in fixed.values() if isinstance(part, Wording))
                case _:
                    continue

    def __hash__(self) -> int:
        return id(self)


def within(worker: Worker[Any, Any]) -> Iterator[Worker[Any, Any]]:
    """The workers inside a worker, however deep."""
    for member in (*getattr(worker, "parts", ()), *worker.members):
        yield member
        yield from within(member)


def uncovered(rules: Rules, gate: Gate) -> str:
    """What of a policy a run's gate lacks, in words; a gate of another kind is taken at its word."""
    if not isinstance(gate, Rules):
        return ""
    lacking = [f"deny {tool}" for tool in rules.deny if tool not in gate.deny]
    lacking += [f"ask {tool}" for tool in rules.ask if tool not in (*gate.ask, *gate.deny)]
    if rules.autonomy not in ("risk", gate.autonomy):
        lacking.append(f"autonomy {rules.autonomy}")
    return ", ".join(lacking)


def _all(stage: Stage) -> Iterator[Stage]:
    yield stage
    for inner in stage.inner:
        yield from _all(inner)
