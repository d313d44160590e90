"""Weights out of a file: safetensors, or `.npz` without pickles. Their names and shapes are held against
the spec's before a number is read."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from cnnspec.diagnostics.suggest import did_you_mean
from cnnspec.running.worker.program import Array
from cnnspec.running.worker.tell import Fault, Missing, shape_text

Expected = dict[str, dict[str, Any]]
MOST_LINES = 12

SAVE = "save them with safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')"


def read_weights(path: str, expected: Expected, dtype: Any) -> dict[str, Array]:
    """Every weight by its key, as `dtype` (counters stay whole numbers)."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".safetensors":
        found = _safetensors(path, expected)
    elif suffix == ".npz":
        found = _npz(path, expected)
    else:
        raise Fault(
            "E707",
            path,
            f"weights are read from .safetensors and .npz, not from {suffix or 'a file without an ending'}",
            help=f"a torch checkpoint is a pickle, which can run code: {SAVE}",
        )
    weights = {}
    for key, value in found.items():
        if value.dtype.kind not in "fiu":
            raise Fault("E707", path, f"{key} holds {value.dtype}, not numbers")
        if not np.isfinite(value).all():
            bad = int(np.count_nonzero(~np.isfinite(value)))
            raise Fault(
                "E707", path, f"{key} holds numbers that are not finite (NaN or ∞): {bad:,} of {value.size:,}"
            )
        weights[key] = value.astype(np.int64 if _counts(key) else dtype)
    for key in expected.keys() - weights.keys():
        weights[key] = np.zeros((), np.int64)
    return weights


def _counts(key: str) -> bool:
    """`num_batches_tracked` counts batches; files from before it existed lack it, and nothing is worked out
    from it."""
    return key.rpartition(".")[2] == "num_batches_tracked"


def _fit(path: str, expected: Expected, shapes: dict[str, tuple[int, ...]]) -> None:
    """Whether the names and shapes are the spec's; a finding with all that are not."""
    missing = [key for key in expected if key not in shapes and not _counts(key)]
    extra = [key for key in shapes if key not in expected]
    wrong = [key for key in expected if key in shapes and tuple(expected[key]["shape"]) != shapes[key]]
    if not (missing or extra or wrong):
        return
    counts = [(len(missing), "missing"), (len(extra), "too many"), (len(wrong), "of another shape")]
    what = ", ".join(f"{count} {how}" for count, how in counts if count)
    lines = [
        f"{key}: the file has {_size(shapes[key])}, the spec {_size(expected[key]['shape'])}" for key in wrong
    ]
    free = set(extra)
    for key in missing:
        near = did_you_mean(key, free)
        lines.append(f"{key} ({_size(expected[key]['shape'])}) is missing{_meant(near)}")
    lines += [f"{key} ({_size(shapes[key])}) is not in the spec" for key in extra]
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"… {len(lines) - MOST_LINES} more"]
    raise Fault(
        "E707",
        path,
        f"these weights do not fit: of {len(expected)} names, {what}",
        note="\n".join(lines),
        help="`cnnspec check FILE --format json` lists the names and shapes that the spec has",
    )


def _meant(near: str) -> str:
    return f"; is it {near.removeprefix('did you mean ').removesuffix('?')}?" if near else ""


def _size(shape: Any) -> str:
    return shape_text(shape) if len(shape) else "one number"


def _safetensors(path: str, expected: Expected) -> dict[str, Array]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise Missing("weights", str(error)) from None
    try:
        with safe_open(path, framework="np") as file:
            slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118
            odd = sorted({str(one.get_dtype()) for one in slices.values()} - _KNOWN)
            if odd:
                raise Fault(
                    "E707",
                    path,
                    f"NumPy has no numbers of the kind {', '.join(odd)}",
                    help="save them as float32",
                )
            _fit(path, expected, {key: tuple(one.get_shape()) for key, one in slices.items()})
            return {key: file.get_tensor(key) for key in slices}
    except (SafetensorError, OSError, ValueError, OverflowError) as error:
        raise Fault("E707", path, f"this is no whole safetensors file: {error}") from None


_KNOWN = {"F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"}


def _npz(path: str, expected: Expected) -> dict[str, Array]:
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(path) as archive:
            shapes = {}
            for member in archive.namelist():
                with archive.open(member) as file:
                    key = member.removesuffix(".npy")
                    shape, pickled = _header(file)
                    if pickled:
                        raise Fault(
                            "E707",
                            path,
                            f"{key} is pickled, and a pickle can run code: it is not loaded",
                            help="save plain arrays with np.savez(path, **params)",
                        )
                    shapes[key] = shape
        _fit(path, expected, shapes)
        with np.load(path, allow_pickle=False) as opened:
            return {key: opened[key] for key in shapes}
    except (  # whatever zipfile says of a broken, encrypted or odd archive
        OSError,
        ValueError,
        KeyError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise Fault("E707", path, f"this is no whole .npz file: {error}") from None


def _header(file: Any) -> tuple[tuple[int, ...], bool]:
    """The shape that stands at the head of an array's file, and whether its numbers are pickled objects."""
    readers: dict[tuple[int, int], Callable[[Any], Any]] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise ValueError(f"an array's file of version {version}")
    shape, _, dtype = readers[version](file)
    return shape, dtype.hasobject
