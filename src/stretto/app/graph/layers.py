"""One group of a graph in layers from left to right: Sugiyama's steps, one after the other.

Circles are broken (what closes one runs below), items get their layers, are put in order within them, and are placed.
Ports, where edges pass the group's border, and the bends of long edges are items without a size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]
APART = 16.0
"""Pixels between two neighbours in a layer."""
GAP = 44.0
"""Pixels between two layers, at least."""
EDGE_ROOM = 10.0
PAD, HEAD, LANE = 14.0, 24.0, 30.0
"""Around what is in a group; for its label; for each edge that runs below."""
_SWEEPS = 6


@dataclass(slots=True)
class Box:
    """A rectangle, in pixels from the top left."""

    x: float
    y: float
    width: float
    height: float

    def moved(self, x: float, y: float) -> Box:
        """So much further right and down."""
        return Box(self.x + x, self.y + y, self.width, self.height)


@dataclass(slots=True)
class Link:
    """A piece of an edge in one group; `first` and `last` are the nodes that it really joins, where it is the main piece."""

    edge: int
    source: str
    target: str
    label: float = 0.0
    back: bool = False
    first: str = ""
    last: str = ""

    @property
    def is_main(self) -> bool:
        """Whether it is in the group around both ends."""
        return bool(self.first)


class Level:
    """The items of one group in layers. Ports (`<node`, `>node`) and the bends of long links are items without a size."""

    def __init__(
        self, sizes: Mapping[str, tuple[float, float]], links: Sequence[Link], ports: Mapping[str, Mapping[str, float]]
    ) -> None:
        self._sizes = dict(sizes)
        self._inner = ports
        self._links = list(links)
        for link in links:
            for end in (link.source, link.target):
                self._sizes.setdefault(end, (0.0, 0.0))
        self._break_circles()
        self._chains: list[tuple[Link, list[str]]] = []
        self._layers = self._layered()
        self._order()
        self._tops = self._placed()
        self._columns = self._spread()
        self.boxes, self.ports = self._boxed(sizes)
        self.width = self._columns[-1][1] if self._columns else 0.0
        self.height = max((box.y + box.height for box in self.boxes.values()), default=0.0)
        self.routes = [*self._ways(), *self._returns()]

    # ---- layers

    def _break_circles(self) -> None:
        """Links that close a circle run below."""
        after: dict[str, list[Link]] = defaultdict(list)
        for link in self._links:
            if not link.back:
                after[link.source].append(link)
        done, above = set[str](), set[str]()
        for item in self._sizes:
            stack = [(item, iter(after[item]))] if item not in done else []
            above.update(one for one, _ in stack)
            while stack:
                here, links = stack[-1]
                following = next((one for one in links if one.target not in done), None)
                if following is None:
                    stack.pop()
                    above.discard(here)
                    done.add(here)
                elif following.target not in above:
                    stack.append((following.target, iter(after[following.target])))
                    above.add(following.target)
                elif following.is_main:
                    following.back = True

    def _layered(self) -> list[list[str]]:
        """Items by layer, the longest way from the left deciding; long links get a bend in each layer between."""
        forth = [link for link in self._links if not link.back]
        rank = dict.fromkeys(self._sizes, 0)
        entered = any(item.startswith("<") for item in rank)
        for item in rank:
            rank[item] = 1 if entered and not item.startswith("<") else 0
        for _ in rank:
            moved = [link for link in forth if rank[link.target] <= rank[link.source]]
            for link in moved:
                rank[link.target] = max(rank[link.target], rank[link.source] + 1)
            if not moved:
                break
        last = max(rank.values(), default=0)
        for item in rank:
            if item.startswith(">"):
                rank[item] = last
        layers: list[list[str]] = [[] for _ in range(last + 1)]
        for item, layer in rank.items():
            layers[layer].append(item)
        for number, link in enumerate(forth):
            bends = [f"-{number}.{layer}" for layer in range(rank[link.source] + 1, rank[link.target])]
            for layer, bend in enumerate(bends, rank[link.source] + 1):
                layers[layer].append(bend)
                self._sizes[bend] = (0.0, 0.0)
            self._chains.append((link, [link.source, *bends, link.target]))
        return [layer for layer in layers if layer]

    def _steps(self) -> Iterator[tuple[str, str]]:
        for _, chain in self._chains:
            yield from pairwise(chain)

    def _order(self) -> None:
        """Each layer by the mean place of its neighbours, to and fro."""
        left, right = defaultdict(list), defaultdict(list)
        for before, after in self._steps():
            left[after].append(before)
            right[before].append(after)
        for sweep in range(_SWEEPS):
            near = left if sweep % 2 == 0 else right
            place = {item: spot for layer in self._layers for spot, item in enumerate(layer)}
            for layer in self._layers if sweep % 2 == 0 else reversed(self._layers):
                means = {item: _mean([place[one] for one in near[item]], place[item]) for item in layer}
                layer.sort(key=means.__getitem__)
                place |= {item: spot for spot, item in enumerate(layer)}

    # ---- from top to bottom

    def _offset(self, item: str, link: Link | None, *, leaving: bool) -> float:
        """How far below an item's top a link touches it."""
        if link is not None and item in self._inner:
            node = (link.first if leaving else link.last) or (link.target[1:] if leaving else link.source[1:])
            port = f">{node}" if leaving else f"<{node}"
            return self._inner[item].get(port, self._sizes[item][1] / 2)
        return self._sizes[item][1] / 2

    def _placed(self) -> dict[str, float]:
        """The top of each item: as level with its neighbours as the others in its layer allow."""
        tops: dict[str, float] = {}
        for layer in self._layers:
            at = 0.0
            for item in layer:
                tops[item] = at
                at += self._sizes[item][1] + self._apart(item)
        pulls: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for link, chain in self._chains:
            for before, after in pairwise(chain):
                out = self._offset(before, link, leaving=True)
                into = self._offset(after, link, leaving=False)
                pulls[after].append((before, out - into))
                pulls[before].append((after, into - out))
        for sweep in range(2 * _SWEEPS):
            for layer in self._layers if sweep % 2 == 0 else reversed(self._layers):
                wanted = [_mean([tops[one] + by for one, by in pulls[item]], tops[item]) for item in layer]
                room = [self._sizes[item][1] + self._apart(item) for item in layer]
                tops |= dict(zip(layer, _apart(wanted, room), strict=True))
        least = min(tops.values(), default=0.0)
        return {item: top - least for item, top in tops.items()}

    def _apart(self, item: str) -> float:
        return APART if self._sizes[item][1] else EDGE_ROOM

    # ---- from left to right

    def _spread(self) -> list[tuple[float, float]]:
        """Where each layer begins and ends; the gaps are as wide as the labels in them."""
        layer_of = {item: number for number, layer in enumerate(self._layers) for item in layer}
        gaps = [GAP] * len(self._layers)
        for link, chain in self._chains:
            first = layer_of[chain[0]]
            gaps[first] = max(gaps[first], link.label + 30)
        columns, at = [], 0.0
        for number, layer in enumerate(self._layers):
            is_port = all(item[0] in "<>" for item in layer)
            wide = max(self._sizes[item][0] for item in layer)
            columns.append((at, at + wide))
            next_is_port = number + 1 < len(self._layers) and all(item[0] in "<>" for item in self._layers[number + 1])
            at += wide + (PAD if is_port or next_is_port else gaps[number])
        return columns

    def _boxed(self, items: Mapping[str, tuple[float, float]]) -> tuple[dict[str, Box], dict[str, float]]:
        boxes, ports = {}, {}
        for (begin, end), layer in zip(self._columns, self._layers, strict=True):
            for item in layer:
                if item in items:
                    wide, high = self._sizes[item]
                    boxes[item] = Box((begin + end - wide) / 2, self._tops[item], wide, high)
                elif item[0] in "<>":
                    ports[item] = self._tops[item]
        return boxes, ports

    # ---- edges

    def _ways(self) -> Iterator[tuple[Link, list[Point]]]:
        layer_of = {item: number for number, layer in enumerate(self._layers) for item in layer}
        for link, chain in self._chains:
            points: list[Point] = []
            for place, item in enumerate(chain):
                begin, end = self._columns[layer_of[item]]
                box = self.boxes.get(item)
                if place:
                    y = self._tops[item] + self._offset(item, link, leaving=False)
                    points += [(begin, y), *([(box.x, y)] if box else [])]
                if place < len(chain) - 1:
                    y = self._tops[item] + self._offset(item, link, leaving=True)
                    points += [*([(box.x + box.width, y)] if box else []), (end, y)]
            yield link, points

    def _returns(self) -> Iterator[tuple[Link, list[Point]]]:
        """What comes round again: down, along below everything, and up; each in a lane of its own."""
        for link in self._links:
            if link.back:
                source, target = self.boxes[link.source], self.boxes[link.target]
                low = self.height + LANE - 4
                self.height += LANE
                out = source.x + source.width * (0.5 if link.source != link.target else 0.65)
                into = target.x + target.width * (0.5 if link.source != link.target else 0.35)
                points = [(out, source.y + source.height), (out, low), (into, low), (into, target.y + target.height)]
                wide = link.label + 12
                self.width = max(self.width, (out + into + wide) / 2)
                yield link, points

    def frame(self, head: float) -> None:
        """Make room for a border and a label around everything; ports come to lie on the border."""
        spare = max(0.0, head + 2 * PAD - (self.width + 2 * PAD)) / 2
        by_x, by_y = PAD + spare, HEAD + PAD / 2
        width = self.width + 2 * by_x
        self.boxes = {item: box.moved(by_x, by_y) for item, box in self.boxes.items()}
        self.ports = {item: top + by_y for item, top in self.ports.items()}
        routes = []
        for link, points in self.routes:
            moved = [(x + by_x, y + by_y) for x, y in points]
            if link.source[0] == "<":
                moved[0] = (0.0, moved[0][1])
            if link.target[0] == ">":
                moved[-1] = (width, moved[-1][1])
            routes.append((link, moved))
        self.routes = routes
        self.width, self.height = width, self.height + by_y + PAD


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _apart(wanted: Sequence[float], room: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones, in order, each with its room before the next (pool adjacent violators)."""
    before = 0.0
    blocks: list[list[float]] = []  # sum of what is wanted, less the room before; how many
    offsets = []
    for want, need in zip(wanted, room, strict=True):
        offsets.append(before)
        blocks.append([want - before, 1.0])
        before += need
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    spread = [total / count for total, count in blocks for _ in range(int(count))]
    return [place + offset for place, offset in zip(spread, offsets, strict=True)]
