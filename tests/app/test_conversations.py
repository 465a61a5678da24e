"""Talking with runs: turn by turn, over processes and crashes, with a specialist after a handoff."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass

import pytest

import stretto
from stretto import Agent, App, RunFailed, RunWaiting, UsageError, listen, run, start, workflow
from stretto.testing import ScriptedModel, call, fail, say
from tests.app.talkers import parrot, pay, pays, talker

pytestmark = pytest.mark.capability(201)


async def test_ten_turns_over_two_apps_and_nothing_in_memory_between_them(db: str) -> None:
    for half in range(2):
        async with App([talker], db=db) as app:
            job = await app.start(talker, id="c")
            for turn in range(5 * half + 1, 5 * half + 6):
                assert await job.say(f"turn {turn}") == f"{turn}: turn {turn}"
                assert job.state == "waiting"
                assert not app.drives("c")
    assert job.cost.calls == 10


async def test_a_run_that_is_done_goes_on_with_what_is_said_next(db: str) -> None:
    async with App([talker], db=db) as app:
        job = await app.start(talker, "Hello", id="c")
        assert await job == await job.reply() == "1: Hello"
        assert job.state == "done"
        assert await job.say("more") == "2: more"
        assert (job.state, job.output, await job) == ("done", "2: more", "2: more")
    async with App([talker], db=db) as app:
        assert await (await app.get("c")).say("and more") == "3: and more"


def test_a_program_without_a_loop_talks_too(db: str) -> None:
    assert run(talker, "Hello", id="c", db=db) == "1: Hello"
    job = start(talker, "Hello", id="c", db=db)
    assert [job.say("a"), job.say("b"), job.reply(), job.state] == ["2: a", "3: b", "3: b", "done"]
    quiet = start(talker, db=":memory:")
    assert [quiet.state, quiet.say("a"), quiet.say("b")] == ["waiting", "1: a", "2: b"]


async def test_what_is_said_meanwhile_is_answered_in_order(db: str) -> None:
    slow = Agent(ScriptedModel(parrot, latency=0.05), name="talker")
    async with App([slow], db=db) as app, App([slow], db=db) as other:
        job = await app.start(slow, "first", id="c")
        said = [job.say("a"), job.say("b"), (await other.get("c")).say("c")]
        answers = await asyncio.gather(*said)
        assert sorted(answers) == ["2: a", "3: b", "4: c"] or sorted(answers)[0][0] == "2"
        assert sorted(answer[0] for answer in answers) == ["2", "3", "4"]
        for answer, letter in zip(answers, "abc", strict=True):
            assert answer.endswith(letter)


async def test_a_key_is_said_once(db: str) -> None:
    async with App([talker], db=db) as app:
        job = await app.start(talker, id="c")
        first = await asyncio.gather(job.say("pay", key="k"), job.say("pay", key="k"))
        assert await job.say("next") == "2: next"
        assert [*first, await job.say("pay", key="k")] == ["1: pay"] * 3
        assert job.cost.calls == 2


@dataclass
class Answer:
    number: int


async def test_a_reply_has_the_output_type_and_a_message_the_input_type(db: str) -> None:
    counts = Agent(ScriptedModel(lambda request: say({"number": len(request.messages)})), output=Answer, input=int)
    async with App([counts], db=db) as app:
        job = await app.start(counts, id="c")
        assert await job.say(3) == Answer(1)
        with pytest.raises(UsageError, match="cannot be told this"):
            await job.say("not a number")
        assert await job.say(4) == Answer(3)


async def test_a_turn_that_needs_an_approval_waits_and_has_its_reply_afterwards(db: str) -> None:
    payer = Agent(ScriptedModel(pays), name="payer", tools=[pay])  # type: ignore[arg-type]
    async with App([payer], db=db) as app:
        job = await app.start(payer, id="c")
        assert await job.say("hello") == "1: hello"
        with pytest.raises(RunWaiting) as waiting:
            await job.say("pay")
        assert waiting.value.approvals[0]["args"] == {"amount": 3}
    async with App([payer], db=db) as app:
        job = await app.get("c")
        await job.approve(by="eve")
        assert await job.reply() == "done: paid 3"
        assert await job.say("thanks") == "3: thanks"


async def test_a_failed_turn_is_tried_again_by_resuming(db: str) -> None:
    broken = Agent(ScriptedModel(["hi", fail(400), "well again"]), name="talker")
    async with App([broken], db=db) as app:
        job = await app.start(broken, id="c")
        assert await job.say("hello") == "hi"
        with pytest.raises(RunFailed):
            await job.say("now fail")
        with pytest.raises(UsageError, match=r"run c failed.*resume"):
            await job.say("again")
        await job.resume()
        assert await job.reply() == "well again"


async def test_a_cancelled_run_and_a_workflow_that_is_done_say_why_they_do_not_answer(db: str) -> None:
    @workflow
    async def once(name: str) -> str:
        return name

    async with App([talker, once], db=db) as app:
        job = await app.start(talker, id="c")
        await job.cancel()
        with pytest.raises(UsageError, match="was cancelled"):
            await job.say("hello")
        done = await app.start(once, "x")
        await done
        with pytest.raises(UsageError, match="await listen"):
            await done.say("hello")


async def test_a_workflow_listens_and_replies(db: str) -> None:
    @workflow
    async def loud() -> str:
        said = await listen()
        while said != "bye":
            said = await listen(said.upper())
        return "goodbye"

    async with App([loud], db=db) as app:
        job = await app.start(loud, id="l")
        assert [await job.say("one"), await job.say("two")] == ["ONE", "TWO"]
    async with App([loud], db=db) as app:
        assert await (await app.get("l")).say("bye") == "goodbye"


triage = ScriptedModel(
    lambda request: (
        call("transfer_to_billing", reason="money") if "invoice" in request.messages[-1].text else parrot(request)
    )
)
billing = Agent(ScriptedModel(lambda request: f"billing {parrot(request)}"), "You bill.", name="billing")
desk = Agent(triage, "You are the desk.", name="desk", handoffs=[billing])


@pytest.mark.capability(38)
async def test_the_specialist_answers_the_next_turns_too(db: str) -> None:
    async with App([desk], db=db) as app:
        job = await app.start(desk, id="c")
        assert await job.say("hello") == "1: hello"
        assert "billing" in await job.say("my invoice")
    async with App([desk], db=db) as app:
        job = await app.get("c")
        answer = await job.say("how much?")
        assert answer.startswith("billing")
        assert answer.endswith(": how much?")
        assert (await job.say("and now?")).startswith("billing")
        system = billing.model.requests[-1].messages[0]  # type: ignore[union-attr]
        assert (system.role, system.text) == ("system", "You bill.")
        assert [task.worker for task in job.tasks][-2:] == ["billing", "billing"]


async def test_a_changed_prompt_holds_from_the_next_turn_on(db: str) -> None:
    async with App([talker], db=db) as app:
        await (await app.start(talker, id="c")).say("hello")
    model = ScriptedModel(parrot)
    changed = talker.using(model, instructions="You talk otherwise.")
    async with App([changed], db=db) as app:
        job = await app.get("c")
        assert await job.say("still there?") == "2: still there?"
        assert [message.text for message in model.requests[-1].messages] == [
            "You talk otherwise.", "hello", "1: hello", "still there?"
        ]  # fmt: skip


async def test_a_budget_holds_over_the_whole_conversation(db: str) -> None:
    async with App([talker], db=db) as app:
        job = await app.start(talker, id="c", budget="2 calls")
        assert [await job.say("a"), await job.say("b")] == ["1: a", "2: b"]
        with pytest.raises(RunWaiting) as waiting:
            await job.say("c")
        assert waiting.value.approvals[0]["kind"] == "budget"
        await job.approve(by="eve", edit="5 calls")
        assert await job.reply() == "3: c"


async def test_a_conversation_is_replayed_forked_and_explained(db: str) -> None:
    async with App([talker], db=db) as app:
        job = await app.start(talker, "Hello")
        await job
        for turn in "abc":
            await job.say(turn)
        assert await job.replay() == "4: c"
        assert job.why()["state"] == "done"
        second = next(row.seq for row in job.events if row.kind == "task_finished")
        fork = await job.fork(at=second)
        assert await fork == "1: Hello"
        assert await fork.say("c") == "2: c"  # and not what the other conversation had for the same words


async def test_a_turn_costs_the_same_in_a_long_conversation(db: str) -> None:
    async with App([talker], db=db) as app:
        job = await app.start(talker, id="c")
        for turn in range(100):
            await job.say(f"turn {turn}")
        added = [row.kind for row in job.events[-12:]]
        assert added.count("task_finished") == 2
        assert len(job.events) < 100 * 8
        begun = time.process_time()
        assert await job.say("last") == "101: last"
        assert time.process_time() - begun < 1


SCRIPT = """
    import asyncio, sys
    from stretto import App
    from tests.app.talkers import talker
    async def main():
        async with App([talker], db=sys.argv[1]) as app:
            print(await (await app.start(talker, id="c")).say(sys.argv[2], key=sys.argv[2]), flush=True)
    asyncio.run(main())
"""


def _said(db: str, what: str, fault: str = "") -> subprocess.CompletedProcess[str]:
    here = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    source = os.path.dirname(os.path.dirname(stretto.__file__))
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), db, what],
        env={**os.environ, "STRETTO_FAULT": fault, "PYTHONPATH": f"{source}:{here}"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_process_killed_in_a_turn_loses_nothing_that_was_said(db: str) -> None:
    for turn, fault in enumerate(
        ["wake.before#1", "wake.after#1", "effect.before#1", "effect.after#1", "park.before#1"], 1
    ):
        killed = _said(db, f"turn {turn}", f"{fault}:kill")
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    job = start(talker, id="c", db=db)
    replies = [
        job.say(f"turn {turn}", key=f"turn {turn}") for turn in range(1, 6)
    ]  # also those that were not posted yet
    assert sorted(reply[0] for reply in replies) == list("12345")  # each was answered, once
    assert [reply[3:] for reply in replies] == [f"turn {turn}" for turn in range(1, 6)]
