"""Our request, as the models layer takes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic_ai.messages import (
    AudioUrl,
    BinaryContent,
    DocumentUrl,
    ImageUrl,
    ModelMessage,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
    VideoUrl,
)
from pydantic_ai.messages import ModelRequest as Turn
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from stretto.core.blobs import Blob
from stretto.core.errors import UsageError
from stretto.core.messages import Media, Message, ModelRequest, Part, Text, ToolCall, ToolResult

ANSWER = "final_result"
"""The tool by which a provider without typed answers gives one."""

_SETTINGS = frozenset({"temperature", "max_tokens", "top_p", "seed", "tool_choice", "timeout"})
PARTS: TypeAdapter[ModelResponsePart] = TypeAdapter(ModelResponsePart)


async def conversation(messages: Sequence[Message], vendor: str, fetch: Blob | None) -> list[ModelMessage]:
    """The turns so far. Parts that a provider wants to see again go back to `vendor` only."""
    turns: list[ModelMessage] = []
    for message in messages:
        if message.role == "assistant":
            turns.append(_answer(message, vendor))
            continue
        parts = await _said(message, fetch)
        if turns and isinstance(turns[-1], Turn):
            turns[-1] = Turn([*turns[-1].parts, *parts])
        else:
            turns.append(Turn(parts))
    return turns


def parameters(request: ModelRequest, *, typed: bool) -> ModelRequestParameters:
    """Tools and output; `typed` says whether the model takes a JSON schema for its answer."""
    tools = [
        ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=tool.parameters)
        for tool in request.tools
    ]
    if request.output is None:
        return ModelRequestParameters(function_tools=tools)
    schema = as_object(request.output)
    if typed:
        answer = OutputObjectDefinition(json_schema=schema, name=ANSWER)
        return ModelRequestParameters(function_tools=tools, output_mode="native", output_object=answer)
    tool = ToolDefinition(
        name=ANSWER, description="Give the final answer.", parameters_json_schema=schema, kind="output"
    )
    return ModelRequestParameters(
        function_tools=tools, output_mode="tool", output_tools=[tool], allow_text_output=False
    )


def settings(request: ModelRequest, max_output: int) -> ModelSettings:
    """Settings by the names of the models layer; one try, and never more output than is reserved for it."""
    given = request.settings
    if unknown := given.keys() - _SETTINGS:
        raise UsageError(
            f"the model setting {min(unknown)!r} is unknown; the settings are {', '.join(sorted(_SETTINGS))}"
        )
    chosen = ModelSettings(max_tokens=given.get("max_tokens") or max_output, max_retries=0)
    if (limit := given.get("timeout")) is not None:
        chosen["request_timeout"] = limit
    if (choice := given.get("tool_choice")) is not None:
        chosen["tool_choice"] = choice if choice in ("auto", "none", "required") else [choice]
    if (temperature := given.get("temperature")) is not None:
        chosen["temperature"] = temperature
    if (top_p := given.get("top_p")) is not None:
        chosen["top_p"] = top_p
    if (seed := given.get("seed")) is not None:
        chosen["seed"] = seed
    return chosen


def as_object(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema if it is an object's, as providers demand, else that of an object with it as its `value`."""
    if schema.get("type") == "object":
        return schema
    inner = {key: value for key, value in schema.items() if key != "$defs"}
    wrapped = {"type": "object", "properties": {"value": inner}, "required": ["value"], "additionalProperties": False}
    return wrapped | ({"$defs": schema["$defs"]} if "$defs" in schema else {})


async def _said(message: Message, fetch: Blob | None) -> list[ModelRequestPart]:
    if message.role == "system":
        return [SystemPromptPart(message.text)]
    parts: list[ModelRequestPart] = []
    content: list[UserContent] = []
    for part in message.parts:
        match part:
            case ToolResult(call, name, text, ok):
                parts.append(ToolReturnPart(name, text, call, outcome="success" if ok else "failed"))
            case Text(text):
                content.append(text)
            case Media():
                content.append(await _file(part, fetch))
            case ToolCall():
                raise UsageError(f"a {message.role} message holds a call of {part.name!r}; only a model calls tools")
    if content:
        parts.append(UserPromptPart(message.text if _only_words(message) else content))
    return parts


def _only_words(message: Message) -> bool:
    return not any(isinstance(part, Media) for part in message.parts)


async def _file(media: Media, fetch: Blob | None) -> UserContent:
    if media.url.startswith("data:"):
        return BinaryContent.from_data_uri(media.url)
    if media.url:
        return _by_url(media)
    if fetch is None:
        raise UsageError(
            f"a message holds the stored {media.media_type} {media.digest}, but nothing to read it with; "
            "give the model `blobs`, or the file by its URL"
        )
    return BinaryContent(await fetch(media.digest), media_type=media.media_type)


def _by_url(media: Media) -> UserContent:
    match media.media_type.partition("/")[0]:
        case "image":
            return ImageUrl(media.url, media_type=media.media_type)
        case "audio":
            return AudioUrl(media.url, media_type=media.media_type)
        case "video":
            return VideoUrl(media.url, media_type=media.media_type)
        case _:
            return DocumentUrl(media.url, media_type=media.media_type)


def _answer(message: Message, vendor: str) -> ModelResponse:
    kept = message.provider
    if isinstance(kept, dict) and kept.get("by") == vendor:
        return ModelResponse(list(_verbatim(kept["parts"], message)), **kept["origin"])
    return ModelResponse([part for ours in message.parts if (part := _plain(ours)) is not None])


def _verbatim(kept: Sequence[dict[str, Any]], message: Message) -> Iterator[ModelResponsePart]:
    """The parts as they came. Words and calls, which were not stored twice, are taken from the message in order."""
    ours = iter([part for part in message.parts if isinstance(part, Text | ToolCall)])
    for part in kept:
        if part["part_kind"] not in ("text", "tool-call") or "content" in part:
            yield PARTS.validate_python(part)
        elif (own := next(ours, None)) is not None:
            yield PARTS.validate_python(part | _own(own))


def _own(part: Text | ToolCall) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"part_kind": "text", "content": part.text}
    return {"part_kind": "tool-call", "tool_name": part.name, "args": part.args, "tool_call_id": part.id}


def _plain(part: Part) -> ModelResponsePart | None:
    match part:
        case Text(text):
            return TextPart(text)
        case ToolCall(id_, name, args):
            return ToolCallPart(name, args, id_)
        case _:
            return None
