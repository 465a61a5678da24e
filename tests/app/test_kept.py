"""A conversation that an open app has at hand: the next turn goes on from memory, and costs what the first ones did."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from stretto import Agent, App, RunWaiting, listen, workflow
from stretto.app import kept
from stretto.core.canonical import encode
from stretto.core.messages import FREE, Delta, Message, ModelReply, ModelRequest, Rates, Text, Usage
from stretto.core.ports import Entry, Lease, Letter, Store
from stretto.journal.sqlite import SqliteStore
from stretto.runtime.execution import Execution
from stretto.testing import ScriptedModel
from tests.app.talkers import pay, pays, talker

pytestmark = pytest.mark.capability(201)


class Echo:
    """A model that does nothing for what was said before."""

    name = "test:echo"
    rates: Rates | None = FREE
    window, max_output = 10_000_000, 100

    async def reply(self, request: ModelRequest, watch: Callable[[Delta], None] | None = None) -> ModelReply:
        return ModelReply(Message("assistant", (Text(request.messages[-1].text),)), Usage(1, 1), self.name)

    def estimate(self, request: ModelRequest) -> int:
        return 1


brief = Agent(Echo(), "You talk.", name="brief")


class Calls:
    """Counts the Python calls of this thread."""

    def __init__(self) -> None:
        self.count = 0

    def see(self, frame: FrameType, event: str, arg: Any) -> None:
        self.count += event in ("call", "c_call")


async def _said(app: App, id: str, turns: range, *, anew: bool = False) -> int:
    """Say something in each of these turns; how many calls that took. `anew`: each time the run is looked up first."""
    job, calls = await app.get(id), Calls()
    sys.setprofile(calls.see)
    try:
        for turn in turns:
            job = await app.get(id) if anew else job
            assert await job.say(f"turn {turn}") == f"turn {turn}"
    finally:
        sys.setprofile(None)
    return calls.count


@pytest.mark.parametrize(("goal", "anew"), [("", False), ("", True), ("Hello", True)])
async def test_a_turn_takes_no_more_calls_late_in_a_conversation(db: str, goal: str, anew: bool) -> None:
    async with App([brief], db=db) as app:
        job = await app.start(brief, *[goal] if goal else [], id="c")
        if goal:
            assert await job == goal
        await _said(app, "c", range(10))
        early = await _said(app, "c", range(10, 30), anew=anew)
        await _said(app, "c", range(30, 150))
        late = await _said(app, "c", range(150, 170), anew=anew)
    assert late < 1.1 * early, f"twenty turns took {early} calls, and {late} later on"


def _counted(store: Store) -> Counter[str]:
    """Counts the events and values that are read from a store."""
    counts: Counter[str] = Counter()
    read, blob = store.read, store.blob

    async def reading(run: str, after: int = -1, limit: int | None = None) -> Any:
        rows = await read(run, after, limit)
        counts["events"] += len(rows)
        return rows

    async def fetching(digest: str) -> bytes:
        counts["values"] += 1
        return await blob(digest)

    store.read, store.blob = reading, fetching  # type: ignore[method-assign]
    return counts


async def test_a_turn_reads_what_it_added_and_no_more(db: str) -> None:
    async with App([brief], db=db) as app:
        job = await app.start(brief, id="c")
        await _said(app, "c", range(20))
        counts, before = _counted(app.store), len(job.events)
        await _said(app, "c", range(20, 30))
        added = len(job.events) - before
        assert counts["events"] <= added + 2 * 10  # and how the run began, where somebody has to know
        assert counts["values"] == 0


visits: list[str] = []


@workflow
async def form() -> list[str]:
    answers = []
    for question in ("name", "town", "colour"):
        answers.append(await listen(question))
        visits.append(question)
    return answers


async def test_code_goes_on_where_it_stood(db: str) -> None:
    visits.clear()
    async with App([form], db=db) as app:
        job = await app.start(form, id="f")
        assert [await job.say("Ann"), await job.say("Turku")] == ["town", "colour"]
        await app.settled("f")
        assert (visits, job.state, app.drives("f")) == (["name", "town"], "waiting", False)
    async with App([form], db=db) as app:
        job = await app.get("f")
        assert await job.say("red") == ["Ann", "Turku", "red"]
        assert visits == ["name", "town", "name", "town", "colour"]  # gone through again, from the journal
        assert await job.replay() == ["Ann", "Turku", "red"]


async def test_what_another_process_was_told_meanwhile_is_known(db: str) -> None:
    async with App([talker], db=db) as app, App([talker], db=db) as other:
        here = await app.start(talker, id="c")
        assert await here.say("a") == "1: a"
        there = await other.get("c")
        assert [await there.say("b"), await there.say("c")] == ["2: b", "3: c"]
        assert [await here.say("d"), await there.say("e"), await here.say("f")] == ["4: d", "5: e", "6: f"]
        assert await here.replay() is None


async def test_what_comes_just_when_the_run_has_come_to_rest_is_heard(db: str) -> None:
    async with App([brief], db=db) as app:
        other = SqliteStore(db)
        job = await app.start(brief, id="c")
        assert await job.say("a") == "a"
        await app.settled("c")
        listen, park, wakes = app.store.listen, app.store.park, list[Callable[[], None]]()

        def listening(run: str, wake: Callable[[], None]) -> Callable[[], None]:
            wakes.append(wake)
            return listen(run, wake)

        async def parking(lease: Lease, entry: Entry, known: frozenset[str]) -> bool:
            parked = await park(lease, entry, known)
            answer = {"decision": "answer", "value": "b", "by": "", "channel": "test"}
            if await other.post(Letter("c", "signal said k", encode({"signal": "said", "answer": answer}))):
                wakes[-1]()
            return parked

        app.store.listen, app.store.park = listening, parking  # type: ignore[method-assign]
        await job.resume()  # there is nothing to do: it parks again
        await app.settled("c")
        assert await job.say("b", key="k") == "b"
        await other.close()


async def test_an_answer_in_the_middle_of_a_turn_goes_on_from_memory_too(db: str) -> None:
    payer = Agent(ScriptedModel(pays), name="payer", tools=[pay])  # type: ignore[arg-type]
    async with App([payer], db=db) as app:
        job = await app.start(payer, id="c")
        assert await job.say("hello") == "1: hello"
        for turn in range(2, 5):
            with pytest.raises(RunWaiting, match="waits for approval"):
                await job.say("pay")
            counts = _counted(app.store)
            await job.approve(by="eve")
            assert await job.reply() == "done: paid 3"
            assert counts["events"] < 20, f"it was read anew in turn {turn}"
        await job.cancel(by="eve")
        assert (job.state, job.events[-1].kind) == ("cancelled", "run_cancelled")


async def test_a_turn_that_is_tried_again_begins_with_the_messages_before_it(db: str) -> None:
    model = ScriptedModel(["1", "many", "2"])
    counts = Agent(model, "You count.", name="counts", output=int, repair=0, retry=1)
    async with App([counts], db=db) as app:
        job = await app.start(counts, id="c")
        assert [await job.say("a"), await job.say("b")] == [1, 2]
    assert [message.text for message in model.requests[-1].messages] == ["You count.", "a", "1", "b"]


def _kept() -> list[str]:
    """The runs that rest in memory."""
    return sorted(thing.id for thing in gc.get_objects() if isinstance(thing, Execution) and thing.rests)


async def test_so_many_are_kept_for_so_long(db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 3)
    async with App([talker], db=db) as app:
        for number in range(6):
            job = await app.start(talker, id=f"k{number}")
            assert await job.say("a") == "1: a"
        assert _kept() == ["k3", "k4", "k5"]
        assert await (await app.get("k0")).say("b") == "2: b"  # that one is read anew
        assert _kept() == ["k0", "k4", "k5"]
    assert _kept() == []
    monkeypatch.setattr(kept, "IDLE", 0.0)
    async with App([talker], db=db) as app:
        assert await (await app.get("k0")).say("c") == "3: c"
        await asyncio.sleep(0.01)
        assert _kept() == []
        assert await (await app.get("k0")).say("d") == "4: d"
