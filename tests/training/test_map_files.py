"""Images and label maps in two folders."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnspec.training.library import files, maps
from cnnspec.training.library.common import Refused
from tests.training.running import built, log, run
from tests.training.test_recipe import found

RECIPE = """\
[data]
source = "maps"
path = "data"

[augment]
flip = true

[optimizer]
name = "sgd"
rate = 0.5
momentum = 0.9

[schedule]
epochs = 8
batch = 4
"""
SPEC = "input 1x12x12\nconv F3 P1 K2\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an image is bright; one map has a palette."""
    folder = tmp_path_factory.mktemp("maps") / "data"
    generator = np.random.default_rng(0)
    for split in ("train", "val"):
        for inside in ("images", "labels"):
            (folder / split / inside).mkdir(parents=True)
        for number in range(8):
            coarse = generator.integers(0, 2, (6, 8))
            pixels = np.kron(coarse * 200 + 20, np.ones((4, 4))).astype(np.uint8)
            Image.fromarray(pixels).save(folder / split / "images" / f"{number}.bmp")
            labels = Image.fromarray((pixels > 127).astype(np.uint8))
            if number == 0:
                labels = labels.convert("P")
                labels.putpalette([9, 9, 9, 250, 0, 0])
            labels.save(folder / split / "labels" / f"{number}.png")
    return folder


@pytest.mark.parametrize("loss", ["cross_entropy", "bce"])
def test_it_learns_where_images_are_bright(data: Path, tmp_path: Path, loss: str) -> None:
    spec = SPEC if loss == "cross_entropy" else SPEC.replace("K2", "K1")
    folder = built(tmp_path, spec, f'{RECIPE}\n[loss]\nkind = "{loss}"\n', data=str(data))
    run(folder)
    assert float(log(folder)[-1]["accuracy"]) > 90


def test_a_map_is_cut_and_scaled_as_its_image_is(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:40, :60]
    labels = (rows // 10 * 6 + columns // 10).astype(np.uint8)
    Image.fromarray(labels).save(tmp_path / "a.png")

    def part(width: int, height: int) -> files.Box:
        return files.placed_part(width, height, (1, 4, 4), 4)

    expected = [[6 * row + column for column in range(1, 5)] for row in range(4)]
    assert maps.map_file(tmp_path / "a.png", (1, 4, 4), part).tolist() == expected
    image = files.image_file(tmp_path / "a.png", (1, 4, 4), part)
    assert abs(image[0].astype(int) - expected).max() <= 1


SLIPS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no map": (lambda at: (at / "labels/3.png").unlink(), "train: 3 has no label map in labels"),
    "no image": (lambda at: (at / "images/3.bmp").unlink(), "train: 3 has no image in images"),
    "size": (lambda at: Image.new("L", (9, 7)).save(at / "labels/3.png"), "3.png is 7x9, its image 24x32"),
    "colours": (
        lambda at: Image.new("RGB", (32, 24)).save(at / "labels/3.png"),
        "3.png: a label map has numbers, found RGB colours",
    ),
    "text": (lambda at: (at / "labels/3.png").write_text("x"), "3.png: cannot identify image file"),
    "no folder": (lambda at: shutil.rmtree(at / "labels"), "labels: No such file or directory"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_what_is_wrong_with_the_folders_is_said(slip: str, data: Path, tmp_path: Path) -> None:
    change, message = SLIPS[slip]
    shutil.copytree(data, tmp_path / "data")
    change(tmp_path / "data" / "train")
    with pytest.raises(Refused) as refused:
        maps.paired(tmp_path / "data" / "train", "images", "labels", decode, decode_map)
    assert message in str(refused.value)


def whole(width: int, height: int) -> files.Box:
    return 0, 0, 1, 1


def decode(path: Path) -> np.ndarray:
    return files.image_file(path, (1, 12, 12), whole)


def decode_map(path: Path) -> np.ndarray:
    return maps.map_file(path, (1, 12, 12), whole)


def test_an_output_without_pixels() -> None:
    (finding,) = found(RECIPE, "input 1x12x12\nconv F3 K2 -> gap\n")
    assert finding[0] == "E824"
    assert finding[3] == "the label maps have 12x12 pixels, output has 2x1x1"
