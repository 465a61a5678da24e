"""Guards, made instructions, files, checks and handoffs under a crash at any point: nothing is judged, asked or done twice."""

from typing import Any

import pytest

from stretto import Agent, File, handoff, tool, workflow
from stretto.core.messages import ModelRequest
from stretto.testing import ScriptedModel, call, say, simulate

NOTED: list[str] = []


@tool(effect="idempotent")
async def note(text: str) -> str:
    NOTED.append(text)
    return f"noted {text}"


async def judge(answer: str) -> str | None:
    await note(f"read {answer}")
    return None if "milk" in answer else "it says nothing of milk"


def answers(request: ModelRequest) -> Any:
    """What the specialist says, by what it has heard."""
    last = request.messages[-1]
    if last.role == "tool":
        return say("It is on the list.")
    return say("Milk is on the list: milk.") if "not accepted" in last.text else call("note", text="milk")


def sorts(request: ModelRequest) -> Any:
    return (
        call("transfer_to_desk", reason="a list")
        if request.messages[-1].role == "tool"
        else call("note", text="sorted")
    )


def play(crash_at: tuple[int, ...] = ()) -> tuple[Any, list[Any], int]:
    desk = Agent(ScriptedModel(answers), lambda: "You keep lists.", name="desk", tools=[note], accept=judge)
    triage = Agent(
        ScriptedModel(sorts), "You sort.", name="triage", tools=[note], guards=bool, handoffs=[handoff(desk)]
    )

    @workflow
    async def whole(goal: str) -> str:
        return await triage([goal, File(b"buy milk", name="list.txt")])

    with simulate(1, crash_at=crash_at) as sim:
        output = sim.run(whole, "Look at this list.")
        decided: list[Any] = [row.event() for row in sim.events if row.kind == "decided"]
        return output, [(event.name, event.value) for event in decided], len(sim.sites)


@pytest.mark.capability(38, 102, 209)
def test_a_crash_anywhere_changes_nothing() -> None:
    output, decided, sites = play()
    assert output == "Milk is on the list: milk."
    assert [name for name, _ in decided] == ["file", "guard", "files", "handoff", "instructions", "accept", "accept"]
    for site in range(1, sites):
        assert play((site,))[:2] == (output, decided), f"a crash at site {site}"
