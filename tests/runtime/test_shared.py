"""What the tasks of a run share: no write is lost, nobody sees a half, and a crash changes nothing."""

import operator
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from stretto import (
    Agent,
    App,
    Run,
    RunFailed,
    Shared,
    UsageError,
    WorkerFailed,
    WriteConflict,
    commit,
    gather,
    last_wins,
    random,
    run,
    shared,
    sleep,
    snapshot,
    start,
    timeout,
    tool,
    workflow,
)
from stretto.testing import ScriptedModel, call, say, simulate

Begin = Callable[..., Awaitable[Run]]
EVERYDAY, ALL = 50, 1_000

notes = shared("notes", list[str], merge=operator.add)
total = shared("total", int)
left, right = shared("left", int), shared("right", int)
status: Shared[str] = shared("status", str)
mood = shared("mood", str, merge=last_wins)
best = shared("best", int, merge=max)


@tool(effect="idempotent")
async def pause(why: str, *, idempotency_key: str = "") -> None:
    """A step at which a process may die."""


# ---- no write is lost, no half is seen


@workflow(retry=8)
async def writer(name: str, times: int) -> list[str]:
    for number in range(times):
        await notes.add([f"{name}{number}"])
        if await random() < 0.3:
            await sleep(0.001)
        await total.update(lambda so_far: so_far + 1)
        if number == 1 and await random() < 0.3:
            raise ValueError("the next attempt does not write again what is written")
    return await notes.get()


async def move(times: int) -> int:
    moved = 0
    for number in range(times):
        mine, theirs = await snapshot(left, right)
        await pause(f"move {number}")
        try:
            await commit({left: mine + 1, right: theirs - 1})
            moved += 1
        except WriteConflict:
            continue
    return moved


async def watch() -> None:
    for _ in range(4):
        mine, theirs = await snapshot(left, right)
        assert mine + theirs == 0, "half of a move was seen"
        await pause("watch")


@workflow
async def crowd() -> dict[str, Any]:
    both = await gather(writer("x", 4), writer("y", 4))
    for name, own in zip("xy", both, strict=True):
        assert [note for note in own if note[0] == name] == [f"{name}{number}" for number in range(4)]
    moved = await gather(move(4), move(4), watch(), writer("z", 4))
    return {"notes": await notes.get(), "total": await total.get(), "left": await left.get(), "moved": sum(moved[:2])}


def check_crowd(seeds: range) -> None:
    for seed in seeds:
        with simulate(seed, crashes=3, power_cuts=seed % 2 == 0, lazy=seed % 3 > 0) as sim:
            came = sim.run(crowd)
        assert sorted(came["notes"]) == [f"{name}{number}" for name in "xyz" for number in range(4)], seed
        assert came["total"] == 12, seed
        assert came["left"] == came["moved"] > 0, seed


@pytest.mark.capability(73, 76, 78)
def test_no_write_is_lost_and_no_half_is_seen_whatever_dies() -> None:
    check_crowd(range(1, 1 + EVERYDAY))


@pytest.mark.torture
def test_no_write_is_lost_in_a_thousand_rounds() -> None:
    check_crowd(range(1, 1 + ALL))


@pytest.mark.capability(73)
async def test_a_rule_merges_in_the_order_of_writing(begin: Begin) -> None:
    @workflow
    async def add(number: int) -> None:
        await best.add(number)
        await mood.set(f"after {number}")

    @workflow
    async def main() -> tuple[int, str]:
        await gather(add(3), add(-1), add(2))
        return await best.get(), await mood.get()

    assert (await begin(main)).output == (3, "after 2")


async def test_a_reader_gets_a_value_of_its_own(begin: Begin) -> None:
    @workflow
    async def main() -> list[str]:
        await notes.add(["a"])
        (await notes.get()).append("not written")
        return await notes.get()

    assert (await begin(main)).output == ["a"]


# ---- conflicts


@workflow
async def setter(value: str) -> None:
    await status.set(value)


@pytest.mark.capability(75, 78)
async def test_two_branches_that_set_the_same_are_told_of_each_other(begin: Begin) -> None:
    @workflow
    async def drafting() -> None:
        await status.set("drafted")

    @workflow
    async def main() -> str:
        try:
            await gather(setter("set"), drafting())
        except WorkerFailed as error:
            return f"{error.failure.root().kind}: {error}"
        return ""

    told = (await begin(main)).output
    assert told.startswith("WriteConflict: ")
    assert "drafting cannot set 'status'" in told
    assert "setter wrote version 1" in told


async def test_who_writes_one_after_the_other_is_in_nobodys_way(begin: Begin) -> None:
    @workflow
    async def main() -> str:
        await setter("first")
        await gather(setter("second"))
        await setter("third")
        await status.set("last")
        return await status.get()

    assert (await begin(main)).output == "last"


@workflow
async def careless() -> str:
    seen = await status.get()
    await pause("think")
    try:
        await status.set(f"{seen} and mine")
    except WriteConflict as error:
        assert await status.get() == "theirs"
        await status.set("read again")
        return str(error)
    return "nobody said anything"


@workflow
async def other() -> None:
    await status.update(lambda _: "theirs")


@workflow
async def outdated() -> tuple[str, str]:
    told = await gather(careless(), other())
    return str(told[0]), await status.get()


@pytest.mark.capability(75, 76)
def test_an_outdated_view_is_found_whatever_dies() -> None:
    for seed in range(1, 1 + EVERYDAY):
        with simulate(seed, crashes=2, power_cuts=True) as sim:
            told, value = sim.run(outdated)
        both = "careless cannot set 'status': other wrote version 1" in told and value == "read again"
        assert both or value == "theirs" or value.endswith("and mine"), (seed, told, value)


async def test_an_agents_outdated_view_is_found_too(begin: Begin) -> None:
    """The agent reads by one tool and writes by another; the first branch writes between the two."""
    model = ScriptedModel([call("read_status"), call("set_status", value="mine"), say("done")])
    agent = Agent(model, "Work.", name="agent", tools=status.tools())

    @workflow
    async def meanwhile() -> None:
        while "agent" not in await mood.get():
            await sleep(0.001)
        await status.set("theirs")
        await mood.set("they wrote")

    @workflow
    async def main() -> str:
        await status.set("begun")
        await agent("go")
        return await status.get()

    assert (await begin(main)).output == "mine"
    model = ScriptedModel([call("read_status"), call("wait"), call("set_status", value="mine"), say("done")])

    @workflow
    async def wait() -> str:
        await mood.set("agent waits")
        while await mood.get() != "they wrote":
            await sleep(0.001)
        return "waited"

    slow = Agent(model, "Work.", name="agent", tools=[*status.tools(), wait])

    @workflow
    async def both() -> str:
        await status.set("begun")
        await gather(slow("go"), meanwhile())
        return await status.get()

    job = await begin(both)
    assert job.output == "theirs"
    assert any("agent cannot set 'status': meanwhile wrote" in str(row.event()) for row in job.events)


# ---- replay, resume, fork


@workflow
async def steady(name: str) -> list[str]:
    for number in range(3):
        await notes.add([f"{name}{number}"])
        await pause(f"{name}{number}")
    return await notes.get()


@workflow
async def beside() -> list[str]:
    await gather(steady("x"), steady("y"))
    return sorted(await notes.get())


def test_a_replay_reads_what_was_read_and_a_fork_goes_on_from_there(tmp_path: Path) -> None:
    job = start(beside, db=str(tmp_path / "runs.db"))
    assert job.replay() == job.output
    writes = [row.seq for row in job.events if row.ident.startswith("memory notes.add")]
    for at in (writes[1], writes[4]):
        assert job.fork(at=at).output == job.output


async def test_another_attempt_adds_again_what_it_has_set_back(begin: Begin) -> None:
    @workflow(retry=1)
    async def counter() -> int:
        await total.set(0)
        seen = await total.update(lambda so_far: so_far + 1)
        if await failures.update(lambda so_far: so_far + 1) == 1 and not tried:
            tried.append(seen)
            raise ValueError("once")
        return await total.get()

    failures, tried = shared("failures", int), list[int]()
    assert (await begin(counter)).output == 1


def test_a_fork_does_again_what_a_task_wrote_for_others(tmp_path: Path) -> None:
    """The task is finished and unchanged behind the fork, but its output is not all that it did."""

    @workflow
    async def count(name: str) -> str:
        await total.update(lambda so_far: so_far + 1)
        return name

    @workflow
    async def main() -> int:
        await gather(count("a"), count("b"))
        return await total.get()

    job = start(main, db=str(tmp_path / "runs.db"))
    assert job.output == job.fork(at=0).output == 2


WRITER = """
import operator, sys
from stretto import gather, run, shared, tool, workflow

notes = shared("notes", list[int], merge=operator.add)

@tool
async def look(number: int) -> int:
    return number

async def branch(numbers: range) -> None:
    for number in numbers:
        await notes.add([await look(number)])
        with open(sys.argv[2], "a") as file:
            file.write(f"{number}\\n")

@workflow
async def main() -> list[int]:
    await gather(branch(range(0, 5)), branch(range(5, 10)))
    return await notes.get()

if __name__ == "__main__":
    print(sorted(run(main, id="killed", db=sys.argv[1])))
"""


def _written(db: Path) -> list[int]:
    async def read() -> list[int]:
        async with App(db=str(db)) as app:
            rows = [row.event() for row in await app.store.read("killed") if row.ident.startswith("memory notes.add")]
            return [event.request["notes"]["add"][0] for event in rows]  # type: ignore[attr-defined]

    return App(db=str(db)).in_own_loop(read())


@pytest.mark.capability(76)
def test_after_kill_9_the_state_is_what_it_was_but_for_the_step_in_flight(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(WRITER)
    for number in (3, 8):
        db, log = tmp_path / f"{number}.db", tmp_path / f"{number}.log"
        command = [sys.executable, str(program), str(db), str(log)]
        killed = subprocess.run(command, env={**os.environ, "STRETTO_FAULT": f"effect.before#{number}:kill"})
        assert killed.returncode == -signal.SIGKILL
        before = [int(line) for line in log.read_text().split()]
        kept = _written(db)
        assert set(before) <= set(kept), "a write that was made is lost"
        assert len(kept) <= len(before) + 2, "each of two branches has at most one step in flight"
        again = subprocess.run(command, capture_output=True, text=True, check=True)
        assert again.stdout.strip() == str(list(range(10)))
        assert sorted(_written(db)) == list(range(10))


# ---- values


@dataclass
class Plan:
    steps: list[str]


async def test_large_values_lie_in_the_blob_table_and_come_back(tmp_path: Path) -> None:
    texts = shared("texts", dict[str, str], merge=operator.or_)

    @workflow
    async def main() -> int:
        await gather(add("a"), add("b"))
        await pause("here")
        return sum(map(len, (await texts.get()).values()))

    async def add(name: str) -> None:
        await texts.add({name: name * 5_000})

    async with App([main], db=str(tmp_path / "runs.db")) as app:
        job = await app.start(main)
        assert await job == 10_000
        assert max(len(row.body) for row in job.events) < 3_000
        assert await job.replay() == 10_000


async def test_a_value_has_its_type(begin: Begin) -> None:
    plan = shared("plan", Plan, initial=Plan(["begin"]))

    @workflow
    async def main() -> list[str]:
        seen = await plan.get()
        seen.steps.append("changed by the reader alone")
        changed = await plan.update(lambda old: Plan([*old.steps, "end"]))
        return changed.steps

    assert (await begin(main)).output == ["begin", "end"]


async def test_what_does_not_fit_is_refused_with_the_writer_named(begin: Begin) -> None:
    @workflow
    async def wrong() -> None:
        await notes.add("one")  # type: ignore[arg-type]

    job = await begin(wrong)
    assert "wrong writes to 'notes' what is no list: Input should be a valid list" in job.error


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda: status.add("x"), "has no rule"),
        (lambda: shared("plan", Plan).get(), "nobody has written 'plan' yet"),
        (lambda: commit({}), "1 to 24 shared values"),
        (
            lambda: shared("odd", int, merge=operator.truediv, initial=1).add(2),
            "its rule writes to 'odd' what is no int",
        ),
        (lambda: shared("odd", int, initial=cast(int, "x")).get(), "initial= writes to 'odd' what is no int"),
    ],
)
async def test_what_cannot_work_says_why(begin: Begin, act: Callable[[], Awaitable[Any]], told: str) -> None:
    @workflow
    async def main() -> None:
        await act()

    assert told in (await begin(main)).error


def test_names_and_places_are_checked() -> None:
    with pytest.raises(UsageError, match="a name is made of ASCII letters"):
        shared("my notes", str)
    with pytest.raises(UsageError, match="works inside a run"):
        App(db=":memory:").in_own_loop(notes.get())


# ---- agents


@pytest.mark.capability(73)
def test_agents_share_by_tools_in_their_own_name() -> None:
    def agent(name: str) -> Agent[str]:
        model = ScriptedModel([call("add_to_notes", value=[name]), call("read_notes"), say("done")])
        return Agent(model, "Take notes.", name=name, tools=notes.tools())

    one, two = agent("one"), agent("two")

    @workflow
    async def main() -> list[str]:
        await gather(one("go"), two("go"))
        return await notes.get()

    job = start(main, db=":memory:")
    assert sorted(job.output) == ["one", "two"]
    writers = [one["from"] for one in job.messages() if one["kind"] == "shared"]
    assert sorted(writers) == ["one", "two"]


def test_a_timed_out_branch_loses_no_write() -> None:
    async def endless() -> None:
        await notes.add(["kept"])
        await sleep(60)

    @workflow
    async def main() -> list[str]:
        try:
            await timeout(0.01, endless())
        except TimeoutError:
            return await notes.get()
        return []

    with simulate(1) as sim:
        assert sim.run(main) == ["kept"]
        assert sim.time() < 1_800_000_010


def test_runs_do_not_share() -> None:
    @workflow
    async def main() -> list[str]:
        await notes.add(["mine"])
        return await notes.get()

    assert [run(main, db=":memory:") for _ in range(2)] == [["mine"], ["mine"]]
    with pytest.raises(RunFailed, match="has no rule"):
        run(workflow(_add_status), db=":memory:")


async def _add_status() -> None:
    await status.add("x")
