"""Reads NumPy's file of one array (`.npy`; an `.npz` is a zip of them), which may be hostile: the header
first, within limits, and no number before the header's shape and type are known to be right."""

from __future__ import annotations

import io
import math
import os
from typing import IO, Any, Literal, NamedTuple

import numpy as np

from cnnspec.running.worker.program import Array

MOST_HEADER = 10_000
"""The largest header in bytes; the file itself may claim 4 GB."""
READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class NotNumbers(ValueError):
    """The array does not contain numbers. `pickled`: it contains objects, which only unpickling could
    restore."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        text = str(dtype)
        self.pickled = dtype.hasobject
        fault = "is pickled, and a pickle can run code" if self.pickled else "contains {}, not numbers"
        super().__init__(fault.format(text if len(text) <= 60 else f"{text[:59]}…"))


class Head(NamedTuple):
    """The type and shape of the numbers, where they begin, and their size in bytes."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: Literal["F", "C"]
    offset: int
    size: int


def read_head(file: IO[bytes]) -> Head:
    """The head of an array's file. Raises ValueError for a file that is not valid, and NotNumbers."""
    start = io.BytesIO(file.read(MOST_HEADER + 12))
    version = np.lib.format.read_magic(start)
    if version not in READERS:
        raise ValueError(f"it is of version {version}")
    try:
        shape, fortran, dtype = READERS[version](start)
    except Exception as error:  # it is parsed as a Python literal, which can raise many kinds of errors
        raise ValueError("its header cannot be read") from error
    if dtype.kind not in "fiub" or dtype.itemsize == 0:
        raise NotNumbers(dtype)
    if any(size < 0 for size in shape):
        raise ValueError("its shape has a negative size")
    shape = tuple(map(int, shape))
    return Head(shape, dtype, "F" if fortran else "C", start.tell(), math.prod(shape) * dtype.itemsize)


def mapped(path: str) -> Array:
    """The array in a `.npy` file, mapped into memory: its numbers are not read yet."""
    with open(path, "rb") as file:
        head = read_head(file)
        size = os.fstat(file.fileno()).st_size
    if head.size == 0:
        return np.zeros(head.shape, head.dtype)
    if size - head.offset < head.size:
        raise ValueError("it is cut off")
    return np.memmap(path, head.dtype, "r", head.offset, head.shape, head.order)


def unpacked(file: IO[bytes], head: Head) -> Array:
    """The numbers after a head that was read from the same file."""
    data = file.read(head.offset + head.size)[head.offset :]
    if len(data) < head.size:
        raise ValueError("an array in it is cut off")
    if file.read(1):
        raise ValueError("there are bytes after an array in it")
    return np.frombuffer(data, head.dtype).reshape(head.shape, order=head.order)
