"""The weights of an imported network: from the source's file to a file with the keys of the emitted
program."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from cnnspec.running.worker import binary, keras
from cnnspec.running.worker.messages import Fault, Missing, reading
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

        weights = arrays(job["weights"], job["inputs"])
        shapes = {name: tuple(array.shape) for name, array in weights.items()}
        return _written(job, folder, "", shapes, weights.__getitem__)
    if suffix in keras.ENDINGS:
        held = keras.arrays(job, folder)
        return _written(job, folder, "", held.shapes, keras.reading_of(held))
    if suffix in binary.TEXTS:
        stored = binary.stored(job)
        return _written(job, folder, "", stored.shapes, stored.read)
    if suffix != ".safetensors":
        raise Fault(
            "weights are read from .safetensors, and Keras's from .h5 and .keras, Caffe's from .caffemodel, "
            f"Darknet's from .weights, not from {suffix or 'a file without an extension'}",
            note="a torch checkpoint is a pickle, which can run code; two lines convert one that is yours:\n"
            "state = torch.load('theirs.pth', map_location='cpu', weights_only=True)\n"
            "safetensors.torch.save_file({k: v.clone().contiguous() for k, v in state.items()}, "
            "'theirs.safetensors')",
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
            if odd := sorted({str(array.get_dtype()) for array in slices.values()} - KNOWN):
                raise Fault(f"NumPy has no type {', '.join(odd)}", help="save them as float32")
            shapes = {name: tuple(array.get_shape()) for name, array in slices.items()}
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
    rearranged = {source_key: Rearranged(*fields) for source_key, fields in job["rearranged"].items()}
    moved = {
        key: rearranged[source_key] for key, source_key in job["keys"].items() if source_key in rearranged
    }
    source_keys = {
        key: prefix + (moved[key].key if key in moved else source_key)
        for key, source_key in job["keys"].items()
    }
    absent = {
        key
        for key, source_key in source_keys.items()
        if source_key not in shapes and job["counters"].get(key)
    }
    absent |= {key for key, counts in job["counters"].items() if counts and key not in source_keys}
    expected = {key: moved[key].sizes if key in moved else shape for key, shape in job["shapes"].items()}
    _fit(source_keys, shapes, expected, moved.keys(), absent)
    arrays_by_key = {key: tensor(source_key) for key, source_key in source_keys.items() if key not in absent}
    arrays_by_key |= {key: rearrangement.of(arrays_by_key[key]) for key, rearrangement in moved.items()}
    weights = {
        key: np.ascontiguousarray(array.reshape(job["shapes"][key])) for key, array in arrays_by_key.items()
    }
    weights |= {key: np.zeros((), np.int64) for key in absent}
    save_file(weights, os.path.join(folder, "weights.safetensors"))
    used = set(source_keys.values())
    return {
        "moved": len(weights),
        "prefix": prefix,
        "left": [name[:200] for name in shapes if name not in used][:1000],
    }


def _prefix(names: list[str], keys: Mapping[str, str]) -> str:
    source_keys = set(keys.values())
    if source_keys & set(names):
        return ""
    for prefix in PREFIXES:
        if source_keys & {name.removeprefix(prefix) for name in names if name.startswith(prefix)}:
            return prefix
    return ""


def _fit(
    source_keys: Mapping[str, str],
    shapes: Mapping[str, tuple[int, ...]],
    expected: Mapping[str, Sequence[int]],
    moved: Collection[str],
    absent: set[str],
) -> None:
    lines = []
    for key, source_key in source_keys.items():
        if key in absent:
            continue
        if source_key not in shapes:
            lines.append(f"{source_key} is missing (for {key})")
        elif prod(shapes[source_key]) != prod(expected[key]) or (
            key not in moved and not _same(shapes[source_key], tuple(expected[key]))
        ):
            lines.append(
                f"{source_key}: the file has {_size(shapes[source_key])}, {key} is {_size(expected[key])}"
            )
    if lines:
        more = [f"… {len(lines) - MOST_LINES:,} more"] if len(lines) > MOST_LINES else []
        raise Fault(
            f"these weights do not fit: {len(lines)} of {len(source_keys)} are missing or of another shape",
            note="\n".join([line[:200] for line in lines[:MOST_LINES]] + more),
            help="they must be those of the module that was imported, with the same arguments",
        )


def _same(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Equal but for sizes of 1: (64, 1, 1) holds what (64,) holds."""
    return [n for n in one if n != 1] == [n for n in other if n != 1] and prod(one) == prod(other)


def _size(shape: Any) -> str:
    return "x".join(map(str, shape)) or "one number"
