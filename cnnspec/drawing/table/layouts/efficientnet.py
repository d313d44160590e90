"""Table 1 of Tan & Le 2019: stage, operator (`MBConv6, k3×3`), resolution, channels, layers."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.drawing.table.cells import Content, Grid, Line, Piece, Size, text
from cnnspec.drawing.table.columns import chosen
from cnnspec.drawing.table.groups import Group, groups
from cnnspec.drawing.table.layouts.mobile import alike, inverted
from cnnspec.drawing.table.listing import Column, Listed, content, listed
from cnnspec.drawing.table.networks import Network, TableOptions, size_of
from cnnspec.drawing.table.parts import Part, joined
from cnnspec.drawing.table.words import NAMES, is_fc, kernel
from cnnspec.ops.base import written_number


def efficientnet(networks: Sequence[Network], options: TableOptions) -> list[Grid]:
    """A table for each network."""
    return [_of(network, options) for network in networks]


def _of(network: Network, options: TableOptions) -> Grid:
    rows = _stages(joined(joined(network.parts()), alike))
    if options.rows is not None:
        rows = groups(network, options.rows)
    if options.columns is not None:
        return listed(rows, chosen(network, options, rows), network.label)
    numbers = {group.key: place for place, group in enumerate(rows, start=1)}
    columns = [
        Column(text("Stage"), "c", lambda row: content(str(numbers[row.group.key]))),
        Column(text("Operator"), "l", lambda row: (operator(row.group.parts),)),
        Column(
            text("Resolution"),
            "c",
            lambda row: (text(size_of(row.group.input_shape, options.shape or "HxW")),),
        ),
        Column(text("#Channels"), "r", _channels),
        Column(text("#Layers"), "r", lambda row: content(str(row.group.parts[0].times))),
    ]
    return listed(rows, columns, network.label)


def _stages(parts: Sequence[Part]) -> list[Group]:
    """One row per part; the parts after the last block are one row."""
    last = max((place for place, part in enumerate(parts) if part.kind == "cell"), default=len(parts) - 1)
    rows = [(part,) for part in parts[: last + 1]]
    tail = tuple(parts[last + 1 :])
    return [Group(place, run[0].name, run) for place, run in enumerate([*rows, *([tail] if tail else [])])]


def operator(parts: Sequence[Part]) -> Line:
    """`Conv3×3`, `MBConv6, k3×3`, `Conv1×1 & Pooling & FC`; other blocks by name."""
    pieces: list[Piece] = []
    for part in parts:
        one = _operator(part)
        if pieces and pieces[-len(one) :] == one:
            continue
        pieces += [" & ", *one] if pieces else one
    return text(*pieces)


def _operator(part: Part) -> list[Piece]:
    block = inverted(part)
    if block is not None:
        name = "Fused-MBConv" if block.fused else "MBConv"
        return [f"{name}{written_number(block.t)}, k", Size(tuple(map(str, block.kernel)))]
    if part.kind == "cell":
        return [part.word or "block"]
    if is_fc(part):
        return ["FC" if part.word == "fc" else part.word]
    window = kernel(part)
    if part.weighted and window is not None:
        return [{"conv": "Conv", "dwconv": "DWConv", "deconv": "Deconv"}.get(part.word, part.word), window]
    return ["Pooling" if part.resizes else NAMES.get(part.word, part.word)]


def _channels(row: Listed) -> Content:
    first = next((part for part in row.group.parts if part.weighted), row.group.parts[0])
    return content(str(first.out[0]))
