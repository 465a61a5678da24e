"""What would happen to a worker if its process died, its disk failed or time passed, at any point: in simulation.

Nothing real happens: tools are replaced by recorders that return the least that fits, models by `test:`, and people
say yes. What a worker does past stretto, in plain Python, is done for real.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from stretto.core.canonical import encode
from stretto.core.errors import ReplayMismatch, StrettoError, UsageError
from stretto.core.events import Asked, StepIntended
from stretto.core.ports import Model, Worker
from stretto.core.values import Answer, Settings
from stretto.models.echo import echo
from stretto.models.minimal import minimal
from stretto.models.scripted import ScriptedModel
from stretto.policy.gate import Rules
from stretto.testing.machine import Machine
from stretto.testing.people import agree
from stretto.testing.simulation import Simulation, simulate
from stretto.testing.virtual_loop import Stuck, VirtualLoop
from stretto.tools.tool import Tool

Act = Literal["crash", "fail", "delay"]
ACTS: tuple[Act, ...] = ("crash", "fail", "delay")
MOST = 400
"""Points that are tried; of more, so many are taken at equal distances."""
LATER = 1_900_000_000
"""Another time of day (seconds since 1970), to see whether a worker's way depends on it."""
DELAY = 90.0
"""Seconds that pass at a point where there is a delay."""

SAFE = ("went on", "in doubt", "repeated with the same key", "failed, and said so", "went another way")
"""The last is what code may do whose way depends on the time, or on chance, that stretto recorded for it."""
BAD = ("lost", "repeated", "not deterministic")


@dataclass
class Book:
    """What the recorders in place of tools were called with."""

    reads: bool = False
    """Whether tools that only read are called for real."""
    calls: list[tuple[str, bytes]] = field(default_factory=list)
    once: dict[str, str] = field(default_factory=dict)
    keys: Counter[str] = field(default_factory=Counter)
    results: dict[str, Any] = field(default_factory=dict)

    def stand_in(self, tool: Tool[Any, Any]) -> Tool[Any, Any]:
        """A tool that looks the same, and only writes down that it was called."""

        if self.reads and tool.effect == "read":
            return tool.using(process=False)

        async def recorder(**arguments: Any) -> Any:
            key = arguments.pop("idempotency_key", "")
            self.keys[key] += 1
            if key and (self.keys[key] == 1 or tool.effect == "once"):
                self.calls.append((tool.name, encode(arguments)))
            if tool.effect == "once":
                self.once[key] = tool.name
            least = minimal(tool.codec.schema)
            self.results[key] = least
            return tool.codec.load(least)

        made = tool.using(function=recorder, preview=None, verify=None, process=False)
        vars(made)["signature"] = replace(tool.signature, injected={}, wants_key=True)
        vars(made)["codec"] = tool.codec
        return made


@dataclass(frozen=True, slots=True)
class Trial:
    """One try: what was done at which point, and what came of it. `outcome` is one of `SAFE` or `BAD`."""

    act: Act
    number: int
    site: str
    outcome: str
    detail: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether something was lost or repeated, or went another way."""
        return self.outcome in BAD

    def sentence(self) -> str:
        """One line for a person."""
        return f"{self.act} at {self.number} ({self.site}): {self.outcome}{': ' if self.detail else ''}{self.detail}"


@dataclass(frozen=True, slots=True)
class Report:
    """All trials of one target; `points` is how many fault sites it passes when it is left in peace."""

    points: int
    trials: list[Trial]

    @property
    def bad(self) -> list[Trial]:
        """The trials that ended badly."""
        return [trial for trial in self.trials if trial.is_bad]

    def table(self) -> dict[tuple[str, Act], Counter[str]]:
        """How often what came of which act at which kind of site; doubts name their tool."""
        table: dict[tuple[str, Act], Counter[str]] = {}
        for trial in self.trials:
            kind = trial.site.partition("#")[0]
            told = f"{trial.outcome}: {trial.detail}" if trial.outcome == "in doubt" else trial.outcome
            table.setdefault((kind, trial.act), Counter())[told] += 1
        return table


def chaos(
    worker: Worker,
    value: object,
    *,
    model: str = "test:",
    acts: Iterable[Act] = ACTS,
    most: int = MOST,
    reads: bool = False,
) -> Report:
    """Run a worker once in peace, then again for each point and each act at it; `reads` calls tools that only read."""
    plain = _Try(worker, value, model, reads=reads)
    plain.run()
    if plain.error is not None:
        raise UsageError(
            f"{worker.name} fails in simulation before anything is done to it, so nothing can be learnt: {plain.error}"
        ) from plain.error
    later = _Try(worker, value, model, reads=reads, later=True)
    later.run()
    steady = Counter(later.book.calls) == Counter(plain.book.calls) and later.output == plain.output
    numbers = range(1, len(plain.sites) + 1)
    step = -(-len(numbers) // most)
    trials = [_trial(plain, steady, act, number) for number in numbers[::step] for act in acts]
    return Report(len(plain.sites), trials)


def _trial(plain: _Try, steady: bool, act: Act, number: int) -> Trial:
    tried = _Try(plain.worker, plain.value, plain.model, act, number, reads=plain.book.reads)
    tried.run()
    outcome, detail = _compared(plain, tried, steady and act != "delay")
    seen = Counter(plain.sites[:number])
    name = plain.sites[number - 1]
    return Trial(act, number, f"{name}#{seen[name]}", outcome, detail)


def _compared(plain: _Try, tried: _Try, steady: bool) -> tuple[str, str]:
    """What came of a try, beside the one that was left in peace; `steady` code does the same whatever the time."""
    book, known = tried.book, tried.intended
    if isinstance(tried.error, ReplayMismatch):
        return "not deterministic", str(tried.error)
    if isinstance(tried.error, Stuck):
        return "lost", str(tried.error)
    if again := [name for key, name in book.once.items() if book.keys[key] > 1]:
        return "repeated", f"{again[0]} happened again under the same key"
    if any(times and key and key not in known for key, times in book.keys.items()):
        return "lost", "a call happened of which the journal does not know"
    if tried.error is not None:
        return "failed, and said so", f"{type(tried.error).__name__}: {tried.error}"
    more, less = Counter(book.calls) - Counter(plain.book.calls), Counter(plain.book.calls) - Counter(book.calls)
    if steady and less:
        return "lost", f"{_named(less)} did not happen"
    if steady and more:
        return "repeated", f"{_named(more)} happened again"
    if tried.doubts:
        return "in doubt", ", ".join(sorted(tried.doubts))
    if any(key and times > 1 for key, times in book.keys.items()):
        return "repeated with the same key", ""
    return ("went another way" if more or less or tried.output != plain.output else "went on"), ""


def _named(calls: Counter[tuple[str, bytes]]) -> str:
    return ", ".join(f"{name}({args.decode()[:80]})" for name, args in list(calls)[:2])


class _Try:
    """One run of the worker in simulation, with something done to it at one point."""

    def __init__(
        self,
        worker: Worker,
        value: Any,
        model: str,
        act: Act | None = None,
        number: int = 0,
        *,
        reads: bool = False,
        later: bool = False,
    ) -> None:
        self.worker, self.value, self.model = worker, value, model
        self.book = Book(reads)
        self.doubts: set[str] = set()
        self.output: Any = None
        self.error: Exception | None = None
        self.sites: list[str] = []
        self.intended: set[str] = set()
        """The keys of the calls that the journal knows of."""
        self._act, self._number, self._later = act, number, later

    def run(self) -> None:
        """See what comes of it."""
        machine = Machine(now=LATER if self._later else Machine.now)
        with simulate(crash_at=[self._number] if self._act == "crash" else [], machine=machine) as sim:
            random.seed(int(machine.now))
            sim.on_site = lambda number, name, loop: self._pass(sim, number, name, loop)
            own = getattr(self.worker, "rules", None)
            try:
                self.output = sim.run(
                    self.worker,
                    self.value,
                    model=self._resolve,
                    policy=own if isinstance(own, Rules) else None,
                    settings=Settings(model=self.model),
                    person=self._answer,
                    stand_in=self.book.stand_in,
                )
            except (StrettoError, Stuck) as error:
                self.error = error
            self.sites = sim.sites
            events = (row.event() for row in sim.events if row.kind == StepIntended.kind)
            self.intended = {event.key for event in events if isinstance(event, StepIntended)}

    def _pass(self, sim: Simulation, number: int, name: str, loop: VirtualLoop) -> None:
        if number != self._number:
            return
        if self._act == "delay":
            loop.clock += DELAY
        elif self._act == "fail" and name == "effect.before":
            raise OSError("a fault was injected here")
        elif self._act == "fail":
            sim.machine.fail_at = {sim.machine.commits + 1}

    def _resolve(self, name: str) -> Model:
        if name == "none" or (not name and self.model == "none"):
            raise UsageError("this worker thinks with a model, and the run was told to use none")
        return ScriptedModel(echo, name=name or self.model)

    def _answer(self, asked: Asked, key: str) -> Answer | None:
        if asked.ask != "doubt":
            return agree(asked, key)
        self.doubts.add(asked.tool)
        if self.book.keys[key]:
            return Answer("done", self.book.results[key], by="chaos")
        return Answer("repeat", by="chaos")
