"""How many tokens a request can come to at most, without any provider's tokenizer.

The rule: a text has no more tokens than its UTF-8 form has bytes. Byte-level BPE (OpenAI, Llama 3, Qwen, Claude) starts
from the bytes and only merges; SentencePiece with byte fallback (Gemini, Mistral, Llama 2) spends at most the bytes of
a character on it. Tokenizers that normalise first can see a longer text, so text beyond ASCII counts by the longer of
itself and its NFKC form. Around the text stand the constants below.

The error: the bound is about four times the real count for English, two to three times for Cyrillic, Arabic or CJK,
and exact for what no tokenizer has learnt. Nothing tighter holds for every tokenizer: random letters already reach
two thirds of it.
"""

from __future__ import annotations

import json
from unicodedata import normalize

from stretto.core.canonical import encode
from stretto.core.messages import Media, Message, ModelRequest, Part, Text, ToolCall, ToolResult

REQUEST = 16
"""Tokens around a request: the marks that begin the answer."""

MESSAGE = 8
"""Tokens around a message: its role and separators; OpenAI documents 3 or 4."""

PART = 32
"""Tokens around a tool call, a tool result or a medium: ids, tags."""

TOOLS = 1_024
"""Tokens of the instructions a provider adds once a request has tools; Anthropic documents up to 806."""

IMAGE = 8_192
"""Tokens of one image; Claude documents up to 4,784, GPT-5 1,190."""

DEAR_IMAGE = 50_000
"""The same for `gpt-4o-mini`, which bills up to 48,169 for a large one."""


def estimate(request: ModelRequest, room: int, image: int = IMAGE) -> int:
    """No fewer input tokens than any provider bills for the request.

    `room` is what the window leaves for input: a document, sound or film, whose tokens only the provider can count,
    counts as all of it.
    """
    total = REQUEST + sum(message_tokens(message, image) for message in request.messages)
    if request.tools:
        total += TOOLS + sum(text_tokens(encode(tool).decode()) + PART for tool in request.tools)
    if request.output is not None:
        total += TOOLS + text_tokens(encode(request.output).decode())
    return max(total, room) if any(map(_holds_document, request.messages)) else total


def message_tokens(message: Message, image: int = IMAGE) -> int:
    """No fewer tokens than the message comes to, its role and separators included, but without its documents."""
    kept = 0 if message.provider is None else text_tokens(encode(message.provider).decode())
    return MESSAGE + kept + sum(_part_tokens(part, image) for part in message.parts)


def text_tokens(text: str) -> int:
    """No fewer tokens than the text comes to: its UTF-8 bytes, or those of its NFKC form where these are more."""
    if text.isascii():
        return len(text)
    return max(_size(text), _size(normalize("NFKC", text)))


def _holds_document(message: Message) -> bool:
    return any(isinstance(part, Media) and not part.media_type.startswith("image/") for part in message.parts)


def _part_tokens(part: Part, image: int) -> int:
    match part:
        case Text(text):
            return text_tokens(text)
        case ToolCall(id_, name, args):
            return PART + text_tokens(id_) + text_tokens(name) + len(json.dumps(args))
        case ToolResult(call, name, content):
            return PART + text_tokens(call) + text_tokens(name) + text_tokens(content)
        case Media():
            return PART + image


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
