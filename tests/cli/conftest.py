"""A folder with workers, and the `stretto` command in it as a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import stretto

SOURCE = Path(stretto.__file__).parents[1]

WORKERS = '''
import asyncio
import time
from pathlib import Path

from stretto import Orchestrator, Preview, ask, gather, receive, review, sleep, tool, workflow
from stretto import Brief, Plan, PlannedTask


def happened(what: str) -> None:
    with open("effects.log", "a") as file:
        file.write(what + "\\n")


def difference(path: str, text: str) -> Preview:
    old = Path(path).read_text() if Path(path).exists() else ""
    return Preview(f"--- {path}\\n+++ {path}\\n-{old}\\n+{text}", base=old)


@tool(risk="medium", effect="idempotent", preview=difference)
def write_file(path: str, text: str) -> int:
    """Write a file."""
    happened(f"write {path}")
    Path(path).write_text(text)
    return len(text)


@tool(risk="high", effect="once")
def pay(invoice: str) -> str:
    """Pay an invoice."""
    happened(f"pay {invoice}")
    return f"paid {invoice}"


@tool(effect="once")
def slow_pay(invoice: str) -> str:
    """Pay an invoice, slowly."""
    happened(f"pay {invoice}")
    time.sleep(600)
    return f"paid {invoice}"


@tool
async def look_up(word: str) -> str:
    """Look a word up."""
    happened(f"look up {word}")
    return word.upper()


@workflow
async def shout(text: str) -> str:
    return " ".join(await gather(look_up(word) for word in text.split()))


@workflow
async def writing(text: str) -> str:
    loud = await shout(text)
    await write_file("out.txt", loud)
    return loud


@workflow
async def paying(invoice: str) -> list[str]:
    return await gather(pay(invoice + "1"), pay(invoice + "2"))


@workflow
async def failing(text: str) -> str:
    return await broken(text)


@workflow
async def broken(text: str) -> str:
    await look_up(text)
    if not Path("mended").exists():
        raise ValueError(f"no such thing: {text}")
    return "mended"


@workflow
async def asking(topic: str) -> str:
    colour = await ask("Which colour?", to="designers")
    number = await ask("How many?", int)
    return f"{number} {colour} {topic}"


@workflow
async def asking_while_busy(text: str) -> str:
    # A tool, so that the run is at work in a way that is known, and held all the time.
    colour, _ = await gather(ask("Which colour?"), tool(busy)())
    return colour


async def busy() -> None:
    while not Path("answered").exists():
        await asyncio.sleep(0.05)


@workflow
async def reviewed(text: str) -> str:
    return str(await review(text, "Publish this?"))


@workflow
async def signed(name: str) -> str:
    return (await receive("signed", dict))["by"]


@workflow
async def resting(text: str) -> str:
    await look_up(text)
    await asyncio.sleep(600)
    return text


@workflow
async def napping(seconds: float) -> str:
    await sleep(seconds)
    return "rested"


@workflow
async def blocked(text: str) -> str:
    return await slow_pay(text)


@workflow
async def drifting(text: str) -> str:
    await write_file(Path("drift").read_text(), text)
    return text


@workflow
def planner(brief: Brief) -> Plan:
    return Plan((PlannedTask("one", "a", "shout"), PlannedTask("two", "b c", "shout", after=("one",))))


boss = Orchestrator(workers=[shout], planner=planner, name="boss")


def add(a: int, b: int) -> int:
    return a + b


@workflow
def nothing() -> None:
    """Gives nothing."""


@workflow
def large(lines: int) -> str:
    return "a line of text\\n" * lines
'''


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed last, as JSON."""
        return json.loads(self.out.strip().splitlines()[-1])


@dataclass(slots=True)
class Shell:
    """Runs `stretto` in a folder."""

    folder: Path
    environment: dict[str, str]
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def __call__(self, *arguments: str, stdin: str | None = None, **environment: str) -> Ended:
        process = self.begin(*arguments, stdin=stdin, **environment)
        out, err = process.communicate(stdin, timeout=60)
        return Ended(process.returncode, out, err)

    def begin(self, *arguments: str, stdin: str | None = None, **environment: str) -> subprocess.Popen[str]:
        """Start a command, and do not wait for it."""
        process = subprocess.Popen(
            [sys.executable, "-m", "stretto", *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        return process

    def effects(self) -> list[str]:
        """What the tools did to the world."""
        log = self.folder / "effects.log"
        return log.read_text().splitlines() if log.exists() else []


def until(happened: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for something in another process."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    (tmp_path / "workers.py").write_text(WORKERS)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "USER", "LOGNAME") if name in os.environ}
    shell = Shell(tmp_path, {**kept, "PYTHONPATH": str(SOURCE), "LANG": "C.UTF-8"})
    yield shell
    for process in shell.running:
        if process.poll() is None:
            process.kill()
        process.communicate()
