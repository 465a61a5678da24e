"""A model call as a step: reserved and intended where it costs, recorded message by message, read back ever after."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from stretto.core import faults
from stretto.core.canonical import digest, join
from stretto.core.errors import ModelError, UsageError
from stretto.core.events import Encoded, StepDone, StepFailed, StepIntended
from stretto.core.messages import Delta, ModelReply, ModelRequest, Usage, link, unlink
from stretto.core.ports import Durability, Model
from stretto.core.values import Spend
from stretto.policy.ledger import Account, Reservation
from stretto.runtime import budgets, failures, retries
from stretto.runtime.recording import Record

if TYPE_CHECKING:
    from stretto.runtime.scope import Scope

_ONE_CALL = Spend(calls=1)
Watch = Callable[[Delta], None]
Blobs = list[tuple[str, bytes]]


async def reply(
    scope: Scope,
    model: Model,
    request: ModelRequest,
    retry: int = 0,
    watch: Watch | None = None,
    *,
    patient: bool = True,
) -> ModelReply:
    """One answer of a model, added to the conversation; passing errors are tried again, each try a step of its own.

    Unless it is `patient`, it does not wait for a provider that is down: another model stands by.
    """
    model = scope.run.guards.around(model, patient=patient)
    frame = request.frame()
    framed = digest(frame)
    blobs = request.conversation.unstored((framed, frame))
    asked = join({"conversation": request.conversation.head, "frame": framed, "model": model.name})
    same = join([request.conversation.head, framed])  # the model's name is beside it, so that a fork may change it
    attempt = 1
    while True:
        call = _Call(scope, model, request, scope.identify("model", model.name, same), asked, blobs)
        try:
            answer, head = await call.answer(watch)
        except ModelError as error:
            wait = error.retry_after or 0
            if attempt > retry or not error.retryable or wait > retries.LONGEST_WAIT:
                failures.tried(error, attempt)
                raise
            if scope.key not in scope.run.recording.unclaimed:  # the next try is not recorded yet
                await retries.rest(scope, retries.pause(attempt, wait))
            attempt, blobs = attempt + 1, []
        else:
            request.conversation.follow(head, answer.message)
            return answer


@dataclass(slots=True)
class _Call:
    """One try of one request."""

    scope: Scope
    model: Model
    request: ModelRequest
    ident: str
    asked: bytes
    blobs: Blobs

    async def answer(self, watch: Watch | None) -> tuple[ModelReply, str]:
        """The reply, and the conversation's digest with it."""
        record = self.scope.recall(self.ident) or self.scope.recall_of_other_model(self.ident)
        if record is not None and record.ended is not None:
            return await self._recorded(record)
        if record is None and self.scope.run.recording.unclaimed:
            await self.scope.frontier(f"model {self.model.name}")
        account, held = self.scope.account, None
        if self._is_billed(account):
            held = await self._reserve(account)
        watch = watch or self.scope.run.listeners(self.scope, self.ident)
        begun = time.perf_counter_ns()
        spent = Spend(held.usd, held.tokens, 0, 1) if held else _ONE_CALL  # what counts if nothing more is heard
        try:
            self.scope.run.check_open()
            with self.scope.run.outside():
                faults.site("effect.before")
                answer = await self.model.reply(self.request, watch)
                faults.site("effect.after")
            spent = self._spent(answer.usage)
        except ModelError as error:
            if error.status is not None or not error.sent:
                spent = _ONE_CALL  # the provider refused it, and bills nothing
            error = await self._failed(error, held, begun, spent)
            raise failures.tagged(error, self.scope.key, self.ident) from None
        finally:
            if held is not None:
                account.settle(held, spent)
        if held is None:
            account.spend(spent)
        return await self._done(answer, held, begun, spent)

    async def _recorded(self, record: Record) -> tuple[ModelReply, str]:
        assert record.ended is not None
        run = self.scope.run
        match record.ended.event():
            case StepDone(result=result, usage=usage, model=model):
                body = await run.value(result)
                _, message = unlink(await run.blob(body["message"]))
                return ModelReply(message, Usage(*usage) if usage else Usage(), model, body["finish"]), body["message"]
            case StepFailed() as failed:
                error = failures.revived(failed, await run.value(failed.detail))
                raise failures.tagged(error, record.ended.scope, record.ended.ident)
            case other:
                raise AssertionError(f"a model call ended with {other}")

    # ---- the journal

    async def _done(
        self, answer: ModelReply, held: Reservation | None, begun: int, spent: Spend
    ) -> tuple[ModelReply, str]:
        """Record it; the answer as a replay has it, without secrets, and the conversation's digest with it."""
        head, stored = link(self.request.conversation.head, answer.message)
        if (masked := self.scope.run.secrets.masked(stored)) is not stored:
            answer = replace(answer, message=unlink(masked)[1])
            head, stored = link(self.request.conversation.head, answer.message)
        usage = answer.usage
        event = StepDone(
            "model",
            self.model.name,
            Encoded(join({"finish": answer.finish, "message": head})),
            None if held else Encoded(self.asked),
            (time.perf_counter_ns() - begun) // 1000,
            (usage.input, usage.output, usage.cached, usage.cache_written),
            _amount(spent),
            answer.model or self.model.name,
            queued=answer.queued,
        )
        blobs = [(head, stored)] if held else [*self.blobs, (head, stored)]
        if (done := self.scope.record(event, self.ident, blobs=blobs)) is not None:
            await self.scope.run.commit(done)
        return answer, head

    async def _failed(self, error: ModelError, held: Reservation | None, begun: int, spent: Spend) -> ModelError:
        """Record it; the error as a replay raises it, without secrets."""
        took = (time.perf_counter_ns() - begun) // 1000
        event = failures.of_step(
            "model", self.model.name, error, None if held else Encoded(self.asked), took, cost=_amount(spent)
        )
        told = failures.surfaced(error, event, self.scope.run.secrets)
        await self.scope.run.commit(self.scope.record(event, self.ident, blobs=() if held else self.blobs))
        return told if isinstance(told, ModelError) else error

    # ---- money

    def _is_billed(self, account: Account) -> bool:
        return self.model.rates is None or bool(self.model.rates.input or self.model.rates.output) or account.capped

    def _spent(self, usage: Usage) -> Spend:
        if self.model.rates is None:
            return Spend(Decimal(0), usage.input, usage.output, 1, unpriced=1)
        return Spend(self.model.rates.cost(usage), usage.input, usage.output, 1)

    async def _reserve(self, account: Account) -> Reservation:
        """Reserve the worst case in every account above, durably, in one append with the intent."""
        wanted = self._worst(account)
        while (full := account.too_small(wanted)) is not None:
            if full.refused:
                raise UsageError(full.refused)
            if full.in_flight or full.asking:
                await self.scope.run.parking.until(full.change())
            else:
                cost = f"the next call of {self.model.name} may cost ${wanted.usd:.4f} and {wanted.tokens} tokens"
                await budgets.ask_for_more(self.scope, full, cost)
        account.hold(wanted)
        intent = StepIntended(
            "model",
            self.model.name,
            Encoded(self.asked),
            "read",
            reserved=str(wanted.usd or ""),
            reserved_tokens=wanted.tokens,
        )
        spent = Spend()
        try:
            await self.scope.frontier(f"model {self.model.name}")
            faults.site("intent.before")
            pending = self.scope.record(intent, self.ident, Durability.FULL, blobs=self.blobs)
            spent = Spend(wanted.usd, wanted.tokens, 0, 1)  # from here on the journal counts it, whatever becomes of it
            await self.scope.run.commit(pending)
            faults.site("intent.after")
        except BaseException:
            account.settle(wanted, spent)
            raise
        return wanted

    def _worst(self, account: Account) -> Reservation:
        limit = int(self.request.settings.get("max_tokens") or self.model.max_output)
        tokens = self.model.estimate(self.request)
        if self.model.rates is None:
            if account.money_capped:
                raise UsageError(
                    f"the price of {self.model.name} is not known, so a budget in dollars cannot be kept; give its "
                    "price in the settings, or limit tokens or calls instead"
                )
            return Reservation(Decimal(0), tokens + limit)
        return Reservation(self.model.rates.cost(Usage(tokens, limit)), tokens + limit)


def _amount(spent: Spend) -> str:
    return str(spent.usd) if spent.usd else ""
