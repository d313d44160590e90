"""The names of layers in figures of volumes: `5×5 convolution, /2`, `max pooling`, `BN`, `ReLU`."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from cnnspec.drawing.colors import kind_of
from cnnspec.drawing.volumes.volume import Strip, Volume
from cnnspec.ops import Op
from cnnspec.ops.base import Shape

_NAMES = {
    "maxpool": "max pooling", "avgpool": "average pooling", "gap": "global average pooling",
    "gmp": "global max pooling", "cmean": "mean over channels", "cmax": "maximum over channels",
    "blur": "blur", "subsample": "subsampling", "fc": "fully connected", "rbf": "radial basis functions",
    "upsample": "upsampling", "unpool": "unpooling", "concat": "concatenation", "attention": "attention",
    "add": "sum", "sub": "difference", "mul": "product", "div": "quotient", "max": "maximum",
    "local": "locally connected", "pixelshuffle": "pixel shuffle", "pixelunshuffle": "pixel unshuffle",
}  # fmt: skip
"""Names for figures, where they are not the first words of a layer's title."""

_SHORT = {
    "relu": "ReLU", "relu6": "ReLU6", "leaky": "leaky ReLU", "prelu": "PReLU", "elu": "ELU", "selu": "SELU",
    "gelu": "GELU", "silu": "SiLU", "mish": "Mish", "hswish": "h-swish", "hsigmoid": "h-sigmoid",
    "droppath": "drop path", "l2norm": "L2 norm", "softmax": "softmax", "tanh": "tanh",
    "sigmoid": "sigmoid", "abs": "absolute value",
}  # fmt: skip
"""Short names of layers after other layers; `bn` and similar words are written in capitals."""


LONG_NAME = 30


def name_of(op: Op) -> str:
    """The layer as running text."""
    name = _NAMES.get(op.word) or op.title.partition(":")[0].partition(" (")[0]
    return name if len(name) < LONG_NAME and name.replace(" ", "").replace("-", "").isalpha() else op.word


def short(op: Op) -> str:
    """A normalisation or an activation after a `+`."""
    return _SHORT.get(op.word) or (op.word.upper() if len(op.word) < 4 else op.word)


def behind(ops: Iterable[Op]) -> str:
    """` + BN + ReLU`: those of the following layers that a figure names."""
    shown = [short(op) for op in ops if op.activation or (kind_of(op) == "norm" and not op.drops)]
    return "".join(f" + {one}" for one in dict.fromkeys(shown))


def window(op: Op) -> Shape:
    """The size of a layer's filter or window; () where it has none."""
    size = getattr(op, "F", None)
    return size if isinstance(size, tuple) and all(isinstance(one, int) for one in size) else ()


def stride(op: Op) -> Shape:
    """The distance between a layer's windows; () where it has none."""
    size = getattr(op, "S", None) or getattr(op, "stride", ())
    return size if isinstance(size, tuple) and window(op) else ()


def times(sizes: Iterable[int]) -> str:
    """`3×3`."""
    return "×".join(map(str, sizes))


def extent(size: Shape) -> str:
    """The size of a window: `5×5`; on a signal, `5-wide`."""
    return f"{size[0]}-wide" if len(size) == 1 else times(size)


def sized(op: Op) -> str:
    """`5×5 convolution`."""
    return " ".join(filter(None, (extent(window(op)), name_of(op))))


_KINDS = {
    "conv": "convolutions", "pool": "pooling", "dense": "fully connected layers", "resize": "upsampling",
    "norm": "normalisations", "merge": "branches", "other": "layers",
}  # fmt: skip


def fold_name(volume: Volume) -> str:
    """The name of a fold: its block's name, or the names of its layers."""
    return volume.title or _KINDS.get(volume.kind, volume.kind)


def shape_text(shape: Shape) -> str:
    """`64@28×28`; the size of a single map, the length of a vector."""
    if prod(shape[1:]) == 1:
        return str(shape[0])
    return times(shape[1:]) if shape[0] == 1 else f"{shape[0]}@{times(shape[1:])}"


def tooltip(volume: Volume) -> str:
    """A description of a volume."""
    text = volume.title or (f"{volume.op.word} {volume.op.written()}".strip() if volume.op else volume.kind)
    text += f" ×{volume.count:,}" if volume.count > 1 else ""
    behind = "".join(f" → {op.word}" for op in volume.after[:6])
    return f"{volume.name}: {text}{behind}, {times(volume.shape)}"


MENTIONED = 40
"""The most volumes in the description."""


def sentence(strip: Strip) -> str:
    """A description of the figure: the volumes in order, with their shapes."""
    phrases = [f"{_phrase(volume)} {times(volume.shape)}" for volume in strip.spine[:MENTIONED]]
    more = len(strip.volumes) - len(phrases)
    return ", ".join(phrases) + (f", and {more} more" if more else "") + "."


def _phrase(volume: Volume) -> str:
    name = volume.title or (sized(volume.op) if volume.op is not None else fold_name(volume))
    return f"{name} ×{volume.count:,}" if volume.count > 1 else name
