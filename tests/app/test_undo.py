"""`undo`: what a run did is taken back in reverse order, each call behind the gates; what cannot be is said."""

from typing import Any

import pytest

from stretto import Agent, App, NotDone, Rules, Run, UsageError, ask, start, tool, workflow
from stretto.app.audit import audit
from stretto.testing import ScriptedModel, call, say
from tests.app.conftest import NOWHERE, Effects


def unbook(room: str, result: str, *, idempotency_key: str = "", effects: Effects = NOWHERE) -> str:
    """Cancel a booking."""
    effects.happen(f"unbook {room} {result} {idempotency_key[:4]}")
    return f"unbooked {room}"


@tool(effect="once", undo=unbook)
def book(room: str, *, idempotency_key: str = "", effects: Effects = NOWHERE) -> str:
    effects.happen(f"book {room} {idempotency_key[:4]}")
    return f"booking of {room}"


def refund(amount: int, *, effects: Effects = NOWHERE) -> None:
    effects.happen(f"refund {amount}")


@tool(risk="high", effect="once", undo=refund, to="finance")
def pay(amount: int, *, effects: Effects = NOWHERE) -> int:
    effects.happen(f"pay {amount}")
    return amount


@tool(effect="once")
def shred(paper: str, *, effects: Effects = NOWHERE) -> None:
    effects.happen(f"shred {paper}")


@tool
def look(what: str) -> str:
    return what


def unput(name: str, *, effects: Effects = NOWHERE) -> None:
    effects.happen(f"unput {name}")


@tool(effect="idempotent", undo=unput)
def put(name: str, *, idempotency_key: str = "", effects: Effects = NOWHERE) -> None:
    effects.happen(f"put {name}")


@tool(effect="once", undo=unput)
def flaky(name: str, *, effects: Effects = NOWHERE) -> None:
    effects.happen(f"flaky {name}")
    raise ConnectionError("the line is dead")


@tool(effect="once", undo=unput)
def refused(name: str, *, effects: Effects = NOWHERE) -> None:
    raise NotDone("no room")


@workflow
async def trip(rooms: list[str]) -> str:
    await look("at the map")
    for room in rooms:
        await book(room)
    return "booked"


@workflow
async def paying(amounts: list[int]) -> int:
    return sum([await pay(amount) for amount in amounts])


@workflow
async def mixed(what: str) -> str:
    await shred(what)
    await book(what)
    raise ValueError("no more")


@workflow
async def waits(what: str) -> str:
    await book(what)
    return await ask("Go on?")


@workflow
async def doubtful(what: str) -> str:
    await book(what)
    await flaky(what)
    return "done"


@workflow
async def without(what: str) -> str:
    try:
        await refused(what)
    except NotDone:
        return "without"
    return "with"


@workflow(retry=1)
async def stumbling(what: str) -> str:
    await put(what)
    if not await_second_try(what):
        raise ValueError("not yet")
    return "done"


_tries: list[str] = []


def await_second_try(what: str) -> bool:
    _tries.append(what)
    return _tries.count(what) > 1


def begin(worker: Any, value: Any, db: str, effects: Effects, **options: Any) -> Run:
    return start(worker, value, id="r", db=db, deps=effects, **options)


def reasons(undo: Run) -> dict[str, str]:
    return {left["tool"]: left["reason"] for left in undo.output["left"]}


@pytest.mark.capability(193)
def test_calls_are_taken_back_in_reverse_order_with_their_results_and_keys(db: str, effects: Effects) -> None:
    undo = begin(trip, ["sea", "hill"], db, effects).undo(by="ada")
    (_, _, sea), (_, _, hill) = (done.split() for done in effects.all[:2])
    assert effects.all[2:] == [f"unbook hill booking of hill {hill}", f"unbook sea booking of sea {sea}"]
    assert sea != hill
    assert (undo.id, undo.state) == ("r-undo", "done")
    assert [one["result"] for one in undo.output["undone"]] == ["unbooked hill", "unbooked sea"]
    assert undo.output["left"] == []


def test_an_undo_is_a_run_of_its_own_that_names_the_undone_one_and_who_wanted_it(db: str, effects: Effects) -> None:
    job = begin(trip, ["sea"], db, effects)
    before = [row.hash for row in job.events]
    undo = job.undo(by="ada")
    assert (undo.view.worker, undo.view.input["run"], undo.view.input["by"]) == ("undo", "r", "ada")
    assert [step.name for step in undo.view.steps.values()] == ["undo_book"]
    job.resume()
    assert [row.hash for row in job.events] == before


def test_taking_back_asks_as_the_tool_asked(db: str, effects: Effects) -> None:
    undo = begin(paying, [3, 5], db, effects, approve=["pay"]).undo(by="ada")
    (asked,) = undo.approvals
    assert (asked["tool"], asked["args"], asked["risk"], asked["to"]) == ("undo_pay", {"amount": 5}, "high", "finance")
    undo.approve(by="bob")
    assert effects.all == ["pay 3", "pay 5", "refund 5"]
    undo.approve(by="bob")
    assert (undo.state, effects.all[3:]) == ("done", ["refund 3"])


def test_a_no_leaves_one_call_and_the_walk_goes_on(db: str, effects: Effects) -> None:
    undo = begin(paying, [3, 5], db, effects, approve=["pay"]).undo(by="ada")
    undo.reject(by="bob", reason="it was spent")
    undo.approve(by="bob")
    assert effects.all[2:] == ["refund 3"]
    assert reasons(undo) == {"pay": "undo_pay was rejected by bob: it was spent"}


def test_an_undo_that_waits_goes_on_in_another_process(db: str, effects: Effects) -> None:
    begin(paying, [3, 5], db, effects, approve=["pay"]).undo(by="ada").approve(by="bob")
    App([paying], db=db, deps=effects).get("r-undo").approve(by="bob")
    again = App([paying], db=db, deps=effects).get("r").undo(by="eve")
    assert (again.state, effects.all[2:]) == ("done", ["refund 5", "refund 3"])


def test_a_failed_run_is_undone_and_what_declares_no_undo_is_listed(db: str, effects: Effects) -> None:
    undo = begin(mixed, "x", db, effects).undo(by="ada")
    assert [line.split()[0] for line in effects.all] == ["shred", "book", "unbook"]
    assert reasons(undo) == {"shred": "its tool declares no undo"}


def test_an_undone_run_does_not_go_on(db: str, effects: Effects) -> None:
    job = begin(mixed, "x", db, effects)
    job.undo(by="ada")
    with pytest.raises(UsageError, match="was undone"):
        job.resume()


def test_a_run_is_undone_once_it_has_ended(db: str, effects: Effects) -> None:
    job = begin(waits, "x", db, effects)
    with pytest.raises(UsageError, match="cancel it first"):
        job.undo(by="ada")
    job.cancel(by="ada")
    assert job.undo(by="ada").output["undone"][0]["tool"] == "book"


def test_a_call_in_doubt_is_left_and_said(db: str, effects: Effects) -> None:
    job = begin(doubtful, "x", db, effects)
    job.resolve("flaky", "abort", by="ada")
    assert reasons(job.undo(by="ada")) == {"flaky": "it is in doubt: it is not known whether it happened"}
    assert [line.split()[0] for line in effects.all] == ["book", "flaky", "unbook"]


def test_a_doubt_that_a_person_settled_as_done_is_undone(db: str, effects: Effects) -> None:
    job = begin(doubtful, "x", db, effects)
    job.resolve("flaky", "done", by="ada")
    job.undo(by="ada")
    assert [line.split()[0] for line in effects.all] == ["book", "flaky", "unput", "unbook"]


def test_a_doubtful_call_that_was_made_again_is_undone_once(db: str, effects: Effects) -> None:
    @tool(effect="once", undo=unput)
    def stutter(name: str, *, effects: Effects = NOWHERE) -> None:
        effects.happen(f"stutter {name}")
        if len(effects.all) == 1:
            raise ConnectionError("the line is dead")

    @workflow
    async def stuttering(name: str) -> None:
        await stutter(name)

    job = begin(stuttering, "x", db, effects)
    job.resolve("stutter", "repeat", by="ada")
    undo = job.undo(by="ada")
    assert (undo.output["left"], effects.all) == ([], ["stutter x", "stutter x", "unput x"])


def test_what_did_not_happen_is_not_undone(db: str, effects: Effects) -> None:
    undo = begin(without, "x", db, effects).undo(by="ada")
    assert (undo.output["undone"], undo.output["left"], effects.all) == ([], [], [])


def test_a_call_that_two_attempts_share_is_undone_once(db: str, effects: Effects) -> None:
    job = begin(stumbling, db, db, effects)
    assert (job.state, effects.all) == ("done", [f"put {db}"])
    job.undo(by="ada")
    assert effects.all == [f"put {db}", f"unput {db}"]


def test_a_fork_leaves_to_the_first_run_what_that_one_did(db: str, effects: Effects) -> None:
    job = begin(trip, ["sea", "hill"], db, effects)
    hill = next(step.seq for step in job.view.steps.values() if step.request == {"room": "hill"})
    fork = job.fork(at=hill - 1)
    fork.approve(by="ada")
    undo = fork.undo(by="ada")
    assert [one["args"] for one in undo.output["undone"]] == [{"room": "hill"}]


def test_policy_about_the_tool_asks_about_its_undo_too_and_can_name_it(db: str, effects: Effects) -> None:
    job = begin(trip, ["sea"], db, effects)
    asks = App([trip], db=db, deps=effects, policy=Rules(ask=("book",))).get("r").undo(by="ada")
    assert [asked["tool"] for asked in asks.approvals] == ["undo_book"]
    asks.reject(by="ada", reason="no")
    assert [line.split()[0] for line in effects.all] == ["book"]
    assert job.state == "done"


def test_a_deny_of_the_undo_is_listed(db: str, effects: Effects) -> None:
    begin(trip, ["sea"], db, effects)
    undo = App([trip], db=db, deps=effects, policy=Rules(deny=("undo_book",))).get("r").undo(by="ada")
    assert reasons(undo) == {"book": "undo_book was refused: the policy denies undo_book"}


def test_the_tools_of_agents_and_of_functions_inside_functions_are_found(db: str, effects: Effects) -> None:
    @tool(risk="medium", name="refund_all")
    def careful(amount: int, *, effects: Effects = NOWHERE) -> None:
        effects.happen(f"careful refund {amount}")

    @tool(effect="once", undo=careful)
    def charge(amount: int, *, effects: Effects = NOWHERE) -> str:
        """Charge an amount."""
        effects.happen(f"charge {amount}")
        return "charged"

    model = ScriptedModel([call("charge", amount=7), say("done")])
    cashier = Agent(model, "You charge.", name="cashier", tools=[charge])

    @workflow
    async def shop(goal: str) -> str:
        return await cashier(goal)

    undo = begin(shop, "charge 7", db, effects).undo(by="ada")
    (asked,) = undo.approvals
    assert (asked["tool"], asked["risk"]) == ("refund_all", "medium")
    undo.approve(by="ada")
    assert effects.all == ["charge 7", "careful refund 7"]


def test_an_undo_that_fails_half_way_is_in_doubt_like_any_other_call(db: str, effects: Effects) -> None:
    def breaks(name: str, *, effects: Effects = NOWHERE) -> None:
        effects.happen(f"breaks {name}")
        raise OSError("disk")

    @tool(effect="once", undo=breaks)
    def make(name: str, *, effects: Effects = NOWHERE) -> None:
        effects.happen(f"make {name}")

    @workflow
    async def making(name: str) -> None:
        await make(name)

    undo = begin(making, "x", db, effects).undo(by="ada")
    assert [asked["kind"] for asked in undo.approvals] == ["doubt"]
    undo.resolve("undo_make", "done", by="ada")
    assert (undo.state, effects.all) == ("done", ["make x", "breaks x"])


def test_an_undo_wanting_what_the_call_never_had_is_listed(db: str, effects: Effects) -> None:
    def wants_more(name: str, colour: str) -> None:
        raise AssertionError

    @tool(effect="once", undo=wants_more)
    def make(name: str) -> None: ...

    @workflow
    async def making(name: str) -> None:
        await make(name)

    undo = begin(making, "x", db, effects).undo(by="ada")
    assert "colour" in reasons(undo)["make"]


async def test_the_chain_of_an_undo_is_whole(db: str, effects: Effects) -> None:
    async with App([trip], db=db, deps=effects) as app:
        job = await app.start(trip, ["sea"], id="r")
        await job
        undo = await job.undo(by="ada")
        assert (await undo)["left"] == []
        assert (await audit(app.store, "r-undo")).problem == ""
