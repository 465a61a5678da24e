"""What a worker that plays a part in a pattern is given: a judge, a speaker, whoever takes what was rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stretto.core.errors import UsageError
from stretto.core.text import as_text
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workflow

Turn = dict[str, Any]
"""What one speaker said: `{"speaker": name, "said": statement}`."""


def given(worker: Worker[Any, Any], parts: Mapping[str, Any], main: str = "") -> object:
    """The parts as this worker takes them.

    A function takes the parts that its parameters name; a single parameter of another name takes the part `main`, or
    all parts where there is no main one. Who takes text gets the parts as text; whose input type has fields, the parts
    of these names; everyone else an object with all of them.
    """
    if isinstance(worker, Workflow):
        return _to_function(worker, parts, main)
    return _to_type(worker, parts)


def _to_function(worker: Workflow[..., Any], parts: Mapping[str, Any], main: str) -> object:
    names = worker.signature.arguments
    if len(names) == 1:
        (name,) = names
        return parts[name] if name in parts else parts[main] if main else _to_type(worker, parts)
    needed = [name for name, parameter in names.items() if parameter.default is parameter.empty]
    if unknown := [name for name in needed if name not in parts]:
        raise UsageError(
            f"{worker.name} takes {', '.join(unknown)}, which nobody gives it here; its parameters can be called "
            f"{', '.join(parts)}, or it takes one parameter"
        )
    return {name: parts[name] for name in names if name in parts}


def _to_type(worker: Worker[Any, Any], parts: Mapping[str, Any]) -> object:
    schema = worker.takes.schema
    if schema.get("type") == "string":
        return "\n\n".join(f"{name}:\n{_text(part)}" for name, part in parts.items())
    if "properties" in schema:
        return {name: part for name, part in parts.items() if name in schema["properties"]}
    return dict(parts)


def _text(part: object) -> str:
    if isinstance(part, list) and all(isinstance(turn, dict) and turn.keys() == {"speaker", "said"} for turn in part):
        return told(part)
    return as_text(part)


def told(transcript: Sequence[Turn]) -> str:
    """A transcript as text, a turn a line."""
    return "\n".join(f"{turn['speaker']}: {_text(turn['said'])}" for turn in transcript)
