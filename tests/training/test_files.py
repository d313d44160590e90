"""Images in folders: which part of each is shown, decoded once or anew for each step, and what is refused."""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from cnnspec.training.library import files
from cnnspec.training.library.common import Refused
from tests.training.running import built, log, run
from tests.training.test_recipe import found

RECIPE = """\
[data]
source = "folder"
path = "images"
side = 10
mean = [0.4]

[optimizer]
name = "sgd"
rate = 0.05

[schedule]
epochs = 2
batch = 4

[augment]
flip = true
"""
STREAM = RECIPE.replace("side = 10", "side = 10\nstream = true\nthreads = 2")
AREA = STREAM + "area = [0.2, 1.0]\n[run]\nsave_every = 1\n"
SPEC = "input 3x8x8\nconv F3 P1 K4 -> relu -> gap -> fc 3\n"


def write_images(folder: Path) -> Path:
    generator = np.random.default_rng(0)
    for split in ("train", "val"):
        for label in "abc":
            inside = folder / split / label
            inside.mkdir(parents=True)
            for number in range(4):
                pixels = generator.integers(0, 256, (20, 14 + number, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(inside / f"{number}.{'jpg' if number else 'png'}")
            (inside / ".DS_Store").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("folder") / "images")


def with_images(images: Path, folder: Path, recipe: str) -> Path:
    built(folder, SPEC, recipe, data="images")
    shutil.copytree(images, folder / "images")
    return folder


def test_the_part_of_an_image() -> None:
    """(left, top, right, bottom) as shares: worked out by hand."""
    shape = (3, 224, 224)
    assert files.placed_part(512, 256, shape, 256) == pytest.approx((0.28125, 0.0625, 0.71875, 0.9375))
    assert files.placed_part(224, 448, shape, 224) == pytest.approx((0, 0.25, 1, 0.75))
    assert files.scaled_part(512, 256, shape, (256, 512), [0.999, 1, 0]) == pytest.approx(
        (0.78125, 0, 1, 0.4375)
    )
    assert files.area_part(100, 100, (0.25, 1), [0, 0.5, 1, 0]) == pytest.approx((0.5, 0, 1, 0.5))
    left, top, right, bottom = files.area_part(300, 300, (0.1, 0.1), [0, 1, 0, 0])
    assert (right - left) / (bottom - top) == pytest.approx(4 / 3)
    assert (right - left) * (bottom - top) == pytest.approx(0.1)
    assert files.area_part(10, 1000, (1, 1), [0, 0.5, 0, 0])[2:] == pytest.approx((1, 0.1))


def test_a_part_is_what_pillow_cuts_and_scales(tmp_path: Path) -> None:
    """A quarter of the image's side; a large JPEG is decoded smaller, and shows the same."""
    rows, columns = np.mgrid[:800, :1200]
    pixels = np.stack([rows % 256, columns // 5, (rows + columns) // 8], 2).astype(np.uint8)
    pixels[:, :, 0] = rows // 4
    for name in ("a.png", "a.jpg"):
        Image.fromarray(pixels).save(tmp_path / name)
        part = files.image_file(tmp_path / name, (3, 50, 75), lambda width, height: (0.5, 0.25, 1, 0.75))
        expected = Image.fromarray(pixels[200:600, 600:]).resize((75, 50), Image.Resampling.BILINEAR)
        difference = np.moveaxis(part, 0, 2).astype(int) - np.asarray(expected)
        assert np.abs(difference).max() <= 4


def test_streamed_is_in_memory(images: Path, tmp_path: Path) -> None:
    kept = with_images(images, tmp_path / "kept", RECIPE)
    streamed = with_images(images, tmp_path / "streamed", STREAM)
    run(kept)
    run(streamed)
    assert log(kept) == log(streamed)
    for name in ("best.safetensors",):
        assert (kept / name).read_bytes() == (streamed / name).read_bytes()


def test_drawn_parts_are_the_same_after_a_kill_and_in_two_processes(images: Path, tmp_path: Path) -> None:
    whole = with_images(images, tmp_path / "whole", AREA)
    run(whole)
    killed = with_images(images, tmp_path / "killed", AREA)
    text = (killed / "train.py").read_text()
    step = "            progress.step += 1\n"
    assert step in text
    kill = step + "            if progress.step == 2 and not options.resume:\n                os._exit(9)\n"
    (killed / "train.py").write_text(text.replace(step, kill).replace("THREADS = 2", "THREADS = 1"))
    run(killed, status=9)
    (killed / "train.py").write_text(text)
    run(killed, "--resume")
    for name in ("last.safetensors", "best.safetensors"):
        assert (whole / name).read_bytes() == (killed / name).read_bytes(), name
    two = with_images(images, tmp_path / "two", AREA)
    run(two, processes=2)
    others = load_file(two / "best.safetensors")
    for key, value in load_file(whole / "best.safetensors").items():
        assert torch.allclose(value, others[key], atol=1e-5), key
    assert log(whole)[0]["loss"][:6] == log(two)[0]["loss"][:6]


def bomb(path: Path) -> None:
    """A PNG of 50,000 x 50,000 pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )
    path.write_bytes(png)


def cut(path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:-300])


SLIPS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no image": (
        lambda at: (at / "train/b/x.txt").write_text("x"),
        "train/b/x.txt: cannot identify image file",
    ),
    "eps": (lambda at: Image.new("L", (9, 9)).save(at / "val/a/x.eps"), "val/a/x.eps: cannot identify"),
    "bomb": (lambda at: bomb(at / "train/b/x.png"), "train/b/x.png: Image size (2500000000 pixels) exceeds"),
    "cut": (lambda at: cut(at / "train/b/x.jpg"), "train/b/x.jpg: image file is truncated"),
    "link": (
        lambda at: (at / "train/b/x.png").symlink_to("/etc/passwd"),
        "x.png: cannot identify image file",
    ),
    "fewer": (
        lambda at: shutil.rmtree(at / "train/b"),
        "train: expected 3 folders, one for each class, found 2 (a, c)",
    ),
    "other": (lambda at: (at / "val/a").rename(at / "val/z"), "val has no folder a"),
    "more": (lambda at: (at / "val/d").mkdir(), "val has a folder of no class: d"),
    "empty": (
        lambda at: shutil.move(at / "train/b", at.parent) and (at / "train/b").mkdir(),
        "b has no images",
    ),
    "missing": (lambda at: at.rename(at.with_name("other")), "images/train: No such file or directory"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_what_is_wrong_with_a_folder_is_said_with_its_name(slip: str, images: Path, tmp_path: Path) -> None:
    change, message = SLIPS[slip]
    shutil.copytree(images, tmp_path / "images")
    change(tmp_path / "images")
    with pytest.raises(Refused) as refused:
        read_all(tmp_path / "images")
    assert message in str(refused.value)


def read_all(path: Path) -> None:
    names = files.class_names(path / "train", 3)
    for split in ("train", "val"):
        some = files.class_files(path / split, names)
        list(files.streamed(some, np.split(np.arange(len(some.paths)), [4]), decode, 2))


def decode(path: Path, chance: list[float] | None) -> np.ndarray:
    return files.image_file(
        path, (3, 8, 8), lambda width, height: files.placed_part(width, height, (3, 8, 8), 8)
    )


PARTS = [
    (STREAM + "area = [0.5, 0.2]\n", "area is from the smallest to the largest, found 0.5 and 0.2"),
    (
        STREAM + "area = [0.2, 0.5]\nside = [9, 12]\n",
        "area and side are two ways to choose a part: write one",
    ),
    (RECIPE + "area = [0.2, 0.5]\n", "area needs images that are decoded anew each time"),
    (STREAM.replace("side = 10", "side = 7"), "a side of 7 pixels is shorter than the input, 8x8"),
    (STREAM + "side = [4, 9]\n", "a side of 4 pixels is shorter than the input, 8x8"),
    (STREAM + "area = [1.0]\n", "expected 2 numbers for area, found [1.0]"),
    (
        STREAM.replace("side = 10", 'fit = "exact"') + "side = [8, 9]\n",
        'side scales images, fit = "exact" does not',
    ),
]


@pytest.mark.parametrize(("text", "message"), PARTS, ids=[one[1] for one in PARTS])
def test_a_part_that_is_none(text: str, message: str) -> None:
    (finding,) = found(text, SPEC)
    assert finding[3] == message
    assert finding[4]
