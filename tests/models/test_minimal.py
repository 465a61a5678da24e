from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter

from stretto.models.minimal import minimal


class Colour(StrEnum):
    RED = "red"


class Leaf(BaseModel):
    kind: Literal["leaf"]
    colour: Colour
    day: date
    weight: Annotated[float, Field(gt=0)]


class Tree(BaseModel):
    leaves: Annotated[list[Leaf], Field(min_length=2)]
    parent: "Tree | None"
    size: Annotated[int, Field(ge=10, le=20)]
    name: Annotated[str, Field(min_length=3)]
    notes: str = "none"
    pair: tuple[int, str]
    extra: dict[str, int]


@pytest.mark.parametrize("kind", [Tree, str, int, bool, list[int], dict[str, int], Tree | None, int | str, Colour])
def test_the_smallest_value_fits_its_type(kind: type) -> None:
    adapter: TypeAdapter[object] = TypeAdapter(kind)
    adapter.validate_python(minimal(adapter.json_schema()))


def test_only_what_is_required_is_given() -> None:
    value = minimal(TypeAdapter(Tree).json_schema())
    assert set(value) == {"leaves", "parent", "size", "name", "pair", "extra"}
    assert (value["size"], value["name"], value["pair"]) == (10, "xxx", [0, ""])


@given(low=st.integers(-50, 50), span=st.integers(2, 20), open_ended=st.booleans())
def test_numbers_lie_within_their_bounds(low: int, span: int, open_ended: bool) -> None:
    bounds = (
        {"exclusiveMinimum": low, "exclusiveMaximum": low + span}
        if open_ended
        else {"minimum": low, "maximum": low + span}
    )
    value = minimal({"type": "integer", **bounds})
    assert low < value < low + span if open_ended else low <= value <= low + span
