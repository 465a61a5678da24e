"""A `once` effect of which it isn't known whether it happened: shown, and settled by `verify` or a person."""

import asyncio
from typing import Any

import pytest

from stretto import NotDone, StepError, tool, workflow
from stretto.core.events import Asked
from stretto.core.values import Answer
from tests.crash.scenarios import OUTSIDE, move, pay
from tests.crash.simulation import Scenario, Session, World, play, truthful


@workflow
async def pays() -> str:
    return await pay("x")


@workflow
async def moves() -> str:
    return await move("x")


def _before_and_after(worker: Any) -> tuple[int, int]:
    """The sites right before and right after the effect."""
    sites = play(Scenario(worker)).sites
    return sites.index("effect.before") + 1, sites.index("effect.after") + 1


def _person(*decisions: str) -> Any:
    left = list(decisions)

    def answer(asked: Asked, happened: bool) -> Answer | None:
        if asked.ask != "doubt":
            return truthful(asked, happened)
        decision = left.pop(0)
        return Answer(decision, "as eve says" if decision == "done" else None, by="eve")

    return answer


def _doubts(session: Session) -> list[Asked]:
    return [event for row in session.rows if isinstance(event := row.event(), Asked) and event.ask == "doubt"]


@pytest.mark.capability(179)
def test_the_exact_call_is_shown() -> None:
    for site in _before_and_after(pays):
        (doubt,) = _doubts(play(Scenario(pays), [site]))
        assert (doubt.tool, doubt.args) == ("pay", {"what": "x"})
        assert "not known whether pay happened" in doubt.prompt


def test_done_takes_the_persons_result() -> None:
    session = play(Scenario(pays, person=_person("done")), [_before_and_after(pays)[1]])
    assert (session.output, session.world.effects) == ("as eve says", [("pay", "x")])


def test_repeat_calls_again() -> None:
    session = play(Scenario(pays, person=_person("repeat")), [_before_and_after(pays)[0]])
    assert (session.output, session.world.effects) == ("did pay", [("pay", "x")])


def test_abort_fails_for_good() -> None:
    session = play(Scenario(pays, person=_person("abort"), ends="run_failed"), [_before_and_after(pays)[1]])
    assert "given up by eve" in str(session.error)
    assert session.world.effects == [("pay", "x")]


def test_a_crash_after_repeat_never_repeats_silently() -> None:
    first = _before_and_after(pays)[1]
    total = len(play(Scenario(pays, person=_person("repeat")), [first]).sites)
    asked = 0
    for second in range(first + 1, total + 1):
        session = play(Scenario(pays, person=_person("repeat", "done", "done")), [first, second])
        assert len(session.world.effects) <= 2, "repeated more often than a person said"
        asked += len(_doubts(session)) == 2
    assert asked >= 3


@pytest.mark.capability(179)
def test_verify_settles_it_without_a_person() -> None:
    for site in range(1, len(play(Scenario(moves)).sites)):
        session = play(Scenario(moves), [site])
        assert not _doubts(session)
        assert (session.output, session.world.effects) == ("moved", [("move", "x")])


def _known(*, idempotency_key: str = "", world: World = OUTSIDE) -> str | None:
    return "carried" if world.keys[idempotency_key] else None


@tool(effect="once", verify=_known)
async def carry(what: str, *, idempotency_key: str = "", world: World = OUTSIDE) -> str:
    await world.happen("carry", what, key=idempotency_key)
    return "carried"


@workflow
async def carries() -> str:
    return await carry("x")


def test_verify_is_given_what_it_names() -> None:
    session = play(Scenario(carries), [_before_and_after(carries)[1]])
    assert not _doubts(session)
    assert (session.output, session.world.effects) == ("carried", [("carry", "x")])


def _cannot_tell(what: str) -> Any:
    raise OSError("no answer")


@tool(effect="once", verify=_cannot_tell)
async def ship(what: str, *, idempotency_key: str = "", world: World = OUTSIDE) -> str:
    await world.happen("ship", what, key=idempotency_key)
    return "did ship"


@workflow
async def ships() -> str:
    return await ship("x")


def test_where_verify_cannot_tell_a_person_is_asked() -> None:
    session = play(Scenario(ships), [_before_and_after(ships)[1]])
    assert len(_doubts(session)) == 1
    assert session.world.effects == [("ship", "x")]


@tool(effect="once", timeout=1)
async def hang(what: str, *, idempotency_key: str = "", world: World = OUTSIDE) -> str:
    await world.happen("hang", what, key=idempotency_key)
    await asyncio.sleep(100)
    return "did hang"


@workflow
async def hangs() -> str:
    return await hang("x")


def test_a_once_call_that_took_too_long_is_in_doubt() -> None:
    session = play(Scenario(hangs))
    assert session.output == "did hang"
    assert "longer than its limit of 1 s" in _doubts(session)[0].prompt
    assert session.world.effects == [("hang", "x")]


@tool(effect="once")
async def refused(what: str) -> str:
    raise NotDone("refused")


@workflow
async def handles() -> str:
    try:
        return await refused("x")
    except NotDone:
        return "not done"


def test_not_done_needs_no_person() -> None:
    plain = play(Scenario(handles))
    assert plain.output == "not done"
    assert not _doubts(plain)


@workflow(retry=3)
async def retries() -> str:
    return await pay("x")


@workflow(retry=3)
async def nests() -> str:
    return await retries()


@pytest.mark.parametrize("worker", [retries, nests], ids=lambda worker: worker.name)
def test_retry_never_repeats_what_a_person_gave_up(worker: Any) -> None:
    session = play(Scenario(worker, person=_person("abort"), ends="run_failed"), [_before_and_after(worker)[1]])
    assert session.world.effects == [("pay", "x")]
    assert len(_doubts(session)) == 1


@workflow
async def catches() -> str:
    try:
        return await pay("x")
    except StepError as error:
        return error.type


def test_code_may_go_on_after_an_abort() -> None:
    session = play(Scenario(catches, person=_person("abort")), [_before_and_after(catches)[1]])
    assert session.output == "Aborted"
