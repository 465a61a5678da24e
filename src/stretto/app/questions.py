"""A question as programs are given it: what `stretto approvals --json` lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stretto.runtime.view import WaitView, fetched


async def described(run: str, wait: WaitView, blob: Callable[[str], Any]) -> dict[str, Any]:
    """A question as `stretto approvals --json` shows it; times in seconds since 1970."""
    asked = wait.asked
    return {
        "id": asked.wait,
        "kind": asked.ask,
        "run": run,
        "step": wait.seq,
        "tool": asked.tool,
        "worker": asked.worker,
        "prompt": asked.prompt,
        "args": await fetched(asked.args, blob),
        "risk": asked.risk,
        "preview": await fetched(asked.preview, blob),
        "content": await fetched(asked.content, blob),
        "digest": asked.digest,
        "schema": await fetched(asked.schema, blob),
        "to": asked.to,
        "expires": None if asked.expires is None else asked.expires / 1e6,
        "asked": wait.begun / 1e6,
    }
