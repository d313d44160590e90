"""Labels of pixels: what changes an image changes its label map alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cnnspec.training.library import augment, losses, samples
from cnnspec.training.library.common import Refused
from cnnspec.training.numpy.library import augment as numpy_augment
from cnnspec.training.numpy.library import losses as numpy_losses
from tests.training.running import built, log, run
from tests.training.test_recipe import GOOD, found, recipe_of

MOVES = "flip = true\nflip_vertical = true\ncrop = 2\nrotate = 30\nelastic = 1.5\n"
RECIPE = f"""\
[data]
source = "npz"
path = "data.npz"
fit = "mirror"

[augment]
{MOVES}
[optimizer]
name = "sgd"
rate = 0.1

[schedule]
epochs = 2
batch = 8

[loss]
ignore = 9
"""
UNPADDED = "input 1x16x16\nconv F5 K4 -> relu -> conv F3 K2\n"


def test_maps_move_as_their_images_do() -> None:
    """A map is the image itself, of two broad classes: each change leaves them equal but at the edges."""
    generator = torch.Generator().manual_seed(0)
    chance = torch.rand(64, 23, generator=generator)
    rows, columns = torch.meshgrid(torch.arange(40), torch.arange(30), indexing="ij")
    maps = (((rows // 13 + columns // 10) % 2)[None, None]).expand(64, -1, -1, -1)
    images = maps.float()
    places = augment.rotated_places((2 * chance[:, 0] - 1) * 90, 40, 30)
    places = places + augment.elastic_shifts(chance[:, 1:19], 2.0, 40, 30)
    for axis in (-1, -2):
        images = augment.flipped(images, chance[:, 19], axis)
        maps = augment.flipped(maps, chance[:, 19], axis)
    images = augment.shifted(images, chance[:, 20:22], 3)
    maps = augment.shifted(maps, chance[:, 20:22], 3)
    images, moved = augment.warped(images, places), augment.warped(maps, places, "nearest")
    assert moved.dtype == maps.dtype
    assert set(moved.unique().tolist()) == {0, 1}
    sure = (images < 0.01) | (images > 0.99)
    assert sure.float().mean() > 0.7
    assert torch.equal((images > 0.5)[sure], (moved == 1)[sure])
    assert not torch.equal(moved, maps)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_numpy_moves_them_as_torch_does(mode: str) -> None:
    """Not square, and so far that some places are two images away."""
    random = np.random.default_rng(0)
    chance, images = random.random((12, 19)), random.integers(0, 9, (12, 2, 9, 14)).astype(np.float64)
    theirs = augment.rotated_places(torch.from_numpy(chance[:, 0] * 360), 9, 14)
    theirs = theirs + augment.elastic_shifts(torch.from_numpy(chance[:, 1:]), 9.0, 9, 14)
    ours = numpy_augment.rotated_places(chance[:, 0] * 360, 9, 14)
    ours = ours + numpy_augment.elastic_shifts(chance[:, 1:], 9.0, 9, 14)
    assert np.abs(ours).max() > 3
    assert np.allclose(ours, theirs.numpy(), atol=1e-12)
    expected = torch.nn.functional.grid_sample(torch.from_numpy(images), theirs, mode, "reflection", False)
    assert np.allclose(numpy_augment.warped(images, ours, mode), expected.numpy(), atol=1e-9)


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    image = torch.arange(25.0).view(1, 1, 5, 5)
    turned = augment.warped(image, augment.rotated_places(torch.tensor([90.0]), 5, 5))
    assert torch.allclose(turned, torch.rot90(image, 1, (2, 3)), atol=1e-4)


def test_elastic_shifts_have_their_deviation() -> None:
    chance = torch.rand(4000, 18, generator=torch.Generator().manual_seed(0))
    corners = augment.elastic_shifts(chance, 10.0, 9, 17)[:, ::4, ::8] * torch.tensor([17, 9]) / 2
    assert corners.std().item() == pytest.approx(10, rel=0.02)
    assert corners.mean().item() == pytest.approx(0, abs=0.2)


def test_mirrored_resized_and_middle() -> None:
    line = np.broadcast_to(np.arange(4), (1, 2, 4))
    assert samples.mirrored(line, (3, 9))[0, 0].tolist() == [2, 1, 0, 1, 2, 3, 2, 1, 0]
    assert samples.resized_maps(line, (2, 8))[0, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert samples.resized_maps(line, (1, 2))[0, 0].tolist() == [1, 3]
    assert samples.middle(line, (2, 2))[0, 0].tolist() == [1, 2]
    with pytest.raises(Refused, match="images of 2x4 are larger than the input, 1x9"):
        samples.mirrored(line, (1, 9))


def test_an_unpadded_network_learns_from_maps_that_move(tmp_path: Path) -> None:
    """Maps as large as the images, of which the network answers the middle; what no image has is ignored."""
    folder = built(tmp_path, UNPADDED, RECIPE.replace('"mirror"', '"pad"'))
    images = np.random.default_rng(0).integers(0, 256, (24, 12, 12)).astype(np.uint8)
    labels = (images > 127).astype(np.uint8)
    np.savez(folder / "data.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    text = (folder / "train.py").read_text()
    assert "maps = shifted(maps, chance[:, 2:4], CROP, 9)" in text
    assert "labels = padded(labels, INPUT[1:], 9)" in text
    assert "return images, middle(maps[:, 0], OUTPUT)" in text
    run(folder)
    assert all(0 <= float(row["dice"]) <= 100 for row in log(folder))
    assert len(log(folder)) == 2
    np.savez(folder / "data.npz", x_train=images, y_train=labels[:, 1:], x_test=images, y_test=labels)
    assert "train.py: expected label maps of 12x12, found 11x12\n" in run(folder, "--resume", status=2)


def test_maps_of_another_scale_cannot_move() -> None:
    """Half as many pixels: no middle, but a smaller picture."""
    halved = "input 1x8x8\nconv F3 P1 S2 K4\n"
    for line in MOVES.splitlines():
        (finding,) = found(f"{GOOD}[augment]\n{line}\n", halved)
        key = line.partition(" ")[0]
        assert finding[0] == "E824"
        assert finding[3] == f"{key} cannot move the label maps of output: they have 4x4, the images 8x8"
        assert found(f"{GOOD}[augment]\n{line}\n", "input 1x8x8\nconv F3 K4\n") == []
    assert recipe_of(f"{GOOD}[augment]\n{MOVES}").augment.elastic == 1.5


def test_the_dice_coefficient_of_maps() -> None:
    """Worked out by hand: class 0 has 2 pixels in both, 3 + 3; class 1 has 1, 2 + 2; class 2 is nowhere."""
    found, labels = torch.tensor([[0, 0, 0, 1, 1, 1]]), torch.tensor([[0, 0, 1, 1, 0, 9]])
    overlap = losses.overlap_of(found, labels, 3, ignored=9)
    assert overlap.tolist() == [[2, 1, 0], [6, 4, 0]]
    assert losses.mean_dice(overlap.double()) == pytest.approx((2 / 3 + 1 / 2) / 2)
    ours = numpy_losses.overlap_of(found.numpy(), labels.numpy(), 3, ignored=9)
    assert ours.tolist() == overlap.tolist()
    assert numpy_losses.mean_dice(ours) == pytest.approx(losses.mean_dice(overlap.double()))
