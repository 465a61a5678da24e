"""Lines typed in a terminal, read in the event loop: the run goes on meanwhile, and may be answered elsewhere."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from collections.abc import Awaitable, Callable

Moot = Callable[[], Awaitable[bool]]
LOOK = 0.3
"""Seconds between two looks whether the question is still open."""


class Answered(Exception):
    """The question was answered elsewhere while this terminal was asked."""


class EndOfInput(Exception):
    """Ctrl-D."""


async def line(prompt: str, moot: Moot) -> str:
    """The next line; raises `Answered` once `moot` says so, `EndOfInput` at Ctrl-D."""
    descriptor = sys.stdin.fileno()
    termios.tcflush(descriptor, termios.TCIFLUSH)  # what was typed before the question does not answer it
    sys.stderr.write(prompt)
    sys.stderr.flush()
    typed = bytearray()
    while not typed.endswith(b"\n"):
        await _readable(descriptor, moot)
        data = os.read(descriptor, 65_536)
        if not data:
            raise EndOfInput
        typed += data
    return typed.decode(errors="replace").strip()


async def _readable(descriptor: int, moot: Moot) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        while not ready.is_set():
            try:
                async with asyncio.timeout(LOOK):
                    await ready.wait()
            except TimeoutError:
                if await moot():
                    raise Answered from None
    except asyncio.CancelledError:  # Ctrl-C leaves the cursor behind the question
        sys.stderr.write("\n")
        raise
    finally:
        loop.remove_reader(descriptor)
