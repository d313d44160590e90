"""The sizes of the parts of a diagram, and the positions of its columns relative to the axis.

The boxes of a column are equally wide."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from cnnspec.drawing.flow.arrange import Branch, Item, Leaf, Optional, Parallel, Tag, arranged, is_reference
from cnnspec.drawing.flow.diagram import Diagram, Runs
from cnnspec.drawing.flow.draw import BESIDE
from cnnspec.drawing.flow.edge_texts import EdgeTexts
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
from cnnspec.drawing.flow.symbols import plain, symbol

FAR = 1.5
"""How much longer than the other branch one must be for the merge to be below it."""


class Measures:
    """The sizes of one diagram's parts; each is computed once."""

    def __init__(self, diagram: Diagram, *, shapes: bool, items: tuple[Item, ...] = ()) -> None:
        self.diagram = diagram
        self.items = items or arranged(diagram)
        self.texts = EdgeTexts(diagram, self.items, shapes=shapes)
        self.sizes: dict[int, Size] = {}
        self.widths: dict[int, float] = {}
        """How wide boxes are drawn, by their number: as wide as their column's widest;"""
        self.columns: dict[int, tuple[float, ...]] = {}
        """and where the columns of branches are, beside the axis."""
        self.spread: set[int] = set()
        """Branches that begin at different outputs of a box: each right below it."""
        self.begins = set(map(id, _first(self.items)))
        """Branches that nothing is above."""
        self.inner: dict[int, Measures] = {}

    def size(self, item: Item) -> Size:
        if id(item) not in self.sizes:
            match item:
                case Leaf():
                    self.sizes[id(item)] = self.leaf_size(item.node)
                case Tag():
                    half = text_width(symbol(self.texts.name_of(item.edge))) / 2 + SIDE
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
        if number not in self.inner:
            self.inner[number] = inner = Measures(node.inner, shapes=self.texts.shapes)
            ports = sum(one.kind == "port" for one in node.inner.nodes)
            if ports == 1 and len(inner.items) > 1:  # the line into the frame continues to the next box
                inner.items = inner.items[1:]
        inner = self.inner[number]
        left, right, height = inner.series_size(inner.items)
        right = max(right, reach([node.text]) if node.text else 0)
        return Size(left + PAD, right + PAD + beside_width(node), height + 2 * PAD + LINE * bool(node.text))

    def optional_size(self, item: Optional) -> Size:
        left, right, height = self.series_size(item.items)
        if self.texts.alone(item) is not None:
            return Size(left, right, height)
        right = max(right, reach([item.condition]))
        return Size(left + PAD, right + PAD, height + 2 * PAD + LINE)

    def series_size(self, items: Sequence[Item]) -> Size:
        """The size of items below one another."""
        self.equalise(items)
        left = right = height = 0.0
        for place, item in enumerate(items):
            one = self.size(item)
            left, right, height = max(left, one.left), max(right, one.right), height + one.height
            if place:
                lines = self.texts.between(items[place - 1], item)
                height += self.gap(items[place - 1], item)
                right = max(right, reach(lines))
        return Size(left, right, height)

    def gap(self, above: Item, below: Item) -> float:
        """The space between two items of a column. A row of references has its own space."""
        lines = self.texts.between(above, below)
        if isinstance(below, Parallel) and not self.fork(below):
            return LABELLED + LINE * len(lines) if lines else 0.0
        return GAP + (LABELLED + LINE * len(lines) - FORK if lines else 0)

    def equalise(self, items: Sequence[Item]) -> None:
        """Makes the boxes of a column as wide as the widest one; a box with several outputs as wide as the
        items below it."""
        plain_boxes = [
            item.node
            for item in _leaves(items)
            if self.diagram.nodes[item.node].inner is None and not is_pill(self.diagram.nodes[item.node])
            and self.diagram.nodes[item.node].kind not in ("choice", "sign")
        ]  # fmt: skip
        widest = max((box_size(self.diagram.nodes[number])[0] for number in plain_boxes), default=0)
        self.widths.update((number, max(widest, self.widths.get(number, 0))) for number in plain_boxes)
        for above, below in itertools.pairwise(items):
            number = self.texts.number(above)
            if number is not None and isinstance(below, Parallel) and self.texts.ports(number) > 1:
                self.spread.add(id(below))
                self.size(below)
                columns = self.columns[id(below)]
                self.widths[number] = max(self.widths.get(number, 0), columns[-1] - columns[0] + 2 * SIDE)

    def branch_size(self, branch: Branch) -> Size:
        """The size of a branch, with the texts at its beginning and end."""
        if not branch.items:
            lines = self.texts.edge_text(branch.edge)
            return Size(CHANNEL, max(CHANNEL, reach(lines)), LINE * len(lines))
        left, right, height = self.series_size(branch.items)
        entering, leaving = self.texts.ends(branch)
        right = max(right, reach([*entering, *leaving]))
        return Size(left, right, height + LINE * (len(entering) + len(leaving)))

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
        """The height of the branches. References are in a row of their own above the merge."""
        references = [is_reference(branch) for branch in item.branches]
        pairs = list(zip(sizes, references, strict=True))
        row = max((size.height + LABELLED for size, reference in pairs if reference), default=0.0)
        return row + max((size.height for size, reference in pairs if not reference), default=0.0)

    def placed_columns(self, item: Parallel, sizes: Sequence[Size]) -> list[float]:
        """The positions of the branches' axes: beside one another, but references may be below other
        branches."""
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
        """The space for the lines that branch off."""
        if id(item) in self.begins or sum(not is_reference(branch) for branch in item.branches) < 2:
            return 0.0
        return FORK + ENTER

    def merge_size(self, item: Parallel) -> Size:
        """The size of a merge: a circle, or a box over the width of all branches."""
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
        """The width of the last box of a branch."""
        last = branch.items[-1] if branch.items else None
        if isinstance(last, Leaf) and self.diagram.nodes[last.node].inner is None:
            half = max(box_size(self.diagram.nodes[last.node])[0], self.widths.get(last.node, 0)) / 2
            return Size(half, half, 0)
        if isinstance(last, Parallel) and last.merge is not None:
            return self.merge_size(last)
        return Size(SIDE, SIDE, 0)

    def round(self, item: Parallel) -> bool:
        """Whether a merge is a circle: one branch from above, and at most one from each side."""
        node = self.texts.node(item)
        most = 2 if node is not None and node.text == plain("C") else 3
        return node is not None and node.kind == "sign" and len(item.branches) <= most

    def main(self, item: Parallel, sizes: list[Size]) -> int | None:
        """The branch on the axis: of two, the first one with boxes. None: the axis is in the middle."""
        if item.merge is None and id(item) not in self.spread:
            return max(range(len(sizes)), key=lambda place: (sizes[place].height, -place))
        node = self.texts.node(item)
        drawn = [place for place, branch in enumerate(item.branches) if not is_reference(branch)]
        begun = [place for place in drawn if not isinstance([*item.branches[place].items, None][0], Tag)]
        full = [place for place in begun if item.branches[place].items] or begun or drawn
        if self.round(item) or (node is not None and node.kind == "choice"):
            return 1 if len(sizes) == 3 and drawn == [0, 1, 2] else full[0] if full else 0
        if id(item) in self.spread or not full:
            return None
        highest, *others = sorted(full, key=lambda place: -sizes[place].height)
        much = all(sizes[highest].height > FAR * sizes[place].height for place in others)
        return highest if much and len(full) < 3 else None

    def size_of_frame(self, number: int) -> Size:
        """The size of the frame itself, without the texts beside it."""
        node, size = self.diagram.nodes[number], self.leaf_size(number)
        return size._replace(right=size.right - beside_width(node))


def reach(lines: Iterable[Runs]) -> float:
    """How far the texts at an edge extend to its right."""
    return max((BESIDE + text_width(line, SMALL) for line in lines), default=0.0)


def _leaves(items: Iterable[Item]) -> Iterable[Leaf]:
    """The boxes of a column, without those in its branches."""
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
