"""`cnnspec diff`: what changed between two networks."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from cnnspec.cli import FOUND, OK, USAGE
from cnnspec.cli.options import Choice, command, completing
from cnnspec.cli.terminal import Output, out, say
from cnnspec.diagnostics import Diagnostic, Severity, Source
from cnnspec.documents.read import most_bytes, read_spec, spec_of
from cnnspec.files import ZOO, document_named, named, read_one

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report
    from cnnspec.pipeline import Model


class Compared(NamedTuple):
    """One of the two specs: its models, or the findings about it."""

    source: Source
    models: list[Model]
    findings: list[Diagnostic]
    status: int


@command("diff", "text", "markdown", "json")
@click.argument("before", metavar="A", shell_complete=completing("specs"))
@click.argument("after", metavar="B", shell_complete=completing("specs"))
def diff(before: str, after: str, choice: Choice, to: Output) -> int:
    """Show which layers were added, removed or changed from A to B, and what that costs.

    A and B are specs: a file, `zoo:NAME`, a file or a document of a git revision (`HEAD~1:model.cnn`,
    `HEAD~1:paper.md#Ours`), or `-`. `#NAME` after it chooses a variant (`zoo:resnet#ResNet50`); without it,
    all variants that both have are compared, or else the first ones. Layers are matched by structure, not by
    line.

    \b
    cnnspec diff zoo:resnet#ResNet50 zoo:resnext#ResNeXt50_32x4d
    cnnspec diff HEAD:model.cnn model.cnn
    """
    specs = [_opened(argument, choice) for argument in (before, after)]
    for spec in specs:
        to.findings(spec.findings, spec.source, always=True)
    status = max(spec.status for spec in specs)
    if status:
        return status
    from cnnspec.report.changes import difference

    differences = [difference(*map(_report, pair)) for pair in _pairs(*(spec.models for spec in specs))]
    to.document(
        {"files": [spec.source.name for spec in specs], "models": [one.as_json() for one in differences]}
    )
    if to.form == "markdown":
        out("\n".join(one.markdown() for one in differences))
    elif to.form == "text":
        say("\n".join(one.text(to.colored(sys.stdout)) for one in differences))
    return OK


def _opened(argument: str, choice: Choice) -> Compared:
    source, problem, variant = _read(argument, choice.max_bytes)
    if problem is not None:
        return Compared(source, [], [problem], USAGE)
    from cnnspec.pipeline import misuse

    models = choice._replace(variant=variant or choice.variant).models(source, lints=False)
    errors = dict.fromkeys(
        finding
        for model in models
        for finding in model.findings
        if finding.severity is Severity.ERROR and finding.code != "E501"
    )
    status = USAGE if misuse(models[0]) else FOUND if errors else OK
    return Compared(source, models, list(errors), status)


def _read(argument: str, limit: int) -> tuple[Source, Diagnostic | None, str | None]:
    """A file, a spec of a document, or a file of a git revision; and the variant that is named."""
    document = document_named(argument)
    if document is not None and os.path.exists(document[0]):
        return read_spec(argument, limit)[1:]
    path, _, variant = (argument, "", "") if os.path.exists(argument) else argument.partition("#")
    if ":" in path and not path.startswith(ZOO) and not os.path.exists(path):
        from cnnspec.cli.revision import read_revision

        if document is not None:
            source, problem = read_revision(path, most_bytes(path, limit))
            return (source, problem, None) if problem else spec_of(argument, source)[1:]
        return *read_revision(path, limit), variant
    return *read_one(path, named(path), limit)[1:], variant


def _pairs(before: list[Model], after: list[Model]) -> list[tuple[Model, Model]]:
    """The models to compare: the variants that both have; else the first of each."""
    if len(before) == len(after) == 1:
        return [(before[0], after[0])]
    earlier = {model.variant: model for model in before}
    both = [(earlier[model.variant], model) for model in after if model.variant in earlier]
    return both or [(before[0], after[0])]


def _report(model: Model) -> Report:
    assert model.report is not None
    return model.report
