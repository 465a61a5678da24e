"""Anthropic Messages (https://platform.claude.com/docs/en/api/messages)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from stretto.core.messages import (
    Conversation,
    Message,
    ModelReply,
    ModelRequest,
    Part,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
    system,
)
from stretto.testing.dialects import Body, Said, event, media, only

SIGNATURE = "c2lnbmVkIGJ5IHRoZSBmYWtl"
"""What signs reasoning here; a driver has to give it back unchanged."""

_TYPES = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}


def read(body: Body) -> ModelRequest:
    """The request as ours."""
    names: dict[str, str] = {}
    head = (
        [system("".join(part.text for part in _parts(body["system"], names) if isinstance(part, Text)))]
        if body.get("system")
        else []
    )
    messages = [_message(message, names) for message in body["messages"]]
    tools = tuple(
        ToolSpec(tool["name"], tool.get("description", ""), tool["input_schema"]) for tool in body.get("tools", ())
    )
    form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    settings = only(body, temperature="temperature", top_p="top_p", max_tokens="max_tokens", tool_choice="tool_choice")
    return ModelRequest(Conversation.of(head + messages), tools, form.get("schema"), settings)


def whole(said: Said) -> Body:
    """The answer in one body."""
    reply = said.reply
    return _head(reply) | {"content": list(_blocks(said)), "stop_reason": _stop(reply), "usage": _usage(reply)}


def stream(said: Said) -> Iterator[str]:
    """The answer as server-sent events."""
    reply = said.reply
    start = _head(reply) | {"content": [], "stop_reason": None, "usage": _usage(reply) | {"output_tokens": 1}}
    yield _event("message_start", message=start)
    for index, block in enumerate(_blocks(said)):
        empty, deltas = _unfolded(block)
        yield _event("content_block_start", index=index, content_block=empty)
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    yield _event("message_delta", delta={"stop_reason": _stop(reply), "stop_sequence": None}, usage=_usage(reply))
    yield _event("message_stop")


def error(status: int, message: str) -> Body:
    """An error's body."""
    return {"type": "error", "error": {"type": _TYPES.get(status, "api_error"), "message": message}}


def _head(reply: ModelReply) -> Body:
    return {"id": "msg_fake", "type": "message", "role": "assistant", "model": reply.model, "stop_sequence": None}


def _blocks(said: Said) -> Iterator[Body]:
    if said.thinking:
        yield {"type": "thinking", "thinking": said.thinking, "signature": SIGNATURE}
    for part in said.reply.message.parts:
        if isinstance(part, Text):
            yield {"type": "text", "text": part.text}
        elif isinstance(part, ToolCall):
            yield {"type": "tool_use", "id": part.id, "name": part.name, "input": part.args}


def _unfolded(block: Body) -> tuple[Body, list[Body]]:
    """A block as it streams: empty at first, then in pieces."""
    match block:
        case {"type": "thinking", "thinking": thinking, "signature": signature}:
            return block | {"thinking": "", "signature": ""}, [
                {"type": "thinking_delta", "thinking": thinking},
                {"type": "signature_delta", "signature": signature},
            ]
        case {"type": "text", "text": text}:
            return block | {"text": ""}, [{"type": "text_delta", "text": piece} for piece in _halves(text)]
        case _:
            pieces = _halves(json.dumps(block["input"]))
            return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def _event(name: str, **body: Any) -> str:
    return event({"type": name} | body, name)


def _stop(reply: ModelReply) -> str:
    return "tool_use" if reply.message.calls else "end_turn"


def _usage(reply: ModelReply) -> Body:
    """Here the cache stands beside the input, not in it."""
    used = reply.usage
    return {
        "input_tokens": used.input - used.cached - used.cache_written,
        "output_tokens": used.output,
        "cache_read_input_tokens": used.cached,
        "cache_creation_input_tokens": used.cache_written,
    }


def _message(message: Body, names: dict[str, str]) -> Message:
    return Message(message["role"], tuple(_parts(message["content"], names)))


def _parts(content: str | list[Any], names: dict[str, str]) -> Iterator[Part]:
    """The parts; `names` remembers which tool each call was of, since results do not say."""
    if isinstance(content, str):
        yield Text(content)
        return
    for block in content:
        match block:
            case {"type": "text", "text": text}:
                yield Text(text)
            case {"type": "tool_use", "id": call, "name": name, "input": args}:
                names[call] = name
                yield ToolCall(call, name, args)
            case {"type": "tool_result", "tool_use_id": call}:
                text = "".join(part.text for part in _parts(block.get("content", ""), names) if isinstance(part, Text))
                yield ToolResult(call, names.get(call, ""), text, not block.get("is_error", False))
            case {"source": {"type": "base64", "media_type": kind, "data": data}}:
                yield media(f"data:{kind};base64,{data}")
            case {"source": {"url": url}}:
                yield media(url)
            case _:
                continue  # reasoning given back, which says nothing new
