"""A scene as SVG 1.1: text stays text, tooltips are titles of groups, nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from cnnspec.diagnostics.printable import printable
from cnnspec.drawing import fonts, geometry
from cnnspec.drawing.scene import Circle, Group, Item, Line, Pen, Run, Scene, Shape, Text

FAMILIES = f"'{fonts.FAMILY}','Liberation Sans',Arimo,Arial,Helvetica,sans-serif"
PAPER = "#ffffff"
"""The background, so that the figure is readable on a dark page too."""


def write(scene: Scene) -> str:
    """The whole file."""
    width, height = _number(scene.width), _number(scene.height)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt" '
        f'viewBox="0 0 {width} {height}" role="img" xml:space="preserve" '
        f'font-family="{FAMILIES}" text-anchor="middle" fill="none">'
    )
    words = [f"<title>{_plain(scene.title)}</title>"]
    if scene.description:
        words.append(f"<desc>{_plain(scene.description)}</desc>")
    paper = f'<rect width="{width}" height="{height}" fill="{PAPER}"/>'
    return "\n".join([head, *words, paper, *_items(scene.items), "</svg>", ""])


def _items(items: Iterable[Item | Group]) -> Iterator[str]:
    for item in items:
        match item:
            case Group():
                name = f" data-name={quoteattr(printable(item.name))}" if item.name else ""
                yield f"<g class={quoteattr(item.role)}{name}>"
                if item.tooltip:
                    yield f"<title>{_plain(item.tooltip)}</title>"
                yield from _items(item.items)
                yield "</g>"
            case Shape():
                yield _shape(item)
            case Circle():
                at = f'cx="{_number(item.x)}" cy="{_number(item.y)}" r="{_number(item.r)}"'
                yield f"<circle {at}{_fill(item.fill)}{_pen(item.pen)}/>"
            case Line():
                yield f'<path d="{_path(item)}"{_pen(item.pen)}/>'
                if head := geometry.head_of(item):
                    yield f'<path d="M{"L".join(map(_point, head))}Z"{_fill(item.pen.color)}/>'
            case Text():
                yield _text(item)


def _shape(shape: Shape) -> str:
    style = f"{_fill(shape.fill)}{_pen(shape.pen)}"
    xs, ys = sorted({x for x, _ in shape.points}), sorted({y for _, y in shape.points})
    if len(shape.points) == 4 and len(xs) == len(ys) == 2 and len(set(shape.points)) == 4:
        rounded = f' rx="{_number(shape.radius)}"' if shape.radius else ""
        size = f'width="{_number(xs[1] - xs[0])}" height="{_number(ys[1] - ys[0])}"'
        return f'<rect x="{_number(xs[0])}" y="{_number(ys[0])}" {size}{rounded}{style}/>'
    return f'<path d="{_path(shape)}Z"{style}/>'


def _path(thing: Line | Shape) -> str:
    """Straight pieces, with a curve around each bend that is rounded."""
    pieces: list[str] = []
    for bend in geometry.bends_of(thing):
        pieces.append(f"{'L' if pieces else 'M'}{_point(bend.start)}")
        if bend.start != bend.end:
            pieces.append(f"Q{_point(bend.corner)} {_point(bend.end)}")
    return "".join(pieces)


def _text(text: Text) -> str:
    at = f'x="{_number(text.x)}" y="{_number(text.y)}" font-size="{_number(text.size)}"'
    anchor = "" if text.anchor == "middle" else f' text-anchor="{text.anchor}"'
    bold = ' font-weight="bold"' if text.bold else ""
    turn = f"rotate({_number(-text.turn)} {_number(text.x)} {_number(text.y)})"
    turned = f' transform="{turn}"' if text.turn else ""
    return f"<text {at}{anchor}{bold}{turned}{_fill(text.color)}>{_runs(text.runs, text.size)}</text>"


def _runs(runs: Iterable[Run], size: float) -> str:
    pieces, above = [], 0.0
    for run in runs:
        style = ' font-style="italic"' if run.italic else ""
        if run.shift:
            style += f' font-size="{_number(fonts.SMALL * size)}"'
        raised = fonts.RAISED[run.shift] * size
        if raised != above:
            style += f' dy="{_number(above - raised)}"'
            above = raised
        text = _plain(run.text)
        pieces.append(f"<tspan{style}>{text}</tspan>" if style else text)
    return "".join(pieces)


def _fill(color: str | None) -> str:
    return f' fill="{color}"' if color is not None else ""


def _pen(pen: Pen | None) -> str:
    if pen is None:
        return ""
    dashes = f' stroke-dasharray="{_number(3 * pen.width)} {_number(2 * pen.width)}"' if pen.dashed else ""
    return f' stroke="{pen.color}" stroke-width="{_number(pen.width)}"{dashes}'


def _point(point: tuple[float, float]) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    """The number with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _plain(text: str) -> str:
    return escape(printable(text))
