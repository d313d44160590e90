"""E501: what is reported of a claim that does not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from cnnspec.analyses.claims import Checked, square
from cnnspec.analyses.shapes import origin
from cnnspec.diagnostics import Diagnostic, Related
from cnnspec.ir.graph import Claim
from cnnspec.ops.base import written_shape

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


def failed_claims(report: Report) -> Iterator[Diagnostic]:
    """E501 for each claim that does not hold: what it is, what is claimed, the difference; for a shape also
    the line that it came from.
    """
    for checked in report.claims:
        if checked.holds is not False or checked.value is None:
            continue
        message, note = _told(checked)
        related = _related(report, checked)
        yield Diagnostic("E501", message, checked.span, related=related, note=note, help=_help(checked))


def _told(checked: Checked) -> tuple[str, str]:
    claim, value = checked.claim, checked.value
    if isinstance(value, tuple):
        claimed = written_shape(square(claim) or () if claim.subject == "field" else claim.shape or ())
        what = "the receptive field is" if claim.subject == "field" else "what comes out is"
        return f"{what} {written_shape(value)}, not {claimed}", ""
    assert isinstance(value, int)
    assert claim.number is not None
    claimed_number = Fraction(claim.number)
    difference = value - claimed_number
    message = f"{claim.subject}: it is {value:,}, not {_written(claim)}"
    sign = "+" if difference > 0 else "−"
    note = f"{value:,} − {_plain(claimed_number)} = {sign}{_plain(abs(difference))}"
    if claimed_number:
        note += f" ({sign}{float(abs(difference / claimed_number)):.2%})"
    if claim.about:
        note += "; ~ allows 5 %"
    return message, note


def _written(claim: Claim) -> str:
    """The claimed number as the author wrote it."""
    return claim.text.removeprefix(claim.subject).strip()


def _plain(number: Fraction) -> str:
    return f"{number.numerator:,}" if number.denominator == 1 else f"{float(number):,.3f}"


def _related(report: Report, checked: Checked) -> tuple[Related, ...]:
    """The step that made the size, where that is another place than the line of the claim."""
    if checked.claim.subject != "out" or not isinstance(checked.value, tuple):
        return ()
    graph = report.graph
    body = len(graph.bodies) - 1 if checked.body is None else checked.body
    value = graph.root.outputs[0] if checked.body is None else checked.claim.value
    span = origin(graph, body, value)
    return () if span is None else (Related(span, f"{written_shape(checked.value)} comes from here"),)


def _help(checked: Checked) -> str:
    """How the claim would be right."""
    claim, value = checked.claim, checked.value
    if isinstance(value, tuple):
        right = written_shape(value)
        return (
            f"`=> {right}` would hold" if claim.subject == "out" else f"`{claim.subject} {right}` would hold"
        )
    pointed = re.fullmatch(r"[1-9][0-9]{0,2}\.[0-9]{3}", _written(claim))
    parted = f"; commas part thousands, `{pointed[0].replace('.', ',')}`" if pointed else ""
    return f"`{claim.subject} {value:,}` would hold{parted}"
