"""Caffe's layers that join, cut, resize and rearrange blobs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from cnnspec.sources.caffe.convert import Context
from cnnspec.sources.calls.record import Untranslatable
from cnnspec.sources.calls.trace import Tensor, Value


def tile(context: Context) -> Sequence[Tensor]:
    x, option = context.only(), context.option("tile_param")
    out = list(context.shape(x))
    out[option.integer("axis", 1) % len(out)] *= option.integer("tiles", 1)
    return context.hole("it repeats a map", x, out)


def concat(context: Context) -> Sequence[Tensor]:
    inputs, option = context.bottoms(), context.option("concat_param")
    if len(inputs) == 1:
        return inputs
    out = list(context.shape(inputs[0]))
    axis = option.integer("axis", option.integer("concat_dim", 1)) % len(out)
    out[axis] = sum(context.shape(input_)[axis] for input_ in inputs)
    return [context.call("cat", out, tensors=tuple(inputs), dim=axis)]


def slices(context: Context) -> Sequence[Tensor]:
    x, option = context.only(), context.option("slice_param")
    shape, tops = context.shape(x), context.layer.texts("top")
    axis = option.integer("axis", option.integer("slice_dim", 1)) % len(shape)
    points = option.integers("slice_point") or [shape[axis] * one // len(tops) for one in range(1, len(tops))]
    ends = [0, *points, shape[axis]]
    sizes = [high - low for low, high in pairwise(ends)]
    if len(sizes) != len(tops) or min(sizes) < 1:
        raise Untranslatable(f"it gives {len(tops)} parts at {points}")
    outs = [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]
    arguments: dict[str, Value] = {"self": x, "split_sizes": tuple(sizes), "dim": axis}
    return context.calls("split_with_sizes", outs, arguments)


def split(context: Context) -> Sequence[Tensor]:
    """One blob with several names."""
    return [context.only()] * len(context.layer.texts("top"))


def flatten(context: Context) -> Sequence[Tensor]:
    x = context.only()
    batch, *sizes = context.shape(x)
    return [context.call("view", (batch, prod(sizes)), self=x, size=(batch, prod(sizes)))]


def reshape(context: Context) -> Sequence[Tensor]:
    x = context.only()
    shape, dims = context.shape(x), context.option("reshape_param").message("shape").integers("dim")
    sizes = [shape[place] if size == 0 else size for place, size in enumerate(dims)]
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = prod(shape) // max(prod(size for size in sizes if size != -1), 1)
    if sizes[:1] != [shape[0]] and prod(sizes[1:]) == prod(shape[1:]):
        sizes[0] = shape[0]  # the size of a batch
    if prod(sizes) != prod(shape) or min(sizes, default=0) < 1:
        raise Untranslatable(f"{shape} cannot be reshaped to {tuple(dims)}")
    return [context.call("view", sizes, self=x, size=tuple(sizes))]


def permute(context: Context) -> Sequence[Tensor]:
    x = context.only()
    shape, order = context.shape(x), context.option("permute_param").integers("order")
    order += [axis for axis in range(len(shape)) if axis not in order]
    return [context.call("permute", [shape[one] for one in order], self=x, dims=tuple(order))]


def crop(context: Context) -> Sequence[Tensor]:
    """The first blob, cropped to the size of the second from an offset."""
    x, like = context.bottoms()
    option = context.option("crop_param")
    axis, offsets = option.integer("axis", 2), option.integers("offset") or [0]
    for place in range(axis % len(context.shape(x)), len(context.shape(x))):
        begin = offsets[place - axis] if len(offsets) > 1 else offsets[0]
        shape, size = list(context.shape(x)), context.shape(like)[place]
        if begin + size > shape[place]:
            raise Untranslatable(f"{shape[place]} positions cannot be cut to {size} from {begin}")
        shape[place] = size
        x = context.call("slice", shape, self=x, dim=place, start=begin, end=begin + size, step=1)
    return [x]


def interpolation(context: Context) -> Sequence[Tensor]:
    """Interp: bilinear, with aligned corners; a padding below 0 crops."""
    x, option = context.bottoms()[0], context.option("interp_param")
    batch, C, *sizes = context.shape(x)
    if option.integer("pad_beg") or option.integer("pad_end"):
        raise Untranslatable("it cuts the map")
    zoom, shrink = option.integer("zoom_factor", 1), option.integer("shrink_factor", 1)
    out = [(size - 1) // shrink + 1 for size in sizes]
    out = [size + (size - 1) * (zoom - 1) for size in out]
    if option.all("height"):
        out = [option.integer("height"), option.integer("width")]
    elif len(context.bottoms()) == 2:
        out = list(context.shape(context.bottoms()[1])[2:])
    arguments: dict[str, Value] = {"input": x, "output_size": tuple(out), "align_corners": True}
    return context.calls("upsample_bilinear2d", [(batch, C, *out)], arguments)


def upsample(context: Context) -> Sequence[Tensor]:
    """An unpooling with the positions of a maxpool's maxima."""
    (x, *places), option = context.bottoms(), context.option("upsample_param")
    factor = option.integer("scale", 2)
    batch, C, *sizes = context.shape(x)
    out = tuple(size * factor for size in sizes)
    if places:
        less = [option.flag(f"pad_out_{side}") for side in "hw"]
        out = tuple(size - one for size, one in zip(out, less, strict=True))
        out = option.integer("upsample_h", out[0]), option.integer("upsample_w", out[1])
        more: dict[str, Value] = {"indices": places[0], "output_size": out}
        return [context.call("max_unpool2d", (batch, C, *out), self=x, **more)]
    arguments: dict[str, Value] = {"input": x, "output_size": out, "scale_factors": (float(factor),) * 2}
    return context.calls("upsample_nearest2d", [(batch, C, *out)], arguments)


def shuffle(context: Context) -> Sequence[Tensor]:
    x, groups = context.only(), context.option("shuffle_channel_param").integer("group", 1)
    batch, C, H, W = context.shape(x)
    size = (batch, groups, C // groups, H, W)
    apart = context.call("view", size, self=x, size=size)
    turned = context.call("permute", (batch, C // groups, groups, H, W), self=apart, dims=(0, 2, 1, 3, 4))
    return [context.call("view", (batch, C, H, W), self=turned, size=(batch, C, H, W))]
