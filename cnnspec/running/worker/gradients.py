"""The work of `run --grad`: a loss, and for each layer the gradients of its output and of its input."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.running.worker.forward import Ready, doubled
from cnnspec.running.worker.inputs import ExpectedInput, read_input
from cnnspec.running.worker.messages import Fault, reading, step
from cnnspec.running.worker.program import Array, tracer
from cnnspec.running.worker.summary import summary
from cnnspec.running.worker.terms.windows import maxima

MOST_PLACES = 64
"""The most windows of a max pooling for which the places of their maxima are listed."""


def gradients(job: dict[str, Any], prepared: Ready) -> dict[str, Any]:
    """One pass forward and backward, in float64: the loss, the layers from last to first, the weights."""
    program, rows, options = prepared.program, job["rows"], job["grad"]
    pools = {
        row["inputs"][0]: number for number, row in enumerate(rows) if str(number) in options["maxpools"]
    }
    before: dict[int, Array] = {}

    def look(number: int, volume: Array) -> None:
        step("layers", number, len(rows))
        if rows[number]["output"] in pools:
            before[pools[rows[number]["output"]]] = volume[0].copy()

    inputs = list(doubled(prepared.inputs).values())
    before.update((pools[number], array[0]) for number, array in enumerate(inputs) if number in pools)
    rng = np.random.default_rng(job["seed"])
    layers: list[dict[str, Any]] = []
    with np.errstate(all="ignore"):
        result, net = program.record(
            doubled(prepared.params), *inputs, training=options["training"], rng=rng, trace=tracer(rows, look)
        )
        outputs = result if isinstance(result, tuple) else (result,)
        place = options["output"]
        loss, dy = _loss(job, outputs[place])
        _watch(program, rows, layers)
        directions = [dy if at == place else np.zeros_like(output) for at, output in enumerate(outputs)]
        dx, grads = program.backward(tuple(directions) if len(directions) > 1 else dy, net)
    for number, x in before.items():
        row = rows[number]
        if np.prod(row["shape"]) <= MOST_PLACES:
            places = maxima(options["maxpools"][str(number)], x, row["shape"])
            next(layer for layer in layers if layer["row"] == number)["maxima"] = places
    input_gradients = dx if isinstance(dx, tuple) else (dx,)
    return {
        "loss": loss,
        "layers": layers,
        "weights": {key: _of_weight(value) for key, value in grads.items()},
        "inputs": [summary(_clean(array)) for array in input_gradients],
    }


def _of_weight(value: Array) -> dict[str, Any]:
    """A weight's gradient; its last two axes are rows and columns of planes."""
    rows = value.reshape(1, -1, *value.shape[-2:]) if value.ndim > 1 else value[None]
    return summary(_clean(rows)) | {"shape": list(value.shape)}


def _clean(volume: Array) -> Array:
    """The volume with 0 in place of sums that consist of rounding errors only."""
    return np.where(np.abs(volume) < 1e-13 * np.abs(volume).max(initial=0), 0, volume)


def _watch(program: Any, rows: list[dict[str, Any]], layers: list[dict[str, Any]]) -> None:
    """Makes each layer's backward function record the gradients of its output and of its input."""
    waiting: dict[str, list[int]] = {}
    entered: list[str] = []  # a layer's function may call another one's
    for number, row in enumerate(rows):
        waiting.setdefault(row["attribute"], []).append(number)

    def recorded(function: Any) -> Any:
        def recording(dy: Any, net: Any, *others: Any) -> Any:
            at = net.at[:-1] if isinstance(net, program.Net) else ""
            entered.append(at)
            result = function(dy, net, *others)
            entered.pop()
            if at in waiting and entered[-1:] != [at]:
                leaves = result if isinstance(result, list) else [result]
                number = waiting[at].pop()  # of several uses, the last one is first in the backward pass
                outside = [_clean(np.moveaxis(leaf, -1, 1)) for leaf in (dy, *leaves)]
                arrives, *leaves = map(summary, outside)
                layers.append({"row": number, "arrives": arrives, "leaves": leaves})
                step("gradients", len(layers), len(rows))
            return result

        return recording

    own = vars(program)
    for name in [name for name in own if name.endswith("_backward")]:
        own[name] = recorded(own[name])


def _loss(job: dict[str, Any], y: Array) -> tuple[dict[str, Any], Array]:
    """The loss of an output with the steps of its first image, and dL/dy."""
    options, name = job["grad"], job["grad"]["loss"]
    if name == "sum":
        return {"name": name, "value": float(y.sum())}, np.ones_like(y)
    if name == "squared_error":
        target = np.zeros_like(y)
        if options["target"] is not None:
            output_row = job["outputs"][options["output"]]
            with reading("E708", options["target"]):
                target = target + read_input(
                    options["target"], ExpectedInput(output_row["name"], tuple(output_row["shape"]))
                )
        error = y - target
        return {"name": name, "value": float((error * error).mean())}, 2 * error / y.size
    scores = y.reshape(len(y), -1)
    if len(options["labels"]) not in (1, len(y)):
        with reading("E708", "--label"):
            raise Fault(f"expected one label or {len(y)} (one per image), found {len(options['labels'])}")
    labels = np.resize(options["labels"], len(y))
    images = np.arange(len(y))
    dy = np.zeros_like(scores)
    if options["gives"] == "softmax":
        logs = np.log(scores)
        dy[images, labels] = -1 / scores[images, labels]
    elif options["gives"] == "logsoftmax":
        logs = scores
        dy[images, labels] = -1
    else:
        z = scores - scores.max(1, keepdims=True)
        logs = z - np.log(np.exp(z).sum(1, keepdims=True))
        dy = np.exp(logs)
        dy[images, labels] -= 1
    loss = {
        "name": name,
        "value": float(-logs[images, labels].mean()),
        "gives": options["gives"],
        "label": int(labels[0]),
        "images": len(y),
        "scores": scores[0].tolist(),
        "shares": np.exp(logs[0]).tolist(),
        "gradient": (dy[0] / len(y)).tolist(),
    }
    return loss, (dy / len(y)).reshape(y.shape)
