"""`compete(a, b, judge=...)`: several do the same job, a judge scores what each makes, and the best is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from stretto.core.errors import UsageError
from stretto.core.guesses import guided
from stretto.core.values import Done, Failed, Score, at_once
from stretto.patterns.answer import the_one
from stretto.patterns.given import given
from stretto.patterns.peers import Peers
from stretto.runtime import failures
from stretto.runtime.beside import beside
from stretto.runtime.branches import Branches
from stretto.runtime.scope import Scope
from stretto.runtime.tasks import Call
from stretto.runtime.worker import Out, Worker
from stretto.runtime.workflow import Workable, as_worker

COMPETE = "compete"
"""The recorded decision: which candidate (from 1) won, and how each of them was scored, failed or was left."""


@dataclass(frozen=True)
class _Entry:
    """What a candidate made, and its score."""

    answer: Any
    score: Score


@dataclass(frozen=True)
class Compete(Peers[Out]):
    """Workers that do the same job, and the judge of what they make."""

    judge: Worker[Any, Any]
    accept: float | None = None
    limit: int | None = None
    name: str = "compete"

    async def work(self, context: Scope, value: object) -> Out:
        """The answer with the highest score; of equal ones the first, and the first that is good enough at once."""
        entries = [self._enter(worker, value, number) for number, worker in enumerate(self.workers, 1)]
        branches = Branches("race", entries, self.limit)
        winner = await branches.decide(self._settles)
        outcomes: list[Done[_Entry] | Failed | None] = branches.outcomes
        if not self._settles(outcomes[winner]):
            winner = _best(outcomes)
        await context.decide(COMPETE, lambda: {"winner": winner + 1, "candidates": self._told(outcomes)})
        best: _Entry = branches.result(winner)
        return best.answer  # type: ignore[no-any-return]

    async def _enter(self, worker: Worker[Any, Out], value: object, number: int) -> _Entry:
        label = f"candidate {number}"
        answer = await Call[Out](worker, value, label)
        parts = {"task": value, "answer": answer}
        said = await Call[Any](self.judge, given(self.judge, parts, "answer"), label)
        return _Entry(answer, self._score(said))

    def _score(self, said: object) -> Score:
        number, fields = the_one(said, "value", (int, float))
        if number is None:
            raise UsageError(
                f"{self.name}: {self.judge.name} gave {said!r}, which is no score; a judge gives Score(value, reason) "
                "or a number, and an Agent is one with output=Score"
            )
        return Score(float(number), str(fields.get("reason", "")))

    def _settles(self, outcome: Done[_Entry] | Failed | None) -> bool:
        return isinstance(outcome, Done) and self.accept is not None and outcome.value.score.value >= self.accept

    def _told(self, outcomes: Sequence[Done[_Entry] | Failed | None]) -> list[Mapping[str, object]]:
        return [{"worker": worker.name, **_told(come)} for worker, come in zip(self.workers, outcomes, strict=True)]

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The candidates, and the judge."""
        return (*self.workers, self.judge)

    def describe(self) -> dict[str, Any]:
        """The threshold with the workers."""
        return {**super().describe(), "accept": self.accept}


def _best(outcomes: Sequence[Done[_Entry] | Failed | None]) -> int:
    scores = [outcome.value.score.value if isinstance(outcome, Done) else None for outcome in outcomes]
    known = [score for score in scores if score is not None]
    if not known:
        raise failures.together([outcome.error for outcome in outcomes if isinstance(outcome, Failed)])
    return scores.index(max(known))


def _told(outcome: Done[_Entry] | Failed | None) -> Mapping[str, object]:
    match outcome:
        case Done(_Entry(score=score)):
            return {"score": score.value, "reason": score.reason}
        case Failed(error):
            return {"failed": str(error)}
        case None:
            return {"left": True}


@overload
def compete(
    *workers: Worker[Any, Out],
    judge: Workable,
    accept: float | None = None,
    n: int = 1,
    limit: int | None = None,
    name: str = "compete",
) -> Compete[Out]: ...
@overload
def compete(
    *workers: Workable,
    judge: Workable,
    accept: float | None = None,
    n: int = 1,
    limit: int | None = None,
    name: str = "compete",
) -> Compete[Any]: ...
@guided
def compete(
    *workers: Workable,
    judge: Workable,
    accept: float | None = None,
    n: int = 1,
    limit: int | None = None,
    name: str = "compete",
) -> Compete[Any]:
    """A worker that gives its input to all of `workers` at once, each `n` times, and returns the answer with the best score.

    `judge` gives each answer a `Score(value, reason)`, or a number: a function of one parameter is given the answer,
    one of two `task` and `answer`, any other worker an object with both. As soon as a score is at least `accept` the
    others are ended. `limit` is how many are at work at once: with 1 one comes after the other, and the first that is
    good enough spares the rest. A candidate that fails has no score; only where all fail does it fail.
    """
    if not workers or n < 1:
        raise UsageError("compete needs at least one worker, and n is at least 1")
    return Compete(tuple(map(beside, workers)) * n, as_worker(judge, "judge"), accept, at_once(limit), name)
