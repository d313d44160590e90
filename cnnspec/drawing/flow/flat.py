"""A folded figure as boxes in clusters and edges between them, for Mermaid and Graphviz to lay out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from cnnspec.drawing.flow.diagram import Diagram, Figure, Node, Runs
from cnnspec.drawing.flow.labels import passes
from cnnspec.drawing.flow.symbols import joined, plain


class Line(NamedTuple):
    """An edge from one box to another, by their numbers, and the text at it."""

    source: int
    target: int
    text: Runs
    dashed: bool


@dataclass(eq=False, slots=True)
class Cluster:
    """The network, a panel or a frame: its boxes with their numbers in the figure, and the clusters inside
    it."""

    title: Runs
    boxes: list[tuple[int, Node]] = field(default_factory=list)
    inside: list[Cluster] = field(default_factory=list)


class Flat(NamedTuple):
    """The figure: the network first, then the panels."""

    clusters: list[Cluster]
    lines: list[Line]


def flat(figure: Figure) -> Flat:
    """The figure without nested diagrams: their lines lead to the boxes inside them."""
    flattener = _Flattener()
    clusters = [flattener.cluster(figure.network, shapes=True)[0]]
    clusters += [flattener.cluster(panel, shapes=False)[0] for panel in figure.panels]
    return Flat(clusters, flattener.lines)


@dataclass(eq=False)
class _Flattener:
    lines: list[Line] = field(default_factory=list)
    count: int = 0

    def cluster(
        self, diagram: Diagram, *, shapes: bool, title: Runs = (), outer: list[list[Line]] | None = None
    ) -> tuple[Cluster, list[list[Line]]]:
        """A diagram's boxes. `outer` are the beginnings of the lines into its ports; the result also has the
        beginnings of the lines out of it."""
        made = Cluster(title or diagram.title)
        beginnings: list[list[list[Line]]] = []
        ports = iter(outer or ())
        for node in diagram.nodes:
            incoming = [
                line._replace(
                    text=edge.condition
                    or line.text
                    or self.shape(diagram.nodes[edge.source], edge.port, shapes),
                    dashed=line.dashed or bool(edge.condition),
                )
                for edge in node.inputs
                for line in _of_port(beginnings[edge.source], edge.port)
            ]
            if node.kind == "port" and outer is not None:
                beginnings.append([next(ports, [])])
            elif node.inner is not None:
                name = joined(" ", [node.text, passes(node)])
                inner, leaving = self.cluster(
                    node.inner, shapes=shapes, title=name, outer=[[line] for line in incoming]
                )
                made.inside.append(inner)
                beginnings.append(leaving)
            else:
                number, self.count = self.count, self.count + 1
                made.boxes.append((number, node))
                self.lines += [line._replace(target=number) for line in incoming]
                beginnings.append([[Line(number, -1, (), False)]])
        return made, [_of_port(beginnings[edge.source], edge.port) for edge in diagram.outputs]

    def shape(self, node: Node, port: int, shown: bool) -> Runs:
        """The shape of an output, where it is known and is not the box's text already."""
        known = shown and node.kind != "input" and port < len(node.shapes)
        return plain(node.shapes[port]) if known and node.shapes[port] else ()


def _of_port(leaving: list[list[Line]], port: int) -> list[Line]:
    """The lines out of one output of a frame; a box has one beginning for all its outputs."""
    return leaving[port] if port < len(leaving) else [line for lines in leaving for line in lines]


def text_of(node: Node) -> list[Runs]:
    """The lines of a box."""
    if node.kind == "sign":
        return [node.text]
    if node.kind == "choice":
        return []
    return [joined(" ", [node.text, passes(node)]), *node.below]
