"""Workers and runs as Mermaid flow charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stretto.cli.terminal import in_line
from stretto.cli.tree import hint, planned_tasks
from stretto.patterns.loop import Loop
from stretto.patterns.parallel import Parallel
from stretto.patterns.pipeline import Pipeline
from stretto.patterns.route import Route
from stretto.runtime.view import View
from stretto.runtime.worker import Worker

_CLASSES = """\
  classDef done fill:#dff5e1,stroke:#2e7d32,color:#1b1b1b
  classDef failed fill:#fde0e0,stroke:#c62828,color:#1b1b1b
  classDef waiting fill:#fff4d6,stroke:#b7791f,color:#1b1b1b
  classDef running fill:#e0f2fe,stroke:#0369a1,color:#1b1b1b
  classDef planned fill:none,stroke:#9e9e9e,stroke-dasharray:4 3
  classDef left fill:none,stroke:#9e9e9e"""


def of_worker(worker: Worker[Any, Any]) -> str:
    """How a worker is made of others: what passes to whom, and who may give work to whom (dashed)."""
    chart = _Chart()
    chart.draw(worker)
    return "\n".join(["flowchart LR", *chart.lines])


class _Chart:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self._nodes = 0

    def draw(self, worker: Worker[Any, Any]) -> tuple[list[str], list[str]]:
        """Draw a worker; the nodes at which its work begins, and those at which it ends."""
        match worker:
            case Pipeline(workers=workers):
                return self._row(workers)
            case Parallel(workers=workers):
                drawn = [self.draw(member) for member in workers]
                return [node for begins, _ in drawn for node in begins], [node for _, ends in drawn for node in ends]
            case Route():
                return self._route(worker)
            case Loop():
                return self._loop(worker)
            case _:
                return self._alone(worker)

    def _row(self, workers: Sequence[Worker[Any, Any]]) -> tuple[list[str], list[str]]:
        first, last = self.draw(workers[0])
        for worker in workers[1:]:
            begins, ends = self.draw(worker)
            self._join(last, begins)
            last = ends
        return first, last

    def _route(self, route: Route) -> tuple[list[str], list[str]]:
        begins, chosen = self.draw(route.chooser)
        ends: list[str] = []
        ways = {**route.choices, **({"otherwise": route.otherwise} if route.otherwise else {})}
        for label, worker in ways.items():
            first, last = self.draw(worker)
            self._join(chosen, first, f"-->|{_text(label)}|")
            ends += last
        return begins, ends

    def _loop(self, loop: Loop) -> tuple[list[str], list[str]]:
        begins, ends = self._row([loop.worker, *([loop.critic] if loop.critic else [])])
        self._join(ends, begins, f"-.->|again, at most {loop.rounds}|")
        if loop.otherwise is not None:
            first, last = self.draw(loop.otherwise)
            self._join(ends, first, "-->|not settled|")
            ends = [*ends, *last]
        return begins, ends

    def _alone(self, worker: Worker[Any, Any]) -> tuple[list[str], list[str]]:
        node = f"n{self._nodes}"
        self._nodes += 1
        self.lines.append(f'  {node}["{_text(worker.name)}"]')
        for member in worker.members:
            begins, _ = self.draw(member)
            self._join([node], begins, "-.->")
        return [node], [node]

    def _join(self, ends: Sequence[str], begins: Sequence[str], arrow: str = "-->") -> None:
        self.lines += [f"  {end} {arrow} {begin}" for end in ends for begin in begins]


def of_run(view: View) -> str:
    """A run's tasks: who gave work to whom, in which state it is, and what the plan says needs what (dashed)."""
    return "\n".join(["flowchart TD", *_tasks(view), *_plan(view), _CLASSES])


def _tasks(view: View) -> Iterator[str]:
    for task in view.tasks.values():
        state = "left" if view.state.ended and not task.ended else task.state
        label = f"{_text(task.worker)}<br/>{_text(hint(task))}" if hint(task) else _text(task.worker)
        yield f'  t{task.seq}["{label}"]:::{state}'
        if task.parent in view.tasks:
            yield f"  t{view.tasks[task.parent].seq} --> t{task.seq}"


def _plan(view: View) -> Iterator[str]:
    begun = {task.label: f"t{task.seq}" for task in view.tasks.values() if task.label}
    planned = planned_tasks(view)
    nodes = {task["id"]: begun.get(task["id"], f"p{number}") for number, task in enumerate(planned)}
    for task in planned:
        if task["id"] not in begun:
            yield f'  {nodes[task["id"]]}["{_text(task.get("worker", ""))}<br/>{_text(task["id"])}"]:::planned'
        yield from (
            f"  {nodes[needed]} -.-> {nodes[task['id']]}" for needed in task.get("after", ()) if needed in nodes
        )


def _text(text: str) -> str:
    """Text that cannot be taken for Mermaid."""
    return "".join(f"#{ord(sign)};" if sign in '"#<>|[]{}()`;\\' else sign for sign in in_line(text, 60))
