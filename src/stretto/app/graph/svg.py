"""A graph as SVG: one file that needs nothing else, for light and dark pages, and for readers who do not see it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from xml.sax.saxutils import escape

from stretto.app.graph.data import Graph, Node
from stretto.app.graph.layers import Box
from stretto.app.graph.layout import Layout, Path, layout

SIGNS = {
    "done": "✓", "failed": "✗", "waiting": "?", "running": "●", "planned": "○", "left": "–", "doubt": "?",
}  # fmt: skip
"""A state is never told by its colour alone."""
_SIZE, _SMALL = 13.0, 11.0
_WIDEST = 240.0
_MARGIN = 16.0
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_STYLE = f"""
text {{ font-family: {_FONT}; fill: #1f2328; }}
.label {{ font-size: {_SIZE:g}px; font-weight: 600; }}
.line, .edge-label, .head {{ font-size: {_SMALL:g}px; }}
.line, .head {{ fill: #59636e; }}
.page {{ fill: #ffffff; }}
.group {{ fill: #7d8590; fill-opacity: 0.07; stroke: #afb8c1; }}
.box {{ fill: #f6f8fa; stroke: #8c959f; stroke-width: 1.2; }}
.dot {{ fill: #6e7781; }}
.edge {{ fill: none; stroke: #6e7781; stroke-width: 1.4; }}
.tip {{ fill: #6e7781; }}
.dashed {{ stroke-dasharray: 5 4; }}
.edge-label {{ paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round; }}
.agent {{ fill: #ddf4ff; stroke: #0969da; }}
.person, .gate, .question {{ fill: #fff8c5; stroke: #9a6700; }}
.done {{ fill: #dafbe1; stroke: #1a7f37; }}
.failed {{ fill: #ffebe9; stroke: #cf222e; stroke-width: 2; }}
.waiting, .doubt {{ fill: #fff8c5; stroke: #9a6700; }}
.running {{ fill: #ddf4ff; stroke: #0969da; stroke-width: 2; }}
.planned, .left {{ fill: #ffffff; stroke: #8c959f; stroke-dasharray: 4 3; }}
"""
_DARK = """
text { fill: #e6edf3; }
.line, .head { fill: #9198a1; }
.page { fill: #0d1117; }
.group { stroke: #3d444d; }
.box { fill: #151b23; stroke: #656c76; }
.dot, .tip { fill: #9198a1; }
.edge { stroke: #9198a1; }
.edge-label { stroke: #0d1117; }
.agent { fill: #0c2d4d; stroke: #4493f8; }
.person, .gate, .question, .waiting, .doubt { fill: #3a2d06; stroke: #d29922; }
.done { fill: #0f2f1a; stroke: #3fb950; }
.failed { fill: #401419; stroke: #f85149; }
.running { fill: #0c2d4d; stroke: #4493f8; }
.planned, .left { fill: #0d1117; stroke: #656c76; }
"""


def svg(graph: Graph) -> str:
    """The picture as text."""
    nodes = {node.id: node for node in graph.nodes}
    laid = layout(
        graph, lambda id: _room(nodes[id]), lambda label: _wide(label, _SMALL), lambda head: _wide(head, _SMALL)
    )
    width, height = laid.width + 2 * _MARGIN, laid.height + 2 * _MARGIN
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-_MARGIN:g} {-_MARGIN:g} {width:.0f} {height:.0f}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{_text(graph.title)}</title>',
        f'<desc id="desc">{_text(graph.described())}</desc>',
        f"<style>{_STYLE}@media (prefers-color-scheme: dark) {{{_DARK}}}</style>",
        f'<rect class="page" x="{-_MARGIN:g}" y="{-_MARGIN:g}" width="{width:.0f}" height="{height:.0f}"/>',
        *(_group(group.label, laid.groups[group.id]) for group in graph.groups if group.id in laid.groups),
        *(_edge(path) for path in laid.paths),
        *(_node(node, laid.nodes[node.id]) for node in graph.nodes),
        *_labels(laid),
        "</svg>",
        "",
    ])  # fmt: skip


# ---- nodes and groups


def _is_dot(node: Node) -> bool:
    return node.kind in ("fork", "join") and not node.label


def _room(node: Node) -> tuple[float, float]:
    """Width and height that a node needs."""
    if _is_dot(node):
        return 10.0, 10.0
    wide = max([_wide(_name(node), _SIZE) * 1.06, *(_wide(line, _SMALL) for line in node.lines)])
    return min(wide, _WIDEST) + 24, 30 + 15 * len(node.lines)


def _name(node: Node) -> str:
    return f"{SIGNS[node.state]} {node.label}" if node.state in SIGNS else node.label


def _node(node: Node, box: Box) -> str:
    if _is_dot(node):
        return (
            f'<circle class="dot" cx="{box.x + 5:.1f}" cy="{box.y + 5:.1f}" r="5"><title>{node.kind}</title></circle>'
        )
    middle = box.x + box.width / 2
    round_by = {"person": 16, "gate": 16, "question": 16, "join": 15, "workflow": 3}.get(node.kind, 8)
    whole = ", ".join(part for part in (node.label, node.state, *node.lines) if part)
    lines = [f'<text class="label" x="{middle:.1f}" y="{box.y + 20:.1f}" text-anchor="middle">'
             f"{_text(_fit(_name(node), _SIZE * 1.06))}</text>"]  # fmt: skip
    lines += [
        f'<text class="line" x="{middle:.1f}" y="{box.y + 35 + 15 * number:.1f}" text-anchor="middle">'
        f"{_text(_fit(line, _SMALL))}</text>"
        for number, line in enumerate(node.lines)
    ]
    return (
        f'<g><title>{_text(whole)}</title><rect class="box {node.state or node.kind}" x="{box.x:.1f}" y="{box.y:.1f}" '
        f'width="{box.width:.1f}" height="{box.height:.1f}" rx="{round_by}"/>{"".join(lines)}</g>'
    )


def _group(label: str, box: Box) -> str:
    return (
        f'<g><rect class="group" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="10"/>'
        f'<text class="head" x="{box.x + 12:.1f}" y="{box.y + 17:.1f}">{_text(label)}</text></g>'
    )


# ---- edges


def _edge(path: Path) -> str:
    dashed = " dashed" if path.edge.kind in ("gives", "needs", "back", "else") else ""
    tips = _tip(path.points[-1], "l-4 8h8z" if path.low else "l-8 -4v8z")
    if path.edge.kind == "both":
        tips += _tip(path.points[0], "l8 -4v8z")
    return f'<path class="edge{dashed}" d="{_low(path) if path.low else _way(path)}"/>{tips}'


def _way(path: Path) -> str:
    """Level where it passes a layer, a curve where it goes from one to the next."""
    points = path.points
    drawn = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for (x, y), (next_x, next_y) in pairwise(points):
        if abs(next_y - y) < 0.5:
            drawn.append(f"L{next_x:.1f} {next_y:.1f}")
        else:
            half = (x + next_x) / 2
            drawn.append(f"C{half:.1f} {y:.1f} {half:.1f} {next_y:.1f} {next_x:.1f} {next_y:.1f}")
    return "".join(drawn)


def _low(path: Path) -> str:
    (x, y), (_, low), (to_x, _), (_, to_y) = path.points
    bend = -8 if to_x < x else 8
    return (
        f"M{x:.1f} {y:.1f}L{x:.1f} {low - 8:.1f}Q{x:.1f} {low:.1f} {x + bend:.1f} {low:.1f}"
        f"L{to_x - bend:.1f} {low:.1f}Q{to_x:.1f} {low:.1f} {to_x:.1f} {low - 8:.1f}L{to_x:.1f} {to_y:.1f}"
    )


def _tip(at: tuple[float, float], shape: str) -> str:
    return f'<path class="tip" d="M{at[0]:.1f} {at[1]:.1f}{shape}"/>'


def _labels(laid: Layout) -> Iterator[str]:
    """What edges are called, each where no other label and no node is."""
    taken = [*laid.nodes.values()]
    for path in laid.paths:
        if path.edge.label:
            wide = _wide(path.edge.label, _SMALL)
            spots = [Box(x - wide / 2, y - 12, wide, 15) for x, y in _spots(path, wide)]
            free = (spot for spot in spots if not any(_meet(spot, other) for other in taken))
            spot = next(free, spots[0])
            taken.append(spot)
            yield (
                f'<text class="edge-label" x="{spot.x + wide / 2:.1f}" y="{spot.y + 12:.1f}" text-anchor="middle">'
                f"{_text(path.edge.label)}</text>"
            )


def _spots(path: Path, wide: float) -> Iterator[tuple[float, float]]:
    if path.low:
        yield (path.points[1][0] + path.points[2][0]) / 2, path.points[1][1] - 5
        return
    (x, y), (to_x, to_y) = path.gap
    for up in (0, 1, -1, 2, -2, 3, -3):
        yield to_x - 18 - wide / 2, to_y - 4 - 15 * up
        yield x + 12 + wide / 2, y - 4 - 15 * up
        yield (x + to_x) / 2, (y + to_y) / 2 - 4 - 15 * up


def _meet(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


# ---- text

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def _text(text: str) -> str:
    return escape(_CONTROL.sub(" ", text))


def _wide(text: str, size: float) -> float:
    """About how wide a text is; fonts differ, so rather too wide."""
    return sum(map(_em, text)) * size


def _em(sign: str) -> float:
    if unicodedata.combining(sign):
        return 0.0
    if unicodedata.east_asian_width(sign) in "WF":
        return 1.03
    if sign in "iljtfrI.,:;'|!()[]{} /":
        return 0.36
    if sign in "mwMW@%—✓✗●○":
        return 0.92
    return 0.7 if sign.isupper() else 0.585


def _fit(text: str, size: float) -> str:
    if _wide(text, size) <= _WIDEST:
        return text
    while text and _wide(f"{text}…", size) > _WIDEST:
        text = text[:-1]
    return f"{text}…"
