"""The parts that form a row of a table: by the author's line, by the size of the maps, by stage, or one per
layer."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import groupby, islice
from typing import Any, NamedTuple

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic
from cnnspec.drawing.table.networks import Network, Rows, Unfit
from cnnspec.drawing.table.parts import MANY, Part, joined
from cnnspec.drawing.table.reading import as_written
from cnnspec.ops.base import Shape

SHOWN = ("lrn", "softmax", "logsoftmax", "shuffle", "pixelshuffle", "pixelunshuffle")
"""Layers that are parts of their own in a table that does not follow a paper."""


class Group(NamedTuple):
    """A row of a network: its parts, its name, and the key that identifies the same row in other networks."""

    key: Hashable
    name: str
    parts: tuple[Part, ...]

    @property
    def input_shape(self) -> Shape:
        return self.parts[0].input_shape

    @property
    def out(self) -> Shape:
        return self.parts[-1].out


def groups(network: Network, rows: Rows) -> list[Group]:
    """The rows of a network."""
    if rows == "layer":
        return _layers(network)
    parts = network.parts(*SHOWN, by_line=rows == "line")
    if rows == "size":
        return by_size(joined(parts))
    key: Callable[[Part], Any] = (lambda part: part.line) if rows == "line" else _stage
    return _numbered(
        (_common([part.container or part.name for part in parts]), tuple(joined(parts)))
        for parts in (tuple(run) for _, run in groupby(parts, key))
    )


def by_size(parts: Iterable[Part]) -> list[Group]:
    """A row for each size of the maps, in order; vectors are maps of one position."""
    runs = []
    for size, run in groupby(parts, lambda part: map_size(part.out)):
        inside = tuple(run)
        runs.append(((size, inside[0].container or inside[0].name), inside))
    return _numbered(((name, inside) for (_, name), inside in runs), [size for (size, _), _ in runs])


def map_size(shape: Shape) -> Shape:
    """The size of a map without its channels; (1,) for a vector."""
    size = shape[1:]
    return size if set(size) - {1} else (1,)


def _common(paths: Sequence[str]) -> str:
    """The levels with which all paths begin; the first path, where there are none."""
    names = []
    for levels in zip(*(path.split(".") for path in paths), strict=False):
        if len(set(levels)) > 1:
            break
        names.append(levels[0])
    return ".".join(names) or paths[0]


def _stage(part: Part) -> str:
    return part.container or part.name


def _numbered(
    rows: Iterable[tuple[str, tuple[Part, ...]]], keys: Sequence[Hashable] | None = None
) -> list[Group]:
    """The rows with keys: the given ones, or the names. A repeated key is followed by its number."""
    times: dict[Hashable, int] = {}
    numbered: list[Group] = []
    for place, (name, parts) in enumerate(rows):
        key = keys[place] if keys is not None else name
        times[key] = times.get(key, 0) + 1
        numbered.append(Group((key, times[key]), name, parts))
    return numbered


def _layers(network: Network) -> list[Group]:
    """One row per layer, with every repeat unrolled."""
    rows = list(islice(network.report.rows(), MANY + 1))
    if len(rows) > MANY:
        raise Unfit(
            Diagnostic(
                "E803",
                f"a table with one row per layer would have more than {MANY:,} rows",
                WHOLE_FILE,
                help="`--rows line` and `--rows size` keep repeats folded (× n)",
            )
        )
    layer_groups: list[Group] = []
    for row in rows:
        entry = row.entry
        assert entry.op is not None
        assert entry.out is not None
        inputs = tuple(shape for shape in entry.input_shapes if shape is not None)
        part = Part(
            kind="layer",
            name=entry.path,
            word=entry.op.word,
            span=entry.span,
            line=network.source.position(entry.span.start).line,
            input_shape=inputs[0],
            out=entry.out,
            op=entry.op,
            inputs=inputs,
            call=as_written(entry.op),
            weights={"": row.params or 0},
            macs=row.macs or 0,
            depth=int(entry.op.weighted),
        )
        layer_groups.append(Group(entry.path, entry.path, (part,)))
    return layer_groups
