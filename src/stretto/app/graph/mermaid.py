"""A graph as a Mermaid flow chart. No name in it can be taken for Mermaid, whatever a worker or task is called."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stretto.app.graph.data import Edge, Graph, Group, Node
from stretto.app.graph.svg import SIGNS

_CLASSES = """\
  classDef done fill:#dafbe1,stroke:#1a7f37,color:#1f2328
  classDef failed fill:#ffebe9,stroke:#cf222e,color:#1f2328
  classDef waiting fill:#fff8c5,stroke:#9a6700,color:#1f2328
  classDef doubt fill:#fff8c5,stroke:#9a6700,color:#1f2328
  classDef running fill:#ddf4ff,stroke:#0969da,color:#1f2328
  classDef planned fill:none,stroke:#8c959f,stroke-dasharray:4 3
  classDef left fill:none,stroke:#8c959f"""
_ARROWS = {"flow": "-->", "back": "-.->", "gives": "-.->", "needs": "-.->", "both": "<-->", "else": "-.->"}
_SPECIAL = re.compile(r"[^\w .,:!'/?=+\u0080-\U0010ffff-]|(?<![^\W_])_|_(?![^\W_])")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_LIST = re.compile(r"^(?:\d+(?=[.)](?:\s|$))|[-+](?=\s|$))")
_LONGEST = 80


def mermaid(graph: Graph) -> str:
    """The chart as text."""
    inside = {node for group in graph.groups for node in group.nodes}
    nodes = {node.id: node for node in graph.nodes}
    lines = ["flowchart LR"]
    lines += [_node(node, "  ") for node in graph.nodes if node.id not in inside]
    for group in graph.groups:
        if not group.within:
            lines += _group(group, graph, nodes, "  ")
    lines += [_edge(edge) for edge in graph.edges]
    if any(node.state for node in graph.nodes):
        lines.append(_CLASSES)
    return "\n".join(lines)


def _group(group: Group, graph: Graph, nodes: dict[str, Node], indent: str) -> Iterator[str]:
    yield f'{indent}subgraph {group.id}["{_text(group.label)}"]'
    yield from (_node(nodes[node], f"{indent}  ") for node in group.nodes)
    for inner in graph.groups:
        if inner.within == group.id:
            yield from _group(inner, graph, nodes, f"{indent}  ")
    yield f"{indent}end"


def _node(node: Node, indent: str) -> str:
    state = f":::{node.state}" if node.state else ""
    if node.kind in ("fork", "join") and not node.label:
        return f'{indent}{node.id}(("·"))'
    sign = f"{SIGNS[node.state]} " if node.state in SIGNS else ""
    label = "<br/>".join([f"{sign}{_text(node.label)}", *map(_text, node.lines)])
    opening, closing = ("([", "])") if node.kind in ("person", "gate", "question", "join") else ("[", "]")
    return f'{indent}{node.id}{opening}"{label}"{closing}{state}'


def _edge(edge: Edge) -> str:
    label = f'|"{_text(edge.label)}"|' if edge.label else ""
    return f"  {edge.source} {_ARROWS[edge.kind]}{label} {edge.target}"


def _text(text: str) -> str:
    """Text that is neither Mermaid nor Markdown nor HTML: what may be either stands as an entity."""
    flat = " ".join(_CONTROL.sub(" ", text).split())
    short = flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 1]}…"
    listed = _LIST.match(short)
    head = "".join(f"#{ord(sign)};" for sign in listed[0]) if listed else ""
    return head + _SPECIAL.sub(lambda found: f"#{ord(found[0])};", short[len(listed[0]) if listed else 0 :]) or " "
