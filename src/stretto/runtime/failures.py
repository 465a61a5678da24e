"""Errors on their way into the journal and out of it again.

What crosses a step or task boundary is the same the first time and on every replay: stretto's own errors and a few of
Python's come back as themselves, any other as `StepError` with the name of its type. Nothing stored names a class.
"""

from __future__ import annotations

from typing import Any

from stretto.core.canonical import encode
from stretto.core.errors import (
    Failure,
    ModelError,
    NotDone,
    PolicyDenied,
    StepError,
    ToolError,
    UsageError,
    WorkerFailed,
)
from stretto.core.events import Encoded, StepFailed

_KNOWN: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (
        ToolError,
        NotDone,
        PolicyDenied,
        UsageError,
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
_PATH = "_stretto_path"


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


def surfaced(error: Exception) -> Exception:
    """What the caller of a step gets: the error itself where a replay can raise it too, else a `StepError`."""
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
    kind = error.type if isinstance(error, StepError) and error.type else type_name(error)
    return Failure(worker, message(error), kind, value, attempts)


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
    )


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


def message(error: Exception) -> str:
    """What the error says; its type where it says nothing."""
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    return str(error) or type_name(error)


def type_name(error: Exception) -> str:
    """The error's type as text: bare for Python's and ours, with its module for others'."""
    kind = type(error)
    ours = kind.__module__ == "builtins" or kind.__module__.startswith("stretto.")
    return kind.__qualname__ if ours else f"{kind.__module__}.{kind.__qualname__}"
