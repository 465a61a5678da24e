"""Another program as a tool or worker: `program("claude", "-p", "{input}")`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import PurePath
from typing import Any

from stretto.core.errors import StepError, UsageError
from stretto.core.values import Effect, Risk
from stretto.core.values import seconds as in_seconds
from stretto.tools.tool import Tool

PLACE = "{input}"
"""Where an argument takes the input; without it the program reads the input from stdin."""
_SHOWN = 500


def program(
    *command: str,
    name: str = "",
    about: str = "",
    risk: Risk = "low",
    effect: Effect = "read",
    timeout: float | str | None = None,
) -> Tool[[str], str]:
    """A program that is given text and prints its answer; whatever ends with another code than 0 has failed.

    `{input}` stands for the text in an argument; nothing goes through a shell. Say `effect="once"` of a program that changes
    something. It is killed with all that it started when its time is over or its run is cancelled.
    """
    if not command:
        raise UsageError("program needs a command, like program('claude', '-p', '{input}')")
    own = name or PurePath(command[0]).stem.replace("-", "_")
    limit = None if timeout is None else in_seconds(timeout)
    return Tool(_runner(command), own, about or f"Run {own}.", risk, effect, timeout=limit)


def _runner(command: tuple[str, ...]) -> Callable[[str], Coroutine[Any, Any, str]]:
    async def run(input: str) -> str:
        words = [word.replace(PLACE, input) for word in command]
        try:
            child = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise UsageError(f"{command[0]} cannot be started: {error}; is it installed, and on PATH?") from error
        try:
            out, told = await child.communicate(b"" if PLACE in " ".join(command) else input.encode())
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await child.wait()
        if child.returncode:
            said = told.decode(errors="replace").strip()[-_SHOWN:]
            raise StepError(
                f"{command[0]} ended with exit code {child.returncode}: {said or 'it said nothing'}", "Exit"
            )
        return out.decode(errors="replace").removesuffix("\n")

    return run
