"""How an app's runs find their models by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from stretto.app.recorded import RecordedModel
from stretto.app.settings import Environment
from stretto.core.ports import Model, Store
from stretto.core.values import Settings
from stretto.runtime.reuse import EVERY_MODEL


class Models:
    """Models by name, each made once for all runs; `given` is what the app was told to use where none is named."""

    def __init__(
        self,
        given: str | Model | None,
        environment: Environment,
        aliases: Mapping[str, str] | None,
        store: Callable[[], Store],
    ) -> None:
        self._given, self._environment, self._store = given, environment, store
        self._aliases = {**environment.models, **(aliases or {})}
        self._made: dict[str, Model] = {}

    @property
    def default(self) -> str:
        """The name that a run takes where it says none; empty where there is none, or a model itself was given."""
        return (self._given if isinstance(self._given, str) else "") or self._environment.model

    def noted(self, extra: Mapping[str, Any] | None) -> dict[str, Any]:
        """A run's further settings, with what names like "strong" mean for it from its beginning to its end."""
        return {**(extra or {}), **({"models": self._aliases} if self._aliases else {})}

    def of(self, settings: Settings) -> Callable[[str], Model]:
        """How a run finds its models; the empty name is the run's own."""
        return partial(self._named, settings)

    def _named(self, settings: Settings, name: str) -> Model:
        if settings.extra.get(EVERY_MODEL):
            name = settings.model
        if not name and self._given is not None and not isinstance(self._given, str):
            return self._given
        wanted = name or settings.model
        if wanted.startswith("replay:"):
            return RecordedModel(wanted.removeprefix("replay:"), self._store())
        aliases = {**self._aliases, **settings.extra.get("models", {})}
        return self._environment.resolver(settings.model, self._blob, self._made, aliases)(wanted)

    async def _blob(self, digest: str) -> bytes:
        return await self._store().blob(digest)
