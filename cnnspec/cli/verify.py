"""`cnnspec verify`: both programs with the same weights, compared."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from cnnspec.cli import FOUND, USAGE
from cnnspec.cli.job import Progress, failed, missing, unfinished
from cnnspec.cli.one_model import built, open_model
from cnnspec.cli.options import Choice, command, completing
from cnnspec.cli.terminal import Output, err, is_terminal

if TYPE_CHECKING:
    from cnnspec.pipeline import Model

TOLERANCE = 1e-10
A_MINUTE = 4 * 10**10
"""The MACs of one forward pass whose comparison keeps one core busy for about a minute."""


@command("verify", "text", "json")
@click.argument("file", shell_complete=completing("specs"))
@click.option(
    "--batch",
    type=click.IntRange(1, 1000),
    default=2,
    metavar="N",
    help="Number of images.",
    show_default=True,
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, metavar="N", help="Seed of weights, inputs and masks."
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=TOLERANCE,
    metavar="X",
    show_default=True,
    help="Largest difference of a tensor, divided by its largest value.",
)
@click.option("--all", "every", is_flag=True, help="Print one line per layer, even for a large network.")
def verify(
    file: str, batch: int, seed: int, tolerance: float, every: bool, choice: Choice, to: Output
) -> int:
    """Build the PyTorch and the NumPy program of a spec, and compare them in float64.

    Both use the same weights (matched by their keys), the same random input and the same dropout masks. In
    evaluation and in training, the outputs of all layers, the running statistics and all gradients are
    compared. The exit status is 1 if a difference exceeds the tolerance, unless rounding
    errors in the input change the result of one program as much. Both programs run in a separate process.
    """
    if not _has_torch():
        return failed(missing("torch"), {"file": file, "ok": False, "diagnostics": []}, to, USAGE)
    build = built(open_model(file, choice), ("numpy", "torch"))
    document, model = build.head(), build.model
    to.findings(build.findings, build.source)
    if model is None or model.graph is None or not build.programs:
        to.document(document)
        return build.status

    from cnnspec.report.verified import Verdict
    from cnnspec.running.job import network
    from cnnspec.running.process import work

    job = {**network(model.graph), "kind": "verify", "batch": batch, "seed": seed, "tolerance": tolerance}
    if is_terminal(sys.stderr):
        _say_what_is_slow(model, batch)
    with Progress("verify") as progress, work(job, build.programs, progress) as outcome:
        pass
    if outcome.result is None:
        status = unfinished(outcome, document, to)
        if outcome.failed is None or outcome.memory:
            return status
        if batch == 1 and to.form == "text":
            err("a norm cannot be trained on one number per channel; use --batch 2\n")
        return FOUND
    verdict = Verdict(job, outcome.result, tolerance)
    document["ok"] = verdict.holds and not build.findings
    to.document(document | verdict.as_document())
    if to.form == "text":
        to.show(verdict.as_text(model.graph.title, every))
    return build.status if verdict.holds else FOUND


def _has_torch() -> bool:
    try:
        return find_spec("torch") is not None
    except (ImportError, ValueError):
        return False


def _say_what_is_slow(model: Model, batch: int) -> None:
    """Say in advance that the comparison takes long."""
    from cnnspec.report.amounts import short

    macs = model.report.totals.macs if model.report is not None else None
    if macs is None or 2 * macs * batch < A_MINUTE:
        return
    knobs = _knobs_of_the_input(model)
    hint = "; --batch 1 halves it" if batch > 1 else ""
    if knobs:
        hint = f"; a smaller input is faster: --set {knobs[0]}=…"
    minutes = max(1, round(macs * batch / A_MINUTE))
    err(
        f"{short(macs * batch)} multiply–accumulates, in float64, twice forward and backward in both: "
        f"about {minutes:,} minute{'s' if minutes > 1 else ''} on one core{hint}\n"
    )


def _knobs_of_the_input(model: Model) -> list[str]:
    """The knobs in the sizes of the spec's input."""
    from cnnspec.language import tree

    statements, text = model.file.statements, model.source.text
    inputs = [
        text[statement.span.start : statement.span.end]
        for statement in statements
        if isinstance(statement, tree.Input)
    ]
    words = set(re.findall(r"[A-Za-z_]\w*", " ".join(inputs)))
    return [
        statement.name
        for statement in statements
        if isinstance(statement, tree.Let) and statement.name in words
    ]
