"""One canonical form for identity, approvals and the chain: equal values give equal bytes, and nothing else does."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from stretto import UsageError
from stretto.core.canonical import decode, encode, identity

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@dataclass(frozen=True)
class Point:
    y: int
    x: float


class Model(BaseModel):
    b: Decimal
    a: Point


@given(JSON)
def test_json_comes_back_as_it_was(value: Any) -> None:
    assert decode(encode(value)) == value


@given(JSON)
def test_the_form_is_canonical(value: Any) -> None:
    assert encode(decode(encode(value))) == encode(value)
    assert json.loads(encode(value)) == value


@given(st.dictionaries(TEXT, PLAIN, max_size=8), st.randoms())
def test_the_order_of_keys_does_not_count(value: dict[str, Any], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert encode(dict(items)) == encode(value)


@given(st.sets(TEXT | st.integers(-1000, 1000), max_size=8), st.randoms())
def test_the_order_of_sets_does_not_count(value: set[Any], random: Any) -> None:
    items = list(value)
    random.shuffle(items)
    assert encode(set(items)) == encode(frozenset(value)) == encode(dict.fromkeys(items).keys())


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_are_text_that_keeps_every_digit(value: Decimal) -> None:
    assert Decimal(decode(encode(value))) == value


def test_dataclasses_and_models_are_objects_with_sorted_keys() -> None:
    assert encode(Point(1, 2.0)) == b'{"x":2.0,"y":1}'
    assert encode(Model(b=Decimal("1.10"), a=Point(1, 2.0))) == b'{"a":{"x":2.0,"y":1},"b":"1.10"}'
    assert encode({"path": PurePosixPath("a/b"), "tuple": (1, 2)}) == b'{"path":"a/b","tuple":[1,2]}'


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "wrap", [lambda n: n, lambda n: {"a": [1, n]}, lambda n: Point(1, n), lambda n: {"s": (n,)}], ids="abcd"
)
def test_what_is_no_number_is_refused(number: float, wrap: Any) -> None:
    with pytest.raises(UsageError, match="JSON"):
        encode(wrap(number))


@pytest.mark.parametrize(
    "value",
    [
        "\ud800",
        {"a": "x\udfff"},
        {"\ud800": 1},
        2**64,
        -(2**63) - 1,
        {"a": 2**70},
        {1: "number as a key"},
        b"bytes",
        Decimal("NaN"),
        Decimal("Infinity"),
        object(),
        {"deep": [{"deeper": object()}]},
    ],
    ids=lambda value: ascii(value)[:18],
)
def test_what_two_readers_could_understand_differently_is_refused(value: Any) -> None:
    with pytest.raises(UsageError):
        encode(value)


def test_a_circle_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(UsageError):
        encode(circle)


def test_the_culprit_is_named_by_its_path() -> None:
    with pytest.raises(UsageError, match=r"value\.a\[1\]\.b has no canonical JSON form"):
        encode({"a": [1, {"b": object()}]})
    with pytest.raises(UsageError, match=r"value\.a\[1\] is nan"):
        encode({"a": [1, float("nan")]})


@given(JSON, JSON)
def test_different_values_have_different_identities(first: Any, second: Any) -> None:
    assert (identity(encode(first)) == identity(encode(second))) == (encode(first) == encode(second))


def test_null_is_not_mistaken_for_nan() -> None:
    assert encode({"a": None, "null": ["null"]}) == b'{"a":null,"null":["null"]}'
