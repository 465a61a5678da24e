"""Where stretto looks for what was not said: the environment and the working folder. Nothing else reads them."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stretto.app import faultplan
from stretto.core import faults
from stretto.core.errors import UsageError
from stretto.core.ports import Model, Store
from stretto.journal.memory import MemoryStore
from stretto.journal.sqlite import SqliteStore
from stretto.models.resolve import resolve

DEFAULT_DB = ".stretto/runs.db"


@dataclass(frozen=True)
class Environment:
    """The process's environment as stretto uses it."""

    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls) -> Environment:
        """Of this process. A fault plan in it is laid."""
        plan = os.environ.get("STRETTO_FAULT", "")
        if plan:
            faults.lay(faultplan.parse(plan))
        return cls(os.environ)

    @property
    def db(self) -> str:
        """The database of runs."""
        return self.variables.get("STRETTO_DB") or DEFAULT_DB

    @property
    def model(self) -> str:
        """The model of agents that name none."""
        return self.variables.get("STRETTO_MODEL", "")

    def resolver(
        self, default: str, blobs: Callable[[str], Awaitable[bytes]], made: dict[str, Model]
    ) -> Callable[[str], Model]:
        """How a run finds its models by name; each is made once, kept in `made`, and so are its connections."""

        def find(name: str) -> Model:
            name = name or default or self.model
            if name in made:
                return made[name]
            if not name or name == "none":
                said = "the run was told to use none" if name else "the run names none"
                raise UsageError(f"this worker thinks with a model, and {said}; {_WAYS_OUT}")
            made[name] = resolve(name, self.variables, blobs=blobs)
            return made[name]

        return find


_WAYS_OUT = (
    "name one with --model or STRETTO_MODEL: openai:gpt-5-mini or anthropic:claude-sonnet-4-6 with a key, "
    "ollama:llama3 without one, test: for a trial"
)


def open_store(url: str) -> Store:
    """The store that an URL or path names."""
    if url == ":memory:":
        return MemoryStore()
    if url.startswith("sqlite:///"):
        return SqliteStore(Path(url.removeprefix("sqlite:///")))
    if "://" in url:
        raise UsageError(f"database {url!r} is not known; it is a path, sqlite:///PATH or :memory:")
    return SqliteStore(Path(url))
