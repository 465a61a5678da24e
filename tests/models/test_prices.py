from decimal import Decimal

import pytest

from stretto.core.messages import Rates, Usage
from stretto.models.prices import listed_window, rates
from stretto.models.vendors import VENDORS, Endpoint


def at(vendor: str, model: str, base: str = "") -> Endpoint:
    return Endpoint(VENDORS[vendor], model, base or VENDORS[vendor].base, "key")


def price(endpoint: Endpoint) -> Rates | None:
    return rates(f"{endpoint.vendor.name}:{endpoint.model}", endpoint, {})


def test_a_listed_model_has_its_listed_price() -> None:
    listed = price(at("openai", "gpt-5-mini"))
    assert listed == Rates(Decimal("0.25"), Decimal(2), cached=Decimal("0.025"))
    assert listed.cost(Usage(input=1_000_000, output=100_000, cached=200_000)) == Decimal("0.405")
    assert listed_window(at("openai", "gpt-5-mini")) == 400_000


def test_where_the_price_depends_on_the_size_the_dearest_applies() -> None:
    tiered = price(at("google", "gemini-2.5-pro"))
    assert tiered is not None
    assert (tiered.input, tiered.output) == (Decimal("2.5"), Decimal(15))


def test_an_unknown_model_has_no_price_rather_than_a_guessed_one() -> None:
    assert price(at("openai", "gpt-nobody-knows")) is None
    assert listed_window(at("openai", "gpt-nobody-knows")) is None
    assert price(at("openai-chat", "gpt-5-mini", "https://models.example.com/v1")) is None


def test_a_model_that_is_not_paid_by_the_token_has_no_price() -> None:
    assert price(at("openai", "tts-1")) is None


@pytest.mark.parametrize(
    "name",
    [
        "openai:gpt-5-mini",
        "anthropic:claude-sonnet-4-6",
        "groq:llama-3.3-70b-versatile",
        "mistral:mistral-large-latest",
        "google:gemini-2.5-flash",
    ],
)
def test_the_models_of_every_provider_are_listed(name: str) -> None:
    vendor, _, model = name.partition(":")
    known = price(at(vendor, model))
    assert known is not None
    assert known.output > known.input > 0
