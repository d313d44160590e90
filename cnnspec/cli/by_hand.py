"""Homework by hand: one number of a layer's output, product by product (`explain --at`), and the gradients
and matrix products of `run`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from cnnspec.cli import USAGE
from cnnspec.cli.job import Progress, unfinished
from cnnspec.cli.one_model import built, open_model
from cnnspec.cli.options import Choice, adding
from cnnspec.cli.run_inputs import problem_of, run_inputs
from cnnspec.cli.terminal import Output, err

if TYPE_CHECKING:
    from cnnspec.ir.flat import Entry
    from cnnspec.ir.graph import Graph


def number(file: str, layer: str | None, at: str, options: dict[str, Any], choice: Choice, to: Output) -> int:
    """Run the network in a separate process, and show how one number is computed."""
    if layer is None:
        raise click.UsageError("--at is a place in the output of a layer: name the LAYER")
    build = built(open_model(file, choice), ("numpy",))
    document, graph = build.head(), build.graph
    to.findings(build.findings, build.source)
    if graph is None or not build.programs:
        to.document(document)
        return build.status
    row, entry, names = find(graph, layer)
    if entry is None:
        err(not_one_layer(build.source.name, layer, names))
        return USAGE
    place = _place(at, entry)
    on = run_inputs(options, graph)
    if (problem := problem_of(on.read)) is not None:
        return to.refuse(*problem, document)

    from cnnspec.report.by_hand import number_as_text
    from cnnspec.running.job import network, operation
    from cnnspec.running.process import work

    assert entry.op is not None
    op = operation(entry.op, *(shape for shape in entry.input_shapes if shape is not None))
    job = {**network(graph), **on.job, "kind": "number", "row": row, "op": op, "at": place}
    with (
        Progress("explain") as progress,
        on.stored() as job["files"],
        work(job, build.programs, progress) as outcome,
    ):
        if outcome.result is None:
            return unfinished(on.named(outcome), document, to)
        result = outcome.result
    document["ok"] = not build.findings
    shown = job["rows"][row]
    to.document(document | {"name": shown["name"], "layer": shown["layer"], "at": place} | result)
    if to.form == "text":
        to.show(number_as_text(job, result, on.weights))
    return build.status


def find(graph: Graph, layer: str | None) -> tuple[int, Entry | None, list[str]]:
    """The number and the entry of the layer with that name or label; and the existing names."""
    from cnnspec.ir.flat import flat

    names: list[str] = []
    for row, entry in enumerate(flat(graph)):
        if layer is not None and layer in (entry.path, entry.label):
            return row, entry, names
        names.append(entry.path)
    return 0, None, names


def not_one_layer(file: str, layer: str | None, names: list[str]) -> str:
    """The message for a name that is a part of the network, or unknown."""
    from cnnspec.diagnostics.printable import printable
    from cnnspec.report.layer_names import no_layer

    part = [name for name in names if layer and name.startswith(f"{layer}.")]
    if not part:
        return no_layer(file, layer, names)
    listed = ", ".join(part[:12]) + (", …" if len(part) > 12 else "")
    return printable(f"{layer} has {len(part)} layers; name one of them: {listed}") + "\n"


def _place(text: str, entry: Entry) -> list[int]:
    from cnnspec.ops.sliding import places_of

    shape = entry.out or ()
    axes = ("channel", *(places_of(len(shape) - 1) if len(shape) > 1 else ()))
    try:
        place = [int(one) for one in text.split(",")]
    except ValueError:
        place = []
    if len(place) == len(shape) and all(0 <= one < size for one, size in zip(place, shape, strict=True)):
        return place
    ranges = ", ".join(f"{axis} 0 to {size - 1}" for axis, size in zip(axes, shape, strict=True))
    has = "x".join(map(str, shape))
    raise click.BadParameter(f"{text!r}: the output of {entry.path} is {has}: {ranges}", param_hint="--at")


def whole_numbers(context: click.Context, parameter: click.Parameter, value: str | None) -> list[int]:
    """`3`, or `3,1` for two images."""
    try:
        return [int(one) for one in value.split(",")] if value else []
    except ValueError:
        wrong = f"{value!r}: expected whole numbers, as in 3 or 3,1"
        raise click.BadParameter(wrong, context, parameter) from None


LOSSES = ("cross_entropy", "squared_error", "sum")
OPTIONS = (
    click.option(
        "--grad",
        is_flag=True,
        help="Show the gradients of the loss by each layer's output, weights and input.",
    ),
    click.option(
        "--loss",
        type=click.Choice(LOSSES),
        help="Loss of --grad; default: cross_entropy with a --label, else the sum of the output.",
    ),
    click.option(
        "--loss-of",
        metavar="OUTPUT",
        help="The output that the loss is computed from, if there are several; default: the first.",
    ),
    click.option("--label", metavar="N", callback=whole_numbers, help="The true class; N,M,… one per image."),
    click.option("--target", metavar="FILE", help="The output that squared_error compares with; default: 0."),
    click.option("--train", is_flag=True, help="Gradients as in training: batch statistics, dropout."),
    click.option("--im2col", metavar="LAYER", help="Show the matrix product that this layer is."),
)


shows_sums = adding(OPTIONS)
"""Adds the options of gradients and matrix products to a command."""


def asked(options: dict[str, Any], graph: Graph, file: str) -> dict[str, Any]:
    """Take these options from those of a command, as a part of a job; wrong usage ends the command."""
    from cnnspec.ir.flat import flat, flat_outputs
    from cnnspec.running.job import operation

    grad, train, labels = options.pop("grad"), options.pop("train"), options.pop("label")
    loss, target, layer = options.pop("loss"), options.pop("target"), options.pop("im2col")
    output = options.pop("loss_of")
    job: dict[str, Any] = {"grad": None, "im2col": None}
    if grad or train or loss or labels or target or output:
        place = _output(output, graph.outputs)
        value = list(flat_outputs(graph))[place]
        shape = graph.root.values[graph.root.outputs[place]] or ()
        gives, pools = "", {}
        for row, entry in enumerate(flat(graph)):
            if entry.op is not None and entry.output == value:
                gives = entry.op.word
            if (
                entry.op is not None
                and entry.op.word in ("maxpool", "gmp")
                and entry.input_shapes[0] is not None
            ):
                pools[row] = operation(entry.op, entry.input_shapes[0])
        loss = loss or ("cross_entropy" if labels else "squared_error" if target else "sum")
        if loss == "cross_entropy":
            _classes(labels, shape, graph.outputs[place])
        job["grad"] = {"loss": loss, "labels": labels, "target": target, "training": train, "output": place}
        job["grad"] |= {"gives": gives, "maxpools": pools}
    if layer is not None:
        row, row_, names = find(graph, layer)
        if row_ is None or row_.op is None:
            raise click.UsageError(not_one_layer(file, layer, names).strip())
        if row_.op.word not in PRODUCTS:
            raise click.UsageError(f"{layer} is not a matrix product with weights: {', '.join(PRODUCTS)} are")
        if getattr(row_.op, "offsets", False):
            raise click.UsageError(f"{layer} has no patches of the map: its offsets say what each tap reads")
        shapes = [shape for shape in row_.input_shapes if shape is not None]
        weights = [weight.name for weight in row_.op.weights(*shapes)]
        job["im2col"] = {"row": row, "op": operation(row_.op, *shapes), "weights": weights}
    return job


PRODUCTS = ("conv", "dwconv", "deconv", "local", "fc")


def _output(name: str | None, names: Sequence[str]) -> int:
    """The number of the output that the loss is computed from."""
    if name is not None and name not in names:
        raise click.UsageError(f"--loss-of: no output is named {name}; the outputs are {', '.join(names)}")
    return names.index(name) if name is not None else 0


def _classes(labels: list[int], shape: tuple[int, ...], output: str) -> None:
    if not shape or shape[0] < 2 or any(size != 1 for size in shape[1:]):
        has = "x".join(map(str, shape))
        raise click.UsageError(f"cross-entropy needs a vector of classes; {output} is {has}")
    if not labels:
        raise click.UsageError("--loss cross_entropy needs the true class: --label 3")
    if any(not 0 <= label < shape[0] for label in labels):
        raise click.UsageError(f"--label: the classes of {output} are 0 to {shape[0] - 1}")
