"""Sums written out: one number of a layer, and the matrix that a convolution is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from cnnspec.diagnostics.printable import printable, width
from cnnspec.ops.sliding import places_of
from cnnspec.report.amounts import shape_text
from cnnspec.report.ran import origin, short

ROOM = 78
"""The most columns for grids side by side; wider ones are shown one below the other."""
MOST_PARTS = 8
MOST_ROWS = 24
MOST_GROUPS = 3
MOST_COLUMNS = 40
MOST_LINES = 40
OUTSIDE = {"maxpool": "−∞", "unpool": "−∞"}


def number_as_text(job: dict[str, Any], result: dict[str, Any], weights: str | None) -> Iterator[str]:
    """The sheet for a person."""
    row, at = job["rows"][job["row"]], job["at"]
    axes = ("channel", *places_of(len(at) - 1)) if len(at) > 1 else ("number",)
    where = ", ".join(f"{axis} {place}" for axis, place in zip(axes, at, strict=True))
    yield titled(row)
    yield f"output {shape_text(row['shape'])}, {where}\n"
    yield from origin(job, result, weights)
    outside = OUTSIDE.get(job["op"]["word"], "(0)")
    parts = result["parts"]
    for part in parts[:MOST_PARTS]:
        yield "\n" + printable(part["title"]) + "\n"
        yield from grids(part["grids"], outside)
        if part["sum"] is not None:
            yield f"  Σ {list(part['grids'] or ['x·w'])[-1]} = {short(part['sum'])}\n"
    if left := parts[MOST_PARTS:]:
        yield f"\n… and {len(left)} more channels, Σ = {short(sum(one['sum'] or 0 for one in left))}"
        yield " (--format json has them all)\n"
    yield "\n"
    for line in result["lines"]:
        yield wrapped(printable(line))
    cells = (cell for part in parts for grid in part["grids"].values() for line in grid for cell in line)
    if any(cell is None for cell in cells):
        yield f"{outside}: outside the map, in the padding\n"


def titled(row: dict[str, Any]) -> str:
    """`C1: conv F5 K6`, cut if literal weights make it long."""
    layer = row["layer"]
    return printable(f"{row['name']}: {layer if len(layer) <= 60 else f'{layer[:59]}…'}") + "\n"


def wrapped(line: str) -> str:
    """A chain of equations, on several lines if it is long."""
    if width(line) <= ROOM:
        return line + "\n"
    first, second, *others = [*line.split(" = "), ""]
    if len(others) < 3:
        return line + "\n"
    return f"{first} = {second}" + "".join(f"\n  = {one}" for one in others[:-1]) + "\n"


def grids(named: Mapping[str, Sequence[Sequence[float | None]]], outside: str = "") -> Iterator[str]:
    """Grids side by side under their names, or one below the other where there is no room."""
    if not named:
        yield "  too many numbers to show\n"
        return
    blocks = [[name, *_lines(grid, outside)] for name, grid in named.items()]
    wide = [max(map(width, block)) for block in blocks]
    if sum(wide) + 4 * len(wide) <= ROOM:
        for lines in zip_longest(*blocks, fillvalue=""):
            cells = (line + " " * (size - width(line)) for line, size in zip(lines, wide, strict=True))
            yield ("  " + "    ".join(cells)).rstrip() + "\n"
        return
    for block in blocks:
        yield from (f"  {line}\n" for line in block)


def _lines(grid: Sequence[Sequence[float | None]], outside: str, most: int = MOST_ROWS) -> list[str]:
    cells = [[outside if one is None else short(one) for one in row] for row in grid[:most]]
    size = max((width(one) for row in cells for one in row), default=1)
    lines = ["  ".join(" " * (size - width(one)) + one for one in row) for row in cells]
    return [*lines, f"… {len(grid) - most} more"] if len(grid) > most else lines


def im2col_as_text(result: dict[str, Any]) -> Iterator[str]:
    """The matrices of a layer for a person: their shapes, and the numbers of small ones."""
    word, matrices = result["word"], result["matrices"]
    yield f"\n{titled(result).strip()}, as a matrix product\n"
    (rows, depth), (_, positions) = matrices[0]["filters"]["shape"], matrices[0]["patches"]["shape"]
    each, several = ("position", "positions") if word == "local" else ("group", "groups")
    count = result["products"]
    times = f" for each of {count} {several}" if count > 1 else ""
    yield f"  {rows}x{depth} · {depth}x{positions} = {rows}x{positions}{times}\n"
    titles = {
        "fc": ("weights: one row per output", "input: one column", "product"),
        "deconv": (
            "filters, transposed: one row per channel and tap of the output",
            "input: one row per channel, one column per position",
            "product: each column is a patch of the output; they are added up where they overlap",
        ),
        "local": (
            "filters of this position: one row per output channel",
            "patch: one row per channel and tap",
            "product: one row per output channel",
        ),
    }.get(
        word,
        (
            "filters: one row per output channel",
            "patches: one row per channel and tap, one column per output position",
            f"product: one row per output channel, to be read as {shape_text(result['out'])}",
        ),
    )
    for number, matrix in enumerate(matrices[:MOST_GROUPS], 1):
        if count > 1:
            yield f"\n  {each} {number} of {count}\n"
        for title, name in zip(titles, ("filters", "patches", "product"), strict=True):
            yield f"\n  {title} ({shape_text(matrix[name]['shape'])})\n"
            yield from _small(matrix[name])
    if count > MOST_GROUPS:
        every = "them all" if count == len(matrices) else f"{len(matrices):,} of them"
        yield f"\n  … {count - MOST_GROUPS} more {several} (--format json has {every})\n"
    if result["bias"] is not None and word == "local":
        yield "\n  then the bias of each channel and position is added\n"
    elif result["bias"] is not None and word != "deconv":
        shown = ", ".join(map(short, result["bias"][:6])) + (", …" if len(result["bias"]) > 6 else "")
        yield f"\n  then the bias of each row is added: {shown}\n"


def _small(result: dict[str, Any]) -> Iterator[str]:
    """The numbers, split into ranges of columns if their lines are too long."""
    values = result["values"]
    if values is None or len(values) > MOST_LINES or len(values[0]) > MOST_COLUMNS:
        yield "    too large to show (--format json gives matrices of up to 10,000 numbers)\n"
        return
    size = max(width(short(one)) for row in values for one in row)
    step = max(1, (ROOM - 2) // (size + 2))
    for first in range(0, len(values[0]), step):
        if step < len(values[0]):
            yield f"    columns {first} to {min(first + step, len(values[0])) - 1}\n"
        stretch = [row[first : first + step] for row in values]
        yield from (f"    {line}\n" for line in _lines(stretch, "", MOST_LINES))
