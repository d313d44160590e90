"""The texts at the lines of a diagram: shapes, names for references, and conditions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cnnspec.drawing.flow.arrange import Branch, Item, Leaf, Optional, Parallel, Tag
from cnnspec.drawing.flow.diagram import Diagram, Edge, Node, Runs
from cnnspec.drawing.flow.symbols import joined, plain, symbol


class EdgeTexts:
    """The texts of one diagram, with or without `shapes`."""

    def __init__(self, diagram: Diagram, items: Sequence[Item], *, shapes: bool) -> None:
        self.diagram = diagram
        self.shapes = shapes
        self.tagged = {(edge.source, edge.port) for edge in _tags(items)}
        self.read: dict[int, set[int]] = {}
        """Which outputs of each box are read."""
        for edge in (*(input_ for node in diagram.nodes for input_ in node.inputs), *diagram.outputs):
            self.read.setdefault(edge.source, set()).add(edge.port)

    def node(self, item: Item) -> Node | None:
        """The box that an item ends with."""
        number = self.number(item)
        return None if number is None else self.diagram.nodes[number]

    def number(self, item: Item) -> int | None:
        match item:
            case Leaf():
                return item.node
            case Parallel():
                return item.merge
            case Optional():
                return self.number(item.items[-1])
        return None

    def leaving(self, item: Item) -> list[Runs]:
        """The text below an item: its name where others refer to it, and its shape where that changes."""
        number = self.number(item)
        if number is None or self.ports(number) > 1:
            return []
        return self.output_text(Edge(number))

    def output_text(self, edge: Edge) -> list[Runs]:
        node = self.diagram.nodes[edge.source]
        outside = node.kind in ("input", "port")
        several = self.ports(edge.source) > 1 and edge.port in node.labels
        named = (edge.source, edge.port) in self.tagged or several
        name = self.name_of(edge) if named and not outside else ""
        shape = node.shapes[edge.port] if self.shapes and edge.port < len(node.shapes) else ""
        before = [
            self.diagram.nodes[input_.source].shapes[input_.port : input_.port + 1]
            for input_ in node.inputs[:1]
        ]
        same = bool(before) and before[0] == (shape,) and self.ports(edge.source) == 1
        text = joined("  ", [symbol(name) if name else (), plain(shape) if not same and not outside else ()])
        return [text] if text else []

    def name_of(self, edge: Edge) -> str:
        node = self.diagram.nodes[edge.source]
        return node.labels.get(edge.port) or node.name

    def ports(self, number: int) -> int:
        """The number of a box's outputs that are read."""
        return len(self.read.get(number, ()))

    def entering(self, item: Item) -> list[Runs]:
        """The text above an item: a condition, or the number of the output that it reads."""
        if isinstance(item, Optional):
            return [item.condition] if self.alone(item) is not None else []
        if not isinstance(item, Leaf) or len(self.diagram.nodes[item.node].inputs) != 1:
            return []
        return self.edge_text(self.diagram.nodes[item.node].inputs[0])

    def edge_text(self, edge: Edge) -> list[Runs]:
        several = self.ports(edge.source) > 1
        return [*(self.output_text(edge) if several else ()), *([edge.condition] if edge.condition else ())]

    def alone(self, item: Optional) -> int | None:
        """The only box of an optional part."""
        only = item.items[0]
        if len(item.items) == 1 and isinstance(only, Leaf) and self.diagram.nodes[only.node].inner is None:
            return only.node
        return None

    def between(self, above: Item, below: Item) -> list[Runs]:
        """The text between two items of a column."""
        return [*self.leaving(above), *self.entering(below)]

    def ends(self, branch: Branch) -> tuple[list[Runs], list[Runs]]:
        """The texts at the beginning and at the end of a branch."""
        condition = [branch.edge.condition] if branch.edge.condition else []
        return self.entering(branch.items[0]), [*self.leaving(branch.items[-1]), *condition]


def _tags(items: Iterable[Item]) -> Iterable[Edge]:
    for item in items:
        match item:
            case Tag():
                yield item.edge
            case Optional():
                yield from _tags(item.items)
            case Parallel():
                for branch in item.branches:
                    yield from _tags(branch.items)
