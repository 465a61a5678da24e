"""A hung tool is cut at its limit, whatever it hangs in, and nothing waits for what is left of it."""

import asyncio
import subprocess
import sys
import time
from threading import Event

import pytest

from stretto import App, gather, tool, workflow

NEVER = Event()


@tool(timeout=0.05)
async def hangs() -> None:
    await asyncio.Event().wait()


@tool(timeout=0.05)
def blocks() -> None:
    NEVER.wait()


@tool(timeout=2, process=True)
def blocks_apart() -> None:
    NEVER.wait()


@workflow
async def tries(name: str) -> str:
    try:
        await {"hangs": hangs, "blocks": blocks, "blocks_apart": blocks_apart}[name]()
    except TimeoutError as error:
        return str(error)
    return "it came to an end"


@pytest.mark.capability(95)
@pytest.mark.parametrize("name", ["hangs", "blocks", "blocks_apart"])
async def test_a_hung_tool_is_cut_at_its_limit(name: str) -> None:
    async with App(db=":memory:") as app, asyncio.timeout(120):
        assert f"{name} took longer than its limit of" in await (await app.start(tries, name))


@workflow
async def tries_often() -> list[str]:
    return await gather(tries("blocks") for _ in range(100))


async def test_hung_threads_keep_no_other_tool_waiting() -> None:
    async with App(db=":memory:") as app, asyncio.timeout(120):
        assert len(await (await app.start(tries_often))) == 100


PROGRAM = """
from threading import Event
from stretto import run, tool, workflow

@tool(timeout=0.05)
def blocks() -> None:
    Event().wait()

@workflow
async def tries() -> str:
    try:
        await blocks()
    except TimeoutError:
        return "cut"

print(run(tries, db=":memory:"), flush=True)
"""


def test_a_program_ends_though_a_thread_hangs() -> None:
    begun = time.monotonic()
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout == "cut\n"
    assert time.monotonic() - begun < 60


@tool(timeout=60)
def adds(one: int, other: int) -> int:
    return one + other


@tool(timeout=60)
def divides(one: int, other: int) -> float:
    return one / other


async def test_what_is_in_time_gives_its_result_or_its_error() -> None:
    assert await adds(1, 2) == 3
    with pytest.raises(ZeroDivisionError):
        await divides(1, 0)
