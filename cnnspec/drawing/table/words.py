"""A part in the words of papers: `3×3, 64`, `conv3-64`, `3×3 max pool, stride 2`, `fc, [16, 256]`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal, TypeAlias

from cnnspec.drawing.table.cells import Line, Matrix, Piece, Size, text
from cnnspec.drawing.table.parts import Part, is_depthwise, main
from cnnspec.ops.base import written_number

Style: TypeAlias = Literal["matrix", "layer", "stack", "plain"]
"""`matrix`: a line in brackets, `3×3, 64`; `layer`: a layer outside brackets, `7×7, 64, stride 2`; `stack`:
VGG's `conv3-64`; `plain`: DenseNet's `3×3 conv`, without the channels."""
NAMES = {
    "maxpool": "max pool", "avgpool": "average pool", "gap": "global average pool", "gmp": "global max pool",
    "subsample": "subsampling", "blur": "blur pool", "upsample": "upsampling", "deconv": "deconv",
    "shuffle": "channel shuffle", "pixelshuffle": "pixel shuffle", "pixelunshuffle": "pixel unshuffle",
    "lrn": "LRN", "rbf": "RBF",
}  # fmt: skip
"""The names of some layers in papers; all other layers have their word."""
FEW = 8
"""The most equal consecutive layers that are written out where cells are stacked."""


def kernel(part: Part) -> Size | None:
    """The window of a layer; for a layer that reads the whole map, the size of the map."""
    F = getattr(part.op, "F", None)
    if F is not None:
        return Size(tuple(map(str, F)) * (2 if len(F) == len(part.input_shape) == 1 else 1))
    if part.kind == "layer" and part.word in ("gap", "gmp") and len(part.input_shape) > 1:
        return Size(tuple(map(str, part.input_shape[1:])))
    return None


def stride(part: Part) -> str:
    """`2`, `1×2`; "" for 1, where a map grows, and where one window covers the map."""
    S = part.stride
    whole = not part.weighted and set(part.out[1:]) == {1}
    if whole or (part.op is not None and part.op.ends_map):
        return ""
    return "" if all(one <= 1 for one in S) else number(S)


def number(values: Sequence[Fraction | int]) -> str:
    texts = [written_number(Fraction(value)) for value in values]
    return texts[0] if len(set(texts)) == 1 else "×".join(texts)


def is_fc(part: Part) -> bool:
    return part.kind == "layer" and part.op is not None and part.op.linear and kernel(part) is None


def line(part: Part, style: Style) -> Line:
    """A layer in one line; for a cell, its contents."""
    if part.kind != "layer":
        return _inline(part, style)
    if style == "stack":
        return _stacked(part)
    window = kernel(part)
    if is_fc(part):
        if style == "plain" and part.word == "fc":
            return text(f"{part.out[0]}D fully-connected")
        return text("fc, ", str(part.out[0])) if style == "matrix" else text(f"{part.out[0]}-d {part.word}")
    if not part.weighted and window is None and not part.resizes:
        return text(NAMES.get(part.word, part.word), *_percent(part))
    name = "average pool" if part.word == "gap" and style == "layer" else NAMES.get(part.word, part.word)
    whole = part.word in ("gap", "gmp")
    wide: Piece = f"{window.dims[0]}-wide" if window is not None and len(window.dims) == 1 else window or ""
    pieces: list[Piece] = [] if window is None or (whole and style != "plain") else [wide, " "]
    if part.word not in ("conv", "dwconv"):
        pieces.append(name)
    elif style == "plain":
        pieces.append("depthwise conv" if is_depthwise(part) else "conv")
    elif is_depthwise(part):
        pieces.append("dw")
    else:
        pieces.pop()
    filters = part.word in ("conv", "dwconv") or part.out[0] != part.input_shape[0]
    if part.weighted and style != "plain" and filters:
        pieces += [", ", str(part.out[0]), *_groups(part)]
    if style != "matrix" and stride(part):
        pieces.append(f", stride {stride(part)}")
    return text(*pieces)


def _percent(part: Part) -> list[Piece]:
    p = getattr(part.op, "p", None) if part.word == "dropout" else None
    return [] if p is None else [f" ({written_number(100 * Fraction(p))}%)"]


def _groups(part: Part) -> list[Piece]:
    pieces: list[Piece] = []
    groups, apart = getattr(part.op, "G", 1), getattr(part.op, "D", (1,))
    if groups > 1 and not is_depthwise(part):
        pieces.append(f", C={groups}")
    if any(one > 1 for one in apart):
        pieces.append(f", dilation {number(apart)}")
    return pieces


def _stacked(part: Part) -> Line:
    """`conv3-64`, `FC-4096`, `maxpool`."""
    if is_fc(part):
        return text(f"{'FC' if part.word == 'fc' else NAMES.get(part.word, part.word)}-{part.out[0]}")
    window = kernel(part)
    if not part.weighted:
        name = {"softmax": "soft-max", "gap": "avgpool"}.get(part.word, part.word)
        return text("LRN" if part.word == "lrn" else name)
    word = "dwconv" if is_depthwise(part) else part.word
    pieces: list[Piece] = [word]
    if window is not None:
        pieces.append(window.dims[0] if len(set(window.dims)) == 1 else window)
    pieces += [f"-{part.out[0]}", *_groups(part)]
    return text(*pieces, f", stride {stride(part)}" if stride(part) else "")


def lines(part: Part, style: Style) -> tuple[Line, ...]:
    """The contents of a part, one line per layer. A merge with a shortcut shows the branch that has the
    layers, any other merge one line per branch."""
    if part.kind == "layer":
        one = line(part, style)
        return (one,) * part.times if part.times <= FEW else (one + text(f" × {part.times}"),)
    if part.kind == "gate":
        return (_gate(part, style),)
    if part.kind == "cell":
        inner_lines = tuple(one for inner in part.inner for one in lines_of_inner(inner, style))
        return inner_lines or (text(part.word or "id"),)
    chosen = main(part)
    if chosen:
        return tuple(one for inner in chosen for one in lines_of_inner(inner, style))
    return tuple(_chain(branch, style) for branch in part.branches)


def lines_of_inner(part: Part, style: Style) -> tuple[Line, ...]:
    """The same for a part inside a cell: a repeated cell is one line."""
    if part.kind == "cell" and part.times > 1:
        return (_inline(part, style),)
    return lines(part, style)


def _inline(part: Part, style: Style, between: str = "; ") -> Line:
    if part.kind == "cell" and part.times == len(part.inner) == 1:
        return (
            _inline(part.inner[0], style, between)
            if part.inner[0].kind != "layer"
            else _times(part.inner[0], style)
        )
    if part.kind == "merge" and not main(part):
        return text("(") + _separated(lines(part, style), " | ") + text(")")
    if part.kind == "cell" and part.times > 1:
        return text("[") + _separated(lines(part, style), "; ") + text(f"] × {part.times}")
    return _separated(lines(part, style), between)


def _chain(branch: Sequence[Part], style: Style) -> Line:
    if not branch:
        return text("identity")
    return _separated(
        [_inline(part, style, " → ") if part.kind != "layer" else _times(part, style) for part in branch],
        " → ",
    )


def _times(part: Part, style: Style) -> Line:
    one = line(part, style)
    return one if part.times == 1 else one + text(f" × {part.times}")


def _gate(part: Part, style: Style) -> Line:
    """Squeeze and excitation as in its paper: `fc, [16, 256]`; other gates as `gate`."""
    sizes = [str(inner.out[0]) for branch in part.branches for inner in branch if inner.weighted]
    small = all(set(inner.out[1:]) <= {1} for branch in part.branches for inner in branch)
    if style == "stack":
        return text("SE-" if small else "gate-", "-".join(sizes)) if sizes else text("gate")
    return text(f"{'fc' if small else 'gate'}, [{', '.join(sizes)}]" if sizes else "gate")


def _separated(parts: Iterable[Line], between: str) -> Line:
    separated: Line | None = None
    for part in parts:
        separated = part if separated is None else separated + text(between) + part
    return separated or text()


def bracket(part: Part, style: Style = "matrix") -> Line | Matrix:
    """A cell in brackets, × n; a single layer without brackets, a run of equal layers in brackets."""
    if part.kind == "layer" and part.times == 1:
        return line(part, "plain" if style == "plain" else "layer")
    if part.kind == "layer":
        return Matrix((line(part, style),), part.times)
    return Matrix(lines(part, style), part.times)


def stack(part: Part) -> tuple[Line, ...]:
    """A part as in VGG's table: one layer per line; for a cell, × n on the last line."""
    rows = lines(part, "stack")
    if part.kind == "layer" or part.times == 1:
        return rows
    return (*rows, text(f"× {part.times}"))


def call(part: Part) -> Line:
    """A part as it is written in the spec: `residual(64, 1) × 3`."""
    call_text = part.call or part.word
    if part.times > 1 and part.kind == "cell" and not part.word:
        call_text = f"[{call_text}]"
    return text(call_text if part.times == 1 else f"{call_text} × {part.times}")
