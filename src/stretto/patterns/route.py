"""`route(triage, {...})`: a worker, or a rule, says which of several workers gets the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

from stretto.core.errors import UsageError
from stretto.core.guesses import guided
from stretto.core.ports import Codec
from stretto.patterns.answer import label_of, meant
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Out, Worker
from stretto.runtime.workflow import Workable, as_worker
from stretto.tools.codec import common


@dataclass(frozen=True)
class Route(Worker[Any, Out]):
    """A chooser and those it chooses from."""

    chooser: Worker[Any, Any]
    choices: Mapping[str, Worker[Any, Out]]
    otherwise: Worker[Any, Out] | None = None
    name: str = "route"

    async def work(self, context: Scope, value: object) -> Out:
        """Ask where the value belongs, and give it there."""
        said = label_of(await tasks.call(context, self.chooser, value))
        label = meant(said, self.choices)
        chosen = self.otherwise if label is None else self.choices[label]
        if chosen is None:
            raise UsageError(
                f"{self.name}: {self.chooser.name} said {said!r}, and there is no such way; its ways are "
                f"{', '.join(self.choices)}; give otherwise=... for everything else"
            )
        return await tasks.call(context, chosen, value, label or said)  # type: ignore[no-any-return]

    def taking(self, codec: Codec[Any]) -> Route[Out]:
        """See `Worker.taking`."""
        choices = {label: way.taking(codec) for label, way in self.choices.items()}
        otherwise = None if self.otherwise is None else self.otherwise.taking(codec)
        return replace(self, chooser=self.chooser.taking(codec), choices=choices, otherwise=otherwise)

    @property
    def takes(self) -> Codec[Any]:
        """What the chooser takes."""
        return self.chooser.takes

    @property
    def gives(self) -> Codec[Any]:
        """What all the ways give, where that is the same."""
        return common(way.gives for way in self.members[1:])

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The chooser and all it can choose."""
        return (self.chooser, *self.choices.values(), *([self.otherwise] if self.otherwise else []))

    def describe(self) -> dict[str, Any]:
        """The labels with the ways."""
        return {**super().describe(), "choices": list(self.choices)}


Choices = Mapping[Any, Workable] | Sequence[Workable]


@overload
def route(
    chooser: Workable,
    choices: Mapping[Any, Worker[Any, Out]] | Sequence[Worker[Any, Out]],
    *,
    otherwise: Worker[Any, Out] | None = None,
    name: str = "route",
) -> Route[Out]: ...
@overload
def route(
    chooser: Workable, choices: Choices, *, otherwise: Workable | None = None, name: str = "route"
) -> Route[Any]: ...
@guided
def route(chooser: Workable, choices: Choices, *, otherwise: Workable | None = None, name: str = "route") -> Route[Any]:
    """A worker that gives its input to the one of `choices` that `chooser` names, else to `otherwise`.

    `choices` are workers by label (a text, a number or an enum's member), or workers that go by their names. `chooser`
    is a function or a worker; it answers with a label, or with a value that has one in its field `label` or in its only
    field. Case, spaces and punctuation around a label don't matter. An agent that answers in free text is told the labels.
    """
    if not choices:
        raise UsageError("route needs at least one choice")
    if isinstance(choices, Mapping):
        ways = {label_of(label): as_worker(worker, label_of(label)) for label, worker in choices.items()}
    else:
        ways = {worker.name: worker for worker in map(as_worker, choices)}
    chosen_by = as_worker(chooser, "chooser")
    if isinstance(chosen_by, Worker):
        chosen_by = chosen_by.choosing({label: worker.description for label, worker in ways.items()})
    return Route(chosen_by, ways, as_worker(otherwise, "otherwise") if otherwise is not None else None, name)
