"""What goes in: an array, a CSV or an image as (N, C, H, W), or (N, K) for a vector. Nothing is cut, and
nothing scaled unless asked for."""

from __future__ import annotations

import io
import os
from array import array as compact
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnspec.running.worker.arrays import NotNumbers, mapped
from cnnspec.running.worker.program import Array
from cnnspec.running.worker.tell import Fault, shape_text

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
TEXTS = (".csv", ".tsv", ".txt")
MOST_TEXT = 16_000_000
"""Bytes of a CSV."""
MOST_COLUMNS = 100_000
"""Numbers of its lines, where the input is not wider."""
MOST_MISFITS = 10_000
"""Rows or planes that no input has, up to which all of them are counted."""


@dataclass
class Wanted:
    """One input of the network, and how what is given is to be turned into it: y = (x·scale − mean)/std,
    `mean` and `std` one number a channel or one for all. `notes` collects what is worth telling."""

    name: str
    shape: tuple[int, ...]
    resize: bool = False
    scale: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    notes: list[str] = field(default_factory=list)


def read_input(path: str, wanted: Wanted) -> Array:
    """The numbers in a file, in float64, (N, C, H, W) or (N, K)."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".npy":
        array = _batch(path, _npy(path), wanted)
    elif suffix in TEXTS:
        array = _batch(path, _csv(path, wanted), wanted)
    elif suffix in IMAGES:
        from cnnspec.running.worker.images import read_image

        array = _batch(path, read_image(path, wanted), wanted)
    else:
        raise Fault(
            "E708",
            path,
            "an input is an array (.npy), a table (.csv) or an image (.png, .jpg, …), not "
            f"{suffix or 'a file without an ending'}",
        )
    array = np.asarray(array, np.float64)
    if not np.isfinite(array).all():
        bad = int(np.count_nonzero(~np.isfinite(array)))
        raise Fault(
            "E708", path, f"it holds numbers that are not finite (NaN or ∞): {bad:,} of {array.size:,}"
        )
    with np.errstate(all="ignore"):
        made = _scaled(path, array, wanted)
        single = np.isfinite(made.astype(np.float32)).all()
    if not single:
        raise Fault("E708", path, "it holds numbers beyond float32, or gets them by --scale, --mean or --std")
    return made


def _scaled(path: str, x: Array, wanted: Wanted) -> Array:
    x = x * wanted.scale
    for name, numbers in (("mean", wanted.mean), ("std", wanted.std)):
        if numbers and len(numbers) not in (1, wanted.shape[0]):
            raise Fault("E708", path, f"--{name} has {len(numbers)} numbers for {wanted.shape[0]} channels")
    across = (-1, *[1] * (len(wanted.shape) - 1))
    if wanted.mean:
        x = x - np.reshape(wanted.mean, across)
    if wanted.std:
        x = x / np.reshape(wanted.std, across)
    return x


def _batch(path: str, array: Array, wanted: Wanted) -> Array:
    """The array with its batch axis; a finding where it is of another shape."""
    shape, has = wanted.shape, array.shape
    if has == shape:
        return array[None]
    if has[1:] == shape and has[0] > 0:
        return array
    if len(shape) == 3 and shape[0] == 1 and has == shape[1:]:  # a single plane
        return array[None, None]
    note = ""
    if len(shape) == 3 and len(has) in (3, 4) and (has[-1], *has[-3:-1]) == shape:
        note = "it has the channels last: np.moveaxis(x, -1, -3) puts them first"
    raise Fault(
        "E708",
        path,
        f"it is {shape_text(has) or 'one number'}; {_wants(wanted)}",
        help=note,
    )


def _wants(wanted: Wanted) -> str:
    shape = shape_text(wanted.shape)
    return f"the spec's {wanted.name} wants {shape}, or Nx{shape}"


def _npy(path: str) -> Array:
    """The array, not yet read: a wrong shape is found before its numbers are."""
    try:
        return mapped(path)
    except NotNumbers as error:
        what = (
            "is pickled, and a pickle can run code" if error.pickled else f"holds {error.kind}, not numbers"
        )
        raise Fault("E708", path, f"it {what}") from None
    except (OSError, ValueError, OverflowError) as error:
        with open(path, "rb") as file:
            zipped = file.read(4) == b"PK\x03\x04"
        if zipped:
            raise Fault(
                "E708", path, "this is an .npz file, of several arrays", help="save one with np.save"
            ) from None
        raise Fault("E708", path, f"this is no whole .npy file: {str(error)[:200]}") from None


def _csv(path: str, wanted: Wanted) -> Array:
    """Rows of numbers; a blank line begins the next plane. Commas, semicolons, tabs or blanks separate, `#`
    begins a comment."""
    with open(path, "rb") as file:
        data = file.read(MOST_TEXT + 1)
    if len(data) > MOST_TEXT:
        raise Fault(
            "E708",
            path,
            f"this table has more than {MOST_TEXT:,} bytes",
            help="save it with np.save, as .npy",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Fault("E708", path, f"this table is not UTF-8: byte {error.start}") from None
    numbers, sizes = _planes(path, text, wanted)
    if not sizes:
        raise Fault("E708", path, "this table is empty")
    _refuse_another_size(path, sizes)
    return _folded(np.frombuffer(numbers).reshape(len(sizes), *sizes[0]), wanted.shape)


def _refuse_another_size(path: str, sizes: list[tuple[int, int]]) -> None:
    """What is wrong with the last plane, once it is whole."""
    if sizes and sizes[-1] != sizes[0]:
        (rows, columns), (other_rows, other_columns) = sizes[0], sizes[-1]
        raise Fault(
            "E708",
            path,
            "the planes of this table are of different sizes: "
            f"the first is {rows}x{columns}, plane {len(sizes):,} is {other_rows}x{other_columns}",
        )


def _planes(path: str, text: str, wanted: Wanted) -> tuple[compact[float], list[tuple[int, int]]]:
    """All numbers, and the rows and columns of each plane. Long before a table of any size is in memory, it
    is refused where no input has such rows."""
    numbers = compact("d")
    sizes: list[tuple[int, int]] = []
    begins = True
    most = max(wanted.shape[-1], MOST_COLUMNS)
    for number, line in enumerate(io.StringIO(text, None), 1):
        row = line.partition("#")[0]
        if not row.strip():
            begins = begins or not line.strip()
            continue
        separator = next((one for one in ",;" if one in row), None)
        cells = row.split(separator, most)
        if len(cells) > most:
            raise Fault("E708", path, f"line {number} has more than {most:,} numbers")
        try:
            numbers.extend(map(float, cells))
        except ValueError as error:
            raise Fault("E708", path, f"line {number}: {str(error)[:80]}") from None
        if begins:
            _refuse_another_size(path, sizes)
            if len(sizes) > MOST_MISFITS and wanted.shape[1:] not in (sizes[0], ()):
                raise Fault("E708", path, f"its planes are {shape_text(sizes[0])}; {_wants(wanted)}")
            sizes.append((1, len(cells)))
            begins = False
            continue
        rows, columns = sizes[-1]
        if rows > MOST_MISFITS and wanted.shape[1:] and rows >= wanted.shape[1]:
            raise Fault(
                "E708", path, f"line {number}: its plane has more than {rows:,} rows; {_wants(wanted)}"
            )
        if len(cells) != columns:
            counted = "1 number" if len(cells) == 1 else f"{len(cells):,} numbers"
            raise Fault("E708", path, f"line {number} has {counted}, the one above {columns:,}")
        sizes[-1] = rows + 1, columns
    return numbers, sizes


def _folded(planes: Array, shape: tuple[int, ...]) -> Array:
    """Planes, rows, columns as what is wanted: C planes an image; a vector in a row, a column or wrapped
    over rows."""
    count, rows, columns = planes.shape
    if len(shape) == 1:
        if count == 1 and rows > 1 and columns == shape[0]:
            rows_of_vectors: Array = planes[0]
            return rows_of_vectors
        return planes.reshape(-1) if planes.size == shape[0] else planes
    if (rows, columns) == tuple(shape[1:]) and count > shape[0] and count % shape[0] == 0:
        return planes.reshape(-1, *shape)
    return planes


def draw(wanted: Wanted, batch: int, rng: np.random.Generator) -> Any:
    """An input by chance: N(0, 1)."""
    return rng.standard_normal((batch, *wanted.shape))
