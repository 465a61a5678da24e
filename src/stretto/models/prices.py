"""What models cost and how much they read at once: the user's own table first, then the list that is installed.

The list is the one bundled with `genai-prices`; nothing is fetched. Where a price depends on the size of a request or
on the hour, the dearest applies, so that a cap of money holds; a table of one's own can be more exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from stretto.core.messages import FREE, Rates
from stretto.models.vendors import Endpoint

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices


def rates(name: str, endpoint: Endpoint, own: Mapping[str, Rates]) -> Rates | None:
    """What `name` costs: as `own` says, else as listed; None where nobody knows.

    A model of this machine costs nothing; but one that goes by the name of a model that is sold may be a proxy to it.
    """
    if name in own:
        return own[name]
    if endpoint.vendor.name == "ollama":
        return FREE
    listed = _find(endpoint.model, endpoint.vendor.pricing, None) if endpoint.local else _listed(endpoint)
    if listed is None:
        return FREE if endpoint.local else None
    return _dearest(_prices(listed, datetime.now(UTC)))


def listed_window(endpoint: Endpoint) -> int | None:
    """How many tokens the model reads at once, wherever it runs; None where the list does not have it."""
    listed = _find(endpoint.model, endpoint.vendor.pricing, None)
    return listed.context_window if listed else None


def _listed(endpoint: Endpoint) -> ModelInfo | None:
    """The model as its host sells it: another host has its own prices."""
    if endpoint.base == endpoint.vendor.base:
        return _find(endpoint.model, endpoint.vendor.pricing, None)
    return _find(endpoint.model, None, endpoint.base)


def _find(model: str, provider: str | None, url: str | None) -> ModelInfo | None:
    # The list takes half a second to import, and only real models need it.
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    try:
        return get_snapshot().find_provider_model(model, None, provider, url)[1]
    except LookupError:
        return None


def _prices(model: ModelInfo, now: datetime) -> Iterator[ModelPrice]:
    """The prices that may apply from now on: the one of the day, and all that depend on the hour."""
    yield model.get_prices(now)
    if isinstance(model.prices, list):
        yield from (price.prices for price in model.prices if hasattr(price.constraint, "start_time"))


def _dearest(prices: Iterable[ModelPrice]) -> Rates | None:
    """The highest of each price; None where tokens are not what is paid for, or not all of it."""
    known = list(prices)
    fee, input_, output = (_highest(known, key) for key in ("requests_kcount", "input_mtok", "output_mtok"))
    if fee or input_ is None or output is None:
        return None
    reasoning = _highest(known, "output_reasoning_mtok") or output
    return Rates(
        input_, max(output, reasoning), _highest(known, "cache_read_mtok"), _highest(known, "cache_write_mtok")
    )


def _highest(prices: list[ModelPrice], key: str) -> Decimal | None:
    return max((_worst(value) for price in prices if (value := getattr(price, key)) is not None), default=None)


def _worst(price: Decimal | TieredPrices) -> Decimal:
    return price if isinstance(price, Decimal) else max(price.base, *(tier.price for tier in price.tiers))
