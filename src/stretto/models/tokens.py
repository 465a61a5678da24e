"""How many tokens a request comes to, without any provider's tokenizer: at most, and likely.

**At most** (`estimate`), for money: a text has no more tokens than its UTF-8 form has bytes. Byte-level BPE (OpenAI,
Llama 3, Qwen, Claude) starts from the bytes and only merges; SentencePiece with byte fallback (Gemini, Mistral, Llama 2)
spends at most the bytes of a character on it. Tokenizers that normalise first can see a longer text, so text beyond ASCII
counts by the longer of itself and its NFKC form. Around the text stand the constants below. The error: the bound is three
to five times the real count for natural language (eight for Indic scripts with the newest vocabularies), and exact for
what no tokenizer has learnt. Nothing tighter holds for every tokenizer: random letters already reach two thirds of it.

**Likely** (`likely_text`, `likely_message`), for windows, where the bound would leave three quarters of a model unused:
weights by kind of character, so chosen that natural language, code and JSON count between the real number and three times
it. Two kinds of text lie outside: Indic scripts (from three quarters, with the vocabularies of 2023, to three and a half
times, with today's), and what is no language (base64 counts three quarters of what it comes to, random letters a third).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from unicodedata import normalize

from stretto.core.canonical import encode
from stretto.core.messages import Media, Message, ModelRequest, Part, Text, ToolCall, ToolResult
from stretto.core.text import beginning

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

LIKELY_MESSAGE, LIKELY_PART, LIKELY_IMAGE, LIKELY_DOCUMENT = 4, 8, 1_600, 5_000
"""Around a message, around a part of one, an image, and a document of a few pages: what is usual, not the most."""


def estimate(request: ModelRequest, room: int, image: int = IMAGE) -> int:
    """No fewer input tokens than any provider bills for the request.

    `room` is what the window leaves for input: a document, sound or film, whose tokens only the provider can count,
    counts as all of it.
    """
    total = REQUEST + request.conversation.total(_measure(image))
    if request.tools:
        total += TOOLS + sum(text_tokens(encode(tool).decode()) + PART for tool in request.tools)
    if request.output is not None:
        total += TOOLS + text_tokens(encode(request.output).decode())
    return max(total, room) if request.conversation.total(_holds_document) else total


@cache
def _measure(image: int) -> Callable[[Message], int]:
    return lambda message: message_tokens(message, image)


def message_tokens(message: Message, image: int = IMAGE) -> int:
    """No fewer tokens than the message comes to, its role and separators included, but without its documents."""
    kept = 0 if message.provider is None else text_tokens(encode(message.provider).decode())
    return MESSAGE + kept + sum(_part_tokens(part, image) for part in message.parts)


def text_tokens(text: str) -> int:
    """No fewer tokens than the text comes to: its UTF-8 bytes, or those of its NFKC form where these are more."""
    if text.isascii():
        return len(text)
    return max(_size(text), _size(normalize("NFKC", text)))


def likely_text(text: str) -> int:
    """About as many tokens as the text comes to, rather more: see the head of this module."""
    if text.isascii():
        return _likely_ascii(text.encode())
    data = text.encode("utf-8", "surrogatepass")
    plain = data.translate(None, _BEYOND)
    rare = len(data.translate(None, _COMMON))  # characters of four bytes: emoji, and what no vocabulary has whole
    return _likely_ascii(plain) + (len(data) - len(plain) + 1) // 2 + rare


def clipped(text: str, tokens: int) -> str:
    """The longest beginning of a text that is likely to come to no more tokens, and splits no visible character."""
    most = text[: 4 * max(0, tokens)]  # no character counts less than a quarter
    return beginning(most, lambda shorter: likely_text(shorter) <= tokens)


def likely_message(message: Message) -> int:
    """About as many tokens as the message comes to; a document, whose pages nobody has counted, as one of a few."""
    kept = 0 if message.provider is None else likely_text(encode(message.provider).decode())
    return LIKELY_MESSAGE + kept + sum(map(_likely_part, message.parts))


def heft(message: Message) -> int:
    """No fewer tokens than are likely, found at the cost of looking at a few lengths."""
    total = LIKELY_MESSAGE if message.provider is None else LIKELY_MESSAGE + len(encode(message.provider))
    for part in message.parts:
        match part:
            case Text(text):
                total += 1 + (len(text) if text.isascii() else 4 * len(text))
            case ToolCall(id_, name, args):
                total += LIKELY_PART + 4 * (len(id_) + len(name)) + len(encode(args))
            case ToolResult(call, name, content):
                size = len(content) if content.isascii() else 4 * len(content)
                total += LIKELY_PART + 4 * (len(call) + len(name)) + size
            case _:
                total += _likely_part(part)
    return total


def _likely_ascii(data: bytes) -> int:
    """A token for four small letters or spaces, and three for four digits, capitals or signs."""
    dense = len(data.translate(None, _LOOSE))
    return (len(data) - dense + 3 * dense + 3) // 4


def _likely_part(part: Part) -> int:
    match part:
        case Text(text):
            return likely_text(text)
        case ToolCall(id_, name, args):
            return LIKELY_PART + likely_text(id_) + likely_text(name) + likely_text(encode(args).decode())
        case ToolResult(call, name, content):
            return LIKELY_PART + likely_text(call) + likely_text(name) + likely_text(content)
        case Media(media_type):
            return LIKELY_PART + (LIKELY_IMAGE if media_type.startswith("image/") else LIKELY_DOCUMENT)


_LOOSE = bytes(range(0x61, 0x7B)) + b" \n\r\t"
_BEYOND = bytes(range(0x80, 0x100))
_COMMON = bytes(range(0xF0))


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
