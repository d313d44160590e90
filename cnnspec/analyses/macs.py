"""Multiply–accumulates of one image's forward pass, as torchvision's GFLOPS column counts them."""

from __future__ import annotations

from cnnspec.analyses.shapes import Shapes
from cnnspec.analyses.sums import Sums, sums
from cnnspec.ir.graph import Graph


def macs(graph: Graph, shapes: Shapes) -> Sums:
    return sums(graph, shapes, lambda op, arriving, out: op.macs(arriving, out))
