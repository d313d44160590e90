"""Each recipe of the zoo fits its spec, and its program makes two steps on a few images of the right form."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnspec.api import load
from cnnspec.diagnostics import Source
from cnnspec.resources import zoo
from cnnspec.training.network import network
from cnnspec.training.read import read
from cnnspec.training.recipe import Folder
from tests.training.running import built, log, run

SHIPPED = [name for name, path in zoo().items() if Path(path).with_suffix(".toml").is_file()]
SMALLER: dict[str, dict[str, Any]] = {
    "all_cnn": {},
    "lenet5_modern": {},
    "mobilenet_v2": {"alpha": 0.25, "classes": 3},
    "resnet_cifar": {},
    "unet": {"r": 188, "width": 2},
    "vgg": {"a": 1, "n": 1, "classes": 3},
}
"""Values of each spec that has a recipe, for a small network."""


def text_of(name: str) -> str:
    return Path(zoo()[name]).with_suffix(".toml").read_text("utf-8")


@pytest.mark.parametrize("name", SHIPPED)
def test_it_fits_its_spec(name: str) -> None:
    recipe, reading = read(Source(f"{name}.toml", text_of(name)))
    assert recipe is not None, list(reading.sink)
    assert network(load(f"zoo:{name}"), recipe, reading) is not None, list(reading.sink)
    assert text_of(name).startswith("# "), "it says where it is from"


def shortened(text: str) -> str:
    """Two epochs of one step; a data set that is downloaded is an .npz."""
    text = re.sub(r"epochs = \d+", "epochs = 2", text)
    text = re.sub(r"batch = \d+", "batch = 4", text)
    text = re.sub(r"milestones = .*", "milestones = [1]", text)
    text = re.sub(r"\[expect\]\n.*\n", "", text)
    text = re.sub(
        r'source = "(torchvision|digits)"\n(name = .*\n)?', 'source = "npz"\npath = "data.npz"\n', text
    )
    text = re.sub(r"\bside = \[.*\]", "side = [40, 48]", text)
    return re.sub(r"\bside = \d+", "side = 40", text)


def write_images(folder: Path, shape: tuple[int, ...], classes: int, maps: tuple[int, ...]) -> None:
    """An .npz file, or three folders of classes where the recipe has a folder."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (5, *shape)).astype(np.uint8)
    labels = generator.integers(0, classes, (5, *maps))
    np.savez(folder / "data.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    for split in ("train", "val"):
        for label in range(3):
            inside = folder / "images" / split / str(label)
            inside.mkdir(parents=True)
            for number in range(2):
                pixels = generator.integers(0, 256, (50, 44 + number, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(inside / f"{number}.{'jpg' if number else 'png'}")


@pytest.mark.parametrize("name", SHIPPED)
def test_it_makes_two_steps(name: str, tmp_path: Path) -> None:
    spec = Path(zoo()[name]).read_text("utf-8").replace("4096", "16")
    spec = re.sub("input 3x224x224", "input 3x32x32", spec)
    spec = re.sub(r"(, *)?\bexpect .*|=> .*", "", spec)
    graph = load(text=spec, settings=SMALLER[name])
    text = shortened(text_of(name))
    recipe, reading = read(Source("recipe.toml", text))
    assert recipe is not None, list(reading.sink)
    data = "images" if isinstance(recipe.data, Folder) else "data.npz"
    folder = built(tmp_path / "run", graph, text, data=data)
    shape, output = graph.root.values[0], graph.root.values[graph.root.outputs[0]]
    assert shape is not None
    assert output is not None
    write_images(folder, shape, output[0], shape[1:] if name == "unet" else ())
    run(folder)
    assert [row["step"] for row in log(folder)] == ["1", "2"]
    assert all(np.isfinite(float(row["held_out_loss"])) for row in log(folder))
