"""What every worker of ours shares: it is inert data, and calling it makes a call."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from stretto.core.canonical import encode, identity
from stretto.core.guesses import method_here
from stretto.core.ports import Codec, Options
from stretto.runtime.tasks import Call
from stretto.tools.codec import ANYTHING

if TYPE_CHECKING:
    from stretto.runtime.scope import Scope

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)


class Worker(Generic[In, Out]):
    """The shape of a worker: see `core.ports.Worker`. Subclasses give it a name, codecs and `work`."""

    name: str
    converses = False
    """Whether it goes on after an answer with what is said next; it then has `turn`."""

    @property
    def takes(self) -> Codec[Any]:
        """How its input crosses the journal."""
        return ANYTHING

    @property
    def gives(self) -> Codec[Any]:
        """How its output crosses the journal."""
        return ANYTHING

    @property
    def options(self) -> Options:
        """How its tasks are run."""
        return PLAIN

    @property
    def description(self) -> str:
        """What it is good for: planners and routers choose by it."""
        return ""

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The workers it is made of."""
        return ()

    def describe(self) -> Any:
        """What it would do, as data: the fingerprint covers it."""
        return {
            "name": self.name,
            "kind": type(self).__name__,
            "members": [member.fingerprint() for member in self.members],
        }

    def fingerprint(self) -> str:
        """Changes when the worker would do something else with the same input."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return identity(encode(self.describe()))

    def __call__(self, *args: Any, **kwargs: Any) -> Call[Out]:
        """A call of this worker: awaiting it inside a run makes the task; outside a run it makes a run in memory."""
        return Call(self, self.pack(args, kwargs))

    def pack(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The input made of a call's arguments: the one argument itself, several by position as a list, else by name."""
        if kwargs:
            return kwargs if not args else {"input": args[0] if len(args) == 1 else list(args), **kwargs}
        return args[0] if len(args) == 1 else (list(args) if args else None)

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            if told := method_here(type(self).__name__, name):
                raise AttributeError(told, name=name, obj=self)
            return object.__getattribute__(self, name)  # raises what it raised before

    def turn(self, memo: object) -> Worker[Any, Any]:
        """Who answers what is said next, going on from what the turn before left to know (None where it left nothing)."""
        raise NotImplementedError(f"{type(self).__name__} has no turn()")

    def taking(self, codec: Codec[Any]) -> Worker[In, Out]:
        """The same worker where it is known what it is given: if it does not say what it takes, it takes that."""
        return self

    def choosing(self, choices: Mapping[str, str]) -> Worker[In, Out]:
        """The same worker where it has to answer with one of these labels; each comes with what it is good for."""
        return self

    def room(self, scope: Scope) -> int | None:
        """How much it can be given at once in that scope, in tokens; None where it does not say."""
        return None

    async def work(self, context: Any, value: In) -> Out:
        """Do it. Every effect goes through the context."""
        raise NotImplementedError(f"{type(self).__name__} has no work()")


PLAIN = Options()
