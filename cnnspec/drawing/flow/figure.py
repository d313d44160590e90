"""A whole flow figure: the network, and the panels of its blocks to its right or below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnnspec.drawing.flow.diagram import Figure, words
from cnnspec.drawing.flow.labels import passes
from cnnspec.drawing.flow.parts import PAGE, Part, network_part, panel_part
from cnnspec.drawing.options import Options
from cnnspec.drawing.scaled import scaled
from cnnspec.drawing.scene import Scene

MARGIN = 6.0
APART = 24.0
"""The distance between panels."""
FACTORS = (1.0, 1.25, 1.5, 2.0)
"""How much longer than its longest part a column or row of panels may become."""
TALL = 1.3
"""The weight of a point of height relative to a point of width."""
SLIGHTLY = 1.1
"""The factor by which a page may exceed the width before another page is better."""
MOST_COLUMNS = 4
"""The most columns of a network with a limited width."""
MOST_WORDS = 4_000
"""The longest description, in characters."""


class Place(NamedTuple):
    """A part with its upper left corner."""

    part: Part
    x: float
    y: float


class Page(NamedTuple):
    """All parts in their places, and the size of the page."""

    width: float
    height: float
    places: list[Place]


def scene(figure: Figure, options: Options) -> Scene:
    """The page that fits best, scaled down where it is wider than the given width."""
    width = None if options.width is None else options.width - 2 * MARGIN
    page = min(_pages(figure, options), key=lambda page: _cost(page, width))
    items = tuple(group for part, x, y in page.places for group in part.draw(x + MARGIN, y + MARGIN))
    drawn = Scene(
        page.width + 2 * MARGIN, page.height + 2 * MARGIN, items, _title(figure), _description(figure)
    )
    if options.width is None or drawn.width <= options.width:
        return drawn
    factor = options.width / drawn.width
    return Scene(options.width, drawn.height * factor, scaled(items, factor), drawn.title, drawn.description)


def _cost(page: Page, width: float | None) -> tuple[float, float, int, float]:
    """The cost of a page: the factor by which it must be scaled down, the excess height, the number of
    columns of the network, then its size."""
    large, columns = max(page.width, page.height * TALL), len(page.places[0].part.columns)
    if width is None:
        return 0.0, 0.0, 0, large
    return max(SLIGHTLY, page.width / width), max(page.height, PAGE), columns, large


def _pages(figure: Figure, options: Options) -> Iterator[Page]:
    panels = [panel_part(panel, options) for panel in figure.panels]
    wraps: Sequence[int | None] = (options.wrap,)
    if options.width is not None and options.wrap is None:
        wraps = range(1, MOST_COLUMNS + 1)
    for wrap in wraps:
        network = network_part(figure.network, options, wrap)
        first = Place(network, 0.0, 0.0)
        parts = [network, *panels]
        longest, widest = max(part.height for part in parts), max(part.width for part in parts)
        for factor in FACTORS:
            beside = _filled(panels, longest * factor, rows=False)
            below = _filled(panels, widest * factor, rows=True)
            yield _page([first, *(place._replace(x=place.x + network.width + APART) for place in beside)])
            yield _page([first, *(place._replace(y=place.y + network.height + APART) for place in below)])


def _filled(panels: Sequence[Part], room: float, *, rows: bool) -> list[Place]:
    """The panels in columns (or rows) that are filled one after another, each up to the length `room`."""
    placed = []
    along, across, most = 0.0, 0.0, 0.0
    for panel in panels:
        length, thick = (panel.width, panel.height) if rows else (panel.height, panel.width)
        if along and along + length > room:
            along, across, most = 0.0, across + most + APART, 0.0
        placed.append(Place(panel, along, across) if rows else Place(panel, across, along))
        along, most = along + length + APART, max(most, thick)
    return placed


def _page(places: list[Place]) -> Page:
    width = max(place.x + place.part.width for place in places)
    return Page(width, max(place.y + place.part.height for place in places), places)


def _title(figure: Figure) -> str:
    return f"{figure.title}: {figure.subtitle}" if figure.subtitle else figure.title


def _description(figure: Figure) -> str:
    """A description of the boxes for readers who cannot see the figure."""
    parts: list[str] = []
    for diagram in (figure.network, *figure.panels):
        boxes = [f"{words(node.text)} {words(passes(node))}".strip() for node in diagram.nodes]
        parts.append(f"{words(diagram.title)}: {', '.join(filter(None, boxes))}.")
    return " ".join(parts)[:MOST_WORDS]
