"""Writes docs/zoo.md, a table of every model of specs/, and docs/zoo.svg, their weights against their MACs.

python docs/zoo.py            bring both up to date
python docs/zoo.py --check    only say whether they are (exit status 1: they are not)
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from math import hypot, inf, log10
from pathlib import Path
from typing import NamedTuple

from cnnspec import pipeline, resources
from cnnspec.diagnostics import Source
from cnnspec.language import tree
from cnnspec.report.amounts import exact, field_text, shape_text, short

DOCS = Path(__file__).parent
PAGE = DOCS / "zoo.md"
PLOT = DOCS / "zoo.svg"

YEAR = re.compile(r"\b(?:19|20)[0-9]{2}\b")


class Entry(NamedTuple):
    """A model of the zoo: a spec, or one of its variants."""

    family: str
    file: str
    name: str
    variant: str
    title: str
    params: int
    macs: int
    field: str
    shapes: str

    @property
    def year(self) -> str:
        return str(YEAR.findall(self.title)[-1])


def entries() -> list[Entry]:
    """All of them, family by family, a spec's variants in the order of its text."""
    found = []
    for file, path in resources.zoo().items():
        for model in pipeline.models(Source(file, Path(path).read_text("utf-8")), lints=False):
            assert model.graph is not None
            assert model.report is not None
            totals = model.report.totals
            assert totals.params is not None
            assert totals.macs is not None
            root = model.graph.root
            names = [one.name for one in model.file.statements if isinstance(one, tree.Model)]
            given = ", ".join(shape_text(shape) for shape in root.values[: root.inputs])
            made = ", ".join(shape_text(root.values[number]) for number in root.outputs)
            found.append(
                Entry(
                    resources.family(path),
                    file,
                    names[0],
                    model.variant or "",
                    model.graph.title,
                    totals.params,
                    totals.macs,
                    field_text(totals.field),
                    f"{given} → {made}",
                )
            )
    return found


# The page

FAMILIES = {
    "classic": "The classics, from LeNet-5 to GoogLeNet",
    "deep": "Residual, dense and inception networks, and their successors",
    "light": "Networks for small machines and small budgets",
    "notes": "The worked examples of the course notes",
    "signals": "Sound, text, EEG, point clouds: networks along one axis",
    "tasks": "Detection, segmentation, edges, super-resolution, style, generation, retrieval, captioning",
    "volumes": "Videos and scans: networks along three axes",
}

INTRODUCTION = """\
# The zoo

<!-- written by docs/zoo.py -->

{models} models in {specs} specs. `cnnspec zoo NAME` prints a spec, to start from, and `zoo:NAME` can be used
wherever a command takes a file: `cnnspec check zoo:resnet --variant ResNet50`.
[specs/README.md](../specs/README.md) describes how they are written.

Weights are all weights, without running statistics; MACs the multiply–accumulates of convolutions and linear
layers for one input; field the receptive field of one position of the last map.

![Weights and multiply–accumulates of the zoo](zoo.svg)"""


def page(models: Sequence[Entry]) -> str:
    """The text of docs/zoo.md."""
    lines = [INTRODUCTION.format(models=len(models), specs=len({entry.file for entry in models}))]
    for family, of_family in groupby(models, key=lambda entry: entry.family):
        lines += ["", f"## {FAMILIES[family]}", ""]
        lines += ["| name | variant | year | weights | MACs | field | input → output | source |"]
        lines += ["| --- | --- | ---: | ---: | ---: | ---: | --- | --- |"]
        for file, of_file in groupby(of_family, key=lambda entry: entry.file):
            name = f"[{file}](../specs/{family}/{file}.cnn)"
            title = ""
            for entry in of_file:
                source = "" if entry.title == title else entry.title
                title = entry.title
                cells = (
                    name,
                    entry.variant,
                    entry.year,
                    exact(entry.params),
                    short(entry.macs),
                    entry.field,
                    entry.shapes,
                    source.replace("|", "\\|").replace("<", "&lt;"),
                )
                lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
                name = ""
    return "\n".join(lines) + "\n"


# The plot: a spec is a line through its variants, in the colour and with the mark of its family

WIDTH, HEIGHT = 1000, 960
LEFT, RIGHT, TOP, BOTTOM = 64, 984, 60, 904
WEIGHTS = (3.3, 9.0)  # decades
MACS = (5.3, 11.5)
FONT = 11

MARKS = {
    "classic": ("#b4531a", "#f2a06b", "M-4 -4H4V4H-4Z"),
    "deep": ("#1c63b0", "#74b4f5", "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z"),
    "light": ("#187a4d", "#5ecb98", "M0 -5L5 0L0 5L-5 0Z"),
    "signals": ("#8a6d00", "#e0c341", "M-5 -2H5V2H-5Z"),
    "tasks": ("#8338b0", "#cf9bf2", "M0 -5L5 4H-5Z"),
    "volumes": ("#a8284f", "#f28aa9", "M-5 0L-2 -5H2L5 0L2 5H-2Z"),
}
"""By family: the colour on light paper, on dark paper, and the mark."""

CELL = 40

Point = tuple[float, float]


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def shared(self, other: Box) -> float:
        """The area that two boxes have in common."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return width * height if width > 0 and height > 0 else 0.0


FRAME = Box(LEFT + 2, TOP + 2, RIGHT - 2, BOTTOM - 2)


class Family(NamedTuple):
    """What is drawn of one spec."""

    family: str
    name: str
    points: tuple[Point, ...]


class Label(NamedTuple):
    """The place of a name: its box, and the point that it names."""

    box: Box
    point: Point


def at(weights: float, macs: float) -> Point:
    """The place of two decades: logarithms on both axes, MACs upwards."""
    x = LEFT + (weights - WEIGHTS[0]) / (WEIGHTS[1] - WEIGHTS[0]) * (RIGHT - LEFT)
    y = BOTTOM - (macs - MACS[0]) / (MACS[1] - MACS[0]) * (BOTTOM - TOP)
    return round(x, 1), round(y, 1)


def place(params: int, macs: int) -> Point:
    """The place of a model."""
    return at(log10(params), log10(macs))


def drawn(models: Iterable[Entry]) -> list[Family]:
    """The worked examples stay out: they are no networks."""
    kept = [entry for entry in models if entry.family in MARKS]
    result = []
    for _, group in groupby(kept, key=lambda entry: entry.file):
        members = list(group)
        points = dict.fromkeys(place(entry.params, entry.macs) for entry in members)
        result.append(Family(members[0].family, members[0].name, tuple(points)))
    return result


def width(text: str) -> float:
    """About what a text takes in a sans-serif face."""
    wide = (
        0.31 if c in "iljtfI1-. " else 0.86 if c in "mwMW" else 0.68 if c.isupper() else 0.57 for c in text
    )
    return sum(wide) * FONT


def candidates(family: Family) -> Iterator[Label]:
    """Around every point, near ones first."""
    w, h = width(family.name), FONT
    for gap in (8.0, 16.0, 26.0, 40.0, 56.0):
        for x, y in family.points:
            for across, down in ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1)):
                reach = gap if across == 0 or down == 0 else 0.75 * gap
                middle = y + down * (reach + h / 2 - 1)
                left = x + across * reach - (w / 2 if across == 0 else w if across < 0 else 0)
                yield Label(Box(left, middle - h / 2, left + w, middle + h / 2), (x, y))


def distance(label: Label) -> float:
    """From the point to the nearest place of the box."""
    (x, y), box = label.point, label.box
    return hypot(max(box.left - x, 0, x - box.right), max(box.top - y, 0, y - box.bottom))


def covered(box: Box) -> Iterator[tuple[int, int]]:
    """The cells of a grid that a box touches."""
    for x in range(int(box.left // CELL), int(box.right // CELL) + 1):
        for y in range(int(box.top // CELL), int(box.bottom // CELL) + 1):
            yield x, y


def labelled(families: Sequence[Family]) -> list[Label]:
    """A place for every name, by letting each in turn take the best one that the others leave."""
    marks = [Box(x - 6, y - 6, x + 6, y + 6) for family in families for x, y in family.points]
    strokes = []  # the lines, as small boxes along them
    for family in families:
        for (x0, y0), (x1, y1) in pairwise(family.points):
            steps = int(hypot(x1 - x0, y1 - y0) // 9) + 1
            for k in range(1, steps):
                x, y = x0 + (x1 - x0) * k / steps, y0 + (y1 - y0) * k / steps
                strokes.append(Box(x - 3, y - 3, x + 3, y + 3))
    near: dict[tuple[int, int], list[tuple[Box, float]]] = {}  # by cell: what lies there, and how bad it is
    halos = [Box(x - 12, y - 12, x + 12, y + 12) for family in families for x, y in family.points]
    for boxes, weight in ((marks, 6), (strokes, 2), (halos, 0.3)):
        for box in boxes:
            for cell in covered(box):
                near.setdefault(cell, []).append((box, weight))

    def cost(family: Family, label: Label) -> float:
        box = label.box
        outside = (box.right - box.left) * (box.bottom - box.top) - box.shared(FRAME)
        hidden = {other for cell in covered(box) for other in near.get(cell, ())}
        covering = sum(weight * box.shared(other) for other, weight in sorted(hidden))
        # a name may be near a mark where that is its own
        own = sum(box.shared(Box(x - 12, y - 12, x + 12, y + 12)) for x, y in family.points)
        return distance(label) + 100 * outside + covering - 0.3 * own

    options = []
    for family in families:
        costs = {label: cost(family, label) for label in candidates(family)}
        options.append(sorted(costs.items(), key=lambda option: option[1]))
    chosen = [each[0][0] for each in options]
    before: list[Label] = []
    while chosen != before:
        before = [*chosen]
        for number, each in enumerate(options):
            others = [label.box for place, label in enumerate(chosen) if place != number]
            least = inf
            for label, alone in each:
                if alone >= least:
                    break
                total = alone + sum(10 * label.box.shared(other) for other in others)
                # where two are as good the present one stays, so that this ends
                if total < least or (total == least and label == before[number]):
                    least, chosen[number] = total, label
    return chosen


TITLE = "Multiply–accumulates of one input, by weights"
STYLE = f"""\
text {{ font: {FONT}px system-ui, 'Helvetica Neue', Arial, sans-serif; fill: #52514e }}
.head {{ font-size: 15px; font-weight: 600; fill: #1a1a19 }}
.halo {{ fill: none; stroke: #fcfcfb; stroke-width: 2.5; stroke-linejoin: round }}
.faint {{ fill: #8a8984 }}
.paper {{ fill: #fcfcfb }}
.frame {{ stroke: #a9a8a2; fill: none }}
.grid {{ stroke: #e4e3df }}
.uses {{ stroke: #cbcac4; stroke-dasharray: 2 4 }}
.line {{ fill: none; stroke-width: 1.3; opacity: .5 }}
.far {{ stroke-width: .7; opacity: .8 }}
.mark {{ stroke: #fcfcfb }}"""
DARK = """\
text { fill: #c3c2b7 }
.head { fill: #ffffff }
.halo { stroke: #1a1a19 }
.faint { fill: #8a8984 }
.paper { fill: #1a1a19 }
.frame { stroke: #6b6a66 }
.grid { stroke: #31312f }
.uses { stroke: #474643 }
.mark { stroke: #1a1a19 }"""


def coloured(family: str, colour: str) -> tuple[str, str]:
    return f".{family} {{ fill: {colour} }}", f".{family}-line {{ stroke: {colour} }}"


def plot(models: Iterable[Entry]) -> str:
    """The text of docs/zoo.svg."""
    families = drawn(models)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{TITLE}</title>",
        f"<style>\n{STYLE}",
        *(rule for family, (colour, _, _) in MARKS.items() for rule in coloured(family, colour)),
        f"@media (prefers-color-scheme: dark) {{\n{DARK}",
        *(rule for family, (_, colour, _) in MARKS.items() for rule in coloured(family, colour)),
        "}\n</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        *axes(),
    ]
    labels = labelled(families)
    for family in families:
        if len(family.points) > 1:
            path = "L".join(f"{x:g} {y:g}" for x, y in family.points)
            lines.append(f'<path class="line {family.family}-line" d="M{path}"/>')
    for label, family in zip(labels, families, strict=True):
        if distance(label) > 12:  # too far to be seen as its name
            (x, y), box = label.point, label.box
            x1, y1 = min(max(x, box.left), box.right), min(max(y, box.top), box.bottom)
            lines.append(f'<path class="far {family.family}-line" d="M{x:g} {y:g}L{x1:.1f} {y1:.1f}"/>')
    for family in families:
        mark = MARKS[family.family][2]
        for x, y in family.points:
            lines.append(
                f'<path class="mark {family.family}" transform="translate({x:g} {y:g})" d="{mark}"/>'
            )
    for label, family in zip(labels, families, strict=True):
        middle, base = (label.box.left + label.box.right) / 2, label.box.bottom - 2
        # the halo is a text of its own: not every program that draws SVG knows `paint-order`
        lines += [
            f'<text class="{part}" x="{middle:.1f}" y="{base:.1f}" text-anchor="middle">{family.name}</text>'
            for part in ("halo", family.family)
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def axes() -> Iterator[str]:
    """The frame, a line a decade, the legend, and dashed lines for how often a weight is used."""
    for decade in range(int(WEIGHTS[0]) + 1, int(WEIGHTS[1]) + 1):
        x, _ = place(10**decade, 10**6)
        yield f'<path class="grid" d="M{x:g} {TOP}V{BOTTOM}"/>'
        yield f'<text x="{x:g}" y="{BOTTOM + 16}" text-anchor="middle">{decimal(decade)}</text>'
    for decade in range(int(MACS[0]) + 1, int(MACS[1]) + 1):
        _, y = place(10**6, 10**decade)
        yield f'<path class="grid" d="M{LEFT} {y:g}H{RIGHT}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:g}" text-anchor="end">{decimal(decade)}</text>'
    for decade in range(6):
        # MACs = weights · 10^decade, from where it enters the frame to where it leaves it
        start = max(WEIGHTS[0], MACS[0] - decade)
        end = min(WEIGHTS[1], MACS[1] - decade)
        (x0, y0), (x1, y1) = (at(where, where + decade) for where in (start, end))
        yield f'<path class="uses" d="M{x0:g} {y0:g}L{x1:g} {y1:g}"/>'
        x, y = at(start + 0.04, start + 0.04 + decade)
        anchor = f'x="{x + 8:.1f}" y="{y - 1:.1f}"' if start > WEIGHTS[0] else f'x="{x:.1f}" y="{y - 10:.1f}"'
        yield f'<text class="faint" {anchor}>×{10**decade:,}</text>'
    yield f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{RIGHT - LEFT}" height="{BOTTOM - TOP}"/>'
    yield f'<text class="head" x="{LEFT}" y="24">{TITLE}</text>'
    told = "A line joins a family’s sizes. Dashed: how often each weight is used, on average."
    yield f'<text x="{LEFT}" y="44">{told}</text>'
    yield f'<text x="{RIGHT}" y="{BOTTOM + 36}" text-anchor="end">weights</text>'
    yield f'<text x="12" y="{TOP - 10}">MACs</text>'
    for number, (family, (_, _, mark)) in enumerate(MARKS.items()):
        x = RIGHT - 78 * (len(MARKS) - number)
        yield f'<path class="mark {family}" transform="translate({x} 40)" d="{mark}"/>'
        yield f'<text class="{family}" x="{x + 10}" y="44">{family}</text>'


def decimal(decade: int) -> str:
    """10⁷ as `10M`."""
    return f"{10 ** (decade % 3)}{('', 'k', 'M', 'G')[decade // 3]}"


def main() -> int:
    models = entries()
    written = {PAGE: page(models), PLOT: plot(models)}
    if "--check" in sys.argv[1:]:
        return int(
            any(not path.exists() or path.read_text("utf-8") != text for path, text in written.items())
        )
    for path, text in written.items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
