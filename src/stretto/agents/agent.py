"""An agent: it thinks with a model, acts with tools, and answers with a value of its output type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, cast

from typing_extensions import TypeVar

from stretto.agents import loops
from stretto.agents.briefing import LAST_TURN, REPAIR, Instructions, brief
from stretto.agents.kit import Kit
from stretto.core.canonical import decode
from stretto.core.errors import ModelError, UsageError
from stretto.core.messages import Conversation, ModelReply, ModelRequest, user
from stretto.core.ports import Codec, Model, Options
from stretto.core.values import Budget
from stretto.core.values import seconds as in_seconds
from stretto.runtime import models, tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker
from stretto.tools.codec import TypeCodec, codec_for

Out = TypeVar("Out", default=str)
Brain = str | Model
RETRY = 2
"""Further tries of a model call that failed in passing, where no task around says how many."""


@dataclass(frozen=True)
class Agent(Worker[Any, Out], Generic[Out]):
    """A worker that thinks with a model and acts with tools.

    `model` is `provider:model`, a model, or a list of them to fall back on in order; None takes the run's model.
    `instructions` are text, or a function of the input that makes it. `tools` are functions, tools and other workers.
    `output` is the type of the answer: one that does not fit is sent back at most `repair` times. `input` is the type of
    what it is given. `retry` counts further attempts, of a model call that failed in passing, else of the whole task;
    `timeout` limits each attempt at the task (seconds, or "2 min").
    `twin` is a worker that does the job by rules where the run has no model. `settings` go to the model (`temperature`,
    `max_tokens`, `tool_choice`, `timeout` in seconds, ...). `about` says what it is good for; planners and routers choose by it.
    """

    model: Brain | Sequence[Brain] | None = None
    instructions: Instructions = ""
    _: KW_ONLY
    name: str = "agent"
    tools: Sequence[Any] = ()
    output: type[Out] = cast("type[Out]", str)  # noqa: RUF009  str itself is no mutable default
    input: Any = Any
    budget: str | Budget | None = None
    retry: int = 0
    timeout: float | str | None = None
    max_turns: int = 20
    repair: int = 1
    twin: Any = None
    about: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    # ---- the loop

    async def work(self, context: Scope, value: Any) -> Out:
        """Ask the model, make the calls it wants, until it answers with what was asked for."""
        brains = self._brains(context)
        if not brains:
            return cast(Out, await tasks.call(context, as_worker(self.twin), value))
        conversation, repairs = brief(self.instructions, value), 0
        for turn in range(1, self.max_turns + 1):
            reply = await self._think(context, brains, conversation, last=turn == self.max_turns)
            if calls := reply.message.calls:
                loops.refuse_repetition(self.name, conversation.messages)
                conversation.append(await self._kit.answer(context, calls))
                continue
            try:
                return self._answer(reply)
            except ValueError as error:
                repairs += 1
                if repairs > self.repair:
                    raise ValueError(f"{self.name} broke its contract: its answer does not fit: {error}") from error
                conversation.append(user(REPAIR.format(problem=error)))
        raise UsageError(
            f"{self.name} gave no answer in {self.max_turns} turns; raise max_turns, or say in its instructions "
            "when to stop"
        )

    async def _think(
        self, scope: Scope, brains: Sequence[Model], conversation: Conversation, *, last: bool
    ) -> ModelReply:
        """The next reply, from the first model that gives one."""
        settings, framed = self.settings, self._framed
        if last and self._kit.specs:
            conversation.append(user(LAST_TURN))
            settings, framed = {**settings, "tool_choice": "none"}, b""
        request = ModelRequest(conversation, self._kit.specs, self._schema, settings, framed)
        retry = scope.retry or RETRY
        for model in brains[:-1]:
            try:
                return await models.reply(scope, model, request, retry, patient=False)
            except ModelError:
                continue
        return await models.reply(scope, brains[-1], request, retry)

    def _answer(self, reply: ModelReply) -> Out:
        text = reply.message.text
        if self._schema is None:
            return cast(Out, text)
        try:
            body = decode(text)
        except ValueError as error:
            raise ValueError(f"it is not JSON: {error}") from error
        return self.gives.load(body)

    def _brains(self, scope: Scope) -> list[Model]:
        """The models to try in order; none where the run has none and a twin stands in."""
        named = _listed(self.model)
        if self.twin is not None and (scope.run.settings.model == "none" or not (named or scope.run.settings.model)):
            return []
        return [brain if not isinstance(brain, str) else scope.run.model(brain) for brain in named or [""]]

    # ---- what a worker is

    @cached_property
    def _kit(self) -> Kit:
        return Kit(self.tools)

    @cached_property
    def _framed(self) -> bytes:
        return ModelRequest(Conversation(), self._kit.specs, self._schema, self.settings).frame()

    @cached_property
    def _schema(self) -> dict[str, Any] | None:
        return None if self.output is str else self.gives.schema

    @cached_property
    def gives(self) -> TypeCodec[Out]:
        """How its answer crosses the journal."""
        return codec_for(self.output)

    @cached_property
    def takes(self) -> Codec[Any]:
        """How its input crosses the journal."""
        return codec_for(self.input)

    @cached_property
    def options(self) -> Options:
        """How its tasks are run."""
        return Options(
            self.retry, None if self.timeout is None else in_seconds(self.timeout), Budget.parse(self.budget)
        )

    @property
    def description(self) -> str:
        """What it is good for."""
        return self.about or (self.instructions if isinstance(self.instructions, str) else "")

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The workers among its tools."""
        return tuple(thing for thing in self.tools if isinstance(thing, Worker))

    def describe(self) -> Any:
        """Model, prompt, tools and types."""
        return {
            "name": self.name,
            "models": [getattr(brain, "name", brain) for brain in _listed(self.model)],
            "instructions": self.instructions if isinstance(self.instructions, str) else self.instructions.__qualname__,
            "tools": self._kit.specs,
            "output": self._schema,
            "settings": self.settings,
        }

    @property
    def prompts(self) -> dict[str, str]:
        """Everything that it may say to a model of its own accord."""
        own = self.instructions if isinstance(self.instructions, str) else f"(made by {self.instructions.__qualname__})"
        return {"instructions": own, "repair": REPAIR, "last_turn": LAST_TURN}

    def using(self, model: Brain | Sequence[Brain] | None = None, **changes: Any) -> Agent[Out]:
        """The same agent with another model or other properties."""
        return replace(self, model=self.model if model is None else model, **changes)

    def __hash__(self) -> int:
        return id(self)


def _listed(model: Brain | Sequence[Brain] | None) -> list[Brain]:
    if model is None:
        return []
    return list(model) if isinstance(model, list | tuple) else [cast(Brain, model)]
