"""The flow of a network: boxes and arrows, blocks and repeats folded, a panel for each block."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnspec.drawing.options import Options
    from cnnspec.drawing.scene import Scene
    from cnnspec.ir.graph import Graph


def layout(graph: Graph, options: Options) -> Scene:
    """The figure of a network."""
    from cnnspec.drawing.flow.figure import scene
    from cnnspec.drawing.flow.fold import folded

    return scene(folded(graph, options), options)
