"""The job `number`: how one number of a layer's output is computed, term by term."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.running.worker.forward import Ready, doubled, layer_functions, ready, used_weight, volumes
from cnnspec.running.worker.program import Array
from cnnspec.running.worker.terms import layers, windows  # noqa: F401  (they fill the table)
from cnnspec.running.worker.terms.sheet import LAYERS, Sheet

FUNCTION = {"pow": "power"}
"""The program's function of a layer, where its name is not the layer's word."""


def work(job: dict[str, Any], folder: str) -> dict[str, Any]:
    """The worksheet for the number at the place `at` of the row's output."""
    given = ready(job, folder)
    row, op, at = job["rows"][job["row"]], job["op"], job["at"]
    found = volumes(job, given, {*row["inputs"], row["output"]})
    prefix = f"{row['attribute']}."
    weights = doubled(
        {key.removeprefix(prefix): one for key, one in given.params.items() if key.startswith(prefix)}
    )
    word = op["word"]
    weights |= doubled(used_weight(given, row["attribute"], op, weights))
    description = (
        (getattr(given.program, FUNCTION.get(word, word), None).__doc__ or "").strip().split("\n")[0]
    )
    sheet = Sheet(op, weights, description)
    if word in layers.MOVING:
        sheet.shares = shares(job, given)
    value = LAYERS[word](sheet, [found[value] for value in row["inputs"]], at)
    return {
        "value": float(value),
        "program": float(found[row["output"]][tuple(at)]),
        "parts": sheet.parts,
        "lines": sheet.lines,
        "notes": given.notes,
        "random": 0 if job["weights_file"] else sum(one["random"] for one in job["weights"].values()),
    }


def shares(job: dict[str, Any], given: Ready) -> list[Array]:
    """The gradients with respect to the inputs of the row's layer, for an output gradient of 1 at the place
    and 0 elsewhere."""
    program, row, rows = given.program, job["rows"][job["row"]], job["rows"]
    functions = layer_functions(program)
    inputs = (one[:1] for one in doubled(given.inputs).values())
    _, net = program.record(doubled(given.params), *inputs, training=False)
    there = net.go(f"{row['attribute']}.")
    for later in rows[job["row"] + 1 :]:
        if later["attribute"] == row["attribute"]:
            there.take()
    one_hot = np.zeros((1, *row["shape"]))
    one_hot[(0, *job["at"])] = 1
    back = getattr(program, f"{functions[row['attribute']]}_backward")
    made = back(np.moveaxis(one_hot, 1, -1), there)
    return [np.moveaxis(one, -1, 1)[0] for one in (made if isinstance(made, list) else [made])]
