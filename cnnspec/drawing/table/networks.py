"""The networks of a table, its options, and the notation of its numbers and shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from cnnspec.analyses.weights import OWN
from cnnspec.diagnostics import Diagnostic, Source
from cnnspec.drawing.table.cells import Line, Scientific, Size, text
from cnnspec.drawing.table.parts import Part
from cnnspec.drawing.table.reading import Reader
from cnnspec.ops.base import Shape
from cnnspec.report.amounts import exact, short

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report

Rows: TypeAlias = Literal["line", "size", "stage", "layer"]
Cells: TypeAlias = Literal["bracket", "stack", "call"]
Order: TypeAlias = Literal["CxHxW", "HxWxC", "HxW"]
Numbers: TypeAlias = Literal["exact", "short"]


class TableOptions(NamedTuple):
    """The options of a table; None where the layout has a default."""

    rows: Rows | None = None
    columns: tuple[str, ...] | None = None
    cells: Cells | None = None
    shape: Order | None = None
    numbers: Numbers | None = None
    like: str | None = None


class Unfit(Exception):
    """Raised where this network cannot have such a table; `finding` states the reason."""

    def __init__(self, finding: Diagnostic) -> None:
        self.finding = finding


@dataclass(frozen=True)
class Network:
    """A network with its own column, or its own table. `label` is its name in the table."""

    label: str
    report: Report
    source: Source

    def parts(self, *shown: str, by_line: bool = False) -> tuple[Part, ...]:
        """Its parts. Layers whose words are in `shown` are parts of their own. `by_line`: each part is within
        one line of the text."""
        return Reader(self.report, self.source, frozenset(shown), by_line=by_line).all()

    @cached_property
    def input(self) -> Shape:
        return self.report.graph.root.values[0] or ()


def size_of(shape: Shape, order: Order, squared: bool = False) -> Size:
    """A shape in a table's notation. A vector is its length, or a map of one position where channels are
    last."""
    dims = tuple(map(str, shape))
    if order == "CxHxW":
        return Size(dims)
    if order == "HxW":
        return Size(dims[1:] or ("1", "1"))
    return Size((*(dims[1:] or ("1", "1")), dims[0]), squared)


def amount(number: int, numbers: Numbers | None) -> str:
    """`25.6M`, or with all digits."""
    return exact(number) if numbers == "exact" else short(number)


def scientific(number: int, numbers: Numbers | None) -> Line:
    """`3.9×10⁹`, or with all digits."""
    if numbers == "exact" or number < 10_000:
        return text(exact(number))
    power = (len(str(number)) - 1) // 3 * 3
    tenths = (number * 20 // 10**power + 1) // 2
    return text(Scientific(f"{tenths // 10}.{tenths % 10}", power))


def weights_of(rows: Iterable[Sequence[Part]]) -> list[int]:
    """The weights of each row; those of a shared block count in the first row that contains it."""
    seen: set[str] = set()
    totals: list[int] = []
    for parts in rows:
        total = 0
        for part in parts:
            total += _new(part.weights, seen)
        totals.append(total)
    return totals


def _new(weights: Mapping[str, int], seen: set[str]) -> int:
    total = sum(count for name, count in weights.items() if name == OWN or name not in seen)
    seen.update(weights)
    return total
