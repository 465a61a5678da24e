"""`debate(a, b, judge=..., rounds=3)`: speakers answer each other until they agree, or the rounds are over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stretto.core.canonical import encode
from stretto.core.errors import UsageError
from stretto.core.guesses import guided
from stretto.core.ports import Codec
from stretto.patterns.answer import the_one
from stretto.patterns.given import Turn, given
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workable, as_worker
from stretto.tools.codec import codec_for


@dataclass(frozen=True)
class Consensus:
    """A judge's verdict on a round: whether the speakers agree, on what, and why it thinks so."""

    agreed: bool
    answer: object = None
    reason: str = ""


@dataclass(frozen=True)
class Debated:
    """What came of a debate. Where `agreed` is False, `positions` is what each speaker said last, and nothing is settled."""

    agreed: bool
    answer: object
    positions: dict[str, Any]
    rounds: int
    reason: str = ""


@dataclass(frozen=True)
class Debate(Worker[Any, Debated]):
    """Speakers, and who judges whether they agree."""

    speakers: tuple[Worker[Any, Any], ...]
    judge: Worker[Any, Any] | None
    rounds: int
    name: str = "debate"

    async def work(self, context: Scope, value: object) -> Debated:
        """Rounds of one statement each; every speaker is given all that was said before."""
        transcript: list[Turn] = []
        for number in range(1, self.rounds + 1):
            for speaker in self.speakers:
                parts = {"task": value, "transcript": transcript, "you": speaker.name}
                said = await tasks.call(context, speaker, given(speaker, parts), f"round {number}")
                transcript.append({"speaker": speaker.name, "said": said})
            positions = {turn["speaker"]: turn["said"] for turn in transcript}
            parts = {"task": value, "transcript": transcript, "positions": positions}
            verdict = await self._verdict(context, parts, f"round {number}")
            if verdict.agreed:
                answer = transcript[-1]["said"] if verdict.answer is None else verdict.answer
                return Debated(True, answer, positions, number, verdict.reason)
        reason = verdict.reason or f"no agreement after {self.rounds} rounds"
        return Debated(False, verdict.answer, positions, self.rounds, reason)

    async def _verdict(self, scope: Scope, parts: Mapping[str, Any], label: str) -> Consensus:
        if self.judge is None:
            return Consensus(len({encode(said) for said in parts["positions"].values()}) == 1)
        return self._consensus(await tasks.call(scope, self.judge, given(self.judge, parts, "positions"), label))

    def _consensus(self, said: object) -> Consensus:
        agreed, fields = the_one(said, "agreed", (bool,))
        if agreed is None:
            raise UsageError(
                f"{self.name}: {self.judge.name if self.judge else ''} gave {said!r}, which does not say whether the "
                "speakers agree; a judge gives Consensus(agreed, answer, reason) or a bool, and an Agent is one "
                "with output=Consensus"
            )
        return Consensus(bool(agreed), fields.get("answer"), str(fields.get("reason", "")))

    @property
    def gives(self) -> Codec[Any]:
        """A `Debated`."""
        return codec_for(Debated)

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The speakers, and the judge."""
        return (*self.speakers, *([self.judge] if self.judge else []))

    def describe(self) -> dict[str, Any]:
        """The bound with the speakers."""
        return {**super().describe(), "rounds": self.rounds}


@guided
def debate(*speakers: Workable, judge: Workable | None = None, rounds: int = 3, name: str = "debate") -> Debate:
    """A worker that lets `speakers` answer each other, one after the other, for at most `rounds` rounds.

    Each is given `task`, the `transcript` so far (`{"speaker", "said"}` a turn), and `you`, its own name. After each
    round `judge` says with a `Consensus`, or a bool, whether they agree: a function of one parameter is given what each
    said last, by name; one of several parameters what they name of `task`, `transcript` and `positions`; any other
    worker all three. Without a judge they agree when all say the same. The result is a `Debated`; one without an
    agreement says so, with the positions as they stand.
    """
    workers = tuple(map(as_worker, speakers))
    names = [worker.name for worker in workers]
    if len(workers) < 2:
        raise UsageError("debate needs at least two speakers")
    if len(set(names)) < len(names):
        raise UsageError(f"two speakers of {name} have the same name ({', '.join(names)}); give each a name of its own")
    if rounds < 1:
        raise UsageError(f"rounds={rounds} would decide nothing; it is at least 1")
    return Debate(workers, None if judge is None else as_worker(judge, "judge"), rounds, name)
