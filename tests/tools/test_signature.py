"""What a tool takes: from its hints and docstring; handles and keys are injected and shown to nobody."""

import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypedDict

import pytest
from pydantic import BaseModel

from stretto import UsageError, run, tool, workflow
from stretto.tools.codec import codec_for


class Database:
    """A handle."""


NONE = Database()


class Line(BaseModel):
    name: str
    price: Decimal


@dataclass
class Address:
    city: str


@tool(effect="idempotent")
def order(lines: list[Line], to: Address, note: str = "", *, idempotency_key: str = "", db: Database = NONE) -> str:
    """Order things.

    Args:
        lines: what to order
        to: where it goes
    """
    return f"{type(lines[0]).__name__} {type(to).__name__} {note} {type(db).__name__} {bool(idempotency_key)}"


@pytest.mark.capability(80, 203)
def test_the_schema_shows_arguments_and_nothing_that_is_injected() -> None:
    schema = order.spec.parameters
    assert set(schema["properties"]) == {"lines", "to", "note"}
    assert schema["required"] == ["lines", "to"]
    assert schema["properties"]["lines"]["description"] == "what to order"
    assert order.spec.description == "Order things."


def test_arguments_arrive_as_their_types_and_handles_are_injected() -> None:
    @workflow
    async def orders() -> str:
        return await order([Line(name="a", price=Decimal(1))], Address("Rome"), note="fast")

    assert run(orders, db=":memory:", deps={Database: Database()}) == "Line Address fast Database True"


def test_a_missing_dependency_is_named() -> None:
    @workflow
    async def orders() -> str:
        return await order([Line(name="a", price=Decimal(1))], Address("Rome"))

    with pytest.raises(Exception, match="order needs db: Database"):
        run(orders, db=":memory:")


async def test_outside_a_run_a_tool_is_its_function() -> None:
    assert await order([Line(name="a", price=Decimal(1))], Address("Rome")) == "Line Address  Database False"


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"lines": [], "to": {"city": 1}}, "to.city"),
        ({"lines": [{"name": "a"}], "to": {"city": "x"}}, r"lines\.0\.price: Field required"),
        ({"to": {"city": "x"}}, "lines: Field required"),
        ({"lines": [], "to": {"city": "x"}, "extra": 1}, "extra"),
    ],
)
def test_arguments_that_do_not_fit_are_named(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        order.signature.check(given)


def test_what_cannot_be_called_by_name_is_refused() -> None:
    @tool
    def loose(*args: str) -> None: ...

    with pytest.raises(UsageError, match=r"takes \*args"):
        loose.signature  # noqa: B018


@pytest.mark.parametrize(
    ("options", "effect"),
    [
        ({}, "read"),
        ({"risk": "medium"}, "once"),
        ({"external": True}, "once"),
        ({"irreversible": True}, "once"),
        ({"risk": "high", "effect": "idempotent"}, "idempotent"),
    ],
)
def test_what_is_risky_happens_once_unless_it_says_otherwise(options: dict[str, Any], effect: str) -> None:
    assert tool(**options)(lambda: None).effect == effect


@pytest.mark.parametrize("options", [{"risk": "huge"}, {"effect": "maybe"}])
def test_unknown_properties_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="not known"):
        tool(**options)


class Ledger:
    """A handle."""


@pytest.mark.capability(203)
def test_a_dependency_that_could_be_an_argument_is_told_how_to_be_injected() -> None:
    def book(amount: int, ledger: Ledger) -> str:
        return f"{amount}"

    with pytest.raises(
        UsageError, match=r"book takes ledger: Ledger, .* write `\*, ledger: Ledger` to have it injected"
    ):
        _ = tool(book).signature.schema


class State(TypedDict):
    """By the standard library, which pydantic cannot read before Python 3.12."""

    topic: str


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic reads it there")
def test_a_typed_dict_that_cannot_be_read_says_which_can() -> None:
    def tell(state: State) -> str:
        return state["topic"]

    with pytest.raises(UsageError, match=r"tell: .*typing_extensions\.TypedDict"):
        _ = tool(tell).signature.schema
    with pytest.raises(UsageError, match=r"type State cannot cross the journal: .*typing_extensions\.TypedDict"):
        _ = codec_for(State).schema
