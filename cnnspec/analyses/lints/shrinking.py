"""W205: one layer that leaves less than a quarter of a side throws most of the picture away at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Diagnostic
from cnnspec.ir.graph import Layer
from cnnspec.ops.base import Shape

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report

AT_MOST = 4
"""The stride of AlexNet's first layer, the largest that celebrated networks have."""


def shrinks_fast(report: Report) -> Iterator[Diagnostic]:
    for body, fits in zip(report.graph.bodies, report.shapes, strict=True):
        for step, fit in zip(body.steps, fits, strict=True):
            if isinstance(step, Layer) and fit is not None and _fast(step, fit.arriving[0], fit.out):
                _, H, W = fit.arriving[0]
                yield Diagnostic(
                    "W205",
                    f"the map shrinks from {H}x{W} to {fit.out[1]}x{fit.out[2]} in one layer",
                    step.span,
                    help="halve it a few times, with layers between that make use of what is lost",
                )


def _fast(layer: Layer, arriving: Shape, out: Shape) -> bool:
    """More than fourfold along an axis. A map that becomes one position is a vector, which is another matter,
    and so is a crop or slice, which reads only a part of it.
    """
    op = layer.op
    if len(arriving) < 3 or len(out) < 3 or op.ends_map or out[1:] == (1, 1) or op.merges:
        return False
    strides = [window.stride for window in op.window((arriving,), out)]
    return any(AT_MOST * out[axis] < arriving[axis] and strides[axis - 1] > AT_MOST for axis in (1, 2))
