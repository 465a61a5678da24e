"""A model behind what protects its provider: the pace, the breaker, and a time limit for each call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from stretto.core.errors import ModelError
from stretto.core.messages import Delta, ModelReply, ModelRequest
from stretto.core.ports import Model
from stretto.models.breaker import PATIENCE, Breaker
from stretto.models.news import now
from stretto.models.pace import Limit, Pace, Turn, Window

Watch = Callable[[Delta], None]


class Guards:
    """The pace and the breaker of each provider; the runs of an app share one of these."""

    def __init__(self, limits: Mapping[str, str | int | Limit] | None = None) -> None:
        """`limits` says what a minute allows, and how many calls at once, by provider or model ("openai:gpt-5-mini")."""
        self._limits = {name: Limit.parse(limit) for name, limit in (limits or {}).items()}
        self._guards: dict[str, tuple[Pace, Breaker]] = {}

    def around(self, model: Model, *, patient: bool = True) -> Model:
        """The same model, guarded. Unless it is `patient`, a call fails at once while the provider is down."""
        pace, breaker = self._guards.get(model.name) or self._of(model.name)
        return Guarded(model, pace, breaker, PATIENCE if patient else 0.0)

    def _of(self, model: str) -> tuple[Pace, Breaker]:
        provider = model.partition(":")[0]
        if provider not in self._guards:
            self._guards[provider] = Pace(provider, self._limits), Breaker(provider)
        self._guards[model] = self._guards[provider]
        return self._guards[model]


class Guarded:
    """See `Model`. A call waits for its turn; one that takes longer than the setting `timeout` is a `ModelError`."""

    __slots__ = ("_breaker", "_model", "_pace", "_patience", "max_output", "name", "rates", "window")

    def __init__(self, model: Model, pace: Pace, breaker: Breaker, patience: float) -> None:
        self.name, self.rates, self.window, self.max_output = model.name, model.rates, model.window, model.max_output
        self._model, self._pace, self._breaker, self._patience = model, pace, breaker, patience

    async def reply(self, request: ModelRequest, watch: Watch | None = None) -> ModelReply:
        """See `Model.reply`."""
        waits = not (self._breaker.is_closed and self._pace.is_free(self.name))
        asked = now() if waits else None
        trial = waits and not self._breaker.is_closed and await self._breaker.admit(self._patience)
        turns: list[tuple[Window, Turn]] = []
        used = None
        try:
            if waits and not self._pace.is_free(self.name):
                turns = await self._pace.turn(self.name, self._most(request))
            queued = 0 if asked is None else int((now() - asked) * 1e6)
            limit = request.settings.get("timeout")
            answer = await (self._model.reply(request, watch) if limit is None else self._within(limit, request, watch))
            used = answer.usage.input + answer.usage.output
        except ModelError as error:
            self._breaker.failed(error, trial=trial)
            used = 0 if error.status is not None else None
            if error.retry_after:
                self._pace.pause(error.retry_after)
            raise
        except BaseException:
            self._breaker.gave_up(trial=trial)
            raise
        finally:
            if turns:
                self._pace.end(turns, used)
        self._breaker.succeeded()
        return replace(answer, queued=queued) if queued else answer

    def estimate(self, request: ModelRequest) -> int:
        """See `Model.estimate`."""
        return self._model.estimate(request)

    def _most(self, request: ModelRequest) -> int:
        """The most tokens that a call can come to, where that matters."""
        if not self._pace.counts_tokens(self.name):
            return 0
        return self.estimate(request) + int(request.settings.get("max_tokens") or self.max_output)

    async def _within(self, limit: float | str, request: ModelRequest, watch: Watch | None) -> ModelReply:
        try:
            async with asyncio.timeout(float(limit)):
                return await self._model.reply(request, watch)
        except TimeoutError as error:
            raise ModelError(f"{self.name} gave no answer within {float(limit):g} seconds", retryable=True) from error
