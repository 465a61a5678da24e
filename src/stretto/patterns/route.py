"""`route(triage, {...})`: a worker, or a rule, says which of several workers gets the input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stretto.core.errors import UsageError
from stretto.core.ports import Codec
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker


@dataclass(frozen=True)
class Route(Worker[Any, Any]):
    """A chooser and those it chooses from."""

    chooser: Worker[Any, Any]
    choices: Mapping[str, Worker[Any, Any]]
    otherwise: Worker[Any, Any] | None = None
    name: str = "route"

    async def work(self, context: Scope, value: Any) -> Any:
        """Ask where the value belongs, and give it there."""
        label = _label(await tasks.call(context, self.chooser, value))
        chosen = self.choices.get(label, self.otherwise)
        if chosen is None:
            raise UsageError(
                f"{self.name}: {self.chooser.name} said {label!r}, and there is no such way; its ways are "
                f"{', '.join(self.choices)}; give otherwise=... for everything else"
            )
        return await tasks.call(context, chosen, value, label)

    @property
    def takes(self) -> Codec[Any]:
        """What the chooser takes."""
        return self.chooser.takes

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The chooser and all it can choose."""
        return (self.chooser, *self.choices.values(), *([self.otherwise] if self.otherwise else []))


def _label(said: Any) -> str:
    """A label: the text itself, or the field `label` of a typed answer."""
    label = said.get("label") if isinstance(said, dict) else getattr(said, "label", said)
    return str(getattr(label, "value", label)).strip()


def route(chooser: Any, choices: Mapping[str, Any], *, otherwise: Any = None, name: str = "route") -> Route:
    """A worker that gives its input to the one of `choices` that `chooser` names, else to `otherwise`."""
    if not choices:
        raise UsageError("route needs at least one choice")
    return Route(
        as_worker(chooser),
        {label: as_worker(worker) for label, worker in choices.items()},
        as_worker(otherwise) if otherwise is not None else None,
        name,
    )
