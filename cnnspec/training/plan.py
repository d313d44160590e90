"""The data from which every part of a training program is written."""

from __future__ import annotations

from dataclasses import dataclass

from cnnspec.ops.base import Shape
from cnnspec.training.network import Network, Output
from cnnspec.training.recipe import CrossEntropy, Decoded, Recipe


@dataclass(frozen=True, slots=True)
class Plan:
    """A network and a recipe. `model` is the class in net.py, `path` the path of the recipe's data from the
    program's folder, `written` the text at the top of the file."""

    network: Network
    recipe: Recipe
    model: str
    path: str
    head: str
    input_name: str

    @property
    def judged(self) -> Output:
        """The output whose result counts: the first one."""
        return self.network.outputs[0]

    @property
    def accuracy(self) -> bool:
        """Whether the result has an accuracy."""
        return self.judged.loss.kind != "mse"

    @property
    def overlap(self) -> bool:
        """Whether the result has a Dice coefficient: each pixel has an answer."""
        return self.judged.maps and self.accuracy

    @property
    def counted(self) -> str:
        """Code for the number of classes whose Dice coefficients count; of yes and no, yes alone."""
        return "CLASSES" if self.classes else "1"

    @property
    def classes(self) -> bool:
        """Whether a label is the number of a class; with one channel it is yes or no instead."""
        return self.judged.loss.kind in ("cross_entropy", "dice") and self.judged.shape[0] > 1

    @property
    def ignored(self) -> int | None:
        """The label that does not count, or None."""
        loss = self.judged.loss
        return loss.ignore if isinstance(loss, CrossEntropy) and loss.ignore >= 0 else None

    @property
    def label(self) -> Shape:
        """The shape of an image's label."""
        judged = self.judged
        if judged.loss.kind in ("bce", "mse"):
            return judged.shape
        return judged.shape[1:] if judged.maps else ()

    @property
    def chances(self) -> int:
        """The number of random numbers for the augmentation of an image."""
        augment = self.recipe.augment
        return (
            augment.flip
            + augment.flip_vertical
            + self.axes * bool(augment.crop)
            + bool(augment.rotate)
            + 18 * bool(augment.elastic)
            + (1 + self.axes) * bool(augment.erase)
        )

    @property
    def axes(self) -> int:
        """How many axes an image has besides its channels."""
        return len(self.network.input) - 1

    @property
    def memory_format(self) -> str:
        """torch's word for channels that lie together."""
        return "torch.channels_last" if self.axes == 2 else "torch.channels_last_3d"

    @property
    def streams(self) -> bool:
        """Whether images are decoded only when they are needed."""
        return isinstance(self.recipe.data, Decoded) and self.recipe.data.stream

    @property
    def windows(self) -> int:
        """The number of random numbers for the part of an image that is used."""
        augment = self.recipe.augment
        return 4 if augment.area else 3 if augment.side else 0

    @property
    def samples(self) -> str:
        """The type of a set of images."""
        return "Files" if self.streams else "Samples"

    @property
    def maps(self) -> bool:
        """Whether there is a label for each pixel of an image, or of its middle."""
        return self.judged.maps and (self.judged.middle or self.judged.shape[1:] == self.network.input[1:])

    @property
    def maps_move(self) -> bool:
        """Whether augmentation changes the label maps with the images."""
        augment = self.recipe.augment
        moves = augment.flip, augment.flip_vertical, augment.crop, augment.rotate, augment.elastic
        return self.maps and any(moves)
