"""What must hold of every flow figure: nothing overlaps, no line crosses a box, every edge is there once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from cnnspec.diagnostics import Source
from cnnspec.drawing import fonts
from cnnspec.drawing.flow.arrange import Item, Optional, Parallel, arranged
from cnnspec.drawing.flow.diagram import Diagram, Figure
from cnnspec.drawing.flow.figure import scene
from cnnspec.drawing.flow.fold import folded
from cnnspec.drawing.options import Options
from cnnspec.drawing.scene import Circle, Group, Line, Scene, Shape, Text
from cnnspec.ir.graph import Graph
from cnnspec.pipeline import models

BOXES = ("layer", "block", "merge", "input", "output", "tag")
FRAMES = ("frame", "panel")
NEAR, ROW = 0.01, 40.0


Placed: TypeAlias = "tuple[Group, Box]"


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        return (
            min(self.right, other.right) - max(self.left, other.left) > NEAR
            and min(self.bottom, other.bottom) - max(self.top, other.top) > NEAR
        )

    def holds(self, other: Box) -> bool:
        return (
            self.left - NEAR <= other.left
            and self.top - NEAR <= other.top
            and other.right <= self.right + NEAR
            and other.bottom <= self.bottom + NEAR
        )


def graph_of(text: str, **options: object) -> Graph:
    (model,) = models(Source("test.cnn", text), first=True, lints=False, **options)  # type: ignore[arg-type]
    assert model.graph is not None
    assert model.buildable, model.findings
    return model.graph


def outline(group: Group) -> Box:
    first = group.items[0]
    if isinstance(first, Circle):
        return Box(first.x - first.r, first.y - first.r, first.x + first.r, first.y + first.r)
    assert isinstance(first, Shape)
    xs, ys = zip(*first.points, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))


def groups(picture: Scene, *roles: str) -> list[Group]:
    return [item for item in picture.items if isinstance(item, Group) and item.role in roles]


def texts(picture: Scene) -> Iterator[tuple[Group, Box]]:
    for group in picture.items:
        assert isinstance(group, Group)
        for item in group.items:
            if isinstance(item, Text):
                yield group, Box(*fonts.box_of(item))


def checked(graph: Graph, options: Options | None = None) -> Scene:
    """The figure, with everything that must hold."""
    options = options or Options()
    figure = folded(graph, options)
    picture = scene(figure, options)
    whole = Box(0, 0, picture.width, picture.height)
    boxes = [(group, outline(group)) for group in groups(picture, *BOXES)]
    written = list(texts(picture))
    for (one, a), (other, b) in near(boxes, boxes):
        assert not a.overlaps(b), f"{one.name} and {other.name} overlap"
    for (one, a), (other, b) in near(written, written):
        assert not a.overlaps(b), f"texts of {one.role} {one.name} and {other.role} {other.name} overlap"
    for group, text in written:
        assert whole.holds(text), f"the text of {group.name} is not in the figure"
    for (group, text), (other, box) in near(written, boxes):
        if other is group:
            beside = text.left >= box.right
            assert box.holds(text) or beside, f"the text of {group.name} is wider than its box"
        else:
            assert not text.overlaps(box), f"the text of {group.role} {group.name} is on {other.name}"
    for group in groups(picture, *FRAMES):
        frame = outline(group)
        assert whole.holds(frame), group.name
        for other, box in boxes:
            assert frame.holds(box) or not frame.overlaps(box), f"{other.name} crosses a frame"
    edges = groups(picture, "edge")
    pieces = [
        (edge, between(*piece))
        for edge in edges
        for line in edge.items
        if isinstance(line, Line)
        for piece in pairwise(line.points)
    ]
    for edge, piece in pieces:
        assert piece.left == piece.right or piece.top == piece.bottom, f"{edge.name} is slanted"
        assert whole.holds(piece), edge.name
    thick = [(edge, Box(a - 0.1, b - 0.1, c + 0.1, d + 0.1)) for edge, (a, b, c, d) in pieces]
    inside = [(group, Box(a + 0.3, b + 0.3, c - 0.3, d - 0.3)) for group, (a, b, c, d) in boxes]
    for (edge, line), (group, box) in near(thick, inside):
        assert not line.overlaps(box), f"the line {edge.name} crosses {group.name}"
    for (edge, line), (group, box) in near(thick, written):
        assert not line.overlaps(box), f"the line {edge.name} crosses the text of {group.role} {group.name}"
    assert len(edges) == expected(figure, options)
    return picture


def near(some: list[Placed], others: list[Placed]) -> Iterator[tuple[Placed, Placed]]:
    """The pairs that share a row of the figure."""
    rows: dict[int, list[Placed]] = {}
    for one in others:
        for row in range(int(one[1].top // ROW), int(one[1].bottom // ROW) + 1):
            rows.setdefault(row, []).append(one)
    for one in some:
        seen = set()
        for row in range(int(one[1].top // ROW), int(one[1].bottom // ROW) + 1):
            for other in rows.get(row, ()):
                if other is not one and id(other) not in seen:
                    seen.add(id(other))
                    yield one, other


def between(a: tuple[float, float], b: tuple[float, float]) -> Box:
    return Box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))


def diagrams(figure: Figure) -> Iterator[tuple[Diagram, bool]]:
    waiting = [(figure.network, False), *((panel, True) for panel in figure.panels)]
    while waiting:
        diagram, panel = waiting.pop()
        yield diagram, panel
        waiting += [(node.inner, False) for node in diagram.nodes if node.inner is not None]


def items(some: tuple[Item, ...]) -> Iterator[Item]:
    for item in some:
        yield item
        if isinstance(item, Optional):
            yield from items(item.items)
        elif isinstance(item, Parallel):
            for branch in item.branches:
                yield from items(branch.items)


def expected(figure: Figure, options: Options) -> int:
    """How many lines there are: one for each edge. What goes past an optional part is not drawn, and a line
    goes on through a frame."""
    total = 0
    for diagram, panel in diagrams(figure):
        placed = list(items(arranged(diagram)))
        total += sum(len(node.inputs) for node in diagram.nodes) + (panel and len(diagram.outputs) == 1)
        total -= 2 * sum(isinstance(item, Optional) for item in placed)
        for node in diagram.nodes:
            if node.inner is not None and sum(one.kind == "port" for one in node.inner.nodes) == 1:
                total -= 1
    return total
