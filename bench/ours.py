"""The same work as `floor.py`, done by stretto."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from work import BREADTH, QUESTION, SYSTEM, WIDTH, add, answer

from stretto import Agent, App, gather, pipeline, receive, tool, workflow
from stretto.core.messages import (
    FREE,
    Delta,
    Message,
    ModelReply,
    ModelRequest,
    Rates,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)

Go = Callable[[], Awaitable[Any]]


class Scripted:
    """An in-process model: the cheapest that a provider could be."""

    name = "bench:model"
    rates: Rates | None = FREE
    window, max_output = 200_000, 4_096

    def __init__(self, latency: float = 0, *, tool: bool = True) -> None:
        self._latency, self._tool = latency, tool

    async def reply(self, request: ModelRequest, watch: Callable[[Delta], None] | None = None) -> ModelReply:
        if self._latency:
            await asyncio.sleep(self._latency)
        last = request.messages[-1].parts[0]
        said: Text | ToolCall = ToolCall("call_1", "add", {"a": 2, "b": 3}) if self._tool else Text("Done.")
        if isinstance(last, ToolResult):
            said = Text(answer(last.content))
        return ModelReply(Message("assistant", (said,)), Usage(10, 5), self.name)

    def estimate(self, request: ModelRequest) -> int:
        return 100


def agents(runs: int, *, at_once: int = 1, latency: float = 0, durable: bool = False) -> Any:
    @asynccontextmanager
    async def side(folder: Path) -> AsyncIterator[Go]:
        agent = Agent(Scripted(latency), SYSTEM, tools=[add])
        begun = 0
        async with App(db=_db(folder, durable)) as app:

            async def one() -> None:
                nonlocal begun
                begun += 1
                assert await (await app.start(agent, f"{QUESTION} ({begun:012})")) == answer(5)

            async def go() -> None:
                for _ in range(runs // at_once):
                    await (asyncio.gather(*(one() for _ in range(at_once))) if at_once > 1 else one())

            yield go

    return side


class Talkative(Scripted):
    """Calls the tool so many times before it answers."""

    window = 100_000_000

    def __init__(self, turns: int) -> None:
        super().__init__()
        self._turns, self._asked = turns, 0

    async def reply(self, request: ModelRequest, watch: Callable[[Delta], None] | None = None) -> ModelReply:
        self._asked += 1
        said: Text | ToolCall = ToolCall(f"call_{self._asked}", "add", {"a": self._asked, "b": 3})
        if self._asked > self._turns:
            said = Text("Done.")
        return ModelReply(Message("assistant", (said,)), Usage(10, 5), self.name)


def turns(count: int) -> Any:
    """One agent of so many turns, each with a tool call."""

    @asynccontextmanager
    async def side(folder: Path) -> AsyncIterator[Go]:
        path = folder / "ours.db"
        async with App(db=str(path)) as app:

            async def go() -> float:
                before = size(path)
                agent = Agent(Talkative(count), SYSTEM, tools=[add], max_turns=count + 2)
                assert await (await app.start(agent, QUESTION)) == "Done."
                return (size(path) - before) / count

            yield go

    return side


def talk(turn: int, *, anew: bool = False) -> Any:
    """Ten turns of a conversation on disk, from this one on; `anew` begins each in an app of its own."""

    @asynccontextmanager
    async def side(folder: Path) -> AsyncIterator[Go]:
        agent = Agent(Scripted(tool=False), SYSTEM, name="desk")
        db, said = _db(folder, durable=True), 0

        async def say(app: App) -> None:
            nonlocal said
            said += 1
            assert await (await app.start(agent, id="talk")).say(f"{QUESTION} ({said})") == "Done."

        async with App([agent], db=db) as app:
            while said < turn - 10:
                await say(app)

            async def go() -> None:
                for _ in range(10):
                    if not anew:
                        await say(app)
                        continue
                    async with App([agent], db=db) as other:
                        await say(other)

            yield go

    return side


def _db(folder: Path, durable: bool) -> str:
    return str(folder / "ours.db") if durable else ":memory:"


@tool
async def read(n: int) -> str:
    """A step that may be repeated."""
    return str(n)


@tool
async def page(n: int) -> str:
    """A step that gives 1 KB."""
    return f"{n:08}".ljust(1024, "m")


@tool(effect="idempotent")
async def keep(n: int, *, idempotency_key: str) -> str:
    """A step with an intent."""
    return str(n)


def steps(runs: int, count: int, *, keyed: Callable[[int], bool] = lambda _: False, step: Any = read) -> Any:
    @asynccontextmanager
    async def side(folder: Path) -> AsyncIterator[Go]:
        @workflow
        async def flow(count: int) -> int:
            for n in range(count):
                await (keep(n) if keyed(n) else step(n))  # type: ignore[call-arg]
            return count

        path = folder / "ours.db"
        async with App(db=str(path)) as app:

            async def one() -> None:
                assert await (await app.start(flow, count)) == count

            async def go() -> float:
                before = size(path) if step is page else 0
                await asyncio.gather(*(one() for _ in range(runs)))
                return (size(path) - before) / (runs * count * 1024) if step is page else 0

            yield go

    return side


def size(path: Path) -> int:
    """Bytes of the database, with all that was written."""
    database = sqlite3.connect(path)
    database.execute("pragma wal_checkpoint(truncate)")
    database.close()
    return path.stat().st_size


@asynccontextmanager
async def pipelined(folder: Path) -> AsyncIterator[Go]:
    @workflow
    async def worker(value: int) -> int:
        return value + 1

    line = pipeline(*[worker] * 10)
    async with App(db=":memory:") as app:

        async def go() -> None:
            for _ in range(50):
                assert await (await app.start(line, 0)) == 10

        yield go


def parallel(*, durable: bool) -> Any:
    @asynccontextmanager
    async def side(folder: Path) -> AsyncIterator[Go]:
        one = Agent(Scripted(0.05, tool=False), SYSTEM, name="one")

        @workflow
        async def fan(width: int) -> list[str]:
            return await gather(one(str(n)) for n in range(width))

        async with App(db=_db(folder, durable)) as app:

            async def go() -> None:
                assert len(await (await app.start(fan, WIDTH))) == WIDTH

            yield go

    return side


@workflow
async def tree(depth: int) -> int:
    """Leaves counted by workers under workers."""
    return sum(await gather(tree(depth - 1) for _ in range(BREADTH))) if depth else 1


@workflow
async def wide(count: int) -> int:
    """As many workers at once."""
    return sum(await gather(tree(0) for _ in range(count)))


def spread(worker: Any, size: int, leaves: int) -> Any:
    """One run of a worker that starts others at once."""

    @asynccontextmanager
    async def side(folder: Path) -> AsyncIterator[Go]:
        async with App(db=":memory:") as app:

            async def go() -> None:
                assert await (await app.start(worker, size)) == leaves

            yield go

    return side


@asynccontextmanager
async def replay(folder: Path) -> AsyncIterator[Go]:
    """A parked run of 10,000 steps is answered: it is loaded, goes through all its steps again, and ends."""

    @workflow
    async def long(count: int) -> int:
        for n in range(count):
            await read(n)
        await receive("go")
        return count

    async with App(db=str(folder / "ours.db")) as app:
        waiting = [await app.start(long, 10_000) for _ in range(2)]
        for run in waiting:
            await app.settled(run.id)
            await run.refresh()

        async def go() -> None:
            run = waiting.pop()
            await run.send("go", 1)
            assert await run == 10_000

        yield go


async def parked(folder: Path, count: int) -> dict[str, float]:
    """Resident memory that `count` parked runs add, and how long it takes to answer one (MiB, ms)."""

    @workflow
    async def waiting(number: int) -> int:
        return number + int(await receive("go"))

    async with App(db=str(folder / "ours.db")) as app:
        first = await app.start(waiting, 0)
        await app.settled(first.id)
        before = resident()
        ids = []
        for number in range(count):
            ids.append((await app.start(waiting, number)).id)
            await app.settled(ids[-1])
        gc.collect()
        added = resident() - before
        run = await app.get(ids[count // 2])
        begun = time.perf_counter()
        await run.send("go", 1)
        await run
        return {"mib": added, "ms": (time.perf_counter() - begun) * 1e3}


def resident() -> float:
    """MiB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20
