"""What a workflow may do beside calling workers and tools: the time, chance, waiting, and people."""

from __future__ import annotations

import random as _random
from collections.abc import Callable
from typing import Any, TypeVar, overload

from stretto.core.canonical import encode
from stretto.core.errors import PolicyDenied, UsageError
from stretto.core.events import Asked, Encoded
from stretto.core.ports import Codec
from stretto.core.scope import current
from stretto.core.values import Accepted, Answer, Rejected, Settings, Spend, WaitKind, dollars
from stretto.core.values import seconds as in_seconds
from stretto.runtime import failures, waits
from stretto.runtime.scope import Scope
from stretto.tools.codec import ANYTHING, TypeCodec, codec_for

T = TypeVar("T")


def here(name: str) -> Scope:
    """The scope of the code that runs now; a `UsageError` that names what was called outside a run."""
    scope: Scope | None = current.get()
    if scope is None:
        raise UsageError(
            f"{name} works inside a run: call it from a @workflow, or from a worker it calls. A @tool stands outside; make "
            "it a @workflow, which an agent can have among its tools just so"
        )
    return scope


async def now() -> float:
    """Seconds since 1970, the same on every replay."""
    scope = here("now()")
    return float(await scope.decide("now", lambda: scope.run.now() / 1e6))


async def random() -> float:
    """A random number in [0, 1), the same on every replay."""
    return float(await here("random()").decide("random", _random.random))


async def sleep(seconds: float | str = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
    """Wait for a time, in numbers or like "2h"; long waits cost nothing, and survive restarts."""
    scope = here("sleep()")
    given = in_seconds(seconds) if isinstance(seconds, str) else seconds  # a number is part of the identity as it is
    total = given + 60 * minutes + 3600 * hours + 86400 * days
    ident = scope.identify("timer", "sleep", encode(total))

    def ask(wait: str) -> Asked:
        return Asked(wait, "timer", f"sleeps for {total:g} s", expires=scope.run.deadline(total), worker=scope.worker)

    await waits.wait(scope, ident, scope.recall(ident), ask)


@overload
async def ask(question: str, *, to: str = "", expires: float | str | None = None, about: object = None) -> str: ...
@overload
async def ask(
    question: str, kind: type[T], *, to: str = "", expires: float | str | None = None, about: object = None
) -> T: ...
async def ask(
    question: str, kind: Any = str, *, to: str = "", expires: float | str | None = None, about: object = None
) -> Any:
    """Ask a person, addressed by `to`, and wait for a typed answer; an expired question is a `TimeoutError`.

    `about` is shown with the question.
    """
    shown = b"" if about is None else encode(about)
    answer = await _question("question", question, codec_for(kind), to, expires, shown)
    return codec_for(kind).load(answer.value)


@overload
async def receive(signal: str, *, timeout: float | str | None = None) -> Any: ...
@overload
async def receive(signal: str, kind: type[T], *, timeout: float | str | None = None) -> T: ...
async def receive(signal: str, kind: Any = Any, *, timeout: float | str | None = None) -> Any:
    """Wait for a signal from outside (`stretto send ID SIGNAL JSON`); `TimeoutError` where none comes in time."""
    answer = await _question("signal", signal, codec_for(kind), "", timeout)
    return codec_for(kind).load(answer.value)


SAID = "said"
"""The signal that brings what somebody says in a conversation."""


@overload
async def listen(reply: object = None, *, timeout: float | str | None = None) -> str: ...
@overload
async def listen(reply: object, kind: type[T], *, timeout: float | str | None = None) -> T: ...
async def listen(reply: object = None, kind: Any = str, *, timeout: float | str | None = None) -> Any:
    """Reply to what was said last, and wait for what is said next (`job.say("...")`, `stretto say ID TEXT`).

    Raises `TimeoutError` where nobody says anything in time.
    """
    codec = codec_for(kind)
    return codec.load((await heard(None if reply is None else encode(reply), codec, timeout)).value)


async def heard(reply: bytes | None, codec: Codec[Any], timeout: float | str | None = None) -> Answer:
    """What is said next, as it was sent; `reply` is shown to who says it."""
    here("listen()").run.talks = True
    return await _question("signal", SAID, codec, "", timeout, reply or b"")


async def review(
    content: T,
    question: str = "Is this right?",
    *,
    to: str = "",
    expires: float | str | None = None,
    check: Callable[[T], object] | None = None,
) -> Accepted[T] | Rejected:
    """Show content to a person, who accepts it (maybe revised) or rejects it with a reason.

    A revision that `check` refuses, by a reason that it returns, False, or a `ValueError` (as `Agent(accept=...)` has it),
    is declined with that reason; the question stays open.
    """
    answer, _ = await _review("review()", content, question, to, expires, check)
    return answer


async def approved(
    content: T,
    question: str = "Is this right?",
    *,
    to: str = "",
    expires: float | str | None = None,
    check: Callable[[T], object] | None = None,
) -> T:
    """Content as a person accepted it, maybe revised. Raises `PolicyDenied` where it is rejected.

    A run that failed of that asks again when it is resumed. `check` is as in `review`.
    """
    answer, ident = await _review("approved()", content, question, to, expires, check)
    if isinstance(answer, Accepted):
        return answer.value
    error = PolicyDenied(f"the review {question!r} was rejected: {answer.reason or 'no reason was given'}")
    error.reason = answer.reason
    raise failures.tagged(error, here("approved()").key, ident)


async def _review(
    name: str,
    content: T,
    question: str,
    to: str,
    expires: float | str | None,
    check: Callable[[T], object] | None,
) -> tuple[Accepted[T] | Rejected, str]:
    codec: TypeCodec[Any] = codec_for(type(content)) if not isinstance(content, dict | list) else ANYTHING
    data, _ = codec.stored(content)
    scope = here(name)
    ident = scope.identify("review", question[:40], encode([question]) + data)

    def asked(wait: str) -> Asked:
        return Asked(
            wait,
            "review",
            question,
            content=Encoded(data),
            to=to,
            worker=scope.worker,
            expires=scope.run.deadline(None if expires is None else in_seconds(expires)),
            schema=Encoded(encode(codec.schema)),
        )

    def fits(answer: Answer) -> str:
        if answer.decision not in ("approve", "reject", "expired"):
            return f"a review is answered with approve or reject, not {answer.decision!r}"
        return _misfit(codec, answer, check) if answer.value is not None else ""

    answer = await waits.wait(scope, ident, scope.recall(ident), asked, fits)
    if answer.decision != "approve":
        return Rejected(answer.reason or (waits.EXPIRED if answer.decision == "expired" else "")), ident
    return Accepted(content if answer.value is None else codec.load(answer.value)), ident


async def _question(
    kind: WaitKind, prompt: str, codec: Codec[Any], to: str, expires: float | str | None, shown: bytes = b""
) -> Answer:
    scope = here("ask()" if kind == "question" else "receive()")
    ident = scope.identify(kind, prompt[:40], encode([prompt, to]) + shown)

    def asked(wait: str) -> Asked:
        return Asked(
            wait,
            kind,
            prompt,
            content=Encoded(shown) if shown else None,
            to=to,
            schema=Encoded(encode(codec.schema)),
            worker=scope.worker,
            expires=scope.run.deadline(None if expires is None else in_seconds(expires)),
        )

    def check(answer: Answer) -> str:
        if answer.decision == "expired":
            return ""
        if answer.decision not in ("answer", "approve"):
            return f"a {kind} is answered with a value, not {answer.decision!r}"
        return _misfit(codec, answer)

    answer = await waits.wait(scope, ident, scope.recall(ident), asked, check)
    if answer.decision == "expired":
        raise TimeoutError(f"{waits.EXPIRED}: {prompt}")
    return answer


def _misfit(codec: Codec[Any], answer: Answer, check: Callable[[Any], object] | None = None) -> str:
    try:
        value = codec.load(answer.value)
        said = check(value) if check is not None else None
    except (ValueError, UsageError) as error:
        said = str(error) or False
    if said is False or (said and isinstance(said, str)):
        return f"the answer does not fit: {said or 'it is not accepted'}"
    return ""


async def spent() -> Spend:
    """What the run has used up to here: USD, tokens and calls; the same on every replay."""
    scope = here("spent()")
    used = scope.root.account.spent
    known = await scope.decide("spent", lambda: [str(used.usd), used.input, used.output, used.calls, used.unpriced])
    return Spend(dollars(known[0]), *known[1:])


def settings() -> Settings:
    """What this run was started with: its model, budget and the like."""
    started: Settings = here("settings()").run.settings
    return started
