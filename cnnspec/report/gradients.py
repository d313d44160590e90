"""The output of `run --grad`: the loss, then each layer from the last to the first: the gradient of its
output, those of its weights, and the gradient of its input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnnspec.diagnostics.printable import printable
from cnnspec.ops.sliding import places_of
from cnnspec.report.amounts import shape_text
from cnnspec.report.by_hand import grids, im2col_as_text, titled
from cnnspec.report.ran import matrix, short, tables
from cnnspec.report.table import Column, Row, Table

MOST_CLASSES = 20


def sums_as_text(job: dict[str, Any], result: dict[str, Any]) -> Iterator[str | Table]:
    """The part of a run's output about gradients and matrix products, if it was requested."""
    if "im2col" in result:
        yield from im2col_as_text(result["im2col"])
    if "gradients" in result:
        yield from gradients_as_text(job, result["gradients"])


def gradients_as_text(job: dict[str, Any], gradients: dict[str, Any]) -> Iterator[str | Table]:
    """The gradients for a person."""
    yield from _loss(gradients["loss"], job)
    names = [printable(one["name"]) for one in job["outputs"]]
    own = names.pop(job["grad"]["output"])
    if names:
        yield f"  L depends on the output {own} only, not on {', '.join(names)} (--loss-of OUTPUT chooses)\n"
    mode = "training" if job["grad"]["training"] else "evaluation"
    statistics = "the batch's" if mode == "training" else "the running"
    if any(row["layer"].split()[0] == "bn" for row in job["rows"]):
        yield f"\nin {mode}: batch norm with {statistics} statistics\n"
    yield "\ngradients, from the last layer to the first\n"
    shown: set[str] = set()
    large: list[Row] = []
    for one in gradients["layers"]:
        row = job["rows"][one["row"]]
        prefix = f"{row['attribute']}."
        keys = [key for key in gradients["weights"] if key.startswith(prefix) and key not in shown]
        shown.update(keys)
        volumes = [one["arrives"], *one["leaves"], *(gradients["weights"][key] for key in keys)]
        if "maxima" in one or any("values" in volume for volume in volumes):
            yield from tables(COLUMNS, large)
            large = []
            yield from _layer(row, one, {key.removeprefix(prefix): gradients["weights"][key] for key in keys})
        else:
            large.append(_summary(row, volumes, len(one["leaves"])))
    yield from tables(COLUMNS, large)
    for one, leaves in zip(job["inputs"], gradients["inputs"], strict=True):
        yield f"\n{printable(one['name'])}: input\n"
        yield from _volume("dL/dx", leaves)


COLUMNS = (
    Column("name", cut=2),
    Column("layer", cut=1),
    Column("dL/dy", drop=1),
    Column("norm", right=True),
    Column("min", right=True, drop=3),
    Column("max", right=True, drop=2),
    Column("dL/dw norm", right=True),
    Column("dL/dx norm", right=True),
)


def _summary(row: dict[str, Any], volumes: list[dict[str, Any]], leaving: int) -> Row:
    """A layer whose tensors are all large, as one row: its input, its weights and its output."""
    arrives, leaves, weights = volumes[0], volumes[1 : 1 + leaving], volumes[1 + leaving :]
    norms = [", ".join(short(one["norm"]) for one in some) for some in (weights, leaves)]
    numbers = (short(arrives[name]) for name in ("norm", "min", "max"))
    return Row((row["name"], row["layer"], shape_text(arrives["shape"]), *numbers, *norms))


def _layer(row: dict[str, Any], one: dict[str, Any], weights: dict[str, Any]) -> Iterator[str]:
    """A layer number by number."""
    yield "\n" + titled(row)
    yield from _volume("dL/dy", one["arrives"])
    for name, weight in weights.items():
        yield from _volume(f"dL/d{name}", weight)
    if "maxima" in one:
        lines = [*_lines(one["maxima"])]
        yield f"  places of the maxima ({', '.join(places_of(len(lines[0][0])))})\n"
        for line in lines:
            yield "    " + "  ".join(f"({', '.join(map(str, at))})" for at in line) + "\n"
    several = len(one["leaves"]) > 1
    for number, leaves in enumerate(one["leaves"], 1):
        yield from _volume(f"dL/dx of branch {number}" if several else "dL/dx", leaves)


def _lines(places: Any) -> Iterator[list[list[int]]]:
    """Lists of places, out of lists of lists of them."""
    if isinstance(places[0][0], int):
        yield places
    else:
        for place in places:
            yield from _lines(place)


def _volume(title: str, volume: dict[str, Any]) -> Iterator[str]:
    """A tensor number by number if it is small; else its norm, its least and its greatest number."""
    head = f"  {printable(title)}  {shape_text(volume['shape']) or 'one number'}"
    if "values" in volume:
        yield f"{head}\n"
        yield matrix(volume["values"]).replace("\n  ", "\n    ").replace("  ", "    ", 1)
    else:
        numbers = ", ".join(f"{name} {short(volume[name])}" for name in ("norm", "min", "max"))
        yield f"{head}: {numbers}\n"


def _loss(loss: dict[str, Any], job: dict[str, Any]) -> Iterator[str]:
    name = job["outputs"][job["grad"]["output"]]["name"]
    if loss["name"] == "sum":
        yield f"\nloss: the sum of {printable(name)}; L = {short(loss['value'])}, dL/dy = 1\n"
        return
    if loss["name"] == "squared_error":
        yield f"\nloss: squared error, mean (y − t)² = {short(loss['value'])}; dL/dy = 2·(y − t)/n\n"
        return
    label, of, shares = loss["label"], loss["images"], loss["shares"]
    first = f" (the first of {of} images)" if of > 1 else ""
    of_output = f" of {printable(name)}" if len(job["outputs"]) > 1 else ""
    yield f"\nloss: cross-entropy{of_output}, label {label}{first}\n"
    scores, slope = SCORES.get(loss["gives"], ("z", "p − (1 at the label, else 0)"))
    columns = {
        "class": range(len(shares)),
        scores: loss["scores"],
        "p": shares,
        f"dL/d{scores}": loss["gradient"],
    }
    if scores == "z":
        yield "  p = e^z/Σ e^z: the softmax of the output z\n"
    yield from grids(
        {name: [[float(one)] for one in column][:MOST_CLASSES] for name, column in columns.items()}
    )
    if len(shares) > MOST_CLASSES:
        yield f"  … {len(shares) - MOST_CLASSES} more classes (--format json has them all)\n"
    value = short(loss["value"])
    yield f"  L = −ln p[{label}] = −ln {short(shares[label])}"
    yield f" = {value}\n" if of == 1 else f", on average over the images {value}\n"
    yield f"  dL/d{scores} = {slope}" + (f", divided by {of}\n" if of > 1 else "\n")


SCORES = {"softmax": ("p", "−1/p at the label, else 0"), "logsoftmax": ("ln p", "−1 at the label, else 0")}
"""By last layer: the name of its output, and the gradient of the loss with respect to it."""
