"""One layer worked out the way homework wants it: every formula, with this layer's numbers in it."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnspec.diagnostics.printable import printable
from cnnspec.ops.formula import Formula
from cnnspec.report.amounts import exact, field_text, shape_text

if TYPE_CHECKING:
    from cnnspec.analyses.receptive_field import Field
    from cnnspec.analyses.report import Row
    from cnnspec.ir.flat import Entry
    from cnnspec.ops import Op
    from cnnspec.pipeline import Model


class Explained(NamedTuple):
    """A layer with its formulas; `dense` is what a fully connected layer between the same volumes would
    need."""

    name: str
    op: str
    args: str
    title: str
    place: str
    arriving: tuple[tuple[int, ...] | None, ...]
    out: tuple[int, ...] | None
    formulas: tuple[Formula, ...]
    field: Formula | None
    dense: Formula | None

    def as_text(self) -> str:
        """For a person; ends in a new line."""
        arriving = ", ".join(shape_text(shape) for shape in self.arriving)
        lines = [
            f"{self.name}: {self.op} {self.args}".rstrip() + f"    ({printable(self.place)})",
            f"  {self.title}",
            "",
            f"  {arriving} → {shape_text(self.out)}",
            "",
            *(f"  {formula.line()}" for formula in self._all()),
        ]
        if self.out is None:
            lines.append("  its sizes are unknown: what stands before it has an error")
        if self.dense is not None:
            lines += ["", f"  a fully connected layer from {arriving} to {shape_text(self.out)} would need"]
            lines.append(f"  {self.dense.line()}{self._times(self.dense)}")
        return "\n".join(lines) + "\n"

    def _all(self) -> tuple[Formula, ...]:
        return self.formulas if self.field is None else (*self.formulas, self.field)

    def _times(self, dense: Formula) -> str:
        mine = next((formula.result for formula in self.formulas if formula.name == "weights"), None)
        if (
            not isinstance(mine, int)
            or not isinstance(dense.result, int)
            or dense.result < 2 * mine
            or not mine
        ):
            return ""
        return f", {dense.result / mine:,.0f} times as many"

    def as_json(self) -> dict[str, Any]:
        """For a machine: plain values."""
        return {
            "name": self.name,
            "op": self.op,
            "args": self.args,
            "in": self.arriving,
            "out": self.out,
            "formulas": [_formula_json(formula) for formula in self._all()],
            "dense": None if self.dense is None else _formula_json(self.dense),
        }


def _formula_json(formula: Formula) -> dict[str, Any]:
    def plain(value: object) -> object:
        return value if isinstance(value, int | str) else str(value)

    return {
        "name": formula.name,
        "formula": formula.text,
        "values": {name: plain(value) for name, value in formula.values.items()},
        "filled": formula.filled(),
        "result": plain(formula.result),
    }


class Part(NamedTuple):
    """A block, a repeat or a labelled line: the layers in it, and their sums. Where few of them have weights
    (`C1: conv F5 K6 -> tanh`), those are worked out."""

    name: str
    layers: tuple[str, ...]
    arriving: str
    out: str
    params: int | None
    macs: int | None
    worked_out: tuple[Explained, ...] = ()

    def as_text(self) -> str:
        """For a person; ends in a new line."""
        lines = [f"{self.name}: {len(self.layers)} layers, {self.arriving} → {self.out}"]
        lines.append(f"  weights {exact(self.params)}, MACs {exact(self.macs)}")
        if self.worked_out:
            return "\n".join(lines) + "\n\n" + "\n".join(one.as_text() for one in self.worked_out)
        lines += [f"  {name}" for name in self.layers[:MOST_LISTED]]
        if len(self.layers) > MOST_LISTED:
            lines.append(f"  … and {len(self.layers) - MOST_LISTED:,} more")
        return "\n".join(lines) + "\n"

    def as_json(self) -> dict[str, Any]:
        """For a machine: plain values."""
        return {
            "name": self.name,
            "layers": list(self.layers),
            "params": self.params,
            "macs": self.macs,
            "worked_out": [one.as_json() for one in self.worked_out],
        }


MOST_LISTED = 40
MOST_WORKED_OUT = 3


def explain_layer(model: Model, name: str) -> Explained | Part | list[str]:
    """The layer of that name worked out; the sums of a part of that name; else the names that there are."""
    if model.report is None:
        return []
    below = name + "."
    part: list[Row] = []
    names: list[str] = []
    fields: dict[int, Field | None] = {}
    for row in model.report.rows():
        entry = row.entry
        fields[entry.output] = row.field
        if entry.path == name or (entry.label is not None and entry.label == name):
            return _worked_out(model, entry, fields)
        if entry.path.startswith(below):
            part.append(row)
        elif part:
            break  # a part is one stretch
        names.append(entry.path)
    return _sums(model, name, part, fields) if part else names


def _worked_out(model: Model, entry: Entry, fields: dict[int, Field | None]) -> Explained:
    place = model.source.position(entry.span.start)
    known = tuple(shape for shape in entry.arriving if shape is not None)
    op = entry.op
    formulas: tuple[Formula, ...] = ()
    field = dense = None
    if op is not None and entry.out is not None and len(known) == len(entry.arriving):
        formulas = op.formulas(known, entry.out)
        field = _field(op, entry, known, entry.out, fields)
        if op.linear and len(known) == 1 and len(known[0]) == 3:
            inputs, outputs = prod(known[0]), prod(entry.out)
            dense = Formula("weights", "I·O + O", {"I": inputs, "O": outputs}, inputs * outputs + outputs)
    return Explained(
        name=entry.path,
        op=op.word if op is not None else "?",
        args=op.written() if op is not None else "",
        title=op.title if op is not None else "this step could not be made out",
        place=f"{model.source.name}:{place.line}",
        arriving=entry.arriving,
        out=entry.out,
        formulas=formulas,
        field=field,
        dense=dense,
    )


def _field(
    op: Op,
    entry: Entry,
    arriving: tuple[tuple[int, ...], ...],
    out: tuple[int, ...],
    fields: dict[int, Field | None],
) -> Formula | None:
    """The receptive field; where one window on one map makes it, with the recurrence
    R' = R + (E − 1)·J: the field before, the window's extent D(F − 1) + 1, the stride (jump) before.
    """
    here = fields.get(entry.output)
    if here is None:
        return None
    result = field_text(here.size)
    window = op.window(arriving, out)
    if len(entry.inputs) == 1:
        before = fields.get(entry.inputs[0])
        size, stride = (before.size[1], before.stride[1]) if before is not None else (1, Fraction(1))
        if (before is not None or entry.inputs[0] not in fields) and (
            size + (window[1].size - 1) * stride == here.size[1]
        ):
            values: dict[str, int | Fraction | str] = {"R": size, "E": Fraction(window[1].size), "J": stride}
            return Formula("receptive field", "R + (E − 1)·J", values, result)
    return Formula("receptive field", result, {}, result)


def _sums(model: Model, name: str, part: list[Row], fields: dict[int, Field | None]) -> Part:
    weighted = [row.entry for row in part if row.entry.op is not None and row.entry.op.weighted]
    few = len(weighted) <= MOST_WORKED_OUT
    first = part[0].entry.arriving
    return Part(
        name=name,
        layers=tuple(row.entry.path for row in part),
        arriving=shape_text(first[0] if first else None),
        out=shape_text(part[-1].entry.out),
        params=None if any(row.params is None for row in part) else sum(row.params or 0 for row in part),
        worked_out=tuple(_worked_out(model, entry, fields) for entry in weighted) if few else (),
        macs=None if any(row.macs is None for row in part) else sum(row.macs or 0 for row in part),
    )
