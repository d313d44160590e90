"""The text in a layer's box: `3×3 conv, k, /s`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnspec.drawing.colors import kind_of
from cnnspec.drawing.flow.diagram import Runs
from cnnspec.drawing.flow.symbols import joined, plain, spelled
from cnnspec.ir.expr import Apply, Const, Expr, single
from cnnspec.ops import Op
from cnnspec.ops.base import arguments_of, is_default
from cnnspec.ops.base import spelled as spelled_argument

SHOWN = {
    "dwconv": "dw conv", "deconv": "up-conv", "local": "local conv", "maxpool": "max pool",
    "avgpool": "avg pool", "gap": "global avg pool", "gmp": "global max pool", "cmean": "channel mean",
    "cmax": "channel max", "bn": "BN", "in": "IN", "ln": "LN", "gn": "GN", "rms": "RMS", "grn": "GRN",
    "lrn": "LRN", "l2norm": "L2 norm", "relu": "ReLU", "relu6": "ReLU6", "leaky": "leaky ReLU",
    "prelu": "PReLU", "elu": "ELU", "selu": "SELU", "gelu": "GELU", "silu": "SiLU", "mish": "Mish",
    "hswish": "h-swish", "hsigmoid": "h-sigmoid", "logsoftmax": "log softmax", "droppath": "drop path",
    "pixelshuffle": "pixel shuffle", "pixelunshuffle": "pixel unshuffle", "shuffle": "channel shuffle",
    "times": "×",
}  # fmt: skip
"""The words of papers for words of the language, where they differ."""
SIGNS = {"add": "+", "mul": "×", "sub": "−", "div": "÷", "concat": "C", "max": "max"}
"""The sign in a merge's circle."""
ATTACHED = ("norm", "activation", "rectifier", "dropout")
"""The files of `ops` whose layers are a smaller line below the box before them; `flatten` is one, too."""
HIDDEN = ("P", "bias", "ceil", "eps", "init", "frozen", "exclude_pad", "momentum")


def is_small(op: Op) -> bool:
    """Whether a layer joins the box before it."""
    return type(op).__module__.rpartition(".")[2] in ATTACHED or op.word == "flatten"


def title_of(op: Op, value: Mapping[str, Expr]) -> Runs:
    """A layer's text. `value` has the fields whose values are expressions here."""
    parts: list[Runs] = []
    name = plain(SHOWN.get(op.word, op.word))
    fields = {field: argument for field, argument in arguments_of(type(op)) if field not in HIDDEN}
    window = _number(op, "F", value) if "F" in fields else None
    if (
        "S" in fields
        and type(op).model_fields["S"].default is None
        and "S" not in value
        and window is not None
    ):
        value = {"S": window if op.S is None else Const(single(op.S)), **value}  # type: ignore[attr-defined]
    if window is not None:
        name = joined(" ", [_window(op, window), name])
    for field, argument in fields.items():
        node = _number(op, field, value)
        if argument.kind == "flag" and node is not None and kind_of(op) == "resize":
            parts.append(plain(spelled_argument(argument, getattr(op, field))))
        if node is None or argument.kind in ("flag", "matrix", "init", "tensor", "connections"):
            continue
        if argument.kind == "range":
            word = plain(argument.keyword) if argument.positional is None and argument.keyword else ()
            name = joined(" ", [name, word, _range(node)])
            continue
        if field == "S":
            if node != Const(1):
                parts.append(joined("", [plain("/"), spelled(node, 9)]))
        elif argument.positional is not None:
            name = joined(" ", [name, spelled(node)])
        elif field == "D":
            parts.append(joined("", [plain("dilation "), spelled(node)]))
        elif field == "G":
            parts.append(joined("", [spelled(node, 6), plain(" groups")]))
        elif field == "K":
            parts.insert(0, spelled(node))
        elif argument.keyword == "out":
            name = joined(" to ", [name, _sizes(op, node)])
        elif field != "F" and argument.keyword is not None:
            parts.append(joined("", [plain(f"{argument.keyword} "), spelled(node)]))
    return joined(", ", [name, *parts])


def _number(op: Op, field: str, value: Mapping[str, Expr]) -> Expr | None:
    """A field as an expression; None where it has the default."""
    if field in value:
        node = value[field]
        if not isinstance(node, Const):
            return node
        number: Any = node.value
    else:
        number = getattr(op, field)
    default = type(op).model_fields[field].default
    always = field == "p" and type(op).__module__.endswith(".dropout")
    if number is None or number is True or (is_default(default, number) and not always):
        return None
    return Const(single(number))


def _range(node: Expr) -> Runs:
    """The range as text: `0:64`, or `64`."""
    ends: tuple[Expr, ...] = (node,)
    if isinstance(node, Const) and isinstance(node.value, tuple):
        ends = tuple(map(Const, node.value))
    elif isinstance(node, Apply) and node.operator == "sizes":
        ends = node.arguments
    return joined(":", [spelled(end) for end in ends])


def _window(op: Op, node: Expr) -> Runs:
    """`3×3`, `1×7`, `f×f`; of a signal `3-wide`."""
    sizes = _sizes(op, node)
    return joined("-", [sizes, plain("wide")]) if len(getattr(op, "F", None) or (1, 1)) == 1 else sizes


def _sizes(op: Op, node: Expr) -> Runs:
    """One number for each axis."""
    if isinstance(node, Const) and isinstance(node.value, tuple):
        return spelled(node)
    axes = len(getattr(op, "F", None) or getattr(op, "size_out", None) or (1, 1))
    return joined("×", [spelled(node, 6)] * axes)


def shape_text(shape: Sequence[int] | None) -> str:
    """`64×56×56`."""
    return "" if shape is None else "×".join(map(str, shape))
