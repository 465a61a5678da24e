"""A run's tree as text, for stdout: in columns, coloured in a terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence

import click

from stretto.cli.terminal import in_line
from stretto.cli.tree import Line

COLOURS = {"done": "green", "failed": "red", "waiting": "yellow", "doubt": "magenta", "running": "cyan"}
_PIPE_WIDTH = 120


def width() -> int:
    """Characters on a line of stdout."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH


def painted(text: str, state: str) -> str:
    """Text in the colour of a state, in a terminal that wants colours."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return click.style(text, fg=COLOURS.get(state), dim=state not in COLOURS)


def listed(tree: Sequence[Line]) -> Iterator[str]:
    """The lines of a tree: sign, name and detail on the left, what it took on the right."""
    right = [[line.took, line.tokens, line.money] for line in tree]
    widths = [max((len(row[at]) for row in right), default=0) for at in range(3)]
    room = width() - sum(widths) - 2 * sum(1 for wide in widths if wide)
    for line, row in zip(tree, right, strict=True):
        indent = "  " * line.depth
        left = in_line(line.name, max(20, room - len(indent) - 2))
        if line.detail:
            left += f"  {in_line(line.detail, max(10, room - len(indent) - 4 - len(left)))}"
        columns = "".join(f"  {text:>{wide}}" for text, wide in zip(row, widths, strict=True) if wide)
        gap = " " * max(0, room - len(indent) - 2 - len(left))
        yield f"{indent}{painted(line.sign, line.state)} {left}{gap}{columns}".rstrip()
