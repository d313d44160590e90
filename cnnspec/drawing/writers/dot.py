"""A folded network in the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.diagnostics.printable import printable
from cnnspec.drawing.colors import PAPER
from cnnspec.drawing.flow.diagram import Figure, Node, words
from cnnspec.drawing.flow.flat import Cluster, flat, text_of

HEAD = f"""\
  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=10, color="{PAPER.line}"]
  edge [fontname="Helvetica", fontsize=8, fontcolor="{PAPER.muted}", color="{PAPER.line}", arrowsize=0.6]"""
SHAPES = {"sign": "circle", "choice": "point"}


def write(figure: Figure) -> str:
    """The whole graph."""
    clusters, lines = flat(figure)
    pieces = [f"digraph {_quoted([figure.title])} {{", HEAD, *_boxes(clusters[0], "  ")]
    for number, cluster in enumerate(clusters[1:]):
        pieces += _cluster(cluster, f"p{number}", "  ")
    for source, target, text, dashed in lines:
        style = [f"label={_quoted([words(text)])}"] if text else []
        style += ["style=dashed"] if dashed else []
        options = f" [{', '.join(style)}]" if style else ""
        pieces.append(f"  n{source} -> n{target}{options}")
    return "\n".join([*pieces, "}", ""])


def _cluster(cluster: Cluster, name: str, indent: str) -> Iterator[str]:
    yield f"{indent}subgraph cluster_{name} {{"
    yield f'{indent}  label={_quoted([words(cluster.title)])}; fontname="Helvetica"; color="{PAPER.frame}"'
    yield from _boxes(cluster, indent + "  ", name)
    yield f"{indent}}}"


def _boxes(cluster: Cluster, indent: str, name: str = "f") -> Iterator[str]:
    for number, node in cluster.boxes:
        yield f"{indent}n{number} [{_style(node)}]"
    for place, inner in enumerate(cluster.inside):
        yield from _cluster(inner, f"{name}_{place}", indent)


def _style(node: Node) -> str:
    style = [f"label={_quoted([words(line) for line in text_of(node)])}"]
    style.append(f'fillcolor="{getattr(PAPER, node.fill)}"')
    if node.kind in SHAPES:
        style.append(f"shape={SHAPES[node.kind]}")
    return ", ".join(style)


def _quoted(lines: list[str]) -> str:
    """A string literal. Graphviz reads entities in it, so `&` is written as one."""
    plain = map(printable, lines)
    escaped = [one.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for one in plain]
    return '"' + "\\n".join(escaped) + '"'
