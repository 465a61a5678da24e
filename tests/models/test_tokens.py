import asyncio
import json
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto.core.messages import Conversation, Media, Message, ModelRequest, ToolCall, ToolResult, user
from stretto.models.resolve import resolve
from stretto.models.tokens import (
    DEAR_IMAGE,
    IMAGE,
    clipped,
    estimate,
    heft,
    likely_message,
    likely_text,
    message_tokens,
    text_tokens,
)
from stretto.testing import FakeProvider
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

PUBLISHED = {
    "Hello, my name is GPT-4o. I'm a new type of language model, it's nice to meet you!": (27, 24),
    "Hallo, mein Name is GPT-4o. Ich bin ein neues KI-Sprachmodell. Es ist schön, dich kennenzulernen.": (34, 29),
    "Привет, меня зовут GPT-4o. Я — новая языковая модель, приятно познакомиться!": (39, 23),
    "مرحبًا، اسمي جي بي تي-4o. أنا نوع جديد من نموذج اللغة، سررت بلقائك!": (53, 26),
    "你好，我的名字是GPT-4o。我是一种新型的语言模型，很高兴见到你!": (34, 24),
    "こんにちは、私の名前はGPT-4oです。私は新しいタイプの言語モデルです。初めまして!": (37, 26),
    "안녕하세요, 제 이름은 GPT-4o입니다. 저는 새로운 유형의 언어 모델입니다, 만나서 반갑습니다!": (45, 27),
    "नमस्ते, मेरा नाम जीपीटी-4o है। मैं एक नए प्रकार का भाषा मॉडल हूँ। आपसे मिलकर अच्छा लगा!": (90, 31),
    "હેલો, મારું નામ જીપીટી-4o છે. હું એક નવા પ્રકારનું ભાષા મોડલ છું. તમને મળીને સારું લાગ્યું!": (145, 33),
}
"""Tokens of GPT-4 and GPT-4o, as OpenAI published them with the newer vocabulary (Hello GPT-4o, 13 May 2024)."""
INDIC = ("नमस्ते", "હેલો")


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


# ---- the documented error


@pytest.mark.capability(64)
@pytest.mark.parametrize("text", PUBLISHED)
def test_published_counts_lie_within_the_documented_error(text: str) -> None:
    old, new = PUBLISHED[text]
    assert max(old, new) <= text_tokens(text) <= (8 if text.startswith(INDIC) else 6) * new
    if text.startswith(INDIC):
        assert 0.75 * old <= likely_text(text) <= 3.5 * new
    else:
        assert old <= likely_text(text) <= 3 * new


@pytest.mark.capability(64)
def test_a_provider_bills_no_more_than_was_counted_and_not_much_less() -> None:
    text = "吾輩は猫である。名前はまだ無い。どこで生れたか頓と見当がつかぬ。" * 32
    with FakeProvider(["はい"]) as fake:
        model = resolve("openai:gpt-5-mini", fake.environment)
        request = asked(text[:1_000])
        asyncio.run(model.reply(request))
        billed = fake.bills[0].input
    assert billed <= sum(map(likely_message, request.messages)) <= 3 * billed
    assert billed <= model.estimate(request) <= 5 * billed


@pytest.mark.capability(64, 142)
@given(st.text() | st.sampled_from(SCRIPTS))
def test_what_is_likely_is_no_more_than_the_bound_and_grows_with_the_text(text: str) -> None:
    for message in (user(text), Message("tool", (ToolResult("c", "search", text),))):
        assert likely_message(message) <= heft(message)
        assert likely_message(message) <= message_tokens(message)
    assert 0 <= likely_text(text) <= likely_text(text + "x")


@pytest.mark.capability(142)
@given(st.text() | st.sampled_from(SCRIPTS), st.integers(0, 30))
def test_a_clipped_text_is_the_longest_beginning_that_fits(text: str, tokens: int) -> None:
    shown = clipped(text, tokens)
    assert text.startswith(shown)
    assert likely_text(shown) <= tokens


def test_a_clip_splits_no_visible_character() -> None:
    assert clipped("👩‍👩‍👧🏽" * 3, 20) == "👩‍👩‍👧🏽"
    assert clipped("👩‍👩‍👧🏽" * 3, 14) == ""
    assert clipped("e\u0301e\u0301", 2) == "e\u0301"
    assert clipped("x" * 400, 100) == "x" * 400


def test_code_counts_a_little_more_than_it_comes_to() -> None:
    code = Path(__file__).read_text(encoding="utf-8")[-3_000:]
    assert len(code) / 4 < likely_text(code) < len(code) / 1.8
