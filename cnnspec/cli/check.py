"""`cnnspec check`: every finding, the layer table, totals and claims."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cnnspec.cli import FOUND, OK, USAGE
from cnnspec.cli.findings import show_findings
from cnnspec.cli.options import Choice, chosen, color_option, format_option, lint_options, model_options
from cnnspec.cli.terminal import err, out, out_json
from cnnspec.diagnostics import Diagnostic, Severity, Source
from cnnspec.files import STDIN, ZOO, named, read_source, write_whole

if TYPE_CHECKING:
    from cnnspec.pipeline import Model


class Checked(NamedTuple):
    """A file with its models, or (`unread`) why there are none: it could not be read, or was asked for what
    it has not."""

    source: Source
    models: list[Model]
    unread: Diagnostic | None = None


@click.command("check", short_help="every finding, the layer table, totals and claims")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--all", "every", is_flag=True, help="Unfold blocks and repeats: a row a layer.")
@click.option(
    "--fix",
    is_flag=True,
    help="Apply the fixes that keep the network's meaning, and check what is then there.",
)
@model_options
@lint_options
@format_option("text", "json", "github")
@color_option
def command(
    files: tuple[str, ...],
    every: bool,
    fix: bool,
    ignore: frozenset[str],
    advice: bool,
    strict: bool,
    form: str,
    color: str,
    **options: Any,
) -> int:
    """Check specs: findings on standard error, the table, totals and claims on standard output.

    FILE may be a folder (every .cnn below it), `zoo:NAME`, or `-` for standard input. One model has its
    table; several have a line each. MACs count the multiply-accumulates of conv, dwconv, deconv and fc.
    """
    choice = chosen(options)
    status = OK
    checked: list[Checked] = []
    for argument in files:
        pairs, problem = named(argument)
        if problem is not None:
            checked.append(Checked(Source(argument, ""), [], problem))
            status = USAGE
        for path, name in pairs:
            if fix:
                status = max(status, _fix(path, name, choice, color))
            one, its_status = _check(path, name, choice, ignore, advice, strict)
            checked.append(one)
            status = max(status, its_status)
    if form == "json":
        _print_json(checked)
    elif form == "github":
        _print_github(checked, advice)
    else:
        _print_text(checked, every, advice, color)
    return status


def _check(
    path: str, name: str, choice: Choice, ignore: frozenset[str], advice: bool, strict: bool
) -> tuple[Checked, int]:
    from cnnspec.pipeline import misuse, models

    source, problem = read_source(path, choice.max_bytes, name)
    if problem is not None:
        return Checked(source, [], problem), USAGE
    found = models(
        source, variant=choice.variant, settings=choice.settings, limits=choice.limits, ignore=ignore
    )
    if misuse(found[0]):
        return Checked(source, found), USAGE
    told = (
        (Severity.ERROR, Severity.WARNING, Severity.ADVICE) if advice else (Severity.ERROR, Severity.WARNING)
    )
    counting = told if strict else (Severity.ERROR,)
    wrong = any(finding.severity in counting for model in found for finding in model.findings)
    return Checked(source, found), FOUND if wrong else OK


def _fix(path: str, name: str, choice: Choice, color: str) -> int:
    """Apply the safe fixes to a file, as often as they bring up new ones; what is left is told by the check
    after."""
    if path == STDIN or name.startswith(ZOO):
        raise click.UsageError(f"--fix cannot write to {name}")
    from cnnspec.pipeline import apply_fixes, models

    made = 0
    source, problem = read_source(path, choice.max_bytes, name)
    before = source.text
    for _ in range(MOST_ROUNDS):
        if problem is not None:
            return OK  # the check tells
        found = models(source, variant=choice.variant, settings=choice.settings, limits=choice.limits)
        text, count = apply_fixes(source, tuple({f: None for model in found for f in model.findings}))
        if not count or text == source.text:
            break
        made += count
        source = Source(source.name, text)
    if source.text != before:
        problem = write_whole(path, source.text, force=True)
        if problem is not None:
            show_findings([problem], Source(name, ""), color)
            return USAGE
        from cnnspec.diagnostics.printable import printable

        err(f"{printable(name)}: {made} {'fix' if made == 1 else 'fixes'} applied\n")
    return OK


MOST_ROUNDS = 10


def _print_text(checked: list[Checked], every: bool, advice: bool, color: str) -> None:
    """Findings, then the table of the only model, or a line for each of several."""
    from cnnspec.cli.drawn import show
    from cnnspec.report.summary import network_table, outcome, overview

    left_out = 0
    for one in checked:
        if one.unread is not None:
            show_findings([one.unread], one.source, color)
        left_out += show_findings(_findings(one), one.source, color, advice=advice)
    models = [model for one in checked for model in one.models]
    if len(checked) == len(models) == 1:
        show(network_table(models[0], every), color)
    elif models:
        show([overview(models)], color)
    show([outcome(models, left_out)], color)


def _findings(one: Checked) -> Iterable[Diagnostic]:
    """Of all models of a file, each finding once."""
    return dict.fromkeys(finding for model in one.models for finding in model.findings)


def _print_json(checked: list[Checked]) -> None:
    from cnnspec import __version__
    from cnnspec.report.entries import document_text, model_entry, unreadable_entry

    entries = (
        entry
        for one in checked
        for entry in (
            [unreadable_entry(one.source, one.unread)]
            if one.unread is not None
            else map(model_entry, one.models)
        )
    )
    for text in document_text(entries, __version__):
        out_json(text)


def _print_github(checked: list[Checked], advice: bool) -> None:
    from cnnspec.diagnostics.github import render_github

    for one in checked:
        if one.unread is not None:
            out(render_github(one.unread, one.source))
        for finding in _findings(one):
            if advice or finding.severity is not Severity.ADVICE:
                out(render_github(finding, one.source))
