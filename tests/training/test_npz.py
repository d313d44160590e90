"""Arrays of an .npz file that cannot be trained on: refused with the file's name, in torch and in NumPy."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec.training.library import checkpoints
from cnnspec.training.library import samples as with_torch
from cnnspec.training.library.processes import Refused, printable
from cnnspec.training.numpy.library import files as numpy_files
from cnnspec.training.numpy.library import samples as with_numpy
from cnnspec.training.numpy.library.chance import Refused as RefusedByNumpy

IMAGES = np.zeros((10, 8, 8), np.uint8)
LABELS = np.arange(10)


def both_read(path: Path) -> list[Any]:
    """The images and labels as both programs see them, or what they say."""
    found: list[Any] = []
    try:
        some = with_torch.npz_arrays(path, "x", "y", 1)
        found.append([one.numpy() for one in with_torch.checked(some, (1, 8, 8), (), 10)])
    except Refused as refused:
        found.append(str(refused))
    try:
        pair = with_numpy.npz_arrays(path, "x", "y", 1)
        found.append(with_numpy.checked(*pair, (1, 8, 8), (), 10))
    except RefusedByNumpy as refused:
        found.append(str(refused))
    return found


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
    "other names": (lambda path: np.savez(path, a=IMAGES, y=LABELS), "data.npz has no array x; it has a, y"),
    "objects": (saved(x=np.array([1, "a", None], object)), "cannot be read as .npz: Object arrays cannot be"),
    "texts": (saved(y=np.array(["cat"] * 10)), "data.npz: y must be numbers, found <U3"),
    "complex": (saved(x=IMAGES.astype(complex)), "data.npz: x must be numbers, found complex128"),
    "flat": (saved(x=np.zeros((10, 64))), "expected images (N, H, W) or (N, C, H, W) and N labels, found "),
    "one": (saved(y=np.array(3)), "expected images (N, H, W) or (N, C, H, W) and N labels, found "),
    "shares": (saved(y=LABELS / 10), "the labels are numbers of classes, and must be whole numbers"),
    "one-hot": (saved(y=np.eye(10)), "expected "),
    "from 1": (saved(y=LABELS + 1), "expected labels from 0 to 9, found 10"),
    "fewer": (saved(y=LABELS[:9]), "10 images and 9 labels"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_file_is_said(name: str, tmp_path: Path) -> None:
    write, message = WRONG[name]
    write(tmp_path / "data.npz")
    for said in both_read(tmp_path / "data.npz"):
        assert message in said


@pytest.mark.parametrize("kind", ["f8", ">i8", "u2", "bool"])
def test_other_kinds_of_numbers_are_read(kind: str, tmp_path: Path) -> None:
    labels = LABELS.astype(kind)
    saved(x=IMAGES.astype(">f4"), y=labels)(tmp_path / "data.npz")
    for images, found in both_read(tmp_path / "data.npz"):
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
    for module in (checkpoints, numpy_files):
        with pytest.raises(KeyboardInterrupt):
            module.write_whole(tmp_path / "last", b"after")
        assert [one.name for one in tmp_path.iterdir()] == ["last"]
        assert (tmp_path / "last").read_text() == "before"
    monkeypatch.undo()
    checkpoints.write_whole(tmp_path / "last", b"after")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("last", "after")]
