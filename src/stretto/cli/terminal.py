"""What stands at the other end of stdin, stdout and stderr, and how to write to it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import IO

import orjson

from stretto.app.settings import DEFAULT_DB

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ASCII = str.maketrans(
    {
        "·": "-",
        "…": "...",
        "✓": "+",
        "✗": "x",
        "●": "*",
        "○": "o",
        "–": "-",
        "›": ">",
        "│": "|",
        "├": "|",
        "└": "`",
        "─": "-",
        "×": "x",
        "→": "->",
    }
)
_PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS


def can_show() -> bool:
    """Whether progress may be redrawn in place on stderr."""
    return sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def can_ask() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def is_unicode(stream: IO[str]) -> bool:
    """Whether a stream takes more than ASCII."""
    stream = getattr(stream, "rich_proxied_file", stream)  # what rich puts in its place while it draws
    return (getattr(stream, "encoding", None) or "").lower().startswith("utf")


def out(text: str) -> None:
    """Write a line of result to stdout; that nobody reads it is no error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tell(text: str = "") -> None:
    """Write for a person to stdout, in characters that it takes."""
    out(drawn(text, sys.stdout))


def note(text: str = "") -> None:
    """Write a line about the work to stderr, in characters that it takes."""
    print(drawn(text, sys.stderr), file=sys.stderr, flush=True)


def drawn(text: str, stream: IO[str]) -> str:
    """Text with our own signs in ASCII where the stream takes no more than that."""
    return text if is_unicode(stream) else text.translate(_ASCII)


def out_json(value: object) -> None:
    """Write one JSON value as one line."""
    out(orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode())


def pretty(value: object) -> str:
    """A value for a person: text as it is, anything else as indented JSON."""
    return value if isinstance(value, str) else orjson.dumps(value, default=str, option=_PRETTY).decode()


def safe(text: str) -> str:
    """Text that others wrote, with everything in it spelled out that would move the cursor or turn the line around."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def in_line(text: str, width: int = 60) -> str:
    """Text that others wrote, on one line, at most so many characters long."""
    flat = safe(" ".join(text.split()))
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def command(db: str, *words: str) -> str:
    """A command that continues here, whole: it can be copied into any shell in this folder."""
    where = ("--db", db) if db != DEFAULT_DB else ()
    return " ".join([_program(), *map(shlex.quote, (*words, *where))])


def _program() -> str:
    called = Path(sys.argv[0])
    if called.name == "__main__.py" and shutil.which("stretto") is None:
        return f"{shlex.quote(_short(Path(sys.executable)))} -m stretto"
    if called.name == "stretto" and shutil.which("stretto") is None:
        return shlex.quote(_short(called))
    return "stretto"


def _short(path: Path) -> str:
    path = path.absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
