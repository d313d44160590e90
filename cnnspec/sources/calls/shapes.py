"""Views, permutations, parts, stacks, borders and sizes: calls that move numbers without computing."""

from __future__ import annotations

from typing import Any

from cnnspec.ops.merge import Concat
from cnnspec.ops.pool import MaxPool
from cnnspec.ops.resample import PixelShuffle, PixelUnshuffle, Shuffle, Upsample
from cnnspec.ops.reshape import Crop, Pad, Reshape, Slice
from cnnspec.sources.calls.items import (
    Affine,
    Cannot,
    Item,
    Kept,
    Laid,
    Linear,
    Normal,
    Padded,
    Places,
    Scores,
    WithOnes,
)
from cnnspec.sources.calls.layout import (
    BATCH,
    REPEATED,
    Atom,
    atoms_of,
    full,
    permuted,
    size_of,
    viewed,
    whole,
)
from cnnspec.sources.calls.linear_attention import part_of
from cnnspec.sources.calls.reader import Reader
from cnnspec.sources.calls.rules import Arguments, each, reads
from cnnspec.sources.calls.trace import Tensor


@reads(
    "contiguous", "clone", "detach", "alias", "to", "_to_copy", "type_as", "lift_fresh_copy", "float",
    "identity", "_assert_tensor_metadata", "lift_fresh",
)  # fmt: skip
def same(reader: Reader, a: Arguments) -> Item:
    item: Item = a.get("self", a.get("input"))
    return item


@reads(
    "view", "reshape", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze", "ravel", "view_as",
    "reshape_as",
)  # fmt: skip
def seen(reader: Reader, a: Arguments) -> Item:
    """The same numbers in the same order, with other dimensions."""
    call = reader.call
    assert call is not None
    item, sizes = a.get("self", a.get("input")), call.shapes[0]
    if isinstance(item, Scores | Normal | Places):
        return item
    if isinstance(item, Kept):
        dims = viewed(item.dims, sizes)
        if dims is None:
            raise Cannot("weights are cut across")
        return item._replace(dims=dims)
    if isinstance(item, Affine) and (dims := viewed(item.of.dims, sizes)):
        return item._replace(of=Laid(item.of.value, dims))
    laid = reader.laid(item)
    dims = viewed(laid.dims, sizes)
    if dims is None:
        settled = reader.whole(laid)
        dims = viewed(settled.dims, sizes)
        laid = settled
    if dims is None and sizes[:1] == (reader.trace.batch,) and 1 <= len(sizes) - 1 <= 4:
        return reader.fresh(reader.add(Reshape(shape=tuple(sizes[1:])), laid.value))
    if dims is None:
        raise Cannot("images are mixed with channels or positions")
    result, shape = Laid(laid.value, dims), reader.shape(laid.value)
    channels = atoms_of(dims[1:2])
    if len(channels) > 1 and dims[2:] == whole(shape, 1)[2:] and all(atom.axis == 0 for atom in channels):
        return reader.fresh(reader.settled(result))  # channels are shuffled, and no later view can undo that
    return result


@reads("permute", "transpose", "movedim", "t", "swapaxes", "moveaxis", "mT", "numpy_T")
def exchanged(reader: Reader, a: Arguments) -> Item:
    call = reader.call
    assert call is not None
    item = a.get("self", a.get("input"))
    if isinstance(item, Scores):
        return item._replace(turned=not item.turned)
    if isinstance(item, Affine):
        item = reader.laid(item) if item.clamped else item
    laid = item.of if isinstance(item, Affine) else item
    if not isinstance(laid, Laid | Kept):
        laid = reader.laid(laid)
    order = order_of(call.op, a, len(laid.dims))
    result = laid._replace(dims=permuted(laid.dims, order))
    return item._replace(of=result) if isinstance(item, Affine) and isinstance(result, Laid) else result


def order_of(op: str, a: Arguments, count: int) -> list[int]:
    """Where each dimension of a permuted tensor was before."""
    order = list(range(count))
    if op == "permute":
        return [one % count for one in a["dims"]]
    if op in ("movedim", "moveaxis"):
        source, target = each(a["source"], 1), each(a["destination"], 1)
        left = [place for place in order if place not in {one % count for one in source}]
        for one, to in sorted(zip(source, target, strict=True), key=lambda pair: pair[1] % count):
            left.insert(to % count, one % count)
        return left
    names = {"transpose": ("dim0", "dim1"), "swapaxes": ("axis0", "axis1")}.get(op)
    one, other = (a[name] % count for name in names) if names else (count - 2, count - 1)
    order[one], order[other] = other, one
    return order


@reads("expand", "expand_as", "broadcast_to")
def expanded(reader: Reader, a: Arguments) -> Item:
    call = reader.call
    assert call is not None
    item, sizes = a["self"], call.shapes[0]
    laid = item if isinstance(item, Kept) else reader.laid(item)
    dims = ((),) * (len(sizes) - len(laid.dims)) + laid.dims
    new_sizes = tuple(
        (Atom(REPEATED, 1, size),) if size_of(dim) != size else dim
        for dim, size in zip(dims, sizes, strict=True)
    )
    if isinstance(laid, Kept):
        return laid._replace(dims=new_sizes)
    return Laid(
        laid.value,
        tuple(
            () if dim and dim[0].axis == REPEATED and place == 0 else dim
            for place, dim in enumerate(new_sizes)
        ),
    )


@reads("repeat", "tile")
def tiled(reader: Reader, a: Arguments) -> Item:
    """repeat(self, repeats): along a dimension of size 1 as expand does, along others as concatenation."""
    laid = reader.laid(a["self"])
    times = a.get("repeats", a.get("dims"))
    laid = laid._replace(dims=((),) * (len(times) - len(laid.dims)) + laid.dims)
    for dim, count in enumerate((1,) * (len(laid.dims) - len(times)) + times):
        if count == 1:
            continue
        if dim == 0 or count < 1:
            raise Cannot("images are repeated" if count else "nothing of it is left")
        if size_of(laid.dims[dim]) > 1:
            laid = _joined(reader, [laid] * count, dim)
        else:
            repeated = (Atom(REPEATED, 1, count),)
            laid = laid._replace(dims=(*laid.dims[:dim], repeated, *laid.dims[dim + 1 :]))
    return laid


@reads("repeat_interleave")
def repeated_each(reader: Reader, a: Arguments) -> Item:
    """Each row of a dimension several times: channels are copied and shuffled, maps become larger."""
    laid, count, dim = reader.laid(a["self"]), a["repeats"], a.get("dim")
    if not isinstance(count, int) or dim is None or dim % len(laid.dims) == 0:
        raise Cannot("numbers that are repeated a different number of times, or images")
    dim %= len(laid.dims)
    shape = reader.shape(laid.value)
    for axis in range(1, len(shape)):
        if laid.dims[dim] == full(axis, shape[axis]):
            factor = tuple(count if one == axis else 1 for one in range(1, len(shape)))
            after = full(axis, shape[axis] * count)
            value = reader.add(Upsample(factor=factor), laid.value)
            return Laid(value, (*laid.dims[:dim], after, *laid.dims[dim + 1 :]))
    copies = _joined(reader, [laid] * count, dim)
    return copies._replace(value=reader.add(Shuffle(G=count), copies.value))


@reads("cat", "concat", "concatenate")
def stacked(reader: Reader, a: Arguments) -> Item:
    """cat(tensors, dim). Zeros at the ends are a border."""
    call = reader.call
    assert call is not None
    dim = int(a.get("dim", 0)) % len(call.shapes[0])
    if dim == 0:
        raise Cannot("images are joined")
    names = call.arguments["tensors"]
    assert isinstance(names, tuple)
    numbers = [name.number for name in names if isinstance(name, Tensor)]
    inside = [place for place, number in enumerate(numbers) if not reader.moves.zeros(number)]
    if inside and len(inside) < len(numbers) == len(names):
        first, behind = inside[0], inside[-1] + 1
        sizes = [reader.moves.shape(number)[dim] for number in numbers]
        parts = [reader.laid(one) for one in a["tensors"][first:behind]]
        made = _joined(reader, parts, dim) if len(parts) > 1 else parts[0]
        after = (0, 0) * (len(made.dims) - 1 - dim)
        return padded(reader, {"self": made, "pad": (*after, sum(sizes[:first]), sum(sizes[behind:]))})
    return _joined(reader, [reader.laid(one) for one in a["tensors"]], dim)


def _joined(reader: Reader, parts: list[Laid], dim: int) -> Laid:
    parts = [reader.at_channels(part, dim) for part in parts]
    first = parts[0]
    positions = [place for place in range(len(first.dims)) if place != dim]
    shape = reader.shape(first.value)
    if any(
        [part.dims[place] for place in positions] != [first.dims[place] for place in positions]
        or reader.shape(part.value)[1:] != shape[1:]
        for part in parts
    ):
        parts = [_channels_first(reader, part, dim) for part in parts]
        first = parts[0]
    if len(parts) == 1:
        return first
    value = reader.add(Concat(), *(part.value for part in parts))
    total = reader.shape(value)[0]
    return Laid(value, tuple(full(0, total) if place == dim else one for place, one in enumerate(first.dims)))


def _channels_first(reader: Reader, laid: Laid, dim: int) -> Laid:
    order = [0, dim, *(place for place in range(1, len(laid.dims)) if place != dim)]
    value = reader.settled(laid, permuted(laid.dims, order))
    sizes = [size_of(laid.dims[place]) for place in order]
    dims = viewed(whole(reader.shape(value), reader.trace.batch), sizes)
    assert dims is not None
    return Laid(value, permuted(dims, [order.index(place) for place in range(len(order))]))


@reads("stack")
def piled(reader: Reader, a: Arguments) -> Item:
    """stack(tensors, dim): a new dimension. At the channels, it becomes a part of them."""
    parts = [reader.laid(one) for one in a["tensors"]]
    dim = int(a.get("dim", 0)) % (len(parts[0].dims) + 1)
    if dim == 0:
        raise Cannot("images are joined")
    if any(
        part.dims != parts[0].dims or reader.shape(part.value) != reader.shape(parts[0].value)
        for part in parts
    ):
        parts = [reader.whole(part) for part in parts]
    value = reader.add(Concat(), *(part.value for part in parts))
    count = len(parts)
    moved = tuple(
        tuple(one._replace(outer=one.outer * count) if one.axis == 0 else one for one in each_dim)
        for each_dim in parts[0].dims
    )
    return Laid(value, (*moved[:dim], (Atom(0, 1, count),), *moved[dim:]))


@reads("chunk", "split", "split_with_sizes", "tensor_split")
def split(reader: Reader, a: Arguments) -> Item:
    call = reader.call
    assert call is not None
    laid = reader.laid(a["self"])
    dim = int(a.get("dim", 0)) % len(laid.dims)
    parts: list[Item] = []
    low = 0
    for shape in call.shapes:
        parts.append(_part(reader, laid, dim, low, low + shape[dim]))
        low += shape[dim]
    return tuple(parts)


@reads("unbind")
def unbound(reader: Reader, a: Arguments) -> Item:
    laid = reader.laid(a["self"])
    dim = int(a.get("dim", 0)) % len(laid.dims)
    return tuple(_without(_part(reader, laid, dim, at, at + 1), dim) for at in range(size_of(laid.dims[dim])))


@reads("select")
def selected(reader: Reader, a: Arguments) -> Item:
    laid = reader.laid(a["self"])
    dim = int(a["dim"]) % len(laid.dims)
    at = int(a["index"]) % size_of(laid.dims[dim])
    return _without(_part(reader, laid, dim, at, at + 1), dim)


def _without(laid: Laid, dim: int) -> Laid:
    return Laid(laid.value, tuple(one for place, one in enumerate(laid.dims) if place != dim))


@reads("slice", "narrow")
def sliced(reader: Reader, a: Arguments) -> Item:
    """slice(self, dim, start, end, step)."""
    item = a["self"]
    if isinstance(item, Kept):
        raise Cannot("parts of weights")
    if isinstance(item, Linear):
        return part_of(item, a)
    dim = int(a.get("dim", 0))
    laid = reader.laid(item)
    dim %= len(laid.dims)
    size = size_of(laid.dims[dim])
    step = int(a.get("step") or 1)
    low, high, _ = slice(a.get("start"), a.get("end")).indices(size)
    if "length" in a:
        high = low + int(a["length"])
    if (low, high, step) == (0, size, 1):
        return laid
    if step == 1:
        return _part(reader, laid, dim, low, high)
    return _every(reader, _part(reader, laid, dim, low, high) if low else laid, dim, step)


def _every(reader: Reader, laid: Laid, dim: int, step: int) -> Laid:
    """Every second position: a maxpool whose window is one number."""
    (atom,) = laid.dims[dim] if len(laid.dims[dim]) == 1 else (None,)
    shape = reader.shape(laid.value)
    if atom is None or atom.axis <= 0 or atom.size != shape[atom.axis]:
        raise Cannot(f"every {step}th of the channels")
    axes = len(shape) - 1
    S = tuple(step if axis == atom.axis else 1 for axis in range(1, len(shape)))
    first = reader.layers[laid.value - len(reader.inputs)] if laid.value >= len(reader.inputs) else None
    value = laid.value
    if first is not None and getattr(first, "op", None) == MaxPool(
        F=(1,) * axes, S=_other(first, axis=atom.axis, axes=axes), P=(0,) * axes, D=(1,) * axes
    ):
        S = tuple(a * b for a, b in zip(S, first.op.S, strict=True))  # type: ignore[union-attr]
        value = first.inputs[0]
    op = MaxPool(F=(1,) * axes, S=S, P=(0,) * axes, D=(1,) * axes)
    value = reader.add(op, value)
    size = reader.shape(value)[atom.axis]
    return Laid(
        value, tuple(full(atom.axis, size) if place == dim else one for place, one in enumerate(laid.dims))
    )


def _other(layer: Any, axis: int, axes: int) -> tuple[int, ...] | None:
    """The strides of such a maxpool along other axes."""
    S = getattr(getattr(layer, "op", None), "S", None)
    return S if isinstance(S, tuple) and len(S) == axes and S[axis - 1] == 1 else None


def _part(reader: Reader, laid: Laid, dim: int, low: int, high: int) -> Laid:
    """The positions `low` … `high` (exclusive) along a dimension."""
    dim_parts, shape = laid.dims[dim], reader.shape(laid.value)
    size = size_of(dim_parts)
    if (low, high) == (0, size):
        return laid
    if low >= high:
        raise Cannot("nothing is left of it")
    if any(atom.axis == BATCH for atom in dim_parts) or (dim == 0 and not dim_parts):
        raise Cannot("some of the images")
    atoms = atoms_of([dim_parts])
    if len(atoms) == 1 and atoms[0].outer == 1 and shape[atoms[0].axis] % size == 0:
        axis, inner = atoms[0].axis, shape[atoms[0].axis] // atoms[0].size
        if axis == 0:
            value = reader.add(Slice(channels=(low * inner, high * inner)), laid.value)
        else:
            sizes = [*shape[1:]]
            offset = [0] * len(sizes)
            sizes[axis - 1], offset[axis - 1] = (high - low) * inner, low * inner
            value = _cropped(reader, laid.value, sizes, offset)
        count = high - low
        lying = tuple(
            tuple(
                one
                if one.axis != axis
                else one._replace(size=count)
                if one.outer == 1
                else one._replace(outer=one.outer // size * count)
                for one in each_dim
            )
            for each_dim in laid.dims
        )
        return Laid(value, tuple(tuple(one for one in each_dim if one.size > 1) for each_dim in lying))
    moved = _channels_first(reader, laid, dim)
    if moved == laid:
        raise Cannot("a part of a dimension that lies apart")
    return _part(reader, moved, dim, low, high)


def _cropped(reader: Reader, value: int, size: list[int], offset: list[int]) -> int:
    """A region of a map. A region of a region becomes one region of the original map."""
    first = len(reader.inputs)
    before = getattr(reader.layers[value - first], "op", None) if value >= first else None
    if isinstance(before, Crop) and before.offset is not None:
        offset = [a + b for a, b in zip(before.offset, offset, strict=True)]
        value = reader.layers[value - first].inputs[0]
    return reader.add(Crop(size=tuple(size), offset=tuple(offset)), value)


@reads(
    "constant_pad_nd", "pad", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d",
    "replication_pad2d", "replication_pad3d",
)  # fmt: skip
def padded(reader: Reader, a: Arguments) -> Item:
    """pad(self, pad, mode, value): the last dimension's ends come first."""
    call = reader.call
    assert call is not None
    mode = str(a.get("mode") or "constant")
    mode = {"refle": "reflect", "repli": "replicate"}.get(call.op[:5], mode)
    ends = list(a.get("pad", a.get("padding")))
    laid = reader.laid(a["self"])
    pairs = {
        len(laid.dims) - 1 - place: (ends[2 * place], ends[2 * place + 1]) for place in range(len(ends) // 2)
    }
    pairs = {dim: pair for dim, pair in pairs.items() if any(pair)}
    if not pairs:
        return laid
    if 0 in pairs:
        raise Cannot("images are added")
    if pairs == {len(laid.dims) - 1: (0, 1)} and mode == "constant" and a.get("value") == 1:
        return WithOnes(laid)
    if mode not in ("constant", "reflect", "replicate"):
        raise Cannot(f"a border of the mode {mode}")
    if any(min(pair) < 0 for pair in pairs.values()):
        for dim, (before, after) in pairs.items():
            laid = _part(reader, laid, dim, max(-before, 0), size_of(laid.dims[dim]) - max(-after, 0))
        pairs = {dim: (max(before, 0), max(after, 0)) for dim, (before, after) in pairs.items()}
    shape = reader.shape(laid.value)
    where: dict[int, tuple[int, int]] = {}
    for dim, pair in pairs.items():
        atoms = laid.dims[dim]
        axis = atoms[0].axis if len(atoms) == 1 and atoms[0].size == shape[atoms[0].axis] else None
        if axis is None:
            laid = reader.whole(laid)
            shape, axis = reader.shape(laid.value), dim - 1
        where[axis] = pair
    value = a.get("value")
    if mode == "constant" and value:
        if value == float("-inf") and 0 not in where:
            return Padded(laid, tuple(where.get(axis, (0, 0)) for axis in range(1, len(shape))))
        raise Cannot(f"a border of {value}")
    return _bordered(reader, laid, where, "zeros" if mode == "constant" else mode)


def _bordered(reader: Reader, laid: Laid, where: dict[int, tuple[int, int]], mode: str) -> Laid:
    shape = reader.shape(laid.value)
    if len(shape) == 1:
        value = reader.add(Pad(channels=where[0]), reader.add(Reshape(shape=(*shape, 1, 1)), laid.value))
        return Laid(value, tuple(full(0, reader.shape(value)[0]) if dim else dim for dim in laid.dims))
    names = (("front", "back"), ("top", "bottom"), ("left", "right"))[-(len(shape) - 1) :]
    pairs = [where.get(axis, (0, 0)) for axis in range(1, len(shape))]
    options: dict[str, Any] = {"mode": mode}
    if len({end for pair in pairs for end in pair}) == 1:
        options["border"] = pairs[0][0]
    else:
        for ends, pair in zip(names, pairs, strict=True):
            options |= {end: count for end, count in zip(ends, pair, strict=True) if count}
    if 0 in where:
        options["channels"] = where[0]
    value = reader.add(Pad(**options), laid.value)
    after = reader.shape(value)
    dims = laid.dims
    for axis in where:
        dims = tuple(
            full(axis, after[axis]) if dim == full(axis, shape[axis]) and dim else dim for dim in dims
        )
    return Laid(value, dims)


@reads(
    "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d",
    "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d",
)  # fmt: skip
def upsampled(reader: Reader, a: Arguments) -> Item:
    """upsample_bilinear2d(input, output_size, align_corners, scale_factors)."""
    call = reader.call
    assert call is not None
    value = reader.settled(reader.laid(a.get("input", a.get("self"))))
    before, out = reader.shape(value)[1:], call.shapes[0][2:]
    mode = call.op.removeprefix("upsample_")[:-2]
    corners = bool(a.get("align_corners")) and mode != "nearest"
    scales = a.get("scale_factors")
    if isinstance(scales, tuple) and any(
        float(scale) * size != end for scale, size, end in zip(scales, before, out, strict=True)
    ):
        raise Cannot("a scale that does not divide the size, by which positions are computed")
    if before == out and mode == "nearest":
        return reader.fresh(value)
    factors = [end / size for size, end in zip(before, out, strict=True)]
    whole_factors = (
        all(factor == int(factor) for factor in factors) and min(factors) >= 1 and isinstance(scales, tuple)
    )
    size: dict[str, Any] = {"mode": mode, "corners": corners}
    size |= {"factor": tuple(map(int, factors))} if whole_factors else {"size_out": tuple(out)}
    return reader.fresh(reader.add(Upsample(**size), value))


@reads("pixel_shuffle", "pixel_unshuffle")
def pixels(reader: Reader, a: Arguments) -> Item:
    assert reader.call is not None
    value = reader.settled(reader.laid(a["self"]))
    if reader.call.op == "pixel_shuffle":
        return reader.fresh(reader.add(PixelShuffle(factor=(int(a["upscale_factor"]),) * 2), value))
    return reader.fresh(reader.add(PixelUnshuffle(factor=(int(a["downscale_factor"]),) * 2), value))


@reads("channel_shuffle", "native_channel_shuffle")
def shuffled(reader: Reader, a: Arguments) -> Item:
    return reader.fresh(
        reader.add(Shuffle(G=int(a["groups"])), reader.settled(reader.laid(a.get("self", a.get("input")))))
    )


@reads("index_select", "flip", "roll", "gather", "index")
def picked(reader: Reader, a: Arguments) -> Item:
    raise Cannot("numbers are moved to places that are computed or turned round")
