"""`stretto tools TARGET`."""

from __future__ import annotations

from typing import Any

import click

from stretto.app.parts import tools
from stretto.app.targets import resolve_all
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.terminal import in_line, note, out_json, tell
from stretto.tools.tool import Tool


@click.command("tools")
@click.argument("target")
@options.common
def command(common: Common, target: str) -> int:
    """The tools that TARGET, or a whole file, may call: what each risks, how it may be repeated, and who has it."""
    known: dict[str, tuple[Tool[Any, Any], list[str]]] = {}
    for found in resolve_all(target):
        for name, (tool, workers) in tools(found.worker, found.around).items():
            whose = known.setdefault(name, (tool, []))[1]
            whose += [worker for worker in workers if worker not in whose]
    if common.json:
        out_json([
            {"name": tool.name, "description": tool.description, "risk": tool.risk, "effect": tool.effect,
             "external": tool.external, "irreversible": tool.irreversible, "to": tool.to,
             "preview": tool.preview is not None, "verify": tool.verify is not None, "undo": tool.undo is not None,
             "parameters": tool.spec.parameters, "workers": workers}
            for tool, workers in known.values()
        ])  # fmt: skip
        return codes.DONE
    width = max((len(name) for name in known), default=0)
    for name, (tool, workers) in known.items():
        who = f"  ({', '.join(workers)})" if workers else ""
        tell(f"{name:<{width}}  {tool.risk:<6}  {tool.effect:<10}  {in_line(tool.description, 80)}{who}")
    if not known:
        note(f"{target} has no tools that can be seen from outside")
    return codes.DONE
