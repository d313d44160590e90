"""Layers that move, join or resize tensors, and arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cnnspec.ops.base import Shape
from cnnspec.sources.calls.record import Untranslatable
from cnnspec.sources.calls.trace import Tensor, Value
from cnnspec.sources.keras.convert import Context, Converting, short


def _spread(shapes: Sequence[Shape]) -> Shape:
    """The broadcast shape of several shapes, aligned on the right."""
    rank = max(map(len, shapes))
    full = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result = tuple(max(sizes) for sizes in zip(*full, strict=True))
    if any(size not in (1, most) for shape in full for size, most in zip(shape, result, strict=True)):
        raise Untranslatable("its inputs have different sizes")
    return result


def arithmetic(op: str) -> Converting:
    """Add, Multiply and similar layers, of two or more tensors, or of a tensor and a number."""

    def convert(context: Context) -> Tensor:
        result, *others = context.operands()
        for other in others:
            shapes = [context.shape(one) for one in (result, other) if isinstance(one, Tensor)]
            result = context.call(op, _spread(shapes), self=result, other=other)
        if not isinstance(result, Tensor):
            raise Untranslatable("it reads no tensor")
        return result

    return convert


def average(context: Context) -> Tensor:
    total = arithmetic("add")(context)
    return context.call("div", context.shape(total), self=total, other=len(context.tensors()))


def concatenate(context: Context) -> Tensor:
    tensors = context.tensors()
    shapes = [context.shape(tensor) for tensor in tensors]
    axis = context.config.get("axis", -1) % len(shapes[0])
    out = list(shapes[0])
    out[axis] = sum(shape[axis] for shape in shapes)
    return context.call("cat", out, tensors=tuple(tensors), dim=axis)


def same(context: Context) -> Tensor:
    """No effect in evaluation: noise, augmentation and regularisers are for training."""
    return context.only()


def dropout(context: Context) -> Tensor:
    x, rate = context.only(), float(context.config.get("rate", context.config.get("drop_path_rate", 0.0)))
    if rate == 0:
        return x
    return context.call("dropout", context.shape(x), input=x, p=short(rate), train=False)


def dropout_of_maps(context: Context) -> Tensor:
    x = context.first(context.only())
    rate = float(context.config.get("rate", 0.0))
    return context.last(
        context.call("feature_dropout", context.shape(x), input=x, p=short(rate), train=False)
    )


def flatten(context: Context) -> Tensor:
    """Row by row with the channels last. A Dense layer after it reads the numbers with the channels first,
    and its weights are in that order."""
    x = context.only()
    shape = context.shape(x)
    size = (shape[0], prod(shape[1:]))
    vector = context.call("view", size, self=x, size=size)
    first = context.first(x)
    if first != x:
        context.flat[vector] = context.call("view", size, self=first, size=size), shape[1:]
    return vector


def reshape(context: Context) -> Tensor:
    x, target = context.only(), list(context.config["target_shape"])
    shape = context.shape(x)
    if target.count(-1) == 1:
        rest = prod(size for size in target if size != -1)
        target[target.index(-1)] = prod(shape[1:]) // rest
    if prod(target) != prod(shape[1:]) or min(target, default=0) < 1:
        raise Untranslatable(f"{shape[1:]} cannot be reshaped to {tuple(target)}")
    sizes = (shape[0], *target)
    return context.call("view", sizes, self=x, size=sizes)


def permute(context: Context) -> Tensor:
    return context.permuted(context.only(), (0, *context.config["dims"]))


def repeat(context: Context) -> Tensor:
    x, times = context.only(), context.config["n"]
    batch, size = context.shape(x)
    (view,) = (context.call("view", (batch, 1, size), self=x, size=(batch, 1, size)),)
    return context.call("expand", (batch, times, size), self=view, size=(batch, times, size))


def _ends(value: object, axes: int) -> list[tuple[int, int]]:
    """`2`, `(2, 3)` or `((1, 2), (3, 4))`: the rows or columns added or removed before and after the map, on
    each axis."""
    rows = [value] * axes if isinstance(value, int) else list(value)  # type: ignore[call-overload]
    if axes == 1 and len(rows) == 2:
        rows = [tuple(rows)]
    ends = [(row, row) if isinstance(row, int) else tuple(row) for row in rows]
    if len(ends) != axes or not all(len(end) == 2 for end in ends):
        raise Untranslatable(f"its sizes are {value!r}"[:80])
    return ends


def zero_padding(context: Context) -> Tensor:
    x = context.first(context.only())
    batch, C, *sizes = context.shape(x)
    ends = _ends(context.config["padding"], len(sizes))
    out = (batch, C, *(size + sum(end) for size, end in zip(sizes, ends, strict=True)))
    flat = tuple(one for end in reversed(ends) for one in end)
    return context.last(context.call("pad", out, self=x, pad=flat, mode="constant", value=0.0))


def cropping(context: Context) -> Tensor:
    x = context.first(context.only())
    for axis, (before, behind) in enumerate(_ends(context.config["cropping"], len(context.shape(x)) - 2), 2):
        shape = list(context.shape(x))
        end = shape[axis] - behind
        shape[axis] = end - before
        if before or behind:
            x = context.call("slice", shape, self=x, dim=axis, start=before, end=end, step=1)
    return context.last(x)


def upsampling(context: Context) -> Tensor:
    x = context.first(context.only())
    batch, C, *sizes = context.shape(x)
    factors = context.sizes("size", len(sizes), 2)
    out = tuple(size * factor for size, factor in zip(sizes, factors, strict=True))
    size: dict[str, Value] = {"output_size": out, "scale_factors": tuple(map(float, factors))}
    kind, rank = context.config.get("interpolation", "nearest"), len(sizes)
    if kind == "nearest":
        output = context.call(f"upsample_nearest{rank}d", (batch, C, *out), input=x, **size)
    elif kind in ("bilinear", "bicubic") and rank == 2:
        op = f"upsample_{kind}2d"
        output = context.call(op, (batch, C, *out), input=x, align_corners=False, **size)
    else:
        raise Untranslatable(f"it is resized by {kind!r}"[:60])
    return context.last(output)


def rescaling(context: Context) -> Tensor:
    """x · scale + offset, with numbers, or one for each channel."""
    x, scale, offset = context.only(), context.config.get("scale", 1.0), context.config.get("offset", 0.0)
    shape = context.shape(x)
    C = shape[-1]

    def numbers(value: object) -> Value | Tensor:
        if isinstance(value, list):
            if len(value) != C:
                raise Untranslatable("it has another number of channels")
            return context.record.constant(f"{context.step.own}/numbers", [float(one) for one in value])
        return float(value)  # type: ignore[arg-type]

    scaled = context.call("mul", shape, self=x, other=numbers(scale))
    return context.call("add", shape, self=scaled, other=numbers(offset))


def normalization(context: Context) -> Tensor:
    """(x − mean) / √variance, where the configuration has these numbers; after `adapt` they are the layer's
    weights."""
    config, x = context.config, context.only()
    mean, variance = config.get("mean"), config.get("variance")
    if mean is None or variance is None:
        left_out = (
            f"{context.step.own} is left out: the numbers by which it normalises are not in the configuration"
        )
        context.record.notes[left_out] = None
        return x
    shape = context.shape(x)
    values = [
        list(map(float, one if isinstance(one, list) else [one] * shape[-1])) for one in (mean, variance)
    ]
    shift = context.record.constant(f"{context.step.own}/mean", values[0])
    scale = context.record.constant(f"{context.step.own}/scale", [one**0.5 for one in values[1]])
    less = context.call("sub", shape, self=x, other=shift)
    return context.call("div", shape, self=less, other=scale)


def scaled_sum(context: Context) -> Tensor:
    """A layer of keras.applications (Inception-ResNet): a + scale · b."""
    one, other = context.tensors()
    shape = context.shape(one)
    times = context.call("mul", shape, self=other, other=float(context.config["scale"]))
    return context.call("add", shape, self=one, other=times)


_IN_TRAINING = (
    "GaussianNoise GaussianDropout ActivityRegularization RandomFlip RandomRotation RandomZoom RandomCrop "
    "RandomTranslation RandomContrast RandomBrightness Identity"
)

SHAPES: dict[str, Converting] = {
    "Add": arithmetic("add"),
    "Subtract": arithmetic("sub"),
    "Multiply": arithmetic("mul"),
    "Maximum": arithmetic("maximum"),
    "Minimum": arithmetic("minimum"),
    "TrueDivide": arithmetic("div"),
    "Divide": arithmetic("div"),
    "Average": average,
    "Concatenate": concatenate,
    "Dropout": dropout,
    "StochasticDepth": dropout,
    "AlphaDropout": same,
    **{f"SpatialDropout{axes}D": dropout_of_maps for axes in (1, 2, 3)},
    **dict.fromkeys(_IN_TRAINING.split(), same),
    "CustomScaleLayer": scaled_sum,
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "RepeatVector": repeat,
    **{f"ZeroPadding{axes}D": zero_padding for axes in (1, 2, 3)},
    **{f"Cropping{axes}D": cropping for axes in (1, 2, 3)},
    **{f"UpSampling{axes}D": upsampling for axes in (1, 2, 3)},
    "Rescaling": rescaling,
    "Normalization": normalization,
}
