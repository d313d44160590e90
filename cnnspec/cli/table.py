"""`cnnspec table`: the network as a table of a paper."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cnnspec.cli import FOUND, OK, USAGE
from cnnspec.cli.options import Choice, command, completing, form_of
from cnnspec.cli.terminal import Output, out, say
from cnnspec.diagnostics import Diagnostic, Severity, Source
from cnnspec.diagnostics.printable import printable
from cnnspec.documents.read import read_spec
from cnnspec.drawing.table import FORMATS, LAYOUTS, SINGLE
from cnnspec.files import STDIN, document_named, named, read_one, write_whole

if TYPE_CHECKING:
    from cnnspec.drawing.table.networks import Network
    from cnnspec.pipeline import Model


ENDINGS = {
    ".md": "markdown", ".tex": "latex", ".html": "html", ".csv": "csv", ".typ": "typst", ".json": "json",
}  # fmt: skip


OWN = {"vgg": ("rows", "columns"), "densenet": ("rows",)}
"""Options that cannot be combined with a layout."""


class Selection(NamedTuple):
    """The chosen networks, the files that contain them, and the findings about these."""

    networks: list[Network]
    paths: list[str]
    findings: list[tuple[Source, Diagnostic]]
    status: int


def _names(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    if not names:
        raise click.BadParameter("expected names, separated by commas", context, parameter)
    return names


@command("table", *FORMATS, chosen=True)
@click.argument("files", nargs=-1, required=True, metavar="FILE…", shell_complete=completing("specs"))
@click.option(
    "--like",
    type=click.Choice(LAYOUTS),
    help="The layout of a famous paper's table; the other options change it.",
)
@click.option(
    "--rows",
    type=click.Choice(("line", "size", "stage", "layer")),
    help="One row per line of the spec, size of the maps, stage (a block, repeat or label), or layer.",
)
@click.option(
    "--columns",
    metavar="NAMES",
    callback=_names,
    shell_complete=completing("table_columns"),
    help="Columns, separated by commas: name, layer, operator, kernel, stride, channels, repeats, input, "
    "output, weights, MACs, depth, field, or a parameter of a block.",
)
@click.option(
    "--variants",
    metavar="NAMES",
    callback=_names,
    shell_complete=completing("variants"),
    help="Variants, separated by commas, or all: one column each.",
)
@click.option(
    "--cells",
    type=click.Choice(("bracket", "stack", "call")),
    help="How a block is shown: in brackets, its layers one below another, or as a call.",
)
@click.option("--shape", type=click.Choice(("CxHxW", "HxWxC", "HxW")), help="How a shape is written.")
@click.option("--numbers", type=click.Choice(("exact", "short")), help="25,557,032, or 25.6M.")
@click.option("-o", "--output", metavar="OUT", help="The file to write; default: standard output.")
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
def table(
    files: tuple[str, ...],
    variants: tuple[str, ...] | None,
    output: str | None,
    force: bool,
    choice: Choice,
    to: Output,
    **how: Any,
) -> int:
    """Print a network as the table of a paper.

    FILE is a spec, `zoo:NAME`, or `-` for standard input; `#NAME` after it chooses a variant. One network
    gives a table of its layers; several (files or variants) are one column each. --like resnet, vgg and
    densenet have all variants as columns, the other layouts one table per network. The ending of OUT chooses
    the format (.md, .tex, .html, .csv, .typ, .json), unless --format is given; default: Markdown.

    \b
    cnnspec table zoo:resnet --like resnet --variants ResNet18,ResNet50
    cnnspec table zoo:mobilenet_v2 --like mobilenet --format latex -o table.tex
    """
    from cnnspec.drawing.table import tables
    from cnnspec.drawing.table.formats import written
    from cnnspec.drawing.table.networks import TableOptions

    options = TableOptions(**how)
    for name in OWN.get(options.like or "", ()):
        if getattr(options, name) is not None:
            raise click.UsageError(f"--like {options.like} has {name} of its own; leave out --{name}")
    selection = _selection(files, variants, choice, options.like)
    if selection.status:
        return _refuse(selection.findings, selection.status, to)
    grids = tables(selection.networks, options)
    if isinstance(grids, Diagnostic):
        return _refuse([(selection.networks[0].source, grids)], FOUND, to)
    destination = None if output in (None, STDIN) else output
    text = written(grids, form_of(to.form, destination, ENDINGS, FORMATS[0]))
    if destination is None:
        out(text)
        return OK
    problem = write_whole(destination, text, force=force, inputs=tuple(selection.paths))
    if problem is not None:
        return to.refuse(destination, problem)
    say(f"{printable(destination)}: written\n")
    return OK


def _refuse(findings: list[tuple[Source, Diagnostic]], status: int, to: Output) -> int:
    """Report why there is no table."""
    from cnnspec.diagnostics.as_json import as_json

    for source, finding in findings:
        to.findings([finding], source, always=to.form != "json")
    to.document({"tables": [], "diagnostics": [as_json(finding, source) for source, finding in findings]})
    return status


def _selection(
    files: tuple[str, ...], variants: tuple[str, ...] | None, choice: Choice, like: str | None
) -> Selection:
    """The networks of all files."""
    from cnnspec.drawing.table.networks import Network

    selection = Selection([], [], [], OK)
    models: list[tuple[str, Model]] = []
    for argument in files:
        place, source, problem, variant = _read(argument, choice.max_bytes)
        selection.paths.append(place)
        if problem is not None:
            return selection._replace(findings=[(source, problem)], status=USAGE)
        names = (variant,) if variant else variants
        every = names == ("all",) or (names is None and like is not None and like not in SINGLE)
        models += [(source.name, one) for one in _models(source, names, every, choice)]
    status, errors = _errors(models)
    if status:
        return selection._replace(findings=errors, status=status)
    labels = [model.graph.name for _, model in models if model.graph is not None]
    for (name, model), label in zip(models, labels, strict=True):
        assert model.report is not None
        unique = label if labels.count(label) == 1 else f"{label} ({name})"
        selection.networks.append(Network(unique, model.report, model.source))
    return selection


def _read(argument: str, limit: int) -> tuple[str, Source, Diagnostic | None, str | None]:
    """A spec, or that of a document, and the variant that is named."""
    document = document_named(argument)
    if document is not None and os.path.exists(document[0]):
        return read_spec(argument, limit)
    path, _, variant = (argument, "", "") if os.path.exists(argument) else argument.partition("#")
    return *read_one(path, named(path), limit), variant


def _models(source: Source, names: tuple[str, ...] | None, every: bool, choice: Choice) -> list[Model]:
    if every:
        return choice.models(source, lints=False)
    if names is None:
        return choice.models(source, first=True, lints=False)
    return [model for name in names for model in choice._replace(variant=name).models(source, lints=False)]


def _errors(models: list[tuple[str, Model]]) -> tuple[int, list[tuple[Source, Diagnostic]]]:
    """The exit status, and the errors of all models; a claim that fails changes no table."""
    from cnnspec.pipeline import misuse

    errors = dict.fromkeys(
        (model.source, finding)
        for _, model in models
        for finding in model.findings
        if finding.severity is Severity.ERROR and finding.code != "E501"
    )
    if any(misuse(model) for _, model in models):
        return USAGE, list(errors)
    return (FOUND if errors else OK), list(errors)
