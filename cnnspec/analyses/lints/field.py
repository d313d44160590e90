"""W209: the last map's positions see only a part of the picture, and no later layer looks beyond. A network
whose output is a map (a segmentation, a picture) may mean it; so it is told only of outputs that are one
vector a picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Diagnostic
from cnnspec.ir.walk import places

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


def small_field(report: Report) -> Iterator[Diagnostic]:
    root = report.graph.root
    field = report.fields.total
    shapes = [shape for shape in root.values[: root.inputs] if shape is not None and len(shape) == 3]
    if field is None or not shapes:
        return
    height, width = max(shape[1] for shape in shapes), max(shape[2] for shape in shapes)
    if field.size[0] >= height and field.size[1] >= width:
        return
    if any(len(shape) == 3 and shape[1:] != (1, 1) for shape in _outputs(report)):
        return
    here = len(report.graph.bodies) - 1
    backwards = reversed(list(places(root)))
    step = next(
        (s for _, s, output in backwards if report.fields.at(here, output) is not None), root.steps[0]
    )
    yield Diagnostic(
        "W209",
        f"the receptive field ends at {field.size[0]}x{field.size[1]}, less than the {height}x{width} input",
        step.span,
        help="more layers, larger filters or strides, or dilation (`D2`) widen it",
    )


def _outputs(report: Report) -> list[tuple[int, ...]]:
    root = report.graph.root
    return [shape for number in root.outputs if (shape := root.values[number]) is not None]
