"""The floor: the same work with asyncio, json and sqlite3 alone. It shows what the work itself costs in CPython."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from work import BREADTH, FIFTH, QUESTION, SYSTEM, WIDTH, add, answer

Go = Callable[[], Awaitable[Any]]
EVENT = b"e" * 420
"""About what one event of a step takes, with its envelope and hash."""


class Rows:
    """An append-only log: rows of all runs that came together go into one commit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("create table row(run text, n integer, body blob, primary key(run, n))")
        self._pending: list[tuple[str, int, bytes]] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._full = False
        self._task: asyncio.Task[None] | None = None

    def append(self, run: str, n: int, bodies: Sequence[bytes], *, full: bool = False) -> Awaitable[None]:
        """Write rows; the future is done when they are committed, and on disk with `full`."""
        done = asyncio.get_running_loop().create_future()
        self._pending += [(run, n + index, body) for index, body in enumerate(bodies)]
        self._waiting.append(done)
        self._full = self._full or full
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return done

    async def _drain(self) -> None:
        while self._pending:
            rows, waiting, full = self._pending, self._waiting, self._full
            self._pending, self._waiting, self._full = [], [], False
            await asyncio.to_thread(self._commit, rows, full)
            for done in waiting:
                done.set_result(None)

    def _commit(self, rows: list[tuple[str, int, bytes]], full: bool) -> None:
        self._db.execute(f"pragma synchronous={'full' if full else 'normal'}")
        self._db.execute("begin")
        self._db.executemany("insert into row values(?, ?, ?)", rows)
        self._db.execute("commit")

    def size(self) -> int:
        """Bytes of the file, with all that was written."""
        self._db.execute("pragma wal_checkpoint(truncate)")
        return self.path.stat().st_size

    def close(self) -> None:
        self._db.close()


async def model(messages: list[dict[str, Any]], latency: float) -> dict[str, Any]:
    if latency:
        await asyncio.sleep(latency)
    if messages[-1]["role"] == "tool":
        return {"role": "assistant", "content": answer(messages[-1]["content"])}
    call = {"id": "call_1", "name": "add", "arguments": json.dumps({"a": 2, "b": 3})}
    return {"role": "assistant", "tool_calls": [call]}


async def agent(question: str, latency: float = 0) -> str:
    """Ask, call the tool, ask again."""
    tools = {"add": add}
    messages: list[dict[str, Any]] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    while True:
        reply = await model(messages, latency)
        messages.append(reply)
        if "tool_calls" not in reply:
            return str(reply["content"])
        for call in reply["tool_calls"]:
            result = await tools[call["name"]](**json.loads(call["arguments"]))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": json.dumps(result)})


def agents(runs: int, *, at_once: int = 1, latency: float = 0, durable: Sequence[bytes] = ()) -> Any:
    """`runs` agents; with `durable` each writes these rows, in one commit with those that end with it."""

    @asynccontextmanager
    async def side(folder: Path) -> AsyncIterator[Go]:
        rows = Rows(folder / "floor.db") if durable else None
        begun = 0

        async def one() -> None:
            nonlocal begun
            begun += 1
            run = f"{begun:012}"
            await agent(f"{QUESTION} ({run})", latency)
            if rows is not None:
                await rows.append(run, 0, durable, full=True)

        async def go() -> None:
            for _ in range(runs // at_once):
                await (asyncio.gather(*(one() for _ in range(at_once))) if at_once > 1 else one())

        yield go
        if rows is not None:
            rows.close()

    return side


def steps(runs: int, count: int, *, keyed: Callable[[int], bool] = lambda _: False, body: int = len(EVENT)) -> Any:
    """`runs` at once of `count` steps: each one row behind its use, or, where keyed, an intent on disk and a result."""

    @asynccontextmanager
    async def side(folder: Path) -> AsyncIterator[Go]:
        rows = Rows(folder / "floor.db")
        begun = 0

        async def one() -> None:
            nonlocal begun
            begun += 1
            run = f"{begun:012}"
            for n in range(count):
                if keyed(n):
                    await rows.append(run, 2 * n, [EVENT], full=True)
                    await rows.append(run, 2 * n + 1, [EVENT])
                else:
                    rows.append(run, 2 * n, [b"x" * body])
            await rows.append(run, 2 * count, [EVENT], full=True)

        async def go() -> float:
            before = rows.size() if body > len(EVENT) else 0
            await asyncio.gather(*(one() for _ in range(runs)))
            return (rows.size() - before) / (runs * count * body) if body > len(EVENT) else 0

        yield go
        rows.close()

    return side


@asynccontextmanager
async def pipeline(folder: Path) -> AsyncIterator[Go]:
    async def worker(value: int) -> int:
        return value + 1

    async def go() -> None:
        for _ in range(50):
            value = 0
            for _ in range(10):
                value = await worker(value)

    yield go


@asynccontextmanager
async def parallel(folder: Path) -> AsyncIterator[Go]:
    async def go() -> None:
        await asyncio.gather(*(asyncio.sleep(0.05) for _ in range(WIDTH)))

    yield go


async def tree(depth: int) -> int:
    """Leaves counted by tasks under tasks."""
    if not depth:
        return 1
    return sum(await asyncio.gather(*(asyncio.create_task(tree(depth - 1)) for _ in range(BREADTH))))


async def wide(count: int) -> int:
    return sum(await asyncio.gather(*(asyncio.create_task(tree(0)) for _ in range(count))))


def spread(work: Callable[[int], Awaitable[int]], size: int, leaves: int) -> Any:
    @asynccontextmanager
    async def side(folder: Path) -> AsyncIterator[Go]:
        async def go() -> None:
            assert await work(size) == leaves

        yield go

    return side


@asynccontextmanager
async def replay(folder: Path) -> AsyncIterator[Go]:
    """Read 10,000 rows and decode each."""
    rows = Rows(folder / "floor.db")
    await rows.append("r", 0, [json.dumps({"step": n, "pad": "x" * 100}).encode() for n in range(10_000)])
    reader = sqlite3.connect(rows.path)

    async def go() -> None:
        done = dict(reader.execute("select n, body from row where run='r' order by n"))
        for n in range(10_000):
            assert json.loads(done[n])["step"] == n

    yield go
    reader.close()
    rows.close()


def every_fifth(n: int) -> bool:
    return n % FIFTH == 0
