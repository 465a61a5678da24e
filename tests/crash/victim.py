"""A run in a process of its own, which writes what it does into a file that the engine can't see.

python victim.py DATABASE EFFECTS     runs or resumes, answers what is asked, and prints the output
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from stretto import RunWaiting, gather, run, start, tool, workflow

EFFECTS = Path(sys.argv[2] if len(sys.argv) > 2 else os.devnull)


def happen(*what: str) -> None:
    with EFFECTS.open("a") as file:
        file.write(" ".join(what) + "\n")
        file.flush()


@tool
async def look(what: str) -> str:
    return f"saw {what}"


@tool(effect="idempotent")
async def put(what: str, *, idempotency_key: str = "") -> str:
    happen("put", what, idempotency_key)
    return f"put {what}"


@tool(risk="high")
async def pay(what: str, *, idempotency_key: str = "") -> str:
    happen("pay", what, idempotency_key)
    await asyncio.sleep(0.001)
    return f"paid {what}"


@workflow
async def branch(what: str) -> list[str]:
    return [await look(what), await pay(what), await put("same")]


@workflow
async def victim() -> list[Any]:
    return [await branch("first"), *await gather(branch("a"), branch("b"), pay("same"), pay("same")), "x" * 3_000]


def _settle(database: str) -> None:
    """Answer everything: yes to approvals, the truth about doubts."""
    waiting = start(victim, id="v", db=database)
    for item in waiting.approvals:
        if item["kind"] != "doubt":
            waiting.approve(item["id"], by="eve")
        elif _key(waiting, item["step"]) in EFFECTS.read_text():
            waiting.resolve(item["id"], "done", by="eve", result=f"paid {item['args']['what']}")
        else:
            waiting.resolve(item["id"], "repeat", by="eve")


def _key(waiting: Any, step: int) -> str:
    """The key of the call that a doubt is about."""
    asked = waiting.events[step]
    intents = (row for row in waiting.events if row.kind == "step_intended" and row.scope == asked.scope)
    return str(next(row.event().key for row in intents if row.ident == asked.event().of))


def live(database: str) -> str:
    """Run or resume until it is done, answering everything; the output."""
    while True:
        try:
            return str(run(victim, id="v", db=database))[:200]
        except RunWaiting:
            _settle(database)


if __name__ == "__main__":
    print(live(sys.argv[1]))
