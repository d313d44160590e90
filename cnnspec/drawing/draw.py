"""A figure of a network: laid out in a style, printed in a format."""

from __future__ import annotations

from importlib import import_module

from cnnspec.drawing.options import TEXTS, Options
from cnnspec.drawing.scene import Scene
from cnnspec.ir.graph import Graph


def draw(graph: Graph, options: Options, form: str) -> str | bytes:
    """The figure in the format `form`. A writer that needs a package which is not installed raises
    ImportError."""
    writer = import_module(f"cnnspec.drawing.writers.{form}")
    if form in TEXTS:
        folded = import_module("cnnspec.drawing.flow.fold").folded
        written: str | bytes = writer.write(folded(graph, options))
    else:
        written = writer.write(layout(graph, options))
    return written


def layout(graph: Graph, options: Options) -> Scene:
    """The figure as shapes and texts. Each style is a package with a function `layout`."""
    scene: Scene = import_module(f"cnnspec.drawing.{options.style}").layout(graph, options)
    return scene
