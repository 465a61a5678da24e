"""What many commands take: the database, the form of the output, who speaks."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import click

from stretto.core.errors import UsageError

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Common:
    """`db` is None where it was not said; `json` asks for one object, or one list, on stdout."""

    db: str | None
    json: bool


def common(command: Callable[..., R]) -> Callable[..., R]:
    """Options that every command on runs takes; they arrive as one `Common`."""

    @click.option("--db", metavar="URL", help="Database of runs: a path or sqlite:///PATH.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
    @click.option("--debug", is_flag=True, hidden=True, help="Show where an unexpected error came from.")
    @wraps(command)
    def with_common(*args: Any, db: str | None, as_json: bool, **kwargs: Any) -> R:
        del kwargs["debug"]  # the boundary in `main` looks for it
        return command(Common(db, as_json), *args, **kwargs)

    return with_common


by = click.option("--by", metavar="NAME", default=lambda: user(), help="Who says so; by default the user's name here.")


def user() -> str:
    """The name of whoever sits here, as the operating system has it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def as_json(text: str | None, option: str) -> object:
    """The value of an option that takes JSON."""
    if text is None:
        return None
    try:
        return cast(object, json.loads(text))
    except ValueError as error:
        raise UsageError(f"{option} takes JSON, and {text[:60]!r} is none: {error}") from error
