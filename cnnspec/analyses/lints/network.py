"""Lints about single layers and about the whole network."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import lcm, prod
from operator import ge
from typing import TYPE_CHECKING

from cnnspec.analyses.shapes import Shaped
from cnnspec.diagnostics import Diagnostic, Edit
from cnnspec.ir.graph import Layer, places
from cnnspec.ops.base import Misfit, Op, Remark, Shape, written_shape

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


def _layers(report: Report) -> Iterator[Shaped]:
    return (layer for body in report.shapes for layer in body if layer is not None)


def remarks(report: Report) -> Iterator[Diagnostic]:
    """W102, W201–W204, W210 and all other lints that an op reports about its arguments and its input."""
    root = report.graph.root
    largest = [max(shape[1:]) for shape in root.values[: root.inputs] if shape is not None and len(shape) > 1]
    for layer in _layers(report):
        for remark in layer.op.remark(layer.inputs, layer.output):
            if remark.beyond and min(layer.output[1:]) <= max(largest, default=0):
                continue
            finding = _remarked(layer.layer, remark)
            if not remark.written or finding.span.end - finding.span.start == len(remark.written):
                yield finding


def _remarked(layer: Layer, remark: Remark) -> Diagnostic:
    """The remark at the argument that it is about. It has a fix only where the argument is written at this
    layer: not where it comes from a `default`, and not for an expression that has other values elsewhere.
    """
    argument = remark.argument or ""
    span = layer.spans.get(argument, layer.span)
    own = argument in layer.spans and layer.span.start <= span.start and span.end <= layer.span.end
    fix: tuple[Edit, ...] = ()
    if remark.replacement is not None and own and argument not in layer.named:
        fix = (Edit(span, remark.replacement),)
    return Diagnostic(remark.code, remark.message, span, note=remark.note, help=remark.help, fix=fix)


AT_MOST = 4
"""The stride of AlexNet's first layer, the largest stride in well-known networks."""


def shrinks_fast(report: Report) -> Iterator[Diagnostic]:
    """W205: a layer that leaves less than a quarter of a side loses most of the image at once."""
    for layer in _layers(report):
        if _shrinks_fast(layer.op, layer.inputs[0], layer.output):
            before, after = (written_shape(shape[1:]) for shape in (layer.inputs[0], layer.output))
            least = _shrinks_fast_from(layer)
            sizes = written_shape([least or 0] * (len(layer.output) - 1))
            yield Diagnostic(
                "W205",
                f"the map shrinks from {before} to {after} in one layer",
                layer.layer.span,
                help="halve it a few times instead, with layers in between"
                + (f"; this layer does so with every map from {sizes} on" if least else ""),
            )


TRIED = 2_000
"""The number of map sizes that are tried to find the smallest that a layer reduces too fast."""


def _shrinks_fast_from(one: Shaped) -> int | None:
    """The side of the smallest map from which on a layer shrinks all square maps too fast; None where none is
    found. Where S more rows of the input give one more row of the output, and S is at least 4, all larger
    sizes follow from one whole period of sizes. (The output of an adaptive pooling always has one size.)
    """
    C, *sizes = one.inputs[0]
    twice = one.op.out((C, *(2 * size for size in sizes)))
    strides = [int(window.stride) for window in one.op.window(one.inputs, one.output)]
    period = 1 if twice == one.output else lcm(*(stride for stride in strides if stride > AT_MOST))
    run = 0
    for side in range(2, TRIED):
        input_shape = (C, *[side] * len(sizes))
        out = one.op.out(input_shape)
        run = run + 1 if not isinstance(out, Misfit) and _shrinks_fast(one.op, input_shape, out) else 0
        if run == period:
            return side - period + 1
    return None


def _shrinks_fast(op: Op, before: Shape, out: Shape) -> bool:
    """Whether a layer shrinks an axis more than fourfold. A map that becomes one position does not count, and
    neither do crop and slice, which read only a part of it. Nor does a long signal: the first layer for a
    sound makes features from many samples each.
    """
    if len(out) != len(before) or len(out) < 3 or op.ends_map or set(out[1:]) == {1} or op.merges:
        return False
    strides = [window.stride for window in op.window((before,), out)]
    along = zip(before[1:], out[1:], strides, strict=True)
    return any(AT_MOST * small < large and stride > AT_MOST for large, small, stride in along)


def small_field(report: Report) -> Iterator[Diagnostic]:
    """W209: the positions of the last map read only a part of the image, and no later layer reads more. This
    is intended in a network whose output is a map (a segmentation, an image), so it is reported only where
    every output is one vector per image.
    """
    root = report.graph.root
    field = report.fields.total
    inputs = [shape for shape in root.values[: root.inputs] if shape is not None and len(shape) > 1]
    outputs = [root.values[number] or () for number in root.outputs]
    if field is None or not inputs or any(prod(shape[1:]) != 1 for shape in outputs):
        return
    whole = [max(sizes) for sizes in zip(*(shape[1:] for shape in inputs), strict=False)]
    if len(whole) != len(field.size) or all(map(ge, field.size, whole)):
        return
    size = written_shape(whole)
    input_size = f"the {size} input" if len(whole) > 1 else f"the input of {size} positions"
    root_number = len(report.graph.bodies) - 1
    maps = (step for _, step, output in reversed(list(places(root))) if report.fields.at(root_number, output))
    way = "more layers, larger filters or strides, or dilation (`D2`) increase it"
    if all(map(_same_at_any_size, _layers(report))):
        way += f"; the field is the same for every input larger than {written_shape(field.size)}"
    yield Diagnostic(
        "W209",
        f"the receptive field is {written_shape(field.size)}, smaller than {input_size}",
        next(maps, root.steps[0]).span,
        help=way,
    )


def _same_at_any_size(one: Shaped) -> bool:
    """Whether a layer has the same windows on maps of twice the size. A window over all positions counts as
    the same in a layer that ends the map.
    """
    if one.op.ends_map:
        return True
    twice = tuple((C, *(2 * size for size in sizes)) for C, *sizes in one.inputs)
    out = one.op.out(*twice)
    if isinstance(out, Misfit):
        return all(len(shape) == 1 or set(shape[1:]) == {1} for shape in one.inputs)
    now, then = (_windows(one.op, *shapes) for shapes in ((one.inputs, one.output), (twice, out)))
    return now == then


def _windows(op: Op, inputs: tuple[Shape, ...], out: Shape) -> list[tuple[Fraction | int, ...]]:
    """The size and stride of the window along each axis."""
    return [window[:2] for window in op.window(inputs, out)]


FAR, NEAR = 1e3, 1e-3
"""Outputs that are further apart than FAR, or closer than NEAR, are reported; the inputs are 1 apart."""
MANY = 6
"""The smallest number of layers with weights for which the start is checked."""


def starts_badly(report: Report) -> Iterator[Diagnostic]:
    """W211: with its initial weights, a deep network without normalisation makes all images nearly equal, or
    its numbers grow without limit.
    """
    if (report.totals.weighted or 0) < MANY or any(layer.op.centres for layer in _layers(report)):
        return
    from cnnspec.analyses.start import start

    spread = start(report.graph)
    if spread is None or spread.layers < MANY or NEAR <= spread.apart <= FAR:
        return
    effect = "nearly the same output" if spread.apart < NEAR else "huge outputs"
    each = spread.apart ** (1 / spread.layers)
    yield Diagnostic(
        "W211",
        f"with these initial weights all images give {effect}: pixels that are 1 apart become scores "
        f"{spread.apart:.0e} apart",
        report.graph.root.steps[-1].span,
        note=f"{spread.layers} layers without normalisation, each times {each:.2g} on average",
        help="a `bn` after each convolution helps; for ReLU, so does a line `default conv fc init=he`",
    )
