"""`gate("Publish this?", when=...)`: between two workers a person looks at the value, where that is called for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from stretto.core.errors import UsageError
from stretto.core.guesses import guided
from stretto.core.ports import Codec
from stretto.core.values import Accepted, Rejected, seconds
from stretto.patterns.given import given
from stretto.runtime import tasks
from stretto.runtime.functions import approved, review
from stretto.runtime.scope import Scope
from stretto.runtime.tasks import Call
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workable, as_worker, code_of
from stretto.tools.codec import codec_for, common


@dataclass(frozen=True)
class Gate(Worker[Any, Any]):
    """A question, when it is asked, and the ways that go on from it."""

    question: str | Callable[[Any], str]
    when: Callable[[Any], object] | None = None
    to: str = ""
    expires: float | None = None
    then: Worker[Any, Any] | None = None
    otherwise: Worker[Any, Any] | None = None
    revise: Worker[Any, Any] | None = None
    input: object = Any
    name: str = "gate"

    async def work(self, context: Scope, value: object) -> object:
        """The value as it may go on, or what came of the way it took."""
        if await context.decide("gate", lambda: self._asks(value)):
            while isinstance(answer := await self._answer(value), Rejected):
                way = self.revise or self.otherwise
                assert way is not None  # else it was an error
                parts = {"draft": value, "feedback": answer.reason}
                value = await tasks.call(context, way, given(way, parts, "draft"), "rejected")
                if self.revise is None:
                    return value
            value = answer.value
        return value if self.then is None else await tasks.call(context, self.then, value)

    async def _answer(self, value: object) -> Accepted[object] | Rejected:
        question = self.question if isinstance(self.question, str) else self.question(value)
        if self.revise is None and self.otherwise is None:
            return Accepted(await approved(value, question, to=self.to, expires=self.expires))
        return await review(value, question, to=self.to, expires=self.expires)

    def _asks(self, value: object) -> bool:
        try:
            return self.when is None or bool(self.when(value))
        except (AttributeError, KeyError, TypeError) as error:
            raise UsageError(
                f"{self.name} {self.question!r}: when= cannot look at {value!r}: {error}; what crosses into a worker is "
                "plain JSON unless its type is known: give the gate input=Type, or the worker before it an output type"
            ) from error

    def __call__(self, *args: object, **kwargs: object) -> Call[Any]:
        """A call of the gate; the value keeps its type."""
        value = self.pack(args, kwargs)
        return Call(self.taking(codec_for(type(value))), value)

    def taking(self, codec: Codec[Any]) -> Gate:
        """See `Worker.taking`."""
        kind = getattr(codec, "kind", Any)
        if self.input is not Any or kind in _UNTYPED:
            return self
        return replace(self, input=kind, then=None if self.then is None else self.then.taking(codec))

    @property
    def takes(self) -> Codec[Any]:
        """What it passes on."""
        return codec_for(self.input)

    @property
    def gives(self) -> Codec[Any]:
        """What it takes, unless another way may give something else."""
        passed = self.takes if self.revise is None else common((self.takes, self.revise.gives))
        passed = passed if self.then is None else self.then.gives
        return passed if self.otherwise is None else common((passed, self.otherwise.gives))

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """Those who get what was accepted, and what was rejected."""
        return tuple(way for way in (self.then, self.otherwise, self.revise) if way is not None)

    def describe(self) -> dict[str, Any]:
        """Question and rule with the ways."""
        return {**super().describe(), "question": _told(self.question), "when": _told(self.when)}


def _told(said: str | Callable[[Any], object] | None) -> object:
    return code_of(said) if callable(said) else said


_UNTYPED = (Any, object, dict, list, type(None))


@guided
def gate(
    question: str | Callable[[Any], str] = "Go on with this?",
    *,
    when: Callable[[Any], object] | None = None,
    to: str = "",
    expires: float | str | None = None,
    then: Workable | None = None,
    otherwise: Workable | None = None,
    revise: Workable | None = None,
    input: type | None = None,
    name: str = "gate",
) -> Gate:
    """A worker that passes its input on, after a person has looked at it wherever `when(value)` holds (by default always).

    The person may revise the value; what they make of it goes on. Where they reject it, the run fails with their
    reason (`PolicyDenied`), or `otherwise` is given the draft and the feedback and its result is the gate's. In a
    pipeline what stands behind a gate with `otherwise` is its `then`: nothing of that is done with a rejected value.
    Where `revise` is given, it gets draft and feedback, and what it makes of them is shown again.
    `input` is the type of the value; a pipeline knows it from the worker before. `to` addresses the question, and one
    that nobody answers within `expires` (seconds, or "2 days") is a no.
    """
    if when is not None and not callable(when):
        raise UsageError(
            f"{name}: when={when!r} is no function; write it as one: when=lambda value: value.confidence < 0.7"
        )
    if otherwise is not None and revise is not None:
        raise UsageError(f"{name} has otherwise and revise; a rejected draft can go one way only, keep one of them")
    return Gate(
        question,
        when,
        to,
        None if expires is None else seconds(expires),
        None if then is None else as_worker(then, "then"),
        None if otherwise is None else as_worker(otherwise, "otherwise"),
        None if revise is None else as_worker(revise, "revise"),
        Any if input is None else input,
        name,
    )
