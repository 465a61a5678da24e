"""An agent: it thinks with a model, acts with tools, and answers with a value of its output type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from textwrap import shorten
from typing import Any, Generic, cast

from typing_extensions import TypeVar

from stretto.agents import handoffs, loops, turns
from stretto.agents.briefing import CHOOSE, HANDOVER, LAST_TURN, NOTHING, REPAIR, REVISE, brief
from stretto.agents.checks import AtLeast, Check, checks_of, complaint
from stretto.agents.compaction import Compaction
from stretto.agents.context import ARCHIVE_TOOLS, Context
from stretto.agents.handoffs import Handoff, Transfer
from stretto.agents.instructions import Instructions, code_of, instructed, wanted
from stretto.agents.kit import Kit
from stretto.agents.shown import shown
from stretto.agents.window import Window
from stretto.core.canonical import decode
from stretto.core.errors import ModelError, PolicyDenied, UsageError
from stretto.core.guesses import guided, listed
from stretto.core.messages import Conversation, ModelReply, ModelRequest, user
from stretto.core.ports import Codec, Model, Options
from stretto.core.values import Budget
from stretto.core.values import seconds as in_seconds
from stretto.models.tokens import LIKELY_MESSAGE, likely_text
from stretto.runtime import models, tasks
from stretto.runtime.reuse import EVERY_MODEL, GIVEN
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker
from stretto.tools.codec import TypeCodec, codec_for
from stretto.tools.signature import called

Out = TypeVar("Out", default=str)
Brain = str | Model
Checks = Callable[..., object] | Worker[Any, Any] | AtLeast
_COMPACTION = Compaction()
_FREE = (None, "auto", "none")
RETRY = 2
"""Further tries of a model call that failed in passing, where no task around says how many."""
WORDS = {"repair": REPAIR, "revise": REVISE, "last_turn": LAST_TURN}
"""What an agent says of its own accord, where `wording` does not say it otherwise."""


@guided
@dataclass(frozen=True)
class Agent(Worker[Any, Out], Generic[Out]):
    """A worker that thinks with a model and acts with tools.

    `model` is `provider:model`, a model, or a list of them to fall back on in order; None takes the run's model.
    `instructions` are text, or a function that makes it of the input, with dependencies injected by annotation.
    `tools` are functions, tools and other workers. `handoffs` are agents that the conversation may go to, each by the
    tool `transfer_to_NAME`; see `handoff`. `input` and `output` are the types of what it is given and of its answer.

    `guards` check the input before any model is asked: where one refuses, the answer is `refusal`, or the task fails
    with `PolicyDenied`. `accept` checks the answer: functions, workers or `at_least(0.8, judge)`. An answer that does
    not fit the type, or is not accepted, is sent back with the reason at most `repair` times; then the task fails.

    `retry` counts further attempts, of a model call that failed in passing, else of the whole task; `timeout` limits
    each attempt at the task (seconds, or "2 min"); `limit` is how many of its tasks are at work at once in a run.
    `twin` is a worker that does the job by rules where the run has no model. `settings` go to the model (`temperature`,
    `max_tokens`, `tool_choice`, `timeout` in seconds, ...). `about` says what it is good for; planners and routers
    choose by it. `wording` replaces what it says of its own accord: "repair", "revise" (both with a `{problem}`) and
    "last_turn", as `stretto prompts` lists them. `compaction` is how it keeps within its model's window; with False
    nothing is taken out of a conversation, and what does not fit is a `ContextOverflow`.
    """

    model: Brain | Sequence[Brain] | None = None
    instructions: Instructions = ""
    _: KW_ONLY
    name: str = "agent"
    tools: Sequence[Any] = ()
    handoffs: Sequence[Agent[Any] | Handoff | str] = ()
    output: type[Out] = cast("type[Out]", str)  # noqa: RUF009  str itself is no mutable default
    input: Any = Any
    guards: Checks | Sequence[Checks] = ()
    accept: Checks | Sequence[Checks] = ()
    refusal: Out | None = None
    budget: str | Budget | None = None
    retry: int | None = None
    timeout: float | str | None = None
    limit: int | None = None
    max_turns: int = 20
    repair: int = 1
    compaction: bool | Compaction = True
    twin: Any = None
    about: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    wording: Mapping[str, str] = field(default_factory=dict)

    # ---- a task

    async def work(self, context: Scope, value: Any) -> Out:
        """Ask the model, make the calls it wants, until it answers with what was asked for."""
        if (twin := self.stand_in(context)) is not None:
            return cast(Out, await tasks.call(context, twin, value))
        if (refusal := await self.admit(context, value)) is not None:
            return refusal
        if self.handoffs:
            handoffs.team_of(self)  # a name that leads nowhere is found before any model is asked
        text = await instructed(context, self.instructions, value)
        said = await self.converse(context, brief(text, await shown(context, value)))
        return said if not isinstance(said, Transfer) else cast(Out, await handoffs.follow(context, self, value, said))

    def stand_in(self, scope: Scope) -> Worker[Any, Any] | None:
        """The twin, where the run has no model for the agent."""
        settings = scope.run.settings
        named = self.model is not None or settings.model
        return as_worker(self.twin) if self.twin is not None and (settings.model == "none" or not named) else None

    async def admit(self, scope: Scope, value: object) -> Out | None:
        """Check an input before any model sees it; the refusal where a guard says no, `PolicyDenied` without one."""
        if not self._guards or not (reason := await complaint(scope, "guard", self._guards, value)):
            return None
        if self.refusal is not None:
            return self.refusal
        raise PolicyDenied(f"{self.name} may not be asked this: {reason}")

    async def converse(self, scope: Scope, conversation: Conversation) -> Out | Transfer:
        """Go on with a conversation until there is an answer, or it is handed over."""
        brains, repairs = self._brains(scope), 0
        context = self._context(scope, brains, conversation)
        for turn in range(1, self.max_turns + 1):
            reply = await self._think(scope, brains, conversation, context, last=turn == self.max_turns)
            if calls := reply.message.calls:
                loops.refuse_repetition(self.name, conversation.messages)
                results = await self._kit.answer(scope, calls, context.tools)
                conversation.append(await context.bounded(scope, results))
                if (to := self._kit.handoff(calls)) is not None:
                    scope.talk = turns.left(to.name)
                    return await handoffs.leave(scope, self.name, to, conversation.messages, heard=False)
                continue
            answer = await self._judged(scope, reply)
            if not isinstance(answer, _Misfit):
                scope.talk = turns.left(self.name, conversation)
                return answer
            repairs += 1
            if repairs > self.repair or turn == self.max_turns:
                raise ValueError(f"{self.name} broke its contract: {answer.problem}")
            conversation.append(user(answer.told))
        raise UsageError(
            f"{self.name} gave no answer in {self.max_turns} turns; raise max_turns, or say in its instructions "
            "when to stop"
        )

    async def _judged(self, scope: Scope, reply: ModelReply) -> Out | _Misfit:
        """The answer, unless it is of another type or not accepted."""
        try:
            answer = self._answer(reply)
        except ValueError as error:
            return _Misfit(f"its answer does not fit: {error}", self._words["repair"].format(problem=error))
        if self._accept and (reason := await complaint(scope, "accept", self._accept, answer)):
            return _Misfit(f"its answer was not accepted: {reason}", self._words["revise"].format(problem=reason))
        return answer

    async def _think(
        self, scope: Scope, brains: Sequence[Model], conversation: Conversation, context: Context, *, last: bool
    ) -> ModelReply:
        """The next reply, to a conversation that fits into the window."""
        settings, framed, tools = self.settings, self._framed, self._kit.specs
        if settings.get("tool_choice") not in _FREE and conversation.messages[-1].role == "tool":
            settings, framed = {**settings, "tool_choice": "auto"}, b""  # it has called what it had to
        if last and (tools or context.tools):
            conversation.append(user(self._words["last_turn"]))
            settings, framed = {**settings, "tool_choice": "none"}, b""
        await context.fit(scope)
        while True:
            if context.tools:
                own = (tool.spec for tool in context.tools.values() if tool.name not in self._kit)
                tools, framed = (*self._kit.specs, *own), b""
            try:
                return await self._reply(
                    scope, brains, ModelRequest(conversation, tools, self._schema, settings, framed)
                )
            except ModelError as error:
                if not await context.shrink(scope, error):
                    raise

    async def _reply(self, scope: Scope, brains: Sequence[Model], request: ModelRequest) -> ModelReply:
        """The reply of the first model that gives one."""
        retry = RETRY if scope.retry is None else scope.retry
        for model in brains[:-1]:
            try:
                return await models.reply(scope, model, request, retry, patient=False)
            except ModelError:
                continue
        return await models.reply(scope, brains[-1], request, retry)

    def room(self, scope: Scope) -> int | None:
        """What its window leaves for the input, beside instructions that are text, tools, their results and the answer."""
        if self.stand_in(scope) is not None:
            return None
        window = self._window(self._brains(scope))
        told = likely_text(self.instructions) if isinstance(self.instructions, str) else 0
        share = _COMPACTION.at - (2 * _COMPACTION.results if self._kit.specs else 0)
        return int(window.room * share) - told - 2 * LIKELY_MESSAGE

    def _window(self, brains: Sequence[Model]) -> Window:
        how = self._how
        around = self._around + (ARCHIVE_TOOLS if how is not None else 0)
        return Window.of(brains, self.settings, around, how.window if how is not None else None)

    def _context(self, scope: Scope, brains: Sequence[Model], conversation: Conversation) -> Context:
        async def ask(told: Conversation) -> ModelReply:
            limits = {name: self.settings[name] for name in ("timeout",) if name in self.settings}
            return await self._reply(scope, brains, ModelRequest(told, settings=limits))

        return Context(self.name, conversation, self._window(brains), self._how, scope.run.blob, ask)

    @cached_property
    def _how(self) -> Compaction | None:
        """How it keeps within its window; None where nothing may be taken out of a conversation."""
        given = self.compaction
        return given if isinstance(given, Compaction) else _COMPACTION if given else None

    def _answer(self, reply: ModelReply) -> Out:
        text = reply.message.text
        if self._schema is None:
            if not text.strip():
                raise ValueError("it is empty")
            return cast(Out, text)
        try:
            body = decode(text)
        except ValueError as error:
            with suppress(ValueError):
                if word := text.strip():
                    return self.answers.load(word)  # a bare word may be one of its type's: an enum, a literal, a date
            raise ValueError(f"it is not JSON: {error}") from error
        return self.answers.load(body)

    def _brains(self, scope: Scope) -> list[Model]:
        """The models to try in order."""
        if scope.run.settings.extra.get(EVERY_MODEL) == GIVEN:
            return [scope.run.model("")]
        return [
            brain if not isinstance(brain, str) else scope.run.model(brain) for brain in _listed(self.model) or [""]
        ]

    # ---- what a worker is

    converses = True

    def turn(self, memo: object) -> Worker[Any, Any]:
        """See `Worker.turn`: the agent that spoke last goes on with the conversation."""
        return turns.turn(self, memo)

    @cached_property
    def _kit(self) -> Kit:
        return Kit(listed(self.tools, "tools"), handoffs.handoffs_of(self.handoffs))

    @cached_property
    def _framed(self) -> bytes:
        return ModelRequest(Conversation(), self._kit.specs, self._schema, self.settings).frame()

    @cached_property
    def _around(self) -> int:
        """Tokens of what stands beside the messages of a request."""
        return likely_text(self._framed.decode())

    @cached_property
    def _schema(self) -> dict[str, Any] | None:
        return None if self.output is str else self.answers.schema

    @cached_property
    def _guards(self) -> tuple[Check, ...]:
        return checks_of(self.guards, self.input)

    @cached_property
    def _accept(self) -> tuple[Check, ...]:
        return checks_of(self.accept, self.output)

    @cached_property
    def answers(self) -> TypeCodec[Out]:
        """The codec of its own answers."""
        return codec_for(self.output)

    @cached_property
    def gives(self) -> Codec[Any]:
        """How the answer of its tasks crosses the journal: its own, or that of an agent it hands over to."""
        return handoffs.all_answers(handoffs.team_of(self).values()) if self.handoffs else self.answers

    @cached_property
    def takes(self) -> Codec[Any]:
        """How its input crosses the journal: as the type that it, or the function of its instructions, names."""
        return codec_for(wanted(self.instructions) if self.input is Any else self.input)

    @cached_property
    def options(self) -> Options:
        """How its tasks are run."""
        return Options(
            self.retry,
            None if self.timeout is None else in_seconds(self.timeout),
            Budget.parse(self.budget),
            self.limit,
        )

    @property
    def description(self) -> str:
        """What it is good for."""
        return self.about or (self.instructions if isinstance(self.instructions, str) else "")

    @cached_property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The workers among its tools and checks, who summarises for it, and the agents that it hands over to."""
        checks = (check.does for check in (*self._guards, *self._accept))
        short = self._how.worker if self._how is not None else None
        return (
            *(thing for thing in (*listed(self.tools, "tools"), *checks, short) if isinstance(thing, Worker)),
            *(one.to for one in handoffs.handoffs_of(self.handoffs) if not isinstance(one.to, str)),
        )

    def describe(self) -> Any:
        """Model, prompt, tools, types and checks."""
        checks = (*self._guards, *self._accept)
        return {
            "name": self.name,
            "models": [getattr(brain, "name", brain) for brain in _listed(self.model)],
            "instructions": self.instructions if isinstance(self.instructions, str) else code_of(self.instructions),
            "tools": self._kit.specs,
            "output": self._schema,
            "settings": self.settings,
            **({"wording": dict(self.wording)} if self.wording else {}),
            **({"checks": [check.describe() for check in checks]} if checks else {}),
            **({} if self.compaction is True else {"compaction": self.compaction and self.compaction.describe()}),
        }

    @cached_property
    def _words(self) -> dict[str, str]:
        if unknown := self.wording.keys() - WORDS.keys():
            raise UsageError(f"{self.name} never says {min(unknown)!r}; wording replaces {', '.join(WORDS)}")
        return {**WORDS, **self.wording}

    @property
    def prompts(self) -> dict[str, str]:
        """Everything that it may say to a model of its own accord."""
        own = self.instructions if isinstance(self.instructions, str) else f"(made by {called(self.instructions)})"
        said = {"instructions": own, **self._words, "nothing": NOTHING}
        if not self.accept:
            del said["revise"]
        if self._how is not None:
            said |= self._how.prompts
        return said | ({"handover": HANDOVER} if self.handoffs else {})

    def choosing(self, choices: Mapping[str, str]) -> Agent[Out]:
        """See `Worker.choosing`: who answers in free text is told the labels, unless the instructions name them all."""
        text = self.instructions
        if self.output is not str or not isinstance(text, str) or all(label in text for label in choices):
            return self
        named = [f"- {label}: {shorten(about, 200)}" if about else f"- {label}" for label, about in choices.items()]
        ways = "\n".join(named)
        return replace(self, instructions=f"{text}\n\n{CHOOSE.format(choices=ways)}".strip())

    def using(self, model: Brain | Sequence[Brain] | None = None, **changes: Any) -> Agent[Out]:
        """The same agent with another model or other properties."""
        return replace(self, model=self.model if model is None else model, **changes)

    def __hash__(self) -> int:
        return id(self)


@dataclass(frozen=True, slots=True)
class _Misfit:
    """An answer that will not do: why, and what the model is told."""

    problem: str
    told: str


def _listed(model: Brain | Sequence[Brain] | None) -> list[Brain]:
    if model is None:
        return []
    return list(model) if isinstance(model, list | tuple) else [cast(Brain, model)]
