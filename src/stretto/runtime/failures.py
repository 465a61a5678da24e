"""Errors on their way into the journal and out of it again.

What crosses a step or task boundary is the same the first time and on every replay: stretto's own errors and a few of
Python's come back as themselves, any other as `StepError` with the name of its type. Nothing stored names a class.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from stretto.core.canonical import decode, encode
from stretto.core.errors import (
    GIVEN_UP,
    ContextOverflow,
    Failure,
    LoopDetected,
    ModelError,
    NotDone,
    PolicyDenied,
    RunCancelled,
    Starved,
    StepError,
    ToolError,
    UsageError,
    WorkerFailed,
    WriteConflict,
)
from stretto.core.events import Encoded, StepFailed
from stretto.policy.secrets import Secrets

_KNOWN: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (
        ToolError,
        NotDone,
        PolicyDenied,
        UsageError,
        WriteConflict,
        Starved,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        LookupError,
        ArithmeticError,
        ZeroDivisionError,
        AttributeError,
        RuntimeError,
        AssertionError,
        TimeoutError,
        OSError,
        ConnectionError,
        ConnectionRefusedError,
        ConnectionResetError,
        FileNotFoundError,
        FileExistsError,
        PermissionError,
        IsADirectoryError,
        NotADirectoryError,
        UnicodeError,
    )
}
_FINAL = (UsageError, PolicyDenied, NotDone, RunCancelled, LoopDetected, ContextOverflow, Starved)
_FINAL_KINDS = {LoopDetected.__name__, ContextOverflow.__name__, GIVEN_UP}
_PATH, _TRIES = "_stretto_path", "_stretto_tries"


def of_step(
    kind: str, name: str, error: Exception, request: Encoded | None, took: int, *, doubt: bool = False, cost: str = ""
) -> StepFailed:
    """The event of an effect that failed."""
    detail = None
    if isinstance(error, ModelError):
        detail = Encoded(
            encode({"status": error.status, "retryable": error.retryable, "retry_after": error.retry_after})
        )
    return StepFailed(kind, name, message(error), type_name(error), detail, request, took, cost, doubt)


def surfaced(error: Exception, event: StepFailed, secrets: Secrets) -> Exception:
    """What the caller of a step gets: the error itself where a replay can raise it too, else a `StepError`.

    Where it says a secret, the event and the error are made to say the secret's name instead.
    """
    if secrets and (told := secrets.mask(event.error)) != event.error:
        event.error = told
        return revived(event, decode(event.detail) if isinstance(event.detail, Encoded) else None)
    if type(error) is ModelError or _KNOWN.get(type_name(error)) is type(error):
        return error
    return StepError(f"{type_name(error)}: {message(error)}", type_name(error))


def revived(event: StepFailed, detail: Any) -> Exception:
    """The error of a recorded failure."""
    if event.type == "ModelError":
        return ModelError(event.error, **(detail or {}))
    known = _KNOWN.get(event.type)
    return known(event.error) if known else StepError(f"{event.type}: {event.error}", event.type)


def of_task(worker: str, value: Any, error: Exception, attempts: int) -> Failure:
    """What is known of a task that failed."""
    if isinstance(error, WorkerFailed):
        return Failure(worker, f"{error.failure.worker} failed", "WorkerFailed", value, attempts, error.failure)
    attempts += tries_of(error) - 1
    kind = error.type if isinstance(error, StepError) and error.type else type_name(error)
    return Failure(worker, message(error), kind, value, attempts, where=place(error))


def failure_from(body: dict[str, Any]) -> Failure:
    """The failure of a stored body."""
    cause = body.get("cause")
    return Failure(
        body["worker"],
        body["error"],
        body["kind"],
        body.get("input"),
        body.get("attempts", 1),
        failure_from(cause) if cause else None,
        tuple(failure_from(other) for other in body.get("beside") or ()),
        body.get("where", ""),
    )


def together(errors: Sequence[Exception]) -> Exception:
    """The first of several errors, with the failures of the others beside it."""
    failed = [error for error in errors if isinstance(error, WorkerFailed)]
    if failed[:1] != list(errors[:1]):
        return errors[0]
    first = failed[0].failure
    whole = WorkerFailed(replace(first, beside=(*first.beside, *(error.failure for error in failed[1:]))))
    whole.__cause__ = failed[0]
    return whole


def is_final(error: Exception) -> bool:
    """Whether another attempt at the task would only meet the error again, or multiply attempts made further in."""
    if isinstance(error, WorkerFailed):
        return any(one.attempts > 1 or one.kind in _FINAL_KINDS for one in error.failure.chain())
    if isinstance(error, ModelError) and not error.retryable:
        return True
    return isinstance(error, _FINAL) or getattr(error, "type", "") == GIVEN_UP or tries_of(error) > 1


def tried(error: Exception, tries: int) -> Exception:
    """Remember in the error how often its step was tried."""
    setattr(error, _TRIES, tries)
    return error


def tries_of(error: BaseException | None) -> int:
    """How often the step that an error came out of was tried."""
    while error is not None:
        if tries := getattr(error, _TRIES, 0):
            return int(tries)
        error = error.__cause__
    return 1


def tagged(error: Exception, scope: str, ident: str) -> Exception:
    """Remember in the error which recorded failure it came out of."""
    setattr(error, _PATH, [*path_of(error), f"{scope} {ident}"])
    return error


def path_of(error: BaseException | None) -> list[str]:
    """The recorded failures that an error came through, innermost first."""
    path: list[str] = []
    while error is not None:
        path = [*getattr(error, _PATH, []), *path]
        error = error.__cause__
    return list(dict.fromkeys(path))


_OURS = ("runtime", "tools", "agents", "patterns", "orchestrator", "core")
_NOT_OURS = (
    f"{os.sep}site-packages{os.sep}",
    os.path.dirname(os.__file__) + os.sep,
    *(os.path.join(os.path.dirname(os.path.dirname(__file__)), floor) for floor in _OURS),
)


def place(error: BaseException) -> str:
    """Where in the user's own code an error was raised: the innermost frame outside stretto and what is installed."""
    if type(error).__module__.startswith("stretto.") and error.__cause__ is None:
        return ""
    frames = traceback.extract_tb((error.__cause__ or error).__traceback__)
    own = [frame for frame in frames if not any(part in frame.filename for part in _NOT_OURS)]
    return f"{own[-1].filename}:{own[-1].lineno} in {own[-1].name}" if own else ""


def message(error: Exception) -> str:
    """What the error says; its type where it says nothing."""
    if isinstance(error, RecursionError):
        return "workers or calls are nested too deep for Python's stack (about 150 levels); use a loop instead"
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    return str(error) or type_name(error)


def type_name(error: Exception) -> str:
    """The error's type as text: bare for Python's and ours, with its module for others'."""
    kind = type(error)
    ours = kind.__module__ == "builtins" or kind.__module__.startswith("stretto.")
    return kind.__qualname__ if ours else f"{kind.__module__}.{kind.__qualname__}"
