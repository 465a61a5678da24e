"""`stretto prompts TARGET`."""

from __future__ import annotations

import click

from stretto.app.parts import prompts
from stretto.app.targets import resolve_all
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.terminal import note, out_json, tell


@click.command("prompts")
@click.argument("target")
@options.common
def command(common: Common, target: str) -> int:
    """Everything that the workers of TARGET, or of a whole file, may say to a model of their own accord."""
    known = {name: said for found in resolve_all(target) for name, said in prompts(found.worker, found.around).items()}
    if common.json:
        out_json(known)
    elif known:
        tell(
            "\n\n".join(f"{name} · {when}\n{said}" for name, all in known.items() for when, said in all.items() if said)
        )
    else:
        note(f"{target} says nothing to a model")
    return codes.DONE
