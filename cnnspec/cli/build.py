"""`cnnspec build`: a standalone program."""

from __future__ import annotations

import os
from typing import Any

import click

from cnnspec.cli import FOUND, OK, USAGE
from cnnspec.cli.findings import tell
from cnnspec.cli.options import chosen, color_option, format_option, model_options
from cnnspec.cli.terminal import out
from cnnspec.diagnostics import Diagnostic, Severity, Source
from cnnspec.files import NOWHERE, STDIN, named, read_source, write_whole
from cnnspec.pipeline import TARGETS


@click.command("build", short_help="a standalone PyTorch or NumPy program")
@click.argument("file", required=False)
@click.option("--target", type=click.Choice(TARGETS), required=True, help="What the program is written for.")
@click.option("-o", "--output", metavar="OUT", help="Where to write it; without, to standard output.")
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@click.option(
    "--fold-bn", is_flag=True, help="torch: for inference, batch norm folded into the convolutions."
)
@model_options
@format_option("text", "json")
@color_option
def command(
    file: str | None,
    target: str,
    output: str | None,
    force: bool,
    fold_bn: bool,
    form: str,
    color: str,
    **options: Any,
) -> int:
    """Write the program of a spec.

    Without FILE, the only .cnn of the current folder is taken. Of a spec with variants, the first is
    taken, or --variant. Errors stop a build; a claim that fails is told and does not, but the exit status
    is 1 then too."""
    if fold_bn and target != "torch":
        raise click.UsageError("--fold-bn goes with --target torch")
    choice = chosen(options)
    found = _only_spec() if file is None else _one(file)
    if isinstance(found, Diagnostic):
        return _refuse(found, file or ".", form, color, USAGE)
    path, name = found
    source, problem = read_source(path, choice.max_bytes, name)
    if problem is not None:
        return _refuse(problem, name, form, color, FOUND if problem.code == "E703" else USAGE, source)

    from cnnspec.pipeline import misuse, models, program

    (model,) = models(
        source,
        variant=choice.variant,
        settings=choice.settings,
        limits=choice.limits,
        first=True,
        lints=False,
    )
    findings = [finding for finding in model.findings if finding.severity is Severity.ERROR]
    text = None
    misused = misuse(model.file, choice.variant, choice.settings)
    if model.buildable:
        made = program(model, target, fold_bn=fold_bn)
        if isinstance(made, str):
            text = made
        else:
            findings += made
    if form == "text":
        tell(findings, source, color)
    status = USAGE if misused else FOUND if findings else OK
    destination = None if output in (None, STDIN) else output
    if text is not None and destination is not None:
        problem = write_whole(destination, text, force=force, inputs=(path,))
        if problem is not None:
            return _refuse(problem, destination, form, color, USAGE)
    if form == "json":
        _print_json(source, model.variant, target, destination, text, findings)
    elif text is not None:
        out(f"{destination}: written\n" if destination is not None else text)
    return status


def _one(argument: str) -> tuple[str, str] | Diagnostic:
    pairs, problem = named(argument)
    if problem is not None:
        return problem
    return pairs[0] if len(pairs) == 1 else _several([path for path, _ in pairs])


def _only_spec() -> tuple[str, str] | Diagnostic:
    """The only `.cnn` of the current folder."""
    try:
        here = sorted(name for name in os.listdir(".") if name.endswith(".cnn"))
    except OSError as error:
        return Diagnostic("E701", f"the current folder cannot be read: {error.strerror}", NOWHERE)
    if len(here) == 1:
        return here[0], here[0]
    if here:
        return _several(here)
    return Diagnostic(
        "E706",
        "no .cnn file is in the current folder",
        NOWHERE,
        help="name one, or `zoo:resnet` from the zoo",
    )


def _several(paths: list[str]) -> Diagnostic:
    listed = ", ".join(paths[:20]) + (", …" if len(paths) > 20 else "")
    return Diagnostic(
        "E706", f"{len(paths)} .cnn files are here: {listed}", NOWHERE, help="name the one to build"
    )


def _refuse(
    problem: Diagnostic, name: str, form: str, color: str, status: int, source: Source | None = None
) -> int:
    source = source if source is not None and source.text else Source(name, "")
    if form == "json":
        _print_json(source, None, None, None, None, [problem])
    else:
        tell([problem], source, color)
    return status


def _print_json(
    source: Source,
    variant: str | None,
    target: str | None,
    output: str | None,
    text: str | None,
    findings: list[Diagnostic],
) -> None:
    import json

    from cnnspec import __version__
    from cnnspec.diagnostics.as_json import as_json

    document = {
        "version": 1,
        "cnnspec": __version__,
        "file": source.name,
        "variant": variant,
        "target": target,
        "ok": not findings,
        "output": output,
        "program": text if output is None else None,
        "diagnostics": [as_json(finding, source) for finding in findings],
    }
    out(json.dumps(document, indent=1) + "\n")
