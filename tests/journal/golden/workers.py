"""The workers whose runs lie here as journals of earlier releases. What they do must never change."""

from dataclasses import dataclass

from stretto import Accepted, Agent, Rejected, ask, gather, now, random, review, sleep, tool, workflow
from stretto.testing import ScriptedModel, call, say


@dataclass
class Sum:
    """What the agent answers with."""

    total: int


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool(risk="high", effect="once")
def send(to: str, text: str) -> str:
    """Send a mail."""
    return f"sent {text!r} to {to}"


@tool
def big(letter: str) -> str:
    """Too much to stand in an event."""
    return letter * 5000


def adder() -> Agent[Sum]:
    """An agent whose model answers from a script."""
    model = ScriptedModel([call("add", a=2, b=3), say({"total": 5})])
    return Agent(model, "You add numbers.", name="adder", tools=[add], output=Sum)


@workflow
async def everything(goal: str) -> str:
    """One step of each kind."""
    started, lot = await now(), await random()
    sums = await gather([adder()("2 + 3"), adder()("3 + 2")])
    longest = max(await gather([big("x"), big("é")]))
    await sleep(1)
    sent = await send("ann@example.org", goal)
    name = await ask("Who signs?", str, to="desk")
    match await review({"by": name, "text": goal}, "Good?"):
        case Accepted(value):
            return f"{sent}; {value['by']}: {value['text']} ({sum(s.total for s in sums)}, {len(longest)})"
        case Rejected(reason):
            return f"{reason} {started} {lot}"
