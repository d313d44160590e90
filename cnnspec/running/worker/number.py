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
    prepared = ready(job, folder)
    row, op, at = job["rows"][job["row"]], job["op"], job["at"]
    arrays = volumes(job, prepared, {*row["inputs"], row["output"]})
    prefix = f"{row['attribute']}."
    weights = doubled(
        {key.removeprefix(prefix): param for key, param in prepared.params.items() if key.startswith(prefix)}
    )
    word = op["word"]
    weights |= doubled(used_weight(prepared, row["attribute"], op, weights))
    description = (
        (getattr(prepared.program, FUNCTION.get(word, word), None).__doc__ or "").strip().split("\n")[0]
    )
    sheet = Sheet(op, weights, description)
    if word in layers.MOVING:
        sheet.shares = shares(job, prepared)
    value = LAYERS[word](sheet, [arrays[value] for value in row["inputs"]], at)
    return {
        "value": float(value),
        "program": float(arrays[row["output"]][tuple(at)]),
        "parts": sheet.parts,
        "lines": sheet.lines,
        "notes": prepared.notes,
        "random": 0 if job["weights_file"] else sum(weight["random"] for weight in job["weights"].values()),
    }


def shares(job: dict[str, Any], prepared: Ready) -> list[Array]:
    """The gradients with respect to the inputs of the row's layer, for an output gradient of 1 at the place
    and 0 elsewhere."""
    program, row, rows = prepared.program, job["rows"][job["row"]], job["rows"]
    functions = layer_functions(program)
    inputs = (array[:1] for array in doubled(prepared.inputs).values())
    _, net = program.record(doubled(prepared.params), *inputs, training=False)
    place = net.go(f"{row['attribute']}.")
    for later in rows[job["row"] + 1 :]:
        if later["attribute"] == row["attribute"]:
            place.take()
    one_hot = np.zeros((1, *row["shape"]))
    one_hot[(0, *job["at"])] = 1
    back = getattr(program, f"{functions[row['attribute']]}_backward")
    gradients = back(np.moveaxis(one_hot, 1, -1), place)
    return [
        np.moveaxis(gradient, -1, 1)[0]
        for gradient in (gradients if isinstance(gradients, list) else [gradients])
    ]
