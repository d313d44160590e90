"""`cnnspec run --dataset`: what a trained network gets right and wrong."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from xml.dom import minidom

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Command

SPEC = "model Brighter\ninput 1x2x2\nflatten -> fc 3\n"
RECIPE = (
    '[optimizer]\nname = "sgd"\nrate = 1.0\n\n[schedule]\nepochs = 1\nbatch = 4\n\n[data]\nsource = "npz"\n'
)
RUN = ("run", "spec.cnn", "--weights", "weights.npz", "--dataset", "r.toml")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten images that are bright in the first, second or third pixel; the last two have a wrong label."""
    (tmp_path / "spec.cnn").write_text(SPEC)
    (tmp_path / "r.toml").write_text(RECIPE + 'path = "data.npz"\n')
    bright = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
    images = np.zeros((10, 4), np.uint8)
    images[np.arange(10), bright] = 255
    labels = np.array([0, 0, 0, 1, 1, 1, 2, 2, 0, 1])
    arrays = {"x": images.reshape(10, 2, 2), "y": labels}
    np.savez(tmp_path / "data.npz", x_train=arrays["x"], y_train=labels, x_test=arrays["x"], y_test=labels)
    weight = np.eye(3, 4, dtype=np.float32) * np.array([[2], [2], [4]], np.float32)
    np.savez(tmp_path / "weights.npz", **{"fc.weight": weight, "fc.bias": np.zeros(3, np.float32)})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_image_counts_once(cnnspec: Command, here: Path) -> None:
    ran = cnnspec(*RUN)
    assert (ran.status, ran.err) == (0, "")
    assert "accuracy 80.00 % (8 of 10), loss " in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    rows = [line.split() for line in ran.out.splitlines()[-3:]]
    assert rows == [
        ["0", "3", ".", "1", "75.00", "%"],
        ["1", ".", "3", "1", "75.00", "%"],
        ["2", ".", ".", "2", "100.00", "%"],
    ]
    document = json.loads(cnnspec(*RUN, "--format", "json").out)
    assert document["confusion"] == [[3, 0, 1], [0, 3, 1], [0, 0, 2]]
    assert document["accuracy"] == 0.8
    sure = float(np.exp(4) / (np.exp(4) + 2))
    for one, (image, right) in zip(document["wrong"], ((8, 0), (9, 1)), strict=True):
        assert (one["image"], one["found"], one["right"]) == (image, 2, right)
        assert one["sure"] == pytest.approx(sure)


def test_what_is_written(cnnspec: Command, here: Path) -> None:
    (here / "names.txt").write_text("<b>\nfox & hen\nc\n")
    for ending in ("csv", "svg", "html"):
        ran = cnnspec(*RUN, "--labels", "names.txt", "-o", f"out.{ending}")
        assert (ran.status, ran.err) == (0, "")
        assert ran.out.endswith(f"out.{ending}: written\n")
    assert (here / "out.csv").read_text().splitlines()[1] == "<b>,3,0,1"
    sheet = minidom.parse(str(here / "out.svg"))
    assert len(sheet.getElementsByTagName("image")) == 2
    texts = [one.firstChild.data for one in sheet.getElementsByTagName("text")]  # type: ignore[union-attr]
    assert texts == ["c (96%)", "right: <b>", "c (96%)", "right: fox & hen"]
    page = (here / "out.html").read_text()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert cnnspec(*RUN, "-o", "out.csv").status == 2
    assert cnnspec(*RUN, "-o", "out.png").status == 2


def test_what_is_refused(cnnspec: Command, here: Path) -> None:
    assert "--dataset needs --weights" in cnnspec("run", "spec.cnn", "--dataset", "r.toml").err
    assert "leave out --random" in cnnspec(*RUN, "--random").err
    (here / "r.toml").write_text(RECIPE + 'path = "spec.cnn"\n')
    ran = cnnspec(*RUN)
    assert (ran.status, "error[E708]" in ran.err, "Traceback" in ran.err) == (2, True, False)
    (here / "r.toml").write_text(RECIPE + 'path = "data.npz"\nlabels = "x_train"\ntest_labels = "x_test"\n')
    ran = cnnspec(*RUN)
    assert (ran.status, "expected labels of one number, found 2x2" in ran.err) == (2, True)


def test_many_classes_are_lists(cnnspec: Command, here: Path) -> None:
    (here / "spec.cnn").write_text(SPEC.replace("fc 3", "fc 40"))
    weight = np.zeros((40, 4), np.float32)
    weight[:3] = np.eye(3, 4) * np.array([[2], [2], [4]])
    np.savez(here / "weights.npz", **{"fc.weight": weight, "fc.bias": np.zeros(40, np.float32)})
    out = cnnspec(*RUN).out
    assert "the 3 least recognised of 40 classes" in out
    assert "the most frequent mistakes" in out


@pytest.mark.parametrize("last", ["", " -> sigmoid"])
def test_yes_or_no(cnnspec: Command, here: Path, last: str) -> None:
    (here / "spec.cnn").write_text(f"input 1x2x2\nflatten -> fc 1{last}\n")
    (here / "r.toml").write_text(RECIPE + 'path = "data.npz"\n[loss]\nkind = "bce"\n')
    with np.load("data.npz") as file:
        arrays = {key: np.minimum(one, 1) if key.startswith("y") else one for key, one in file.items()}
    np.savez(here / "data.npz", **arrays)
    weight = np.array([[-1, 1, 1, 0]], np.float32)
    np.savez(here / "weights.npz", **{"fc.weight": weight, "fc.bias": np.zeros(1, np.float32)})
    document = json.loads(cnnspec(*RUN, "--format", "json").out)
    assert document["confusion"] == [[3, 1], [0, 6]]
    assert document["wrong"][0]["sure"] == pytest.approx(1 / (1 + np.exp(-1)))


@pytest.mark.parametrize("middle", [False, True])
def test_a_wrong_label_map_is_a_picture(cnnspec: Command, here: Path, middle: bool) -> None:
    """The image, the answer and the right map side by side, of the middle if that is what is answered."""
    size, edge = (6, 1) if middle else (4, 0)
    (here / "spec.cnn").write_text(f"input 1x{size}x{size}\nconv F{3 if middle else 1} K3\n")
    images = np.zeros((2, size, size), np.uint8)
    images[:, edge, edge:] = 255  # the first line of the middle
    labels = np.zeros((2, 4, 4), np.int64)
    labels[:, 0] = 1
    labels[1, 1:, 0] = 2  # three pixels that the network does not find
    np.savez(here / "data.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    weight = np.zeros((3, 1, 3, 3) if middle else (3, 1, 1, 1), np.float32)
    weight[1, 0, edge, edge] = 2
    np.savez(here / "weights.npz", **{"conv.weight": weight, "conv.bias": np.array([1, 0, 0], np.float32)})
    (here / "r.toml").write_text(RECIPE + 'path = "data.npz"\n')
    document = json.loads(cnnspec(*RUN, "--format", "json").out)
    assert document["wrong"] == [{"image": 1, "share": 3 / 16}]
    assert cnnspec(*RUN, "-o", "out.svg").status == 0
    sheet = minidom.parse(str(here / "out.svg"))
    texts = [one.firstChild.data for one in sheet.getElementsByTagName("text")]  # type: ignore[union-attr]
    assert texts[0] == "18.8% of the pixels wrong"
    assert texts[2:] == ["0", "1", "2"]
    (image,) = sheet.getElementsByTagName("image")
    png = base64.b64decode(image.getAttribute("href").partition(",")[2])
    pixels = np.asarray(Image.open(io.BytesIO(png)))
    assert pixels.shape == (4, 12, 3)
    colours = np.array([(0, 0, 0), (31, 95, 168), (192, 90, 18)])
    assert (pixels[:, :4, 0] == 255 * (labels[0] == 1)).all()
    assert (pixels[:, 4:8] == colours[labels[0]]).all()
    assert (pixels[:, 8:] == colours[labels[1]]).all()


def test_a_folder_of_images(cnnspec: Command, here: Path) -> None:
    """Scaled as train.py scales them; `stream` and what is drawn in training do not matter, and only the
    held-out images are read."""
    for label, name in enumerate(("a", "b", "c")):
        (here / "images" / "train" / name).mkdir(parents=True)
        (here / "images" / "train" / name / "none.png").write_bytes(b"")
        (here / "images" / "val" / name).mkdir(parents=True)
        pixels = np.zeros((4, 4), np.uint8)
        pixels.reshape(2, 2, 2, 2)[label // 2, :, label % 2] = 255
        Image.fromarray(pixels).resize((16, 16), 0).save(here / "images" / "val" / name / "0.png")
    text = RECIPE.replace('"npz"', '"folder"') + 'path = "images"\nstream = true\nside = 2\n'
    (here / "r.toml").write_text(text + "[augment]\narea = [0.5, 1.0]\n")
    document = json.loads(cnnspec(*RUN, "--format", "json").out)
    assert document["classes"] == ["a", "b", "c"]
    assert document["confusion"] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_label_maps_in_files(cnnspec: Command, here: Path) -> None:
    """The Dice coefficient is the mean over the classes, 2·2 / (2 + 3) and 2·1 / (2 + 1); the third is
    nowhere."""
    for kind, pixels in (("images", [[0, 0], [0, 255]]), ("labels", [[0, 0], [1, 1]])):
        folder = here / "cells" / "val" / kind
        folder.mkdir(parents=True)
        Image.fromarray(np.array(pixels, np.uint8)).save(folder / "a.png")
    (here / "spec.cnn").write_text("input 1x2x2\nconv F1 K3\n")
    weight = np.array([0, 2, 0], np.float32).reshape(3, 1, 1, 1)
    np.savez(here / "weights.npz", **{"conv.weight": weight, "conv.bias": np.array([1, 0, 0], np.float32)})
    (here / "r.toml").write_text(RECIPE.replace('"npz"', '"maps"') + 'path = "cells"\n')
    document = json.loads(cnnspec(*RUN, "--format", "json").out)
    assert document["confusion"] == [[2, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert document["dice"] == pytest.approx((4 / 5 + 2 / 3) / 2)
