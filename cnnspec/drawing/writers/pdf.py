"""A scene as PDF with embedded fonts (uses the package `reportlab`)."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from cnnspec import __version__
from cnnspec.diagnostics.printable import printable
from cnnspec.drawing import fonts, geometry
from cnnspec.drawing.scene import Circle, Group, Item, Line, Pen, Scene, Shape, Text
from cnnspec.drawing.writers.paths import pieces_of


def write(scene: Scene) -> bytes:
    """The whole file: one page of the figure's size. It has no date, so the bytes are always the same."""
    from reportlab.pdfgen.canvas import Canvas

    buffer = BytesIO()
    page = Canvas(
        buffer,
        pagesize=(scene.width, scene.height),
        pageCompression=1,
        invariant=1,
        initialFontName=_face(False, False),
    )
    page.setTitle(printable(scene.title))
    page.setSubject(printable(scene.description))
    page.setCreator(f"cnnspec {__version__}")
    page.setLineJoin(1)
    _items(page, scene.items, scene.height)
    page.showPage()
    page.save()
    return buffer.getvalue()


def _face(bold: bool, italic: bool) -> str:
    """A face of the figure's font, registered with reportlab under its file name."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    path = fonts.path_of(bold=bold, italic=italic)
    name = path.replace("\\", "/").rpartition("/")[2].removesuffix(".ttf")
    if name not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(name, path))
    return name


def _items(page: Any, items: Iterable[Item | Group], height: float) -> None:
    for item in items:
        match item:
            case Group():
                _items(page, item.items, height)
            case Shape():
                _inked(page, item.fill, item.pen)
                page.drawPath(
                    _path(page, item, height, close=True),
                    fill=item.fill is not None,
                    stroke=item.pen is not None,
                )
            case Circle():
                _inked(page, item.fill, item.pen)
                page.circle(
                    item.x, height - item.y, item.r, fill=item.fill is not None, stroke=item.pen is not None
                )
            case Line():
                _inked(page, item.pen.color, item.pen)
                page.drawPath(_path(page, item, height, close=False), fill=0, stroke=1)
                if head := geometry.head_of(item):
                    page.drawPath(_path(page, Shape(head), height, close=True), fill=1, stroke=0)
            case Text():
                _text(page, item, height)


def _inked(page: Any, fill: str | None, pen: Pen | None) -> None:
    if fill is not None:
        page.setFillColor(fill)
    if pen is not None:
        page.setStrokeColor(pen.color)
        page.setLineWidth(pen.width)
        page.setDash([3 * pen.width, 2 * pen.width] if pen.dashed else [])


def _path(page: Any, thing: Line | Shape, height: float, *, close: bool) -> Any:
    path = page.beginPath()
    first, *rest = pieces_of(thing)
    path.moveTo(first[0][0], height - first[0][1])
    for piece in rest:
        flat = [value for x, y in piece for value in (x, height - y)]
        if len(piece) == 1:
            path.lineTo(*flat)
        else:
            path.curveTo(*flat)
    if close:
        path.close()
    return path


def _text(page: Any, text: Text, height: float) -> None:
    runs = [run for run in text.runs if run.text]
    wide = fonts.width_of(runs, text.size, bold=text.bold)
    page.saveState()
    page.translate(text.x, height - text.y)
    page.rotate(text.turn)
    page.setFillColor(text.color)
    x = -{"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor] * wide
    for run in runs:
        size = text.size * (fonts.SMALL if run.shift else 1)
        page.setFont(_face(text.bold, run.italic), size)
        page.drawString(x, fonts.RAISED[run.shift] * text.size, printable(run.text))
        x += fonts.width(run.text, size, bold=text.bold, italic=run.italic)
    page.restoreState()
