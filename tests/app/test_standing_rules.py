"""`approve_all`: one yes for many calls, itself on the record."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from stretto import App, Rules, Run, UsageError, ask, gather, start, tool, workflow
from stretto.app.audit import audit
from tests.app.conftest import NOWHERE, Effects


@tool(risk="high", effect="once")
def send_invoice(to: str, amount: Decimal, currency: str = "EUR", *, effects: Effects = NOWHERE) -> str:
    """Send an invoice."""
    effects.happen(f"{to} {amount} {currency}")
    return to


@workflow
async def billing(invoices: list[dict[str, Any]]) -> list[str]:
    return [await send_invoice(**invoice) for invoice in invoices]


@workflow
async def at_once(amounts: list[int]) -> list[str]:
    return await gather(send_invoice(f"c{amount}", Decimal(amount)) for amount in amounts)


@workflow
async def colour_of(amount: int) -> str:
    colour = await ask("Which colour?")
    await send_invoice(colour, Decimal(amount))
    return colour


@workflow
async def doubtful(to: str) -> str:
    return await breaking(to)


@tool(risk="high", effect="once")
def breaking(to: str) -> str:
    raise ConnectionError("the line is dead")


def invoice(to: str, amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"to": to, "amount": amount, "currency": currency}


def begin(worker: Any, value: Any, db: str, effects: Effects, **options: Any) -> Run:
    return start(worker, value, id="r", db=db, deps=effects, **options)


@pytest.mark.capability(58)
def test_a_standing_rule_answers_open_and_later_calls_that_fit_it(db: str, effects: Effects) -> None:
    bills = [invoice("a", "49.90"), invoice("b", "12"), invoice("c", "50"), invoice("d", "1")]
    job = begin(billing, bills, db, effects)
    job.approve_all("send_invoice", where="amount < 50 and currency == 'EUR'", by="ada")
    assert effects.all == ["a 49.90 EUR", "b 12 EUR"]
    assert [asked["args"]["to"] for asked in job.approvals] == ["c"]
    job.approve(by="bob")
    assert job.output == ["a", "b", "c", "d"]


def test_a_call_that_does_not_fit_is_asked_about(db: str, effects: Effects) -> None:
    job = begin(billing, [invoice("a", "10", "USD")], db, effects)
    job.approve_all("send_invoice", where="amount < 50 and currency == 'EUR'", by="ada")
    assert (job.state, effects.all) == ("waiting", [])


@pytest.mark.capability(56, 58)
def test_a_rule_and_every_answer_by_it_stand_in_the_chain_with_who_when_and_how(db: str, effects: Effects) -> None:
    job = begin(at_once, [1, 2], db, effects)
    job.approve_all("send_invoice", where="amount < 50", by="ada")
    (rule,) = job.why()["rules"]
    assert (rule["tool"], rule["where"]) == ("send_invoice", "amount < 50")
    assert (rule["by"], rule["channel"]) == ("ada", "python")
    assert rule["at"] > 1_700_000_000
    answers = job.why()["answers"]
    assert [(one["by"], one["channel"]) for one in answers] == [("ada", "rule")] * 2
    assert {one["reason"] for one in answers} == {f"rule {rule['id']}: all send_invoice where amount < 50"}
    assert all(rule["step"] < answered_at(job, one["step"]) for one in answers)


def answered_at(job: Run, question: int) -> int:
    ident = job.events[question].ident
    return next(row.seq for row in job.events if row.kind == "answered" and row.ident == ident)


async def test_a_later_call_is_asked_and_answered_in_one_commit(db: str, effects: Effects) -> None:
    commits: list[list[str]] = []

    class Commits:
        def see(self, rows: Any) -> None:
            commits.append([row.kind for row in rows])

    async with App(db=db, deps=effects, observers=[Commits()]) as app:
        job = await app.start(billing, [invoice("a", "1"), invoice("b", "2")])
        await app.settled(job.id)
        await job.approve_all("send_invoice", by="ada")
        await job
    with_question = [kinds for kinds in commits if "asked" in kinds]
    assert len(with_question) == 2
    (second,) = [kinds for kinds in with_question[1:] if ("asked", "answered") in list(pairwise(kinds))]
    assert second == ["asked", "answered"]


def test_a_rule_outlives_the_process(db: str, effects: Effects) -> None:
    begin(colour_of, 3, db, effects).approve_all("send_invoice", by="ada")
    job = App([colour_of], db=db, deps=effects).get("r")
    job.answer(None, "red", by="bob")
    assert (job.output, effects.all) == ("red", ["red 3 EUR"])


async def test_a_rule_that_a_crash_separated_from_its_answers_is_applied_when_the_run_is_taken_up(
    db: str, effects: Effects
) -> None:
    """The rule comes while the run lies parked; its code asked long ago, in another process."""
    async with App([at_once], db=db, deps=effects) as app:
        job = await app.start(at_once, [1, 2], id="r")
        await app.settled("r")
    async with App([at_once], db=db, deps=effects) as app:
        job = await app.get("r")
        await job.approve_all("send_invoice", where="amount == 2", by="ada")
        await app.settled("r")
        await job.refresh()
        assert effects.all == ["c2 2 EUR"]
        assert (await audit(app.store, "r")).problem == ""


def test_a_deny_of_the_policy_wins(db: str, effects: Effects) -> None:
    begin(colour_of, 3, db, effects).approve_all("send_invoice", by="ada")
    job = App([colour_of], db=db, deps=effects, policy=Rules(deny=("send_invoice",))).get("r")
    job.answer(None, "red", by="bob")
    assert (job.state, effects.all) == ("failed", [])
    assert "the policy denies send_invoice" in job.error


def test_a_no_to_one_call_is_not_overruled(db: str, effects: Effects) -> None:
    job = begin(at_once, [1, 2], db, effects)
    first = next(asked["id"] for asked in job.approvals if asked["args"]["to"] == "c1")
    job.reject(first, by="bob", reason="not this one")
    assert job.state == "failed"
    with pytest.raises(UsageError, match="takes a rule no more"):
        job.approve_all("send_invoice", by="ada")
    assert "c1 1 EUR" not in effects.all


def test_a_fork_asks_anew_about_what_was_done_whatever_rules_it_has(db: str, effects: Effects) -> None:
    job = begin(billing, [invoice("a", "1")], db, effects)
    job.approve_all("send_invoice", by="ada")
    fork = job.fork(at=1)
    assert (fork.state, [asked["prompt"] for asked in fork.approvals]) == (
        "waiting",
        ["the run that this one was forked from made this call already"],
    )
    fork.approve_all("send_invoice", by="ada")
    assert (fork.state, effects.all) == ("waiting", ["a 1 EUR"])
    fork.approve(by="ada")
    assert effects.all == ["a 1 EUR", "a 1 EUR"]


def test_a_deny_holds_in_a_fork_too(db: str, effects: Effects) -> None:
    begin(billing, [invoice("a", "1")], db, effects).approve(by="ada")
    app = App([billing], db=db, deps=effects, policy=Rules(deny=("send_invoice",)))
    fork = app.get("r").fork(at=1)
    assert (fork.state, effects.all) == ("failed", ["a 1 EUR"])
    with pytest.raises(Exception, match="denies"):
        fork.conclude()


def test_a_rule_answers_no_doubt(db: str, effects: Effects) -> None:
    job = begin(doubtful, "a", db, effects)
    job.approve_all("breaking", by="ada")
    assert [asked["kind"] for asked in job.approvals] == ["doubt"]


def test_a_condition_that_cannot_be_read_is_refused_and_nothing_is_posted(db: str, effects: Effects) -> None:
    job = begin(billing, [invoice("a", "1")], db, effects)
    with pytest.raises(UsageError, match="not understood"):
        job.approve_all("send_invoice", where="amount < 50 or 1", by="ada")
    job.resume()
    assert "ruled" not in [row.kind for row in job.events]


def test_a_replay_of_a_run_with_rules_goes_the_same_way(db: str, effects: Effects) -> None:
    job = begin(billing, [invoice("a", "1"), invoice("b", "99")], db, effects)
    job.approve_all("send_invoice", where="amount < 50", by="ada")
    assert job.replay() is None
    job.approve(by="bob")
    assert job.replay() == ["a", "b"]
    assert effects.all == ["a 1 EUR", "b 99 EUR"]
