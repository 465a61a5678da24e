"""What one run learnt, another knows: in a new process, with its source, in any script, apart by name."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stretto import (
    Agent,
    Memory,
    Recollection,
    Run,
    RunFailed,
    ask,
    forget,
    recall,
    remember,
    run,
    start,
    tool,
    workflow,
)
from stretto.app.host import App
from stretto.app.retention import compact, prune
from stretto.testing import ScriptedModel, call, say, simulate


@pytest.fixture
def db(tmp_path: Path) -> str:
    return str(tmp_path / "runs.db")


@workflow
async def decide(topic: str) -> str:
    await remember("We chose Xylo as our vendor of batteries.", about="vendor", tags=["decision"])
    await remember("来週の会議で予算を決定しました。", about="予算")
    return "The zymurgy market grows by 12% a year in Norway."


@workflow
async def look_up(query: str) -> list[Recollection]:
    return await recall(query)


def known(query: str, db: str) -> list[Recollection]:
    found: list[Recollection] = run(look_up, query, db=db)
    return found


PROGRAM = """
import sys
from stretto import remember, run, workflow

@workflow
async def decide(topic: str) -> str:
    await remember("We chose Xylo as our vendor of batteries.", about="vendor")
    return "done"

run(decide, "vendors", id="monday", db=sys.argv[1])
"""


@pytest.mark.capability(71, 77)
def test_what_a_process_remembered_another_recalls_with_its_run(db: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    subprocess.run([sys.executable, str(program), db], check=True)
    model = ScriptedModel([call("recall", query="What did we decide about the vendor?", since="7d"), say("Xylo.")])
    helper = Agent(model, "Answer from memory.", name="helper", tools=[recall])
    job = start(helper, "What did we decide last week?", db=db)
    assert job.output == "Xylo."
    [given] = [event.result for row in job.events if row.ident.startswith("tool recall") for event in [row.event()]]  # type: ignore[attr-defined]
    assert (given[0]["run"], given[0]["kind"], given[0]["text"]) == (
        "monday",
        "memory",
        "We chose Xylo as our vendor of batteries.",
    )


@pytest.mark.capability(71, 142)
@pytest.mark.parametrize("query", ["vendors", "which BATTERY?", "decision", "Xylo"])
def test_words_are_found_in_any_form(db: str, query: str) -> None:
    run(decide, "vendors", db=db)
    assert known(query, db)[0].text == "We chose Xylo as our vendor of batteries."


@pytest.mark.capability(71, 142)
@pytest.mark.parametrize("query", ["予算", "会議", "来週の予算は?"])
def test_scripts_without_spaces_are_found(db: str, query: str) -> None:
    run(decide, "vendors", db=db)
    assert known(query, db)[0].text == "来週の会議で予算を決定しました。"


@pytest.mark.capability(77)
def test_results_are_found_though_nobody_asked_to_remember_them(db: str) -> None:
    job = start(decide, "the market for cars", db=db)
    found = known("How does the market grow in Norway?", db)[0]
    assert (found.text, found.run, found.kind) == (
        "The zymurgy market grows by 12% a year in Norway.",
        job.id,
        "output",
    )
    assert found.about == "the market for cars"
    assert 0 < found.score <= 1
    assert found.time == pytest.approx(job.view.updated / 1e6, abs=2)


@workflow
async def interview(topic: str) -> str:
    return await ask("Which colour do you want for the lorries?")


@pytest.mark.capability(77)
def test_what_people_answered_is_found_before_and_after_the_end(db: str) -> None:
    job = start(interview, "lorries", db=db)
    assert known("lorries colour", db) == []
    job.answer(None, "a deep turquoise", by="ada")
    kinds = {(one.kind, one.text) for one in known("lorries colour turquoise", db)}
    assert kinds == {("answer", "a deep turquoise"), ("output", "a deep turquoise")}


@pytest.mark.capability(77, 201)
def test_what_was_said_in_a_conversation_is_found_turn_by_turn(db: str) -> None:
    desk = Agent(ScriptedModel([say("Hello!"), say("It ships on Monday.")]), name="desk")
    job = start(desk, "Hi, I am Ada", db=db)
    job.say("Where is my order of tulips?")
    [turn] = known("order of tulips", db)
    assert (turn.about, turn.text, turn.run) == ("Where is my order of tulips?", "It ships on Monday.", job.id)


def test_long_results_are_found_by_their_parts(db: str) -> None:
    @workflow
    async def report(topic: str) -> str:
        return "\n\n".join(f"Chapter {number}. " + f"word{number} " * 150 for number in range(20))

    run(report, "a long one", db=db)
    [found] = known("word7", db)
    assert "Chapter 7." in found.text
    assert len(found.text) < 4_000


def test_an_echo_of_what_was_recalled_is_nothing_new(db: str) -> None:
    run(decide, "vendors", db=db)
    once = known("vendor", db)
    assert known("vendor", db) == once


def test_what_a_run_says_itself_is_not_its_memory(db: str) -> None:
    @workflow
    async def itself(topic: str) -> list[Recollection]:
        await ask("Shall we begin?")
        await ask("Shall we go on?")
        return await recall("we shall")

    job = start(itself, "us", db=db)
    assert known("we", db) == []
    job.answer(None, "we shall", by="ada")
    assert [one.text for one in known("we shall", db)] == ["we shall"]
    job.answer(None, "we must", by="ada")
    assert all(one.run != job.id for one in job.output)


# ---- asking


def test_nothing_is_found_where_nothing_is_known(db: str) -> None:
    assert known("anything", db) == []
    run(decide, "vendors", db=db)
    assert known("zebra", db) == []


def test_an_empty_query_gives_the_newest(db: str) -> None:
    run(decide, "vendors", db=db)
    assert [one.kind for one in known("", db)] == ["output", "memory", "memory"]


@pytest.mark.capability(77)
def test_of_a_time_that_is_named_the_newest_follow() -> None:
    async def last_week() -> list[Recollection]:
        return await recall("what was settled", since="7d")

    @workflow
    async def settle() -> list[Recollection]:
        await remember("Xylo it is.")
        return await last_week()

    assert [one.text for one in run(settle, db=":memory:")] == ["Xylo it is."]


@pytest.mark.parametrize("query", ['"', "NOT", "a AND (", "*", "x:y", "terms:", "' OR 1=1 --", "🙂", " "])
def test_no_text_of_a_user_is_read_as_syntax(db: str, query: str) -> None:
    run(decide, "vendors", db=db)
    known(query, db)


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda: remember("  "), "nothing to remember"),
        (lambda: recall("x", limit=0), "limit=0 would recall nothing"),
        (lambda: recall("x", since="soon"), "duration 'soon' is not understood"),
    ],
    ids=["nothing", "limit", "since"],
)
def test_what_cannot_work_says_why(act: Callable[[], Any], told: str) -> None:
    @workflow
    async def main() -> None:
        await act()

    with pytest.raises(RunFailed, match=told):
        run(main, db=":memory:")


# ---- apart


@pytest.mark.capability(71, 116)
def test_memories_with_a_name_are_apart(db: str) -> None:
    @workflow
    async def main(name: str) -> list[str]:
        await Memory(name).remember(f"{name} likes tea.")
        return [one.text for one in await Memory(name).recall("tea")]

    assert run(main, "alice", db=db) == ["alice likes tea."]
    assert run(main, "bob", db=db) == ["bob likes tea."]
    assert [one.kind for one in known("tea", db)] == ["output", "output"]
    quiet = start(look_up, "alice bob", db=db)
    assert all(one.kind == "output" for one in quiet.output)


# ---- durable


@tool(effect="once", verify=lambda: None)
async def act() -> str:
    return "acted"


@pytest.mark.capability(71, 76)
def test_a_crash_at_any_point_remembers_once() -> None:
    @workflow
    async def main() -> list[str]:
        await remember("Said once.")
        await act()
        await remember("Said once.")
        return [one.text for one in await recall("said")]

    with simulate() as sim:
        assert sim.run(main) == ["Said once."] * 2
    for site in range(1, len(sim.sites) + 1):
        with simulate(crash_at=[site]) as sim:
            assert sim.run(main) == ["Said once."] * 2, site


def test_a_replay_recalls_what_was_recalled(db: str) -> None:
    run(decide, "vendors", db=db)
    job = start(look_up, "vendor", db=db)
    before = job.output
    dropped = start(drop, before[0].id, db=db)
    dropped.approve(by="ada")
    assert job.replay() == before
    assert [one.kind for one in known("vendor", db)] == ["output"]


# ---- forgetting


@workflow
async def drop(id: str) -> bool:
    return await forget(id)


@pytest.mark.capability(44, 71)
def test_forgetting_asks_and_shows_what_would_be_forgotten(db: str) -> None:
    job = start(decide, "vendors", db=db)
    dropping = start(drop, "1", db=db)
    [asked] = dropping.approvals
    assert asked["preview"] == f"Forget, from run {job.id}: We chose Xylo as our vendor of batteries."
    dropping.reject(by="ada", reason="we need it")
    assert known("Xylo", db)[0].id == "1"
    again = start(drop, "1", db=db)
    again.approve(by="ada")
    assert again.output is True
    assert [one.kind for one in known("Xylo", db)] == []


def _pruned(job: Run, db: str) -> None:
    async def work(app: App) -> None:
        after = job.view.updated + 10**9
        assert job.id in await prune(app.store, before=after, by="ada", now=after)
        await compact(app.store)

    app = App(db=db)
    app.in_own_loop(work(app))


@pytest.mark.capability(71, 200)
def test_what_a_run_said_goes_with_it_and_what_was_remembered_stays(db: str) -> None:
    job = start(decide, "vendors", db=db)
    assert {one.kind for one in known("Norway vendor", db)} == {"output", "memory"}
    _pruned(job, db)
    left = known("Norway vendor", db)
    assert [(one.kind, one.run) for one in left] == [("memory", job.id)]
    said = b"".join(path.read_bytes() for path in Path(db).parent.glob("runs.db*") if path.is_file())
    assert b"12% a year" not in said
    assert b"zymurg" not in said, "its words are still in the index"
