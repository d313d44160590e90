"""The part of a NumPy training program that loads the images and assembles batches."""

from __future__ import annotations

from cnnspec.lower.names import string
from cnnspec.lower.writer import Writer, call
from cnnspec.training.plan import Plan
from cnnspec.training.recipe import Digits, Folder, Npz, Torchvision


def put_data(writer: Writer, plan: Plan) -> None:
    """Writes `load_samples` and `prepared`."""
    data = plan.recipe.data
    with writer.block("def load_samples(path):"):
        writer.doc("The images to train on and those that are held out, with their labels.")
        _begin(writer, plan)
        _read(writer, plan, held_out=False)
        if data.validation:
            writer.line("training, held_out = split(images, labels, HELD_OUT)")
            _checked(writer, plan, "training = ", "*training")
            _checked(writer, plan, "return training, ", "*held_out")
        else:
            _checked(writer, plan, "training = ", "images, labels")
            _read(writer, plan, held_out=True)
            _checked(writer, plan, "return training, ", "images, labels")
    writer.gap(2)
    put_prepared(writer, plan)


def put_held_out(writer: Writer, plan: Plan) -> None:
    """Writes `load_held_out`: the result of `load_samples`, without the training images where that is
    possible."""
    split = bool(plan.recipe.data.validation)
    with writer.block("def load_held_out(path):"):
        writer.doc("The images that are held out, with their labels.")
        _begin(writer, plan)
        _read(writer, plan, held_out=not split)
        if split:
            writer.line("_, (images, labels) = split(images, labels, HELD_OUT)")
        _checked(writer, plan, "return ", "images, labels")


def _begin(writer: Writer, plan: Plan) -> None:
    data = plan.recipe.data
    if isinstance(data, Torchvision):
        writer.line(f"from torchvision.datasets import {data.name}")
        writer.gap(1)
    if isinstance(data, Folder):
        writer.line(f"names = class_names(path / {string(data.train)})")


def put_prepared(writer: Writer, plan: Plan) -> None:
    """Writes `prepared`."""
    data = plan.recipe.data
    with writer.block("def prepared(images):"):
        writer.doc("The network's input for these images.")
        if isinstance(data, Npz):
            writer.line("x = images.astype(np.float32)")
            with writer.block("if images.dtype == np.uint8:"):
                writer.line("x = x / 255")
        else:
            writer.line("x = images.astype(np.float32) / 255")
        for constant, sign in (("MEAN", "-"), ("STD", "/")):
            if getattr(data, constant.lower()):
                writer.line(f"x = x {sign} np.float32({constant}).reshape(-1, 1, 1)")
        writer.line("return x")


def _read(writer: Writer, plan: Plan, *, held_out: bool) -> None:
    data = plan.recipe.data
    match data:
        case Digits():
            read = call("mnist_digits")
        case Npz():
            images, labels = (data.test_images, data.test_labels) if held_out else (data.images, data.labels)
            read = call("npz_arrays", "path", string(images), string(labels), "INPUT[0]")
        case Folder():
            inside = f"path / {string(data.test if held_out else data.train)}"
            side = "SIDE" if data.side else "min(INPUT[1:])"
            side = side if data.fit == "resize" else "0"
            read = call("image_folder", inside, "names", "INPUT", side)
        case _:
            read = call("torchvision_set", data.name, "path", not held_out, data.download)
    writer.put("images, labels = ", read)
    fit = {"pad": "padded", "resize": "resized"}.get(data.fit)
    if fit is not None and not isinstance(data, Folder):
        writer.line(f"images = {fit}(images, *INPUT[1:])")


def _checked(writer: Writer, plan: Plan, before: str, samples: str) -> None:
    facts = ["INPUT", "LABEL" if plan.label else "()", "CLASSES" if plan.classes else "0"]
    if plan.ignored is not None:
        facts.append(str(plan.ignored))
    writer.put(before, call("checked", samples, *facts))


def put_augmented(writer: Writer, plan: Plan) -> None:
    """Writes `augmented`: each change takes the next columns of `chance`."""
    augment = plan.recipe.augment
    column = 0
    changes = []
    with writer.block("def augmented(images, chance):"):
        writer.doc("Changed images; `chance` has a row of numbers from 0 to 1 for each.")
        if augment.flip:
            changes.append("flipped(images, chance[:, 0])")
            column = 1
        if augment.crop:
            changes.append(f"shifted(images, chance[:, {column}:{column + 2}], CROP)")
            column += 2
        if augment.erase:
            changes.append(f"erased(images, chance[:, {column}:{column + 3}], ERASE)")
        for change in changes[:-1]:
            writer.line(f"images = {change}")
        writer.line(f"return {changes[-1]}")
