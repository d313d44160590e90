"""Operators that move numbers without changing them: reshapes, slices, joins, resizing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import prod

import numpy as np

from cnnspec.sources.calls.record import Untranslatable
from cnnspec.sources.calls.trace import Tensor, Value
from cnnspec.sources.onnx.convert import Context, Converting
from cnnspec.sources.onnx.fold import reshaped, slices, split_sizes
from cnnspec.sources.onnx.model import Node

_LARGE = 2**62
MOST_RUNS = 16
"""The most parts that a tensor is assembled from."""


def _viewed(context: Context, node: Node, x: Tensor, sizes: tuple[int, ...]) -> tuple[Tensor, ...]:
    return context.call(node, "view", sizes, self=x, size=sizes)


def _reshape(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, target = context.tensor(node, 0), context.constant(node, 1)
    sizes = node.get("shape", target if target is None else [int(one) for one in target])
    return _viewed(context, node, x, reshaped(context.shape(x), sizes, bool(node.get("allowzero"))))


def _flatten(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, axis = context.tensor(node, 0), node.get("axis", 1)
    shape = context.shape(x)
    axis = axis % len(shape) if axis < 0 else axis
    return _viewed(context, node, x, (prod(shape[:axis]), prod(shape[axis:])))


def _axes(context: Context, node: Node, rank: int) -> tuple[int, ...] | None:
    values = context.constant(node, 1)
    axes = node.get("axes", None if values is None else tuple(int(one) for one in values.ravel()))
    return None if axes is None else tuple(axis % rank for axis in axes)


def _squeeze(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    shape = context.shape(x)
    axes = _axes(context, node, len(shape))
    removed = [
        place for place, size in enumerate(shape) if (place in axes if axes is not None else size == 1)
    ]
    return _viewed(context, node, x, tuple(size for place, size in enumerate(shape) if place not in removed))


def _unsqueeze(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    shape = list(context.shape(x))
    values = context.constant(node, 1)
    axes = node.get("axes", () if values is None else tuple(int(one) for one in values.ravel()))
    for axis in sorted(one % (len(shape) + len(axes)) for one in axes):
        shape.insert(axis, 1)
    return _viewed(context, node, x, tuple(shape))


def _transpose(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    shape = context.shape(x)
    order = tuple(node.get("perm", range(len(shape) - 1, -1, -1)))
    return context.call(node, "permute", [shape[one] for one in order], self=x, dims=order)


def _concat(context: Context, node: Node) -> tuple[Tensor, ...]:
    tensors = tuple(context.tensor(node, place) for place in range(len(node.inputs)))
    if len(tensors) == 1:
        return tensors
    shapes = [context.shape(one) for one in map(context.values.__getitem__, node.inputs)]
    axis = node.attributes["axis"] % len(shapes[0])
    out = list(shapes[0])
    out[axis] = sum(shape[axis] for shape in shapes)
    return context.call(node, "cat", out, tensors=tensors, dim=axis)


def _split(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, axis = context.tensor(node, 0), node.get("axis", 0)
    shape = context.shape(x)
    axis %= len(shape)
    sizes = split_sizes(
        node, [None, context.constant(node, 1)] if len(node.inputs) > 1 else [None], shape[axis]
    )
    outs = [[*shape[:axis], size, *shape[axis + 1 :]] for size in sizes]
    return context.call(node, "split_with_sizes", *outs, self=x, split_sizes=tuple(sizes), dim=axis)


def _slice(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    constants = [None, *(context.constant(node, place) for place in range(1, len(node.inputs)))]
    for axis, begin, end, step in slices(node, constants):
        shape = list(context.shape(x))
        axis %= len(shape)
        low, high, _ = slice(begin, min(end, _LARGE), step).indices(shape[axis])
        if step < 0 and len(part := range(low, high, step)) <= MOST_RUNS and part:
            parts = tuple(_run(context, node, x, axis, range(one, one + 1)) for one in part)
            shape[axis] = len(part)
            (x,) = context.call(node, "cat", shape, tensors=parts, dim=axis)
            continue
        if step < 0:
            raise Untranslatable("it goes backwards")
        shape[axis] = len(range(low, high, step))
        if (low, high, step) != (0, context.shape(x)[axis], 1):
            (x,) = context.call(node, "slice", shape, self=x, dim=axis, start=low, end=high, step=step)
    return (x,)


def _gather(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, places = context.tensor(node, 0), context.constant(node, 1)
    shape, axis = context.shape(x), node.get("axis", 0)
    axis %= len(shape)
    if places is not None and np.array_equal(places.ravel(), np.arange(shape[axis])):  # all, in order
        sizes = (*shape[:axis], *map(int, places.shape), *shape[axis + 1 :])
        return _viewed(context, node, x, sizes)
    if places is None or places.size == 0 or places.ndim > 1:
        raise Untranslatable("it gathers by a table of places")
    index = [int(one) % shape[axis] for one in places.ravel()]
    if places.ndim == 0:
        rest = (*shape[:axis], *shape[axis + 1 :])
        return context.call(node, "select", rest, self=x, dim=axis, index=index[0])
    steps = {after - before for before, after in pairwise(index)} or {1}
    if len(steps) == 1 and min(steps) > 0:
        return (_run(context, node, x, axis, range(index[0], index[-1] + 1, steps.pop())),)
    runs = list(_runs(index))
    if len(runs) > MOST_RUNS:
        raise Untranslatable("it gathers many places that are in no order")
    parts = tuple(_run(context, node, x, axis, run) for run in runs)
    out = [*shape[:axis], len(index), *shape[axis + 1 :]]
    return context.call(node, "cat", out, tensors=parts, dim=axis)


def _runs(index: Sequence[int]) -> Iterator[range]:
    """Positions as runs of consecutive positions."""
    begin = 0
    for place in range(1, len(index) + 1):
        if place == len(index) or index[place] != index[place - 1] + 1:
            yield range(index[begin], index[place - 1] + 1)
            begin = place


def _run(context: Context, node: Node, x: Tensor, axis: int, part: range) -> Tensor:
    out = list(context.shape(x))
    out[axis] = len(part)
    begin, end = part.start, part[-1] + 1
    return context.call(node, "slice", out, self=x, dim=axis, start=begin, end=end, step=part.step)[0]


def _pad(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, amounts, value = context.tensor(node, 0), context.constant(node, 1), context.constant(node, 2)
    shape = context.shape(x)
    pads = list(node.get("pads", () if amounts is None else [int(one) for one in amounts.ravel()]))
    axes_padded = context.constant(node, 3)
    axes = (
        list(range(len(shape)))
        if axes_padded is None
        else [int(one) % len(shape) for one in axes_padded.ravel()]
    )
    ends = [(0, 0)] * len(shape)
    for place, axis in enumerate(axes):
        ends[axis] = (pads[place], pads[place + len(axes)])
    if not any(map(any, ends)):
        return (x,)
    if any(ends[0]):
        raise Untranslatable("it pads the batch")
    if any(one < 0 for end in ends for one in end):
        raise Untranslatable("it cuts, with padding below zero")
    mode = {"edge": "replicate", "wrap": "circular"}.get(
        node.get("mode", "constant"), node.get("mode", "constant")
    )
    filled = node.get("value", 0.0) if value is None else float(value.ravel()[0])
    first = next(place for place, end in enumerate(ends) if place and (any(end) or place > 1))
    flat = tuple(one for end in reversed(ends[min(first, 2) :]) for one in end)
    out = [size + sum(end) for size, end in zip(shape, ends, strict=True)]
    filled = float("-inf") if filled < -3e38 else filled
    return context.call(node, "pad", out, self=x, pad=flat, mode=mode, value=filled)


def _resized(context: Context, node: Node, shape: tuple[int, ...]) -> list[int]:
    """The output sizes of a Resize (or Upsample): given, or computed from factors that divide evenly."""
    older = node.op == "Upsample" or len(node.inputs) == 2
    factors = node.get("scales", context.constant(node, 1 if older else 2))
    target = None if older else context.constant(node, 3)
    if node.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Untranslatable("it keeps the ratio of the sides")
    if target is not None and target.size:
        sizes = [float(one) for one in target.ravel()]
    elif factors is not None:
        scales = [float(one) for one in np.asarray(factors).ravel()]
        sizes = [size * scale for size, scale in zip(_of(shape, node), scales, strict=True)]
    else:
        raise Untranslatable("it has neither a size nor factors")
    out = list(shape)
    for axis, size in zip(node.get("axes", range(len(shape))), sizes, strict=True):
        if abs(size - round(size)) > 1e-4:
            raise Untranslatable(f"a side of {shape[axis]} would have {size:g} positions")
        out[axis] = round(size)
    if out[:2] != list(shape[:2]):
        raise Untranslatable("it resizes channels")
    return out


def _of(shape: tuple[int, ...], node: Node) -> list[int]:
    return [shape[axis] for axis in node.get("axes", range(len(shape)))]


def _takes_nearest(where: str, rounding: str, factors: list[tuple[int, int]]) -> bool:
    """Whether the rounding is torch's: position o reads ⌊o · old / new⌋."""
    if where == "asymmetric":
        return rounding == "floor" or (
            rounding == "round_prefer_floor" and all(n == 2 * o for n, o in factors)
        )
    whole = all(new % old == 0 for new, old in factors)
    return where in ("half_pixel", "pytorch_half_pixel") and whole and rounding.startswith("round_")


def _resize(context: Context, node: Node) -> tuple[Tensor, ...]:
    """Resize, and Upsample in older files."""
    x = context.tensor(node, 0)
    shape = context.shape(x)
    out = _resized(context, node, shape)
    mode, newer = node.get("mode", "nearest"), context.version >= 11
    where = node.get("coordinate_transformation_mode", "half_pixel" if newer else "asymmetric")
    if node.get("antialias", 0) or node.get("exclude_outside", 0):
        raise Untranslatable(
            "it smooths before it shrinks" if node.get("antialias", 0) else "it leaves out what is outside"
        )
    rest, sides = len(shape) - 2, list(zip(out[2:], shape[2:], strict=True))
    if mode == "nearest":
        rounding = node.get("nearest_mode", "round_prefer_floor" if newer else "floor")
        if not _takes_nearest(where, rounding, sides):
            raise Untranslatable(f"it takes the nearest by {where} and {rounding}")
        return context.call(node, f"upsample_nearest{rest}d", out, input=x, **_size(context, node, sides))
    kinds = {1: "linear1d", 2: "bilinear2d", 3: "trilinear3d"}
    kind = {"linear": kinds.get(rest), "cubic": "bicubic2d" if rest == 2 else None}.get(mode)
    if kind is None or where not in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        raise Untranslatable(f"it is resized by {mode} with {where}")
    if where != "align_corners" and any(new == 1 < old for new, old in sides):
        raise Untranslatable("a side shrinks to one position, which torch reads elsewhere")
    if mode == "cubic" and node.get("cubic_coeff_a", -0.75) != -0.75:
        raise Untranslatable("its cubic has another coefficient than −0.75")
    corners = where == "align_corners"
    size = _size(context, node, sides)
    return context.call(node, f"upsample_{kind}", out, input=x, align_corners=corners, **size)


def _size(context: Context, node: Node, sides: list[tuple[int, int]]) -> dict[str, Value]:
    """The size of the output; and the factors, where the file has these."""
    arguments: dict[str, Value] = {"output_size": tuple(new for new, _ in sides)}
    sizes = context.constant(node, 3) if node.op == "Resize" else None
    if sizes is None or not sizes.size:
        arguments["scale_factors"] = tuple(new / old for new, old in sides)
    return arguments


def _depth_to_space(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, size = context.tensor(node, 0), node.attributes["blocksize"]
    batch, C, H, W = context.shape(x)
    out = (batch, C // size**2, H * size, W * size)
    if node.get("mode", "DCR") == "CRD":
        return context.call(node, "pixel_shuffle", out, self=x, upscale_factor=size)
    (apart,) = _viewed(context, node, x, (batch, size, size, C // size**2, H, W))
    shape = (batch, C // size**2, H, size, W, size)
    (moved,) = context.call(node, "permute", shape, self=apart, dims=(0, 3, 4, 1, 5, 2))
    return _viewed(context, node, moved, out)


def _space_to_depth(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, size = context.tensor(node, 0), node.attributes["blocksize"]
    batch, C, H, W = context.shape(x)
    if node.get("mode", "DCR") == "CRD":
        out = (batch, C * size**2, H // size, W // size)
        return context.call(node, "pixel_unshuffle", out, self=x, downscale_factor=size)
    (apart,) = _viewed(context, node, x, (batch, C, H // size, size, W // size, size))
    shape = (batch, size, size, C, H // size, W // size)
    (moved,) = context.call(node, "permute", shape, self=apart, dims=(0, 3, 5, 1, 2, 4))
    return _viewed(context, node, moved, (batch, C * size**2, H // size, W // size))


def _expand(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, sizes = context.tensor(node, 0), context.constant(node, 1)
    if sizes is None:
        raise Untranslatable("it has no size")
    out = np.broadcast_shapes(context.shape(x), tuple(int(one) for one in sizes.ravel()))
    return context.call(node, "expand", out, self=x, size=out)


SHAPES: Mapping[str, Converting] = {
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": _resize,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
    "Expand": _expand,
}
