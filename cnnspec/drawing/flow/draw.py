"""The boxes, lines and texts of a flow figure as shapes."""

from __future__ import annotations

from cnnspec.drawing.colors import Palette
from cnnspec.drawing.flow.diagram import Node, Runs, words
from cnnspec.drawing.flow.labels import passes
from cnnspec.drawing.flow.metrics import (
    HEAD,
    LINE,
    ONE_LINE,
    PAD,
    PILL,
    ROUND,
    SIGN,
    SMALL,
    Size,
    is_pill,
    lines_of,
)
from cnnspec.drawing.flow.symbols import plain
from cnnspec.drawing.scene import Circle, Group, Item, Line, Pen, Point, Shape, Text, rectangle

BESIDE = 4.0
"""The distance from a line to the text beside it."""
OUTLINE = 0.7
MIDDLE = 0.345
"""The distance from the middle of a capital letter to its baseline, as a part of the text's size."""


def box(
    node: Node, x: float, y: float, size: Size, colors: Palette, *, dashed: bool = False, bar: bool = False
) -> Group:
    """A layer, a block, or a merge; with `bar`, a merge that is as wide as its branches."""
    pen = Pen(colors.line, OUTLINE, dashed)
    fill = getattr(colors, node.fill)
    if node.kind == "sign" and not bar:
        return _sign(node, x, y + SIGN, pen, fill, colors)
    pill_ends = is_pill(node)
    around = rectangle(x - size.left, y, x + size.right, y + size.height)
    x += (size.right - size.left) / 2
    outline = Shape(around, fill, pen, PILL / 2 if pill_ends else 3.0)
    if node.kind == "sign":
        words_of = Text(x, y + size.height / 2 + MIDDLE * SMALL, node.below[0], SMALL, colors.text)
        return Group((outline, words_of), "merge", node.name, node.tooltip)
    head, below = lines_of(node)
    if pill_ends:
        texts = [Text(x, y + size.height / 2 + MIDDLE * SMALL, head, SMALL, colors.text)]
    else:
        texts = [Text(x, y + ONE_LINE / 2 + MIDDLE * HEAD, head, HEAD, colors.text)]
    first = y + ONE_LINE + MIDDLE * SMALL + 1.5
    texts += [Text(x, first + LINE * place, line, SMALL, colors.muted) for place, line in enumerate(below)]
    if node.times and node.kind != "block":
        right = x + size.width / 2 + 3
        texts.append(Text(right, y + ONE_LINE / 2 + MIDDLE * HEAD, passes(node), HEAD, colors.text, "start"))
    role = {"small": "layer", "port": "input"}.get(node.kind, node.kind)
    return Group((outline, *texts), role, node.name, node.tooltip or words(node.text))


def _sign(node: Node, x: float, y: float, pen: Pen, fill: str, colors: Palette) -> Group:
    """A circle with +, × or a letter."""
    arm = SIGN * 0.55
    sign = words(node.text)
    cross = Pen(colors.line, 0.9)
    inside: list[Item] = []
    if sign == "+":
        inside = [Line(((x - arm, y), (x + arm, y)), cross), Line(((x, y - arm), (x, y + arm)), cross)]
    elif sign == "×":
        arm *= 0.75
        inside = [
            Line(((x - arm, y - arm), (x + arm, y + arm)), cross),
            Line(((x - arm, y + arm), (x + arm, y - arm)), cross),
        ]
    elif sign == "−":
        inside = [Line(((x - arm, y), (x + arm, y)), cross)]
    else:
        size = SMALL if len(sign) == 1 else SMALL * 0.7
        inside = [Text(x, y + MIDDLE * size, plain(sign), size, colors.text)]
    return Group((Circle(x, y, SIGN, fill, pen), *inside), "merge", node.name, node.tooltip)


def pill(text: Runs, x: float, y: float, half: float, role: str, name: str, colors: Palette) -> Group:
    """A small box with round ends: an input of a block, or a reference to a box elsewhere."""
    around = rectangle(x - half, y, x + half, y + PILL)
    outline = Shape(around, colors.input, Pen(colors.line, OUTLINE, role == "tag"), PILL / 2)
    return Group((outline, Text(x, y + PILL / 2 + MIDDLE * SMALL, text, SMALL, colors.text)), role, name)


def edge(
    points: tuple[Point, ...], source: str, target: str, colors: Palette, *, dashed: bool, arrow: bool
) -> Group:
    """A line from one box to another."""
    line = Line(_straight(points), Pen(colors.line, 0.8, dashed), ROUND, arrow)
    return Group((line,), "edge", f"{source} → {target}")


def _straight(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """The points of a line without those in the middle of a straight piece."""
    kept: list[Point] = []
    for point in points:
        while len(kept) > 1 and (
            kept[-2][0] == kept[-1][0] == point[0] or kept[-2][1] == kept[-1][1] == point[1]
        ):
            kept.pop()
        if not kept or kept[-1] != point:
            kept.append(point)
    return tuple(kept)


def beside(text: Runs, x: float, y: float, colors: Palette) -> Group:
    """A text to the right of a line, its top at y."""
    return Group(
        (Text(x + BESIDE, y + 0.75 * SMALL, text, SMALL, colors.muted, "start"),), "label", words(text)
    )


def frame(node: Node, x: float, y: float, size: Size, colors: Palette) -> Group:
    """The frame around a repeat or a block that is drawn in place."""
    right = x + size.right
    around = rectangle(x - size.left, y, right, y + size.height)
    items: list[Item] = [Shape(around, colors.panel, Pen(colors.frame, OUTLINE), 4.0)]
    if node.text:
        items.append(Text(x + BESIDE, y + 2 + 0.75 * SMALL, node.text, SMALL, colors.muted, "start"))
    if node.times:
        items.append(Text(right + 3, y + 0.75 * HEAD, passes(node), HEAD, colors.text, "start"))
    return Group(tuple(items), "frame", node.name)


def condition(text: Runs, x: float, y: float, size: Size, colors: Palette) -> Group:
    """The frame around boxes that exist on a condition."""
    around = rectangle(x - size.left, y, x + size.right, y + size.height)
    outline = Shape(around, None, Pen(colors.frame, OUTLINE, dashed=True), 4.0)
    label = Text(x + BESIDE, y + 2 + 0.75 * SMALL, text, SMALL, colors.muted, "start")
    return Group((outline, label), "frame", words(text))


def outline(left: float, top: float, right: float, bottom: float, name: str, colors: Palette) -> Group:
    """The frame of a panel."""
    around = rectangle(left, top, right, bottom)
    return Group((Shape(around, colors.panel, Pen(colors.frame, OUTLINE), PAD * 0.75),), "panel", name)
