"""The parts of a flow figure: the network in its columns, and the panels of blocks, each with its title."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from cnnspec.drawing.colors import Palette
from cnnspec.drawing.flow import draw
from cnnspec.drawing.flow.arrange import Item, Leaf
from cnnspec.drawing.flow.diagram import Diagram, words
from cnnspec.drawing.flow.measure import Measures
from cnnspec.drawing.flow.metrics import BETWEEN, GAP, PAD, PILL, TITLE, Size, text_width
from cnnspec.drawing.flow.place import NOWHERE, Placer
from cnnspec.drawing.flow.unroll import unrolled
from cnnspec.drawing.options import Options
from cnnspec.drawing.scene import Group, Text

HEADING = 20.0
"""The height of a title and the space below it."""
PAGE = 620.0
"""The height from which on the network is divided into two columns."""
FAR = 1.4
"""The factor for that height where branches, whose lines would be cut, are most of the network."""


@dataclass(eq=False)
class Part:
    """The network or a panel. Its coordinates begin at its upper left corner."""

    diagram: Diagram
    measures: Measures
    colors: Palette
    columns: list[tuple[Item, ...]]
    panel: bool
    framed: bool
    entry: bool
    """Whether a panel's only input is above its frame."""

    @property
    def inside(self) -> float:
        """The space between the frame and its contents."""
        return PAD if self.framed else 0.0

    @property
    def sizes(self) -> list[Size]:
        if self.entry:
            return [self.measures.series_size(self.columns[0][1:])]
        return [self.measures.series_size(column) for column in self.columns]

    @property
    def body(self) -> tuple[float, float]:
        """The width and height, without the heading."""
        sizes = self.sizes
        wide = sum(size.width for size in sizes) + 2 * BETWEEN * (len(sizes) - 1)
        high = max(size.height for size in sizes)
        if self.panel:
            high += (PILL + GAP if self.entry else 0) + self.inside * 2 + GAP
            wide += 2 * self.inside
        elif len(sizes) > 1:
            high += GAP / 2
        return wide, high

    @property
    def width(self) -> float:
        return max(self.body[0], text_width(self.diagram.title, TITLE, bold=True))

    @property
    def height(self) -> float:
        return HEADING + self.body[1]

    def draw(self, x: float, y: float) -> list[Group]:
        placer = Placer(self.measures, self.colors)
        first = self.width if len(self.columns) == 1 else self.sizes[0].width
        middle = x + max(first, text_width(self.diagram.title, TITLE, bold=True)) / 2
        title = Text(middle, y + TITLE, self.diagram.title, TITLE, self.colors.text, bold=True)
        left, top = x + (self.width - self.body[0]) / 2, y + HEADING
        if self.panel:
            self.draw_panel(placer, left, top)
        else:
            self.draw_columns(placer, left, top)
        return [Group((title,), "title", words(self.diagram.title)), *placer.drawn]

    def draw_panel(self, placer: Placer, left: float, top: float) -> None:
        (size,) = self.sizes
        items, x, path = self.columns[0], left + self.inside + size.left, NOWHERE
        (wide, high), name = self.body, words(self.diagram.title)
        begin = top + (PILL + GAP if self.entry else 0)
        if self.framed:
            placer.drawn.append(draw.outline(left, begin, left + wide, top + high - GAP, name, placer.colors))
        if self.entry:
            (number,) = (item.node for item in items[:1] if isinstance(item, Leaf))
            path = placer.leaf(number, x, top, NOWHERE)
            items = items[1:]
        path = placer.series(items, x, begin + self.inside, path)
        if path.points:
            placer.end(path, (x, top + high), "output")

    def draw_columns(self, placer: Placer, left: float, top: float) -> None:
        path = NOWHERE
        for size, items in zip(self.sizes, self.columns, strict=True):
            x = left + size.left
            if path.points:
                (from_x, bottom), between = path.points[-1], left - BETWEEN
                low, high = bottom + GAP / 2, top - GAP / 2
                path = path.to((from_x, low), (between, low), (between, high), (x, high))
            path = placer.series(items, x, top, path)
            left += size.width + 2 * BETWEEN


def network_part(diagram: Diagram, options: Options, wrap: int | None) -> Part:
    """The network in `wrap` columns, or in as many as fit a page."""
    measures = Measures(diagram, shapes=True)
    whole = measures.series_size(measures.items).height
    count = wrap or ceil(whole / PAGE)
    shorter = _with_lower_items(measures, whole / count)
    if wrap is None and shorter is not measures and (whole <= FAR * PAGE or _highest(shorter) > whole / 2):
        count = 1
    measures = shorter if count > 1 else measures
    columns = wrapped(measures, count)
    return Part(diagram, measures, options.colors, columns, panel=False, framed=False, entry=False)


def _with_lower_items(measures: Measures, most: float) -> Measures:
    """The same if no item is higher than `most`; otherwise with branches unrolled, where possible."""
    if _highest(measures) <= most:
        return measures
    diagram = measures.diagram
    items = unrolled(measures.items, diagram.nodes, lambda item: measures.size(item).height, most)
    return Measures(diagram, shapes=True, items=items)


def _highest(measures: Measures) -> float:
    measures.series_size(measures.items)  # makes the boxes of a column equally wide, before any is measured
    return max(measures.size(item).height for item in measures.items)


def panel_part(diagram: Diagram, options: Options) -> Part:
    """The panel of a block."""
    measures = Measures(diagram, shapes=False)
    ports = [node for node in diagram.nodes if node.kind == "port"]
    first = measures.items[0]
    entry = len(ports) == 1 and isinstance(first, Leaf) and diagram.nodes[first.node].kind == "port"
    framed = not diagram.chain
    return Part(diagram, measures, options.colors, [measures.items], panel=True, framed=framed, entry=entry)


def wrapped(measures: Measures, count: int) -> list[tuple[Item, ...]]:
    """The items in `count` columns of about the same height."""
    items = measures.items
    whole = measures.series_size(items).height
    columns: list[list[Item]] = [[]]
    done = 0.0
    for item in items:
        height = measures.size(item).height + GAP
        full = done + height / 2 > whole * len(columns) / count and len(columns) < count
        if full and columns[-1] and id(item) not in measures.spread:
            columns.append([])
        columns[-1].append(item)
        done += height
    return [tuple(column) for column in columns]
