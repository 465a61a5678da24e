"""What an agent may do inside its run by a tool: read and write what is shared, send and receive messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from stretto.core.errors import Starved, WriteConflict
from stretto.core.ports import Codec
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.tools.codec import codec_for

T = TypeVar("T")


@dataclass(frozen=True)
class Nothing:
    """The arguments of a tool that takes none."""


@dataclass(frozen=True)
class Written(Generic[T]):
    """The arguments of a tool that writes."""

    value: T


@dataclass(frozen=True)
class Sent(Generic[T]):
    """The arguments of a tool that sends: `to` names the worker it is for; empty, anybody may take it."""

    message: T
    to: str = ""


def written(kind: object) -> type[Written[Any]]:
    """The arguments of a tool that writes values of a type."""
    return cast("type[Written[Any]]", Written[kind])  # type: ignore[valid-type]  # a type that is known at run time


def sent(kind: object) -> type[Sent[Any]]:
    """The arguments of a tool that sends messages of a type."""
    return cast("type[Sent[Any]]", Sent[kind])  # type: ignore[valid-type]  # a type that is known at run time


@dataclass(frozen=True)
class Act(Worker[Any, Any]):
    """A worker that acts in the name of the agent which calls it; what came too late or in vain, the model is told."""

    name: str
    about: str
    kind: object
    act: Callable[[Any], Awaitable[object]]

    async def work(self, context: Scope, value: object) -> object:
        """Do it."""
        if context.parent is not None:
            context.worker = context.parent.worker
        try:
            return await self.act(value)
        except (WriteConflict, Starved) as error:
            return f"Not done: {error}."

    @cached_property
    def takes(self) -> Codec[Any]:
        """The arguments."""
        return codec_for(self.kind)

    @property
    def description(self) -> str:
        """What the model is told."""
        return self.about

    def __hash__(self) -> int:
        return hash(self.name)
