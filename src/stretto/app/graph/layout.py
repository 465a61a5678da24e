"""Where everything of a graph goes: layers from left to right, each group laid out by itself and then as one box.

An edge that leaves or enters a group passes its border at a port, so that each group is laid out without looking at the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from stretto.app.graph.data import Edge, Graph
from stretto.app.graph.layers import Box, Level, Link, Point


@dataclass(slots=True)
class Path:
    """An edge's way: straight and curved by turns, from point to point; `low` says that it runs below."""

    edge: Edge
    points: list[Point]
    gap: tuple[Point, Point]
    low: bool = False


@dataclass(slots=True)
class Layout:
    """Boxes of nodes and groups by id, and the paths of edges."""

    width: float = 0.0
    height: float = 0.0
    nodes: dict[str, Box] = field(default_factory=dict)
    groups: dict[str, Box] = field(default_factory=dict)
    paths: list[Path] = field(default_factory=list)


Size = Callable[[str], tuple[float, float]]
Width = Callable[[str], float]


def layout(graph: Graph, size: Size, label_width: Width, head_width: Width) -> Layout:
    """The layout of a graph, given how large its nodes (by id), the labels of edges and those of groups are."""
    return _Whole(graph, size, label_width, head_width).laid()


class _Whole:
    def __init__(self, graph: Graph, size: Size, label_width: Width, head_width: Width) -> None:
        self._size, self._label_width, self._head_width = size, label_width, head_width
        self._labels = {group.id: group.label for group in graph.groups}
        self._within = {group.id: group.within for group in graph.groups}
        self._within |= {node: group.id for group in graph.groups for node in group.nodes}
        self._items: dict[str, list[str]] = defaultdict(list)
        for node in graph.nodes:
            self._place(node.id)
        self._links: dict[str, list[Link]] = defaultdict(list)
        for number, edge in enumerate(graph.edges):
            self._lift(number, edge)
        self._edges = graph.edges

    def _place(self, item: str) -> None:
        """List an item in the group around it, and that one in its own, in the order of their first nodes."""
        around = self._within.get(item, "")
        if item not in self._items[around]:
            self._items[around].append(item)
            if around:
                self._place(around)

    def _up(self, item: str) -> list[str]:
        found = [item]
        while found[-1]:
            found.append(self._within.get(found[-1], ""))
        return found

    def _lift(self, number: int, edge: Edge) -> None:
        """What an edge is in each group that it passes: from item to item, or to a port of the group."""
        ups, downs = self._up(edge.source), self._up(edge.target)
        common = next(group for group in ups[1:] if group in downs[1:])
        source, target = ups[ups.index(common) - 1], downs[downs.index(common) - 1]
        back = edge.kind == "back" or source == target
        if not back:
            for child, group in pairwise(ups[: ups.index(common)]):
                self._links[group].append(Link(number, child, f">{edge.source}"))
            for child, group in pairwise(downs[: downs.index(common)]):
                self._links[group].append(Link(number, f"<{edge.target}", child))
        label = self._label_width(edge.label) if edge.label else 0.0
        self._links[common].append(Link(number, source, target, label, back, edge.source, edge.target))

    def laid(self) -> Layout:
        whole, levels = Layout(), dict[str, Level]()
        level = self._level("", levels)
        whole.width, whole.height = level.width, level.height
        self._settle("", 0.0, 0.0, levels, whole)
        return whole

    def _level(self, group: str, levels: dict[str, Level]) -> Level:
        """Lay out a group, those inside it first."""
        sizes = {}
        for item in self._items[group]:
            inner = self._level(item, levels) if item in self._labels else None
            sizes[item] = (inner.width, inner.height) if inner else self._size(item)
        ports = {item: levels[item].ports for item in self._items[group] if item in levels}
        levels[group] = level = Level(sizes, self._links[group], ports)
        if group:
            level.frame(self._head_width(self._labels[group]))
        return level

    def _settle(self, group: str, x: float, y: float, levels: dict[str, Level], whole: Layout) -> None:
        """Add up positions from the outside to the inside, and join the pieces of each edge."""
        pieces: dict[int, list[tuple[str, list[Point], Link]]] = defaultdict(list)
        self._gather(group, x, y, levels, whole, pieces)
        for number, edge in enumerate(self._edges):
            found = pieces[number]
            ordered = sorted(found, key=lambda piece: (piece[1][0][0], piece[1][-1][0]))
            main = next(piece for piece in found if piece[2].is_main)
            points = main[1] if main[2].back else [point for _, piece, _ in ordered for point in piece]
            gap = (main[1][1], main[1][2]) if len(main[1]) > 2 else (main[1][0], main[1][-1])
            whole.paths.append(Path(edge, points, gap, main[2].back))

    def _gather(
        self, group: str, x: float, y: float, levels: dict[str, Level], whole: Layout,
        pieces: dict[int, list[tuple[str, list[Point], Link]]],
    ) -> None:  # fmt: skip
        level = levels[group]
        for link, points in level.routes:
            pieces[link.edge].append((group, [(px + x, py + y) for px, py in points], link))
        for item, box in level.boxes.items():
            if item in self._labels:
                whole.groups[item] = box.moved(x, y)
                self._gather(item, x + box.x, y + box.y, levels, whole, pieces)
            else:
                whole.nodes[item] = box.moved(x, y)
