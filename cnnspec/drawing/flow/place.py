"""Places a diagram: every part is measured, then drawn around an axis from top to bottom.

A *path* is the line so far from the bottom of a box; the next box ends it. A column's boxes are equally wide.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cnnspec.drawing.colors import Palette
from cnnspec.drawing.flow import draw
from cnnspec.drawing.flow.arrange import Branch, Item, Leaf, Optional, Parallel, Tag, arranged, is_reference
from cnnspec.drawing.flow.diagram import Diagram, Edge, Node, Runs
from cnnspec.drawing.flow.metrics import (
    BETWEEN,
    CHANNEL,
    ENTER,
    FORK,
    GAP,
    LABELLED,
    LEAVE,
    LINE,
    PAD,
    PILL,
    SIDE,
    SIGN,
    SMALL,
    Size,
    beside_width,
    box_size,
    is_pill,
    text_width,
)
from cnnspec.drawing.flow.symbols import joined, plain, symbol
from cnnspec.drawing.scene import Group, Point


class Path(NamedTuple):
    """A line that has begun: its points, the box that it comes from, how far it may begin beside its first
    point (a wide box with several outputs), and whether it is dashed."""

    points: tuple[Point, ...]
    source: str
    reach: float = 0.0
    dashed: bool = False

    def to(self, *points: Point) -> Path:
        return self._replace(points=(*self.points, *points))

    def begun_at(self, x: float) -> Path:
        """The line to a column at x, from right above it where the box reaches that far."""
        (start, y), *more = self.points
        if not more and start != x and abs(x - start) <= self.reach:
            return self._replace(points=((x, y),))
        return self


FAR = 1.5
"""How much longer than the other a branch is that its merge stands below."""
NOWHERE = Path((), "")


@dataclass(eq=False)
class Placer:
    """Measures and draws the parts of one diagram."""

    diagram: Diagram
    colors: Palette
    shapes: bool = True
    drawn: list[Group] = field(default_factory=list)
    sizes: dict[int, Size] = field(default_factory=dict)
    widths: dict[int, float] = field(default_factory=dict)
    """How wide boxes are drawn, by their number: as wide as their column's widest;"""
    columns: dict[int, tuple[float, ...]] = field(default_factory=dict)
    """and where the columns of branches are, beside the axis."""
    spread: set[int] = field(default_factory=set)
    """Branches that begin at different outputs of a box: each right below it."""
    begins: set[int] = field(default_factory=set)
    """Branches that nothing is above."""
    inner: dict[int, Placer] = field(default_factory=dict)
    tagged: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.items = arranged(self.diagram)
        self.read: dict[int, set[int]] = {}
        for edge in (*(one for node in self.diagram.nodes for one in node.inputs), *self.diagram.outputs):
            self.read.setdefault(edge.source, set()).add(edge.port)
        self.tagged.update((edge.source, edge.port) for edge in _tags(self.items))
        self.begins = set(map(id, _first(self.items)))

    # --- what stands at an edge -------------------------------------------------------------------------

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
        """What is written below an item: the name that others refer to, and the shape where it changes."""
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
        before = [self.diagram.nodes[one.source].shapes[one.port : one.port + 1] for one in node.inputs[:1]]
        same = bool(before) and before[0] == (shape,) and self.ports(edge.source) == 1
        text = joined("  ", [symbol(name) if name else (), plain(shape) if not same and not outside else ()])
        return [text] if text else []

    def name_of(self, edge: Edge) -> str:
        node = self.diagram.nodes[edge.source]
        return node.labels.get(edge.port) or node.name

    def ports(self, number: int) -> int:
        """How many outputs of a box are read."""
        return len(self.read.get(number, ()))

    def entering(self, item: Item) -> list[Runs]:
        """What is written above an item: a condition, or which output of the box above it reads."""
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

    # --- measuring --------------------------------------------------------------------------------------

    def size(self, item: Item) -> Size:
        if id(item) not in self.sizes:
            match item:
                case Leaf():
                    self.sizes[id(item)] = self.leaf_size(item.node)
                case Tag():
                    half = text_width(symbol(self.name_of(item.edge))) / 2 + SIDE
                    self.sizes[id(item)] = Size(half, half, PILL)
                case Optional():
                    self.sizes[id(item)] = self.optional_size(item)
                case Parallel():
                    self.sizes[id(item)] = self.parallel_size(item)
        return self.sizes[id(item)]

    def leaf_size(self, number: int) -> Size:
        node = self.diagram.nodes[number]
        if node.inner is None:
            wide, high = box_size(node)
            half = max(wide, self.widths.get(number, 0)) / 2
            return Size(half, half + beside_width(node), high)
        inner = self.inner.setdefault(number, Placer(node.inner, self.colors, self.shapes))
        left, right, height = inner.series_size(inner.items)
        right = max(right, _reach([node.text]) if node.text else 0)
        return Size(left + PAD, right + PAD + beside_width(node), height + 2 * PAD + LINE * bool(node.text))

    def optional_size(self, item: Optional) -> Size:
        left, right, height = self.series_size(item.items)
        if self.alone(item) is not None:
            return Size(left, right, height)
        right = max(right, _reach([item.condition]))
        return Size(left + PAD, right + PAD, height + 2 * PAD + LINE)

    def series_size(self, items: Sequence[Item]) -> Size:
        """Of items below one another."""
        self.equalise(items)
        left = right = height = 0.0
        for place, item in enumerate(items):
            one = self.size(item)
            left, right, height = max(left, one.left), max(right, one.right), height + one.height
            if place:
                lines = self.between(items[place - 1], item)
                height += _gap(lines)
                right = max(right, _reach(lines))
        return Size(left, right, height)

    def between(self, above: Item, below: Item) -> list[Runs]:
        return [*self.leaving(above), *self.entering(below)]

    def equalise(self, items: Sequence[Item]) -> None:
        """The boxes of a column are as wide as its widest; one with several outputs as what is below it."""
        plain_boxes = [
            item.node
            for item in _leaves(items)
            if self.diagram.nodes[item.node].inner is None and not is_pill(self.diagram.nodes[item.node])
            and self.diagram.nodes[item.node].kind not in ("choice", "sign")
        ]  # fmt: skip
        widest = max((box_size(self.diagram.nodes[number])[0] for number in plain_boxes), default=0)
        self.widths.update((number, max(widest, self.widths.get(number, 0))) for number in plain_boxes)
        for above, below in itertools.pairwise(items):
            number = self.number(above)
            if number is not None and isinstance(below, Parallel) and self.ports(number) > 1:
                self.spread.add(id(below))
                self.size(below)
                columns = self.columns[id(below)]
                self.widths[number] = max(self.widths.get(number, 0), columns[-1] - columns[0] + 2 * SIDE)

    def branch_size(self, branch: Branch) -> Size:
        """Of a branch, with what is written at its beginning and at its end."""
        if not branch.items:
            lines = self.edge_text(branch.edge)
            return Size(CHANNEL, max(CHANNEL, _reach(lines)), LINE * len(lines))
        left, right, height = self.series_size(branch.items)
        entering, leaving = self.ends(branch)
        right = max(right, _reach([*entering, *leaving]))
        return Size(left, right, height + LINE * (len(entering) + len(leaving)))

    def ends(self, branch: Branch) -> tuple[list[Runs], list[Runs]]:
        condition = [branch.edge.condition] if branch.edge.condition else []
        return self.entering(branch.items[0]), [*self.leaving(branch.items[-1]), *condition]

    def parallel_size(self, item: Parallel) -> Size:
        sizes = [self.branch_size(branch) for branch in item.branches]
        columns = self.placed_columns(item, sizes)
        main = self.main(item, sizes)
        centre = columns[main] if main is not None else (columns[0] + columns[-1]) / 2
        columns = [column - centre for column in columns]
        self.columns[id(item)] = tuple(columns)
        beside = list(zip(columns, sizes, strict=True))
        left = max(size.left - column for column, size in beside)
        right = max(size.right + column for column, size in beside)
        height = self.fork(item) + self.content(item, sizes)
        if item.merge is None:
            return Size(left, right, height)
        merge = self.merge_size(item)
        right = max(right, merge.right + beside_width(self.diagram.nodes[item.merge]))
        return Size(max(left, merge.left), right, height + LEAVE + merge.height)

    def content(self, item: Parallel, sizes: Sequence[Size]) -> float:
        """The height of the branches. References stand in a row of their own above the merge."""
        references = [is_reference(branch) for branch in item.branches]
        pairs = list(zip(sizes, references, strict=True))
        row = max((size.height + LABELLED for size, reference in pairs if reference), default=0.0)
        return row + max((size.height for size, reference in pairs if not reference), default=0.0)

    def placed_columns(self, item: Parallel, sizes: Sequence[Size]) -> list[float]:
        """Where the axes of branches are: beside one another, only references are below other branches."""
        columns: list[float] = []
        last: tuple[float, float] | None = None
        for place, (branch, size) in enumerate(zip(item.branches, sizes, strict=True)):
            reference = is_reference(branch)
            at = 0.0
            if place:
                before = sizes[place - 1].right if is_reference(item.branches[place - 1]) else CHANNEL
                at = columns[-1] + before + BETWEEN / 2 + (size.left if reference else CHANNEL)
            if not reference and last is not None:
                at = max(at, last[0] + last[1] + BETWEEN + size.left)
            columns.append(at)
            last = last if reference else (at, size.right)
        return columns

    def fork(self, item: Parallel) -> float:
        """The room for the lines that part."""
        if id(item) in self.begins or sum(not is_reference(one) for one in item.branches) < 2:
            return 0.0
        return FORK + ENTER

    def merge_size(self, item: Parallel) -> Size:
        """A circle, or a box that reaches over all branches."""
        assert item.merge is not None
        node = self.diagram.nodes[item.merge]
        if node.kind == "choice":
            return Size(0.0, 0.0, 0.0)
        if self.round(item):
            return Size(SIGN, SIGN, 2 * SIGN)
        columns = self.columns[id(item)]
        left = self.foot(item.branches[0]).left - columns[0]
        right = columns[-1] + self.foot(item.branches[-1]).right
        if node.inner is not None:
            size = self.size_of_frame(item.merge)
            return Size(max(left, size.left), max(right, size.right), size.height)
        if node.kind == "sign":
            wide, high = text_width(node.below[0], SMALL) + 2 * SIDE, PILL
        else:
            wide, high = box_size(node)
        more = max(0.0, max(wide, self.widths.get(item.merge, 0)) - left - right) / 2
        return Size(left + more, right + more, high)

    def foot(self, branch: Branch) -> Size:
        """How wide the last box of a branch is."""
        last = branch.items[-1] if branch.items else None
        if isinstance(last, Leaf) and self.diagram.nodes[last.node].inner is None:
            half = max(box_size(self.diagram.nodes[last.node])[0], self.widths.get(last.node, 0)) / 2
            return Size(half, half, 0)
        if isinstance(last, Parallel) and last.merge is not None:
            return self.merge_size(last)
        return Size(SIDE, SIDE, 0)

    def round(self, item: Parallel) -> bool:
        """Whether a merge is a circle: one branch from above, and at most one from each side."""
        node = self.node(item)
        most = 2 if node is not None and node.text == plain("C") else 3
        return node is not None and node.kind == "sign" and len(item.branches) <= most

    def main(self, item: Parallel, sizes: list[Size]) -> int | None:
        """The branch on the axis: of two, the first with boxes; None: the axis is in the middle."""
        if item.merge is None and id(item) not in self.spread:
            return max(range(len(sizes)), key=lambda place: (sizes[place].height, -place))
        node = self.node(item)
        there = [place for place, one in enumerate(item.branches) if not is_reference(one)]
        full = [place for place in there if item.branches[place].items] or there
        if self.round(item) or (node is not None and node.kind == "choice"):
            return 1 if len(sizes) == 3 and there == [0, 1, 2] else full[0] if full else 0
        if id(item) in self.spread or not full:
            return None
        highest, *others = sorted(full, key=lambda place: -sizes[place].height)
        much = all(sizes[highest].height > FAR * sizes[place].height for place in others)
        return highest if much and len(full) < 3 else None

    # --- drawing ----------------------------------------------------------------------------------------

    def series(self, items: Sequence[Item], x: float, y: float, path: Path, begun: float = 0.0) -> Path:
        """Draw items below one another; gives the path that leaves them. `begun` is how much above y there is
        already, for what is written above the first one."""
        for place, item in enumerate(items):
            if place:
                lines = self.between(items[place - 1], item)
                self.texts(lines, x, y + LABELLED)
                y += _gap(lines)
            path = self.item(item, x, y, path)
            y += self.size(item).height
        return path

    def texts(self, lines: Iterable[Runs], x: float, y: float) -> None:
        for place, line in enumerate(lines):
            self.drawn.append(draw.beside(line, x, y + LINE * place, self.colors))

    def item(self, item: Item, x: float, y: float, path: Path) -> Path:
        match item:
            case Leaf():
                return self.leaf(item.node, x, y, path)
            case Tag():
                name = self.name_of(item.edge)
                half = self.size(item).left
                self.drawn.append(draw.pill(symbol(name), x, y, half, "tag", name, self.colors))
                return Path(((x, y + PILL),), self.diagram.nodes[item.edge.source].name)
            case Optional():
                return self.optional(item, x, y, path)
            case Parallel():
                return self.parallel(item, x, y, path)
        raise AssertionError(item)

    def leaf(self, number: int, x: float, y: float, path: Path, *, dashed: bool = False) -> Path:
        node = self.diagram.nodes[number]
        size = self.leaf_size(number)
        if node.inner is not None:
            return self.frame(number, x, y, path)
        if node.kind == "port" and not node.inputs and path.points:
            return path
        edge = node.inputs[0] if len(node.inputs) == 1 else None
        self.end(path, (x, y), node.name, dashed=edge is not None and bool(edge.condition))
        size = size._replace(right=size.right - beside_width(node))
        self.drawn.append(draw.box(node, x, y, size, self.colors, dashed=dashed))
        return Path(((x, y + size.height),), node.name, size.left if self.ports(number) > 1 else 0.0)

    def end(self, path: Path, at: Point, target: str, *, dashed: bool = False, arrow: bool = True) -> None:
        """Draw the line that ends at a box."""
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
        node, inner, size = self.diagram.nodes[number], self.inner[number], self.size_of_frame(number)
        self.drawn.append(draw.frame(node, x, y, size, self.colors))
        inner.drawn = self.drawn
        ports = sum(one.kind == "port" for one in inner.diagram.nodes)
        if ports > 1:
            self.end(path, (x, y), node.name)
            path = NOWHERE
        top = y + PAD + LINE * bool(node.text)
        path = inner.series(inner.items, x, top, path)
        ends = inner.items[-1]
        if isinstance(ends, Parallel) and ends.merge is None:
            return Path(((x, y + size.height),), node.name)
        return path

    def size_of_frame(self, number: int) -> Size:
        """Of the frame itself, without what is written beside it."""
        node, size = self.diagram.nodes[number], self.leaf_size(number)
        return size._replace(right=size.right - beside_width(node))

    def optional(self, item: Optional, x: float, y: float, path: Path) -> Path:
        only = self.alone(item)
        if only is not None:
            return self.leaf(only, x, y, path, dashed=True)
        size = self.size(item)
        self.drawn.append(draw.condition(item.condition, x, y, size, self.colors))
        return self.series(item.items, x, y + PAD + LINE, path)

    def parallel(self, item: Parallel, x: float, y: float, path: Path) -> Path:
        size, columns = self.size(item), self.columns[id(item)]
        merge = self.merge_size(item) if item.merge is not None else Size(0.0, 0.0, 0.0)
        node = self.node(item)
        top = y + self.fork(item)
        bottom = y + size.height - merge.height
        room = bottom - top - (LEAVE if node is not None else 0)
        row = room - max(
            (self.branch_size(one).height for one in item.branches if not is_reference(one)), default=0.0
        )
        ends = []
        for branch, column in zip(item.branches, columns, strict=True):
            at = x + column
            start = path.begun_at(at) if path.points else path
            if start is path and path.points and at != x:
                start = path.to((x, y + FORK), (at, y + FORK))
            high = room if is_reference(branch) or not branch.items else room - row
            ends.append(self.branch(branch, at, top, high, start, merged=node is not None))
        if node is None or item.merge is None:
            return NOWHERE
        return self.merged(item, node, x, bottom, ends, merge)

    def branch(self, branch: Branch, x: float, y: float, room: float, path: Path, *, merged: bool) -> Path:
        """A branch; in the middle of its room where a merge follows."""
        if not branch.items:
            self.texts(self.edge_text(branch.edge), x, y)
            return path._replace(dashed=bool(branch.edge.condition))
        entering, leaving = self.ends(branch)
        spare = room - self.branch_size(branch).height if merged else 0.0
        if is_reference(branch):
            y, spare = y + spare, 0.0
        self.texts(entering, x, y - LABELLED if not spare else y + spare / 2 - LABELLED)
        begin = y + spare / 2 + LINE * len(entering)
        left = self.series(branch.items, x, begin, path)
        end = begin + self.series_size(branch.items).height
        self.texts(leaving, x, end + LABELLED)
        return left._replace(dashed=left.dashed or bool(branch.edge.condition)) if left.points else left

    def merged(self, item: Parallel, node: Node, x: float, y: float, ends: list[Path], size: Size) -> Path:
        """The lines into a merge, and the merge."""
        columns = self.columns[id(item)]
        choice = node.kind == "choice"
        for end, column in zip(ends, columns, strict=True):
            if choice:
                self.end(
                    end if not column else end.to((x + column, y - FORK), (x, y - FORK)),
                    (x, y - FORK) if column else (x, y),
                    node.name,
                    arrow=False,
                )
            elif column and self.round(item):
                middle = y + SIGN
                side = x + (SIGN if column > 0 else -SIGN)
                self.end(end.to((x + column, middle)) if end.points else end, (side, middle), node.name)
            else:
                self.end(end, (x + column, y), node.name)
        if choice:
            return Path(((x, y),), node.name)
        if node.inner is not None and item.merge is not None:
            return self.frame(item.merge, x, y, NOWHERE)
        self.drawn.append(draw.box(node, x, y, size, self.colors, bar=not self.round(item)))
        several = item.merge is not None and self.ports(item.merge) > 1
        return Path(((x, y + size.height),), node.name, min(size.left, size.right) if several else 0.0)


def _gap(lines: Sequence[Runs]) -> float:
    return GAP + (LABELLED + LINE * len(lines) - FORK if lines else 0)


def _reach(lines: Iterable[Runs]) -> float:
    """How far what is written at an edge reaches to its right."""
    return max((draw.BESIDE + text_width(line, SMALL) for line in lines), default=0.0)


def _leaves(items: Iterable[Item]) -> Iterable[Leaf]:
    """The boxes of a column; not those of branches in it."""
    for item in items:
        if isinstance(item, Leaf):
            yield item
        elif isinstance(item, Optional):
            yield from _leaves(item.items)


def _first(items: Sequence[Item]) -> Iterable[Parallel]:
    """The branches that a diagram begins with."""
    if items and isinstance(items[0], Parallel):
        yield items[0]
        for branch in items[0].branches:
            yield from _first(branch.items)


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
