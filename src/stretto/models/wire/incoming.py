"""The models layer's answer, as ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic_ai.messages import (
    ModelResponse,
    ModelResponsePart,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)

from stretto.core.canonical import encode
from stretto.core.messages import Delta, Message, ModelReply, Part, Text, ToolCall, Usage
from stretto.models.wire.outgoing import ANSWER, PARTS

_OURS = frozenset({"content", "args", "tool_name", "tool_call_id"})


def reply(response: ModelResponse, vendor: str, output: dict[str, Any] | None) -> ModelReply:
    """The answer; typed output is its text, whichever way the provider gave it."""
    came = [_answer_as_text(part) for part in response.parts]
    parts = tuple(part for one in came for part in _part(one))
    if is_wrapped(output):
        parts = tuple(map(_unwrapped, parts))
    message = Message("assistant", parts, _kept(came, response, vendor))
    return ModelReply(message, _usage(response), response.model_name or "", response.finish_reason or "stop")


def is_wrapped(output: dict[str, Any] | None) -> bool:
    """Whether `as_object` asked for the value inside an object."""
    return output is not None and output.get("type") != "object"


class Pieces:
    """Turns the events of a stream into deltas, which name the tool that each piece of arguments is for.

    An answer that is `wrapped` in an object of the provider's is no text for a person: its words come with the whole.
    """

    def __init__(self, *, wrapped: bool = False) -> None:
        self._wrapped = wrapped
        self._tools: dict[int, tuple[str, int]] = {}

    def delta(self, event: ModelResponseStreamEvent) -> Delta | None:
        """What a person sees of an event, if anything."""
        match event:
            case PartStartEvent(part=TextPart(content=text)) if text:
                return self._text(text)
            case PartDeltaEvent(delta=TextPartDelta(content_delta=text)) if text:
                return self._text(text)
            case PartStartEvent(index=index, part=ToolCallPart(tool_name=tool, args=args)):
                self._tools[index] = tool, sum(other != ANSWER for other, _ in self._tools.values())
                return self._args(index, args)
            case PartDeltaEvent(index=index, delta=ToolCallPartDelta(args_delta=args)):
                return self._args(index, args)
            case _:
                return None

    def _text(self, text: str) -> Delta | None:
        return None if self._wrapped else Delta(text=text)

    def _args(self, index: int, args: object) -> Delta | None:
        tool, call = self._tools.get(index, ("", 0))
        piece = args if isinstance(args, str) else encode(args).decode() if args else ""
        return self._text(piece) if tool == ANSWER else Delta(tool=tool, args=piece, call=call)


def _answer_as_text(part: ModelResponsePart) -> ModelResponsePart:
    """The part, where it is the call of the answering tool as the words it stands for."""
    if isinstance(part, ToolCallPart) and part.tool_name == ANSWER:
        return TextPart(part.args_as_json_str())
    return part


def _part(part: ModelResponsePart) -> tuple[Part, ...]:
    if isinstance(part, TextPart) and part.content:
        return (Text(part.content),)
    if isinstance(part, ToolCallPart):
        return (ToolCall(part.tool_call_id, part.tool_name, _args(part.args)),)
    return ()


def _args(args: object) -> Any:
    """Arguments as an object; as they were written where they are none."""
    if not isinstance(args, str):
        return args or {}
    try:
        return json.loads(args or "{}")
    except ValueError:
        return args


def _unwrapped(part: Part) -> Part:
    """The value that `as_object` had asked for inside an object."""
    if not isinstance(part, Text):
        return part
    try:
        match json.loads(part.text):
            case {"value": value, **rest} if not rest:
                return replace(part, text=json.dumps(value, ensure_ascii=False))
            case _:
                return part
    except ValueError:
        return part


def _kept(came: Sequence[ModelResponsePart], response: ModelResponse, vendor: str) -> dict[str, Any] | None:
    """What the provider wants to see again: reasoning, signatures, ids. Nothing where there is nothing of the kind."""
    parts = [_bare(part) for part in came]
    if all(part.keys() == {"part_kind"} for part in parts):
        return None
    origin = {
        "provider_name": response.provider_name,
        "provider_url": response.provider_url,
        "canonical_system": response.canonical_system,
    }
    return {"by": vendor, "origin": origin, "parts": parts}


def _bare(part: ModelResponsePart) -> dict[str, Any]:
    """The part without what our message holds anyway."""
    body: dict[str, Any] = PARTS.dump_python(part, mode="json", exclude_none=True)
    if _part(part):
        body = {key: value for key, value in body.items() if key not in _OURS}
    return body


def _usage(response: ModelResponse) -> Usage:
    used = response.usage
    return Usage(used.input_tokens, used.output_tokens, used.cache_read_tokens, used.cache_write_tokens)
