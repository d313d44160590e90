"""A figure of a network: laid out in a style, printed in a format."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import NamedTuple

from cnnspec.drawing.options import TEXTS, Options
from cnnspec.drawing.scene import Group, Item, Scene, Text
from cnnspec.ir.graph import Graph


class Picture(NamedTuple):
    """A figure in a format, and the size of its smallest text in points (None: the format decides)."""

    written: str | bytes
    smallest: float | None = None


def draw(graph: Graph, options: Options, form: str) -> str | bytes:
    """The figure in the format `form`. A writer that needs a package which is not installed raises
    ImportError."""
    return picture(graph, options, form).written


def picture(graph: Graph, options: Options, form: str) -> Picture:
    """The figure, and the size of its smallest text."""
    writer = import_module(f"cnnspec.drawing.writers.{form}")
    if form in TEXTS:
        folded = import_module("cnnspec.drawing.flow.fold").folded
        return Picture(writer.write(folded(graph, options)))
    scene = layout(graph, options)
    return Picture(writer.write(scene), smallest_text(scene.items))


def layout(graph: Graph, options: Options) -> Scene:
    """The figure as shapes and texts. Each style is a package with a function `layout`."""
    scene: Scene = import_module(f"cnnspec.drawing.{options.style}").layout(graph, options)
    return scene


def smallest_text(items: Iterable[Item | Group]) -> float | None:
    """The size of the smallest text; None where there is none."""
    sizes = [
        size
        for item in items
        if isinstance(item, Text | Group)
        and (size := item.size if isinstance(item, Text) else smallest_text(item.items)) is not None
    ]
    return min(sizes, default=None)
