"""Messages between the branches of a run: typed, received once, and no run waits for ever."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from stretto import (
    Agent,
    Run,
    Starved,
    UsageError,
    ask,
    channel,
    gather,
    pipeline,
    race,
    sleep,
    start,
    timeout,
    tool,
    workflow,
)
from stretto.testing import ScriptedModel, call, say, simulate

Begin = Callable[..., Awaitable[Run]]


@dataclass
class Finding:
    title: str
    price: int


findings = channel("findings", Finding, about="what was found")
orders = channel("orders", str)


@tool(effect="idempotent")
async def pause(why: str, *, idempotency_key: str = "") -> None:
    """A step at which a process may die."""


@workflow
async def research(count: int) -> None:
    for number in range(count):
        await findings.send(Finding(f"no {number}", number), to="write")
        await pause(f"sent {number}")


@workflow
async def write(count: int) -> list[str]:
    heard = []
    for _ in range(count):
        heard.append((await findings.receive()).title)
        await pause(f"heard {heard[-1]}")
    return heard


@workflow
async def newsroom(sent: int, heard: int) -> list[str]:
    titles, _ = await gather(write(heard), research(sent))
    return titles or []


def in_newsroom(sent: int, heard: int) -> dict[str, int]:
    return {"sent": sent, "heard": heard}


@pytest.mark.capability(75)
async def test_messages_come_in_their_order_and_typed(begin: Begin) -> None:
    assert (await begin(newsroom, in_newsroom(3, 3))).output == ["no 0", "no 1", "no 2"]


@pytest.mark.capability(76)
def test_any_crash_comes_to_the_same() -> None:
    with simulate() as sim:
        assert sim.run(newsroom, in_newsroom(2, 2)) == ["no 0", "no 1"]
    for site in range(1, len(sim.sites) + 1):
        with simulate(crash_at=[site], lazy=site % 2 == 0) as again:
            assert again.run(newsroom, in_newsroom(2, 2)) == ["no 0", "no 1"], site


@workflow(retry=4)
async def sender(name: str) -> None:
    for number in range(3):
        await orders.send(f"{name}{number}")
        await pause(f"{name}{number}")


@workflow
async def receiver(count: int) -> list[str]:
    heard = []
    for _ in range(count):
        heard.append(await orders.receive())
        await pause(heard[-1])
    return heard


@workflow
async def market() -> list[str]:
    *_, one, two = await gather(sender("a"), sender("b"), receiver(2), receiver(4))
    return [*(one or []), *(two or [])]


@pytest.mark.capability(73, 76)
def test_every_message_is_received_once_whatever_dies() -> None:
    for seed in range(1, 51):
        with simulate(seed, crashes=3, power_cuts=seed % 2 == 0) as sim:
            heard = sim.run(market)
        assert sorted(heard) == ["a0", "a1", "a2", "b0", "b1", "b2"], seed
        assert [order for order in heard[:2] if order[0] == "a"] == sorted(o for o in heard[:2] if o[0] == "a")


@pytest.mark.capability(75)
async def test_a_message_that_does_not_fit_is_refused_with_its_sender_named(begin: Begin) -> None:
    @workflow
    async def sloppy() -> None:
        await findings.send({"title": "EV", "price": "much"}, to="write")  # type: ignore[arg-type]

    @workflow
    async def main() -> list[str]:
        return (await gather(write(1), sloppy()))[0] or []

    job = await begin(main)
    assert job.state == "failed"
    assert "sloppy sends on 'findings' what is no Finding, and was not sent: price: Input should be" in job.error
    assert not [one for one in await job.messages() if one["kind"] == "message"]


@pytest.mark.capability(75)
async def test_a_model_is_told_what_does_not_fit_and_sends_again(begin: Begin) -> None:
    wrong, right = {"title": "EV", "price": "much"}, {"title": "EV", "price": 3}
    model = ScriptedModel(
        [call("send_findings", message=wrong, to="write"), call("send_findings", message=right, to="write"), say("ok")]
    )
    agent = Agent(model, "Research.", name="research", tools=[findings.sender])
    listener = Agent(ScriptedModel([call("receive_findings"), say("heard")]), name="write", tools=[findings.receiver])

    @workflow
    async def main() -> list[str | None]:
        return await gather(agent("go"), listener("go"))

    job = await begin(main)
    assert job.output == ["ok", "heard"]
    sent = [one for one in await job.messages(between=["research", "write"]) if one["kind"] == "message"]
    assert [(one["from"], one["to"], one["about"], one["schema"], one["content"]) for one in sent] == [
        ("research", "write", "findings", "Finding", right)
    ]


# ---- waiting


async def test_who_waits_in_vain_is_told(begin: Begin) -> None:
    job = await begin(newsroom, in_newsroom(1, 2))
    assert job.state == "failed"
    assert "write waits for a message on 'findings'" in job.error


async def test_two_that_wait_for_each_other_are_told(begin: Begin) -> None:
    @workflow
    async def polite(own: str) -> str:
        try:
            return await orders.receive()
        except Starved as error:
            return str(error)

    @workflow
    async def main() -> list[str | None]:
        return await gather(polite("a"), polite("b"))

    job = await begin(main)
    assert all(str(said).startswith("polite waits for a message on 'orders'") for said in job.output)
    assert await job.replay() == job.output


def test_being_starved_is_recorded() -> None:
    @workflow
    async def loop() -> list[str]:
        heard = []
        while True:
            try:
                heard.append(await orders.receive())
            except Starved:
                await pause("the end")
                return heard

    @workflow
    async def main() -> list[str]:
        return (await gather(loop(), sender("a")))[0] or []

    for seed in range(1, 21):
        with simulate(seed, crashes=2) as sim:
            assert sim.run(main) == ["a0", "a1", "a2"], seed


def test_while_a_person_is_asked_the_run_waits_for_them() -> None:
    @workflow
    async def asker() -> None:
        await orders.send(await ask("What do you order?"))

    @workflow
    async def main() -> str:
        return str((await gather(receiver(1), asker()))[0])

    job = start(main, db=":memory:")
    assert job.state == "waiting"
    job.answer(None, "tea", by="grace")
    assert job.output == "['tea']"


def test_a_time_limit_and_a_timer_are_something_to_wait_for() -> None:
    async def late() -> None:
        await sleep(5)
        await orders.send("late")

    @workflow
    async def main() -> list[str]:
        try:
            await timeout(1, orders.receive())
        except TimeoutError:
            heard, _ = await gather(orders.receive(), late())
            return ["nothing in time", str(heard)]
        return []

    with simulate(1) as sim:
        assert sim.run(main) == ["nothing in time", "late"]


def test_what_the_loser_of_a_race_waited_for_is_still_there() -> None:
    async def soon() -> str:
        await sleep(0.01)
        return "soon"

    @workflow
    async def main() -> list[str]:
        first = await race(orders.receive(), soon())
        await orders.send("for whoever comes")
        return [first, await orders.receive()]

    with simulate(1) as sim:
        assert sim.run(main) == ["soon", "for whoever comes"]


async def test_only_who_is_meant_receives(begin: Begin) -> None:
    @workflow
    async def bystander() -> str:
        return await orders.receive()

    @workflow
    async def main() -> tuple[Any, Any]:
        await orders.send("to the receiver", to="receiver")
        await orders.send("to anybody")
        other = await bystander()
        return other, await receiver(1)

    assert (await begin(main)).output == ("to anybody", ["to the receiver"])


async def test_another_attempt_gets_what_the_first_received(begin: Begin) -> None:
    tried: list[str] = []

    @workflow(retry=1)
    async def clumsy() -> list[str]:
        heard = [await orders.receive(), await orders.receive()]
        if not tried:
            tried.append(heard[0])
            raise ValueError("dropped it")
        return heard

    @workflow
    async def main() -> list[str]:
        await orders.send("one")
        await orders.send("two")
        return await clumsy()

    assert (await begin(main)).output == ["one", "two"]


async def test_another_attempt_sends_no_message_twice(begin: Begin) -> None:
    tried: list[str] = []

    @workflow(retry=1)
    async def clumsy() -> None:
        await orders.send("one")
        if not tried:
            tried.append("one")
            raise ValueError("after it was sent")
        await orders.send("two")

    @workflow
    async def main() -> list[str]:
        await clumsy()
        return await receiver(2)

    job = await begin(main)
    assert job.output == ["one", "two"]
    assert [one["content"] for one in await job.messages() if one["kind"] == "message"] == ["one", "two"]


def test_names_are_checked() -> None:
    with pytest.raises(UsageError, match="a name is made of ASCII letters"):
        channel("my findings", str)


@pytest.mark.capability(75)
async def test_who_handed_over_what_does_not_fit_is_named(begin: Begin) -> None:
    @workflow
    async def price(text: str) -> str:
        return "much"

    @workflow
    async def double(number: int) -> int:
        return 2 * number

    job = await begin(pipeline(price, double), "lorry")
    assert "double cannot begin: its input does not fit" in job.error
    assert "it was given by price" in job.error
