"""Layers that are code in `forward`: merges, layers that read a second tensor, and layers that are one short
expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

from cnnspec.ir.expr import single
from cnnspec.lower.call import Call
from cnnspec.lower.symbolic import Const
from cnnspec.lower.writer import Code, call, listed
from cnnspec.targets.torch.pieces import LayerVariable, Piece
from cnnspec.targets.torch.plan import PlanStep


def _slice(x: str, low: Any, high: Any) -> str:
    return f"{x}[:, {low or ''}:{high}]"


def _crop(x: str, *bounds: Any) -> str:
    ends = zip(bounds[::2], bounds[1::2], strict=True)
    parts = (f"{start or ''}:{stop or ''}" for start, stop in ends)
    return f"{x}[:, :, {', '.join(parts)}]"


SHORT: dict[str, Callable[..., str]] = {
    "nn.Flatten": lambda x: f"torch.flatten({x}, 1)",
    "Slice": _slice,
    "Crop": _crop,
    "chunk": lambda x, parts: f"{x}.chunk({parts}, dim=1)",
    "split": lambda x, *sizes: f"{x}.split([{', '.join(map(str, sizes))}], dim=1)",
    "Abs": lambda x: f"{x}.abs()",
    "Exp": lambda x: f"{x}.exp()",
    "Log": lambda x: f"{x}.log()",
    "Pow": lambda x, p: f"{x}.pow({p})",
    "Times": lambda x, factor: f"{factor} * {x}",
    "ChannelMean": lambda x: f"{x}.mean(dim=1, keepdim=True)",
    "ChannelMax": lambda x: f"{x}.max(dim=1, keepdim=True).values",
    "Transpose": lambda x: f"{x}.transpose(-2, -1)",
    "L2Norm": lambda x: f"nn.functional.normalize({x})",
    "Reshape": lambda x, *shape: f"{x}.reshape(-1, {', '.join(map(str, shape))})",
}
"""Layers without weights that need no attribute in a class with a forward of its own."""

NAMES_ONLY = frozenset(SHORT) - {"nn.Flatten", "L2Norm"}
"""Those of them whose operand must be a name or a call, not a longer expression."""


def is_short(piece: Piece | None) -> TypeGuard[Call]:
    """Whether a layer is written as an expression. Its numbers must be constants: `forward` has no others,
    but for those of slices that are kept in attributes."""
    if not isinstance(piece, Call) or isinstance(piece.function, LayerVariable):
        return False
    constant = all(isinstance(argument, Const) for _, argument in piece.arguments)
    return piece.function in SHORT and (constant or piece.function in ("Slice", "split"))


def short(piece: Call, x: str, kept: str | None = None) -> str:
    """The expression; `kept`: what stands for its numbers, where attributes hold them."""
    if kept is not None:
        return f"{x}[:, {kept}]" if piece.function == "Slice" else f"{x}.split({kept}, dim=1)"
    values = [argument.value for _, argument in piece.arguments if isinstance(argument, Const)]
    return SHORT[str(piece.function)](x, *values)


def merged(word: str, names: list[str]) -> Code:
    """The merge of branches that all exist; `names` are variables or calls."""
    if len(names) == 1:
        return names[0]
    if word == "concat":
        return call("torch.cat", listed(names), dim=1)
    if word == "max":
        text = names[0]
        for name in names[1:]:
            text = f"torch.maximum({text}, {name})"
        return text
    return f" {SIGNS[word]} ".join(names)


SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}

ATONCE = 4
"""A sum of more branches than this is written as several statements."""


def lending(step: PlanStep, names: list[str], *, broadcasts: bool) -> Code:
    """crop, upsample and unpool with a second tensor. `broadcasts`: the next operation enlarges a vector
    itself."""
    op = step.op
    if op.word == "crop":
        if op.offset is not None:
            return call("crop", *names, listed([str(start) for start in op.offset]))
        return call("crop", *names)
    if op.word == "upsample" and step.rank == 1:
        spread = ", None" * (len(step.outputs[0].dims or "CHW") - 1)
        more = "" if broadcasts else f".expand(-1, -1, *{names[1]}.shape[2:])"
        return f"{names[0]}[:, :{spread}]{more}"
    if op.word == "upsample":
        size, mode = f"{names[1]}.shape[2:]", f'"{op.mode}"'
        return call(
            "nn.functional.interpolate",
            names[0],
            size=size,
            mode=mode,
            align_corners=op.corners,
            defaults={"align_corners": False},
        )
    pool = op.maxpool
    if pool.size_out is not None:
        return call("unpool_to", *names)
    window = (*names, single(pool.size), single(pool.stride))
    if pool.P == "same":
        return call("unpool_same", *window, dilation=single(pool.D), defaults={"dilation": 1})
    defaults = {"padding": 0, "dilation": 1, "ceil_mode": False}
    steps = {"padding": single(pool.P), "dilation": single(pool.D), "ceil_mode": pool.ceil}
    return call("unpool", *window, **steps, defaults=defaults)
