"""Policies as data: the rules of a TOML file, and those of the settings file, which hold for all runs of its folder."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from stretto.core.errors import UsageError
from stretto.policy.gate import Rules

Policy = Rules | Path | str
"""Rules, or the path of a TOML file with them."""
_KEYS = [field.name for field in fields(Rules) if field.name != "approve"]


def rules(policy: Policy | None, everywhere: Mapping[str, object]) -> Rules:
    """The rules that a policy means, with those of the settings file; a file that cannot be read is a `UsageError`."""
    here = _of(everywhere, Path("stretto.toml"))
    if policy is None:
        return here
    own = policy if isinstance(policy, Rules) else _read(Path(policy))
    return own.and_also(here) if everywhere else own


def _read(path: Path) -> Rules:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"the policy {path} cannot be read, so nothing is allowed: {error}") from error
    return _of(table, path)


def _of(table: Mapping[str, object], path: Path) -> Rules:
    given: dict[str, str | bool | tuple[str, ...]] = {}
    for name, value in table.items():
        if name not in _KEYS:
            raise UsageError(f"{path}: a policy has no {name!r}; it has {', '.join(_KEYS)}")
        match value:
            case list() if name in ("allow", "ask", "deny") and all(isinstance(tool, str) for tool in value):
                given[name] = tuple(value)
            case bool() if name == "read_only":
                given[name] = value
            case str() if name == "autonomy":
                given[name] = value
            case _:
                raise UsageError(f"{path}: {name} is {_LIKE[name]}; got {value!r}")
    return Rules(**given)  # type: ignore[arg-type]  # each was checked above


_LIKE = {
    "autonomy": 'a level, like "ask-all"',
    "read_only": "true or false",
    "allow": 'a list of tools, like ["search"]',
    "ask": 'a list of tools, like ["publish"]',
    "deny": 'a list of tools, like ["delete"]',
}
