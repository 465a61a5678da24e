"""A tool's call: judged by the gates, approved by a person where they ask, done once, recorded.

act -> runtime.approvals (the gates, maybe a question) -> _effect (intent, call, result) -> _settle (where in doubt)
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from stretto.core import faults
from stretto.core.canonical import encode, identity
from stretto.core.errors import GIVEN_UP, NotDone, StepError
from stretto.core.events import Asked, Encoded, StepDone, StepFailed, StepIntended
from stretto.core.ports import Durability
from stretto.core.scope import current
from stretto.core.values import Answer
from stretto.runtime import approvals, budgets, failures, retries, waits
from stretto.runtime.recording import Record, first_of
from stretto.tools.signature import fitted

if TYPE_CHECKING:
    from stretto.runtime.scope import Scope
    from stretto.tools.tool import Tool

T = TypeVar("T")


def act(scope: Scope, tool: Tool[Any, T], given: Mapping[str, Any]) -> Awaitable[T]:
    """Call a tool in a scope. Its identity is taken now; arguments that do not fit are a `ValueError` now."""
    args = tool.signature.check(given)
    request = encode(args)
    return _act(scope, tool, args, request, scope.identify("tool", tool.name, request))


async def _act(scope: Scope, tool: Tool[Any, T], args: dict[str, Any], request: bytes, ident: str) -> T:
    here: Scope | None = current.get()
    (scope if here is None else here).check_owner()
    record = scope.recall(ident)
    if record is None and tool.effect != "read" and scope.origin != scope.key:
        done = scope.run.recording.effect(_key(scope, ident))
        if done is not None:  # by an attempt before this one
            scope.record(StepDone("tool", tool.name, done, Encoded(request)), ident)
            return tool.codec.load(await scope.run.value(done))
    if tool.effect == "read" and record is not None and record.ended is not None and not approvals.asked(scope, ident):
        return await _tried(scope, tool, args, request, ident, record)
    if record is None and not approvals.asked(scope, ident):
        await scope.frontier(f"tool {tool.name}({request.decode()[:80]})")
        await budgets.in_time(scope, tool.name)
    approved = await approvals.allowed(scope, tool, args, ident, record)
    if approved is not args:
        args, request = approved, encode(approved)
    return await _tried(scope, tool, args, request, ident, record)


def _tried(
    scope: Scope, tool: Tool[Any, T], args: dict[str, Any], request: bytes, ident: str, record: Record | None
) -> Awaitable[T]:
    """The recorded result, else the effect; what may be repeated is tried again as often as the tool says."""
    if not tool.retry or tool.effect == "once":
        return _attempt(scope, tool, args, request, ident, record)
    return retries.tried(
        scope,
        ident,
        tool.retry,
        lambda name: _attempt(scope, tool, args, request, name, record if name == ident else scope.recall(name)),
    )


async def _attempt(
    scope: Scope, tool: Tool[Any, T], args: dict[str, Any], request: bytes, ident: str, record: Record | None
) -> T:
    if record is not None and record.ended is not None and not _doubted(record):
        if tool.effect != "read":
            scope.recall(_doubt(ident))
        return await scope.revive(record, tool.codec)
    if tool.effect == "read":
        perform = _call(scope, tool, args, "")
        return await scope.perform("tool", tool.name, ident, perform, tool.codec, Encoded(request))
    return await _effect(scope, tool, args, request, ident, record)


def _call(scope: Scope, tool: Tool[Any, T], args: dict[str, Any], key: str) -> Callable[[], Awaitable[T]]:
    """The call itself, with what is injected, within its time limit."""
    if tool.signature.wants_key or tool.signature.injected:
        args = args | tool.signature.inject(scope.run.deps, key)
    if tool.timeout is None:
        return lambda: tool.invoke(args)

    async def limited() -> T:
        try:
            async with asyncio.timeout(tool.timeout):
                return await tool.invoke(args)
        except TimeoutError as error:
            raise TimeoutError(f"{tool.name} took longer than its limit of {tool.timeout:g} s") from error

    return limited


# ---- effects that may not simply be repeated


async def _effect(
    scope: Scope, tool: Tool[Any, T], args: dict[str, Any], request: bytes, ident: str, record: Record | None
) -> T:
    """Intent, call, result. An intent without a result, and a `once` call that raised, are in doubt."""
    key = _key(scope, first_of(ident) if tool.effect == "idempotent" else ident)
    if record is None:
        try:
            await _intend(scope, tool, args, request, ident, key)
        except asyncio.CancelledError:
            if tool.effect == "once" and not scope.run.ending:  # nobody need doubt what was not begun
                scope.record(failures.of_step("tool", tool.name, NotDone("cancelled"), None, 0), ident)
            raise
    elif tool.effect == "once":
        error = await _known_error(scope, record)
        return await _in_any_case(scope, _settle(scope, tool, args, request, ident, error))
    try:
        value = await _protected(scope, tool, args, request, ident, key)
        if scope.retried:
            scope.run.recording.did(_key(scope, first_of(ident)), tool.codec.stored(value)[0])
        return value
    except NotDone:
        raise
    except Exception as error:
        if tool.effect == "once":
            return await _in_any_case(scope, _settle(scope, tool, args, request, ident, error))
        raise


async def _in_any_case(scope: Scope, work: Coroutine[Any, Any, T]) -> T:
    """Settle a doubt even where nobody waits for the call any more: the branch is not abandoned before it is known."""
    task, cancelled = scope.run.spawn(work, inside=True), False
    while True:
        try:
            result: T = await asyncio.shield(task)
        except asyncio.CancelledError:
            if scope.run.ending or task.done():
                task.cancel()
                raise
            cancelled = True
            continue
        except Exception:
            if cancelled:
                raise asyncio.CancelledError from None
            raise
        if cancelled:
            raise asyncio.CancelledError
        return result


def _key(scope: Scope, ident: str) -> str:
    """The idempotency key of a call."""
    return identity(f"{scope.run.id} {scope.origin} {ident}".encode())


async def _intend(
    scope: Scope, tool: Tool[Any, Any], args: dict[str, Any], request: bytes, ident: str, key: str
) -> None:
    await scope.frontier(f"tool {tool.name}")
    faults.site("intent.before")
    before = await approvals.before(scope, tool, args) if tool.irreversible else None
    intent = StepIntended("tool", tool.name, Encoded(request), tool.effect, key, before=before)
    await scope.run.commit(scope.record(intent, ident, Durability.FULL))
    faults.site("intent.after")


async def _protected(scope: Scope, tool: Tool[Any, T], args: dict[str, Any], request: bytes, ident: str, key: str) -> T:
    """Call and record, even if this branch is cancelled meanwhile: what has begun is not lost."""
    perform = _call(scope, tool, args, key)
    doing = scope.run.spawn(
        scope.perform(
            "tool", tool.name, ident, perform, tool.codec, None, Durability.COMMITTED, doubt=tool.effect == "once"
        )
    )
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        if not doing.done():
            await asyncio.wait([doing], timeout=scope.run.grace / 2)  # the other half is for what undoes it
            doing.cancel()
        error = doing.exception() if doing.done() and not doing.cancelled() else None
        if tool.effect == "once" and not scope.run.ending and (not doing.done() or _is_doubtful(error)):
            await _in_any_case(
                scope, _settle(scope, tool, args, request, ident, error if isinstance(error, Exception) else None)
            )
        raise


def _is_doubtful(error: BaseException | None) -> bool:
    return error is not None and not isinstance(error, NotDone)


# ---- doubt


def _doubt(ident: str) -> str:
    return f"doubt {ident}"


def _doubted(record: Record) -> bool:
    """Whether the last thing known of an effect is that it raised, and may have happened."""
    if record.ended is None or record.ended.kind != StepFailed.kind:
        return False
    event = record.ended.event()
    return isinstance(event, StepFailed) and event.doubt


async def _known_error(scope: Scope, record: Record) -> Exception | None:
    event = record.ended.event() if record.ended is not None else None
    return failures.revived(event, await scope.run.value(event.detail)) if isinstance(event, StepFailed) else None


async def _settle(
    scope: Scope, tool: Tool[Any, T], args: dict[str, Any], request: bytes, ident: str, error: Exception | None
) -> T:
    """Find out whether an effect happened: by the tool's `verify`, else by a person.

    Where it did not, a call that a crash cut off is made now; one that raised `error` raises it.
    """
    verified, asked = f"{ident} verified", scope.recall(_doubt(ident))
    if scope.run.recording.knows(scope.key, verified):
        return await _again(scope, tool, args, request, verified)
    if asked is None and tool.verify is not None:
        found = await _verify(scope, tool, args, _key(scope, ident))
        if found == (False, None):
            if error is not None:
                await _not_done(scope, tool, ident, error)
            return await _again(scope, tool, args, request, verified)
        if found is not None:
            return await _done(scope, tool, ident, tool.codec.stored(found[1]))

    def ask(wait: str) -> Asked:
        cause = f": it raised {failures.type_name(error)}: {failures.message(error)}" if error else ""
        return Asked(
            wait,
            "doubt",
            f"It is not known whether {tool.name} happened{cause}.",
            tool.name,
            Encoded(encode(args)),
            tool.risk,
            to=tool.to,
            of=ident,
            worker=scope.worker,
        )

    answer = await waits.wait(scope, _doubt(ident), asked, ask, lambda answer: _unsettled(tool, answer))
    if answer.decision == "done":
        return await _done(scope, tool, ident, tool.codec.stored(tool.codec.load(answer.value)))
    if answer.decision == "repeat":
        return await _again(scope, tool, args, request, f"{ident} repeated")
    raise StepError(
        f"{tool.name} is in doubt and was given up by {answer.by or 'a person'}"
        f"{': ' + answer.reason if answer.reason else ''}",
        GIVEN_UP,
    )


async def _again(scope: Scope, tool: Tool[Any, T], args: dict[str, Any], request: bytes, ident: str) -> T:
    """Make the call under an intent of its own, so that it can be doubted by itself."""
    record = scope.recall(ident)
    if record is not None and record.ended is not None and not _doubted(record):
        scope.recall(_doubt(ident))
        return await scope.revive(record, tool.codec)
    return await _effect(scope, tool, args, request, ident, record)


async def _verify(scope: Scope, tool: Tool[Any, Any], args: dict[str, Any], key: str) -> tuple[bool, Any] | None:
    """Whether the tool says it happened, and with what result; None where it cannot tell."""
    assert tool.verify is not None
    try:
        with scope.run.outside():
            found = tool.verify(**fitted(tool.verify, args, scope.run.deps, key))
            if inspect.isawaitable(found):
                found = await found
    except NotDone:
        return False, None
    except Exception:  # noqa: BLE001  whatever went wrong, it is not known: a person decides
        return None
    if found is None or found is False:
        return False, None
    return True, None if found is True and tool.signature.returns in (None, type(None)) else found


async def _done(scope: Scope, tool: Tool[Any, T], ident: str, stored: tuple[bytes, T]) -> T:
    data, value = stored
    if scope.retried:
        scope.run.recording.did(_key(scope, first_of(ident)), data)
    await scope.run.commit(scope.record(StepDone("tool", tool.name, Encoded(data)), ident, Durability.COMMITTED))
    return value


async def _not_done(scope: Scope, tool: Tool[Any, Any], ident: str, error: Exception) -> None:
    await scope.run.commit(
        scope.record(failures.of_step("tool", tool.name, error, None, 0), ident, Durability.COMMITTED)
    )
    raise failures.tagged(error, scope.key, ident)


def _unsettled(tool: Tool[Any, Any], answer: Answer) -> str:
    """What is wrong with an answer to a doubt."""
    if answer.decision not in ("done", "repeat", "abort"):
        return f"a doubt is settled with done, repeat or abort, not {answer.decision!r}"
    if answer.decision == "done":
        try:
            tool.codec.load(answer.value)
        except ValueError as error:
            return f"the result does not fit what {tool.name} returns: {error}"
    return ""
