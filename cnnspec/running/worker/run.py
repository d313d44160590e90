"""The job `run`: one forward pass of the NumPy program, and what its layers put out."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from cnnspec.running.worker.inputs import Wanted, read_input
from cnnspec.running.worker.maps import save_sheet
from cnnspec.running.worker.program import Array, load, tracer
from cnnspec.running.worker.tell import Fault, reading, step
from cnnspec.running.worker.weights import read_weights

OPTIONS = ("resize", "scale", "mean", "std")
SMALL = 12
"""Rows and columns up to which a map is shown number by number."""
FEW = 48
"""Rows in all that may be shown so, over all maps."""
SHORT = 16
"""Numbers up to which a vector is shown so."""


def work(job: dict[str, Any], folder: str) -> dict[str, Any]:
    """Run the network; results for the parent, outputs as `output0.npy`, …, and sheets in `maps/`."""
    program = load(folder)
    rng = np.random.default_rng(job["seed"])
    given: dict[str, Array] = {}
    notes: list[str] = []
    for one in job["inputs"]:
        wanted = Wanted(
            one["name"], tuple(one["shape"]), **{name: job[name] for name in OPTIONS}, notes=notes
        )
        path = job["files"].get(wanted.name)
        if path is None:
            given[wanted.name] = rng.standard_normal((job["batch"], *wanted.shape))
        else:
            with reading("E708", path):
                given[wanted.name] = read_input(path, wanted)
    batch = _batch(job, given)
    inputs = [np.repeat(one, batch, axis=0) if len(one) == 1 else one for one in given.values()]
    step("weights", 0, 1)
    if job["weights_file"]:
        with reading("E707", job["weights_file"]):
            params = read_weights(job["weights_file"], job["weights"], np.float32)
    else:
        params = program.init(job["seed"], np.float32)
    maps = os.path.join(folder, "maps")
    sheets: list[str] = []
    seen: dict[int, dict[str, Any]] = {}

    def look(number: int, volume: Array) -> None:
        seen[number] = summary(volume) if job["trace"] else {}
        step("layers", len(seen), len(job["rows"]))
        if job["maps"]:
            sheets.extend(save_sheet(maps, number + 1, job["rows"][number]["name"], volume))

    if job["maps"]:
        for name, volume in zip(given, inputs, strict=True):
            sheets += save_sheet(maps, 0, name, volume)
    trace = tracer(job["rows"], look)
    with np.errstate(all="ignore"):
        made = program.forward(params, *(one.astype(np.float32) for one in inputs), trace=trace)
    outputs = []
    for number, output in enumerate(made if isinstance(made, tuple) else (made,)):
        np.save(os.path.join(folder, f"output{number}.npy"), np.ascontiguousarray(output))
        classes = top(output, job["top"], job["smallest"][number])
        outputs.append({**summary(output), "top": classes})
    before = [summary(one) for one in inputs]
    return {
        "batch": batch,
        "notes": notes,
        "random": 0 if job["weights_file"] else sum(one["random"] for one in job["weights"].values()),
        "keys": len(params),
        "inputs": before,
        "trace": _trace(job, seen, before) if job["trace"] else [],
        "outputs": outputs,
        "sheets": sheets,
    }


def _batch(job: dict[str, Any], given: dict[str, Array]) -> int:
    """How many images there are; one image of an input serves all of the others."""
    counts = {len(one) for one in given.values()} - {1} or {1}
    if len(counts) > 1:
        of = ", ".join(f"{name} has {len(array)}" for name, array in given.items())
        last = next(reversed(given))
        with reading("E708", job["files"].get(last) or last):
            raise Fault(f"the inputs are of different numbers of images: {of}")
    return counts.pop()


def _trace(job: dict[str, Any], seen: dict[int, dict[str, Any]], before: list[dict[str, Any]]) -> list[Any]:
    """What each row put out; a row that hands on what it gets (`id`) has no line in the program."""
    made: dict[int, dict[str, Any]] = dict(enumerate(before))
    trace: list[Any] = []
    for number, row in enumerate(job["rows"]):
        found = seen.get(number)
        if found is None:
            inputs = [made[one] for one in row["inputs"] if one in made]
            same = [one for one in inputs if one.get("shape") == list(row["shape"])]
            found = same[0] if len(same) == 1 else None
        if found is not None:
            made[row["output"]] = found
        trace.append(found)
    return trace


def summary(volume: Array) -> dict[str, Any]:
    """Shape (without the batch), statistics over all images; the first image's numbers where they are few."""
    shape = list(volume.shape[1:])
    with np.errstate(all="ignore"):
        found: dict[str, Any] = {
            "shape": shape,
            "mean": float(volume.mean(dtype=np.float64)),
            "std": float(volume.std(dtype=np.float64)),
            "min": float(volume.min()),
            "max": float(volume.max()),
            "zeros": float(np.count_nonzero(volume == 0) / volume.size),
        }
    if _few(shape):
        found["values"] = volume[0].astype(np.float64).tolist()
    return found


def _few(shape: list[int]) -> bool:
    if len(shape) == 1:
        return shape[0] <= SHORT
    C, H, W = shape
    return max(H, W) <= SMALL and C * H <= FEW


def top(output: Array, count: int, smallest: bool) -> list[list[dict[str, Any]]]:
    """Of each image the classes that come first, of a vector or of maps of 1x1: their number, their score,
    and their share by softmax.

    Numbers that are shares already (none negative, their sum 1) are taken as such. `smallest`: the numbers
    are distances, and the least of them is the answer.
    """
    if output.shape[2:] == (1, 1):
        output = output[:, :, 0, 0]
    if output.ndim != 2 or output.shape[1] < 2 or not np.isfinite(output).all():
        return []
    found = []
    for scores in output[:1000].astype(np.float64):
        shares = scores
        if scores.min() < 0 or abs(scores.sum() - 1) >= 1e-3:
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
        order = np.argsort(scores if smallest else -scores, kind="stable")[:count].tolist()
        shown = [(one, float(scores[one]), None if smallest else float(shares[one])) for one in order]
        found.append([{"class": one, "score": score, "share": share} for one, score, share in shown])
    return found
