"""`group_chat(a, b, person(...))`: workers and people speak in turn, each knowing all that was said before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stretto.core.errors import UsageError
from stretto.core.guesses import guided
from stretto.core.ports import Codec
from stretto.patterns.answer import label_of, meant
from stretto.patterns.given import Turn, given
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workable, as_worker, code_of
from stretto.tools.codec import codec_for

NOBODY = "nobody"
"""What `next` answers where nobody should speak any more."""


@dataclass(frozen=True)
class Chat:
    """What came of a conversation: what was said last, all that was said, and what ended it (until, nobody or max)."""

    answer: object
    transcript: list[Turn]
    ended: str


@dataclass(frozen=True)
class GroupChat(Worker[Any, Chat]):
    """Who takes part, who says whose turn it is, and when it is over."""

    participants: tuple[Worker[Any, Any], ...]
    next: Worker[Any, Any] | None
    until: Callable[[list[Turn]], object] | None
    turns: int
    name: str = "group_chat"

    async def work(self, context: Scope, value: object) -> Chat:
        """Turn by turn; a person's turn waits for their answer."""
        transcript: list[Turn] = []
        ended = "max"
        for number in range(1, self.turns + 1):
            speaker = await self._speaker(context, value, transcript, f"turn {number}")
            if speaker is None:
                ended = NOBODY
                break
            parts = {"task": value, "transcript": transcript, "you": speaker.name}
            said = await tasks.call(context, speaker, given(speaker, parts), f"turn {number}")
            transcript.append({"speaker": speaker.name, "said": said})
            if self.until is not None and self.until(transcript):
                ended = "until"
                break
        return Chat(transcript[-1]["said"] if transcript else None, transcript, ended)

    async def _speaker(
        self, scope: Scope, value: object, transcript: list[Turn], label: str
    ) -> Worker[Any, Any] | None:
        """Whose turn it is; None for nobody's."""
        if self.next is None:
            return self.participants[len(transcript) % len(self.participants)]
        known: Mapping[str, Worker[Any, Any] | None] = {
            **dict.fromkeys((NOBODY, "None", "")),
            **{worker.name: worker for worker in self.participants},
        }
        names = [one.name for one in self.participants]
        parts = {"task": value, "transcript": transcript, "participants": names}
        said = label_of(await tasks.call(scope, self.next, given(self.next, parts, "transcript"), label))
        chosen = meant(said, known)
        if chosen is None:
            raise UsageError(
                f"{self.name}: {self.next.name} said {said!r}, who does not take part; it is one of "
                f"{', '.join(names)}, or {NOBODY}"
            )
        return known[chosen]

    @property
    def gives(self) -> Codec[Any]:
        """A `Chat`."""
        return codec_for(Chat)

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """Who takes part, and who says whose turn it is."""
        return (*self.participants, *([self.next] if self.next else []))

    def describe(self) -> dict[str, Any]:
        """What ends it with who takes part."""
        return {**super().describe(), "max": self.turns, "until": code_of(self.until) if self.until else None}


@guided
def group_chat(
    *participants: Workable,
    next: Workable | None = None,
    until: Callable[[list[Turn]], object] | None = None,
    max: int = 12,
    name: str = "group_chat",
) -> GroupChat:
    """A worker in which `participants` speak in turn, at most `max` times, or until `until(transcript)` holds.

    Each is given `task`, the `transcript` so far (`{"speaker", "said"}` a turn), and `you`, its own name. They take
    turns in their order, unless `next` names who speaks: a rule or a worker that is given `task`, `transcript` and
    `participants` (a function of one parameter: the transcript), and ends it with "nobody". The result is a `Chat`.
    """
    workers = tuple(map(as_worker, participants))
    names = [worker.name for worker in workers]
    if len(set(names)) < len(names) or not names:
        raise UsageError(
            f"{name} needs participants, each with a name of its own; there is {', '.join(names) or 'none'}"
        )
    if until is not None and not callable(until):
        raise UsageError(f"until={until!r} is no function; write until=lambda said: {until!r} in said[-1]['said']")
    if max < 1:
        raise UsageError(f"max={max} would let nobody speak; it is at least 1")
    chooser = None if next is None else as_worker(next, "next")
    if isinstance(chooser, Worker):
        chooser = chooser.choosing({**{one.name: one.description for one in workers}, NOBODY: "it is over"})
    return GroupChat(workers, chooser, until, max, name)
