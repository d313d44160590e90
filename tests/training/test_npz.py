"""Arrays of an .npz file that cannot be trained on: refused with the file's name, in torch and in NumPy."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec.training.library.common import Refused, printable, write_whole
from cnnspec.training.library.samples import Samples, checked, npz_arrays

IMAGES = np.zeros((10, 8, 8), np.uint8)
LABELS = np.arange(10)


def samples_of(path: Path) -> Samples:
    return checked(npz_arrays(path, "x", "y", (1, 8, 8)), (1, 8, 8), (), 10)


def saved(**arrays: Any) -> Callable[[Path], None]:
    return lambda path: np.savez(path, **({"x": IMAGES, "y": LABELS} | arrays))


def bomb(path: Path) -> None:
    """A terabyte by its header."""
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000,), }"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header.ljust(117) + b"\n"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", array)


def damaged(path: Path) -> None:
    np.savez(path, x=IMAGES, y=LABELS)
    content = bytearray(path.read_bytes())
    content[300] ^= 255
    path.write_bytes(content)


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda path: None, "data.npz does not exist"),
    "text": (lambda path: path.write_text("hello"), "data.npz is not an .npz file"),
    "folder": (lambda path: path.mkdir(), "data.npz is not an .npz file"),
    "damaged": (damaged, "data.npz cannot be read as .npz: Bad CRC-32 for file 'x.npy'"),
    "bomb": (bomb, "data.npz cannot be read as .npz: Unable to allocate 931. GiB"),
    "other names": (
        lambda path: np.savez(path, a=IMAGES, y=LABELS),
        "data.npz has no array x; it has a, y: name others in [data], or hold out a share",
    ),
    "objects": (saved(x=np.array([1, "a", None], object)), "cannot be read as .npz: Object arrays cannot be"),
    "texts": (saved(y=np.array(["cat"] * 10)), "data.npz: y must be numbers, found <U3"),
    "complex": (saved(x=IMAGES.astype(complex)), "data.npz: x must be numbers, found complex128"),
    "not finite": (
        saved(x=np.where(IMAGES, 1.0, np.nan)),
        "data.npz: 640 of the numbers of x are nan or inf",
    ),
    "flat": (
        saved(x=np.zeros((10, 64))),
        "data.npz: expected N images of 1x8x8 and N labels, found 10x64 and 10",
    ),
    "one": (saved(y=np.array(3)), "expected N images of 1x8x8 and N labels, found 10x8x8 and one number"),
    "shares": (saved(y=LABELS / 10), "labels are numbers of classes, and must be whole numbers"),
    "one-hot": (
        saved(y=np.eye(10)),
        "expected labels of one number, found 10; a label is the number of a class",
    ),
    "from 1": (saved(y=LABELS + 1), "expected labels from 0 to 9, found 10; classes are numbered from 0"),
    "fewer": (saved(y=LABELS[:9]), "data.npz: x has 10 images, y 9 labels"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_file_is_said(name: str, tmp_path: Path) -> None:
    write, message = WRONG[name]
    write(tmp_path / "data.npz")
    with pytest.raises(Refused) as refused:
        samples_of(tmp_path / "data.npz")
    assert message in str(refused.value)


@pytest.mark.parametrize("kind", ["f8", ">i8", "u2", "bool"])
def test_other_kinds_of_numbers_are_read(kind: str, tmp_path: Path) -> None:
    labels = LABELS.astype(kind)
    saved(x=IMAGES.astype(">f4"), y=labels)(tmp_path / "data.npz")
    images, found = samples_of(tmp_path / "data.npz")
    assert images.shape == (10, 1, 8, 8)
    assert found.tolist() == labels.astype(int).tolist()


def test_a_files_name_cannot_write_to_the_terminal() -> None:
    assert printable("caf\u00e9 \x1b[31m\r\u202e") == "caf\u00e9 \\x1b[31m\\r\\u202e"


def test_nothing_is_left_beside_a_file_that_was_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while a checkpoint is written."""

    def stopped(number: int) -> None:
        raise KeyboardInterrupt

    (tmp_path / "last").write_text("before")
    monkeypatch.setattr("os.fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "last", b"after")
    assert [one.name for one in tmp_path.iterdir()] == ["last"]
    assert (tmp_path / "last").read_text() == "before"
    monkeypatch.undo()
    write_whole(tmp_path / "last", b"after")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("last", "after")]
