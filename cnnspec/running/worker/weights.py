"""Weights out of a file: safetensors, or `.npz` without pickles. Their names and shapes are held against
the spec's before a number is read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from cnnspec.diagnostics.suggest import did_you_mean
from cnnspec.running.worker.arrays import Head, NotNumbers, read_head, unpacked
from cnnspec.running.worker.program import Array
from cnnspec.running.worker.tell import Fault, Missing, shape_text

Expected = dict[str, dict[str, Any]]
Shapes = dict[str, tuple[int, ...]]
MOST_LINES = 12
MOST_MORE = 1_000
"""Names that are not in the spec, up to which they are told one by one."""
LONGEST = 200
"""Characters of a name that is told."""

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
        with np.errstate(over="ignore"):
            weights[key] = value.astype(np.int64 if _counts(expected[key]) else dtype)
        if not np.isfinite(weights[key]).all():
            raise Fault("E707", path, f"{key} holds numbers beyond {np.dtype(dtype)}")
    for key in expected.keys() - weights.keys():
        weights[key] = np.zeros((), np.int64)
    return weights


def _counts(weight: dict[str, Any]) -> bool:
    """A buffer of one number counts batches; files from before there was one lack it, and nothing is computed
    from it."""
    return weight["role"] == "buffer" and not weight["shape"]


def _not_far_too_many(path: str, expected: Expected, names: int) -> None:
    """Before each of a hundred thousand is looked at."""
    if names > len(expected) + MOST_MORE:
        raise Fault(
            "E707", path, f"these weights do not fit: {names:,} names, and the spec has {len(expected):,}"
        )


def _fit(path: str, expected: Expected, shapes: Shapes) -> None:
    """Whether the names and shapes are the spec's; a finding with all that are not."""
    missing = [key for key in expected if key not in shapes and not _counts(expected[key])]
    extra = [key for key in shapes if key not in expected]
    wrong = [key for key in expected if key in shapes and tuple(expected[key]["shape"]) != shapes[key]]
    if not (missing or extra or wrong):
        return
    counts = [(len(missing), "missing"), (len(extra), "too many"), (len(wrong), "of another shape")]
    what = ", ".join(f"{count} {how}" for count, how in counts if count)
    lines = list(islice(_misfits(expected, shapes, missing, extra, wrong), MOST_LINES))
    more = len(missing) + len(extra) + len(wrong) - len(lines)
    if more:
        lines.append(f"… {more:,} more")
    raise Fault(
        "E707",
        path,
        f"these weights do not fit: of {len(expected)} names, {what}",
        note="\n".join(lines),
        help="`cnnspec check FILE --format json` lists the names and shapes that the spec has",
    )


def _misfits(
    expected: Expected, shapes: Shapes, missing: list[str], extra: list[str], wrong: list[str]
) -> Iterator[str]:
    for key in wrong:
        yield f"{key}: the file has {_cut(_size(shapes[key]))}, the spec {_size(expected[key]['shape'])}"
    free = set(extra)
    for key in missing:
        yield f"{key} ({_size(expected[key]['shape'])}) is missing{_meant(did_you_mean(key, free))}"
    for key in extra:
        yield f"{_cut(key)} ({_cut(_size(shapes[key]))}) is not in the spec"


def _cut(text: str) -> str:
    """A file can hold names and shapes of a million characters."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


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
            keys = list(file.keys())
            _not_far_too_many(path, expected, len(keys))
            slices = {key: file.get_slice(key) for key in keys}
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

    try:
        with zipfile.ZipFile(path) as archive:
            members: dict[str, str] = {}
            heads: dict[str, Head] = {}
            _not_far_too_many(path, expected, len(archive.namelist()))
            for member in archive.namelist():
                key = member.removesuffix(".npy")
                if key in members:
                    raise Fault("E707", path, f"{_cut(key)} stands twice in this .npz file")
                members[key] = member
                with archive.open(member) as file:
                    heads[key] = _head(path, key, file)
            _fit(path, expected, {key: head.shape for key, head in heads.items()})
            found = {}
            for key, member in members.items():
                with archive.open(member) as file:
                    found[key] = unpacked(file, heads[key])
            return found
    except (Fault, MemoryError):
        raise
    except Exception as error:  # of a broken archive zipfile and its decompressors raise many kinds
        raise Fault("E707", path, f"this is no whole .npz file: {_cut(str(error))}") from None


def _head(path: str, key: str, file: Any) -> Head:
    try:
        return read_head(file)
    except NotNumbers as error:
        if not error.pickled:
            raise Fault("E707", path, f"{_cut(key)} holds {error.kind}, not numbers") from None
        raise Fault(
            "E707",
            path,
            f"{_cut(key)} is pickled, and a pickle can run code: it is not loaded",
            help="save plain arrays with np.savez(path, **params)",
        ) from None
