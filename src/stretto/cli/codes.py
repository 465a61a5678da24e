"""What a command's exit code says."""

from __future__ import annotations

from stretto.core.errors import ReplayMismatch, RunWaiting, StrettoError, UsageError
from stretto.core.values import RunState

DONE, FAILED, USAGE, WAITING, MISMATCH, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""WAITING is for a person, a signal or budget."""


def of_error(error: StrettoError) -> int:
    """Of a command that ended in an error."""
    match error:
        case UsageError():
            return USAGE
        case RunWaiting():
            return WAITING
        case ReplayMismatch():
            return MISMATCH
        case _:
            return FAILED


def of_state(state: RunState) -> int:
    """Of a command that carried on a run until it was in this state."""
    match state:
        case RunState.DONE:
            return DONE
        case RunState.FAILED | RunState.CANCELLED:
            return FAILED
        case RunState.RUNNING | RunState.WAITING:
            return WAITING
