"""STRETTO_FAULT: which fault site does what. `3:kill`, `intent.after#2:error`, `park.before#1:delay=0.5`, or `log`."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable

from stretto.core.errors import JournalError, UsageError

_FORM = re.compile(
    r"(?:(?P<number>\d+)|(?P<name>[a-z.]+)#(?P<nth>\d+)):(?P<act>kill|error|delay=(?P<seconds>\d+(?:\.\d+)?))"
)


def parse(text: str) -> Callable[[str], None]:
    """The plan that a text describes; several are separated by commas."""
    seen: Counter[str] = Counter()
    if text == "log":
        return lambda name: _log(seen, name)
    acts = [_FORM.fullmatch(part.strip()) for part in text.split(",")]
    if not all(acts):
        raise UsageError(
            f"STRETTO_FAULT={text!r} is not understood; write N:kill, NAME#K:error, N:delay=SECONDS or log"
        )

    def plan(name: str) -> None:
        seen[""] += 1
        seen[name] += 1
        for act in acts:
            assert act is not None
            if (act["number"] and int(act["number"]) == seen[""]) or (
                act["name"] == name and int(act["nth"]) == seen[name]
            ):
                _do(act["act"], name, act["seconds"])

    return plan


def _log(seen: Counter[str], name: str) -> None:
    seen[""] += 1
    seen[name] += 1
    sys.stderr.write(f"{seen['']} {name}#{seen[name]}\n")
    sys.stderr.flush()


def _do(act: str, name: str, seconds: str | None) -> None:
    if act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif act == "error":
        raise JournalError(f"fault injected at {name}")
    else:
        time.sleep(float(seconds or 0))
