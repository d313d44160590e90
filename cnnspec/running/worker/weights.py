"""Reads weights from a file: safetensors, or `.npz` without pickles. Names and shapes are compared with the
spec's before any number is read."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from cnnspec.diagnostics.suggest import nearest
from cnnspec.running.worker.arrays import NotNumbers, read_head, unpacked
from cnnspec.running.worker.messages import Fault, Missing, shape_text
from cnnspec.running.worker.program import Array

Expected = dict[str, dict[str, Any]]
MOST_LINES = 12
MOST_MORE = 1_000
"""The most names outside of the spec that are listed."""
LONGEST = 200
"""The most characters of a name in a list."""

SAVE = "save them with safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')"
KNOWN = {"F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"}
"""The types of numbers of safetensors that NumPy has too."""


def read_weights(path: str, expected: Expected, dtype: Any) -> dict[str, Array]:
    """Every weight by its key, as `dtype` (counters stay integers)."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in (".safetensors", ".npz"):
        kind = suffix or "a file without an extension"
        raise Fault(
            f"weights are read from .safetensors and .npz, not from {kind}",
            help=f"a torch checkpoint is a pickle, which can run code: {SAVE}",
        )
    arrays = (_npz if suffix == ".npz" else _safetensors)(path, expected)
    weights = {}
    for key, value in arrays.items():
        if value.dtype.kind not in "fiu":
            raise Fault(f"{key} has the type {value.dtype}; expected numbers")
        if not np.isfinite(value).all():
            bad = int(np.count_nonzero(~np.isfinite(value)))
            raise Fault(f"{key}: {bad:,} of its {value.size:,} numbers are not finite (NaN or ∞)")
        with np.errstate(over="ignore"):
            weights[key] = value.astype(np.int64 if _counts(expected[key]) else dtype)
        if not np.isfinite(weights[key]).all():
            raise Fault(f"{key} has numbers that are too large for {np.dtype(dtype)}")
    for key in expected.keys() - weights.keys():
        weights[key] = np.zeros((), np.int64)
    return weights


def _counts(weight: dict[str, Any]) -> bool:
    """Whether a weight is the counter of batches, a buffer of one number: old files do not have it, and
    nothing is computed from it."""
    return weight["role"] == "buffer" and not weight["shape"]


def _not_far_too_many(expected: Expected, names: int) -> None:
    """Refuses a file with far too many names before each of them is compared."""
    if names > len(expected) + MOST_MORE:
        raise Fault(f"these weights do not fit: expected {len(expected):,} names, found {names:,}")


def _fit(expected: Expected, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Compares the names and shapes with the spec's; raises a finding with all differences."""
    missing = [key for key in expected if key not in shapes and not _counts(expected[key])]
    extra = [key for key in shapes if key not in expected]
    wrong = [key for key in expected if key in shapes and tuple(expected[key]["shape"]) != shapes[key]]
    counts = [(len(missing), "missing"), (len(extra), "too many"), (len(wrong), "of another shape")]
    if not any(count for count, _ in counts):
        return

    unknown = set(extra)

    def misfits() -> Iterator[str]:
        for key in wrong:
            yield f"{key}: the file has {_cut(_size(shapes[key]))}, the spec {_size(expected[key]['shape'])}"
        for key in missing:
            near = nearest(key, unknown)
            suggestion = f"; is it {near}?" if near else ""
            yield f"{key} ({_size(expected[key]['shape'])}) is missing{suggestion}"
        for key in extra:
            yield f"{_cut(key)} ({_cut(_size(shapes[key]))}) is not in the spec"

    lines = list(islice(misfits(), MOST_LINES))
    if more := sum(count for count, _ in counts) - len(lines):
        lines.append(f"… {more:,} more")
    counts_text = ", ".join(f"{count} {how}" for count, how in counts if count)
    raise Fault(
        f"these weights do not fit: of {len(expected)} names, {counts_text}",
        note="\n".join(lines),
        help="`cnnspec check FILE --format json` lists the names and shapes that the spec has",
    )


def _cut(text: str) -> str:
    """A name or shape from the file, shortened: it may have a million characters."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _size(shape: Any) -> str:
    return shape_text(shape) if len(shape) else "one number"


def _safetensors(path: str, expected: Expected) -> dict[str, Array]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise Missing("weights", str(error)) from None
    try:
        with safe_open(path, framework="np") as file:
            keys = list(file.keys())
            _not_far_too_many(expected, len(keys))
            slices = {key: file.get_slice(key) for key in keys}
            if odd := sorted({str(slice_.get_dtype()) for slice_ in slices.values()} - KNOWN):
                raise Fault(f"NumPy has no type {', '.join(odd)}", help="save them as float32")
            _fit(expected, {key: tuple(slice_.get_shape()) for key, slice_ in slices.items()})
            return {key: file.get_tensor(key) for key in slices}
    except (SafetensorError, OSError, ValueError, OverflowError) as error:
        raise Fault(f"this is not a complete safetensors file: {error}") from None


def _npz(path: str, expected: Expected) -> dict[str, Array]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
            _not_far_too_many(expected, len(members))
            heads = {}
            for member in members:
                key = member.removesuffix(".npy")
                if key in heads:
                    raise Fault(f"{_cut(key)} is in this .npz file twice")
                with archive.open(member) as file:
                    try:
                        heads[key] = read_head(file)
                    except NotNumbers as error:
                        refused = ": it is not loaded" if error.pickled else ""
                        plain = "save plain arrays with np.savez(path, **params)" if error.pickled else ""
                        raise Fault(f"{_cut(key)} {error}{refused}", help=plain) from None
            _fit(expected, {key: head.shape for key, head in heads.items()})
            weights = {}
            for member, (key, head) in zip(members, heads.items(), strict=True):
                with archive.open(member) as file:
                    weights[key] = unpacked(file, head)
            return weights
    except (Fault, MemoryError):
        raise
    except Exception as error:  # zipfile and its decompressors raise many kinds for a broken archive
        raise Fault(f"this is not a complete .npz file: {_cut(str(error))}") from None
