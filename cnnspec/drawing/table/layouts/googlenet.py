"""Table 1 of Szegedy et al. 2015: one row per layer and module, a column for each branch's channels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic
from cnnspec.drawing.table.cells import EMPTY, Content, Grid, Line, Size, text
from cnnspec.drawing.table.columns import chosen
from cnnspec.drawing.table.groups import Group, groups
from cnnspec.drawing.table.listing import Column, Listed, content, listed
from cnnspec.drawing.table.networks import Network, TableOptions, Unfit, amount, size_of
from cnnspec.drawing.table.parts import Part
from cnnspec.drawing.table.words import NAMES, _percent, is_fc, kernel, stride

Title: TypeAlias = tuple[str, tuple[str, ...], str, int]
"""A column: `#`, a kernel, ` reduce`, and its number among equal ones."""
TYPES = {"conv": "convolution", "avgpool": "avg pool", "gap": "avg pool", "fc": "linear"}


def googlenet(networks: Sequence[Network], options: TableOptions) -> list[Grid]:
    """A table for each network."""
    return [_of(network, options) for network in networks]


def _of(network: Network, options: TableOptions) -> Grid:
    parts = network.parts("dropout", "softmax")
    modules = {id(part): _module(part) for part in parts if _has_branches(part)}
    if not modules:
        raise Unfit(_without_modules())
    titles = list(dict.fromkeys(title for module in modules.values() for title in module))
    titles.sort(key=lambda title: title[0] == "pool proj")
    rows = _rows(parts, titles)
    if options.rows is not None:
        rows = groups(network, options.rows)
    if options.columns is not None:
        return listed(rows, chosen(network, options, rows), network.label)

    def channels(title: Title) -> Column:
        return Column(_title(title), "r", lambda row: content(_channels(row.group, title, modules)))

    numbers = options.numbers or "short"
    columns = [
        Column(text("type"), "l", _type),
        Column(text("patch size/stride"), "c", _patch),
        Column(
            text("output size"), "c", lambda row: (text(size_of(row.group.out, options.shape or "HxWxC")),)
        ),
        Column(text("depth"), "r", lambda row: content(str(sum(part.depth for part in row.group.parts)))),
        *map(channels, titles),
        Column(text("params"), "r", lambda row: content(amount(row.weights, numbers) if row.weights else "")),
        Column(text("ops"), "r", lambda row: content(_macs(row, options))),
    ]
    return listed(rows, columns, network.label)


def _has_branches(part: Part) -> bool:
    return part.kind == "merge" or (part.kind == "cell" and any(map(_has_branches, part.inner)))


def _rows(parts: Sequence[Part], titles: Sequence[Title]) -> list[Group]:
    """One row per part; a 1×1 convolution before a larger one is that layer's reduction, if there is a column
    for it."""
    row_groups: list[Group] = []
    for part in parts:
        before = row_groups[-1].parts if row_groups else ()
        size = kernel(part)
        if (
            len(before) == 1
            and _is_conv(part)
            and _is_conv(before[0])
            and size is not None
            and _reduces(before[0], part)
            and ("#", size.dims, " reduce", 1) in titles
        ):
            row_groups[-1] = row_groups[-1]._replace(parts=(*before, part))
        else:
            row_groups.append(Group(len(row_groups), part.name, (part,)))
    return row_groups


def _reduces(first: Part, then: Part) -> bool:
    ones, size = kernel(first), kernel(then)
    return (
        ones is not None
        and size is not None
        and set(ones.dims) == {"1"} != set(size.dims)
        and not first.resizes
    )


def _is_conv(part: Part) -> bool:
    return part.kind == "layer" and part.word == "conv" and part.times == 1


def _module(part: Part) -> dict[Title, str]:
    """The channels of a module's branches, by column."""
    inner = part.inner
    cells: dict[Title, str] = {}
    if len(inner) == 2 and _is_conv(inner[0]):  # a 1×1 convolution before the branches
        _put(cells, "#", kernel(inner[0]), " squeeze", str(inner[0].out[0]))
        inner = inner[1:]
    if len(inner) != 1 or inner[0].kind != "merge" or inner[0].word != "concat":
        raise Unfit(_other_module(part, "its branches are not joined by one `concat`"))
    for branch in inner[0].branches:
        _branch(part, branch, cells)
    return cells


def _branch(module: Part, branch: Sequence[Part], cells: dict[Title, str]) -> None:
    pools = [one for one in branch if one.kind == "layer" and not one.weighted]
    convs = [one for one in branch if _is_conv(one) or (one.kind == "layer" and one.word == "conv")]
    if len(pools) + len(convs) != len(branch) or len(pools) > 1 or sum(conv.times for conv in convs) > 3:
        raise Unfit(
            _other_module(module, "a branch has other layers than a pool and up to three convolutions")
        )
    if pools:
        if len(convs) > 1:
            raise Unfit(_other_module(module, "a branch has a pool and several convolutions"))
        _put(cells, "pool proj", None, "", str(convs[0].out[0]) if convs else "pass")
        return
    sizes = [size for conv in convs if (size := kernel(conv)) is not None]
    if not sizes:
        _put(cells, "pass", None, "", "✓")
        return
    if any(len(set(size.dims)) > 1 for size in sizes) or len(set(sizes[1:])) > 1:
        raise Unfit(_other_module(module, "a branch has kernels of several sizes"))
    sharp = "double #" if len(convs) == 3 or convs[-1].times > 1 else "#"
    if len(convs) > 1:
        _put(cells, sharp, sizes[-1], " reduce", str(convs[0].out[0]))
    _put(cells, sharp, sizes[-1], "", str(convs[-1].out[0]))


def _put(cells: dict[Title, str], sharp: str, size: Size | None, after: str, value: str) -> None:
    dims = size.dims if size is not None else ()
    number = 1
    while (sharp, dims, after, number) in cells:
        number += 1
    cells[sharp, dims, after, number] = value


def _title(title: Title) -> Line:
    sharp, dims, after, number = title
    return text(sharp, *([Size(dims)] if dims else []), after, f" ({number})" if number > 1 else "")


def _channels(group: Group, title: Title, modules: dict[int, dict[Title, str]]) -> str:
    part = group.parts[-1]
    if len(group.parts) == 2:  # a convolution with its reduction
        size = kernel(part)
        dims = size.dims if size is not None else ()
        return {
            ("#", dims, " reduce", 1): str(group.parts[0].out[0]),
            ("#", dims, "", 1): str(part.out[0]),
        }.get(title, "")
    return modules.get(id(part), {}).get(title, "")


def _type(row: Listed) -> Content:
    part = row.group.parts[-1]
    if part.kind == "cell":
        levels = [level for level in part.name.split(".") if not level.startswith("group")]
        number = next((match[1] for level in levels if (match := _NUMBER.match(level))), "")
        times = f" × {part.times}" if part.times > 1 else ""
        return content(f"{part.word or 'module'}{f' ({number})' if number else ''}{times}")
    name = TYPES.get(part.word, NAMES.get(part.word, part.word))
    return (text(name, *_percent(part), f" × {part.times}" if part.times > 1 else ""),)


_NUMBER = re.compile(r"[A-Za-z_]*?([0-9]+[a-z]?)$")
"""The module's number in a name: `i3a` is module 3a, `inception2` module 2."""


def _patch(row: Listed) -> Content:
    part = row.group.parts[-1]
    size = kernel(part) if part.kind == "layer" else None
    if size is None or is_fc(part):
        return EMPTY
    return (text(size, f"/{stride(part) or 1}"),)


def _macs(row: Listed, options: TableOptions) -> str:
    macs = sum(part.macs for part in row.group.parts)
    return amount(macs, options.numbers or "short") if macs else ""


def _without_modules() -> Diagnostic:
    return Diagnostic(
        "E803",
        "--like googlenet: this network has no module with branches, so the columns #1x1, #3x3 reduce, … "
        "would be empty",
        WHOLE_FILE,
        help="`cnnspec table FILE` without --like shows any network",
    )


def _other_module(part: Part, why: str) -> Diagnostic:
    return Diagnostic(
        "E803",
        f"--like googlenet: `{part.word or 'this part'}` has no columns #1x1, #3x3 reduce, …: {why}",
        part.span,
        help="`--rows stage --cells bracket` shows its branches, one line each",
    )
