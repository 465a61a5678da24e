"""OpenAI Responses (https://platform.openai.com/docs/api-reference/responses)."""

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
    Usage,
    system,
)
from stretto.models.scripted import deltas
from stretto.testing.dialects import Body, Said, event, media, only
from stretto.testing.dialects.chat import error

__all__ = ["error", "read", "stream", "whole"]


def read(body: Body) -> ModelRequest:
    """The request as ours."""
    names: dict[str, str] = {}
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    head = [system(body["instructions"])] if body.get("instructions") else []
    messages = head + [message for item in items if (message := _message(item, names))]
    tools = tuple(
        ToolSpec(tool["name"], tool.get("description") or "", tool["parameters"])
        for tool in body.get("tools", ())
        if tool["type"] == "function"
    )
    form = (body.get("text") or {}).get("format") or {}
    settings = only(
        body, temperature="temperature", top_p="top_p", max_tokens="max_output_tokens", tool_choice="tool_choice"
    )
    return ModelRequest(Conversation.of(messages), tools, form.get("schema"), settings)


def whole(said: Said) -> Body:
    """The answer in one body."""
    return _response(said.reply, "completed", list(_items(said)))


def stream(said: Said) -> Iterator[str]:
    """The answer as server-sent events."""
    events = [("response.created", {"response": _response(said.reply, "in_progress", [])})]
    for index, item in enumerate(_items(said)):
        events += [(name, {"output_index": index, "item_id": item["id"]} | body) for name, body in _unfolded(item)]
    events.append(("response.completed", {"response": whole(said)}))
    for number, (name, body) in enumerate(events):
        yield event({"type": name, "sequence_number": number} | body, name)


def _response(reply: ModelReply, status: str, output: list[Body]) -> Body:
    used = _usage(reply.usage) if status == "completed" else None
    return {
        "id": "resp_fake",
        "object": "response",
        "created_at": 0,
        "status": status,
        "model": reply.model,
        "output": output,
        "usage": used,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def _items(said: Said) -> Iterator[Body]:
    if said.thinking:
        summary = [{"type": "summary_text", "text": said.thinking}]
        yield {"id": "rs_fake", "type": "reasoning", "summary": summary, "encrypted_content": "c2VhbGVk"}
    for place, part in enumerate(said.reply.message.parts):
        if isinstance(part, Text):
            content = [{"type": "output_text", "text": part.text, "annotations": []}]
            yield {
                "id": f"msg_{place}",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": content,
            }
        elif isinstance(part, ToolCall):
            yield {
                "id": f"fc_{place}",
                "type": "function_call",
                "status": "completed",
                "call_id": part.id,
                "name": part.name,
                "arguments": json.dumps(part.args),
            }


def _unfolded(item: Body) -> Iterator[tuple[str, Body]]:
    """An item as it streams: empty at first, then in pieces, then whole."""
    match item["type"]:
        case "message":
            yield "response.output_item.added", {"item": item | {"content": [], "status": "in_progress"}}
            yield from _words(item["content"][0])
        case "function_call":
            yield "response.output_item.added", {"item": item | {"arguments": "", "status": "in_progress"}}
            args = item["arguments"]
            for piece in (args[: len(args) // 2], args[len(args) // 2 :]):
                yield "response.function_call_arguments.delta", {"delta": piece}
            yield "response.function_call_arguments.done", {"arguments": args, "name": item["name"]}
        case _:
            yield "response.output_item.added", {"item": item}
    yield "response.output_item.done", {"item": item}


def _words(content: Body) -> Iterator[tuple[str, Body]]:
    where = {"content_index": 0}
    yield "response.content_part.added", where | {"part": content | {"text": ""}}
    for delta in deltas(Message("assistant", (Text(content["text"]),))):
        yield "response.output_text.delta", where | {"delta": delta.text, "logprobs": []}
    yield "response.output_text.done", where | {"text": content["text"], "logprobs": []}
    yield "response.content_part.done", where | {"part": content}


def _usage(usage: Usage) -> Body:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input + usage.output,
    }


def _message(item: Body, names: dict[str, str]) -> Message | None:
    """One item; `names` remembers which tool each call was of, since results do not say."""
    match item:
        case {"type": "function_call", "call_id": call, "name": name, "arguments": args}:
            names[call] = name
            return Message("assistant", (ToolCall(call, name, json.loads(args)),))
        case {"type": "function_call_output", "call_id": call, "output": output}:
            return Message("tool", (ToolResult(call, names.get(call, ""), _text(output)),))
        case {"role": "system" | "developer", "content": content}:
            return system(_text(content))
        case {"role": role, "content": content}:
            return Message(role, tuple(_parts(content)))
        case _:
            return None


def _text(content: str | list[Any]) -> str:
    return "".join(part.text for part in _parts(content) if isinstance(part, Text))


def _parts(content: str | list[Any]) -> Iterator[Part]:
    if isinstance(content, str):
        yield Text(content)
        return
    for part in content:
        match part:
            case {"type": "input_text" | "output_text", "text": text}:
                yield Text(text)
            case {"type": "input_image", "image_url": url}:
                yield media(url, "image/*")
            case {"type": kind}:
                yield media(str(part.get("file_url") or part.get("file_data") or ""), f"application/x-{kind}")
            case _:
                raise ValueError(f"a content part has no type: {part}")
