"""Every message between workers and people, read off the journal."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stretto import (
    Agent,
    App,
    Run,
    UsageError,
    ask,
    channel,
    gather,
    group_chat,
    parallel,
    pipeline,
    review,
    start,
    tool,
    workflow,
)
from stretto.testing import ScriptedModel, call, say


@dataclass
class Notes:
    text: str


def told(found: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(one["kind"], one["from"], one["to"]) for one in found]


@workflow
async def research(topic: str) -> Notes:
    return Notes(f"17 million {topic} were sold")


@workflow
async def write(notes: Notes) -> str:
    return f"Report: {notes.text}"


@workflow
async def check(text: str) -> str:
    return "yes"


desk = pipeline(research, write, name="desk")


@pytest.mark.capability(74)
def test_what_one_worker_hands_to_the_next_is_a_message_between_the_two() -> None:
    job = start(desk, "cars", db=":memory:")
    assert told(job.messages()) == [
        ("task", "user", "desk"),
        ("task", "desk", "research"),
        ("result", "research", "desk"),
        ("task", "desk", "write"),
        ("handover", "research", "write"),
        ("result", "write", "desk"),
        ("result", "desk", "user"),
    ]
    [handover] = job.messages(between=("research", "write"))
    assert handover["content"] == {"text": "17 million cars were sold"}


@pytest.mark.capability(74, 132)
def test_each_message_has_an_id_of_its_own_and_the_step_that_show_lists(tmp_path: Path) -> None:
    job = start(desk, "cars", db=str(tmp_path / "runs.db"))
    found = job.messages()
    assert len({one["id"] for one in found}) == len(found)
    tasks = {task.seq: task for task in job.tasks}
    for one in found:
        task = tasks[one["step"]]
        assert task.worker == (one["from"] if one["kind"] == "result" else one["to"])
    assert [one["time"] for one in found] == sorted(one["time"] for one in found)
    again = App(db=str(tmp_path / "runs.db")).get(job.id)
    assert again.messages() == found


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda notes: {"draft": notes, "goal": "short"},
        lambda notes: [notes, 1],
        lambda notes: f"Write about this: {notes['text']}",
        lambda notes: 'As JSON: {"text":"' + notes["text"] + '"}',
    ],
    ids=["in a field", "in a list", "in a text", "as JSON in a text"],
)
def test_a_handover_is_found_inside_what_is_given(wrapped: Any) -> None:
    @workflow
    async def given(value: Any) -> None:
        """Takes whatever it is given."""

    @workflow
    async def main() -> None:
        notes = await research("cars")
        await given(wrapped({"text": notes.text}))

    assert told(start(main, db=":memory:").messages(between=["research", "given"])) == [
        ("handover", "research", "given")
    ]


def test_equal_numbers_inside_a_value_are_no_handover() -> None:
    @workflow
    async def count() -> int:
        return 3

    @workflow
    async def use(value: dict[str, int]) -> None:
        """Takes a number of its own."""

    @workflow
    async def main() -> None:
        await count()
        await use({"limit": 3})

    assert start(main, db=":memory:").messages(between=("count", "use")) == []


def test_a_goal_that_a_worker_repeats_is_no_handover() -> None:
    @workflow
    async def repeat(goal: str) -> dict[str, str]:
        return {"goal": goal, "found": "nothing new, whatever was looked for"}

    @workflow
    async def use(goal: str) -> None:
        """Has the goal from elsewhere."""

    @workflow
    async def main(goal: str) -> None:
        await repeat(goal)
        await use(goal)

    job = start(main, "Find out about solid state batteries", db=":memory:")
    assert job.messages(between=("repeat", "use")) == []


def test_branches_that_come_together_hand_over_each() -> None:
    @workflow
    async def one(topic: str) -> str:
        return f"one thing about {topic}"

    @workflow
    async def two(topic: str) -> str:
        return f"two things about {topic}"

    @workflow
    async def merge(parts: list[str]) -> str:
        return "; ".join(parts)

    job = start(pipeline(parallel(one, two), merge), "cars", db=":memory:")
    assert told(job.messages(between=("one", "two", "merge"))) == [
        ("handover", "one", "merge"),
        ("handover", "two", "merge"),
    ]


@pytest.mark.capability(74)
def test_turns_of_a_group_reach_the_next_speaker_once() -> None:
    ann = Agent(ScriptedModel([say("North?"), say("South, then.")]), name="ann")
    bob = Agent(ScriptedModel([say("South."), say("Agreed.")]), name="bob")
    job = start(group_chat(ann, bob, max=4), "Where to?", db=":memory:")
    turns = [("handover", "ann", "bob"), ("handover", "bob", "ann"), ("handover", "ann", "bob")]
    assert told(job.messages(between=("ann", "bob"))) == turns


@pytest.mark.capability(74)
def test_a_conversation_that_is_handed_over_says_why() -> None:
    billing = Agent(ScriptedModel([say("refunded")]), name="billing")
    triage = Agent(
        ScriptedModel([call("transfer_to_billing", reason="It is about money.")]), name="triage", handoffs=[billing]
    )
    first, *_ = start(triage, "I was billed twice", db=":memory:").messages(between=("triage", "billing"))
    assert (first["kind"], first["from"], first["to"], first["content"]) == (
        "handoff", "triage", "billing", "It is about money.",
    )  # fmt: skip


@pytest.mark.capability(74)
def test_a_conversation_that_goes_from_hand_to_hand_is_told_turn_by_turn() -> None:
    asks, answers = call("transfer_to_billing", reason="money"), call("transfer_to_triage", reason="no money")
    billing = Agent(ScriptedModel([say("refunded"), answers]), name="billing", handoffs=["triage"])
    triage = Agent(ScriptedModel([asks, say("at nine")]), name="triage", handoffs=[billing])
    job = start(triage, db=":memory:")
    assert job.say("I was billed twice") == "refunded"
    assert job.say("When do you open?") == "at nine"
    assert [(one["from"], one["to"], one["content"]) for one in job.messages()] == [
        ("user", "triage", "I was billed twice"),
        ("triage", "billing", "money"),
        ("billing", "user", "refunded"),
        ("user", "billing", "When do you open?"),
        ("billing", "triage", "no money"),
        ("triage", "user", "at nine"),
    ]


@tool(risk="high")
async def pay(invoice: str) -> str:
    return "paid"


@workflow
async def clerk(invoice: str) -> str:
    await pay(invoice)
    colour = await ask("Which colour?", to="designer")
    await review({"letter": colour}, "Send it?", to="boss")
    return colour


def _answered() -> Run:
    job = start(clerk, "no 7", db=":memory:")
    job.approve(by="eve")
    job.answer(None, "blue", by="dan")
    return job.reject(by="bea", reason="too short")  # type: ignore[no-any-return]


@pytest.mark.capability(56, 74)
def test_people_are_asked_and_answer_by_name() -> None:
    found = [one for one in _answered().messages() if one["kind"] not in ("task", "result")]
    assert [(one["kind"], one["from"], one["to"], one["about"], one["content"]) for one in found] == [
        ("approval", "clerk", "people", "pay", {"args": {"invoice": "no 7"}, "prompt": found[0]["content"]["prompt"]}),
        ("answer", "eve", "clerk", "pay", "approve"),
        ("question", "clerk", "designer", "", "Which colour?"),
        ("answer", "dan", "clerk", "Which colour?", "blue"),
        ("review", "clerk", "boss", "", {"prompt": "Send it?", "content": {"letter": "blue"}}),
        ("answer", "bea", "clerk", "Send it?", "too short"),
    ]
    assert [one["step"] for one in found[::2]] == [one["step"] for one in found[1::2]]


def test_failures_and_large_values_are_told_whole(tmp_path: Path) -> None:
    @workflow
    async def long(topic: str) -> str:
        return topic * 5_000

    @workflow
    async def fails(text: str) -> None:
        raise ValueError("no")

    job = start(pipeline(long, fails, name="both"), "long", db=str(tmp_path / "runs.db"))
    [handover] = job.messages(between=("long", "fails"))
    assert handover["content"] == "long" * 5_000
    assert [one["content"]["error"] for one in job.messages() if one["kind"] == "failure"] == ["no", "fails failed"]


def test_a_tool_that_only_sends_is_no_colleague() -> None:
    """What the model sends by it is told, and not that a task was given to it."""
    news = channel("news", str)
    sender = Agent(ScriptedModel([call("send_news", message="hot", to="reader"), say("ok")]), name="sender",
                   tools=[news.sender])  # fmt: skip

    @workflow
    async def reader() -> str:
        return await news.receive()

    @workflow
    async def main() -> None:
        await gather(sender("go"), reader())

    names = {name for one in start(main, db=":memory:").messages() for name in (one["from"], one["to"])}
    assert names == {"user", "main", "sender", "reader"}


def test_one_name_gives_all_from_and_to_it() -> None:
    job = start(desk, "cars", db=":memory:")
    assert all("write" in (one["from"], one["to"]) for one in job.messages(between=["write"]))
    assert len(job.messages(between=["write"])) == 3


def test_nobody_is_no_name() -> None:
    from_nobody = start(desk, "cars", db=":memory:").messages(between=["nobody", "write"])
    assert from_nobody == []
    with pytest.raises(UsageError, match="there is no run"):
        App(db=":memory:").get("none")
