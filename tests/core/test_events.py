"""Events are written and read back alike; large values go apart; unknown things are told apart from broken ones."""

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given

from stretto.core.canonical import decode, digest, encode
from stretto.core.errors import JournalError
from stretto.core.events import (
    KINDS,
    SPILL,
    STATE_AFTER,
    Encoded,
    Event,
    Ref,
    StepDone,
    StepIntended,
    TaskStarted,
    read,
    write,
)
from stretto.core.values import RunState
from tests.core.test_canonical import JSON

SAMPLES: dict[str, Any] = {
    "str": "text",
    "int": 7,
    "bool": True,
    "int | None": 7,
    "float | None": 2.5,
    "tuple[str, ...]": ("a", "b"),
    "tuple[int, int, int, int] | None": (1, 2, 3, 4),
    "Value": Encoded(b'{"a":[1]}'),
}


def _sample(kind: type[Event]) -> Event:
    return kind(**{field.name: SAMPLES[str(field.type)] for field in fields(kind)})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_back_as_it_was(kind: str) -> None:
    event = _sample(KINDS[kind])
    body, blobs = write(event)
    assert not blobs
    back = read(kind, body)
    for field in fields(event):  # type: ignore[arg-type]
        expected = getattr(event, field.name)
        assert getattr(back, field.name) == (decode(expected) if isinstance(expected, Encoded) else expected)


@given(JSON)
def test_values_come_back_or_are_found_by_their_digest(value: Any) -> None:
    data = encode(value)
    body, blobs = write(StepDone("tool", "t", Encoded(data)))
    result = read("step_done", body).result  # type: ignore[attr-defined]
    if len(data) <= SPILL:
        assert (result, blobs) == (value, [])
    else:
        assert (result, blobs) == (Ref(digest(data)), [(digest(data), data)])


@pytest.mark.parametrize(("size", "spills"), [(SPILL - 2, False), (SPILL - 1, True)])
def test_a_value_is_spilled_from_its_size_on(size: int, spills: bool) -> None:
    body, blobs = write(StepIntended("tool", "t", Encoded(encode("x" * size))))
    assert bool(blobs) is spills
    assert len(body) < 200 or not spills


def test_what_has_its_default_is_not_written() -> None:
    assert write(TaskStarted("w", "t", Encoded(b"1")))[0] == b'{"input":1,"task":"t","worker":"w"}'


def test_fields_of_a_newer_release_are_left_out() -> None:
    event = read("task_started", b'{"input":1,"task":"t","worker":"w","mood":"good"}')
    assert event == TaskStarted("w", "t", 1)


def test_an_unknown_kind_asks_for_an_upgrade() -> None:
    with pytest.raises(JournalError, match="upgrade"):
        read("task_dreamt", b"{}")


def test_every_state_has_a_way_in() -> None:
    assert set(STATE_AFTER.values()) == set(RunState)
