"""The work of `run --grad`: a loss, and for each layer the gradients of its output and of its input."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.running.worker.forward import Ready, doubled
from cnnspec.running.worker.inputs import ExpectedInput, read_input
from cnnspec.running.worker.program import Array, tracer
from cnnspec.running.worker.summary import summary
from cnnspec.running.worker.tell import Fault, reading, step
from cnnspec.running.worker.terms.windows import maxima

MOST_PLACES = 64
"""The most windows of a max pooling for which the places of their maxima are listed."""


def gradients(job: dict[str, Any], given: Ready) -> dict[str, Any]:
    """One pass forward and backward, in float64: the loss, the layers from last to first, the weights."""
    program, rows, asked = given.program, job["rows"], job["grad"]
    pools = {row["inputs"][0]: number for number, row in enumerate(rows) if str(number) in asked["maxpools"]}
    before: dict[int, Array] = {}

    def look(number: int, volume: Array) -> None:
        step("layers", number, len(rows))
        if rows[number]["output"] in pools:
            before[pools[rows[number]["output"]]] = volume[0].copy()

    inputs = list(doubled(given.inputs).values())
    before.update((pools[number], one[0]) for number, one in enumerate(inputs) if number in pools)
    rng = np.random.default_rng(job["seed"])
    found: list[dict[str, Any]] = []
    with np.errstate(all="ignore"):
        made, net = program.record(
            doubled(given.params), *inputs, training=asked["training"], rng=rng, trace=tracer(rows, look)
        )
        outputs = made if isinstance(made, tuple) else (made,)
        place = asked["output"]
        loss, dy = _loss(job, outputs[place])
        _watch(program, rows, found)
        directions = [dy if at == place else np.zeros_like(one) for at, one in enumerate(outputs)]
        dx, grads = program.backward(tuple(directions) if len(directions) > 1 else dy, net)
    for number, x in before.items():
        row = rows[number]
        if np.prod(row["shape"]) <= MOST_PLACES:
            places = maxima(asked["maxpools"][str(number)], x, row["shape"])
            next(one for one in found if one["row"] == number)["maxima"] = places
    arrived = dx if isinstance(dx, tuple) else (dx,)
    return {
        "loss": loss,
        "layers": found,
        "weights": {key: _of_weight(value) for key, value in grads.items()},
        "inputs": [summary(_clean(one)) for one in arrived],
    }


def _of_weight(value: Array) -> dict[str, Any]:
    """A weight's gradient; its last two axes are rows and columns of planes."""
    rows = value.reshape(1, -1, *value.shape[-2:]) if value.ndim > 1 else value[None]
    return summary(_clean(rows)) | {"shape": list(value.shape)}


def _clean(volume: Array) -> Array:
    """The volume with 0 in place of sums that consist of rounding errors only."""
    return np.where(np.abs(volume) < 1e-13 * np.abs(volume).max(initial=0), 0, volume)


def _watch(program: Any, rows: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
    """Makes each layer's backward function record the gradients of its output and of its input."""
    left: dict[str, list[int]] = {}
    entered: list[str] = []  # a layer's function may call another one's
    for number, row in enumerate(rows):
        left.setdefault(row["attribute"], []).append(number)

    def watched(function: Any) -> Any:
        def noting(dy: Any, net: Any, *others: Any) -> Any:
            at = net.at[:-1] if isinstance(net, program.Net) else ""
            entered.append(at)
            made = function(dy, net, *others)
            entered.pop()
            if at in left and entered[-1:] != [at]:
                leaves = made if isinstance(made, list) else [made]
                number = left[at].pop()  # of several uses, the last one is first in the backward pass
                outside = [_clean(np.moveaxis(one, -1, 1)) for one in (dy, *leaves)]
                arrives, *leaves = map(summary, outside)
                found.append({"row": number, "arrives": arrives, "leaves": leaves})
                step("gradients", len(found), len(rows))
            return made

        return noting

    own = vars(program)
    for name in [name for name in own if name.endswith("_backward")]:
        own[name] = watched(own[name])


def _loss(job: dict[str, Any], y: Array) -> tuple[dict[str, Any], Array]:
    """The loss of an output with the steps of its first image, and dL/dy."""
    asked, name = job["grad"], job["grad"]["loss"]
    if name == "sum":
        return {"name": name, "value": float(y.sum())}, np.ones_like(y)
    if name == "squared_error":
        target = np.zeros_like(y)
        if asked["target"] is not None:
            one = job["outputs"][asked["output"]]
            with reading("E708", asked["target"]):
                target = target + read_input(asked["target"], ExpectedInput(one["name"], tuple(one["shape"])))
        away = y - target
        return {"name": name, "value": float((away * away).mean())}, 2 * away / y.size
    scores = y.reshape(len(y), -1)
    if len(asked["labels"]) not in (1, len(y)):
        with reading("E708", "--label"):
            raise Fault(f"expected one label or {len(y)} (one per image), found {len(asked['labels'])}")
    labels = np.resize(asked["labels"], len(y))
    images = np.arange(len(y))
    dy = np.zeros_like(scores)
    if asked["gives"] == "softmax":
        logs = np.log(scores)
        dy[images, labels] = -1 / scores[images, labels]
    elif asked["gives"] == "logsoftmax":
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
        "gives": asked["gives"],
        "label": int(labels[0]),
        "images": len(y),
        "scores": scores[0].tolist(),
        "shares": np.exp(logs[0]).tolist(),
        "gradient": (dy[0] / len(y)).tolist(),
    }
    return loss, (dy / len(y)).reshape(y.shape)
