"""`cnnspec build`: a standalone program."""

from __future__ import annotations

import os
from typing import Any

import click

from cnnspec.cli.one_model import Opened, built, open_model
from cnnspec.cli.options import Choice, command, completing
from cnnspec.cli.terminal import Output, out, say
from cnnspec.diagnostics.printable import printable
from cnnspec.files import STDIN, write_all, write_whole
from cnnspec.pipeline import TARGETS


@command("build", "text", "json")
@click.argument("file", required=False, shell_complete=completing("specs"))
@click.option(
    "--target", type=click.Choice(TARGETS), required=True, help="The library that the program uses."
)
@click.option("-o", "--output", metavar="OUT", help="The file to write; default: standard output.")
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@click.option(
    "--recipe",
    metavar="R.toml",
    help="Write net.py and train.py, which trains it, into the folder OUT.",
)
@click.option(
    "--fold-bn", is_flag=True, help="torch only: fold batch norm into the convolutions, for inference."
)
def build(
    file: str | None,
    target: str,
    output: str | None,
    force: bool,
    recipe: str | None,
    fold_bn: bool,
    choice: Choice,
    to: Output,
) -> int:
    """Write the program of a spec.

    FILE defaults to the only .cnn file of the current folder; `paper.md#NAME` is a spec of a document. If the
    spec has variants, the first is built unless --variant names another. Errors stop the build. A claim that
    fails is reported and does not stop it, but the exit status is then 1, too."""
    if fold_bn and target != "torch":
        raise click.UsageError("--fold-bn needs --target torch")
    if recipe is not None and (fold_bn or output in (None, STDIN)):
        raise click.UsageError("--recipe needs -o with a folder, and no --fold-bn")
    opened = built(open_model(file, choice), (target,), fold_bn=fold_bn)
    text = opened.programs.get(target)
    destination = None if output in (None, STDIN) else output
    head = opened.head()
    document = {
        "file": head["file"],
        "variant": head["variant"],
        "target": None if opened.model is None else target,
        "ok": not opened.findings,
        "output": None if opened.model is None else destination,
        "program": text if destination is None else None,
        "diagnostics": head["diagnostics"],
    }
    to.findings(opened.findings, opened.source)
    if text is not None and recipe is not None:
        return _with_recipe(opened, recipe, target, output or "", force, document, to)
    if text is not None and destination is not None:
        problem = write_whole(destination, text, force=force, inputs=(opened.path,))
        if problem is not None:
            return to.refuse(destination, problem, document | {"ok": False, "output": None})
    to.document(document)
    if text is not None and to.form == "text":
        if destination is None:
            out(text)
        else:
            say(f"{printable(destination)}: written\n")
    return opened.status


def _with_recipe(
    opened: Opened,
    recipe: str,
    target: str,
    folder: str,
    force: bool,
    document: dict[str, Any],
    to: Output,
) -> int:
    """Write the network and the program that trains it into a folder."""
    from cnnspec.cli.recipe import programs
    from cnnspec.diagnostics.as_json import as_json

    result = programs(opened, recipe, folder, target)
    to.findings(result.findings, result.source)
    document["diagnostics"] += [as_json(finding, result.source) for finding in result.findings]
    document |= {
        "output": folder if result.files else None,
        "program": None,
        "ok": document["ok"] and bool(result.files),
    }
    if result.files:
        files = {os.path.join(folder, name): text for name, text in result.files.items()}
        problem = write_all(files, folder=folder, force=force, inputs=(opened.path, recipe))
        if problem is not None:
            return to.refuse(*problem, document | {"ok": False, "output": None})
        if to.form == "text":
            say("".join(f"{printable(path)}: written\n" for path in files))
    to.document(document)
    return result.status or opened.status
