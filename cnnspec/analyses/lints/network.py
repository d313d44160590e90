"""Lints about single layers and about the whole network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnspec.analyses.shapes import Shaped
from cnnspec.diagnostics import Diagnostic, Edit
from cnnspec.ir.graph import Layer, places
from cnnspec.ops.base import Remark

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


def _layers(report: Report) -> Iterator[Shaped]:
    return (layer for body in report.shapes for layer in body if layer is not None)


def remarks(report: Report) -> Iterator[Diagnostic]:
    """W102, W201–W204, W210 and whatever else a layer says of itself: its arguments against its input."""
    for one in _layers(report):
        for remark in one.op.remark(one.inputs, one.output):
            yield _remarked(one.layer, remark)


def _remarked(layer: Layer, remark: Remark) -> Diagnostic:
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


AT_MOST = 4
"""The stride of AlexNet's first layer, the largest that celebrated networks have."""


def shrinks_fast(report: Report) -> Iterator[Diagnostic]:
    """W205: one layer that leaves less than a quarter of a side throws most of the picture away at once."""
    for one in _layers(report):
        if _shrinks_fast(one):
            (_, H, W), (_, height, width) = one.inputs[0], one.output
            yield Diagnostic(
                "W205",
                f"the map shrinks from {H}x{W} to {height}x{width} in one layer",
                one.layer.span,
                help="halve it a few times instead, with layers in between",
            )


def _shrinks_fast(one: Shaped) -> bool:
    """More than fourfold along an axis. A map that becomes one position is a vector, which is another matter,
    and so is a crop or slice, which reads only a part of it.
    """
    before, out = one.inputs[0], one.output
    if len(before) < 3 or len(out) < 3 or one.op.ends_map or out[1:] == (1, 1) or one.op.merges:
        return False
    strides = [window.stride for window in one.op.window((before,), out)]
    return any(AT_MOST * out[axis] < before[axis] and strides[axis - 1] > AT_MOST for axis in (1, 2))


def small_field(report: Report) -> Iterator[Diagnostic]:
    """W209: the last map's positions see only a part of the picture, and no later layer looks beyond. A
    network whose output is a map (a segmentation, a picture) may mean it; so it is reported only where every
    output is one vector per picture.
    """
    root = report.graph.root
    field = report.fields.total
    inputs = [shape for shape in root.values[: root.inputs] if shape is not None and len(shape) == 3]
    outputs = [root.values[number] or () for number in root.outputs]
    if field is None or not inputs or any(len(shape) == 3 and shape[1:] != (1, 1) for shape in outputs):
        return
    height, width = (max(shape[axis] for shape in inputs) for axis in (1, 2))
    if field.size[0] >= height and field.size[1] >= width:
        return
    here = len(report.graph.bodies) - 1
    maps = (step for _, step, output in reversed(list(places(root))) if report.fields.at(here, output))
    yield Diagnostic(
        "W209",
        f"the receptive field is {field.size[0]}x{field.size[1]}, smaller than the {height}x{width} input",
        next(maps, root.steps[0]).span,
        help="more layers, larger filters or strides, or dilation (`D2`) increase it",
    )
