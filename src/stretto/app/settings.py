"""Where stretto looks for what was not said: the environment and the working folder. Nothing else reads them.

`stretto.toml` in the working folder names models by what they are for, and what their providers allow:

    [models]
    strong = "anthropic:claude-sonnet-4-6"
    light = "openai:gpt-5-mini"

    [limits]
    openai = "2 at once, 500 requests, 200000 tokens"

    [policy]
    deny = ["delete"]
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from stretto.app import faultplan
from stretto.core import faults
from stretto.core.errors import UsageError
from stretto.core.ports import Model, Store
from stretto.journal.memory import MemoryStore
from stretto.journal.reading import ReadOnlyStore, is_protected
from stretto.journal.sqlite import SqliteStore
from stretto.models.resolve import meant, resolve
from stretto.policy.secrets import Secrets

DEFAULT_DB = ".stretto/runs.db"
FILE = "stretto.toml"
_ALIAS = "STRETTO_MODEL_"
_TABLES = ("models", "limits", "policy")
_fault_plan = cache(faultplan.parse)
"""A plan counts the sites that the process passes, whichever of its apps passes them."""
Tables = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Environment:
    """The process's environment as stretto uses it, and the tables of the settings file."""

    variables: Mapping[str, str] = field(default_factory=dict)
    tables: Tables = field(default_factory=dict)

    @classmethod
    def here(cls) -> Environment:
        """Of this process. A fault plan in it is laid."""
        plan = os.environ.get("STRETTO_FAULT", "")
        if plan:
            faults.lay(_fault_plan(plan))
        return cls(os.environ, _tables(Path(FILE)))

    @property
    def db(self) -> str:
        """The database of runs."""
        return self.variables.get("STRETTO_DB") or DEFAULT_DB

    @property
    def model(self) -> str:
        """The model of agents that name none."""
        return self.variables.get("STRETTO_MODEL", "")

    @property
    def models(self) -> dict[str, str]:
        """Models by what they are for: of the settings file, and of `STRETTO_MODEL_STRONG` and the like."""
        found = ((name, value) for name, value in self.variables.items() if name.startswith(_ALIAS) and value)
        return {**self.tables.get("models", {}), **{name.removeprefix(_ALIAS).lower(): value for name, value in found}}

    @cached_property
    def secrets(self) -> Secrets:
        """What no journal may hold: the keys, tokens and passwords in it."""
        return Secrets.of(self.variables)

    @property
    def policy(self) -> Mapping[str, object]:
        """What holds for all runs of this folder, of the settings file."""
        return self.tables.get("policy", {})

    @property
    def limits(self) -> Mapping[str, str]:
        """What providers and models allow, of the settings file."""
        return self.tables.get("limits", {})

    def resolver(
        self,
        default: str,
        blobs: Callable[[str], Awaitable[bytes]],
        made: dict[str, Model],
        aliases: Mapping[str, str],
    ) -> Callable[[str], Model]:
        """How a run finds its models by name; each is made once, kept in `made`, and so are its connections."""

        def find(name: str) -> Model:
            name = meant(name or default or self.model, aliases)
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


def _tables(path: Path) -> Tables:
    """The tables of the settings file; none where there is no file."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    for name, table in found.items():
        if name not in _TABLES:
            raise UsageError(
                f"{path}: {name!r} is not known; its tables are {', '.join(f'[{one}]' for one in _TABLES)}"
            )
        if not isinstance(table, dict) or (name in _LIKE and not all(isinstance(one, str) for one in table.values())):
            raise UsageError(f"{path}: [{name}] holds lines like {_LIKE.get(name, 'deny = [...]')}")
    return found


_LIKE = {"models": 'strong = "anthropic:claude-sonnet-4-6"', "limits": 'openai = "2 at once, 500 requests"'}


def open_store(url: str) -> Store:
    """The store that an URL or path names."""
    if url == ":memory:":
        return MemoryStore()
    name = url.removeprefix("sqlite:///")
    if "://" in name:
        raise UsageError(f"database {url!r} is not known; it is a path, sqlite:///PATH or :memory:")
    path = Path(name)
    return ReadOnlyStore(path) if is_protected(path) else SqliteStore(path)
