"""Reading a flow file: every mistake in it is one `UsageError` that names file, line and place."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from stretto.app.flows.beside import Beside
from stretto.app.flows.flow import Flow
from stretto.app.flows.parts import Part, Parts
from stretto.app.flows.reading import read
from stretto.app.flows.shape import FLOW, POLICY
from stretto.app.flows.source import Node, checked
from stretto.app.flows.staging import Staging
from stretto.app.flows.triggers import triggers
from stretto.app.parts import tools
from stretto.core.ports import Options
from stretto.core.values import Budget
from stretto.policy.gate import Rules
from stretto.tools.tool import Tool


def load(path: Path) -> Flow:
    """The flow of a file. Python that it names is looked for in its folder, and imported.

    Raises `UsageError` for whatever in it cannot work.
    """
    return _load(Path(path), ())


def _load(path: Path, above: tuple[Path, ...]) -> Flow:
    node = read(path)
    file = node.fields("a flow file", FLOW)
    parts = Parts(file, Beside(path.parent), partial(_nested, above=(*above, path.resolve())))
    declared = parts.all()
    staging = Staging(parts)
    return Flow(
        file["name"].text if "name" in file else path.stem,
        node,
        staging.row(file["flow"]),
        tuple(staging.texts),
        _rules(file["policy"], {name for part in declared for name in _tools(part)}) if "policy" in file else Rules(),
        triggers(file["on"]) if "on" in file else {},
        Options(budget=checked(file["budget"], Budget.parse) if "budget" in file else None),
        file["about"].text if "about" in file else "",
        file["goal"].text if "goal" in file else None,
    )


def _nested(node: Node, path: Path, above: tuple[Path, ...]) -> Flow:
    if path.resolve() in above:
        raise node.wrong(f"{path.name} contains itself; a flow cannot stand inside itself, use a loop")
    return _load(path, above)


def _tools(part: Part) -> Iterable[str]:
    return [part.name] if isinstance(part, Tool) else tools(part, {})


def _rules(node: Node, known: set[str]) -> Rules:
    given = node.fields("a policy", POLICY)
    for key in ("allow", "ask", "deny"):
        for item in given[key].items if key in given else ():
            if item.text not in known:
                there = f"the tools of this file are {', '.join(sorted(known)) or 'none'}; list it under `tools`"
                raise item.unknown("tool", item.text, sorted(known), there)
    plain: dict[str, Any] = {key: _said(item) for key, item in given.items()}
    return Rules(**plain)


def _said(node: Node) -> str | tuple[str, ...]:
    return tuple(item.text for item in node.items) if isinstance(node.value, list) else node.text
