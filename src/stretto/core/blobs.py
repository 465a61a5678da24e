"""What lies beside the events: values too large to stand in one, by their digest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from stretto.core.canonical import decode
from stretto.core.events import Ref

Blob = Callable[[str], Awaitable[bytes]]
"""Reads the bytes of a digest."""


async def fetched(value: Any, blob: Blob) -> Any:
    """A recorded value as JSON."""
    return decode(await blob(value.digest)) if isinstance(value, Ref) else value
