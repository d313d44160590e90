"""`cnnspec schema`: the JSON schemas of cnnspec's machine-readable output."""

from __future__ import annotations

import click

from cnnspec.cli import OK
from cnnspec.cli.terminal import out


@click.command("schema")
@click.argument("name", type=click.Choice(("check", "ir", "latex")), default="check")
@click.option(
    "--format",
    type=click.Choice(("text", "json")),
    expose_value=False,
    help="No effect: a schema is always JSON.",
)
def schema(name: str) -> int:
    """Print the JSON schema of the document of `check --format json` (check), or of the IR (ir).

    `cnnspec schema latex > cnnspec.sty` is the language for LaTeX: a style and an environment of listings.
    """
    if name == "latex":
        from cnnspec.documents.style import latex_style

        out(latex_style())
        return OK
    import json

    from cnnspec.report import document

    out(json.dumps(document.schema(name), indent=2, ensure_ascii=False) + "\n")
    return OK
