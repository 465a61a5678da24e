"""How an app's runs find their models by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from stretto.agents.agent import Agent
from stretto.app.parts import inside
from stretto.app.recorded import RecordedModel
from stretto.app.settings import Environment
from stretto.core.ports import Model, Store
from stretto.core.values import Settings
from stretto.models.resolve import refuse_unknown
from stretto.runtime.reuse import EVERY_MODEL, GIVEN
from stretto.runtime.worker import Worker


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
        self._lent: dict[str, Model] = {}
        self._sound: Worker[Any, Any] | None = None

    @property
    def default(self) -> str:
        """The name that a run takes where it says none; empty where there is none, or a model itself was given."""
        return (self._given if isinstance(self._given, str) else "") or self._environment.model

    def noted(self, extra: Mapping[str, Any] | None) -> dict[str, Any]:
        """A run's further settings, with what names like "strong" mean for it from its beginning to its end."""
        return {**(extra or {}), **({"models": self._aliases} if self._aliases else {})}

    def check(self, settings: Settings, worker: Worker[Any, Any]) -> None:
        """Refuse what is known to fail before there is a run: a `UsageError`.

        An agent that is started itself needs its models, with their keys. Of the agents inside a worker nobody knows
        which will be asked, but a name that is no model's is wrong in any case.
        """
        if settings.model not in ("", "none"):
            self._named(settings, settings.model)
        if worker is self._sound:
            return
        for agent in (one for one in inside(worker) if isinstance(one, Agent)):
            for name in _names(agent):
                if agent is not worker:
                    refuse_unknown(name, self._aliases)
                elif agent.twin is None or (name and settings.model != "none"):
                    self._named(settings, name)
        self._sound = worker

    def lend(self, model: Model) -> str:
        """The name under which forks that ask one model for all find this one, as long as this app is there."""
        self._lent[model.name] = model
        return model.name

    def of(self, settings: Settings) -> Callable[[str], Model]:
        """How a run finds its models; the empty name is the run's own."""
        return partial(self._named, settings)

    def _named(self, settings: Settings, name: str) -> Model:
        if every := settings.extra.get(EVERY_MODEL):
            name = settings.model
            if every == GIVEN and name in self._lent:
                return self._lent[name]
        if not name and self._given is not None and not isinstance(self._given, str):
            return self._given
        wanted = name or settings.model
        if wanted.startswith("replay:"):
            return RecordedModel(wanted.removeprefix("replay:"), self._store())
        aliases = {**self._aliases, **settings.extra.get("models", {})}
        return self._environment.resolver(settings.model, self._blob, self._made, aliases)(wanted)

    async def _blob(self, digest: str) -> bytes:
        return await self._store().blob(digest)


def _names(agent: Agent[Any]) -> list[str]:
    """What an agent's models are called; the empty name is the run's own."""
    named = agent.model if isinstance(agent.model, list | tuple) else [agent.model or ""]
    return [name for name in named if isinstance(name, str)]
