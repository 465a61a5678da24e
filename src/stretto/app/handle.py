"""A run in hand: what it is, what it waits for, and how to answer it.

Its methods are awaited inside an event loop. Where none runs, they are simply called, and return when the run has come
to its end or waits again.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from stretto.app import conversing, questions, retracing
from stretto.app.conversing import UNSAID
from stretto.app.progress import refuse_pruned
from stretto.app.questions import described
from stretto.app.savings import origin_of
from stretto.app.streams import Part
from stretto.app.why import why
from stretto.core.canonical import encode
from stretto.core.errors import ReplayMismatch, RunCancelled, RunFailed, RunWaiting, UsageError, WorkerFailed
from stretto.core.events import Asked, Pruned, Row
from stretto.core.media import portable
from stretto.core.ports import Letter, Model
from stretto.core.values import Answer, RunState, Spend
from stretto.memory.messages import Message, messages
from stretto.memory.messages import between as names_only
from stretto.orchestrator.plan import Plan, recorded
from stretto.policy.standing import Rule
from stretto.runtime import engine
from stretto.runtime.failures import failure_from
from stretto.runtime.outcome import Ending, Finished, Stopped
from stretto.runtime.view import TaskView, View

if TYPE_CHECKING:
    from stretto.app.host import App
    from stretto.runtime.worker import Worker

P = ParamSpec("P")
T = TypeVar("T")
_APART = b'@":"'
"""Marks a value that lies in the blob table."""


def _either(method: Callable[Concatenate[Run, P], Coroutine[Any, Any, T]]) -> Callable[Concatenate[Run, P], Any]:
    """Awaitable in a live loop; elsewhere carried out at once, in a loop of its own."""

    @functools.wraps(method)
    def call(self: Run, *args: P.args, **kwargs: P.kwargs) -> Any:
        return self._app.either(_settling(self, method(self, *args, **kwargs)))

    return call  # type: ignore[return-value]  # it takes self by position, as a method does


async def _settling(run: Run, work: Coroutine[Any, Any, T]) -> T:
    """Without a loop around, nothing goes on after the call: so it lasts until the run has ended or waits."""
    try:
        return await work
    finally:  # an answer that was refused leaves it waiting, too
        if not run._app.is_open_for_good:
            await run._app.settled(run.id)
            await run.refresh()


class Run:
    """One run, held by this process or not."""

    def __init__(self, app: App, id: str, ending: Ending | None = None, worker: Worker[Any, Any] | None = None) -> None:
        self._app = app
        self.id = id
        self._ending, self.worker = ending, worker
        self._folded: View | None = None
        self._approvals: list[dict[str, Any]] = []
        self._rows: list[Row] = []
        self._origin: list[Row] = []

    # ---- what it is

    @property
    def state(self) -> str:
        """running, waiting, done, failed or cancelled."""
        return self._now().state.value

    @property
    def output(self) -> Any:
        """The result, as its worker's output type; None before the end."""
        return self._app.revive(self._now(), self.worker)

    @property
    def error(self) -> str:
        """What it failed of, in one sentence; empty where it did not."""
        return failure_from(failure).sentence() if isinstance(failure := self._now().failure, dict) else ""

    @property
    def cost(self) -> Spend:
        """What it has used so far."""
        return self._now().spend

    @property
    def plan(self) -> Plan | None:
        """The plan in force, of the outermost orchestrator; None where nothing was planned."""
        return recorded(self._now().plan)

    @property
    def tasks(self) -> list[TaskView]:
        """Its tasks, in the order of their beginning."""
        return list(self._now().tasks.values())

    @property
    def events(self) -> list[Row]:
        """Its events."""
        self._now()
        return list(self._rows)

    @property
    def rows(self) -> Sequence[Row]:
        """Its events as of the last `refresh`, as they grow."""
        return self._rows

    @property
    def approvals(self) -> list[dict[str, Any]]:
        """What it waits for, as `stretto approvals --json` lists it."""
        self._now()
        return list(self._approvals)

    @property
    def view(self) -> View:
        """Everything at once."""
        return self._now()

    def _now(self) -> View:
        """The view as of the last commit, where that can be had without waiting; else as of the last `refresh`."""
        if self._app.is_open:
            looking = self.refresh()
            try:
                looking.send(None)
            except StopIteration:
                pass
            else:
                looking.close()
        return self._view

    @property
    def _view(self) -> View:
        """The view with all rows that were read; most runs are never looked at but for their output."""
        if self._folded is None:
            self._folded = View()
        for row in self._rows[self._folded.seq + 1 :]:
            self._folded.see(row)
        return self._folded

    async def refresh(self) -> Run:
        """Read what was committed since."""
        store = self._app.store
        new = await store.read(self.id, len(self._rows) - 1)
        if any(row.kind == Pruned.kind for row in new):
            self._rows, self._folded, new = [], None, await store.read(self.id)
        self._origin = self._origin or await origin_of(new, store)
        self._rows += [row for row in new if row.seq >= len(self._rows)]  # somebody else may have read them meanwhile
        if self._approvals or any(row.kind == Asked.kind or _APART in row.body for row in new):
            await self._view.whole(store.blob)
            self._approvals = [await described(self.id, wait, store.blob) for wait in self._view.open_waits]
        return self

    def why(self) -> dict[str, Any]:
        """What led to its output, failure or question: tasks, answers, doubts, retries and time, as data."""
        view = self._now()
        refuse_pruned(self._rows)
        return why(view, self._rows, self._origin)

    @_either
    async def messages(self, between: Sequence[str] = ()) -> list[Message]:
        """What its workers and people told each other, in order; of these names only, where any are given."""
        await self.refresh()
        found = await messages(self._rows, self._app.store.blob)
        return names_only(found, between) if between else found

    # ---- waiting for it

    def __await__(self) -> Generator[Any, None, Any]:
        return self.result().__await__()

    async def result(self) -> Any:
        """The output, once the run has ended; waits as long as that takes. Raises what the run failed with.

        A conversation that was begun without an input ends only where it is cancelled: `say` and `reply` wait for answers.
        """
        outcome = await self._ending.wait() if self._ending is not None else None
        if isinstance(outcome, Finished):
            await self._app.keep_in_sight(self, outcome.events)
            return outcome.output
        await self._app.ended(self.id)
        await self.refresh()
        return self.conclude()

    def conclude(self) -> Any:
        """The output of a run that has ended; raises `RunFailed`, or `RunWaiting` where it waits."""
        match self._view.state:
            case RunState.DONE:
                return self.output
            case RunState.CANCELLED:
                raise RunCancelled(f"run {self.id} was cancelled")
            case RunState.FAILED:
                error = WorkerFailed(failure_from(self._view.failure))
                error.run = self.id
                raise error
            case _:
                raise RunWaiting(questions.sentence(self.id, self._approvals), self.id, self._approvals)

    # ---- talking with it

    @_either
    async def say(self, message: object, *, by: str = "", key: str | None = None) -> Any:
        """Say something in a conversation; the reply, as the agent's output type. Said meanwhile, it is answered in turn.

        It goes on with an agent's run, also one that is done, and answers a workflow that listens. A `key` is said once:
        repeated, it only waits for the same reply. Raises `RunWaiting` where the run waits for something else before it
        can answer; what was said is not lost, and `reply` has the answer then.
        """
        letter, self._ending = await conversing.say(self, self._app, message, by, key), None
        return await conversing.replied(self, self._app, letter)

    @_either
    async def reply(self) -> Any:
        """The reply to what was said last, or to the input; waits for it, and raises what keeps it from coming."""
        return await conversing.replied(self, self._app, None)

    def stream(
        self, *, say: object = None, by: str = "", key: str | None = None, after: int | None = None
    ) -> AsyncIterator[Part]:
        """What models say, piece by piece as they say it, of all workers in the run, until it has ended or waits.

        `say` says something first, and gives what comes in answer to it. Without, it begins with what was said since
        somebody spoke last (or behind event `after`). What was over before, and all that another process holds, comes
        whole from the journal. A model streams where somebody listens when it begins to speak, or `App(stream=True)`.
        """
        self._ending = self._ending if say is None else None
        return conversing.speech(self, self._app, self._app.voices.listen(self.id), say, by, key, after)

    # ---- answering it

    @_either
    async def approve(
        self, approval: str | None = None, *, by: str, edit: Any = None, shown: float | None = None
    ) -> Run:
        """Say yes to a question, maybe edited: the arguments of a call that change, or other content as a whole.

        `approval` is its id, or the tool or question where only one such is open; the only open one needs no name.
        `shown`: for how many seconds it stood before `by`, where that is known; `stretto stats` tells who never looks.
        """
        return await self._answer(approval, "approve", by, value=edit, shown=shown)

    @_either
    async def reject(self, approval: str | None = None, *, by: str, reason: str = "") -> Run:
        """Say no; the reason is shown to who asked."""
        return await self._answer(approval, "reject", by, reason=reason)

    @_either
    async def approve_all(self, tool: str, *, by: str, where: str = "") -> Run:
        """Say yes to all calls of a tool in this run, open and to come, whose arguments fit `where`.

        `where` compares arguments with numbers or text: "amount < 50 and currency == 'EUR'"; without it, all calls.
        What the policy denies stays denied, and a `once` call that a fork would repeat is asked about all the same.
        """
        rule = Rule(secrets.token_hex(4), tool, where, questions.person(by), self._app.channel)
        return await self._post(Letter(self.id, f"rule {rule.id}", encode({"rule": rule})), "a rule")

    @_either
    async def answer(self, question: object, value: object = UNSAID, *, by: str) -> Run:
        """Answer a question with a value; the only open one needs no name: `job.answer("a week", by="ann")`."""
        name, value = (None, question) if value is UNSAID else (question, value)
        if name is not None and not isinstance(name, str):
            raise UsageError(f"{name!r} names no question; give its id or its text, or only the answer")
        return await self._answer(name, "answer", by, value=value)

    @_either
    async def resolve(self, step: str, decision: str, *, by: str, result: Any = None) -> Run:
        """Settle a step in doubt: "done" (with its result), "repeat" or "abort"."""
        if decision not in ("done", "repeat", "abort"):
            raise UsageError(f"a doubt is settled with done, repeat or abort, not {decision!r}")
        return await self._answer(step, decision, by, value=result)

    @_either
    async def send(self, signal: str, value: Any = None, *, by: str = "") -> Run:
        """Send a signal; one that the run does not wait for yet is kept until it does."""
        answer = {"decision": "answer", "value": value, "by": by, "channel": self._app.channel}
        letter = Letter(
            self.id, f"signal {signal} {secrets.token_hex(6)}", portable({"signal": signal, "answer": answer})
        )
        open_ones = (await self.refresh())._view.open_waits
        await self._post(letter, "a signal")
        return await questions.taken(self, letter.key, questions.signalled(open_ones, signal), self._app.channel)

    @_either
    async def cancel(self, *, by: str = "", reason: str = "") -> Run:
        """Stop the run. Its code is unwound, and may undo; where that cannot be found any more, the run just ends."""
        await self.refresh()
        if self._view.state.ended:
            raise UsageError(f"run {self.id} is {self.state} already; only a run that is not finished can be cancelled")
        await self._app.store.post(Letter(self.id, "cancel", encode({"by": by, "reason": reason})))
        try:
            await self._app.take_up(self.id)
        except UsageError:
            await engine.end_cancelled(self._app.store, self.id, by, reason)
        await self._app.ended(self.id)
        return await self.refresh()

    @_either
    async def resume(self) -> Run:
        """Go on: after a crash, an answer, a failure that was mended."""
        await self._app.take_up(self.id, retry=True)
        return await self.refresh()

    @_either
    async def fork(
        self,
        *,
        at: int,
        worker: Any = None,
        input: Any = None,
        model: str | Model | None = None,
        budget: str | None = None,
    ) -> Run:
        """A new run that begins as this one did up to event `at`, with another worker (prompt, code), input or model.

        `model` is asked by all workers from there on, whatever they name; to change one worker's, change the worker. A
        model that is given itself also stands in the place of models that workers were given, and is of this process.
        What was recorded before is a fact; finished tasks behind it are reused where worker and input are the same; only
        the rest is done, and paid. Approvals do not carry over, and a `once` call that was made here asks anew.
        """
        new = await retracing.fork(self._app, self.id, at, worker=worker, input=input, model=model, budget=budget)
        run = Run(self._app, new, self._app.ending(new))
        return await _settling(run, run.refresh())

    @_either
    async def undo(self, *, by: str) -> Run:
        """Take back what the run did, the last call first, in a run of its own (`ID-undo`); that run.

        Each call is taken back by what its tool declares as `undo`, an action of its own that asks as its tool does.
        What cannot be taken back stands in the output's `left`, with the reason. Called again, it goes on.
        """
        await self.refresh()
        if not self._view.state.ended:
            raise UsageError(f"run {self.id} is {self.state}; only what has ended is undone: cancel it first")
        new = await retracing.undo(self._app, self.id, by)
        run = Run(self._app, new, self._app.ending(new))
        return await _settling(run, run.refresh())

    @_either
    async def replay(self, worker: Any = None) -> Any:
        """Go through the run again with no effect allowed; the output it comes to. Raises `ReplayMismatch` at a difference."""
        await self.refresh()
        match await retracing.rehearse(self._app, self.id, worker):
            case Finished(output):
                recorded = self.output
                if self._view.state is RunState.DONE and output != recorded:
                    raise ReplayMismatch(
                        f"run {self.id} now comes to another output: {output!r} instead of {recorded!r}"
                    )
                return output
            case Stopped(error):
                if self._view.state is RunState.FAILED and isinstance(error, RunFailed):
                    return None
                raise error
            case _:
                return None

    async def _post(self, letter: Letter, what: str) -> Run:
        """Post a letter that no question need be open for."""
        await self.refresh()
        if self._view.state.ended:
            raise UsageError(f"run {self.id} is {self.state} and takes {what} no more")
        await self._app.store.post(letter)
        await self._app.take_up(self.id)
        return await self.refresh()

    async def _answer(
        self,
        wanted: str | None,
        decision: str,
        by: str,
        value: Any = None,
        reason: str = "",
        shown: float | None = None,
    ) -> Run:
        await self.refresh()
        wait = questions.wanted(self.id, self._view, wanted)
        before = questions.tries(self._rows[wait.seq :], wait.asked.wait)
        answer = Answer(decision, value, reason, questions.person(by), self._app.channel, shown)
        body = {"wait": wait.asked.wait, "answer": answer}
        key = f"answer {wait.asked.wait} {wait.seq}" + (f" {before}" if before else "")  # a question may be asked again
        if not await self._app.store.post(Letter(self.id, key, portable(body))):
            raise UsageError(f"{wait.asked.wait} of run {self.id} was answered already")
        await self._app.take_up(self.id)
        return await questions.taken(self, key, wait.asked.wait, self._app.channel)
