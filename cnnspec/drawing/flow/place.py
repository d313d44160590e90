"""Draws a measured diagram: each part around an axis, from top to bottom.

A *path* is the line so far from the bottom of a box; the next box ends it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cnnspec.drawing.colors import Palette
from cnnspec.drawing.flow import draw
from cnnspec.drawing.flow.arrange import Branch, Item, Leaf, Optional, Parallel, Tag, is_reference
from cnnspec.drawing.flow.diagram import Node, Runs
from cnnspec.drawing.flow.measure import Measures
from cnnspec.drawing.flow.metrics import (
    FORK,
    LABELLED,
    LEAVE,
    LINE,
    PAD,
    PILL,
    SIGN,
    Size,
    beside_width,
)
from cnnspec.drawing.flow.symbols import symbol
from cnnspec.drawing.scene import Group, Point


class Path(NamedTuple):
    """An unfinished line: its points, its source box, how far it may begin beside its first point (at a wide
    box with several outputs), and whether it is dashed."""

    points: tuple[Point, ...]
    source: str
    reach: float = 0.0
    dashed: bool = False

    def to(self, *points: Point) -> Path:
        return self._replace(points=(*self.points, *points))

    def begun_at(self, x: float) -> Path:
        """The line to a column at x; it begins directly above the column where the box extends that far."""
        (start, y), *more = self.points
        if not more and start != x and abs(x - start) <= self.reach:
            return self._replace(points=((x, y),))
        return self


NOWHERE = Path((), "")


@dataclass(eq=False)
class Placer:
    """Draws the parts of one diagram into `drawn`."""

    measures: Measures
    colors: Palette
    drawn: list[Group] = field(default_factory=list)

    def series(self, items: Sequence[Item], x: float, y: float, path: Path, begun: float = 0.0) -> Path:
        """Draws items below one another; returns the path that leaves them. `begun` is the space above y that
        is already there for the texts above the first item."""
        for place, item in enumerate(items):
            if place:
                lines = self.measures.texts.between(items[place - 1], item)
                self.write(lines, x, y + LABELLED)
                y += self.measures.gap(items[place - 1], item)
            path = self.item(item, x, y, path)
            y += self.measures.size(item).height
        return path

    def write(self, lines: Iterable[Runs], x: float, y: float) -> None:
        for place, line in enumerate(lines):
            self.drawn.append(draw.beside(line, x, y + LINE * place, self.colors))

    def item(self, item: Item, x: float, y: float, path: Path) -> Path:
        match item:
            case Leaf():
                return self.leaf(item.node, x, y, path)
            case Tag():
                name = self.measures.texts.name_of(item.edge)
                half = self.measures.size(item).left
                self.drawn.append(draw.pill(symbol(name), x, y, half, "tag", name, self.colors))
                return Path(((x, y + PILL),), self.measures.diagram.nodes[item.edge.source].name)
            case Optional():
                return self.optional(item, x, y, path)
            case Parallel():
                return self.parallel(item, x, y, path)
        raise AssertionError(item)

    def leaf(self, number: int, x: float, y: float, path: Path, *, dashed: bool = False) -> Path:
        node = self.measures.diagram.nodes[number]
        size = self.measures.leaf_size(number)
        if node.inner is not None:
            return self.frame(number, x, y, path)
        if node.kind == "port" and not node.inputs and path.points:
            return path
        edge = node.inputs[0] if len(node.inputs) == 1 else None
        self.end(path, (x, y), node.name, dashed=edge is not None and bool(edge.condition))
        size = size._replace(right=size.right - beside_width(node))
        self.drawn.append(draw.box(node, x, y, size, self.colors, dashed=dashed))
        return Path(
            ((x, y + size.height),), node.name, size.left if self.measures.texts.ports(number) > 1 else 0.0
        )

    def end(self, path: Path, at: Point, target: str, *, dashed: bool = False, arrow: bool = True) -> None:
        """Draws the line that ends at a box."""
        if path.points:
            self.drawn.append(
                draw.edge(
                    (*path.points, at),
                    path.source,
                    target,
                    self.colors,
                    dashed=dashed or path.dashed,
                    arrow=arrow,
                )
            )

    def frame(self, number: int, x: float, y: float, path: Path) -> Path:
        node, inner, size = (
            self.measures.diagram.nodes[number],
            self.measures.inner[number],
            self.measures.size_of_frame(number),
        )
        self.drawn.append(draw.frame(node, x, y, size, self.colors))
        ports = sum(one.kind == "port" for one in inner.diagram.nodes)
        if ports > 1:
            self.end(path, (x, y), node.name)
            path = NOWHERE
        top = y + PAD + LINE * bool(node.text)
        path = Placer(inner, self.colors, self.drawn).series(inner.items, x, top, path)
        ends = inner.items[-1]
        if isinstance(ends, Parallel) and ends.merge is None:
            return Path(((x, y + size.height),), node.name)
        return path

    def optional(self, item: Optional, x: float, y: float, path: Path) -> Path:
        only = self.measures.texts.alone(item)
        if only is not None:
            return self.leaf(only, x, y, path, dashed=True)
        size = self.measures.size(item)
        self.drawn.append(draw.condition(item.condition, x, y, size, self.colors))
        return self.series(item.items, x, y + PAD + LINE, path)

    def parallel(self, item: Parallel, x: float, y: float, path: Path) -> Path:
        size, columns = self.measures.size(item), self.measures.columns[id(item)]
        merge = self.measures.merge_size(item) if item.merge is not None else Size(0.0, 0.0, 0.0)
        node = self.measures.texts.node(item)
        top = y + self.measures.fork(item)
        bottom = y + size.height - merge.height
        room = bottom - top - (LEAVE if node is not None else 0)
        others = [self.measures.branch_size(one).height for one in item.branches if not is_reference(one)]
        ends = []
        for branch, column in zip(item.branches, columns, strict=True):
            at = x + column
            start = path.begun_at(at) if path.points else path
            if start is path and path.points and at != x:
                start = path.to((x, y + FORK), (at, y + FORK))
            high = room if is_reference(branch) or not branch.items else max(others)
            ends.append(self.branch(branch, at, top, high, start, merged=node is not None))
        if node is None or item.merge is None:
            return NOWHERE
        return self.merged(item, node, x, bottom, ends, merge)

    def branch(self, branch: Branch, x: float, y: float, room: float, path: Path, *, merged: bool) -> Path:
        """Draws a branch; in the middle of its space where a merge follows."""
        if not branch.items:
            self.write(self.measures.texts.edge_text(branch.edge), x, y)
            return path._replace(dashed=bool(branch.edge.condition))
        entering, leaving = self.measures.texts.ends(branch)
        spare = room - self.measures.branch_size(branch).height if merged else 0.0
        if is_reference(branch):
            y, spare = y + spare, 0.0
        self.write(entering, x, y - LABELLED if not spare else y + spare / 2 - LABELLED)
        begin = y + spare / 2 + LINE * len(entering)
        left = self.series(branch.items, x, begin, path)
        end = begin + self.measures.series_size(branch.items).height
        self.write(leaving, x, end + LABELLED)
        return left._replace(dashed=left.dashed or bool(branch.edge.condition)) if left.points else left

    def merged(self, item: Parallel, node: Node, x: float, y: float, ends: list[Path], size: Size) -> Path:
        """Draws the lines into a merge, and the merge."""
        columns = self.measures.columns[id(item)]
        choice = node.kind == "choice"
        for end, column in zip(ends, columns, strict=True):
            if choice:
                self.end(
                    end if not column else end.to((x + column, y - FORK), (x, y - FORK)),
                    (x, y - FORK) if column else (x, y),
                    node.name,
                    arrow=False,
                )
            elif column and self.measures.round(item):
                middle = y + SIGN
                side = x + (SIGN if column > 0 else -SIGN)
                self.end(end.to((x + column, middle)) if end.points else end, (side, middle), node.name)
            else:
                self.end(end, (x + column, y), node.name)
        if choice:
            return Path(((x, y),), node.name)
        if node.inner is not None and item.merge is not None:
            return self.frame(item.merge, x, y, NOWHERE)
        self.drawn.append(draw.box(node, x, y, size, self.colors, bar=not self.measures.round(item)))
        several = item.merge is not None and self.measures.texts.ports(item.merge) > 1
        return Path(((x, y + size.height),), node.name, min(size.left, size.right) if several else 0.0)
