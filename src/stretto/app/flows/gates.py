"""The stages at which a flow meets people and tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stretto.app.flows.condition import Condition
from stretto.app.flows.source import Node
from stretto.app.flows.stages import Ended, Job, Rule, Stage
from stretto.app.flows.wording import Wording
from stretto.core.canonical import Json, decode, encode
from stretto.core.scope import current
from stretto.core.values import Accepted
from stretto.patterns.loop import feedback
from stretto.runtime import functions
from stretto.tools.tool import Tool


@dataclass(frozen=True, slots=True)
class Review:
    """A person looks at the value, and may revise it. A rejected one goes no further."""

    question: Wording
    to: str = ""
    expires: float | None = None
    rejected: Stage | None = None
    revise: Stage | None = None
    when: Condition | Rule | None = None

    @property
    def inner(self) -> tuple[Stage, ...]:
        """Who gets what was rejected."""
        return tuple(stage for stage in (self.rejected, self.revise) if stage is not None)

    async def run(self, job: Job, value: object) -> object:
        """The accepted value; the value itself where nobody needs to look."""
        when, scope = self.when, current.get()
        if when is not None and not await scope.decide("gate", lambda: bool(when(value))):
            return value
        while True:
            question = self.question.fill(job.goal, value)
            if self.rejected is None and self.revise is None:
                return await functions.approved(value, question, to=self.to, expires=self.expires)
            answer = await functions.review(value, question, to=self.to, expires=self.expires)
            if isinstance(answer, Accepted):
                return answer.value
            told = feedback(job.goal, value, answer.reason)
            if self.rejected is not None:
                raise Ended(await self.rejected.run(job, told))
            assert self.revise is not None
            value = await self.revise.run(job, told)


@dataclass(frozen=True, slots=True)
class Question:
    """A person answers; the answer is the output."""

    question: Wording
    kind: type[Any]
    to: str = ""
    expires: float | None = None
    inner: tuple[Stage, ...] = ()

    async def run(self, job: Job, value: object) -> object:
        """Ask and wait."""
        question = self.question.fill(job.goal, value)
        answer: object = await functions.ask(question, self.kind, to=self.to, expires=self.expires)
        return answer


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool: an object becomes its arguments, anything else the one argument that is left."""

    node: Node
    tool: Tool[..., Any]
    fixed: Mapping[str, Json | Wording]
    inner: tuple[Stage, ...] = ()

    async def run(self, job: Job, value: object) -> object:
        """Call it, behind the gates."""
        fixed = {
            name: part.fill(job.goal, value) if isinstance(part, Wording) else part for name, part in self.fixed.items()
        }
        try:
            pending = self.tool(**self._arguments(value, fixed), **fixed)
        except ValueError as error:
            raise self.node.wrong(
                f"tool {self.tool.name} cannot be called: its arguments do not fit: {error}"
            ) from error
        result: object = await pending
        return result

    def _arguments(self, value: object, fixed: Mapping[str, Json]) -> dict[str, Any]:
        """The arguments that the value gives."""
        open_names = [name for name in self.tool.signature.arguments if name not in fixed]
        given = decode(encode(value)) if not isinstance(value, str) else value
        if isinstance(given, dict) and given.keys() <= set(open_names):
            return given
        wanted = [name for name in open_names if name in self._required] or open_names
        if not open_names:
            return {}
        if len(wanted) == 1:
            return {wanted[0]: given}
        got = f"an object with {', '.join(given)}" if isinstance(given, dict) else "one value"
        raise self.node.wrong(
            f"tool {self.tool.name} takes {', '.join(open_names)}, and the stage before gave {got}; "
            "give that worker an output with these fields, or name arguments in `with`"
        )

    @property
    def _required(self) -> list[str]:
        return [
            name for name, parameter in self.tool.signature.arguments.items() if parameter.default is parameter.empty
        ]
