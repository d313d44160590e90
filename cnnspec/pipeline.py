"""From a text to its checked models: parse, elaborate, analyse, each stage on the result of the one before.

Every command and the Python API go through here. A file with variants has one `Model` per variant.
"""

from __future__ import annotations

import os
import re
from bisect import bisect
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic, Edit, Severity, Sink, Source, Span
from cnnspec.elaborate.limits import Limits, Request, Spent

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report
    from cnnspec.elaborate.sizes import Try
    from cnnspec.ir.graph import Graph
    from cnnspec.language.tree import File

NO_SETTINGS: Mapping[str, str] = {}
DEFAULT_LIMITS = Limits()
NO_CODES: frozenset[str] = frozenset()


class Model(NamedTuple):
    """One model of a spec: the network, the results of the analyses, and the findings, in the order of the
    text.

    `graph` and `report` are None if nothing could be evaluated at all. `source` is a translation if the spec
    is in another tool's notation; the findings are about the text as `written`.
    """

    source: Source
    file: File
    variant: str | None
    settings: Mapping[str, str]
    graph: Graph | None
    report: Report | None
    findings: tuple[Diagnostic, ...]
    rewritten: bool = False

    @property
    def written(self) -> Source:
        """The original text."""
        return self.source.original if self.rewritten else self.source

    @property
    def has_errors(self) -> bool:
        """Whether a finding is an error; a claim that does not hold is one too (E501)."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def buildable(self) -> bool:
        """Whether a program can be written: errors stop a build, claims that fail don't, unless the network
        fits only with the shapes that they claim (it has no templates then).
        """
        return (
            self.graph is not None
            and bool(self.graph.templates)
            and not any(
                finding.severity is Severity.ERROR and finding.code != "E501" for finding in self.findings
            )
        )


def models(
    source: Source,
    *,
    variant: str | None = None,
    settings: Mapping[str, str] = NO_SETTINGS,
    limits: Limits = DEFAULT_LIMITS,
    ignore: frozenset[str] = NO_CODES,
    first: bool = False,
    lints: bool = True,
) -> list[Model]:
    """Check every model of a spec: `variant`, or all variants, or (`first`) the first of them. Without
    `lints`, only errors are reported. Parts in another tool's notation are translated and then checked.
    """
    from cnnspec.language import parse

    def checked(source: Source) -> list[Model]:
        parsing = Sink()
        request = Request(parse(source, parsing), source, variant, settings, limits)
        return _models(request, parsing, ignore, first, lints)

    results = checked(source)
    if any(_MEANT_OTHERWISE.match(finding.code) for finding in results[0].findings):
        from cnnspec.pasted import rewritten, together

        if (rewriting := rewritten(source, results[0].findings)) is not None:
            results = checked(rewriting.source)
            results = [
                result._replace(
                    findings=tuple(together(rewriting, result.findings, result.report)), rewritten=True
                )
                for result in results
            ]
    if any(result.has_errors for result in results):
        from cnnspec.one_mistake import once

        results = [result._replace(findings=once(result.findings, source)) for result in results]
    return results


_MEANT_OTHERWISE = re.compile("E1|E20")
"""Findings of a text that may be in another tool's notation."""


def _models(request: Request, parsing: Sink, ignore: frozenset[str], first: bool, lints: bool) -> list[Model]:
    from cnnspec.elaborate import variants

    file, variant = request.file, request.variant
    names: list[str | None] = [variant] if variant is not None else [*variants(file)] or [None]
    if first:
        names = names[:1]
    if lints:
        from cnnspec.analyses.lints.text import lint_text

        for finding in lint_text(file, request.source):
            parsing.add(finding)
    spent = Spent()
    models_: list[Model] = []
    for name in names:
        models_.append(_model(request._replace(variant=name), parsing, spent, ignore, lints))
        if spent.work > request.limits.work:
            break  # already reported; the other variants would give the same finding
    return models_


def _model(request: Request, parsing: Sink, spent: Spent, ignore: frozenset[str], lints: bool) -> Model:
    from cnnspec.analyses.report import analyse
    from cnnspec.analyses.weights import too_many_weights
    from cnnspec.elaborate import elaborate, trier

    file, source, variant, settings, limits = request
    sink = Sink()
    for finding in parsing:
        sink.add(finding)
    consequent: set[Span] = set()
    graph = elaborate(request, sink, spent, consequent)
    report = None
    if graph is not None:
        guessed = any(one.code in ("E101", "E105") and not one.safe for one in parsing)
        report = analyse(graph, not _set_otherwise(file, variant, sink), guessed)
        attempt = trier(request)
        for finding in report.findings if lints else report.failures:
            if finding.code == "E501" and finding.span in consequent:
                continue
            sink.add(_with_input(finding, report, attempt) if finding.code == "E501" else finding)
        over = too_many_weights(graph, report.weights, limits.weights)
        if over is not None:
            sink.add(over)
    switched_off = _switched_off(file, source)
    findings = [
        finding
        for finding in sink
        if finding.severity is Severity.ERROR
        or finding.code not in ignore | switched_off.get(source.position(finding.span.start).line, NO_CODES)
    ]
    if any(one.severity is Severity.ERROR for one in findings):
        from cnnspec.one_mistake import by_cause

        findings = by_cause(findings, file)
    return Model(source, file, variant, settings, graph, report, tuple(findings))


def _with_input(finding: Diagnostic, report: Report, attempt: Try) -> Diagnostic:
    """The first failed claim about a shape, with an input for which it holds."""
    from cnnspec.elaborate.sizes import input_for_claim

    failed = (one.claim for one in report.claims if one.holds is False and one.claim.subject == "out")
    claim, shape = next(failed, None), report.graph.root.values[0]
    if claim is None or claim.span != finding.span or claim.shape is None or claim.bound or shape is None:
        return finding
    if len(report.graph.inputs) > 1:
        return finding
    way = input_for_claim(attempt, shape, finding.span, claim.shape)
    return finding._replace(help=f"{finding.help}; {way}") if way else finding


def _set_otherwise(file: File, variant: str | None, sink: Sink) -> bool:
    """Whether a knob of this variant, or of the command line, could not be set (E210)."""
    unset = [finding.span for finding in sink if finding.code == "E210"]
    if not unset:
        return False
    from cnnspec.language import tree
    from cnnspec.one_mistake import within

    places = [WHOLE_FILE]
    places += [
        statement.span
        for statement in file.statements
        if isinstance(statement, tree.Variant) and statement.name == variant
    ]
    return any(within(span, place) for span in unset for place in places)


_FOLDERS = os.listdir(os.path.join(os.path.dirname(__file__), "targets"))
TARGETS = tuple(sorted(name for name in _FOLDERS if name.isidentifier() and not name.startswith("_")))
"""The folders of `cnnspec/targets/`, each a target."""


def program(graph: Graph, target: str, *, fold_bn: bool = False) -> str | tuple[Diagnostic, ...]:
    """The text of a network's program, or the findings that say why this target cannot express it. `fold_bn`:
    the form for inference that the torch target has, with batch norm folded into the convolutions.
    """
    from importlib import import_module

    if target not in TARGETS:
        raise ValueError(f"there is no target {target!r}; there are {', '.join(TARGETS)}")
    options = {"fold_bn": True} if fold_bn else {}
    text = import_module(f"cnnspec.targets.{target}").emit(graph, **options)
    return text if isinstance(text, str) else tuple(text)


def misuse(model: Model) -> bool:
    """Whether the error is in the command line, not in the spec: it names a variant or a knob that the spec
    does not have, or a knob without a value."""
    return any(finding.code == "E210" and finding.span == WHOLE_FILE for finding in model.findings)


def _switched_off(file: File, source: Source) -> dict[int, frozenset[str]]:
    """`# lint: off W203 W204` on a line: the codes switched off there, by line."""
    from cnnspec.analyses.lints.text import switched_off

    return {
        source.position(comment.span.start).line: frozenset(codes)
        for comment in file.comments
        if (codes := switched_off(comment))
    }


def apply_fixes(source: Source, findings: tuple[Diagnostic, ...]) -> tuple[str, int]:
    """The text after its safe fixes, and their number; of two overlapping fixes, only the first is
    applied."""
    edits: list[Edit] = []
    edit_count = 0
    for finding in findings:
        fix = sorted(finding.fix)
        if not fix or not finding.safe or any(map(partial(_overlaps, edits), fix)):
            continue
        edit_count += 1
        edits = sorted([*edits, *fix])
    text = source.text
    for span, replacement in reversed(edits):
        text = text[: span.start] + replacement + text[span.end :]
    return text, edit_count


def _overlaps(edits: list[Edit], edit: Edit) -> bool:
    """Whether an edit overlaps one of the sorted edits."""
    at = bisect(edits, edit)
    before, after = edits[max(0, at - 1) : at], edits[at : at + 1]
    return any(edit.span.start < one.span.end for one in before) or any(
        one.span.start < edit.span.end for one in after
    )
