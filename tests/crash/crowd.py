"""One of several processes that share a database, and runs: python crowd.py ROLE DATABASE EFFECTS FIRST LAST

`holder` starts the runs and carries them on, as a server does; `second` starts the same ones; `approver` answers.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from stretto import App, JournalError, UsageError, gather, tool, workflow
from stretto.core.values import RunState

EFFECTS = Path(sys.argv[3] if len(sys.argv) > 3 else os.devnull)
AT_ONCE = 10


def happen(line: str) -> None:
    with EFFECTS.open("a") as file:
        file.write(line)


@tool(risk="high")
async def pay(what: str, *, idempotency_key: str = "") -> str:
    happen(f"{what} {idempotency_key}\n")
    await asyncio.sleep(0)
    return f"paid {what}"


@workflow
async def work(name: str) -> list[str]:
    return await gather(pay(f"{name}a"), pay(f"{name}b"))


async def start(app: App, numbers: range) -> None:
    """Start runs, or go on with those that exist, and see each to its end."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with slots:
            job = await app.start(work, f"r{number}", id=f"r{number}")
            await app.ended(job.id)

    async with asyncio.TaskGroup() as group:
        for number in numbers:
            group.create_task(one(number))


async def approve(app: App, numbers: range) -> None:
    """Say yes to whatever waits, until all runs are done."""
    left = {f"r{number}" for number in numbers}
    while left:
        for id in sorted(left, key=lambda id: int(id[1:]))[: 2 * AT_ONCE]:
            row = await app.store.find(id)
            if row is not None and row.state is RunState.DONE:
                left.discard(id)
            elif row is not None and row.state is RunState.WAITING:
                await answer(app, id)
        await asyncio.sleep(0.002)


async def answer(app: App, id: str) -> None:
    run = await app.get(id)
    for item in run.approvals:
        try:
            if item["kind"] == "approval":
                await run.approve(item["id"], by="eve")
        except UsageError:
            continue  # it was answered a moment ago


async def main(role: str, database: str, numbers: range) -> None:
    async with App([work], db=database) as app:
        await (approve if role == "approver" else start)(app, numbers)


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1], sys.argv[2], range(int(sys.argv[4]), int(sys.argv[5]))))
    except JournalError as error:
        sys.exit(str(error))
