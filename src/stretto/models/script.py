"""The steps of a script: what a scripted model, or a fake provider, answers.

    [call("search", query="EV"), say("Electric cars sell."), say({"score": 0.9}), fail(429, retry_after=2)]

As a file (`test:path.json`) the same script is a JSON list:

    [{"call": "search", "args": {"query": "EV"}}, {"say": "Electric cars sell."}, {"say": {"score": 0.9}},
     {"calls": [{"call": "a"}, {"call": "b"}]}, {"fail": 429, "retry_after": 2}]
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from stretto.core.canonical import decode, encode
from stretto.core.errors import UsageError
from stretto.core.messages import Message, Part, Text, ToolCall, Usage
from stretto.core.text import as_text

Fault = Literal["malformed", "cut", "hang"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One turn of a model. `usage` is what it is billed as; None leaves the counting to whoever answers.

    `thinking` is what a fake provider shows as reasoning, signed, in the dialects that have it.
    """

    message: Message
    usage: Usage | None = None
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class Fail:
    """A turn that fails: an HTTP status, a body that is no JSON, a connection cut half-way, or no answer at all."""

    status: int | Fault
    retry_after: float | None = None


Step = Answer | Fail


def say(content: object, *, usage: Usage | None = None, thinking: str = "") -> Answer:
    """The model answers: text as it is, any other value as JSON (a typed output)."""
    return Answer(Message("assistant", (Text(as_text(content)),)), usage, thinking)


def call(tool: str, /, **args: object) -> Answer:
    """The model asks for one tool, with arguments as JSON has them."""
    return Answer(Message("assistant", (ToolCall("", tool, decode(encode(args))),)))


def calls(*turns: Answer, usage: Usage | None = None, thinking: str = "") -> Answer:
    """One turn of several: `calls(say("Looking."), call("a"), call("b"))` speaks and asks for two tools at once."""
    parts = tuple(part for turn in turns for part in turn.message.parts)
    return Answer(Message("assistant", parts), usage, thinking)


def fail(status: int | Fault, *, retry_after: float | None = None) -> Fail:
    """The call fails with an HTTP status, or as `malformed`, `cut` or `hang`; `retry_after` in seconds."""
    return Fail(status, retry_after)


def numbered(message: Message, turn: int) -> Message:
    """The message with an id for each call that has none, unique in a conversation in which `turn` never repeats."""
    if not message.calls:
        return message
    return Message(message.role, tuple([_numbered(part, turn, place) for place, part in enumerate(message.parts)]))


def read_script(path: Path) -> list[Step]:
    """The script of a JSON file; a `UsageError` names the file and the step that is wrong."""
    try:
        steps = decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"the script {path} cannot be read: {error}; it must be a JSON list of steps") from error
    if not isinstance(steps, list):
        raise UsageError(f'the script {path} must be a JSON list of steps, such as [{{"say": "hello"}}]')
    return [_step(body, f"step {number} of the script {path}") for number, body in enumerate(steps, 1)]


def _numbered(part: Part, turn: int, place: int) -> Part:
    if isinstance(part, ToolCall) and not part.id:
        return ToolCall(f"call_{turn}_{place}", part.name, part.args)
    return part


def _step(body: Any, where: str) -> Step:
    match body:
        case {"fail": int() | "malformed" | "cut" | "hang" as status}:
            return Fail(status, body.get("retry_after"))
        case {"calls": list(turns)}:
            return calls(*(_turn(turn, where) for turn in turns))
        case _:
            return _turn(body, where)


def _turn(body: Any, where: str) -> Answer:
    match body:
        case {"say": content, **rest} if not rest:
            return say(content)
        case {"call": str(tool), **rest} if not rest.keys() - {"args"} and isinstance(rest.get("args", {}), dict):
            return Answer(Message("assistant", (ToolCall("", tool, rest.get("args", {})),)))
        case _:
            raise UsageError(
                f'{where} is {body!r}; it must be {{"say": ...}}, {{"call": "tool", "args": {{...}}}}, '
                f'{{"calls": [...]}} or {{"fail": 429}}'
            )
