"""Values that nobody changes, and that cost no more to make than others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """A slotted dataclass that the type checker holds to be frozen.

    For what is made again and again: `dataclass(frozen=True)` guards its fields at run time as well, and therefore sets
    each of them through `object.__setattr__`, which makes such a value three to four times as dear.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
