"""The inputs: an array, a CSV or an image as (N, C, H, W), or (N, K) for a vector; signals are (N, C, W),
volumes (N, C, T, H, W). Nothing is cropped, and nothing is scaled without an option for it."""

from __future__ import annotations

import io
import math
import os
from array import array as compact
from dataclasses import dataclass, field

import numpy as np

from cnnspec.running.worker.arrays import NotNumbers, mapped
from cnnspec.running.worker.messages import Fault, shape_text
from cnnspec.running.worker.program import Array

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
MOST_TEXT = 16_000_000
"""The largest size of a CSV, in bytes."""
MOST_COLUMNS = 100_000
"""The most numbers in a line, unless the input is wider."""


@dataclass
class ExpectedInput:
    """An input of the network, and the scaling of a file for it: y = (x·scale − mean)/std, with one mean and
    std per channel or one for all. `notes` are for the user."""

    name: str
    shape: tuple[int, ...]
    resize: bool = False
    scale: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        shape = shape_text(self.shape)
        return f"expected {shape} or Nx{shape} for {self.name}"


def read_input(path: str, expected: ExpectedInput) -> Array:
    """The numbers in a file, in float64: (N, C, H, W) or (N, K)."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".npy":
        array = _npy(path)
    elif suffix in (".csv", ".tsv", ".txt"):
        array = _csv(path, expected)
    elif suffix in IMAGES:
        from cnnspec.running.worker.images import read_image

        array = read_image(path, expected)
    else:
        kind = suffix or "a file without an extension"
        raise Fault(f"expected an array (.npy), a table (.csv) or an image (.png, .jpg, …), found {kind}")
    array = np.asarray(_batch(array, expected), np.float64)
    if not np.isfinite(array).all():
        bad = int(np.count_nonzero(~np.isfinite(array)))
        raise Fault(f"{bad:,} of its {array.size:,} numbers are not finite (NaN or ∞)")
    with np.errstate(all="ignore"):
        scaled = _scaled(array, expected)
        if not np.isfinite(scaled.astype(np.float32)).all():
            raise Fault("some of its numbers, with --scale, --mean and --std, are too large for float32")
    return scaled


def _scaled(x: Array, expected: ExpectedInput) -> Array:
    channels, *size = expected.shape
    for name, numbers in (("mean", expected.mean), ("std", expected.std)):
        if len(numbers) not in (0, 1, channels):
            raise Fault(f"--{name} has {len(numbers)} numbers for {channels} channels")
    mean, std = (
        np.reshape(number, (-1, *[1] * len(size))) for number in (expected.mean or 0.0, expected.std or 1.0)
    )
    scaled: Array = (x * expected.scale - mean) / std
    return scaled


def _batch(array: Array, expected: ExpectedInput) -> Array:
    """The array with its batch axis. Raises a finding where the shape is another."""
    shape, found_shape = expected.shape, array.shape
    if found_shape == shape:
        return array[None]
    if found_shape[1:] == shape and found_shape[0] > 0:
        return array
    if len(shape) > 1 and shape[0] == 1 and found_shape == shape[1:]:  # a single map
        return array[None, None]
    rank = len(shape)
    last = (
        rank > 1
        and len(found_shape) in (rank, rank + 1)
        and (found_shape[-1], *found_shape[-rank:-1]) == shape
    )
    note = f"its channels are last; np.moveaxis(x, -1, -{rank}) moves them to the front" if last else ""
    raise Fault(f"{expected.text}, found {shape_text(found_shape) or 'one number'}", help=note)


def _npy(path: str) -> Array:
    """The array, mapped into memory: a wrong shape is found before its numbers are read."""
    try:
        return mapped(path)
    except NotNumbers as error:
        raise Fault(f"it {error}") from None
    except (OSError, ValueError, OverflowError) as error:
        with open(path, "rb") as file:
            if file.read(4) == b"PK\x03\x04":
                raise Fault(
                    "this is an .npz file (several arrays)", help="save one array with np.save"
                ) from None
        raise Fault(f"this is not a complete .npy file: {str(error)[:200]}") from None


def _csv(path: str, expected: ExpectedInput) -> Array:
    """Rows of numbers; a blank line begins the next plane. Commas, semicolons, tabs or spaces separate
    numbers, and `#` begins a comment."""
    with open(path, "rb") as file:
        data = file.read(MOST_TEXT + 1)
    if len(data) > MOST_TEXT:
        raise Fault(f"this table has more than {MOST_TEXT:,} bytes", help="save it as .npy, with np.save")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Fault(f"this table is not UTF-8 (byte {error.start})") from None
    return _folded(_planes(text, max(expected.shape[-1], MOST_COLUMNS)), expected.shape)


def _planes(text: str, most: int) -> Array:
    """The numbers as (planes, rows, columns), with at most `most` columns."""
    numbers, rows, columns = compact("d"), compact("q"), compact("q")
    begins = True
    for number, line in enumerate(io.StringIO(text, None), 1):
        row = line.partition("#")[0]
        if not row.strip():
            begins = begins or not line.strip()
            continue
        cells = row.split(next((separator for separator in ",;" if separator in row), None), most)
        if len(cells) > most:
            raise Fault(f"line {number} has more than {most:,} numbers")
        try:
            numbers.extend(map(float, cells))
        except ValueError as error:
            raise Fault(f"line {number}: {str(error)[:80]}") from None
        if begins:
            rows.append(0)
            columns.append(len(cells))
            begins = False
        if len(cells) != columns[-1]:
            counted = "1 number" if len(cells) == 1 else f"{len(cells):,} numbers"
            raise Fault(f"line {number} has {counted}, the line above it {columns[-1]:,}")
        rows[-1] += 1
    if not rows:
        raise Fault("this table is empty")
    for plane, size in enumerate(zip(rows, columns, strict=True), 1):
        if size != (rows[0], columns[0]):
            other = f"the first is {rows[0]}x{columns[0]}, plane {plane:,} is {shape_text(size)}"
            raise Fault(f"the planes of this table must have equal sizes: {other}")
    return np.frombuffer(numbers).reshape(len(rows), rows[0], columns[0])


def _folded(planes: Array, shape: tuple[int, ...]) -> Array:
    """Planes, rows and columns in the shape of the input: C planes per image, one row per channel of a
    signal, the planes of each channel of a volume; a vector in a row, a column or several rows."""
    count, rows, columns = planes.shape
    if len(shape) == 1 and count == 1 and rows > 1 and columns == shape[0]:
        return planes.reshape(rows, columns)
    if len(shape) == 1 and planes.size == shape[0]:
        return planes.reshape(-1)
    if len(shape) == 2 and count == 1 and (rows, columns) == shape:
        return planes.reshape(shape)
    if len(shape) == 4 and planes.size % math.prod(shape) == 0 and (rows, columns) == tuple(shape[2:]):
        return planes.reshape(-1, *shape)
    if (rows, columns) == tuple(shape[1:]) and count > shape[0] and count % shape[0] == 0:
        return planes.reshape(-1, *shape)
    return planes
