"""The part of a training program that loads the images, and puts a batch of them together."""

from __future__ import annotations

from cnnspec.lower.names import string
from cnnspec.lower.writer import Writer, call
from cnnspec.training.plan import Plan
from cnnspec.training.recipe import Digits, Folder, Npz, Torchvision


def put_data(writer: Writer, plan: Plan) -> None:
    """`load_samples` and `prepared`, and `augmented` where something is."""
    _load(writer, plan)
    writer.gap(2)
    _prepared(writer, plan)
    writer.gap(2)
    if plan.chances:
        _augmented(writer, plan)
        writer.gap(2)


def _load(writer: Writer, plan: Plan) -> None:
    data, height, width = plan.recipe.data, *plan.network.input[1:]
    with writer.block("def load_samples(path: Path) -> tuple[Samples, Samples]:"):
        writer.doc("The images to train on, and those that are held out.")
        match data:
            case Digits():
                writer.line("images, labels = mnist_digits()")
            case Npz():
                _arrays(writer, "images, labels = ", data.images, data.labels)
            case Folder():
                _folder(writer, "images, labels = ", data, data.train)
            case Torchvision():
                writer.line(f"from torchvision.datasets import {data.name}")
                writer.gap(1)
                _torchvision(writer, data, "images, labels = ", "True")
        fit = {"pad": "padded", "resize": "resized"}.get(data.fit)
        if isinstance(data, Folder):
            fit = None  # done image by image
        if data.validation:
            if fit is not None:
                writer.line(f"images = {fit}(images, {height}, {width})")
            writer.line("return split(Samples(images, labels), HELD_OUT)")
            return
        match data:
            case Npz():
                _arrays(writer, "held_images, held_labels = ", data.test_images, data.test_labels)
            case Folder():
                _folder(writer, "held_images, held_labels = ", data, data.test)
            case Torchvision():
                _torchvision(writer, data, "held_images, held_labels = ", "False")
        if fit is not None:
            writer.line(f"images = {fit}(images, {height}, {width})")
            writer.line(f"held_images = {fit}(held_images, {height}, {width})")
        writer.line("return Samples(images, labels), Samples(held_images, held_labels)")


def _arrays(writer: Writer, before: str, images: str, labels: str) -> None:
    writer.put(before, call("npz_arrays", "path", string(images), string(labels), "INPUT[0]"))


def _folder(writer: Writer, before: str, data: Folder, inside: str) -> None:
    writer.put(before, call("image_folder", f"path / {string(inside)}", "INPUT", data.fit == "resize"))


def _torchvision(writer: Writer, data: Torchvision, before: str, train: str) -> None:
    writer.put(before, call("torchvision_set", data.name, "path", train, data.download))


def _prepared(writer: Writer, plan: Plan) -> None:
    recipe = plan.recipe
    writer.line("def prepared(")
    writer.line("    samples: Samples, rows: Tensor, device: torch.device")
    with writer.block(") -> tuple[Tensor, Tensor]:"):
        writer.doc("The network's input for these images, and their labels.")
        writer.line("images = samples.images[rows].to(device)")
        if isinstance(recipe.data, Npz):
            with writer.block("if images.dtype == torch.uint8:"):
                writer.line("images = images / 255")
        else:
            writer.line("images = images / 255")
        for constant, sign in (("MEAN", "-"), ("STD", "/")):
            if getattr(recipe.data, constant.lower()):
                writer.line(f"{constant.lower()} = torch.tensor({constant}, device=device).view(-1, 1, 1)")
                writer.line(f"images = images {sign} {constant.lower()}")
        if recipe.run.channels_last:
            writer.line("images = images.contiguous(memory_format=torch.channels_last)")
        writer.line("return images, samples.labels[rows].to(device)")


def _augmented(writer: Writer, plan: Plan) -> None:
    augment = plan.recipe.augment
    with writer.block("def augmented(images: Tensor, chance: Tensor) -> Tensor:"):
        writer.doc("Changed images; `chance` has a row of numbers from 0 to 1 for each.")
        column = 0
        if augment.flip:
            writer.line("images = flipped(images, chance[:, 0])")
            column = 1
        if augment.crop:
            writer.line(f"images = shifted(images, chance[:, {column}:{column + 2}], CROP)")
            column += 2
        if augment.erase:
            writer.line(f"images = erased(images, chance[:, {column}:{column + 3}], ERASE)")
        writer.line("return images")
