"""Prune and compact: what runs said goes, that they were stays proven, and the file stays small."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stretto import Agent, App, Run, UsageError, ask, tool, workflow
from stretto.app.audit import Finding, Head, audit, heads
from stretto.app.gaps import Gaps
from stretto.app.retention import compact, prune
from stretto.app.steps import detail, steps
from stretto.testing import ScriptedModel, call, say
from tests.app.conftest import NOWHERE, Effects

SECRET = "the secret ingredient"


@tool
async def look(what: str) -> str:
    return f"{what} " * 400


@workflow
async def talk(topic: str) -> str:
    return await look(f"{SECRET} {topic}")


@workflow
async def failing(topic: str) -> str:
    await look(topic)
    raise ValueError(SECRET)


@tool(effect="once")
async def mark(what: str, *, effects: Effects = NOWHERE) -> str:
    effects.happen(what)
    return what


@workflow
async def marking(what: str) -> str:
    await mark(what)
    await mark(f"{what} again")
    return what


@workflow
async def asking(what: str) -> str:
    return await ask(f"{what}?")


def opened(db: str, effects: Effects | None = None) -> App:
    return App([talk, failing, marking, asking], db=db, deps=effects)


async def ran(app: App, worker: Any, value: Any, id: str) -> Run:
    job = await app.start(worker, value, id=id)
    await app.settled(id)
    return await job.refresh()


async def pruned(app: App, **options: Any) -> list[str]:
    now = time.time_ns() // 1000
    return await prune(app.store, before=now + 1, by="ada", now=now, **options)


def holds(db: str, text: str) -> bool:
    return text.encode() in Path(db).read_bytes()


def size(db: str) -> int:
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    return Path(db).stat().st_size


def change(db: str, statement: str) -> None:
    with closing(sqlite3.connect(db)) as connection, connection:
        assert connection.execute(statement).rowcount


async def found(db: str, run: str, anchor: Head | None = None) -> Finding:
    async with opened(db) as app:
        return await audit(app.store, run, anchor)


@pytest.mark.capability(200)
async def test_a_pruned_run_says_nothing_any_more_and_verifies_as_pruned(db: str) -> None:
    async with opened(db) as app:
        count = len((await ran(app, talk, "x", "r")).events)
    assert holds(db, SECRET)
    async with opened(db) as app:
        assert await pruned(app) == ["r"]
        await compact(app.store)
    assert not holds(db, SECRET)
    finding = await found(db, "r")
    assert (finding.problem, finding.events) == ("", count + 1)
    assert finding.note.startswith("pruned on 2")
    assert finding.note.endswith(f"by ada: contents gone, order and count of {count} events proven")


@pytest.mark.parametrize(
    "tampering",
    [
        "update events set time = time + 1 where seq = 1",
        "update events set kind = 'task_failed' where kind = 'task_finished'",
        "update events set hash = substr(hash, 2) || '-' where seq = 2",
        "delete from events where seq = 1",
        "delete from events where kind = 'pruned'",
        "update events set body = replace(body, 'ada', 'eve') where kind = 'pruned'",
    ],
)
async def test_what_is_left_of_a_pruned_run_cannot_be_changed_unseen(db: str, tampering: str) -> None:
    async with opened(db) as app:
        await ran(app, talk, "x", "r")
        await pruned(app)
    change(db, tampering)
    finding = await found(db, "r")
    assert "event" in finding.problem
    assert finding.note == ""


async def test_an_event_that_merely_lost_its_content_is_named(db: str) -> None:
    async with opened(db) as app:
        await ran(app, talk, "x", "r")
    change(db, "update events set body = cast('null' as blob) where seq = 2")
    assert (await found(db, "r")).problem == "event 2 (step_done) has lost its content, and nobody pruned it"


async def test_an_anchor_from_before_still_holds_after_pruning(db: str) -> None:
    async with opened(db) as app:
        await ran(app, talk, "x", "r")
        (head,) = await heads(app.store)
        await pruned(app)
    assert (await found(db, "r", head)).problem == ""
    assert "rewritten" in (await found(db, "r", Head("r", head.events, "0" * 64))).problem


async def test_only_old_runs_that_have_ended_are_pruned_and_each_once(db: str, effects: Effects) -> None:
    async with opened(db, effects) as app:
        await ran(app, asking, "x", "waits")
        await ran(app, failing, "x", "failed")
        await ran(app, marking, "x", "done")
        now = time.time_ns() // 1000
        assert await prune(app.store, before=now - 60_000_000, by="ada", now=now) == []
        assert await pruned(app, keep_failed=True) == ["done"]
        assert await pruned(app) == ["failed"]
        assert await pruned(app) == []


async def test_a_run_that_an_unfinished_fork_builds_on_keeps_its_contents(db: str, effects: Effects) -> None:
    """The fork must know what its origin did, or it would do it again without asking."""
    async with opened(db, effects) as app:
        origin = await ran(app, marking, "x", "r")
        again = next(step.seq for step in origin.view.steps.values() if step.request == {"what": "x again"})
        fork = await origin.fork(at=again - 1)
        await app.settled(fork.id)
        assert await pruned(app) == []
    async with opened(db, effects) as app:
        fork = await app.get(fork.id)
        assert [asked["tool"] for asked in fork.approvals] == ["mark"]
        await fork.approve(by="ada")
        await fork
        assert sorted(await pruned(app)) == sorted(["r", fork.id])


async def test_values_that_another_run_names_stay(db: str) -> None:
    async with opened(db) as app:
        await ran(app, talk, "x", "old")
        old = await app.store.find("old")
        assert old is not None
        young = await ran(app, talk, "x", "young")
        now = time.time_ns() // 1000
        assert await prune(app.store, before=old.updated + 1, by="ada", now=now) == ["old"]
    async with opened(db) as app:
        assert (await app.get("young")).output == young.output == f"{SECRET} x " * 400
    assert (await found(db, "young")).problem == ""


async def test_a_conversation_keeps_all_its_messages_when_others_go(db: str) -> None:
    """A message is named by the next one only."""
    model = ScriptedModel([call("look", what="x"), say("done")] * 2)
    agent = Agent(model, "You look.", name="looker", tools=[look])
    async with App([agent, talk], db=db) as app:
        await ran(app, agent, "look", "old")
        old = await app.store.find("old")
        assert old is not None
        young = await ran(app, agent, "look again", "young")
        now = time.time_ns() // 1000
        assert await prune(app.store, before=old.updated + 1, by="ada", now=now) == ["old"]
        last = [entry for entry in steps(young.view, Gaps(young.events)) if entry["kind"] == "model"][-1]
        messages = (await detail(young.view, last, app.store.blob))["request"]["messages"]
        assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool"]


async def test_a_pruned_run_can_be_listed_and_not_continued(db: str) -> None:
    async with opened(db) as app:
        await ran(app, failing, "x", "r")
        await pruned(app)
        job = await app.get("r")
        assert (job.state, job.error) == ("failed", "its worker failed: pruned by ada")
        for attempt in (job.resume, job.replay, lambda: job.undo(by="ada"), lambda: job.fork(at=0)):
            with pytest.raises(UsageError, match="pruned"):
                await attempt()
        with pytest.raises(UsageError, match="pruned"):
            job.why()
        assert [row.kind for row in job.events][-2:] == ["run_failed", "pruned"]


@pytest.mark.capability(200)
async def test_the_file_stays_small_however_many_runs_come_and_go(db: str) -> None:
    """What a run leaves behind for ever is a fraction of what it was; the rest is given back."""
    sizes = []
    for lot in range(4):
        async with opened(db) as app:
            for number in range(40):
                await ran(app, talk, f"{lot}-{number}", f"r{lot}-{number}")
        full = size(db)
        async with opened(db) as app:
            assert len(await pruned(app)) == 40
            await compact(app.store)
        sizes.append(size(db))
    a_run_kept, a_run_pruned = (full - sizes[-2]) / 40, (sizes[-1] - sizes[0]) / 120
    assert a_run_pruned < a_run_kept / 8
    assert a_run_pruned < 2_000
    assert size(db) < full / 2


async def test_a_run_in_memory_has_nothing_to_prune() -> None:
    async with opened(":memory:") as app:
        with pytest.raises(UsageError, match="keeps nothing"):
            await pruned(app)
