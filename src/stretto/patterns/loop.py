"""`loop(write, check, until=..., max=3)`: work, have it checked, and work again on what the check says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast, overload

from stretto.core.errors import UsageError
from stretto.core.guesses import guided
from stretto.core.ports import Codec
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Out, Worker
from stretto.runtime.workflow import Workable, Workflow, as_worker, code_of
from stretto.tools.codec import common

Carry = Callable[[Any, Any, Any], Any]


def feedback(value: object, draft: object, verdict: object) -> dict[str, Any]:
    """What the worker is given after the first round, unless `carry` says otherwise."""
    return {"task": value, "draft": draft, "feedback": verdict}


@dataclass(frozen=True)
class Loop(Worker[Any, Out]):
    """A worker, maybe a critic, a condition and a bound."""

    worker: Worker[Any, Out]
    critic: Worker[Any, Any] | None
    until: Callable[[Any], object]
    rounds: int
    carry: Carry = feedback
    otherwise: Worker[Any, Any] | None = None
    name: str = "loop"

    async def work(self, context: Scope, value: object) -> Out:
        """The last draft; `otherwise` gets it where the bound came before the condition."""
        draft, verdict, task = None, None, value
        for number in range(1, self.rounds + 1):
            draft = await tasks.call(context, self.worker, task, f"round {number}")
            verdict = draft
            if self.critic is not None:
                verdict = await tasks.call(
                    context, self.critic, _shown(self.critic, value, draft), f"round {number}", self.worker.name
                )
            if self.until(verdict):
                return cast(Out, draft)
            task = draft if self.critic is None else self.carry(value, draft, verdict)
        if self.otherwise is None:
            return cast(Out, draft)
        last = _shown(self.otherwise, value, draft, verdict if self.critic is not None else None)
        return cast(Out, await tasks.call(context, self.otherwise, last))

    @property
    def takes(self) -> Codec[Any]:
        """What the worker takes."""
        return self.worker.takes

    @property
    def gives(self) -> Codec[Any]:
        """What the worker gives."""
        return self.worker.gives if self.otherwise is None else common((self.worker.gives, self.otherwise.gives))

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The worker, its critic, and the way out."""
        return tuple(member for member in (self.worker, self.critic, self.otherwise) if member is not None)

    def describe(self) -> dict[str, Any]:
        """Condition and bound with the workers."""
        return {**super().describe(), "until": code_of(self.until), "max": self.rounds}


def _shown(worker: Worker[Any, Any], task: object, draft: object, verdict: object = None) -> object:
    """The draft; a function that asks for more than one thing gets those of the task, the draft and the feedback."""
    parts = {"task": task, "draft": draft, "feedback": verdict}
    names = worker.signature.arguments if isinstance(worker, Workflow) else {}
    return {name: parts[name] for name in names} if len(names) > 1 and names.keys() <= parts.keys() else draft


@overload
def loop(
    worker: Worker[Any, Out],
    critic: Workable | None = None,
    *,
    until: Callable[[Any], object],
    max: int = 3,
    carry: Carry = feedback,
    otherwise: Worker[Any, Out] | None = None,
    name: str = "loop",
) -> Loop[Out]: ...
@overload
def loop(
    worker: Workable,
    critic: Workable | None = None,
    *,
    until: Callable[[Any], object],
    max: int = 3,
    carry: Carry = feedback,
    otherwise: Workable | None = None,
    name: str = "loop",
) -> Loop[Any]: ...
@guided
def loop(
    worker: Workable,
    critic: Workable | None = None,
    *,
    until: Callable[[Any], object],
    max: int = 3,
    carry: Carry = feedback,
    otherwise: Workable | None = None,
    name: str = "loop",
) -> Loop[Any]:
    """A worker that repeats `worker` until `until` holds, at most `max` times.

    With a `critic`, `until` looks at its verdict on each draft, and the worker is given the verdict back with the draft
    (`carry(input, draft, verdict)` makes that input). Without one, `until` looks at the result, which is the next input.
    """
    if max < 1:
        raise UsageError(f"max={max} would do nothing; it is at least 1")
    return Loop(
        as_worker(worker),
        None if critic is None else as_worker(critic, "critic"),
        until,
        max,
        carry,
        None if otherwise is None else as_worker(otherwise, "otherwise"),
        name,
    )
