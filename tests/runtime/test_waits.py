"""Questions to people, signals and timers: from any depth, in any order, in part, once."""

import asyncio
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from stretto import (
    Accepted,
    App,
    PolicyDenied,
    Preview,
    Rejected,
    Rules,
    Run,
    RunFailed,
    UsageError,
    ask,
    gather,
    receive,
    review,
    sleep,
    start,
    tool,
    workflow,
)
from stretto.core.events import Answered, Asked
from stretto.core.values import Answer, Settings
from stretto.runtime import engine
from stretto.runtime.outcome import Finished, Surroundings
from stretto.runtime.view import View
from stretto.testing.machine import SimulatedClock
from stretto.testing.simulated_store import Disk, SimulatedStore
from stretto.testing.virtual_loop import VirtualLoop
from tests.crash.scenarios import OUTSIDE, nested, send
from tests.crash.simulation import RUN, World, letter
from tests.runtime.conftest import Begin


def _ids(job: Run) -> dict[str, str]:
    """The open questions, by what they are about."""
    return {str((item["args"] or {}).get("what") or item["prompt"]): item["id"] for item in job.approvals}


@pytest.mark.capability(53, 54)
@pytest.mark.parametrize("order", list(permutations("xyz")))
async def test_approvals_of_nested_workers_are_answered_in_any_order(
    begin: Begin, app: App, world: World, order: tuple[str, ...]
) -> None:
    job = await begin(nested)
    names = {"x": "x1", "y": "y", "z": "z"}
    assert set(_ids(job)) == {"x1", "y", "z"}
    for name in order:
        await job.approve(_ids(job)[names[name]], by="eve")
        await app.settled(job.id)
        assert ("send", names[name]) in world.effects
        await job.refresh()
    await job.approve(_ids(job)["x2"], by="eve")
    assert await job == [["saw x1, did send", "saw x2, did send"], "saw y, did send", "did send"]
    assert len(world.effects) == 4


@workflow
async def sends(what: str) -> str:
    try:
        return await send(what)
    except PolicyDenied as error:
        return str(error)


@pytest.mark.capability(51, 42)
async def test_a_rejection_reaches_who_asked_with_its_reason(begin: Begin, world: World) -> None:
    job = await begin(sends, "x")
    await job.reject(by="eve", reason="too dear")
    assert await job == "send was rejected by eve: too dear"
    assert world.effects == []


@pytest.mark.capability(51, 57, 56)
async def test_an_edit_is_what_runs_and_both_digests_are_kept(begin: Begin, world: World) -> None:
    job = await begin(sends, "x")
    shown = job.approvals[0]["digest"]
    await job.approve(by="eve", edit={"what": "y"})
    assert await job == "did send"
    assert world.effects == [("send", "y")]
    asked = next(row.event() for row in job.events if row.kind == "asked")
    answered = next(row.event() for row in job.events if row.kind == "answered")
    assert isinstance(asked, Asked)
    assert isinstance(answered, Answered)
    assert asked.digest == shown
    assert answered.edited not in ("", shown)


@tool(risk="high", preview=lambda what: f"send {what}")
async def send_shown(what: str) -> str:
    return f"sent {what}"


@workflow
async def shows(what: str) -> str:
    return await send_shown(what)


async def test_a_replay_of_an_edited_call_looks_at_no_preview(begin: Begin) -> None:
    job = await begin(shows, "x")
    await job.approve(by="eve", edit={"what": "y"})
    assert await job == "sent y"
    assert await job.replay() == "sent y"


@tool(risk="high", effect="once")
async def transfer(to: str, amount: int, note: str = "") -> str:
    return f"{amount} to {to}: {note}"


@workflow
async def transfers(to: str) -> str:
    return await transfer(to, 100, note="rent")


@pytest.mark.capability(51, 57)
def test_an_edit_changes_what_it_names_and_binds_to_the_whole_call() -> None:
    digests = []
    for edit in ({"amount": 40}, {"to": "ada", "amount": 40, "note": "rent"}, {"amount": 41}):
        job = start(transfers, "ada", id="same", db=":memory:")
        job.approve(by="eve", edit=edit)
        assert job.output == job.replay() == f"{edit['amount']} to ada: rent"
        (answered,) = (event for row in job.events if isinstance(event := row.event(), Answered))
        digests.append(answered.edited)
    assert digests[0] == digests[1] != digests[2]


async def test_an_edit_that_does_not_fit_is_declined_and_the_question_stays(
    begin: Begin, app: App, world: World
) -> None:
    job = await begin(sends, "x")
    for edit in ({"what": 3}, {"wat": "y"}, "y"):
        with pytest.raises(UsageError, match="the answer was not taken"):
            await job.approve(by="eve", edit=edit)
        await app.settled(job.id)
    await job.refresh()
    assert [row.kind for row in job.events].count("declined") == 3
    assert len(job.approvals) == 1
    assert world.effects == []
    await job.approve(by="eve")
    assert await job == "did send"


@pytest.mark.capability(56)
async def test_an_answer_is_given_once(begin: Begin) -> None:
    job = await begin(sends, "x")
    wait = job.approvals[0]["id"]
    await job.approve(wait, by="eve")
    with pytest.raises(UsageError, match="answered already"):
        await job.reject(wait, by="adam")
    assert await job == "did send"
    with pytest.raises(UsageError, match="answered already: approve by eve"):
        await job.reject(wait, by="adam")


async def test_of_two_who_answer_at_once_one_is_told(begin: Begin, world: World) -> None:
    job, wait = await begin(sends, "x"), None
    wait = job.approvals[0]["id"]
    second = Run(job._app, job.id)
    results = await asyncio.gather(
        job.approve(wait, by="eve"), second.reject(wait, by="adam", reason="no"), return_exceptions=True
    )
    assert sum(isinstance(result, UsageError) for result in results) == 1
    await job
    answers = [row.event() for row in job.events if row.kind == "answered"]
    assert len(answers) == 1


async def test_what_was_approved_beforehand_asks_nobody_and_is_recorded(begin: Begin) -> None:
    job = await begin(sends, "x", approve=("send",))
    assert job.output == "did send"
    answered = next(row.event() for row in job.events if row.kind == "answered")
    assert isinstance(answered, Answered)
    assert (answered.by, answered.channel) == ("--approve", "policy")


@tool(risk="high", expires="1s")
async def urgent(what: str, *, world: World = OUTSIDE) -> str:
    await world.happen("urgent", what, key=what)
    return "done"


@workflow
async def hurries() -> str:
    try:
        return await urgent("x")
    except PolicyDenied as error:
        return str(error)


@pytest.mark.capability(60)
async def test_an_expired_approval_is_a_no(begin: Begin, world: World) -> None:
    assert "expired: nobody answered in time" in (await begin(hurries)).output
    assert world.effects == []


@workflow
async def waits() -> list[Any]:
    match await review({"text": "draft"}, "Good?", to="editors"):
        case Rejected(reason):
            return [reason]
        case Accepted(value):
            answers = await gather(ask("how many?", int), receive("go", dict), sleep(0.01))
            return [value, *answers]


@pytest.mark.capability(52)
async def test_reviews_questions_and_signals_are_typed(begin: Begin, app: App) -> None:
    job = await begin(waits)
    assert job.approvals[0]["content"] == {"text": "draft"}
    assert job.approvals[0]["to"] == "editors"
    await job.approve(by="eve", edit={"text": "better"})
    await app.settled(job.id)
    await job.refresh()
    with pytest.raises(UsageError, match="valid integer"):
        await job.answer(_ids(job)["how many?"], "many", by="eve")
    await app.settled(job.id)
    await job.refresh()
    await job.answer(_ids(job)["how many?"], 3, by="eve")
    await job.send("go", {"a": 1})
    assert await job == [{"text": "better"}, 3, {"a": 1}, None]


async def test_a_rejected_review_gives_the_reason(begin: Begin) -> None:
    job = await begin(waits)
    await job.reject(by="eve", reason="dull")
    assert await job == ["dull"]


WORLD = {"base": "v1"}


def _diff(path: str) -> Preview:
    return Preview(f"change {path} from {WORLD['base']}", base=WORLD["base"])


@tool(risk="medium", effect="idempotent", preview=_diff)
async def overwrite(path: str, *, idempotency_key: str = "", world: World = OUTSIDE) -> str:
    await world.happen("overwrite", path, WORLD["base"], key=idempotency_key, again=False)
    return f"over {WORLD['base']}"


@workflow
async def overwrites() -> str:
    return await overwrite("a")


@pytest.mark.capability(45)
async def test_a_preview_whose_base_has_changed_is_asked_anew(begin: Begin, app: App, world: World) -> None:
    WORLD["base"] = "v1"
    job = await begin(overwrites)
    assert job.approvals[0]["preview"] == "change a from v1"
    WORLD["base"] = "v2"
    await job.approve(by="eve")
    await app.settled(job.id)
    await job.refresh()
    assert job.approvals[0]["preview"] == "change a from v2"
    assert world.effects == []
    await job.approve(by="eve")
    assert await job == "over v2"


async def test_a_later_deny_beats_an_earlier_yes(world: World, tmp_path: Path) -> None:
    async with App(db=str(tmp_path / "runs.db"), deps=world) as app:
        job = await app.start(sends, "x", id="d")
        await app.settled("d")
        await job.refresh()
    async with App([sends], db=str(tmp_path / "runs.db"), deps=world, policy=Rules(deny=("send",))) as app:
        job = await app.get("d")
        await job.approve(by="eve")
        assert "the policy denies send" in await job
    assert world.effects == []


@pytest.mark.capability(57)
async def test_the_digest_covers_what_is_shown(begin: Begin) -> None:
    digests = []
    for text, base in (("a", "v1"), ("a", "v2"), ("b", "v1")):
        WORLD["base"] = base

        @workflow(name="same")
        async def same(text: str = text) -> str:
            return await overwrite(text)

        job = await begin(same, text)
        digests.append(job.approvals[0]["digest"])
    assert len(set(digests)) == 3


@pytest.mark.capability(55)
def test_a_run_waits_over_processes_and_is_answered_from_another(tmp_path: Path) -> None:
    db = str(tmp_path / "runs.db")
    job = start(waits, id="w", db=db)
    assert (job.state, len(job.approvals)) == ("waiting", 1)
    job.approve(by="eve")
    again = start(waits, id="w", db=db)
    assert {item["kind"] for item in again.approvals} == {"question", "signal"}
    again.answer(_ids(again)["how many?"], 3, by="eve")
    again.send("go", {})
    assert again.output == [{"text": "draft"}, 3, {}, None]


@workflow
async def fails_after_asking() -> str:
    await ask("sure?")
    raise ValueError("no")


async def test_an_ended_run_asks_nothing_any_more(begin: Begin) -> None:
    job = await begin(fails_after_asking)
    await job.answer(None, "yes", by="eve")
    with pytest.raises(RunFailed):
        await job
    assert (await job.refresh()).approvals == []


@workflow
async def asks_briefly() -> str:
    try:
        return await ask("quick?", expires=1)
    except TimeoutError:
        return "expired"


@pytest.mark.parametrize("early", [0.0, 0.0005, 0.001, 0.0015, 0.002])
def test_an_answer_that_comes_as_the_time_runs_out_is_taken_or_not_but_once(early: float) -> None:
    async def contest(disk: Disk, world: World) -> list[Any]:
        clock = SimulatedClock(world, asyncio.get_running_loop())
        around = Surroundings(SimulatedStore(disk, world), clock, Rules(), _no_model, {})
        loaded = await engine.begin(around, asks_briefly, None, id=RUN, settings=Settings(), code="")
        assert loaded is not None
        drive = asyncio.get_running_loop().create_task(loaded.execution.drive(asks_briefly, loaded.value))
        while not (waits := View(await disk.read(RUN)).open_waits):  # noqa: ASYNC110  a journal is looked at
            await asyncio.sleep(0.0001)
        due = waits[0].asked.expires or 0
        await asyncio.sleep((due - clock.now()) / 1e6 - early)
        await disk.post(letter(waits[0].asked.wait, Answer("answer", "in time", by="eve")))
        outcome = await drive
        assert isinstance(outcome, Finished)
        answers = [row.event() for row in await disk.read(RUN) if row.kind == "answered"]
        return [outcome.output, *answers]

    for seed in range(1, 21):
        loop = VirtualLoop()
        try:
            output, *answers = loop.run_until_complete(contest(Disk(), World(seed)))
        finally:
            loop.close()
        assert len(answers) == 1
        assert output == ("in time" if answers[0].decision == "answer" else "expired")


def _no_model(name: str) -> Any:
    raise AssertionError(name)


SHOWN: list[str] = []


@tool(risk="high", effect="once", preview=lambda what: f"{what} {SHOWN}")
async def shows_text(what: str, *, world: World = OUTSIDE) -> str:
    await world.happen("shown", what, key=what)
    return "done"


@workflow
async def shows_in_text(what: str) -> str:
    return await shows_text(what)


@pytest.mark.capability(45, 57)
async def test_a_preview_in_plain_text_holds_as_long_as_it_is_the_same(begin: Begin, app: App, world: World) -> None:
    SHOWN.clear()
    job = await begin(shows_in_text, "x")
    SHOWN.append("changed")
    await job.approve(by="ada")
    await app.settled(job.id)
    await job.refresh()
    assert (job.state, job.approvals[0]["preview"], world.effects) == ("waiting", "x ['changed']", [])
    await job.approve(by="ada")
    assert await job == "done"
    assert len(world.effects) == 1
