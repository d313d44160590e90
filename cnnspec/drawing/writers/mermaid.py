"""A folded network as a Mermaid flowchart, which GitHub and GitLab draw in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from cnnspec.diagnostics.printable import printable
from cnnspec.drawing.colors import PAPER
from cnnspec.drawing.flow.diagram import Figure, Node, Runs, TooLarge, words
from cnnspec.drawing.flow.flat import Cluster, flat, text_of

MOST_EDGES, MOST_CHARACTERS = 500, 50_000
"""Mermaid's limits, unless its settings are changed."""
BOX, PILL, ROUND = ("[", "]"), ("([", "])"), ("((", "))")
SHAPES = {"layer": BOX, "block": BOX, "merge": BOX, "sign": ROUND, "choice": ROUND}
"""The brackets for each kind of box; boxes of other kinds are pills."""
SPECIAL = frozenset('"#&<>;`{}[]|\\$*_~')


def write(figure: Figure) -> str:
    """The whole chart."""
    clusters, lines = flat(figure)
    pieces = ["flowchart TB", *_boxes(clusters[0], "  ")]
    for number, cluster in enumerate(clusters[1:]):
        pieces += _cluster(cluster, f"p{number}", "  ")
    text = "\n".join([*pieces, *(_line(*line) for line in lines), *_styles(clusters), ""])
    if len(lines) > MOST_EDGES:
        raise TooLarge(f"{len(lines):,} lines; Mermaid draws {MOST_EDGES}")
    if len(text) > MOST_CHARACTERS:
        raise TooLarge(f"{len(text):,} characters of Mermaid, which draws {MOST_CHARACTERS:,}")
    return text


def _cluster(cluster: Cluster, name: str, indent: str) -> Iterator[str]:
    yield f'{indent}subgraph {name}["{_text([cluster.title])}"]'
    yield f"{indent}  direction TB"
    yield from _boxes(cluster, indent + "  ", name)
    yield f"{indent}end"


def _boxes(cluster: Cluster, indent: str, name: str = "f") -> Iterator[str]:
    for number, node in cluster.boxes:
        begin, end = SHAPES.get(node.kind, PILL)
        yield f'{indent}n{number}{begin}"{_text(text_of(node)) or " "}"{end}:::{node.fill}'
    for place, inner in enumerate(cluster.inside):
        yield from _cluster(inner, f"{name}_{place}", indent)


def _line(source: int, target: int, text: Runs, dashed: bool) -> str:
    label = f'|"{_text([text])}"|' if text else ""
    return f"  n{source} {'-.->' if dashed else '-->'}{label} n{target}"


def _styles(clusters: list[Cluster]) -> Iterator[str]:
    used = {node.fill for cluster in clusters for node in _nodes(cluster)}
    for name, color in asdict(PAPER).items():
        if name in used:
            yield f"  classDef {name} fill:{color},stroke:{PAPER.line},color:{PAPER.text}"


def _nodes(cluster: Cluster) -> Iterator[Node]:
    yield from (node for _, node in cluster.boxes)
    for inner in cluster.inside:
        yield from _nodes(inner)


def _text(lines: list[Runs]) -> str:
    """A text in quotes; characters with a meaning in Mermaid or HTML are written by number."""
    plain = (printable(words(line)) for line in lines)
    escaped = ("".join(f"#{ord(char)};" if char in SPECIAL else char for char in line) for line in plain)
    return "<br/>".join(escaped)
