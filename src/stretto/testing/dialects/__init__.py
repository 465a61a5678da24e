"""The wire formats of the fake provider, one file each: a request read, an answer written whole or streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from stretto.core.messages import Media, ModelReply, ModelRequest

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be written: the reply, and the reasoning before it where the dialect has such a thing."""

    reply: ModelReply
    thinking: str = ""


class Dialect(Protocol):
    """One wire format."""

    def read(self, body: Body) -> ModelRequest:
        """The request as ours."""
        ...

    def whole(self, said: Said) -> Body:
        """The answer in one body."""
        ...

    def stream(self, said: Said) -> Iterator[str]:
        """The answer as server-sent events."""
        ...

    def error(self, status: int, message: str) -> Body:
        """An error's body."""
        ...


def event(body: Body, name: str = "") -> str:
    """One server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(body)}\n\n"


def media(url: str, media_type: str = "") -> Media:
    """A file by its URL; a data URL says itself what it is."""
    if url.startswith("data:"):
        media_type = url[5:].partition(";")[0]
    return Media(media_type or "application/octet-stream", url=url)


def only(body: Body, **names: str) -> Body:
    """The settings that a request's body gives, by our names."""
    return {ours: body[theirs] for ours, theirs in names.items() if body.get(theirs) is not None}
