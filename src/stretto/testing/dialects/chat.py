"""OpenAI Chat Completions (https://platform.openai.com/docs/api-reference/chat)."""

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
)
from stretto.models.scripted import deltas
from stretto.testing.dialects import Body, Said, event, media, only

_FRAME = {"id": "chatcmpl-fake", "created": 0}


def read(body: Body) -> ModelRequest:
    """The request as ours."""
    form = body.get("response_format") or {}
    names: dict[str, str] = {}
    messages = [_message(message, names) for message in body["messages"]]
    tools = tuple(
        ToolSpec(
            tool["function"]["name"], tool["function"].get("description", ""), tool["function"].get("parameters", {})
        )
        for tool in body.get("tools", ())
    )
    settings = only(
        body,
        temperature="temperature",
        top_p="top_p",
        seed="seed",
        tool_choice="tool_choice",
        max_tokens="max_completion_tokens" if "max_completion_tokens" in body else "max_tokens",
    )
    output = form["json_schema"]["schema"] if form.get("type") == "json_schema" else None
    return ModelRequest(Conversation.of(messages), tools, output, settings)


def whole(said: Said) -> Body:
    """The answer in one body."""
    reply = said.reply
    message = {
        "role": "assistant",
        "content": reply.message.text or None,
        "tool_calls": [_call(call) for call in reply.message.calls] or None,
    }
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    return _FRAME | {
        "object": "chat.completion",
        "model": reply.model,
        "choices": [choice],
        "usage": _usage(reply.usage),
    }


def stream(said: Said) -> Iterator[str]:
    """The answer as server-sent events."""
    reply = said.reply
    frame = _FRAME | {"object": "chat.completion.chunk", "model": reply.model}
    yield event(frame | {"choices": [_choice({"role": "assistant", "content": ""})]})
    for delta in _pieces(reply):
        yield event(frame | {"choices": [_choice(delta)]})
    yield event(frame | {"choices": [_choice({}, _finish(reply))]})
    yield event(frame | {"choices": [], "usage": _usage(reply.usage)})
    yield "data: [DONE]\n\n"


def error(status: int, message: str) -> Body:
    """An error's body."""
    return {"error": {"message": message, "type": "fake_error", "param": None, "code": status}}


def _pieces(reply: ModelReply) -> Iterator[Body]:
    for delta in deltas(Message("assistant", tuple(p for p in reply.message.parts if isinstance(p, Text)))):
        yield {"content": delta.text}
    for index, call in enumerate(reply.message.calls):
        args = json.dumps(call.args)
        half = len(args) // 2
        head = {"index": index, "id": call.id, "type": "function"}
        yield {"tool_calls": [head | {"function": {"name": call.name, "arguments": args[:half]}}]}
        yield {"tool_calls": [{"index": index, "function": {"arguments": args[half:]}}]}


def _choice(delta: Body, finish: str | None = None) -> Body:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _finish(reply: ModelReply) -> str:
    return "tool_calls" if reply.message.calls else "stop"


def _usage(usage: Usage) -> Body:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    }


def _call(call: ToolCall) -> Body:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.args)}}


def _message(message: Body, names: dict[str, str]) -> Message:
    """One message; `names` remembers which tool each call was of, since results do not say."""
    match message["role"]:
        case "system" | "developer":
            return Message("system", tuple(_parts(message["content"])))
        case "assistant":
            calls = [
                ToolCall(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
                for call in message.get("tool_calls") or ()
            ]
            names.update({call.id: call.name for call in calls})
            return Message("assistant", (*_parts(message.get("content") or ""), *calls))
        case "tool":
            call = message["tool_call_id"]
            text = "".join(part.text for part in _parts(message["content"]) if isinstance(part, Text))
            return Message("tool", (ToolResult(call, names.get(call, ""), text),))
        case _:
            return Message("user", tuple(_parts(message["content"])))


def _parts(content: str | list[Any]) -> Iterator[Part]:
    if isinstance(content, str):
        if content:
            yield Text(content)
        return
    for part in content:
        match part:
            case {"type": "text", "text": text}:
                yield Text(text)
            case {"type": "image_url", "image_url": {"url": url}}:
                yield media(url, "image/*")
            case {"type": kind}:
                yield media(str(part[kind]), f"application/x-{kind}")
            case _:
                raise ValueError(f"a content part has no type: {part}")
