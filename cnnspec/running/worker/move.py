"""The weights of an imported network: from the source's file to a file with the keys of the emitted
program."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from cnnspec.running.worker import keras
from cnnspec.running.worker.tell import Fault, Missing, reading
from cnnspec.running.worker.weights import KNOWN, SAVE
from cnnspec.sources.layers import Rearranged

MOST_LINES = 12
PREFIXES = ("module.", "model.", "state_dict.", "_orig_mod.")
"""Prefixes that wrappers add to each key."""


def work(job: Mapping[str, Any], folder: str) -> dict[str, Any]:
    with reading("E813", job["weights"]):
        return _moved(job, folder)


def _moved(job: Mapping[str, Any], folder: str) -> dict[str, Any]:
    suffix = os.path.splitext(job["weights"])[1].lower()
    if suffix == ".onnx":
        from cnnspec.running.worker.onnx import arrays

        given = arrays(job["weights"], job["inputs"])
        shapes = {name: tuple(one.shape) for name, one in given.items()}
        return _written(job, folder, "", shapes, given.__getitem__)
    if suffix in keras.ENDINGS:
        held = keras.arrays(job, folder)
        return _written(job, folder, "", held.shapes, keras.reading_of(held))
    if suffix != ".safetensors":
        raise Fault(
            "weights are read from .safetensors, and Keras's from .h5 and .keras, not from "
            f"{suffix or 'a file without an extension'}",
            note="a torch checkpoint is a pickle, which can run code; two lines convert one that is yours:\n"
            "state = torch.load('theirs.pth', map_location='cpu', weights_only=True)\n"
            "safetensors.torch.save_file({k: state[k].contiguous() for k in state}, 'theirs.safetensors')",
            help=SAVE,
        )
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise Missing("weights", str(error)) from None
    try:
        with safe_open(job["weights"], framework="np") as file:
            names = list(file.keys())
            slices = {name: file.get_slice(name) for name in names}
            if odd := sorted({str(one.get_dtype()) for one in slices.values()} - KNOWN):
                raise Fault(f"NumPy has no type {', '.join(odd)}", help="save them as float32")
            shapes = {name: tuple(one.get_shape()) for name, one in slices.items()}
            return _written(job, folder, _prefix(names, job["keys"]), shapes, file.get_tensor)
    except (SafetensorError, OSError, ValueError, OverflowError) as error:
        raise Fault(f"this is not a complete safetensors file: {error}"[:500]) from None


def _written(
    job: Mapping[str, Any],
    folder: str,
    prefix: str,
    shapes: Mapping[str, tuple[int, ...]],
    tensor: Callable[[str], Any],
) -> dict[str, Any]:
    """Writes the weights with the keys of the program."""
    try:
        from safetensors.numpy import save_file
    except ImportError as error:
        raise Missing("weights", str(error)) from None
    rearranged = {its: Rearranged(*one) for its, one in job["rearranged"].items()}
    moved = {our: rearranged[its] for our, its in job["keys"].items() if its in rearranged}
    found = {our: prefix + (moved[our].key if our in moved else its) for our, its in job["keys"].items()}
    absent = {our for our, its in found.items() if its not in shapes and job["counters"].get(our)}
    absent |= {our for our, counts in job["counters"].items() if counts and our not in found}
    expected = {our: moved[our].sizes if our in moved else shape for our, shape in job["shapes"].items()}
    _fit(found, shapes, expected, moved.keys(), absent)
    given = {our: tensor(its) for our, its in found.items() if our not in absent}
    given |= {our: one.of(given[our]) for our, one in moved.items()}
    made = {our: np.ascontiguousarray(one.reshape(job["shapes"][our])) for our, one in given.items()}
    made |= {our: np.zeros((), np.int64) for our in absent}
    save_file(made, os.path.join(folder, "weights.safetensors"))
    used = set(found.values())
    return {
        "moved": len(made),
        "prefix": prefix,
        "left": [name[:200] for name in shapes if name not in used][:1000],
    }


def _prefix(names: list[str], keys: Mapping[str, str]) -> str:
    wanted = set(keys.values())
    if wanted & set(names):
        return ""
    for prefix in PREFIXES:
        if wanted & {name.removeprefix(prefix) for name in names if name.startswith(prefix)}:
            return prefix
    return ""


def _fit(
    found: Mapping[str, str],
    shapes: Mapping[str, tuple[int, ...]],
    ours: Mapping[str, Sequence[int]],
    moved: Collection[str],
    absent: set[str],
) -> None:
    lines = []
    for our, its in found.items():
        if our in absent:
            continue
        if its not in shapes:
            lines.append(f"{its} is missing (for {our})")
        elif prod(shapes[its]) != prod(ours[our]) or (
            our not in moved and not _same(shapes[its], tuple(ours[our]))
        ):
            lines.append(f"{its}: the file has {_size(shapes[its])}, {our} is {_size(ours[our])}")
    if lines:
        more = [f"… {len(lines) - MOST_LINES:,} more"] if len(lines) > MOST_LINES else []
        raise Fault(
            f"these weights do not fit: {len(lines)} of {len(found)} are missing or of another shape",
            note="\n".join([line[:200] for line in lines[:MOST_LINES]] + more),
            help="they must be those of the module that was imported, with the same arguments",
        )


def _same(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Equal but for sizes of 1: (64, 1, 1) holds what (64,) holds."""
    return [n for n in one if n != 1] == [n for n in other if n != 1] and prod(one) == prod(other)


def _size(shape: Any) -> str:
    return "x".join(map(str, shape)) or "one number"
