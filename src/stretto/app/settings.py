"""Where stretto looks for what was not said: the environment and the working folder. Nothing else reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
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

    def resolver(self, default: str) -> partial[Model]:
        """How a run finds its models by name."""
        return partial(_model, default or self.model, self.variables)


def _model(default: str, variables: Mapping[str, str], name: str) -> Model:
    return resolve(name or default, variables)


def open_store(url: str) -> Store:
    """The store that an URL or path names."""
    if url == ":memory:":
        return MemoryStore()
    if url.startswith("sqlite:///"):
        return SqliteStore(Path(url.removeprefix("sqlite:///")))
    if "://" in url:
        raise UsageError(f"database {url!r} is not known; it is a path, sqlite:///PATH or :memory:")
    return SqliteStore(Path(url))
