"""Elements that all layers put out for one image: merges, activations and pools included, the input left
out.
"""

from __future__ import annotations

from math import prod

from cnnspec.analyses.shapes import Shapes
from cnnspec.analyses.sums import Sums, sums
from cnnspec.ir.graph import Graph


def activations(graph: Graph, shapes: Shapes) -> Sums:
    return sums(graph, shapes, lambda op, arriving, out: prod(out))
