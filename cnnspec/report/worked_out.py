"""A network worked out as for homework: each layer's formulas with its numbers, the comparison with a dense
layer, and the totals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnspec.analyses.receptive_field import Field, recurrence
from cnnspec.ops.base import POINT
from cnnspec.ops.formula import Formula
from cnnspec.ops.replaced import Comparison, Step, comparisons
from cnnspec.report.amounts import bytes_text, field_text, shape_text

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report, Row
    from cnnspec.ir.flat import Entry
    from cnnspec.pipeline import Model

AROUND = 24
"""The number of layers before and after one that are searched for its comparison."""


class Worked(NamedTuple):
    """A layer with its formulas. `again` names the later occurrences of this layer, in the passes of a repeat
    or the uses of a block, each with its receptive field.
    """

    name: str
    op: str
    args: str
    title: str
    place: str
    input_shapes: tuple[tuple[int, ...] | None, ...]
    out: tuple[int, ...] | None
    formulas: tuple[Formula, ...]
    field: tuple[Formula, ...] = ()
    compared: tuple[Comparison, ...] = ()
    again: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "name": self.name,
            "op": self.op,
            "args": self.args,
            "in": self.input_shapes,
            "out": self.out,
            "formulas": [_plain(formula) for formula in (*self.formulas, *self.field)],
            "comparisons": [
                {"title": one.title, "formulas": [_plain(formula) for formula, _ in one.lines]}
                for one in self.compared
            ],
            "again": list(self.again),
        }


class Worksheet(NamedTuple):
    """A network, or a part of it: a block, a repeat, a labelled line. `totals` are the sums with a remark
    after each; `claims` what the author claims, and whether it holds.
    """

    name: str
    title: str
    inputs: str
    out: str
    number: int
    layers: tuple[Worked, ...]
    totals: tuple[tuple[Formula, str], ...]
    claims: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        sums = {formula.name: _plain(formula)["result"] for formula, _ in self.totals}
        return {
            "name": self.name,
            "layers": [layer.name for layer in self.layers],
            "params": sums.get("weights"),
            "macs": sums.get("MACs"),
            "totals": [_plain(formula) for formula, _ in self.totals],
            "worked_out": [layer.as_json() for layer in self.layers],
        }


def _plain(formula: Formula) -> dict[str, Any]:
    def value(number: object) -> object:
        return number if isinstance(number, int | str) else str(number)

    return {
        "name": formula.name,
        "formula": formula.text,
        "values": {name: value(given) for name, given in formula.values.items()},
        "filled": formula.filled(),
        "result": value(formula.result),
    }


def worked_out(model: Model, name: str | None) -> Worked | Worksheet | list[str]:
    """The layer of that name, the part of that name, or (without a name) the whole network; if the name is
    unknown, the existing names.
    """
    if model.report is None:
        return []
    rows = list(model.report.rows())
    fields = {row.entry.output: row.field for row in rows}
    if name is None:
        return _worksheet(model, rows, fields, "")
    for number, row in enumerate(rows):
        if row.entry.path == name or (row.entry.label is not None and row.entry.label == name):
            around = rows[max(number - AROUND, 0) : number + AROUND]
            return _worked(model, row.entry, fields)._replace(compared=_compared(around, row.entry))
    part = [row for row in rows if row.entry.path.startswith(name + ".")]
    return _worksheet(model, part, fields, name) if part else [row.entry.path for row in rows]


def _worked(model: Model, entry: Entry, fields: dict[int, Field | None]) -> Worked:
    op, out = entry.op, entry.out
    known = tuple(shape for shape in entry.input_shapes if shape is not None)
    formulas: tuple[Formula, ...] = ()
    field: tuple[Formula, ...] = ()
    if op is not None and out is not None and len(known) == len(entry.input_shapes):
        formulas = op.formulas(known, out)
        own_field = fields.get(entry.output)
        if own_field is not None:
            read, windows = entry.inputs[0], op.window(known, out)
            axes = len(own_field.size)
            first = Field((1,) * axes, (Fraction(1),) * axes, (0,) * axes)
            before = fields.get(read, first)
            if len(entry.inputs) == 1 and before is not None and any(window != POINT for window in windows):
                field = recurrence(before, windows, own_field.size)
            size = field_text(own_field.size)
            field = field or (Formula("field", size, {}, size),)
    return Worked(
        name=entry.path,
        op=op.word if op is not None else "?",
        args=op.written() if op is not None else "",
        title=op.title if op is not None else "this step has an error",
        place=f"{model.source.name}:{model.source.position(entry.span.start).line}",
        input_shapes=entry.input_shapes,
        out=out,
        formulas=formulas,
        field=field,
    )


def _compared(around: Sequence[Row], entry: Entry) -> tuple[Comparison, ...]:
    """The chain of weighted layers with this one in it, and the dense layer that it is compared with."""
    if not entry.inputs:  # a step after a mistake
        return ()
    makers = {row.entry.output: row.entry for row in around}
    readers = {row.entry.inputs[0]: row.entry for row in around if len(row.entry.inputs) == 1}

    def following(this: Entry | None, back: bool) -> Iterator[Entry]:
        while this is not None:
            this = makers.get(this.inputs[0]) if back else readers.get(this.output)
            if this is None or this.op is None or len(this.inputs) != 1:
                return
            if this.op.weighted:
                yield this
            elif this.input_shapes[0] != this.out:
                return

    before = [one for one, _ in zip(following(entry, True), range(2), strict=False)][::-1]
    after = [one for one, _ in zip(following(entry, False), range(2), strict=False)]
    chain = [
        Step(one.op, one.input_shapes[0], one.out)
        for one in (*before, entry, *after)
        if one.op is not None and one.input_shapes[0] is not None and one.out is not None
    ]
    if len(chain) != len(before) + 1 + len(after):
        return ()
    return tuple(comparisons(chain, len(before)))


def _worksheet(
    model: Model, rows: Sequence[Row], fields: dict[int, Field | None], name: str
) -> Worksheet | list[str]:
    """The layers in order, each as written once, and the sums."""
    report = model.report
    assert report is not None
    if not rows:
        return []
    layers: list[Worked] = []
    places: dict[tuple[int, int], int] = {}
    again: dict[int, list[str]] = {}
    for number, row in enumerate(rows):
        entry = row.entry
        key = (entry.body, entry.step)
        if key in places:
            size = field_text(row.field.size) if row.field is not None else ""
            again.setdefault(places[key], []).append(entry.path + (f" (field {size})" if size else ""))
            continue
        places[key] = len(layers)
        around = rows[max(number - AROUND, 0) : number + AROUND]
        compared = tuple(one for one in _compared(around, entry) if one.ends)
        layer = _worked(model, entry, fields)._replace(compared=compared)
        layers.append(layer if layer.field and layer.field[0].values else layer._replace(field=()))
    layers = [layer._replace(again=tuple(again.get(place, ()))) for place, layer in enumerate(layers)]
    first, last = rows[0].entry.input_shapes, rows[-1].entry.out
    graph = report.graph
    if name:
        title, inputs, out = "", shape_text(first[0] if first else None), shape_text(last)
    else:
        root = graph.root
        title, inputs = graph.title, ", ".join(map(shape_text, root.values[: root.inputs]))
        out = ", ".join(shape_text(root.values[value]) for value in root.outputs)
    totals = tuple(_totals(report, rows, whole=not name))
    claims = () if name else tuple(_claims(report))
    return Worksheet(name or graph.name, title, inputs, out, len(rows), tuple(layers), totals, claims)


MOST_TERMS = 8


def _totals(report: Report, rows: Sequence[Row], *, whole: bool) -> Iterator[tuple[Formula, str]]:
    """Weights and MACs as sums, layer by layer or, where there are many, kind by kind."""
    if any(row.params is None or row.macs is None for row in rows):
        return
    params, macs = [(row, row.params or 0) for row in rows], [(row, row.macs or 0) for row in rows]
    yield _sum("weights", params), ""
    total = _sum("MACs", macs)
    yield total, ""
    if total.result:
        yield Formula("FLOPs", "2·MACs", {"MACs": total.result}, 2 * int(total.result)), ""
    totals = report.totals
    if whole and totals.activations is not None and totals.peak_memory is not None:
        yield Formula("activations", f"{totals.activations:,}", {}, totals.activations), ""
        memory = f"{totals.peak_memory:,} bytes"
        yield Formula("peak activation memory", memory, {}, memory), bytes_text(totals.peak_memory)
    if whole and totals.field is not None:
        size = field_text(totals.field)
        yield Formula("field", size, {}, size), ""


def _sum(name: str, costs: Sequence[tuple[Row, int]]) -> Formula:
    """`156 + 2,416 = 2,572`; of many layers, `conv 2,572 + fc 59,134 = 61,706`."""
    held = [(row, cost) for row, cost in costs if cost]
    if len(held) > MOST_TERMS:
        kinds: Counter[str] = Counter()
        for row, cost in held:
            kinds[row.entry.op.word if row.entry.op is not None else ""] += cost
        text = " + ".join(f"{kind} {cost:,}" for kind, cost in kinds.items())
    else:
        text = " + ".join(f"{row.entry.path} {cost:,}" for row, cost in held) or "0"
    return Formula(name, text, {}, sum(cost for _, cost in held))


def _claims(report: Report) -> Iterator[str]:
    claims = report.claims
    if claims:
        yield f"{sum(checked.holds is True for checked in claims)} of {len(claims)} claims hold"
    for checked in claims:
        if checked.holds is not True:
            yield f"{checked.text} {'is not checked' if checked.holds is None else 'does not hold'}"
