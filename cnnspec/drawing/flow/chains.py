"""`conv -> bn -> relu` as one box: a small layer joins the box before it."""

from __future__ import annotations

from collections import Counter

from cnnspec.drawing.flow.diagram import Diagram, Edge, Node
from cnnspec.drawing.flow.symbols import joined


def compacted(diagram: Diagram) -> Diagram:
    """The diagram with small layers as lines of the box before them, and with equal neighbours as one box."""
    reads = [edge for node in diagram.nodes for edge in node.inputs] + diagram.outputs
    readers = Counter(edge.source for edge in reads)
    kept: list[Node] = []
    numbers: dict[int, int] = {}
    for number, node in enumerate(diagram.nodes):
        before = _before(node, kept, numbers, readers)
        if before is None:
            node.inputs = [edge._replace(source=numbers[edge.source]) for edge in node.inputs]
            numbers[number] = len(kept)
            kept.append(node)
            continue
        _join(node, before)
        numbers[number] = numbers[node.inputs[0].source]
    outputs = [Edge(numbers[edge.source], edge.port, edge.condition) for edge in diagram.outputs]
    return Diagram(diagram.title, kept, outputs)


def _before(node: Node, kept: list[Node], numbers: dict[int, int], readers: Counter[int]) -> Node | None:
    """The box that a small layer joins. The layer must be its only reader, and must read nothing else and
    without a condition; None otherwise."""
    if node.kind != "small" or len(node.inputs) != 1:
        return None
    source, _, condition = node.inputs[0]
    before = kept[numbers[source]]
    alone = readers[source] == 1 and not condition and not before.times and not node.times
    return before if alone and before.kind in ("layer", "small") else None


def _join(node: Node, before: Node) -> None:
    if before.kind == "small":
        before.text = joined(", ", [before.text, node.text])
    else:
        before.below = [joined(", ", [*before.below[:1], node.text])]
    before.shapes, before.labels = node.shapes, before.labels | node.labels
    before.tooltip = f"{before.tooltip}\n{node.tooltip}"
