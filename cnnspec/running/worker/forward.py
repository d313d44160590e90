"""The beginning of every job of `run` and `explain`: the program, its inputs and its weights; and the volumes
of one forward pass."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cnnspec.running.worker.inputs import ExpectedInput, read_input
from cnnspec.running.worker.program import Array, load, tracer
from cnnspec.running.worker.tell import Fault, reading, step
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
    given: dict[str, Array] = {}
    notes: list[str] = []
    options = {name: job[name] for name in OPTIONS}
    for one in job["inputs"]:
        wanted = ExpectedInput(one["name"], tuple(one["shape"]), **options, notes=notes)
        path = job["files"].get(wanted.name)
        if path is None:
            given[wanted.name] = rng.standard_normal((job["batch"], *wanted.shape))
        else:
            with reading("E708", path):
                given[wanted.name] = read_input(path, wanted)
    batch = _batch(job, given)
    inputs = {name: np.repeat(one, batch, axis=0) if len(one) == 1 else one for name, one in given.items()}
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
    given: Ready, attribute: str, op: dict[str, Any], weights: dict[str, Array]
) -> dict[str, Array]:
    """The weight that a layer multiplies with, if it is computed from the stored weights; else {}."""
    if op.get("normalised") in (None, "plain"):
        return {}
    name, wanted = NORMALISED[op["normalised"]]
    numbers = {"eps": op["weight_eps"], "gamma": op["gamma"], "axis": int(op["word"] == "deconv")}
    place = given.program.Net(doubled(given.params)).go(f"{attribute}.")
    made = getattr(given.program, name)(place, **{one: numbers[one] for one in wanted})
    kept = next(value for key, value in weights.items() if key.rstrip("1").endswith(".original"))
    return {"weight": made.weight("weight", kept.shape, None)}


def _batch(job: dict[str, Any], given: dict[str, Array]) -> int:
    """The number of images; a single image of one input is used with all images of the others."""
    counts = {len(one) for one in given.values()} - {1} or {1}
    if len(counts) > 1:
        of = ", ".join(f"{name} has {len(array)}" for name, array in given.items())
        last = next(reversed(given))
        with reading("E708", job["files"].get(last) or last):
            raise Fault(f"the inputs have different numbers of images: {of}")
    return counts.pop()


def doubled(arrays: dict[str, Array]) -> dict[str, Array]:
    """The arrays in float64; counters stay integers."""
    return {
        key: value.astype(np.float64) if value.dtype.kind == "f" else value for key, value in arrays.items()
    }


def volumes(job: dict[str, Any], given: Ready, values: set[int]) -> dict[int, Array]:
    """The first image's volumes with these numbers, in float64, after a forward pass in evaluation."""
    rows = job["rows"]
    wanted = set(values)
    for row in reversed(rows):  # a layer that only passes its input on has no line in the program
        if row["output"] in wanted and row["layer"].split()[0] in PASSING:
            wanted.update(row["inputs"])
    inputs = doubled(given.inputs)
    found = {number: one[0] for number, one in enumerate(inputs.values())}

    def look(number: int, volume: Array) -> None:
        step("layers", number, len(rows))
        if rows[number]["output"] in wanted:
            found[rows[number]["output"]] = volume[0].copy()

    with np.errstate(all="ignore"):
        given.program.forward(doubled(given.params), *inputs.values(), trace=tracer(rows, look))
    for row in rows:
        if row["output"] in wanted and row["output"] not in found:
            same = [found[one] for one in row["inputs"] if one in found]
            found[row["output"]] = next(one for one in same if one.shape == tuple(row["shape"]))
    return found


PASSING = ("id", "none", "add", "sub", "mul", "max", "concat")
"""Layers that may only pass their input on: `id`, and a merge with one branch left."""


def layer_functions(program: Any) -> dict[str, str]:
    """The function of the program for each layer, by the layer's place; filled during the next pass."""
    found: dict[str, str] = {}

    def noting(name: str, function: Any) -> Any:
        def noted(*arguments: Any, **named: Any) -> Any:
            found.update((one.at[:-1], name) for one in arguments[:2] if isinstance(one, program.Net))
            return function(*arguments, **named)

        return noted

    own = vars(program)
    for name in [name for name in own if f"{name}_backward" in own]:
        own[name] = noting(name, own[name])
    return found
