"""The letters to a run: answers, signals and cancellations from whoever does not hold it, drained into its chain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stretto.core import faults
from stretto.core.canonical import decode
from stretto.core.events import Declined, Ruled
from stretto.core.ports import Durability, Letter, Store
from stretto.core.values import Answer
from stretto.policy.standing import Rule
from stretto.runtime.recording import ROOT
from stretto.runtime.waits import Wait, answered

if TYPE_CHECKING:
    from stretto.runtime.execution import Execution


class Mail:
    """The inbox of one run, as its holder reads it."""

    def __init__(self, run: Execution, store: Store) -> None:
        self._run, self._store = run, store
        self._early: set[str] = set()
        self._news = self._draining = False
        self._stop = store.listen(run.id, self.came)

    def deaf(self) -> None:
        """Hear of no more letters."""
        self._stop()
        del self._stop  # it holds the run, which would wait for the collector

    @property
    def kept(self) -> frozenset[str]:
        """The letters that were read and wait for a question that is not open yet."""
        return frozenset(self._early)

    async def brings(self, signal: str) -> bool:
        """Whether a letter with this signal has come; a run that was just made has heard of every letter so far."""
        if not self._early and not self._run.is_resumed:
            return False
        letters = (decode(letter.body) for letter in await self._store.letters(self._run.id))
        return any(letter.get("signal") == signal for letter in letters)

    def look_again(self) -> None:
        """A question was opened: one of the kept letters may answer it."""
        if self._early:
            self.came()

    def came(self) -> None:
        """Read the inbox soon."""
        self._news = True
        if not self._run.closed and not self._draining:
            self._draining = True
            self._run.busy += 1
            self._run.background(self._drain())

    async def _drain(self) -> None:
        """Take the letters, one after the other."""
        try:
            while self._news:
                self._news = False
                for letter in await self._store.letters(self._run.id):
                    if not self._run.closed and not self._run.parking.underway:
                        await self._read(letter)
        finally:
            self._draining = False
            self._run.busy -= 1
        self._run.parking.consider()

    async def _read(self, letter: Letter) -> None:
        """Take a letter, keep it for a question that is not open yet, or decline it."""
        body = decode(letter.body)
        if letter.key == "cancel":
            self._run.cancel(body.get("by", ""), body.get("reason", ""))
            return
        if "rule" in body:
            await self._adopt(Rule(**body["rule"]), letter.key)
            return
        waits = self._run.parking.waits
        wait = self._signalled(body["signal"]) if "signal" in body else waits.get(body["wait"])
        if wait is None or wait.taken or wait.future.done():
            self._early.add(letter.key)
            return
        self._early.discard(letter.key)
        answer = Answer(**body["answer"])
        if problem := wait.check(answer):
            declined = Declined(letter.key, problem, answer.by)
            await self._run.commit(self._run.append(declined, ROOT, "", Durability.FULL, consumes=letter.key))
        else:
            await self.take(wait, answer, letter.key)

    async def _adopt(self, rule: Rule, letter: str) -> None:
        """Take a standing rule into the chain; open questions that it answers need nobody any more."""
        ruled = Ruled(rule.id, rule.tool, rule.where, rule.by, rule.channel)
        await self._run.commit(self._run.append(ruled, ROOT, "", Durability.FULL, consumes=letter))
        self._run.recording.rules.append(rule)
        for wait in tuple(self._run.parking.waits.values()):
            await self.by_rule(wait)

    async def by_rule(self, wait: Wait) -> None:
        """Answer an open question that a rule answers."""
        answer = wait.standing()
        if answer is not None:
            await self.take(wait, answer, "")

    def _signalled(self, name: str) -> Wait | None:
        """The oldest open question for a signal; one that comes too early is kept until there is one."""
        waits = (wait for wait in self._run.parking.waits.values() if wait.asked.ask == "signal" and not wait.taken)
        return next((wait for wait in waits if wait.asked.prompt == name), None)

    async def take(self, wait: Wait, answer: Answer, letter: str) -> None:
        """Record an answer, then let the branch go on that waits for it."""
        if wait.taken or wait.future.done():
            return
        wait.taken = True
        faults.site("wake.before")
        event = answered(wait.id, answer, wait.edited(answer) if wait.edited is not None else "")
        if letter and wait.asked.ask == "signal":
            event = replace(event, letter=letter)
        await self._run.commit(wait.scope.record(event, wait.ident, Durability.FULL, consumes=letter))
        faults.site("wake.after")
        self._run.parking.answered(wait, answer)
