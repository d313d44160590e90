"""`cnnspec build`: a standalone program."""

from __future__ import annotations

from typing import Any

import click

from cnnspec.cli import FOUND, USAGE
from cnnspec.cli.findings import tell, tell_file
from cnnspec.cli.one_model import open_model
from cnnspec.cli.options import chosen, color_option, format_option, model_options
from cnnspec.cli.terminal import out, out_json
from cnnspec.diagnostics import Diagnostic, Source
from cnnspec.files import STDIN, write_whole
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
    path, source, model, findings, status = open_model(file, choice)
    if model is None:
        if form == "json":
            _print_json(source, None, None, None, None, findings)
        else:
            tell(findings, source, color)
        return status

    from cnnspec.pipeline import program

    text = None
    if model.buildable:
        made = program(model, target, fold_bn=fold_bn)
        if isinstance(made, str):
            text = made
        else:
            findings += made
            status = FOUND
    if form == "text":
        tell(findings, source, color)
    destination = None if output in (None, STDIN) else output
    if text is not None and destination is not None:
        problem = write_whole(destination, text, force=force, inputs=(path,))
        if problem is not None:
            if form == "json":
                _print_json(Source(destination, ""), None, None, None, None, [problem])
            else:
                tell_file(problem, destination, color)
            return USAGE
    if form == "json":
        _print_json(source, model.variant, target, destination, text, findings)
    elif text is not None and destination is None:
        out(text)
    elif destination is not None and text is not None:
        from cnnspec.diagnostics.printable import printable

        out(f"{printable(destination)}: written\n")
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
    out_json(json.dumps(document, indent=1) + "\n")
