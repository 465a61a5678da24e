"""The `stretto` command: which commands there are, and the boundary at which every error becomes one message.

`stretto --help` imports none of them.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TextIO

import click

from stretto import __version__
from stretto.cli import codes
from stretto.core.errors import StrettoError

COMMANDS = {
    "run": "Work towards a goal; the same --id goes on with a run.",
    "demo": "See it work: a report over documents of this machine.",
    "chat": "Talk with an agent; the same --id goes on with a conversation.",
    "say": "Say something to a run, and print its reply.",
    "plan": "Show the plan for a goal, and do nothing.",
    "status": "Where a run stands: tasks, questions, cost.",
    "show": "What a run did, step by step.",
    "messages": "What the workers and people of a run told each other.",
    "memory": "What is remembered across runs: search, list, forget.",
    "why": "What led to a run's output, failure or question.",
    "timeline": "Where a run's time went, and what was slow.",
    "graph": "A worker or a run as a picture: Mermaid or SVG.",
    "list": "The runs in the database.",
    "approvals": "What runs wait for.",
    "approve": "Say yes to a question of a run, maybe edited.",
    "reject": "Say no to a question of a run.",
    "resolve": "Settle a step of which it is not known whether it happened.",
    "send": "Send a signal to a run.",
    "resume": "Go on with a run after a crash, an answer or a failure.",
    "cancel": "Stop a run.",
    "replay": "Go through a run again with no effect, and see whether it goes the same way.",
    "fork": "Begin a new run where another one was, and change something.",
    "undo": "Take back what a run did, the last call first.",
    "export": "A run's events as JSON lines, or as OpenTelemetry spans.",
    "audit": "Check that no event was changed.",
    "stats": "How runs end, what they cost, and how often people step in.",
    "prune": "Remove what old runs say; that they were, and in which order, stays proven.",
    "compact": "Give back the room of what was removed.",
    "tools": "The tools a worker may call.",
    "prompts": "Everything a worker may say to a model.",
    "chaos": "Crash, delay and fail a worker at every point, in simulation.",
}


class Commands(click.Group):
    """A group that knows its commands by name and help, and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"stretto.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called; for an unknown one, the nearest is offered."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, 1)
            guess = f"did you mean {near[0]!r}?" if near else f"the commands are {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command {args[0]!r}; {guess}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="stretto COMMAND --help says more. Runs are kept in .stretto/runs.db, in STRETTO_DB, or where --db says.",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Coordinate agents, tools, programs and people: durable, budgeted, approved, and on the record."""


def main() -> None:
    """The console entry."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """Carry out a command line; every end of it is an exit code, every error one message."""
    as_json = "--json" in arguments
    try:
        code = cli.main(list(arguments), prog_name="stretto", standalone_mode=False)
        return code if isinstance(code, int) else codes.DONE
    except click.ClickException as error:
        _tell_usage(error, as_json)
        return codes.USAGE
    except StrettoError as error:
        _tell(str(error), as_json)
        return codes.of_error(error)
    except (KeyboardInterrupt, click.Abort):
        return codes.INTERRUPTED
    except BrokenPipeError:
        return codes.DONE
    except Exception as error:  # noqa: BLE001  the last boundary: a defect is one line, too
        _tell_defect(error, as_json, "--debug" in arguments)
        return codes.FAILED
    finally:
        _flush(sys.stdout)
        _flush(sys.stderr)


def _tell(message: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": message}, ensure_ascii=False))
    else:
        print(f"stretto: {message}", file=sys.stderr)


def _tell_usage(error: click.ClickException, as_json: bool) -> None:
    if as_json:
        _tell(error.format_message(), as_json)
    else:
        error.show()


def _tell_defect(error: Exception, as_json: bool, debug: bool) -> None:
    more = "" if debug else "; the same command with --debug shows where"
    _tell(f"{type(error).__name__}: {error} (a defect of stretto, or of the code it was given{more})", as_json)
    if debug:
        traceback.print_exception(error)


def _flush(stream: TextIO) -> None:
    """Whoever reads our output may stop at any time."""
    try:
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
