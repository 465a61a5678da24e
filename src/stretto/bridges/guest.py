"""What all workers from elsewhere share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypedDict

from stretto.core.ports import Codec, Options
from stretto.core.values import Budget
from stretto.core.values import seconds as in_seconds
from stretto.runtime.worker import PLAIN, Worker
from stretto.tools.codec import codec_for
from stretto.tools.signature import Signature
from stretto.tools.tool import Tool


class Limits(TypedDict, total=False):
    """How the tasks of a worker are run: `retry` further attempts, seconds or "2 min", a budget, how many at once."""

    retry: int | None
    timeout: float | str | None
    budget: str | Budget | None
    limit: int | None


def options(limits: Limits) -> Options:
    """The limits as the runtime has them."""
    timeout = limits.get("timeout")
    return Options(
        limits.get("retry"),
        None if timeout is None else in_seconds(timeout),
        Budget.parse(limits.get("budget")),
        limits.get("limit"),
    )


@dataclass(frozen=True, eq=False)
class Guest(Worker[Any, Any]):
    """A worker that was not made for stretto: `accepts` and `returns` are the types of its input and output."""

    name: str
    about: str = ""
    settings: Options = PLAIN
    accepts: object = Any
    returns: object = Any

    @property
    def takes(self) -> Codec[Any]:
        """How its input crosses the journal."""
        return codec_for(self.accepts)

    @property
    def gives(self) -> Codec[Any]:
        """How its output crosses the journal."""
        return codec_for(self.returns)

    @property
    def options(self) -> Options:
        """How its tasks are run."""
        return self.settings

    @property
    def description(self) -> str:
        """What it is good for."""
        return self.about


@dataclass(frozen=True)
class TheirTool(Tool[..., Any]):
    """A tool of another framework, which checks its arguments itself; `parameters` is their JSON schema."""

    parameters: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def signature(self) -> Signature:
        """What it takes: an object."""
        return _Unchecked(self.function, {}, {}, wants_key=False, returns=Any, parameters=self.parameters)


@dataclass(frozen=True)
class _Unchecked(Signature):
    parameters: Mapping[str, Any]

    @cached_property
    def schema(self) -> dict[str, Any]:
        return dict(self.parameters)

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return dict(given)
