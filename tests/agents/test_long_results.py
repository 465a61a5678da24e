"""A tool may give more than any window holds: the model gets a share of it, and a way to read the rest."""

import re
from typing import Any

import pytest

from stretto import Agent, App, ToolError, tool
from stretto.core.messages import ModelRequest, ToolResult
from stretto.models.tokens import likely_message, likely_text
from stretto.testing import ScriptedModel, call, calls, say, simulate
from tests.agents.windows import WINDOW

NEEDLE = "the needle is N-4711"
HAY = "hay and straw, 干し草 e\u0301 👩‍👩‍👧🏽, "
GIVEN = HAY * 40_000 + NEEDLE + HAY * 40_000
"""About five megabytes."""


@tool
async def dump() -> str:
    """Everything there is."""
    return GIVEN


@tool
async def rows(count: int) -> list[dict[str, int]]:
    """Rows of a table."""
    return [{"row": row, "square": row * row} for row in range(count)]


@tool
async def refuse() -> str:
    """Say no, at length."""
    raise ToolError("no, " * 100_000)


def said(request: ModelRequest) -> list[str]:
    return [part.content for part in request.messages[-1].parts if isinstance(part, ToolResult)]


def ref(text: str) -> str:
    return str(re.findall(r'ref="(\w+)"', text)[0])


async def outcome(script: Any, value: str = "go") -> tuple[Any, ScriptedModel, Any]:
    model = ScriptedModel(script, window=WINDOW)
    async with App(db=":memory:") as app:
        job = await app.start(Agent(model, "Find the needle.", tools=[dump, rows, refuse], name="finder"), value)
        output = await job
        return output, model, await _blobs(app, (await job.refresh()).events)


async def _blobs(app: App, rows: Any) -> dict[str, int]:
    named = {digest for row in rows for digest in re.findall(rb'"([0-9a-f]{64})"', row.body)}
    return {digest.decode(): len(await app.store.blob(digest.decode())) for digest in named}


@pytest.mark.capability(64, 66)
async def test_megabytes_come_as_a_share_of_the_window_and_are_read_on() -> None:
    def script(request: ModelRequest) -> Any:
        if not (found := said(request)):
            return call("dump")
        if "[Cut here" in found[0]:
            return call("read_more", ref=ref(found[0]), find="needle")
        return say(found[0])

    output, model, blobs = await outcome(script)
    assert "needle is N-4711" in output
    assert f"of {len(GIVEN)}. Read on with offset=" in output
    cut = said(model.requests[1])[0]
    kept, total = map(int, re.findall(r"after (\d+) of (\d+) characters", cut)[0])
    assert (cut[:kept], total) == (GIVEN[:kept], len(GIVEN))
    assert kept > 500
    assert max(sum(map(likely_message, request.messages)) for request in model.requests) <= WINDOW // 2
    large = [size for size in blobs.values() if size > 1_000_000]
    assert len(large) == 1, "all of it is stored once"


async def test_all_of_it_can_be_read_piece_by_piece() -> None:
    whole: list[str] = []

    def script(request: ModelRequest) -> Any:
        found = said(request)[0] if said(request) else ""
        if not found:
            return call("rows", count=600)
        whole.append(found)
        if place := re.search(r"Read on with offset=(\d+)", found):
            return call("read_more", ref=ref(whole[0]), offset=int(place[1]))
        if "[Cut here" in found:
            return call("read_more", ref=ref(found), offset=int(re.findall(r"after (\d+)", found)[0]))
        return say("read")

    await outcome(script)
    pieces = [re.split(r"\n\n\[(?:Cut here|Characters)", piece)[0] for piece in whole]
    assert "".join(pieces) == str([{"row": row, "square": row * row} for row in range(600)]).replace("'", '"').replace(
        " ", ""
    )


async def test_several_long_results_of_a_turn_share_and_short_ones_stay_whole() -> None:
    def script(request: ModelRequest) -> Any:
        return (
            say("done")
            if said(request)
            else calls(call("dump"), call("rows", count=2), call("rows", count=5_000), call("refuse"))
        )

    _, model, _ = await outcome(script)
    long, short, table, error = said(model.requests[1])
    assert short == '[{"row":0,"square":0},{"row":1,"square":1}]'
    assert all("[Cut here" in text for text in (long, table, error))
    assert sum(map(likely_text, (long, short, table, error))) <= WINDOW // 4
    assert min(map(likely_text, (long, table, error))) > 100, "each has its share"


async def test_what_is_read_further_needs_a_place_that_is_there() -> None:
    def script(request: ModelRequest) -> Any:
        found = said(request)
        match len(request.messages):
            case 2:
                return call("dump")
            case 4:
                return call("read_more", ref="nowhere")
            case 6:
                assert "there is no cut 'nowhere'" in found[0]
                return call("read_more", ref=ref(request.messages[3].parts[0].content), find="nothing like it")  # type: ignore[union-attr]
            case _:
                return say(found[0])

    output, _, _ = await outcome(script)
    assert output.startswith("There are no such words")


def test_a_crash_after_a_long_result_changes_nothing() -> None:
    def script(request: ModelRequest) -> Any:
        found = said(request)
        if not found:
            return call("rows", count=2_000)
        return call("read_more", ref=ref(found[0]), find='"row":1999') if "[Cut here" in found[0] else say(found[0])

    def play(*crash_at: int) -> tuple[Any, int]:
        with simulate(1, crash_at=crash_at) as sim:
            agent = Agent(ScriptedModel(script, window=WINDOW), "Read.", tools=[rows], name="reader")
            return sim.run(agent, "go"), len(sim.sites)

    output, sites = play()
    assert '"row":1999,"square":3996001' in output
    for site in range(1, sites):
        assert play(site)[0] == output


async def test_with_compaction_off_nothing_is_cut() -> None:
    model = ScriptedModel(lambda request: say("done") if said(request) else call("rows", count=900))
    async with App(db=":memory:") as app:
        await (await app.start(Agent(model, tools=[rows], compaction=False), "go"))
    assert "[Cut here" not in said(model.requests[1])[0]
