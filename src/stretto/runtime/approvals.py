"""The gates before a tool's call, and the question to a person where they ask one.

An approval binds to the digest of the exact call; it is used once; an edit makes another call with a digest of its own.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from stretto.core.canonical import digest, encode
from stretto.core.errors import Evicted, JournalError, PolicyDenied
from stretto.core.events import Asked, Encoded
from stretto.core.values import Action, Allow, Answer, Ask, Deny, Preview
from stretto.runtime import failures, waits
from stretto.runtime.recording import Record
from stretto.tools.signature import fitted

if TYPE_CHECKING:
    from stretto.runtime.scope import Scope
    from stretto.tools.tool import Tool

Args = dict[str, Any]


def asked(scope: Scope, ident: str) -> bool:
    """Whether a question about this call is recorded."""
    recording = scope.run.recording
    return bool(recording.unclaimed) and recording.knows(scope.key, _question(ident, 0))


async def allowed(scope: Scope, tool: Tool[Any, Any], args: Args, ident: str, record: Record | None) -> Args:
    """The arguments to run with: the given ones, or what a person made of them. Raises `PolicyDenied`.

    Once the effect has begun (`record`) nothing is judged again. A question is asked anew when the world has changed
    under the preview that was approved.
    """
    questions = _recorded(scope, ident)
    for turn, question in enumerate(questions):
        args, base = await _ask(
            scope, tool, args, _question(ident, turn), question, Ask(""), Preview(""), begun=record is not None
        )
    if record is not None:
        return args
    if questions and (await preview(scope, tool, args)).base == base:
        if isinstance(verdict := _judge(scope, tool, args), Deny):
            _deny(scope, tool, args, ident, verdict.reason)
        return args
    turn = len(questions)
    while True:
        verdict = _judge(scope, tool, args)
        if isinstance(verdict, Deny):
            _deny(scope, tool, args, ident, verdict.reason)
        if not isinstance(verdict, Ask):
            return args
        shown = await preview(scope, tool, args)
        args, base = await _ask(scope, tool, args, _question(ident, turn), None, verdict, shown)
        if (await preview(scope, tool, args)).base == base and not isinstance(_judge(scope, tool, args), Deny):
            return args
        turn += 1


async def preview(scope: Scope, tool: Tool[Any, Any], args: Args) -> Preview:
    """What the tool shows of this call; an empty preview where it shows nothing. Plain text holds as long as it is the same."""
    if tool.preview is None:
        return Preview("")
    with scope.run.outside():
        shown = tool.preview(**fitted(tool.preview, args, scope.run.deps, ""))
        if inspect.isawaitable(shown):
            shown = await shown
    return shown if isinstance(shown, Preview) else Preview(text := str(shown), digest(encode(text)))


async def before(scope: Scope, tool: Tool[Any, Any], args: Args) -> Encoded:
    """What an irreversible call is about to change: what the tool's `before` says, else its preview, else that none does."""
    if tool.before is not None:
        with scope.run.outside():
            image = tool.before(**fitted(tool.before, args, scope.run.deps, ""))
            return Encoded(encode({"image": await image if inspect.isawaitable(image) else image}))
    shown = await preview(scope, tool, args)
    if shown.text or shown.base:
        return Encoded(encode({"preview": shown.text, "base": shown.base}))
    return Encoded(encode({"none": f"{tool.name} declares no before= and no preview=, so no before-image exists"}))


def _question(ident: str, turn: int) -> str:
    return f"ask {ident} again {turn}" if turn else f"ask {ident}"


def _recorded(scope: Scope, ident: str) -> list[Record]:
    """The recorded questions about a call, all claimed at once: a neighbour that does something new must not wait for them."""
    found: list[Record] = []
    if not scope.run.recording.unclaimed:
        return found
    while (question := scope.recall(_question(ident, len(found)))) is not None:
        found.append(question)
    return found


def _judge(scope: Scope, tool: Tool[Any, Any], args: Args) -> Allow | Ask | Deny:
    risk, effect, external, irreversible = tool.risk, tool.effect, tool.external, tool.irreversible
    action = Action(tool.name, args, risk, effect, external, irreversible, scope.worker, tool.undoes)
    verdict = scope.run.gate.judge(action)
    if isinstance(verdict, Deny) or not _was_made(scope, tool, args):
        return verdict
    return Ask("the run that this one was forked from made this call already")


def _was_made(scope: Scope, tool: Tool[Any, Any], args: Args) -> bool:
    """Whether a fork would do again what may be done once: a person says yes to that, whatever the rules."""
    reuse = scope.run.reuse
    return reuse is not None and tool.effect == "once" and reuse.was_made(tool.name, encode(args))


def _standing(scope: Scope, tool: Tool[Any, Any], args: Args) -> Answer | None:
    """What a rule says to this call: one of the policy's, or one that somebody made for this run."""
    verdict = _judge(scope, tool, args)
    if not isinstance(verdict, Ask) or _was_made(scope, tool, args):
        return None
    if verdict.standing:
        return Answer("approve", by=verdict.standing, channel="policy")
    rule = next((rule for rule in scope.run.recording.rules if rule.covers(tool.name, args)), None)
    return Answer("approve", reason=f"rule {rule.id}: {rule}", by=rule.by, channel="rule") if rule else None


def _deny(scope: Scope, tool: Tool[Any, Any], args: Args, ident: str, reason: str) -> None:
    error = PolicyDenied(f"{tool.name} was refused: {reason}")
    scope.record(failures.of_step("tool", tool.name, error, Encoded(encode(args)), 0), ident)
    raise failures.tagged(error, scope.key, ident)


async def _ask(
    scope: Scope,
    tool: Tool[Any, Any],
    args: Args,
    ident: str,
    record: Record | None,
    verdict: Ask,
    shown: Preview,
    *,
    begun: bool = False,
) -> tuple[Args, str]:
    """The approved arguments, and the state of the world they were approved for: none is looked at once the effect has begun."""
    if record is not None and not begun:
        _unchanged(scope, record)
    asked = record.begun.event() if record is not None and record.begun is not None else None
    base = asked.base if isinstance(asked, Asked) else shown.base

    def ask(wait: str) -> Asked:
        return _asked(scope, tool, args, wait, verdict, shown)

    def standing() -> Answer | None:
        return _standing(scope, tool, args)

    def edited_to(answer: Answer) -> str:
        if answer.decision != "approve" or answer.value is None:
            return ""
        return _digest(scope, waits.wait_id(scope, ident), tool, _edited(tool, args, answer), Preview("", base))

    answer = await waits.wait(scope, ident, record, ask, lambda answer: _unfit(tool, args, answer), standing, edited_to)
    if answer.decision != "approve":
        who = f" by {answer.by}" if answer.by else ""
        reason = answer.reason or (waits.EXPIRED if answer.decision == "expired" else "no reason was given")
        error = PolicyDenied(f"{tool.name} was rejected{who}: {reason}")
        raise failures.tagged(error, scope.key, ident)  # a run that ends of a no, and is resumed, asks again
    if answer.value is None:
        return args, base
    edited = _edited(tool, args, answer)
    return edited, base if begun else (await preview(scope, tool, edited)).base


def _unchanged(scope: Scope, question: Record) -> None:
    """Stop where a question or its answer is not what was recorded: what a person saw or said is no more to be known."""
    for row in (question.begun, question.ended):
        if row is not None and digest(encode(row.sealed())) != row.hash:
            told = (
                f"event {row.seq} ({row.kind}) of run {row.run} does not match its hash: it was changed after it was "
            )
            scope.run.stop(JournalError(f"{told}written, so nobody knows what was approved; nothing was done"))
            raise Evicted


def _asked(scope: Scope, tool: Tool[Any, Any], args: Args, wait: str, verdict: Ask, shown: Preview) -> Asked:
    """The question as it is recorded; its digest covers all that a person sees and the place where the call is made."""
    expires = verdict.expires if verdict.expires is not None else tool.expires
    return Asked(
        wait,
        "approval",
        verdict.reason,
        tool.name,
        Encoded(encode(args)),
        tool.risk,
        Encoded(encode(shown.text)) if shown.text else None,
        shown.base,
        _digest(scope, wait, tool, args, shown),
        verdict.to or tool.to,
        scope.run.deadline(expires),
        Encoded(encode(tool.signature.schema)),
        worker=scope.worker,
    )


def _digest(scope: Scope, wait: str, tool: Tool[Any, Any], args: Args, shown: Preview) -> str:
    covered = {
        "run": scope.run.id,
        "scope": scope.key,
        "wait": wait,
        "tool": tool.name,
        "args": args,
        "preview": shown.text,
        "base": shown.base,
        "policy": scope.run.gate.version,
    }
    return digest(encode(covered))


def _edited(tool: Tool[Any, Any], args: Args, answer: Answer) -> Args:
    """The call that an edit makes of the one that was shown: an argument that it does not name stays."""
    return tool.signature.check({**args, **answer.value})


def _unfit(tool: Tool[Any, Any], args: Args, answer: Answer) -> str:
    """What is wrong with an answer to an approval."""
    if answer.decision not in ("approve", "reject", "expired"):
        return f"an approval is answered with approve or reject, not {answer.decision!r}"
    if answer.decision == "approve" and answer.value is not None:
        if not isinstance(answer.value, dict):
            return "an edit is an object with the arguments that change"
        try:
            _edited(tool, args, answer)
        except ValueError as error:
            known = ", ".join(tool.signature.arguments) or "none"
            return f"the edited arguments do not fit {tool.name}: {error}; its arguments are {known}"
    return ""
