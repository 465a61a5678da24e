"""Workflows that do something to the world in every way the contract knows."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from stretto import (
    Accepted,
    NotDone,
    Preview,
    StepError,
    WorkerFailed,
    ask,
    gather,
    now,
    race,
    random,
    receive,
    review,
    sleep,
    timeout,
    tool,
    workflow,
)
from stretto.core.messages import Conversation, ModelRequest, Rates, Usage, user
from stretto.core.scope import current
from stretto.core.values import Settings
from stretto.models.script import say
from stretto.models.scripted import ScriptedModel
from stretto.runtime.models import reply
from tests.crash.simulation import Scenario, World

OUTSIDE = World()
"""Stands where the session's world is injected."""

# ---- tools


@tool
async def look(what: str, *, world: World = OUTSIDE) -> str:
    await world.delay()
    return f"saw {what}"


@tool(effect="idempotent")
async def put(what: str, *, idempotency_key: str = "", world: World = OUTSIDE) -> str:
    await world.happen("put", what, key=idempotency_key, again=False)
    return f"put {what}"


@tool(effect="once")
async def pay(what: str, *, idempotency_key: str = "", world: World = OUTSIDE) -> str:
    await world.happen("pay", what, key=idempotency_key)
    return "did pay"


@tool(risk="high")
async def send(what: str, *, idempotency_key: str = "", world: World = OUTSIDE) -> str:
    await world.happen("send", what, key=idempotency_key)
    return "did send"


async def _moved(what: str, *, idempotency_key: str = "", world: World = OUTSIDE) -> Any:
    await world.delay()
    return "moved" if world.keys[idempotency_key] else None


@tool(effect="once", verify=_moved)
async def move(what: str, *, idempotency_key: str = "", world: World = OUTSIDE) -> str:
    await world.happen("move", what, key=idempotency_key)
    return "moved"


@tool(effect="once")
async def shaky(what: str, *, idempotency_key: str = "", world: World = OUTSIDE) -> str:
    """Raises after it happened (`late`), or before, and is certain of it (`sure`)."""
    if what == "sure":
        raise NotDone("nothing happened")
    await world.happen("shaky", what, key=idempotency_key)
    if what == "late":
        raise OSError("connection lost")
    return "did shaky"


def _base(path: str) -> Preview:
    return Preview(f"+ {path}", base="v1")


@tool(risk="medium", effect="idempotent", preview=_base)
async def write(path: str, *, idempotency_key: str = "", world: World = OUTSIDE) -> str:
    await world.happen("write", path, key=idempotency_key, again=False)
    return f"wrote {path}"


async def chat(text: str) -> str:
    """Ask the run's model."""
    scope = current.get()
    request = ModelRequest(Conversation.of([user(text)]), settings={"max_tokens": 100})
    return str((await reply(scope, scope.run.model(""), request)).message.text)


PRICE = Rates(Decimal(1_000), Decimal(1_000))
"""A tenth of a cent a token."""


def model(world: World) -> Any:
    """A model that costs money, and a world that remembers how often it was asked."""

    async def answer(request: ModelRequest) -> Any:
        await world.delay()
        world.check()
        world.facts["billed"] = world.facts.get("billed", Decimal(0)) + PRICE.cost(Usage(10, 50))
        await world.delay()
        return say(f"re {request.messages[-1].text}", usage=Usage(10, 50))

    scripted = ScriptedModel(answer, rates=PRICE, max_output=100)
    return lambda name: scripted


# ---- workflows


@workflow
async def step(what: str) -> str:
    return f"{await look(what)}, {await pay(what)}"


@workflow
async def sequence() -> list[str]:
    return [await look("a"), await pay("a"), await put("b"), await step("c"), await look("d"), await pay("e")]


@workflow
async def fan_out() -> list[str]:
    return await gather((step(what) for what in "abcd"), limit=2)


async def _fetch(what: str) -> list[str]:
    return [await look(what), await look("same"), await put("same"), await summary()]


@workflow
async def summary() -> str:
    return f"{await pay('same')}"


@workflow
async def equal_branches() -> list[Any]:
    return await gather(_fetch("a"), _fetch("b"), summary(), put("same"))


@workflow
async def raw_branches() -> list[Any]:
    first, second = await asyncio.gather(step("a"), _fetch("b"))
    async with asyncio.TaskGroup() as group:
        third = group.create_task(_fetch("c"))
        await asyncio.sleep(0.01)
        group.create_task(_fetch("d"))
    return [first, second, third.result(), await pay("end")]


@workflow
async def sender(what: str) -> str:
    found = await look(what)
    return f"{found}, {await send(what)}"


@workflow
async def nested() -> list[Any]:
    return await gather(middle("x"), sender("y"), send("z"))


@workflow
async def middle(what: str) -> list[str]:
    return [await sender(f"{what}1"), await sender(f"{what}2")]


@workflow
async def approvals_in_a_loop() -> list[str]:
    return [await send("same") for _ in range(3)]


@workflow(retry=2)
async def flaky(what: str, *, world: World = OUTSIDE) -> str:
    paid = await pay(what)
    world.check()
    world.facts[what] = tries = world.facts.get(what, 0) + 1
    if tries < 2:
        raise ValueError("not yet")
    return f"{paid} in the end"


@workflow
async def retried() -> list[str]:
    return [await flaky("a"), await look("b"), await pay("c")]


@workflow
async def failing(what: str) -> str:
    await look(what)
    raise ValueError(what)


@workflow
async def compensation() -> str:
    await pay("seat")
    try:
        await gather(failing("hotel"), step("car"))
    except WorkerFailed as error:
        return f"{await put('refund')} after {error}"
    return "booked"


@workflow
async def collected() -> list[bool]:
    outcomes = await gather(failing("a"), step("b"), failing("c"), on_error="collect")
    await pay("end")
    return [outcome.ok for outcome in outcomes]


@workflow
async def timer() -> str:
    begun = await now()
    await gather(pause_and_pay(3), pause_and_pay(90))
    await sleep(days=2)
    await pay("end")
    return f"{(await now() - begun) >= 172_890} {0 <= await random() < 1}"


async def pause_and_pay(seconds: float) -> None:
    await sleep(seconds)
    await pay(f"after {seconds}")


@workflow
async def people() -> list[Any]:
    answers = await gather(ask("first?"), receive("signal", str), ask("third?"))
    match await review({"text": "draft"}, "Good?"):
        case Accepted(value):
            return [*answers, value, await pay("published")]
        case _:
            return answers


@workflow
async def quick() -> str:
    return await put("quick")


@workflow
async def slow(what: str) -> str:
    found = await look(what)
    await asyncio.sleep(30)
    return found


@workflow
async def races() -> list[Any]:
    first = await race(quick(), slow("never"))
    try:
        await timeout(5, slow("late"))
    except TimeoutError:
        first = f"{first}, {await pay('late')}"
    try:
        await timeout(5, ask("anybody?"))
    except TimeoutError:
        return [first, await pay("nobody")]
    return [first]


@workflow
async def handoff() -> str:
    kind = await look("kind")
    return str(await desk([kind, 3]))


@workflow
async def desk(case: list[Any]) -> str:
    kind, depth = case
    if depth == 0:
        return str(await send(kind))
    await put(f"{kind} {depth}")
    return str(await desk([kind, depth - 1]))


@workflow
async def replan() -> list[str]:
    done: list[str] = []
    for turn in range(3):
        plan = sorted({await look(f"plan {turn}"), f"{await random() >= 0}"})
        done += await gather(step(f"{turn} {task}") for task in plan)
        if await ask(f"enough {turn}?") == "never":
            break
    return done


@workflow
async def verified() -> list[str]:
    return [await move("a"), *await gather(move("b"), move("c")), await pay("end")]


@workflow
async def shaken() -> list[str]:
    results = []
    for what in ("late", "sure", "fine"):
        try:
            results.append(await shaky(what))
        except (NotDone, StepError) as error:
            results.append(type(error).__name__)
    return [*results, await pay("end")]


@workflow
async def written() -> list[str]:
    return await gather(write("a"), write("b"))


@workflow
async def budgeted() -> list[str]:
    return [*await gather(chat(f"question {number}") for number in range(4)), await pay("end")]


SCENARIOS: dict[str, Scenario] = {
    "sequence": Scenario(sequence),
    "fan_out": Scenario(fan_out),
    "equal_branches": Scenario(equal_branches),
    "raw_branches": Scenario(raw_branches),
    "nested": Scenario(nested),
    "approvals_in_a_loop": Scenario(approvals_in_a_loop),
    "approved_beforehand": Scenario(nested, settings=Settings(approve=("send",))),
    "retried": Scenario(retried),
    "compensation": Scenario(compensation, maybe=(("pay", "car"),)),
    "collected": Scenario(collected),
    "timer": Scenario(timer, timed=True),
    "people": Scenario(people),
    "races": Scenario(races, timed=True),
    "handoff": Scenario(handoff),
    "replan": Scenario(replan),
    "verified": Scenario(verified),
    "shaken": Scenario(shaken),
    "written": Scenario(written),
    "budgeted": Scenario(budgeted, settings=Settings(budget="$0.30"), model=model),
}
