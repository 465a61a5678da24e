"""A flow: the worker that a flow file describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stretto.agents.agent import Agent
from stretto.app.flows.source import Node
from stretto.app.flows.stage import WayOut
from stretto.app.flows.wording import GOAL, Wording
from stretto.app.parts import inside
from stretto.core.canonical import Json
from stretto.core.errors import UsageError, WorkerFailed
from stretto.core.ports import Gate, Options
from stretto.patterns.pipeline import Pipeline
from stretto.policy.gate import LEVELS, Rules
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker


@dataclass(frozen=True)
class Flow(Worker[Any, Any]):
    """A worker read from a file. Its input is the goal, text or JSON; its output that of its last stage.

    `rules` is the file's policy, which every run of it, or of a worker that it is a member of, is held to; `triggers` is
    its `on:`.
    """

    name: str
    node: Node
    line: Pipeline[Any]
    texts: tuple[Wording, ...]
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
        around = GOAL.get()
        GOAL.set(goal)
        try:
            return await self.line.work(context, goal)
        except WorkerFailed as error:
            rejected = error.failure.root()
            ways = {one.name: one.way for one in inside(self.line) if isinstance(one, WayOut)}
            if rejected.worker not in ways:
                raise
            return await tasks.call(context, ways[rejected.worker], rejected.input, "rejected")
        finally:
            GOAL.set(around)

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
        for worker in inside(self):
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
        for text in self.texts:
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
        """Its stages."""
        return self.line.workers

    def describe(self) -> dict[str, Any]:
        """What the file says, and its workers."""
        return {"name": self.name, "file": self.data, "members": [member.fingerprint() for member in self.members]}

    @property
    def prompts(self) -> dict[str, str]:
        """The texts that its stages tell workers and people, by their place."""
        return {text.node.path: text.node.text for text in self.texts}

    def __hash__(self) -> int:
        return id(self)


def uncovered(rules: Rules, gate: Gate) -> str:
    """What of a policy a run's gate lacks, in words; a gate of another kind is taken at its word."""
    if not isinstance(gate, Rules):
        return ""
    lacking = [f"deny {tool}" for tool in rules.deny if tool not in gate.deny]
    lacking += [f"ask {tool}" for tool in rules.ask if tool not in (*gate.ask, *gate.deny)]
    if LEVELS.index(rules.autonomy) < LEVELS.index(gate.autonomy):
        lacking.append(f"autonomy {rules.autonomy}")
    return ", ".join(lacking)
