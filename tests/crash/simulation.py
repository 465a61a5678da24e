"""The world of the crash tests, which the engine can't see, and the judgement of what came of a session in it.

A session is one run in a `stretto.testing` simulation, from its start to its end, through as many processes ("lives")
as it takes. Nothing reaches the world from a process that is dead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from stretto.core.errors import ReplayMismatch
from stretto.core.events import Asked, Row, StepIntended
from stretto.core.ports import Letter, Model, Worker
from stretto.core.values import Answer, Settings
from stretto.journal.chain import verify
from stretto.policy.gate import Rules
from stretto.testing import people
from stretto.testing.machine import Machine
from stretto.testing.simulation import LIVES, simulate

RUN = "r"
ENDS = ("run_finished", "run_failed", "run_cancelled")


# ---- the world


@dataclass
class World(Machine):
    """What happened outside, and how long things take."""

    effects: list[tuple[Any, ...]] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)
    facts: dict[str, Any] = field(default_factory=dict)

    async def happen(self, *effect: Any, key: str, again: bool = True) -> None:
        """Let something happen, after some time; it takes some time to hear of it.

        `key` names the call; unless `again`, the world refuses to do the same twice, as a keyed service does.
        """
        await self.delay()
        self.check()
        self.keys[key] += 1
        if again or self.keys[key] == 1:
            self.effects.append(effect)
        await self.delay()

    def count(self, *effect: Any) -> int:
        return self.effects.count(effect)


# ---- sessions

Person = Callable[[Asked, bool], Answer | None]


def truthful(asked: Asked, happened: bool) -> Answer | None:
    """Says yes to everything, and settles a doubt by looking at the world. A budget is raised to plenty."""
    match asked.ask:
        case "doubt":
            return Answer("done", f"did {asked.tool}", by="eve") if happened else Answer("repeat", by="eve")
        case "question" | "signal":
            return Answer("answer", f"about {asked.prompt}", by="eve")
        case "timer":
            return None
        case "budget":
            return Answer("approve", "$1000, 100000 calls", by="eve")
        case _:
            return Answer("approve", by="eve")


@dataclass
class Scenario:
    """A worker, and what must have come of it however often it was interrupted."""

    worker: Worker
    input: Any = None
    person: Person = truthful
    settings: Settings = field(default_factory=Settings)
    rules: Rules = field(default_factory=Rules)
    model: Callable[[World], Callable[[str], Model]] | None = None
    verified: tuple[str, ...] = ("move",)
    ends: str = "run_finished"
    maybe: tuple[tuple[Any, ...], ...] = ()
    """Effects of abandoned branches, which may or may not have begun."""
    timed: bool = False
    """What comes of it depends on the clock."""


@dataclass
class Session:
    """What came of a session."""

    output: Any
    error: BaseException | None
    rows: list[Row]
    world: World
    sites: list[str]
    doubts: set[str]
    lives: int
    trace: list[str]
    lost: int

    @property
    def kinds(self) -> Counter[str]:
        return Counter(row.kind for row in self.rows)


def play(
    scenario: Scenario,
    crashes: Iterable[int] = (),
    *,
    seed: int = 0,
    own_loop: bool = True,
    patience: int = LIVES,
    **trouble: Any,
) -> Session:
    """Run a scenario to its end, dying at the given fault sites (counted over the whole session)."""
    world, doubts = World(seed), set[str]()

    def person(asked: Asked, key: str) -> Answer | None:
        return scenario.person(asked, world.keys[key] > 0)

    output, error = None, None
    given: dict[str, Any] = {"machine": world, "own_loop": own_loop, "patience": patience, **trouble}
    with simulate(seed, crash_at=set(crashes), **given) as sim:
        try:
            output = sim.run(
                scenario.worker,
                scenario.input,
                id=RUN,
                deps={World: world},
                model=scenario.model(world) if scenario.model else no_model,
                policy=scenario.rules,
                settings=scenario.settings,
                person=person,
                between=lambda: doubts.update(f"{name} {ident}" for name, ident in sim.doubts()),
            )
        except Exception as raised:
            if not sim.events or (sim.events[-1].kind not in ENDS and not isinstance(raised, ReplayMismatch)):
                raise
            error = raised
    return Session(output, error, sim.events, world, sim.sites, doubts, sim.lives, sim.trace, sim.lost)


def no_model(name: str) -> Model:
    raise AssertionError(f"no model {name!r} here")


def letter(wait: str, answer: Answer) -> Letter:
    return people.letter(RUN, wait, answer)


# ---- judgement


def judge(session: Session, plain: Session, scenario: Scenario) -> None:
    """The interrupted session against the one that was left in peace."""
    rows, world = session.rows, session.world
    assert verify(rows) is None
    assert session.kinds[scenario.ends] == 1, (session.error, session.kinds)
    assert rows[-1].kind == scenario.ends
    assert session.output == plain.output
    done, expected = (Counter(e for e in w.effects if e not in scenario.maybe) for w in (world, plain.world))
    assert done == expected, "something was lost, or happened twice"
    intents = [event for row in rows if isinstance(event := row.event(), StepIntended)]
    for event in intents:
        assert event.effect != "once" or world.keys[event.key] <= 1, f"{event.name} happened twice"
    asked = {event.of for row in rows if isinstance(event := row.event(), Asked) and event.ask == "doubt"}
    for doubt in session.doubts:
        name, _, ident = doubt.partition(" ")
        assert name in scenario.verified or ident in asked, f"{name} was in doubt, and nobody was told"
    answers = Counter(row.event().wait for row in rows if row.kind == "answered")  # type: ignore[attr-defined]
    assert not [wait for wait, times in answers.items() if times > 1], "a question was answered twice"


def check_every_crash(scenario: Scenario, **how: Any) -> int:
    """Every single crash point of a scenario; how many there are."""
    plain = play(scenario, **how)
    judge(plain, plain, scenario)
    for site in range(1, len(plain.sites) + 1):
        _check(scenario, plain, [site], how)
    return len(plain.sites)


def check_every_pair(scenario: Scenario, **how: Any) -> int:
    """Every ordered pair of crash points."""
    plain = play(scenario, **how)
    pairs = 0
    for first in range(1, len(plain.sites) + 1):
        total = len(play(scenario, [first], **how).sites)
        for second in range(first + 1, total + 1):
            _check(scenario, plain, [first, second], how)
            pairs += 1
    return pairs


def _check(scenario: Scenario, plain: Session, crashes: list[int], how: dict[str, Any]) -> None:
    try:
        judge(play(scenario, crashes, **how), plain, scenario)
    except BaseException as error:
        error.add_note(f"crashes at {crashes} of {plain.sites} with {how}")
        raise
