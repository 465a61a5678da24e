"""Every error stretto raises on purpose.

StrettoError
├── UsageError            you: a call, a file or a setting that cannot work; says the rule and the remedy
├── RunFailed             this run: its worker failed
│   ├── WorkerFailed      one worker of it failed; carries worker, input, error and attempts
│   ├── LoopDetected      an agent, or agents among each other, went round in circles
│   ├── ContextOverflow   what an agent would have to send does not fit into its model's window
│   ├── StepError         an effect of it failed, with an error that is not one of ours or Python's own
│   └── RunCancelled      somebody cancelled it
├── RunWaiting            this run waits for a person, a signal, a timer or budget
├── PlanOnly              the run was started for its plan alone, and has made it
├── ReplayMismatch        the code asks for something else than the journal recorded
├── PolicyDenied          a rule or a person said no
├── WriteConflict         two branches wrote the same shared value, and no rule merges them
├── Starved               all that is left of a run waits for messages of its own
├── JournalError          storage
└── ModelError            a provider answered with an error, or not at all

Raised by tools: ToolError (goes to the model), NotDone (the effect certainly did not happen).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GIVEN_UP = "Aborted"
"""The `type` of the `StepError` of an effect in doubt that a person gave up: nothing tries it again."""


class StrettoError(Exception):
    """The root of the tree; a program that catches it catches all of stretto's own errors."""


class UsageError(StrettoError):
    """The caller asked for something that cannot work; the message names the thing, the rule and the remedy."""


class RunFailed(StrettoError):
    """A run ended in an error. `run` is its id, where known."""

    run: str | None = None


class WorkerFailed(RunFailed):
    """A worker's task failed for good: `failure` says which, on what input, how, and after how many attempts."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence())
        self.failure = failure


class StepError(RunFailed):
    """An effect failed: `type` is the name of the error that the tool raised, as text."""

    def __init__(self, message: str, type: str = "") -> None:
        super().__init__(message)
        self.type = type


class LoopDetected(RunFailed):
    """An agent asked for the same again and again, or agents gave each other the same task; the message shows it."""


class ContextOverflow(RunFailed):
    """A request would not fit: `window` is the model's, `size` what the request is likely to come to, in tokens."""

    def __init__(self, message: str, *, window: int = 0, size: int = 0) -> None:
        super().__init__(message)
        self.window = window
        self.size = size


class RunCancelled(RunFailed):
    """The run was cancelled; what had begun is recorded."""


class RunWaiting(StrettoError):
    """The run goes on once somebody answers. `approvals` is what it waits for, as `stretto approvals --json` lists it."""

    def __init__(self, message: str, run: str, approvals: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.run = run
        self.approvals = list(approvals)


class PlanOnly(StrettoError):
    """The run stops here: it was started for its plan alone."""


class ReplayMismatch(StrettoError):
    """Resumed code asked for a step that does not fit what the journal recorded; nothing was done."""


class PolicyDenied(StrettoError):
    """A policy, an expired question or a person refused a step; the message gives the reason."""

    reason: str = ""
    """What the person said who refused content that was shown, word for word."""


class WriteConflict(StrettoError):
    """A shared value was to be set by a branch that has not seen what another wrote; the message names both."""


class Starved(StrettoError):
    """All that is left of the run waits for messages of its own tasks, and nobody is left to send one."""


class JournalError(StrettoError):
    """The store failed; nothing after the last commit counts as recorded."""


class ModelError(StrettoError):
    """A model call failed. `retryable` says whether the same call may succeed later, `retry_after` (seconds) when.

    `sent` is False where the provider was not asked at all, because it is down or wants to be left alone.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after
        self.sent = sent


class ToolError(Exception):
    """Raised by a tool to tell the model what went wrong, so that it can try something else."""


class NotDone(Exception):
    """Raised by a tool whose effect certainly did not happen, so that nobody needs to doubt it."""


class Evicted(BaseException):
    """Thrown through a worker whose run was parked, stopped or lost: nothing that it still does counts."""


_TERSE = {"KeyError", "IndexError", "AssertionError", "AttributeError", "TypeError", "NameError", "StopIteration"}
"""Kinds of errors whose message says little without the name."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known of a failed task: recorded, shown, and given to whoever re-plans."""

    worker: str
    error: str
    kind: str
    input: Any = None
    attempts: int = 1
    cause: Failure | None = None
    beside: tuple[Failure, ...] = ()
    """The failures of workers that did the same job: before this one, or at once."""
    where: str = ""
    """File, line and function in the user's code, where it was raised there."""

    def sentence(self) -> str:
        """One line for a person."""
        tries = f" after {self.attempts} attempts" if self.attempts > 1 else ""
        others = "".join(f"; {other.sentence()}" for failure in self.chain() for other in failure.beside)
        root = self.root()
        kind = f"{root.kind}: " if root.kind in _TERSE else ""
        return f"{self.worker} failed{tries}: {kind}{root.error}{others}"

    def root(self) -> Failure:
        """The failure that started the chain."""
        return self.cause.root() if self.cause else self

    @property
    def is_no(self) -> bool:
        """Whether a rule or a person said no, or gave it up in doubt: that is not tried in another way."""
        return self.root().kind in (PolicyDenied.__name__, GIVEN_UP)

    def chain(self) -> tuple[Failure, ...]:
        """This failure and those that led to it, outermost first."""
        return (self, *(self.cause.chain() if self.cause else ()))
