"""The specs of a document, checked, with the findings of each fence."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic, Source, Span
from cnnspec.documents.compose import expected
from cnnspec.documents.fence import SpecText
from cnnspec.pipeline import Model, misuse

OPENING = Span(0, 1)
"""The span in a `SpecText` of the line that opens the fence."""

_Place = tuple[str, int, Span]
"""A code and its place: the number of the fence, or 0 for elsewhere in the document."""


class CheckedSpec(NamedTuple):
    """A fence with its models, and each of its findings once. `misused`: the command line does not fit it."""

    spec: SpecText
    models: list[Model]
    findings: tuple[Diagnostic, ...]
    misused: bool


def checked_specs(specs: list[SpecText], models: Callable[[Source], list[Model]]) -> list[CheckedSpec]:
    """Check the fences of a document, each as a spec.

    A fence that others continue from need not be a network by itself: an error in it alone counts only if
    those have it, too. A claim is checked in its own fence, and a finding is reported once. An error that a
    fence has on purpose is not a finding.
    """
    models_of_specs = [models(spec) for spec in specs]
    onward: dict[int, list[set[_Place]]] = {}
    for spec, checked in zip(specs, models_of_specs, strict=True):
        places = {_place(spec, finding) for model in checked for finding in model.findings}
        for fence in spec.before:
            onward.setdefault(id(fence), []).append(places)
    reported: set[_Place] = set()
    return [
        _counted(spec, checked, onward.get(id(spec.fence), []), reported)
        for spec, checked in zip(specs, models_of_specs, strict=True)
    ]


def _place(spec: SpecText, finding: Diagnostic) -> _Place:
    span = OPENING if finding.span == WHOLE_FILE else finding.span
    for fence, part in zip((*spec.before, spec.fence), spec.parts, strict=True):
        if part.start <= span.start < part.end:
            return finding.code, id(fence), Span(span.start - part.start, span.end - part.start)
    return finding.code, 0, spec.written(span)


def _counted(
    spec: SpecText, checked: list[Model], onward: list[set[_Place]], reported: set[_Place]
) -> CheckedSpec:
    """The models of a fence with the findings that count; `reported` gets their places."""
    expected_codes = expected(spec.fence)
    codes: set[str] = set()

    def counts(finding: Diagnostic) -> bool:
        own = finding.span.start >= spec.own.start or finding.span in (WHOLE_FILE, OPENING)
        place = _place(spec, finding)
        if not own and (finding.code == "E501" or place in reported):
            return False
        if finding.code != "E501" and any(place not in there for there in onward):
            return False
        codes.update({finding.code} & {*expected_codes})
        return finding.code not in expected_codes

    models = [one._replace(findings=tuple(map(_at_fence, filter(counts, one.findings)))) for one in checked]
    missing = [code for code in expected_codes if code not in codes]
    if missing:
        models[0] = models[0]._replace(findings=(*models[0].findings, _not_given(spec, missing[0])))
    findings = tuple(dict.fromkeys(finding for model in models for finding in model.findings))
    reported |= {_place(spec, finding) for finding in findings}
    if onward and not findings and checked[0].has_errors:
        models = []  # a part of a network, which is one in the fences that continue from it
    return CheckedSpec(spec, models, findings, misuse(checked[0]))


def _at_fence(finding: Diagnostic) -> Diagnostic:
    """A finding about the whole spec is about its fence; E210 is about the command line."""
    moved = finding.span == WHOLE_FILE and finding.code != "E210"
    return finding._replace(span=OPENING) if moved else finding


def _not_given(spec: SpecText, code: str) -> Diagnostic:
    message = f"this spec is marked as one with {code}, but does not have it"
    way = f"correct error={spec.fence.attributes['error'].value}, or leave it out"
    return Diagnostic("E902", message, OPENING, help=way)
