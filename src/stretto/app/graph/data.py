"""A graph as plain data: nodes, edges and the groups around them. What draws it need not know what it is of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["flow", "back", "gives", "needs", "both", "else"]
"""Of an edge: what passes on; what comes round again; who may give work to whom; what the plan says needs what; what goes
to and fro; what happens where the one before failed."""


@dataclass(frozen=True, slots=True)
class Node:
    """A worker, a person, a task or a point where ways part or meet.

    `kind` is agent, workflow, person, gate, tool, plan, task, question, fork, join or the like. `state` is a task's in a
    run: done, failed, waiting, running, planned, left or doubt; `seconds`, `tokens` and `usd` are what it took.
    """

    id: str
    kind: str
    label: str
    details: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    state: str = ""
    seconds: float | None = None
    tokens: int = 0
    usd: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """What stands under its label."""
        tools = (f"tools: {', '.join(self.tools)}",) if self.tools else ()
        took = "" if self.seconds is None else _duration(self.seconds)
        used = f"{self.tokens:,} tokens" if self.tokens else ""
        figures = " · ".join(part for part in (took, used, f"${self.usd}" if self.usd else "") if part)
        return (*self.details, *tools, *((figures,) if figures else ()))


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}" if whole >= 3600 else f"{whole // 60}:{whole % 60:02}"
    )


@dataclass(frozen=True, slots=True)
class Edge:
    """From `source` to `target`, both nodes' ids."""

    source: str
    target: str
    label: str = ""
    kind: Kind = "flow"


@dataclass(frozen=True, slots=True)
class Group:
    """A pattern around nodes and other groups; `within` is the id of the group around it, empty at the top."""

    id: str
    kind: str
    label: str
    nodes: tuple[str, ...]
    within: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """A worker as it is made, or a run as it stands."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The graph for programs."""
        return asdict(self)

    def described(self) -> str:
        """The graph in words, for whoever cannot see it."""
        names = {node.id: node.label or node.kind for node in self.nodes}
        said = [f"{names[edge.source]} to {names[edge.target]}{f' ({edge.label})' if edge.label else ''}"
                for edge in self.edges]  # fmt: skip
        states = [f"{node.label} is {node.state}" for node in self.nodes if node.state]
        return f"{self.title}: {'; '.join([*states, *said]) or ', '.join(names.values())}."


@dataclass(frozen=True, slots=True)
class Part:
    """Something drawn: the nodes at which its work begins, and those at which it ends, each with what its way out is called."""

    begins: tuple[str, ...]
    ends: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Open:
    id: str
    kind: str
    label: str
    within: str
    nodes: list[str] = field(default_factory=list)


class Canvas:
    """Where a graph comes about."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._nodes: list[Node] = []
        self._edges: dict[Edge, None] = {}
        self._groups: list[_Open] = []
        self._here: list[_Open] = []

    def graph(self) -> Graph:
        """All that was drawn."""
        groups = tuple(Group(one.id, one.kind, one.label, tuple(one.nodes), one.within) for one in self._groups)
        return Graph(self._title, tuple(self._nodes), tuple(self._edges), groups)

    def node(
        self, kind: str, label: str = "", details: Sequence[str] = (), tools: Sequence[str] = (), *, state: str = "",
        seconds: float | None = None, tokens: int = 0, usd: str = "",
    ) -> str:  # fmt: skip
        """Add a node to the group that is open; its id."""
        id = f"n{len(self._nodes)}"
        self._nodes.append(Node(id, kind, label, tuple(details), tuple(tools), state, seconds, tokens, usd))
        if self._here:
            self._here[-1].nodes.append(id)
        return id

    def edge(self, source: str, target: str, label: str = "", kind: Kind = "flow") -> None:
        """Add an edge; the same one twice is one."""
        self._edges[Edge(source, target, label, kind)] = None

    @contextmanager
    def group(self, kind: str, label: str) -> Iterator[None]:
        """What is drawn inside belongs together."""
        one = _Open(f"g{len(self._groups)}", kind, label, self._here[-1].id if self._here else "")
        self._groups.append(one)
        self._here.append(one)
        try:
            yield
        finally:
            self._here.pop()

    def join(self, before: Part, after: Part, label: str = "", kind: Kind = "flow") -> None:
        """Lead from the ends of one part to the beginnings of another."""
        for end, said in before.ends:
            for begin in after.begins:
                self.edge(end, begin, label or said, kind)


def alone(node: str, out: str = "") -> Part:
    """A node that is a part by itself."""
    return Part((node,), ((node, out),))
