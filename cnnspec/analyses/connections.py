"""Connections as LeCun counts them: (weights + bias of one output) × outputs. LeNet-5 has 340,908."""

from __future__ import annotations

from cnnspec.analyses.shapes import Shapes
from cnnspec.analyses.sums import Sums, sums
from cnnspec.ir.graph import Graph


def connections(graph: Graph, shapes: Shapes) -> Sums:
    return sums(graph, shapes, lambda op, arriving, out: op.connections(arriving, out))
