"""Test a workflow under any order of events, crashes at any point, a failing disk and a clock that jumps.

    for seed in range(1_000):
        with simulate(seed, crashes=2) as sim:
            assert sim.run(weekly_post, "EV", deps=ledger) == expected

A simulation is one run, from its start to its end, through as many processes ("lives") as it takes. Time is virtual,
so a sleep of a week takes no time. Equal seeds give equal traces, down to the hashes of the journal.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from stretto.core import faults
from stretto.core.errors import JournalError, UsageError
from stretto.core.events import Row, StepIntended
from stretto.core.ports import Model
from stretto.core.values import RunState, Settings
from stretto.policy.gate import Rules
from stretto.runtime import engine
from stretto.runtime.outcome import Finished, Outcome, Stopped, Surroundings, Waiting
from stretto.runtime.view import View
from stretto.runtime.workflow import as_worker
from stretto.testing import wall_clock
from stretto.testing.machine import Crash, Machine, SimulatedClock, at_once
from stretto.testing.people import Person, Post, agree
from stretto.testing.simulated_store import Disk, SimulatedStore
from stretto.testing.virtual_loop import Stuck, VirtualLoop, tear_down

T = TypeVar("T")
LIVES = 60
"""A run that takes more processes than this gets nowhere."""
RESTART = 0.001
"""Seconds between the death of a process and the next one."""
LEAP = 90_061.0
"""Seconds (a day, an hour, a minute and a second) that `time.time()` is ahead in each further life: code that reads it
past stretto's `now()` takes another way then, and is found out."""


class Simulation:
    """See `simulate`."""

    def __init__(
        self,
        machine: Machine,
        crash_at: Collection[int] = (),
        crashes: int = 0,
        *,
        power_cuts: bool = False,
        jumps: float = 0,
        eager: bool = False,
        lazy: bool = True,
        own_loop: bool = True,
        patience: int = LIVES,
    ) -> None:
        self.machine = machine
        self.sites: list[str] = []
        """The fault sites that were passed, in order; `crash_at` counts them from 1."""
        self.lives = 0
        self.lost = 0
        """Events that power cuts took."""
        self.on_site: Callable[[int, str, VirtualLoop], None] = _nothing
        """Called at each fault site: it may let time pass (`loop.clock += 5`), or raise."""
        self._crash_at, self._crashes = set(crash_at), crashes
        self._lazy, self._power_cuts, self._jumps = lazy, power_cuts, jumps
        self._own_loop, self._patience = own_loop, patience
        self._disk = Disk()
        self._post = Post(machine, self._disk, eager=eager)
        self._clock: SimulatedClock | None = None
        self._run = "simulated"

    # ---- what came of it

    @property
    def events(self) -> list[Row]:
        """The run's journal, as it lies on the disk."""
        return at_once(self._disk.read(self._run))

    @property
    def trace(self) -> list[str]:
        """All that happened, in order: equal seeds give equal traces."""
        return [*self.sites, *(f"{row.seq} {row.kind} {row.hash}" for row in self.events)]

    def doubts(self) -> set[tuple[str, str]]:
        """Name and identity of the `once` effects of which the journal has the intent and no end."""
        open_: dict[tuple[str, str], str] = {}
        for row in self.events:
            if isinstance(event := row.event() if row.kind == StepIntended.kind else None, StepIntended):
                if event.effect == "once":
                    open_[row.scope, row.ident] = event.name
            elif row.kind in ("step_done", "step_failed"):
                open_.pop((row.scope, row.ident), None)
        return {(name, ident) for (_, ident), name in open_.items()}

    # ---- running

    def run(
        self,
        worker: Any,
        input: Any = None,
        *,
        id: str = "simulated",
        deps: Any = None,
        model: Model | Callable[[str], Model] | None = None,
        policy: Rules | None = None,
        settings: Settings | None = None,
        person: Person = agree,
        stand_in: Callable[[Any], Any] = lambda tool: tool,
        between: Callable[[], None] = lambda: None,
    ) -> Any:
        """Run a worker to its end, whatever happens to the processes meanwhile; its output, or what it failed with.

        `deps` as in `App`. `person` answers what is asked; without one everybody agrees, and a doubt is a `UsageError`,
        because only the test knows what happened. `stand_in` gives what is called in a tool's place; `between` is
        called after each death. Raises `Stuck` where the run waits for something that never comes.
        """
        rules, settings = policy or Rules(), settings or Settings()
        rules = replace(rules, approve=(*rules.approve, *settings.approve))
        given = deps if isinstance(deps, Mapping) else {} if deps is None else {type(deps): deps}
        models = model if callable(model) else lambda name: _the(model, name)
        self._run, self._post.run = id, id
        worker = as_worker(worker)

        async def process(store: SimulatedStore, clock: SimulatedClock, loop: VirtualLoop) -> Outcome:
            around = Surroundings(store, clock, rules, models, given, stand_in=stand_in)
            row = await self._disk.find(id)
            if row is not None and row.state is RunState.DONE:
                return Finished(worker.gives.load(await _output(View(self.events), self._disk)))
            loaded = await engine.begin(around, worker, input, id=id, settings=settings, code="")
            loaded = loaded or await engine.take_up(around, id, worker)
            while True:
                assert loaded is not None, "nobody holds the run, and yet it can't be taken up"
                loaded.execution.keeps = True
                outcome = await loaded.execution.drive(loaded.worker, loaded.value)
                if not isinstance(outcome, Waiting):
                    return outcome
                if resting := loaded if loaded.execution.rests else None:
                    resting = await self._kept(resting)
                await self._post.answer(person, clock, loop)
                loaded = await engine.take_up(around, id, worker, resting=resting)

        self._post.person = person
        while self.lives < self._patience:
            outcome = self._live(process)
            if isinstance(outcome, Finished):
                return outcome.output
            if isinstance(outcome, Stopped) and not isinstance(outcome.error, JournalError):
                raise outcome.error
            between()
        raise Stuck(f"the run did not end in {self._patience} lives")

    def run_until_complete(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry out any work in a loop with virtual time; its result."""
        loop = self._loop()
        try:
            return loop.run_until_complete(work)
        finally:
            tear_down(loop)

    def time(self) -> float:
        """The time of day, in seconds since 1970."""
        return self._clock.now() / 1e6 if self._clock is not None else self.machine.now

    async def _kept(self, resting: engine.Loaded) -> engine.Loaded | None:
        """A conversation that rests, as apps keep it; or it has been forgotten since, as apps do too."""
        if self.machine.random.random() < 0.5:
            return resting
        resting.execution.forget()
        await resting.execution.outcome.wait()
        return None

    # ---- one life

    def _loop(self) -> VirtualLoop:
        seed = self.machine.seed
        loop = VirtualLoop(random.Random(seed * 1_000 + self.lives) if seed else None)
        if not self._own_loop:
            loop.set_task_factory(None)
        return loop

    def _live(self, process: Callable[..., Coroutine[Any, Any, Outcome]]) -> Outcome | None:
        """One process, until the run ends or it dies (None)."""
        machine, loop = self.machine, self._loop()
        self.lives += 1
        machine.alive = True
        self._clock = clock = SimulatedClock(machine, loop)
        store = SimulatedStore(self._disk, machine, lazy=self._lazy)
        faulty: list[Any] = []
        loop.set_exception_handler(lambda _, context: faulty.append(context) if machine.alive else None)
        death: asyncio.Future[None] = loop.create_future()
        faults.lay(lambda name: self._pass(name, loop, clock, death))
        self._post.begin(loop)
        try:
            outcome = loop.run_until_complete(_until_death(process(store, clock, loop), death))
            assert not faulty, faulty
            return outcome
        except JournalError:
            return None
        finally:
            machine.alive, machine.full_from = False, None
            faults.lay(None)
            tear_down(loop)
            machine.now = clock.now() / 1e6 + RESTART
            self._clock = None
            self._disk.let_go()
            if death.done() and self._power_cuts:
                self.lost += self._disk.lose_power(machine.random)

    def _pass(self, name: str, loop: VirtualLoop, clock: SimulatedClock, death: asyncio.Future[None]) -> None:
        machine = self.machine
        machine.check()
        self.sites.append(name)
        self.on_site(len(self.sites), name, loop)
        if self._jumps and machine.random.random() < 0.05:
            clock.jump(machine.random.uniform(-self._jumps, self._jumps))
        by_chance = self._crashes > 0 and machine.random.random() < 0.025
        if by_chance or len(self.sites) in self._crash_at:
            self._crashes -= by_chance
            machine.alive = False
            if not death.done():
                death.set_result(None)
            raise Crash


def _nothing(number: int, name: str, loop: VirtualLoop) -> None:
    """Nothing but the planned trouble happens at a fault site."""


async def _until_death(work: Coroutine[Any, Any, Outcome], death: asyncio.Future[None]) -> Outcome | None:
    task = asyncio.get_running_loop().create_task(work)
    both: list[asyncio.Future[Any]] = [task, death]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    return None if death.done() else task.result()


async def _output(view: View, disk: Disk) -> Any:
    await view.whole(disk.blob)
    return view.output


def _the(model: Model | None, name: str) -> Model:
    if model is None:
        raise UsageError(
            f"the run asks for the model {name!r}; give the simulation one: run(..., model=ScriptedModel([...]))"
        )
    return model


@contextmanager
def simulate(
    seed: int = 0,
    *,
    crash_at: Collection[int] = (),
    crashes: int = 0,
    power_cuts: bool = False,
    fail_at: Collection[int] = (),
    full_from: int | None = None,
    jumps: float = 0,
    eager: bool = False,
    lazy: bool = True,
    machine: Machine | None = None,
    own_loop: bool = True,
    patience: int = LIVES,
) -> Iterator[Simulation]:
    """A loop with a virtual clock, a ready queue shuffled by `seed`, and a store that loses what was not committed.

    `seed` 0 is the order as written, with no delays. The process dies at the fault sites `crash_at` (counted from 1
    over all lives; `sim.sites` lists them), and `crashes` times at random; with `power_cuts` so does the machine, and
    what was not FULL may be lost. The commits `fail_at` fail, and from commit `full_from` on the disk is full, until
    the process is started again. The clock jumps by up to `jumps` seconds, both ways. `eager` people answer while the
    run is still busy, twice, and too late. Unless `lazy`, a commit comes soon although nobody waits for it.
    Without `own_loop` plain asyncio tasks are not seen, as in a loop that is not stretto's; more lives than `patience`
    are `Stuck`.

    Inside the block `time.time()` and `random` are the simulation's: they follow the seed, and the time leaps by more
    than a day between lives, so that code which reads it past stretto's `now()` is found out.
    """
    machine = machine or Machine(seed)
    machine.fail_at, machine.full_from = frozenset(fail_at), full_from
    simulation = Simulation(
        machine,
        crash_at,
        crashes,
        power_cuts=power_cuts,
        jumps=jumps,
        eager=eager,
        lazy=lazy,
        own_loop=own_loop,
        patience=patience,
    )

    def seen() -> float:
        return simulation.time() + LEAP * max(0, simulation.lives - 1)

    with wall_clock.replaced(machine.seed, seen, simulation.time):
        yield simulation
