"""The job `run`: one forward pass of the NumPy program, with the outputs of its layers."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from cnnspec.running.worker.forward import ready
from cnnspec.running.worker.maps import save_sheet
from cnnspec.running.worker.messages import step
from cnnspec.running.worker.program import Array, tracer
from cnnspec.running.worker.summary import summary


def work(job: dict[str, Any], folder: str) -> dict[str, Any]:
    """Runs the network: returns results for the parent, writes outputs as `output0.npy`, …, and sheets in
    `maps/`.
    """
    prepared = ready(job, folder)
    maps = os.path.join(folder, "maps")
    sheets: list[str] = []
    seen: dict[int, dict[str, Any]] = {}

    def look(number: int, volume: Array) -> None:
        seen[number] = summary(volume) if job["trace"] else {}
        step("layers", len(seen), len(job["rows"]))
        if job["maps"]:
            sheets.extend(save_sheet(maps, number + 1, job["rows"][number]["name"], volume))

    if job["maps"]:
        for name, volume in prepared.inputs.items():
            sheets += save_sheet(maps, 0, name, volume)
    trace = tracer(job["rows"], look)
    with np.errstate(all="ignore"):
        inputs = (array.astype(np.float32) for array in prepared.inputs.values())
        result = prepared.program.forward(prepared.params, *inputs, trace=trace)
    outputs = []
    for number, output in enumerate(result if isinstance(result, tuple) else (result,)):
        np.save(os.path.join(folder, f"output{number}.npy"), np.ascontiguousarray(output))
        classes = top(output, job["top"], job["smallest"][number])
        outputs.append({**summary(output), "top": classes})
    before = [summary(array) for array in prepared.inputs.values()]
    extra: dict[str, Any] = {}
    if job["grad"] is not None:
        from cnnspec.running.worker.gradients import gradients

        extra["gradients"] = gradients(job, prepared)
    if job["im2col"] is not None:
        from cnnspec.running.worker.im2col import im2col

        extra["im2col"] = im2col(job, prepared)
    return {
        **extra,
        "batch": prepared.batch,
        "notes": prepared.notes,
        "random": 0 if job["weights_file"] else sum(weight["random"] for weight in job["weights"].values()),
        "keys": len(prepared.params),
        "inputs": before,
        "trace": _trace(job, seen, before) if job["trace"] else [],
        "outputs": outputs,
        "sheets": sheets,
    }


def _trace(job: dict[str, Any], seen: dict[int, dict[str, Any]], before: list[dict[str, Any]]) -> list[Any]:
    """The output of each row. A row that only passes its input on (`id`) has no line in the program."""
    summaries: dict[int, dict[str, Any]] = dict(enumerate(before))
    trace: list[Any] = []
    for number, row in enumerate(job["rows"]):
        row_summary = seen.get(number)
        if row_summary is None:
            inputs = [summaries[value] for value in row["inputs"] if value in summaries]
            same = [each for each in inputs if each.get("shape") == list(row["shape"])]
            row_summary = same[0] if len(same) == 1 else None
        if row_summary is not None:
            summaries[row["output"]] = row_summary
        trace.append(row_summary)
    return trace


def top(output: Array, count: int, smallest: bool) -> list[list[dict[str, Any]]]:
    """For each image the best `count` classes, of a vector or of maps with one position: their number, their
    score, and their probability by softmax.

    Numbers that are probabilities already (none negative, their sum 1) are not passed through a softmax.
    `smallest`: the numbers are distances, and the smallest is the answer.
    """
    if output.ndim > 2 and set(output.shape[2:]) == {1}:
        output = output.reshape(output.shape[:2])
    if output.ndim != 2 or output.shape[1] < 2 or not np.isfinite(output).all():
        return []
    classes = []
    for scores in output[:1000].astype(np.float64):
        shares = scores
        if scores.min() < 0 or abs(scores.sum() - 1) >= 1e-3:
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
        order = np.argsort(scores if smallest else -scores, kind="stable")[:count].tolist()
        shown = [(one, float(scores[one]), None if smallest else float(shares[one])) for one in order]
        classes.append([{"class": one, "score": score, "share": share} for one, score, share in shown])
    return classes
