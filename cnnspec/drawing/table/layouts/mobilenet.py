"""Table 2 of Sandler et al. 2018: input, operator, t (expansion), c (channels), n (repeats), s (stride)."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic
from cnnspec.drawing.table.cells import Content, Grid, Line, Piece, Size, Symbol, text
from cnnspec.drawing.table.columns import chosen
from cnnspec.drawing.table.groups import Group, groups
from cnnspec.drawing.table.layouts.mobile import Inverted, alike, inverted
from cnnspec.drawing.table.listing import Column, Listed, content, listed
from cnnspec.drawing.table.networks import Network, TableOptions, Unfit, size_of
from cnnspec.drawing.table.parts import Part, is_activation, joined
from cnnspec.drawing.table.words import NAMES, is_fc, kernel, number
from cnnspec.ops.base import written_number

NONE = "-"


def mobilenet(networks: Sequence[Network], options: TableOptions) -> list[Grid]:
    """A table for each network."""
    return [_of(network, options) for network in networks]


def _of(network: Network, options: TableOptions) -> Grid:
    parts = joined(joined(network.parts()), alike)
    blocks = [block for part in parts if (block := inverted(part)) is not None]
    if not blocks:
        raise Unfit(_without_blocks(parts))
    rows = [Group(place, part.name, (part,)) for place, part in enumerate(parts)]
    if options.rows is not None:
        rows = groups(network, options.rows)
    if options.columns is not None:
        return listed(rows, chosen(network, options, rows), network.label)
    return listed(rows, _columns(blocks, options), network.label)


def _columns(blocks: list[Inverted], options: TableOptions) -> list[Column]:
    whole = all(block.t.denominator == 1 for block in blocks)
    columns = [
        Column(text("Input"), "l", lambda row: (text(_input(row.group.input_shape, options)),)),
        Column(text("Operator"), "l", lambda row: (operator(row.group.parts[0]),)),
    ]
    if whole:
        columns.append(Column(text(Symbol("t")), "c", lambda row: content(_t(row, whole))))
    else:  # as in MobileNetV3's table
        columns.append(Column(text("exp size"), "c", lambda row: content(_t(row, whole))))
    columns.append(Column(text(Symbol("c")), "c", _c))
    if any(block.gate for block in blocks):
        columns.append(Column(text("SE"), "c", lambda row: content(_gate(row))))
    if len({block.act for block in blocks}) > 1:
        columns.append(Column(text("NL"), "c", lambda row: content(_act(row))))
    columns.append(Column(text(Symbol("n")), "c", _n))
    columns.append(Column(text(Symbol("s")), "c", _s))
    return columns


def _input(shape: tuple[int, ...], options: TableOptions) -> Size:
    return size_of(shape, options.shape or "HxWxC", squared=options.shape is None)


def operator(part: Part) -> Line:
    """`conv2d 1×1`, `avgpool 7×7`, or the block's name, with a kernel that is not 3×3."""
    if part.kind == "cell":
        return _block(part)
    if is_fc(part):
        return text(part.word)
    names = {"conv": "conv2d" if len(part.input_shape) == 3 else "conv", "gap": "avgpool", "gmp": "maxpool"}
    window = kernel(part)
    pieces: list[Piece] = [names.get(part.word, NAMES.get(part.word, part.word))]
    return text(*pieces, " ", window) if window is not None else text(*pieces)


def _block(part: Part) -> Line:
    block = inverted(part)
    name = part.word or "block"
    if block is None or set(block.kernel) == {3}:
        return text(name)
    return text(name, " ", Size(tuple(map(str, block.kernel))))


def _t(row: Listed, whole: bool) -> str:
    block = inverted(row.group.parts[0])
    if block is None:
        return NONE
    return written_number(block.t) if whole else str(block.hidden)


def _c(row: Listed) -> Content:
    part = row.group.parts[-1]
    return content(str(part.out[0]) if part.weighted else NONE)


def _n(row: Listed) -> Content:
    part = row.group.parts[0]
    return content(NONE if is_fc(part) else str(part.times))


def _s(row: Listed) -> Content:
    part = row.group.parts[0]
    ends = is_fc(part) or (part.op is not None and part.op.ends_map)
    return content(NONE if ends or not part.stride else number(part.stride))


def _gate(row: Listed) -> str:
    block = inverted(row.group.parts[0])
    return "✓" if block is not None and block.gate else NONE


def _act(row: Listed) -> str:
    part = row.group.parts[0]
    block = inverted(part)
    words = [block.act] if block is not None else [word for word in part.quiet if is_activation(word)]
    return words[0] if words and words[0] else NONE


def _without_blocks(parts: Sequence[Part]) -> Diagnostic:
    cell = next((part for part in parts if part.kind == "cell"), parts[0] if parts else None)
    reason = (
        f"`{cell.word}` has none"
        if cell is not None and cell.kind == "cell" and cell.word
        else "there are no blocks"
    )
    return Diagnostic(
        "E803",
        "--like mobilenet: no block of this network has one depthwise layer between 1x1 convolutions, "
        f"so there is no expansion factor t ({reason})",
        cell.span if cell is not None else WHOLE_FILE,
        help="`--like resnet` shows any network with blocks; "
        "`--rows stage --columns input,operator,channels,repeats,stride` has the other columns",
    )
