"""What a plan will cost and how long it will take, as a range: from what its workers took before, else from prices.

By prices, a task costs at least one short answer, and at most every turn that its agent may take at full length.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from stretto.agents.agent import Agent
from stretto.app.gaps import SECOND, Gaps
from stretto.app.parts import workers as workers_in
from stretto.app.progress import NOTHING, spent_by_task
from stretto.core.errors import StrettoError
from stretto.core.messages import Conversation, ModelRequest, Usage, system, user
from stretto.core.ports import Model, Store
from stretto.core.text import as_text
from stretto.orchestrator.orchestrator import Orchestrator
from stretto.runtime.view import View
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import ToolTask, Workflow

LAST = 20
"""Past runs that are looked at."""
SHORT = 50
"""Tokens of a short answer."""
_NOTICED = 0.05
"""Seconds that are worth a word."""
Forecast = dict[str, Any]


@dataclass(slots=True)
class _Past:
    """What the finished tasks of one worker took: USD and seconds."""

    usd: list[Decimal] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Guess:
    """USD and seconds, each from and to, None where nobody knows; and the number of past tasks that it rests on."""

    usd: tuple[Decimal, Decimal] | None
    seconds: tuple[float, float] | None
    of: int = 0


async def forecast(
    boss: Orchestrator, plan: Mapping[str, Any], store: Store, model: Callable[[str], Model]
) -> Forecast:
    """The forecast of a plan: `usd` (as text) and `seconds` from and to, None where unknown, whole and by task.

    `seconds` is that of the longest chain of tasks. `of` counts the past tasks that it rests on, and `unknown` names the
    workers whose price nobody knows; the whole is then that of the others.
    """
    members = {worker.name: worker for worker in boss.members}
    parts = [part for part in (boss.integrating, boss.judging) if part is not None]
    checked = [task for task in plan["tasks"] if boss.reviewing and (task.get("accept") or boss.reviewer is not None)]
    past = await _past(store, {*members, *(part.name for part in boss.parts)})
    guesses = {task["id"]: _guess(members[task["worker"]], task.get("goal", ""), past, model) for task in plan["tasks"]}
    around = [_guess(part, "", past, model) for part in [*parts, *[boss.reviewing] * len(checked)] if part is not None]
    all_of_them = [*guesses.values(), *around]
    usd = [guess.usd for guess in all_of_them if guess.usd is not None]
    unknown = {task["worker"] for task in plan["tasks"] if guesses[task["id"]].usd is None}
    found = {
        "usd": [str(sum(low for low, _ in usd)), str(sum(high for _, high in usd))] if usd else None,
        "seconds": _longest(plan["tasks"], {name: guess.seconds for name, guess in guesses.items()}),
        "of": sum(guess.of for guess in all_of_them),
        "unknown": sorted(unknown),
        "tasks": {
            name: {"usd": guess.usd and [str(amount) for amount in guess.usd], "seconds": guess.seconds, "of": guess.of}
            for name, guess in guesses.items()
        },
    }
    return {**found, "told": told(found)}


def _longest(
    tasks: Sequence[Mapping[str, Any]], seconds: Mapping[str, tuple[float, float] | None]
) -> list[float] | None:
    """From and to of the chain that takes longest; what nobody knows counts nothing."""
    if not any(seconds.values()):
        return None
    by_id = {task["id"]: task for task in tasks}
    ended: dict[str, tuple[float, float]] = {}

    def end(name: str) -> tuple[float, float]:
        if name not in ended:
            before = [end(other) for other in by_id[name].get("after", ())]
            low, high = seconds[name] or (0.0, 0.0)
            ended[name] = (
                low + max((one for one, _ in before), default=0), high + max((one for _, one in before), default=0)
            )  # fmt: skip
        return ended[name]

    return [round(max(end(name)[at] for name in by_id), 3) for at in (0, 1)]


def _guess(worker: Worker[Any, Any], goal: str, past: Mapping[str, _Past], model: Callable[[str], Model]) -> _Guess:
    if (known := past.get(worker.name)) is not None:
        seconds = min(known.seconds), max(known.seconds)
        return _Guess((min(known.usd), max(known.usd)), seconds, len(known.usd))
    inside = workers_in(worker, {})
    if any(_is_opaque(one) for one in inside):
        return _Guess(None, None)
    agents = [one for one in inside if isinstance(one, Agent)]
    prices = [_price(agent, goal, model) for agent in agents]
    if None in prices:
        return _Guess(None, None)
    return _Guess(_sum(price for price in prices if price is not None), None)


def _is_opaque(worker: Worker[Any, Any]) -> bool:
    """Whether nobody knows what it calls: an async function, but for a tool."""
    if not isinstance(worker, Workflow) or isinstance(worker, ToolTask):
        return False
    return inspect.iscoroutinefunction(inspect.unwrap(worker.function))


def _sum(prices: Iterable[tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    both = list(prices)
    return sum((low for low, _ in both), Decimal(0)), sum((high for _, high in both), Decimal(0))


def _price(agent: Agent[Any], goal: str, model: Callable[[str], Model]) -> tuple[Decimal, Decimal] | None:
    """Of one task of an agent: one short answer, and all its turns at full length."""
    named: Any = agent.model[0] if isinstance(agent.model, list | tuple) else agent.model
    try:
        brain: Model = model(named or "") if isinstance(named, str | None) else named
    except StrettoError:
        return None
    if brain.rates is None:
        return None
    told = agent.instructions if isinstance(agent.instructions, str) else ""
    request = ModelRequest(Conversation.of([*([system(told)] if told else []), user(as_text(goal))]))
    asked, most = brain.estimate(request), int(agent.settings.get("max_tokens") or brain.max_output)
    turns = agent.max_turns if agent.tools else 1 + agent.repair
    usage = [Usage(asked + turn * most, most) for turn in range(turns)]
    return brain.rates.cost(Usage(asked, SHORT)), sum((brain.rates.cost(one) for one in usage), Decimal(0))


async def _past(store: Store, names: set[str]) -> dict[str, _Past]:
    """What the finished tasks of workers of these names took in the last runs."""
    found: dict[str, _Past] = {}
    for run in await store.runs(limit=LAST):
        rows = await store.read(run.id)
        view, gaps = View(rows), Gaps(rows)
        spent = spent_by_task(view)
        for task in view.tasks.values():
            if task.state == "done" and task.worker in names:
                past = found.setdefault(task.worker, _Past())
                past.usd.append(spent.get(task.key, NOTHING).usd)
                past.seconds.append(gaps.busy(task.begun, task.ended) / SECOND)
    return found


def told(found: Mapping[str, Any]) -> str:
    """A range in a few words: `$0.02 – $0.40, 12 – 80 s`; empty where nothing is known, or it is next to nothing."""
    usd, seconds = found["usd"], found["seconds"]
    said = [_span([_dollars(Decimal(amount)) for amount in usd])] if usd and Decimal(usd[1]) else []
    if seconds and seconds[1] >= _NOTICED:
        said.append(f"{_span([f'{value:.1f}' if value < 10 else f'{value:.0f}' for value in seconds])} s")
    return ", ".join(said)


def _dollars(amount: Decimal) -> str:
    return f"${amount:.2f}" if amount >= 1 or not amount else f"${float(amount):.2g}"


def _span(ends: Sequence[str]) -> str:
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} – {ends[1]}"
