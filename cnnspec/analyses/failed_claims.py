"""E501, the finding for a claim that does not hold: the formula with its numbers, and the likely origin of
the author's number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from cnnspec.analyses.claims import SUBJECTS_OF_STRETCH, Checked, square, stretch, worth
from cnnspec.analyses.receptive_field import Field, recurrence
from cnnspec.analyses.shapes import Shaped, origin
from cnnspec.analyses.suspicions import counted, of_number, of_shape, parts, terms
from cnnspec.diagnostics import Diagnostic, Related
from cnnspec.ir.graph import Claim
from cnnspec.ops.base import POINT, Shape, written_shape

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


def failed_claims(report: Report) -> Iterator[Diagnostic]:
    """E501 for each claim that does not hold."""
    for checked in report.claims:
        if checked.holds is False:
            match checked.claim.subject:
                case "out":
                    yield _output(report, checked)
                case "field":
                    yield _field(report, checked)
                case _:
                    yield _number(report, checked)


def _output(report: Report, checked: Checked) -> Diagnostic:
    """The size formulas of the layer that made the shape."""
    value, claimed = _shape(checked.value), checked.claim.shape or ()
    start = origin(report.graph, report.shapes, *_place(report, checked))
    layer = None if start is None else start.layer
    notes = [
        formula.line()
        for formula in (layer.op.formulas(layer.inputs, layer.output) if layer is not None else ())
        if formula.name.endswith("'") or formula.name == "size"
    ]
    computed = written_shape(value)
    related = () if start is None else (Related(start.span, f"{computed} comes from here"),)
    last = origin(report.graph, report.shapes, *_place(report, checked), _reads_a_point)
    slipped = [one.layer for one in (start, last) if one is not None and one.layer is not None]
    notes.append(of_shape(claimed, value, slipped))
    message = f"expected output {written_shape(claimed)}, found {computed}"
    return _finding(checked, message, notes, f"=> {computed}", related)


def _field(report: Report, checked: Checked) -> Diagnostic:
    """The recurrence of the last layer with a window."""
    value = _shape(checked.value)
    claimed, notes = square(checked.claim, len(value)) or (), []
    start = origin(report.graph, report.shapes, *_place(report, checked), _reads_a_point)
    if start is not None and start.layer is not None:
        layer = start.layer
        before = report.fields.at(start.body, layer.layer.inputs[0])
        if report.fields.at(start.body, start.value) is not None and before is not None:
            lines = recurrence(before, layer.op.window(layer.inputs, layer.output), value)
            notes = [formula.line() for formula in lines]
            notes.append(_slip_of_field(claimed, layer, before))
    message = f"expected field {_limit(checked.claim)}{written_shape(claimed)}, found {written_shape(value)}"
    return _finding(checked, message, notes, f"field {_within(checked.claim)}{written_shape(value)}")


def _slip_of_field(claimed: Shape, layer: Shaped, before: Field) -> str:
    extents = [window.size for window in layer.op.window(layer.inputs, layer.output)]
    if len(extents) != len(before.size):  # this map does not have the axes of the input
        return ""
    axes = [*zip(before.size, extents, before.stride, strict=True)]
    for why, numbers in (
        ("R + (E − 1), without the strides J of the layers before", [R + E - 1 for R, E, _ in axes]),
        ("R + E·J, without the − 1", [R + E * J for R, E, J in axes]),
        ("the window of the last layer alone", extents),
        ("R + E: the windows added up", [R + E for R, E, _ in axes]),
        ("the field of the layer before", before.size),
    ):
        if tuple(numbers) == claimed:
            return f"{written_shape(claimed)} is {why}"
    return ""


def _number(report: Report, checked: Checked) -> Diagnostic:
    """The terms that add up to the number, and the difference from the claimed one."""
    claim, value = checked.claim, checked.value
    assert isinstance(value, int)
    assert claim.number is not None
    body, first, last = stretch(report, checked.body, claim)
    weights = claim.subject in ("params", "trainable")
    layers = parts(report, body, first, last, once=weights)
    others = {
        subject: number if isinstance(number := worth(report, checked.body, claim, subject), int) else None
        for subject in SUBJECTS_OF_STRETCH
    }
    is_depth = claim.subject in ("layers", "weighted")
    made_of = counted(value, layers) if is_depth else terms(claim.subject, layers)
    notes = [*made_of, _difference(claim, value)]
    if claim.subject == "flops":
        notes.insert(0, f"FLOPs = 2·MACs = 2·{value // 2:,} = {value:,}")
    notes.append("" if claim.bound else of_number(claim, value, layers, others))
    message = f"expected {claim.subject} {_limit(claim)}{_written(claim)}, found {value:,}"
    pointed = re.fullmatch(r"[1-9][0-9]{0,2}\.[0-9]{3}", _written(claim))
    commas = f"; commas separate thousands: `{pointed[0].replace('.', ',')}`" if pointed else ""
    return _finding(checked, message, notes, f"{claim.subject} {_within(claim)}{value:,}", more=commas)


def _limit(claim: Claim) -> str:
    return claim.bound and f"{claim.bound} "


def _within(claim: Claim) -> str:
    """The bound, including the limit itself."""
    return claim.bound and f"{claim.bound[0]}= "


def _finding(
    checked: Checked,
    message: str,
    notes: list[str],
    right: str,
    related: tuple[Related, ...] = (),
    more: str = "",
) -> Diagnostic:
    way = f"correct the layer, or the claim: `{right}`{more}"
    note = "\n".join(filter(None, notes))
    return Diagnostic("E501", message, checked.span, related=related, note=note, help=way)


def _place(report: Report, checked: Checked) -> tuple[int, int]:
    """The body and the value that a claim is about."""
    if checked.body is not None:
        return checked.body, checked.claim.value
    return len(report.graph.bodies) - 1, report.graph.root.outputs[0]


def _shape(value: object) -> Shape:
    assert isinstance(value, tuple)
    return value


def _reads_a_point(layer: Shaped) -> bool:
    """Whether the layer leaves the receptive field of the last map unchanged."""
    windows = layer.op.window(layer.inputs, layer.output)
    return layer.op.ends_map or all(window == POINT for window in windows)


def _difference(claim: Claim, value: int) -> str:
    claimed = Fraction(claim.number or 0)
    difference = value - claimed
    if not difference:
        return ""
    sign = "+" if difference > 0 else "−"
    note = f"{value:,} − {_plain(claimed)} = {sign}{_plain(abs(difference))}"
    if claimed:
        note += f" ({sign}{float(abs(difference / claimed)):.2%})"
    return note + ("; ~ allows 5 %" if claim.about else "")


def _written(claim: Claim) -> str:
    """The claimed number as the author wrote it."""
    return claim.text.removeprefix(claim.subject).strip().removeprefix(claim.bound).strip()


def _plain(number: Fraction) -> str:
    return f"{number.numerator:,}" if number.denominator == 1 else f"{float(number):,.3f}"
