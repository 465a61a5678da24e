"""A model of another framework behind our port: that framework asks it, stretto reserves, records and counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from pydantic_core import to_jsonable_python

from stretto.core.canonical import digest, encode
from stretto.core.errors import ModelError, UsageError
from stretto.core.events import Encoded, StepDone
from stretto.core.messages import Conversation, Delta, ModelReply, ModelRequest, Rates, Usage, assistant, link
from stretto.core.values import Spend
from stretto.models import failures, prices
from stretto.models.resolve import MAX_OUTPUT, WINDOW
from stretto.models.tokens import estimate
from stretto.models.vendors import VENDORS, Endpoint
from stretto.runtime.scope import Scope

COUNTED = "(what was said is not known here; its tokens were told afterwards)"
"""Stands for the answer of a model whose call was counted when it was over."""


@dataclass(slots=True)
class Theirs:
    """One call of such a model; `ask` makes it."""

    name: str
    rates: Rates | None
    window: int
    max_output: int
    ask: Callable[[], Awaitable[ModelReply]]

    async def reply(self, request: ModelRequest, watch: Callable[[Delta], None] | None = None) -> ModelReply:
        """See `Model.reply`."""
        try:
            return await self.ask()
        except ModelError:
            raise
        except Exception as error:  # each SDK has errors of its own
            raise _failure(self.name, error) from error

    def estimate(self, request: ModelRequest) -> int:
        """See `Model.estimate`."""
        return estimate(request, self.window - self.max_output)


def theirs(scope: Scope, name: str, ask: Callable[[], Awaitable[ModelReply]]) -> Theirs:
    """A call of a model that goes by `provider:model`, with what the app, else the list of prices, knows of it."""
    try:
        known = scope.run.model(name)
        return Theirs(name, known.rates, known.window, known.max_output, ask)
    except UsageError:  # no key of ours, or no provider of ours: the framework has its own way to it
        return Theirs(name, _listed(name), WINDOW, MAX_OUTPUT, ask)


async def count(scope: Scope, name: str, usage: Usage) -> None:
    """Record a call of a model that is over, as the framework told of it: it is paid for, and could not be refused."""
    ident = scope.identify("model", name, encode([usage.input, usage.output]))
    if scope.recall(ident) is not None:
        return
    rates = theirs(scope, name, _never).rates
    usd = rates.cost(usage) if rates is not None else Decimal(0)
    scope.account.spend(Spend(usd, usage.input, usage.output, 1, unpriced=int(rates is None)))
    frame, (head, stored) = ModelRequest(Conversation()).frame(), link("", assistant(COUNTED))
    asked = Encoded(encode({"conversation": "", "frame": digest(frame), "model": name}))
    used = (usage.input, usage.output, usage.cached, usage.cache_written)
    answer = Encoded(encode({"finish": "stop", "message": head}))
    done = StepDone("model", name, answer, asked, 0, used, str(usd) if usd else "", name)
    await scope.run.commit(scope.record(done, ident, blobs=[(head, stored), (digest(frame), frame)]))


async def _never() -> ModelReply:
    raise AssertionError("a call that is over is not made")


def _listed(name: str) -> Rates | None:
    provider, _, model = name.partition(":")
    vendor = VENDORS.get(provider)
    return prices.rates(name, Endpoint(vendor, model, vendor.base, ""), {}) if vendor is not None and model else None


def called(model: object, provider: str = "") -> str:
    """What a model of another framework is called here: `provider:model` where it says so, else by its class."""
    named = getattr(model, "model", None) or getattr(model, "model_name", None)
    if not isinstance(named, str) or not named:
        return type(model).__name__
    if "/" in named:
        return "-".join(named.replace("/", ":", 1).split())
    return "-".join((f"{provider}:{named}" if provider else named).split())


def plain(value: object) -> object:
    """A value of another framework as JSON: its models and dataclasses as objects, what has no such form by its name."""
    known: object = to_jsonable_python(value, fallback=_by_name, inf_nan_mode="strings", bytes_mode="base64")
    return known


def _by_name(value: object) -> str:
    return str(getattr(value, "__qualname__", None) or type(value).__qualname__)


def _failure(name: str, error: Exception) -> ModelError:
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else None
    unheard = status is None and any(word in type(error).__name__ for word in ("Connect", "Timeout", "Network"))
    passing = unheard or (status is not None and failures.retryable(status))
    return ModelError(f"{name}: {type(error).__name__}: {error}", status=status, retryable=passing)
