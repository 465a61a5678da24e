"""A stage: a worker at its place in a flow file, and what it is given there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from stretto.app.flows.source import Node
from stretto.app.flows.wording import GOAL, Wording
from stretto.app.parts import inside
from stretto.core.canonical import Json, decode, encode, identity
from stretto.core.errors import PolicyDenied, UsageError
from stretto.core.ports import Codec, Options
from stretto.patterns.gate import Gate
from stretto.patterns.loop import feedback
from stretto.patterns.person import Person
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker, code_of
from stretto.tools.codec import ANYTHING
from stretto.tools.tool import Tool

AnyWorker = Worker[Any, Any]
Fill = Callable[[Any], object]


@dataclass(frozen=True, eq=False)
class Stage(Worker[Any, Any]):
    """A pattern in a flow, or with `fill` a worker, which is given what that makes of the value that comes in.

    What it refuses is said with its place.
    """

    worker: AnyWorker
    node: Node
    fill: Fill | None = None

    async def work(self, context: Scope, value: object) -> object:
        """Have the worker do it."""
        try:
            return await self.worker.work(context, value)
        except UsageError as error:
            raise self.node.placed(error) from error

    @property
    def name(self) -> str:  # type: ignore[override]  # it is that worker
        """The worker's."""
        return self.worker.name

    @property
    def takes(self) -> Codec[Any]:
        """Whatever comes in; a worker that is told something takes what is made of it."""
        return ANYTHING if self.fill is None else _Filled(self.worker, self.node, self.fill)

    @property
    def gives(self) -> Codec[Any]:
        """What the worker gives."""
        return self.worker.gives

    @property
    def options(self) -> Options:
        """The worker's."""
        return self.worker.options

    @property
    def description(self) -> str:
        """The worker's."""
        return self.worker.description

    @property
    def members(self) -> tuple[AnyWorker, ...]:
        """The worker."""
        return (self.worker,)

    def taking(self, codec: Codec[Any]) -> Stage:
        """See `Worker.taking`."""
        return self if self.fill is not None else replace(self, worker=self.worker.taking(codec))

    def choosing(self, choices: Mapping[str, str]) -> Stage:
        """See `Worker.choosing`."""
        return replace(self, worker=self.worker.choosing(choices))

    def describe(self) -> dict[str, Any]:
        """The worker, and what it is told."""
        return {**super().describe(), "told": None if self.fill is None else code_of(self.fill)}

    def fingerprint(self) -> str:
        """The worker's and the text's; where others in it may be told the goal, it is another one for another goal."""
        own = super().fingerprint()
        return identity(encode([own, GOAL.get()])) if self._tells else own

    @cached_property
    def _tells(self) -> bool:
        return any(isinstance(one, Stage | Gate | Person) for one in inside(self.worker))


@dataclass(frozen=True)
class _Filled:
    """The codec of what a worker is told: made of whatever comes in."""

    worker: AnyWorker
    node: Node
    fill: Fill

    @property
    def schema(self) -> dict[str, Any]:
        """Anything may come in."""
        return {}

    def check(self, value: Any) -> Any:
        """See `Codec.check`."""
        return self.worker.takes.check(self.fill(value))

    def stored(self, value: Any) -> tuple[bytes, Any]:
        """See `Codec.stored`."""
        try:
            return self.worker.takes.stored(self.fill(value))
        except UsageError as error:
            raise self.node.placed(error) from error
        except ValueError as error:
            raise self.node.wrong(f"{self.worker.name} cannot begin: its arguments do not fit: {error}") from error

    def load(self, value: Any) -> Any:
        """See `Codec.load`."""
        return self.worker.takes.load(value)


@dataclass(frozen=True)
class Arguments:
    """What a tool is called with: an object becomes its arguments, anything else the one argument that is left."""

    tool: Tool[..., Any]
    fixed: Mapping[str, Json | Wording]

    def __call__(self, value: object) -> object:
        """The arguments, as the tool's task takes them."""
        fixed = {name: part(value) if isinstance(part, Wording) else part for name, part in self.fixed.items()}
        return as_worker(self.tool).pack((), {**self._given(value), **fixed})

    def _given(self, value: object) -> dict[str, Any]:
        left = {name: one for name, one in self.tool.signature.arguments.items() if name not in self.fixed}
        given = value if isinstance(value, str) else decode(encode(value))
        if isinstance(given, dict) and given.keys() <= left.keys():
            return given
        wanted = [name for name, one in left.items() if one.default is one.empty] or [*left]
        if len(wanted) == 1:
            return {wanted[0]: given}
        if not left:
            return {}
        got = f"an object with {', '.join(given)}" if isinstance(given, dict) else "one value"
        raise UsageError(
            f"tool {self.tool.name} takes {', '.join(left)}, and the stage before gave {got}; give that worker an output "
            "with these fields, or name arguments in `with`"
        )

    def __json__(self) -> dict[str, Any]:
        """The fixed arguments, as a fingerprint covers them."""
        texts = {name: part.__json__() for name, part in self.fixed.items() if isinstance(part, Wording)}
        return {"with": {**self.fixed, **texts}}


def again(value: Mapping[str, object]) -> dict[str, Any]:
    """What becomes of a rejected draft is told the goal with it."""
    return feedback(GOAL.get(), value["draft"], value["feedback"])


@dataclass(frozen=True, eq=False)
class WayOut(Worker[Any, Any]):
    """Where a rejected draft leaves the flow. It fails here, so that nothing goes on with it, and the flow calls `way`."""

    name: str
    way: AnyWorker

    async def work(self, context: Scope, value: Mapping[str, object]) -> object:
        """Fail with the reason."""
        raise PolicyDenied(f"rejected: {value['feedback'] or 'no reason was given'}; {self.way.name} ends the flow")

    @property
    def members(self) -> tuple[AnyWorker, ...]:
        """Whose result is the flow's."""
        return (self.way,)
