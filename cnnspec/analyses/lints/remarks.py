"""W102, W201–W204, W210 and whatever else a layer says of itself: its arguments against the shape that
arrives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Diagnostic, Edit
from cnnspec.ir.graph import Layer
from cnnspec.ops.base import Remark

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


def remarks(report: Report) -> Iterator[Diagnostic]:
    for body, fits in zip(report.graph.bodies, report.shapes, strict=True):
        for step, fit in zip(body.steps, fits, strict=True):
            if isinstance(step, Layer) and fit is not None:
                for remark in step.op.remark(*fit):
                    yield finding(step, remark)


def finding(layer: Layer, remark: Remark) -> Diagnostic:
    """The remark at the argument that it is about. A fix stands only where the argument's text is this
    layer's own: not in a `default`, and no expression that has other values elsewhere.
    """
    argument = remark.argument or ""
    span = layer.spans.get(argument, layer.span)
    own = argument in layer.spans and layer.span.start <= span.start and span.end <= layer.span.end
    fix: tuple[Edit, ...] = ()
    if remark.replacement is not None and own and argument not in layer.named:
        fix = (Edit(span, remark.replacement),)
    return Diagnostic(remark.code, remark.message, span, note=remark.note, help=remark.help, fix=fix)
