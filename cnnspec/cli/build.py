"""`cnnspec build`: a standalone program."""

from __future__ import annotations

from typing import Any

import click

from cnnspec.cli import USAGE
from cnnspec.cli.findings import show_findings
from cnnspec.cli.one_model import built, open_model
from cnnspec.cli.options import chosen, color_option, format_option, model_options
from cnnspec.cli.terminal import out, out_document
from cnnspec.diagnostics import Diagnostic, Source
from cnnspec.diagnostics.printable import printable
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
    found = built(open_model(file, chosen(options)), (target,), fold_bn=fold_bn)
    text = found.programs.get(target)
    destination = None if output in (None, STDIN) else output
    if form == "text":
        show_findings(found.findings, found.source, color)
    if text is not None and destination is not None:
        problem = write_whole(destination, text, force=force, inputs=(found.path,))
        if problem is not None:
            if form == "json":
                _print_json(Source(destination, ""), [problem])
            else:
                show_findings([problem], Source(destination, ""), color)
            return USAGE
    if form == "json" and found.model is None:
        _print_json(found.source, found.findings)
    elif form == "json" and found.model is not None:
        _print_json(found.source, found.findings, found.model.variant, target, destination, text)
    elif text is not None:
        out(text if destination is None else f"{printable(destination)}: written\n")
    return found.status


def _print_json(
    source: Source,
    findings: list[Diagnostic],
    variant: str | None = None,
    target: str | None = None,
    output: str | None = None,
    text: str | None = None,
) -> None:
    from cnnspec.diagnostics.as_json import as_json

    out_document(
        {
            "file": source.name,
            "variant": variant,
            "target": target,
            "ok": not findings,
            "output": output,
            "program": text if output is None else None,
            "diagnostics": [as_json(finding, source) for finding in findings],
        }
    )
