import json
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto.core.messages import Conversation, Media, Message, ModelRequest, ToolCall, ToolResult, user
from stretto.models.tokens import DEAR_IMAGE, IMAGE, estimate, message_tokens, text_tokens
from stretto.testing.conformance import SEARCH, VERDICT, asked

SCRIPTS = [
    "Hello, world",
    "Größe",
    "Привет, мир",
    "世界こんにちは",
    "שלום",
    "مرحبا",
    "नमस्ते",
    "👩‍👩‍👧🏽",
    "e\u0301",
    "ﷺ",
    "\x00\x01",
]
ROOM = 100_000


@pytest.mark.capability(64)
@given(st.text() | st.sampled_from(SCRIPTS), st.lists(st.binary(min_size=2, max_size=4), max_size=30))
def test_no_byte_level_bpe_makes_more_tokens_than_the_bound(text: str, merges: list[bytes]) -> None:
    assert _bpe(normalize("NFKC", text), merges) <= text_tokens(text)
    assert _bpe(text, merges) <= text_tokens(text)


def _bpe(text: str, vocabulary: list[bytes]) -> int:
    """Byte-level BPE: start from the bytes, merge neighbours that together are in the vocabulary, in its order."""
    tokens = [bytes([byte]) for byte in text.encode("utf-8", "surrogatepass")]
    for merged in vocabulary:
        place = 0
        while place + 1 < len(tokens):
            if tokens[place] + tokens[place + 1] == merged:
                tokens[place : place + 2] = [merged]
            place += 1
    return len(tokens)


@given(st.text())
def test_a_longer_conversation_never_costs_less(text: str) -> None:
    short = Conversation.of([user("Hi")])
    longer = Conversation.of([user("Hi"), user(text)])
    assert estimate(ModelRequest(longer), ROOM) > estimate(ModelRequest(short), ROOM)


def test_everything_that_is_sent_is_counted() -> None:
    plain = estimate(asked("Hi"), ROOM)
    assert estimate(asked("Hi", tools=(SEARCH,)), ROOM) > plain + len(json.dumps(SEARCH.parameters))
    assert estimate(asked("Hi", output=VERDICT), ROOM) > plain + len(json.dumps(VERDICT)) - 50
    result = Message("tool", (ToolResult("call_1", "search", "x" * 500),))
    called = Message("assistant", (ToolCall("call_1", "search", {"query": "世" * 100}),))
    assert message_tokens(result) > 500
    assert message_tokens(called) > 600, "some servers write arguments with escapes, six letters each"


def test_what_a_provider_wants_back_is_counted() -> None:
    kept = Message("assistant", (), {"parts": [{"signature": "s" * 1_000}]})
    assert message_tokens(kept) > 1_000


def test_an_image_has_its_price_and_a_document_takes_all_the_room() -> None:
    image = ModelRequest(Conversation.of([user([Media("image/png", "https://example.com/a.png")])]))
    document = ModelRequest(Conversation.of([user([Media("application/pdf", "https://example.com/a.pdf")])]))
    assert IMAGE < estimate(image, ROOM) < IMAGE + 100
    assert estimate(image, ROOM, DEAR_IMAGE) > DEAR_IMAGE
    assert estimate(document, ROOM) == ROOM
