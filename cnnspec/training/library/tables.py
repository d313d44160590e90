"""Images in a data set of the package datasets, written by `save_to_disk`, or as
Parquet files.
"""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cnnspec.training.library.common import Refused
from cnnspec.training.library.files import Files


class Row(NamedTuple):
    """The place of an encoded image."""

    table: Any
    column: str
    number: int

    def __str__(self) -> str:
        return f"image {self.number} of the data set"

    def content(self) -> bytes:
        """The file as it was stored; paths to other files are not followed."""
        found = self.table[self.number][self.column]
        found = found.get("bytes") if isinstance(found, dict) else found
        if not isinstance(found, bytes):
            raise Refused(f"{self} is not stored in it as a file")
        return found


def table_of(path: Path, split: str) -> Any:
    """A split of a data set: nothing is fetched, and no program of it is run."""
    import datasets
    import pyarrow.parquet

    parquet = sorted(path.rglob("*.parquet"))
    try:
        if not parquet:
            found = datasets.load_from_disk(path)
            names = list(found) if isinstance(found, dict) else []
            if names and split not in names:
                raise ValueError(f"it has no split {split}; it has {', '.join(names)}")
            return found[split] if names else found
        files = [one for one in parquet if one.name.startswith(split)]
        if not files:
            names = [one.name for one in parquet[:5]]
            message = f"no Parquet file begins with {split}: {', '.join(names)}"
            raise ValueError(message)
        parts = [pyarrow.parquet.read_table(file, memory_map=True) for file in files]
        return datasets.Dataset(pyarrow.concat_tables(parts))
    except Exception as error:  # what a damaged file raises depends on the damage
        raise Refused(f"{path}: {error}") from None


def table_files(path: Path, split: str, image: str, label: str, classes: int) -> Files:
    """The rows of a split, and their labels."""
    import datasets

    table = table_of(path, split)
    for column in (image, label):
        if column not in table.column_names:
            found = ", ".join(table.column_names)
            raise Refused(f"{path} has no column {column} in {split}; it has {found}")
    if isinstance(table.features[image], datasets.Image):
        table = table.cast_column(image, datasets.Image(decode=False))
    numbers = list(table[label])
    if not all(
        type(number) is int and 0 <= number < (classes or 2**31) for number in numbers
    ):
        wrong = next(
            number
            for number in numbers
            if type(number) is not int or number not in range(classes or 2**31)
        )
        expected = f"labels from 0 to {classes - 1}" if classes else "whole numbers"
        raise Refused(f"{path}: expected {expected} in {label}, found {wrong!r:.60}")
    rows = [Row(table, image, number) for number in range(len(numbers))]
    return Files(rows, np.array(numbers, np.int64))


def rows_hash(*sets: Files) -> str:
    """What tells data sets apart: the labels, and each hundredth image."""
    digest = hashlib.sha256()
    for files in sets:
        digest.update(files.labels.tobytes())
        for row in files.paths[::100]:
            digest.update(row.content())
    return digest.hexdigest()[:32]
