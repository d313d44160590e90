"""`cnnspec check`: every finding, the layer table, totals and claims."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from cnnspec.cli import FOUND, OK, USAGE
from cnnspec.cli.options import Choice, codes, command, completing
from cnnspec.cli.terminal import Output, err, out, out_json, say, shown
from cnnspec.diagnostics import Diagnostic, Severity, Source
from cnnspec.diagnostics.printable import printable
from cnnspec.diagnostics.suggest import did_you_mean
from cnnspec.files import STDIN, ZOO, document_named, named, read_source, write_whole
from cnnspec.report.columns import COLUMNS, USUAL

if TYPE_CHECKING:
    from cnnspec.pipeline import Model


class Checked(NamedTuple):
    """A file with its models (none if it could not be read), and each of its findings once."""

    source: Source
    models: list[Model]
    findings: tuple[Diagnostic, ...]
    status: int


def _columns(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    added = value is not None and value.startswith("+")
    columns = list(USUAL) if value is None or added else []
    names = {name.lower(): name for name in COLUMNS}
    for word in (value or "").removeprefix("+").split(","):
        word = word.strip().removeprefix("+").lower()
        if word == "all":
            columns += COLUMNS
        elif word in names:
            columns.append(names[word])
        elif word not in ("", "name", "layer"):  # these two are always shown
            near = did_you_mean(word, COLUMNS) or f"expected {', '.join(COLUMNS)}"
            raise click.BadParameter(f"{word!r} is not a column; {near}", context, parameter)
    return tuple(dict.fromkeys(columns))


@command("check", "text", "json", "github")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", shell_complete=completing("specs"))
@click.option("--all", "every", is_flag=True, help="Unfold blocks and repeats: one row per layer.")
@click.option(
    "--fix",
    is_flag=True,
    help="Apply the fixes that keep the meaning of the network, then check the result.",
)
@click.option(
    "--documents", is_flag=True, help="For a folder: also check the documents below it that contain specs."
)
@click.option("--update", is_flag=True, help="Regenerate the generated regions of documents, then check.")
@click.option(
    "--dry-run", is_flag=True, help="With --update: write nothing; exit with status 1 if a region differs."
)
@click.option(
    "--columns",
    metavar="NAMES",
    callback=_columns,
    shell_complete=completing("columns"),
    help=f"The columns of the table, separated by commas: {', '.join(COLUMNS)}, or all; `+memory` adds one "
    f"to the usual ({', '.join(USUAL)}).",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="CODE",
    callback=codes,
    shell_complete=completing("codes"),
    help="Do not report a lint (W203). Repeat the option, or separate codes by commas.",
)
@click.option("--advice", is_flag=True, help="Show all suggestions, not only their number.")
@click.option("--strict", is_flag=True, help="Also exit with status 1 on a warning.")
def check(
    files: tuple[str, ...],
    every: bool,
    fix: bool,
    documents: bool,
    update: bool,
    dry_run: bool,
    columns: tuple[str, ...],
    ignore: frozenset[str],
    advice: bool,
    strict: bool,
    choice: Choice,
    to: Output,
) -> int:
    """Check specs: findings on standard error; the table, totals and claims on standard output.

    FILE is a spec, a folder (all .cnn files below it; --documents: and all documents with specs), `zoo:NAME`,
    `-` for standard input, or a document with specs: Markdown, LaTeX, a notebook (`paper.md#NAME` is one of
    them). One model is shown as a table;
    several models are shown as one line per model. MACs count the multiply-accumulates of conv, dwconv,
    deconv and fc.
    """
    if dry_run and not update:
        raise click.UsageError("--dry-run needs --update")
    status = OK
    checked: list[Checked] = []
    for argument in files:
        pairs, problem = _named(argument, documents)
        if problem is not None:
            checked.append(Checked(Source(argument, ""), [], (problem,), USAGE))
        for path, name in pairs:
            if (fix or update) and (document_named(path) or ("", ""))[1]:
                raise click.UsageError(
                    f"--fix and --update are for whole documents: leave out the # of {path}"
                )
            if fix:
                status = max(status, _fix(path, name, choice, to))
            if document_named(path) is not None:
                if update:
                    checked += _update(path, choice, dry_run)
                checked += _check_document(path, choice, ignore, strict, advice)
            else:
                checked.append(_check(path, name, choice, ignore, strict, advice))
    if to.form == "json":
        _print_json(checked)
    elif to.form == "github":
        _print_github(checked, advice)
    else:
        _print_text(checked, every, columns, advice, to)
    return max([status, *(one.status for one in checked)])


def _named(argument: str, documents: bool) -> tuple[list[tuple[str, str]], Diagnostic | None]:
    """The files of an argument; for a folder, with `documents`, also the documents with specs."""
    pairs, problem = named(argument)
    if os.path.isdir(argument) and (documents or problem is not None):
        from cnnspec.documents.folder import documents_below

        documents_found = documents_below(argument)
        if documents:
            pairs, problem = (
                [*pairs, *((path, path) for path in documents_found)],
                None if documents_found else problem,
            )
        elif documents_found and problem is not None:
            problem = problem._replace(
                help=f"--documents also checks {documents_found[0]}" + ", …" * (len(documents_found) > 1)
            )
    return pairs, problem


def _check(
    path: str, name: str, choice: Choice, ignore: frozenset[str], strict: bool, advice: bool
) -> Checked:
    source, problem = read_source(path, choice.max_bytes, name)
    if problem is not None:
        return Checked(source, [], (problem,), USAGE)

    from cnnspec.pipeline import misuse

    models = choice.models(source, ignore=ignore)
    findings = tuple(dict.fromkeys(finding for model in models for finding in model.findings))
    status = USAGE if misuse(models[0]) else _status(findings, strict, advice)
    return Checked(source, models, findings, status)


def _status(findings: Sequence[Diagnostic], strict: bool, advice: bool) -> int:
    wrong = (
        shown(findings, advice)
        if strict
        else [finding for finding in findings if finding.severity is Severity.ERROR]
    )
    return FOUND if wrong else OK


def _check_document(
    argument: str, choice: Choice, ignore: frozenset[str], strict: bool, advice: bool
) -> list[Checked]:
    """The specs of a document, or the named one, and the findings about the document itself."""
    from cnnspec.documents.checked import checked_specs
    from cnnspec.documents.read import open_document

    opened = open_document(argument, choice.max_bytes)
    name = opened.parts[0].document.source.name
    if opened.problem is not None:
        return [Checked(Source(name, ""), [], (opened.problem,), USAGE)]
    choice = choice._replace(variant=opened.variant or choice.variant)
    checked: list[Checked] = []
    for part in opened.parts:
        if part.findings:
            status = USAGE if part.document.unread else _status(part.findings, strict, advice)
            checked.append(Checked(part.document.source, [], part.findings, status))
        checked += [_check(path, path, choice, ignore, strict, advice) for path in part.files]
    for spec in checked_specs(opened.specs, lambda source: choice.models(source, ignore=ignore)):
        if opened.chosen in (None, spec.spec):
            status = USAGE if spec.misused else _status(spec.findings, strict, advice)
            checked.append(Checked(spec.spec, spec.models, spec.findings, status))
    return checked


def _update(argument: str, choice: Choice, dry_run: bool) -> list[Checked]:
    """Regenerate the regions of a document; returns the findings and, with `dry_run`, the differences."""
    from cnnspec.cli.update import update_document

    source, findings, changed, problem = update_document(argument, choice, dry_run)
    if problem is not None:
        return [Checked(Source(problem[0], ""), [], (problem[1],), USAGE)]
    if changed:
        err(f"{printable(source.name)}: {changed} {'region' if changed == 1 else 'regions'} updated\n")
    return [Checked(source, [], findings, FOUND)] if findings else []


MOST_ROUNDS = 10


def _fix(path: str, name: str, choice: Choice, to: Output) -> int:
    """Apply the safe fixes to a file until there are no more; the check that follows reports the rest."""
    if path == STDIN or name.startswith(ZOO):
        raise click.UsageError(f"--fix cannot write to {name}")
    document = document_named(path) is not None
    before, after, edits = (_fixed_document if document else _fixed)(path, name, choice)
    if after == before:
        return OK  # also if the file cannot be read: the check reports it
    if document:
        from cnnspec.documents.write import write_document

        problem = write_document(path, after)
    else:
        problem = write_whole(path, after, force=True)
    if problem is not None:
        return to.refuse(name, problem)
    err(f"{printable(name)}: {edits} {'fix' if edits == 1 else 'fixes'} applied\n")
    return OK


def _fixed(path: str, name: str, choice: Choice) -> tuple[str, str, int]:
    """The text of a spec, the text after its fixes, and the number of fixes."""
    from cnnspec.pipeline import apply_fixes

    source, problem = read_source(path, choice.max_bytes, name)
    text, edits = source.text, 0
    for _ in range(MOST_ROUNDS if problem is None else 0):
        findings = dict.fromkeys(finding for model in choice.models(source) for finding in model.findings)
        fixed, count = apply_fixes(source, tuple(findings))
        if fixed == source.text:
            break
        source, edits = Source(name, fixed), edits + count
    return text, source.text, edits


def _fixed_document(path: str, name: str, choice: Choice) -> tuple[str, str, int]:
    """The same of a document."""
    from cnnspec.documents.read import document_of, read_document
    from cnnspec.documents.write import fixed

    document = read_document(path, choice.max_bytes)
    before, edits = document.source.text, 0
    for _ in range(MOST_ROUNDS):
        text, count = fixed(document, choice.models)
        if text == document.source.text:
            break
        document, edits = document_of(Source(document.source.name, text)), edits + count
    return before, document.source.text, edits


def _print_text(
    checked: list[Checked], every: bool, columns: tuple[str, ...], advice: bool, to: Output
) -> None:
    """Findings, then the table of the only model, or one line per model."""
    from cnnspec.report.summary import network_table, outcome, overview

    left_out = 0
    for one in checked:
        seen = shown(one.findings, advice)
        left_out += len(one.findings) - len(seen) if one.status != USAGE else 0
        to.findings(seen, one.source)
    models = [model for one in checked for model in one.models]
    shown_models = [model for one in checked if one.status != USAGE for model in one.models]
    if len(checked) == len(shown_models) == 1:
        to.show(network_table(shown_models[0], every, columns))
    elif shown_models:  # not a model that is another one than the command asks for
        to.show([overview(shown_models, columns)])
    say(outcome(models, [finding for one in checked for finding in one.findings], left_out))


def _print_json(checked: list[Checked]) -> None:
    from cnnspec import __version__
    from cnnspec.report.entries import document_text, model_entry, unreadable_entry

    entries = (
        entry
        for one in checked
        for entry in (
            map(model_entry, one.models)
            if one.models
            else [unreadable_entry(one.source, finding) for finding in one.findings]
        )
    )
    for text in document_text(entries, __version__):
        out_json(text)


def _print_github(checked: list[Checked], advice: bool) -> None:
    from cnnspec.diagnostics.github import render_github

    for one in checked:
        for finding in shown(one.findings, advice):
            out(render_github(finding, one.source))
