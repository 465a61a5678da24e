"""Agents of other organisations as workers, over the A2A protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Unpack
from urllib.parse import urlsplit

from stretto.bridges.guest import Guest, Limits, options
from stretto.bridges.protocol import Client, Heard
from stretto.core.canonical import decode, encode
from stretto.core.errors import StepError, UsageError
from stretto.core.values import Effect, Risk
from stretto.runtime import functions
from stretto.runtime.scope import Scope
from stretto.tools.codec import codec_for
from stretto.tools.tool import Tool

_UNDERWAY = ("submitted", "working", "unspecified", "")
_ASKS = ("input-required", "auth-required")
_SOON, _LATER = 0.1, 5.0
"""Seconds between two looks at a task, first and at last."""
_DEAF = 5
"""So many looks in a row may fail before the task does."""


def a2a(
    url: str,
    *,
    name: str = "",
    about: str = "",
    effect: Effect = "once",
    risk: Risk = "low",
    external: bool = False,
    to: str = "",
    output: object = Any,
    headers: Mapping[str, str] | None = None,
    **limits: Unpack[Limits],
) -> Guest:
    """An agent behind a URL that speaks A2A (JSON-RPC, version 1.0 or 0.3): text or data in, text or data out.

    Sending it the task is one step behind the gates, and what the peer asks is asked of a person, addressed by `to`.
    `effect` is "once" unless the peer takes a message with an id that it knows for the one it had ("idempotent"). A task
    that is cancelled here, or whose time is over, is cancelled there. `headers` say who asks (`{"Authorization":
    "Bearer ..."}`) and stand in no journal. The limits are `retry`, `timeout`, `budget` and `limit`, as an `Agent` has them.
    """
    where = urlsplit(url)
    if where.scheme not in ("http", "https") or not where.hostname:
        raise UsageError(f"a2a takes the http address of a peer, like a2a('https://example.org'), not {url!r}")
    own = name or where.hostname.replace(".", "_")
    return Peer(own, about, options(limits), Any, output, url, effect, risk, external, to, dict(headers or {}))


@dataclass(frozen=True, eq=False)
class Peer(Guest):
    """See `a2a`."""

    url: str = ""
    effect: Effect = "once"
    risk: Risk = "low"
    external: bool = False
    to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def client(self) -> Client:
        """How it is spoken to."""
        return Client(self.name, self.url, self.headers)

    def describe(self) -> object:
        """Where it is."""
        return {"name": self.name, "kind": "a2a", "url": self.url}

    async def work(self, context: Scope, value: object) -> object:
        """Send the task, and wait for its end; what the peer asks on the way is asked of a person."""
        known: list[str] = []
        try:
            heard = await self._send(context, known, value)
            while heard["state"] in (*_UNDERWAY, *_ASKS):
                if heard["state"] in _UNDERWAY:
                    heard = await self._wait(context, heard["task"])
                    continue
                question = heard["said"] or f"{self.name} asks for input"
                heard = await self._send(context, known, await functions.ask(question, to=self.to), heard)
        except asyncio.CancelledError:
            if known and not context.run.closed:  # nobody will ask for it any more
                await self.client.cancel(known[-1])
            raise
        if heard["state"] != "completed":
            told = heard["said"] or "it said nothing"
            raise StepError(f"{self.name} ended its task as {heard['state']}: {told}", "Peer")
        result = heard["result"]
        return decode(result) if self.returns not in (Any, str) and isinstance(result, str) else result

    async def _send(self, scope: Scope, known: list[str], content: Any, to: Heard | None = None) -> Heard:
        """Tell the peer something; the task's id is `known` as soon as the peer has said it, whoever waits for it then."""

        async def send(content: Any, task: str = "", context: str = "", *, idempotency_key: str) -> Heard:
            heard = await self.client.send(content, idempotency_key, task, context)
            known.append(heard["task"])
            return heard

        tool: Tool[..., Heard] = Tool(send, self.name, self.about, self.risk, self.effect, self.external, to=self.to)
        goes_on = {"task": to["task"], "context": to["context"]} if to is not None else {}
        heard = await scope.tool(tool, {"content": content, **goes_on})
        known.append(heard["task"])
        return heard

    async def _wait(self, scope: Scope, task: str) -> Heard:
        """How a task stands once the peer has done with it, or asks for something."""
        request = encode({"task": task})
        return await scope.step("tool", f"{self.name}.wait", request, lambda: self._underway(task), codec_for(Heard))

    async def _underway(self, task: str) -> Heard:
        pause, deaf = _SOON, 0
        while True:
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, _LATER)
            try:
                heard = await self.client.look(task)
            except ConnectionError:
                deaf += 1
                if deaf == _DEAF:
                    raise
                continue
            if heard["state"] not in _UNDERWAY:
                return heard
            deaf = 0
