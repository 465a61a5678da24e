"""A process that can die: virtual time, a disk that keeps only what was committed, a world the engine can't see.

A session is one run from its start to its end, through as many processes ("lives") as it takes. The n-th fault site of
a session may be deadly: from then on neither the disk nor the world takes anything from that process, whatever its
code still does while it is torn down. What was appended without a commit is lost.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from stretto.core import faults
from stretto.core.canonical import encode
from stretto.core.events import Asked, Row, StepIntended
from stretto.core.ports import Durability, Entry, Lease, Letter, Model, Observer, RunRow, Worker
from stretto.core.values import Answer, RunState, Settings
from stretto.journal.chain import verify
from stretto.journal.memory import MemoryStore
from stretto.policy.gate import Rules
from stretto.runtime import engine
from stretto.runtime.branches import fork_plain_tasks
from stretto.runtime.outcome import Finished, Outcome, Stopped, Surroundings, Waiting
from stretto.runtime.view import View, WaitView

RUN = "r"
T0 = 1_800_000_000
LIVES = 60
"""A session that takes more processes than this gets nowhere."""


class Crash(BaseException):
    """The process is dead."""


class Stuck(Exception):
    """Nothing will ever happen again, and nobody was told."""


# ---- time


class _Selector(selectors.SelectSelector):
    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise Stuck("all tasks wait for something that nothing will bring about")
        self.loop.clock += max(timeout, 0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time jumps to the next timer; where there is none and nothing is ready, the loop is `Stuck`."""

    def __init__(self) -> None:
        self.clock = 0.0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.clock


# ---- the world


@dataclass
class World:
    """What happened outside, whether the process lives, and how long things take."""

    seed: int = 0
    alive: bool = True
    effects: list[tuple[Any, ...]] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)
    facts: dict[str, Any] = field(default_factory=dict)
    now: float = T0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

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

    async def delay(self) -> None:
        """0 to 3 turns of time; none in a session without a seed, where the order is as written."""
        if self.seed:
            await asyncio.sleep(self.random.choice((0, 0, 0.001, 0.002, 0.003)))

    def count(self, *effect: Any) -> int:
        return self.effects.count(effect)

    def check(self) -> None:
        if not self.alive:
            raise Crash


class WorldClock:
    """The time of day: virtual time since the world began; it goes on through crashes."""

    def __init__(self, world: World, loop: asyncio.AbstractEventLoop) -> None:
        self._begin = world.now - loop.time()
        self._loop = loop

    def now(self) -> int:
        return int((self._begin + self._loop.time()) * 1e6)


# ---- the disk


class Disk(MemoryStore):
    """What survives the death of a process."""

    def power_off(self) -> None:
        for run in self._runs.values():
            run.lease.held = False
            run.listeners.clear()


class Process:
    """A store as one process has it: appends wait in memory, in order, for a commit that somebody asks for.

    `lazy`: what nobody waits for is committed only with the next thing somebody waits for: the worst case.
    """

    def __init__(self, disk: Disk, world: World, *, lazy: bool = True) -> None:
        self._disk, self._world, self._lazy = disk, world, lazy
        self._queue: list[tuple[Lease, Sequence[Entry], asyncio.Future[None] | None]] = []
        self._armed = False

    def append(self, lease: Lease, entries: Sequence[Entry], durability: Durability) -> Awaitable[None] | None:
        self._world.check()
        loop = asyncio.get_running_loop()
        done = loop.create_future() if durability else None
        self._queue.append((lease, entries, done))
        if not self._armed and (done is not None or not self._lazy):
            self._armed = True
            delay = self._world.random.choice((0, 0.001, 0.002)) if self._world.seed else 0
            loop.call_later(delay, self._flush)
        return done

    def _flush(self) -> None:
        self._armed = False
        if not self._world.alive:
            return
        try:
            faults.site("commit.before")
            queue, self._queue = self._queue, []
            for lease, entries, _ in queue:
                self._disk.append(lease, entries, Durability.FULL)
            faults.site("commit.after")
        except Crash:
            return
        for _, _, done in queue:
            if done is not None and not done.done():
                done.set_result(None)

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        self._world.check()

    async def create(self, run: str, *, fresh: bool = False) -> Lease | None:
        await self._turn()
        return await self._disk.create(run, fresh=fresh)

    async def acquire(self, run: str) -> Lease | None:
        await self._turn()
        return await self._disk.acquire(run)

    async def park(self, lease: Lease, entry: Entry, known: frozenset[str]) -> bool:
        await self._world.delay()
        await self._turn()
        self._flush()
        self._world.check()
        parked = await self._disk.park(lease, entry, known)
        await self._turn()
        return parked

    async def release(self, lease: Lease) -> None:
        await self._turn()
        self._flush()
        await self._disk.release(lease)

    async def post(self, letter: Letter) -> bool:
        return await self._disk.post(letter)

    async def read(self, run: str, after: int = -1, limit: int | None = None) -> list[Row]:
        await self._turn()
        return await self._disk.read(run, after, limit)

    async def blob(self, digest: str) -> bytes:
        await self._turn()
        return await self._disk.blob(digest)

    async def letters(self, run: str) -> list[Letter]:
        await self._turn()
        return await self._disk.letters(run)

    async def runs(self, *, state: RunState | None = None, limit: int = 1000) -> list[RunRow]:
        return await self._disk.runs(state=state, limit=limit)

    async def find(self, run: str) -> RunRow | None:
        return await self._disk.find(run)

    async def due(self, now: int) -> list[tuple[str, frozenset[str]]]:
        return await self._disk.due(now)

    def listen(self, run: str, wake: Callable[[], None]) -> Callable[[], None]:
        return self._disk.listen(run, wake)

    def observe(self, observer: Observer) -> None:
        self._disk.observe(observer)

    async def close(self) -> None:
        return None


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

    @property
    def kinds(self) -> Counter[str]:
        return Counter(row.kind for row in self.rows)


def play(
    scenario: Scenario,
    crashes: Iterable[int] = (),
    *,
    seed: int = 0,
    lazy: bool = True,
    own_loop: bool = True,
    patience: int = LIVES,
) -> Session:
    """Run a scenario to its end, dying at the given fault sites (counted over the whole session)."""
    world, disk, deadly = World(seed), Disk(), set(crashes)
    sites: list[str] = []
    doubts: set[str] = set()
    for life in range(1, patience + 1):
        outcome = _live(scenario, world, disk, deadly, sites, lazy, own_loop)
        if isinstance(outcome, Finished | Stopped):
            rows = _rows(disk)
            output = outcome.output if isinstance(outcome, Finished) else None
            error = outcome.error if isinstance(outcome, Stopped) else None
            return Session(output, error, rows, world, sites, doubts, life)
        doubts |= _in_doubt(_rows(disk))
    raise Stuck(f"the session did not end in {patience} lives")


def _live(
    scenario: Scenario, world: World, disk: Disk, deadly: set[int], sites: list[str], lazy: bool, own_loop: bool
) -> Outcome | None:
    """One process, until the run ends or it dies (None)."""
    world.alive = True
    loop = VirtualLoop()
    if own_loop:
        loop.set_task_factory(fork_plain_tasks)
    faulty: list[Any] = []
    loop.set_exception_handler(lambda _, context: faulty.append(context) if world.alive else None)
    death: asyncio.Future[None] = loop.create_future()

    def plan(name: str) -> None:
        world.check()
        sites.append(name)
        if len(sites) in deadly:
            world.alive = False
            if not death.done():
                death.set_result(None)
            raise Crash

    faults.lay(plan)
    try:
        outcome = loop.run_until_complete(_until_death(_process(scenario, world, disk, loop, lazy), death))
        assert not faulty, faulty
        return outcome
    finally:
        world.alive = False
        faults.lay(None)
        _tear_down(loop)
        world.now += loop.time() + 0.001
        disk.power_off()


async def _until_death(work: Coroutine[Any, Any, Outcome], death: asyncio.Future[None]) -> Outcome | None:
    task = asyncio.get_running_loop().create_task(work)
    both: list[asyncio.Future[Any]] = [task, death]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    return None if death.done() else task.result()


def _tear_down(loop: VirtualLoop) -> None:
    while tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.wait(tasks, timeout=5))
        for task in tasks:
            if task.done() and not task.cancelled():
                task.exception()
    loop.close()


async def _process(scenario: Scenario, world: World, disk: Disk, loop: VirtualLoop, lazy: bool) -> Outcome:
    store = Process(disk, world, lazy=lazy)
    rules = replace(scenario.rules, approve=(*scenario.rules.approve, *scenario.settings.approve))
    model = scenario.model(world) if scenario.model else _no_model
    around = Surroundings(store, WorldClock(world, loop), rules, model, {World: world})
    row = await disk.find(RUN)
    if row is not None and row.state is RunState.DONE:
        return Finished(scenario.worker.gives.load(View(await disk.read(RUN)).output))
    loaded = await engine.begin(
        around, scenario.worker, scenario.input, id=RUN, settings=scenario.settings, code=""
    ) or await engine.take_up(around, RUN, scenario.worker)
    while True:
        assert loaded is not None, "nobody holds the run, and yet it can't be taken up"
        outcome = await loaded.execution.drive(loaded.worker, loaded.value)
        if not isinstance(outcome, Waiting):
            return outcome
        await _answer(scenario, world, disk, loop)
        loaded = await engine.take_up(around, RUN, scenario.worker)


def _no_model(name: str) -> Model:
    raise AssertionError(f"no model {name!r} here")


async def _answer(scenario: Scenario, world: World, disk: Disk, loop: VirtualLoop) -> None:
    """Somebody answers an open question, or time goes by until the clock does."""
    view = View(rows := await disk.read(RUN))
    waits = view.open_waits
    if world.seed:
        world.random.shuffle(waits)
        waits = waits[: world.random.randint(1, len(waits))]
    posted = False
    for wait in waits:
        happened = world.keys[_key(rows, wait)] > 0
        answer = scenario.person(wait.asked, happened)
        if answer is not None:
            posted |= await disk.post(letter(wait.asked.wait, answer))
    row = await disk.find(RUN)
    if not posted and row is not None and row.wake is not None:
        loop.clock = max(loop.clock, loop.clock + row.wake / 1e6 - world.now)
    elif not posted and not await disk.letters(RUN):
        raise Stuck(f"parked for {[wait.asked for wait in waits]}, and nobody will answer")


def letter(wait: str, answer: Answer) -> Letter:
    body = {
        "decision": answer.decision,
        "value": answer.value,
        "reason": answer.reason,
        "by": answer.by,
        "channel": "test",
    }
    return Letter(RUN, f"answer {wait}", encode({"wait": wait, "answer": body}))


def _key(rows: list[Row], wait: WaitView) -> str:
    """The key of the call that a doubt is about, as its intent has it."""
    scope = rows[wait.seq].scope
    about = (
        row.event() for row in rows if row.kind == "step_intended" and (row.scope, row.ident) == (scope, wait.asked.of)
    )
    return next((event.key for event in about if isinstance(event, StepIntended)), "")


def _rows(disk: Disk) -> list[Row]:
    return asyncio.run(disk.read(RUN))


def _in_doubt(rows: list[Row]) -> set[str]:
    """The `once` effects of which the journal has the intent and no end."""
    open_: dict[tuple[str, str], str] = {}
    for row in rows:
        if row.kind == "step_intended" and row.event().effect == "once":  # type: ignore[attr-defined]
            open_[row.scope, row.ident] = row.event().name  # type: ignore[attr-defined]
        elif row.kind in ("step_done", "step_failed"):
            open_.pop((row.scope, row.ident), None)
    return {f"{name} {ident}" for (_, ident), name in open_.items()}


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
