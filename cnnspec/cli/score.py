"""`cnnspec run --dataset`: a trained network on the held-out images of a recipe."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from cnnspec.cli import USAGE
from cnnspec.cli.job import Progress, failed, unfinished
from cnnspec.cli.recipe import scoring
from cnnspec.cli.terminal import Output, say
from cnnspec.diagnostics.printable import printable
from cnnspec.files import write_all

if TYPE_CHECKING:
    from cnnspec.cli.one_model import Opened
    from cnnspec.ir.graph import Graph
    from cnnspec.report.scored import Score
    from cnnspec.training.recipe import Recipe

ENDINGS = (".html", ".svg", ".csv")
MOST_PICTURES = 60
LARGEST = 2_000
"""The most classes for which a confusion matrix is counted."""
PACKAGES = {"PIL": "pillow"}


def misused(dataset: str, weights: str | None, output: str | None, others: dict[str, Any]) -> None:
    """End the command where its options contradict `--dataset`."""
    for name, value in others.items():
        if value:
            raise click.UsageError(f"--dataset has images of its own: leave out --{name.removesuffix('s')}")
    if weights is None:
        raise click.UsageError("--dataset needs --weights FILE, which training has written")
    if output is not None and os.path.splitext(output)[1] not in ENDINGS:
        raise click.BadParameter(f"with --dataset, expected a name that ends in {', '.join(ENDINGS)}")


def scored(
    build: Opened,
    dataset: str,
    weights: str,
    names: list[str],
    output: str | None,
    force: bool,
    document: dict[str, Any],
    to: Output,
) -> int:
    """Report how the network does on the data set."""
    from cnnspec.diagnostics.as_json import as_json
    from cnnspec.report.scored import Score, as_document, as_text
    from cnnspec.running.process import work

    scoring_program = scoring(build, dataset)
    to.findings(scoring_program.findings, scoring_program.source)
    document["diagnostics"] += [
        as_json(finding, scoring_program.source) for finding in scoring_program.findings
    ]
    graph, recipe = build.graph, scoring_program.recipe
    if graph is None or recipe is None:
        to.document(document)
        return scoring_program.status
    package = recipe.data.package
    if find_spec(package) is None:
        message = f"{package} is needed and is not installed: pip install {PACKAGES.get(package, package)}"
        return failed(message, document, to, USAGE)
    programs = {**build.programs, "data": scoring_program.files["data.py"]}
    job = _job(graph, recipe, weights, dataset, scoring_program.files["path"])
    if job["classes"] > LARGEST:
        return failed(f"a confusion matrix has at most {LARGEST:,} classes", document, to, USAGE)
    with Progress("run") as progress, work(job, programs, progress) as outcome:
        if outcome.result is None:
            return unfinished(outcome, document, to)
        score = Score(outcome.result, names, job["overlap"])
    title = f"{graph.name}, {weights}"
    if output is not None:
        text = _written(score, title, os.path.splitext(output)[1])
        problem = write_all({output: text}, force=force, inputs=(build.path, weights, dataset))
        if problem is not None:
            return to.refuse(*problem, document)
    document["ok"] = not build.findings
    to.document(document | as_document(score) | {"written": [output] if output else []})
    if to.form == "text":
        to.show(as_text(score, title))
        say(f"{printable(output)}: written\n" if output else "")
    return build.status


def _job(graph: Graph, recipe: Recipe, weights: str, dataset: str, path: str) -> dict[str, Any]:
    from cnnspec.running.job import network
    from cnnspec.training.recipe import Folder

    loss = recipe.losses.get(graph.outputs[0], recipe.loss)
    shape = graph.root.values[graph.root.outputs[0]] or (1,)
    yes_or_no = loss.kind == "bce" or shape[0] == 1
    classes = 2 if yes_or_no else shape[0]
    return {
        **network(graph),
        "kind": "score",
        "weights_file": weights,
        "recipe": dataset,
        "data": os.path.abspath(path) if path else "",
        "folders": recipe.data.train if isinstance(recipe.data, Folder) else None,
        "batch": min(recipe.schedule.batch, 256),
        "classes": 0 if loss.kind == "mse" else classes,
        "overlap": [*range(yes_or_no, classes)] if any(size > 1 for size in shape[1:]) else None,
        "ignored": getattr(loss, "ignore", -1),
        "most": MOST_PICTURES,
    }


def _written(score: Score, title: str, ending: str) -> str:
    from cnnspec.report.scored import as_csv, as_html, as_svg

    if ending == ".csv":
        return as_csv(score)
    return as_svg(score) if ending == ".svg" else as_html(score, title)
