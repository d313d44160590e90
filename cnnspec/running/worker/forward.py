"""The beginning of every job of `run` and `explain`: the program, its inputs and its weights; and the volumes
of one forward pass."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cnnspec.running.worker.inputs import ExpectedInput, read_input
from cnnspec.running.worker.messages import Fault, reading, step
from cnnspec.running.worker.program import Array, load, tracer
from cnnspec.running.worker.weights import read_weights

OPTIONS = ("resize", "scale", "mean", "std")


class Ready(NamedTuple):
    """The program with its inputs by name, of `batch` images each, and its weights; `notes` for the user."""

    program: Any
    inputs: dict[str, Array]
    params: dict[str, Array]
    batch: int
    notes: list[str]


def ready(job: dict[str, Any], folder: str) -> Ready:
    """Everything that a forward pass needs, read from files or drawn at random as the job describes."""
    program = load(folder)
    rng = np.random.default_rng(job["seed"])
    arrays: dict[str, Array] = {}
    notes: list[str] = []
    options = {name: job[name] for name in OPTIONS}
    for row in job["inputs"]:
        expected = ExpectedInput(row["name"], tuple(row["shape"]), **options, notes=notes)
        path = job["files"].get(expected.name)
        if path is None:
            arrays[expected.name] = rng.standard_normal((job["batch"], *expected.shape))
        else:
            with reading("E708", path):
                arrays[expected.name] = read_input(path, expected)
    batch = _batch(job, arrays)
    inputs = {
        name: np.repeat(array, batch, axis=0) if len(array) == 1 else array for name, array in arrays.items()
    }
    step("weights", 0, 1)
    if job["weights_file"]:
        with reading("E707", job["weights_file"]):
            params = read_weights(job["weights_file"], job["weights"], np.float32)
    else:
        params = program.init(job["seed"], np.float32)
    return Ready(program, inputs, params, batch, notes)


NORMALISED = {
    "spectral": ("Spectral", ("axis",)),
    "weight": ("WeightNorm", ()),
    "standardized": ("Standardized", ("eps", "axis")),
    "scaled": ("Scaled", ("gamma", "eps", "axis")),
}
"""The program's class for each way to normalise weights, and the fields that it takes."""


def used_weight(
    prepared: Ready, attribute: str, op: dict[str, Any], weights: dict[str, Array]
) -> dict[str, Array]:
    """The weight that a layer multiplies with, if it is computed from the stored weights; else {}."""
    if op.get("normalised") in (None, "plain"):
        return {}
    name, fields = NORMALISED[op["normalised"]]
    numbers = {"eps": op["weight_eps"], "gamma": op["gamma"], "axis": int(op["word"] == "deconv")}
    place = prepared.program.Net(doubled(prepared.params)).go(f"{attribute}.")
    place_with_weight = getattr(prepared.program, name)(place, **{field: numbers[field] for field in fields})
    stored = next(value for key, value in weights.items() if key.rstrip("1").endswith(".original"))
    return {"weight": place_with_weight.weight("weight", stored.shape, None)}


def _batch(job: dict[str, Any], arrays: dict[str, Array]) -> int:
    """The number of images; a single image of one input is used with all images of the others."""
    counts = {len(array) for array in arrays.values()} - {1} or {1}
    if len(counts) > 1:
        of = ", ".join(f"{name} has {len(array)}" for name, array in arrays.items())
        last = next(reversed(arrays))
        with reading("E708", job["files"].get(last) or last):
            raise Fault(f"the inputs have different numbers of images: {of}")
    return counts.pop()


def doubled(arrays: dict[str, Array]) -> dict[str, Array]:
    """The arrays in float64; counters stay integers."""
    return {
        key: value.astype(np.float64) if value.dtype.kind == "f" else value for key, value in arrays.items()
    }


def volumes(job: dict[str, Any], prepared: Ready, values: set[int]) -> dict[int, Array]:
    """The first image's volumes with these numbers, in float64, after a forward pass in evaluation."""
    rows = job["rows"]
    numbers = set(values)
    for row in reversed(rows):  # a layer that only passes its input on has no line in the program
        if row["output"] in numbers and row["layer"].split()[0] in PASSING:
            numbers.update(row["inputs"])
    inputs = doubled(prepared.inputs)
    result = {number: array[0] for number, array in enumerate(inputs.values())}

    def look(number: int, volume: Array) -> None:
        step("layers", number, len(rows))
        if rows[number]["output"] in numbers:
            result[rows[number]["output"]] = volume[0].copy()

    with np.errstate(all="ignore"):
        prepared.program.forward(doubled(prepared.params), *inputs.values(), trace=tracer(rows, look))
    for row in rows:
        if row["output"] in numbers and row["output"] not in result:
            same = [result[array] for array in row["inputs"] if array in result]
            result[row["output"]] = next(array for array in same if array.shape == tuple(row["shape"]))
    return result


PASSING = ("id", "none", "add", "sub", "mul", "max", "concat")
"""Layers that may only pass their input on: `id`, and a merge with one branch left."""


def layer_functions(program: Any) -> dict[str, str]:
    """The function of the program for each layer, by the layer's place; filled during the next pass."""
    names: dict[str, str] = {}

    def recording(name: str, function: Any) -> Any:
        def recorded(*arguments: Any, **named: Any) -> Any:
            names.update(
                (argument.at[:-1], name) for argument in arguments[:2] if isinstance(argument, program.Net)
            )
            return function(*arguments, **named)

        return recorded

    own = vars(program)
    for name in [name for name in own if f"{name}_backward" in own]:
        own[name] = recording(name, own[name])
    return names
