"""Claims: the author's statements about the network, compared with the computed values.

A claim holds to the precision with which it is written: `params 0.27M` holds for 269,722, rounded or
truncated to the digits written; `params 269,722` only for that number; `~8.8M` within 5 %. A bound, `params <
100k`, is exact. A vector of N numbers equals an Nx1x1 map. An unknown value (because of an earlier error) is
not checked, and neither are totals where a line could not be read for certain. Under `--set`, or where a
top-level `let` could not be set, nothing is checked: claims are about the network with its author's
numbers."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cnnspec.analyses.shapes import made
from cnnspec.diagnostics import Span
from cnnspec.ir.graph import Claim
from cnnspec.ops.base import Shape

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report

Value: TypeAlias = int | Shape | None

ABOUT = Fraction(5, 100)
"""The largest relative difference from a number written with `~`."""
BOUNDS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Checked(NamedTuple):
    """A claim and the computed value. `holds` is None where the claim was not checked, `value` is None where
    the value is unknown. `body` is the body that contains the claim, None for claims of the file (`expect`, a
    variant)."""

    claim: Claim
    body: int | None
    value: Value
    holds: bool | None

    @property
    def text(self) -> str:
        return self.claim.text

    @property
    def span(self) -> Span:
        return self.claim.span


def check_claims(report: Report) -> tuple[Checked, ...]:
    """All claims of a network, in the order of the text. A claim in a block appears once if it has the same
    result in all uses of the block."""
    results: dict[tuple[Span, str, Value], Checked] = {}
    free = bool(report.graph.settings) or not report.judged
    for body, claim in _all(report):
        value = worth(report, body, claim)
        unchecked = free or (report.guessed and body is None)
        holds = None if value is None or unchecked else fits(claim, value)
        results.setdefault((claim.span, claim.subject, value), Checked(claim, body, value, holds))
    return tuple(sorted(results.values(), key=lambda checked: checked.span))


def _all(report: Report) -> Iterator[tuple[int | None, Claim]]:
    for claim in report.graph.claims:
        yield None, claim
    for number, body in enumerate(report.graph.bodies):
        for claim in body.claims:
            yield number, claim


SUBJECTS_OF_STRETCH = ("params", "trainable", "macs", "connections", "layers", "weighted")


def stretch(report: Report, body: int | None, claim: Claim) -> tuple[int, int, int]:
    """The steps that a claim is about, as a body and a range of its steps: those of the claim's line, or
    those of the whole model."""
    if body is None:
        return len(report.graph.bodies) - 1, 0, len(report.graph.root.steps)
    return body, claim.first, claim.last


def worth(report: Report, body: int | None, claim: Claim, subject: str | None = None) -> Value:
    """The computed value of a claim's subject; with `subject`, of another subject for the same steps."""
    graph = report.graph
    body_, first, last = stretch(report, body, claim)
    value = graph.root.outputs[0] if body is None else claim.value
    match subject or claim.subject:
        case "out":
            return made(graph, report.shapes, body_, value)
        case "field":
            field = report.fields.total if body is None else report.fields.at(body_, value, last_map=True)
            return None if field is None else field.size
        case "params" | "trainable" as weights:
            tally = report.weights.stretch(body_, first, last)
            return None if tally is None else getattr(tally, weights)
        case "macs":
            return report.macs.stretch(body_, first, last)
        case "flops":
            macs = report.macs.stretch(body_, first, last)
            return None if macs is None else 2 * macs
        case "memory":
            return report.totals.peak_memory
        case "connections":
            return report.connections.stretch(body_, first, last)
        case "weighted":
            return report.weighted.stretch(body_, first, last)
        case "layers":
            if report.weighted.stretch(body_, first, last) is None:  # a hole may hide layers and paths
                return None
            return report.depth.total if body is None else report.depth.stretch(body_, first, last, value)
    return None


def fits(claim: Claim, value: int | Shape) -> bool:
    """Whether the claim holds."""
    if isinstance(value, tuple):
        claimed = square(claim, len(value)) if claim.subject == "field" else claim.shape
        if claim.bound and claimed is not None:
            return len(value) == len(claimed) and all(map(BOUNDS[claim.bound], value, claimed))
        if claim.subject == "field":
            return value == claimed
        return claim.shape is not None and _squeezed(value) == _squeezed(claim.shape)
    if claim.number is None:
        return False
    if claim.bound:
        return bool(BOUNDS[claim.bound](value, Fraction(claim.number)))
    return holds(Fraction(claim.number), Fraction(claim.step), claim.about, value)


def holds(claimed: Fraction, step: Fraction, about: bool, value: int) -> bool:
    """Whether a value agrees with a claimed number to the precision written: `step` is the value of one unit
    of the last digit."""
    if about:
        return abs(value - claimed) <= ABOUT * abs(claimed)
    return abs(value - claimed) * 2 <= step or claimed <= value < claimed + step


def _squeezed(shape: Shape) -> Shape:
    """Nx1x1 and N are the same N numbers."""
    return shape[:1] if set(shape[1:]) == {1} else shape


def square(claim: Claim, axes: int) -> Shape | None:
    """`field 5` means `field 5x5` on a map."""
    if claim.number is not None:
        size = Fraction(claim.number)
        return (size.numerator,) * axes if size.denominator == 1 else None
    return claim.shape * axes if claim.shape is not None and len(claim.shape) == 1 else claim.shape
