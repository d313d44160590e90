"""The columns that a table of layers or of models can have: what each shows, and its convention."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from cnnspec.analyses.memory import BYTES, Held
from cnnspec.ir.graph import Graph, Layer
from cnnspec.ops import Op
from cnnspec.report.amounts import UNKNOWN, bytes_text, exact, field_text, short
from cnnspec.report.table import Column


class Amounts(NamedTuple):
    """The numbers of a layer, a part or a model; None is unknown."""

    out: str = UNKNOWN
    params: int | None = None
    macs: int | None = None
    field: Sequence[int | Fraction] | None = None
    memory: Held | None = None


class Shown(NamedTuple):
    """A column, its text for some amounts, and the line above the table that states its convention."""

    column: Column
    text: Callable[[Amounts], str]
    convention: str = ""


def _times(factor: int, amount: int | None) -> int | None:
    return None if amount is None else factor * amount


COLUMNS = {
    "output": Shown(Column("output"), lambda one: one.out),
    "weights": Shown(Column("weights", right=True, drop=8), lambda one: exact(one.params)),
    "size": Shown(
        Column("size", right=True, drop=7),
        lambda one: bytes_text(_times(BYTES, one.params)),
        "size: the weights in float32 (1 MB = 10⁶ bytes)",
    ),
    "MACs": Shown(
        Column("MACs", right=True, drop=4),
        lambda one: short(one.macs),
        "MACs: multiply–accumulates of {counted}, for one image",
    ),
    "FLOPs": Shown(
        Column("FLOPs", right=True, drop=3),
        lambda one: short(_times(2, one.macs)),
        "FLOPs: 2 per MAC (one multiplication and one addition)",
    ),
    "memory": Shown(
        Column("memory", right=True, drop=6),
        lambda one: bytes_text(one.memory and one.memory.forward),
        "memory: the outputs of all layers in float32, for one image",
    ),
    "training": Shown(
        Column("training", right=True, drop=5),
        lambda one: bytes_text(one.memory and one.memory.training),
        "training: outputs and weights, and the gradients of both (without the optimizer's state)",
    ),
    "field": Shown(Column("field", right=True, drop=2), lambda one: field_text(one.field)),
}
USUAL = ("output", "weights", "MACs", "field")


def cells(amounts: Amounts, chosen: Sequence[str]) -> tuple[str, ...]:
    """The chosen columns of a row."""
    return tuple(COLUMNS[name].text(amounts) for name in chosen)


def head(chosen: Sequence[str], graphs: Iterable[Graph]) -> str:
    """The lines above a table of these networks: the conventions of its columns."""
    lines = "\n".join(filter(None, (COLUMNS[name].convention for name in chosen)))
    *words, last = _COUNTED
    for graph in graphs:
        steps = (step for body in graph.bodies for step in body.steps)
        for op in (step.op for step in steps if isinstance(step, Layer)):
            if type(op).macs is not Op.macs and op.word not in (*words, last):
                words, last = [*words, last], op.word
    return lines.format(counted=f"{', '.join(words)} and {last}")


_COUNTED = ("conv", "dwconv", "deconv", "fc")
"""Layers that every tool counts; others are named if a network has them."""


def columns(chosen: Sequence[str]) -> list[Column]:
    """The chosen columns, to be put into a table."""
    return [COLUMNS[name].column for name in chosen]
