"""What every layer is. One file a family; a layer is one class, and everything about it that does not
differ between targets stands there.

Only the families that a spec uses are imported: to make a pydantic class takes about a third of a
millisecond. All together are twice what a ResNet needs, and would be a tenth of what its whole `check` takes.
"""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from typing import Any

from cnnspec.ops.base import Init, Op

_FAMILIES = {
    "conv": {"conv": "Conv", "dwconv": "DwConv"},
    "deconv": {"deconv": "Deconv"},
    "pool": {
        "maxpool": "MaxPool",
        "avgpool": "AvgPool",
        "gap": "Gap",
        "gmp": "Gmp",
        "cmean": "CMean",
        "cmax": "CMax",
        "subsample": "Subsample",
    },
    "norm": {
        "bn": "BatchNorm",
        "in": "InstanceNorm",
        "ln": "LayerNorm",
        "gn": "GroupNorm",
        "lrn": "LocalResponseNorm",
        "l2norm": "L2Norm",
    },
    "rectifier": {
        "relu": "Relu",
        "relu6": "Relu6",
        "leaky": "Leaky",
        "prelu": "Prelu",
        "elu": "Elu",
        "selu": "Selu",
        "abs": "Abs",
    },
    "activation": {
        "gelu": "Gelu",
        "silu": "Silu",
        "mish": "Mish",
        "hswish": "Hswish",
        "hsigmoid": "Hsigmoid",
        "sigmoid": "Sigmoid",
        "tanh": "Tanh",
        "softplus": "Softplus",
        "softmax": "Softmax",
        "logsoftmax": "LogSoftmax",
    },
    "dropout": {"dropout": "Dropout", "droppath": "DropPath"},
    "scale": {"scale": "Scale", "times": "Times"},
    "dense": {"flatten": "Flatten", "fc": "Fc", "rbf": "Rbf"},
    "resample": {
        "upsample": "Upsample",
        "unpool": "Unpool",
        "pixelshuffle": "PixelShuffle",
        "pixelunshuffle": "PixelUnshuffle",
        "shuffle": "Shuffle",
    },
    "reshape": {"pad": "Pad", "crop": "Crop", "slice": "Slice", "reshape": "Reshape"},
    "merge": {
        "add": "Add",
        "mul": "Mul",
        "sub": "Sub",
        "max": "Max",
        "concat": "Concat",
        "id": "Id",
        "none": "Nothing",
    },
}

_PLACE = {word: (family, name) for family, names in _FAMILIES.items() for word, name in names.items()}


def words() -> tuple[str, ...]:
    """Every word that stands for a layer, family by family. Imports none of them."""
    return tuple(_PLACE)


def lookup(word: str) -> type[Op] | None:
    """The layer that a word stands for; imports its family only."""
    place = _PLACE.get(word)
    if place is None:
        return None
    op: type[Op] = getattr(import_module(f"cnnspec.ops.{place[0]}"), place[1])
    return op


def dump_op(op: Op) -> dict[str, Any]:
    """{"op": word, field: value, …} for JSON; what equals its default is left out. Whole numbers are
    numbers, other exact numbers text ("0.1", "2/3"): nothing is lost.

    >>> dump_op(lookup("leaky")(slope="1/3"))
    {'op': 'leaky', 'slope': '1/3'}
    """
    fields = type(op).model_fields
    plain = {"op": op.word}
    for name, field in fields.items():
        value = getattr(op, name)
        if value != field.default:
            plain[name] = _plain(value)
    return plain


def load_op(plain: dict[str, Any] | Op) -> Op:
    """The op that `dump_op` wrote (an op is passed through).

    >>> load_op({"op": "leaky", "slope": "1/3"}).slope
    Fraction(1, 3)
    """
    if isinstance(plain, Op):
        return plain
    if not isinstance(plain, dict):
        raise ValueError(f"a layer is an object, not {plain!r}")
    arguments = dict(plain)
    op = lookup(str(arguments.pop("op", "")))
    if op is None:
        raise ValueError(f"no layer has the word {plain.get('op')!r}")
    return op.model_validate(arguments)


def _plain(value: Any) -> Any:
    if isinstance(value, Op):
        return dump_op(value)
    if isinstance(value, Fraction):
        from cnnspec.ops.base import written_number

        return value.numerator if value.denominator == 1 else written_number(value)
    if isinstance(value, Init):
        return value.scheme if value.value is None else [value.scheme, _plain(value.value)]
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


__all__ = ["Op", "dump_op", "load_op", "lookup", "words"]
