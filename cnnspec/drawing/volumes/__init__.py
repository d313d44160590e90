"""The style `volumes`: a network as its maps, to scale: sheets, cuboids, or bars on levels."""

from __future__ import annotations

from cnnspec.drawing.options import Options
from cnnspec.drawing.scene import Scene
from cnnspec.ir.graph import Graph


def layout(graph: Graph, options: Options) -> Scene:
    """The figure in the look that the options choose, or that fits the network."""
    from cnnspec.drawing.volumes.whole import whole

    return whole(graph, options)
