"""Many parked runs in one process: python parked.py DATABASE COUNT; prints what they cost as JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from stretto import App, ask, gather, workflow
from stretto.runtime.execution import Execution

BATCH = 250
ANSWERED = 50


@workflow
async def waits(name: str) -> str:
    first, second = await gather(ask(f"{name}: first?"), ask(f"{name}: second?"))
    return f"{first} {second}"


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def main(database: str, count: int) -> dict[str, Any]:
    async with App([waits], db=database) as app:
        for first in range(0, count, BATCH):
            jobs = [
                await app.start(waits, f"n{number}", id=f"n{number}")
                for number in range(first, min(first + BATCH, count))
            ]
            for job in jobs:
                await app.settled(job.id)
            del jobs, job
        gc.collect()
        loaded = sum(isinstance(thing, Execution) for thing in gc.get_objects())
        size, tasks, took = resident(), len(asyncio.all_tasks()), []
        for number in range(0, count, max(1, count // ANSWERED)):
            begun = time.perf_counter()
            run = await app.get(f"n{number}")
            for item in run.approvals:
                await run.answer(item["id"], "yes", by="eve")
            await app.ended(run.id)
            took.append(time.perf_counter() - begun)
        took.sort()
        return {
            "runs": count, "loaded": loaded, "tasks": tasks, "resident_mb": size / 2**20,
            "median_ms": took[len(took) // 2] * 1e3, "slowest_ms": took[-1] * 1e3,
        }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2])))))
