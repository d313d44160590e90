"""The facts about a network that a training program needs, and whether a recipe fits the network."""

from __future__ import annotations

from operator import gt
from typing import NamedTuple

from cnnspec.analyses.receptive_field import fields
from cnnspec.analyses.shapes import shapes
from cnnspec.diagnostics.suggest import listing, nearest
from cnnspec.ir.flat import flat, flat_outputs
from cnnspec.ir.graph import Graph
from cnnspec.ops.base import Shape, written_shape
from cnnspec.training.read import Reading
from cnnspec.training.recipe import AnyLoss, Digits, Maps, Npz, Recipe, Torchvision


class Output(NamedTuple):
    """One output: its label, its shape, its loss, the layer that makes it, and whether it is a map of the
    middle of the input, pixel by pixel, as unpadded convolutions make it."""

    label: str
    shape: Shape
    loss: AnyLoss
    last: str
    middle: bool = False

    @property
    def maps(self) -> bool:
        """Whether there is more than one position: classes of pixels, not of images."""
        return any(size > 1 for size in self.shape[1:])


class Network(NamedTuple):
    """The facts about a network that a training program needs."""

    name: str
    input: Shape
    outputs: tuple[Output, ...]


def network(graph: Graph, recipe: Recipe, reading: Reading) -> Network | None:
    """These facts under a recipe; None, with findings, where network and recipe do not fit."""
    root = graph.root
    shape = root.values[0]
    if len(graph.inputs) != 1 or shape is None:
        fault = "an input of an unknown shape"
        if len(graph.inputs) != 1:
            fault = f"{len(graph.inputs)} inputs ({listing(graph.inputs)})"
        hint = "a recipe trains networks with one input; for a loop of your own: cnnspec build --target torch"
        _misfit(reading, f"the network has {fault}", ("data",), hint, key=True)
        return None
    made_by = {entry.output: entry.op.word for entry in flat(graph) if entry.op is not None}
    outputs = tuple(
        Output(
            label,
            root.values[place] or (),
            recipe.losses.get(label, recipe.loss),
            made_by.get(value, ""),
            _is_middle(graph, place),
        )
        for label, place, value in zip(graph.outputs, root.outputs, flat_outputs(graph), strict=True)
    )
    for label in recipe.losses.keys() - set(graph.outputs):
        near = nearest(label, graph.outputs)
        hint = f"did you mean {near}?" if near else f"the outputs are {listing(graph.outputs)}"
        if len(graph.outputs) == 1:
            hint = f"it has one, {graph.outputs[0]}, whose loss is [loss]"
        _misfit(reading, f"the network has no output {label[:60]!r}", ("loss", label), hint, key=True)
    _fit_axes(reading, recipe, shape)
    _fit_data(reading, recipe, shape, outputs)
    _fit_augment(reading, recipe, shape, outputs)
    _fit_losses(reading, recipe, outputs)
    return None if len(reading.sink) else Network(graph.name, shape, outputs)


def _is_middle(graph: Graph, place: int) -> bool:
    """Whether an output is smaller than the input, and its stride in pixels of the input is 1."""
    output, shape = graph.root.values[place] or (), graph.root.values[0] or ()
    if len(output) != len(shape) or output[1:] == shape[1:] or any(map(gt, output[1:], shape[1:])):
        return False
    field = fields(graph, shapes(graph)).at(len(graph.bodies) - 1, place)
    return field is not None and set(field.stride) == {1}


def _misfit(reading: Reading, message: str, path: tuple[str, ...], help: str, *, key: bool = False) -> None:
    span = reading.key(*path) if key or not path else reading.value(*path)
    reading.sink.report("E824", message, span, help=help)


KNOWN = {
    "digits": ((1, 28, 28), 10),
    "MNIST": ((1, 28, 28), 10),
    "FashionMNIST": ((1, 28, 28), 10),
    "KMNIST": ((1, 28, 28), 10),
    "CIFAR10": ((3, 32, 32), 10),
    "CIFAR100": ((3, 32, 32), 100),
}
"""The image shape and number of classes of known data sets, for checks without the data."""


AXES: dict[str, dict[str, tuple[int, ...]]] = {
    "data": {"fit": (2, 3, 4)},
    "augment": {
        "flip": (2, 3, 4),
        "flip_vertical": (3, 4),
        "crop": (2, 3, 4),
        "rotate": (3,),
        "elastic": (3,),
        "erase": (2, 3, 4),
    },
    "run": {"channels_last": (3, 4)},
}
"""The keys that do something only to images of some numbers of axes, the channels one of them."""


def _fit_axes(reading: Reading, recipe: Recipe, shape: Shape) -> None:
    """What is made for images, where the input is a signal, a volume or a vector."""
    axes, size = len(shape), written_shape(shape)
    if axes != 3 and not isinstance(recipe.data, Npz):
        message = f"{recipe.data.source} has images of height and width, the input is {size}"
        _misfit(reading, message, ("data", "source"), 'arrays of any number of axes: source = "npz"')
        return
    if axes != 3 and recipe.data.fit == "resize":
        message = f"resize scales images of height and width, the input is {size}"
        _misfit(reading, message, ("data", "fit"), 'fit = "pad" puts zeros around, or store other arrays')
        return
    for section, keys in AXES.items():
        for key, known in keys.items():
            model = getattr(recipe, section)
            if axes not in known and getattr(model, key) != type(model).model_fields[key].default:
                inputs = f"inputs of {listing(map(str, known))} axes"
                message = f"{key} is for {inputs}, the input {size} has {axes}"
                _misfit(reading, message, (section, key), "leave it out")


def _fit_data(reading: Reading, recipe: Recipe, shape: Shape, outputs: tuple[Output, ...]) -> None:
    data = recipe.data
    for key in ("mean", "std"):
        numbers = getattr(data, key)
        if len(numbers) not in (0, 1, shape[0]):
            channels = "1 channel" if shape[0] == 1 else f"{shape[0]} channels"
            message = f"{len(numbers)} numbers for {channels}"
            _misfit(reading, message, ("data", key), "one number, or one for each channel of the input")
    least = min(shape[1:], default=0)
    for section, sides in (
        ("data", [getattr(data, "side", 0) or least]),
        ("augment", recipe.augment.side or []),
    ):
        if any(side < least for side in sides):
            message = f"a side of {min(sides)} pixels is shorter than the input, {written_shape(shape[1:])}"
            _misfit(reading, message, (section, "side"), f"{least} or more")
    if isinstance(data, Maps):
        for output in outputs:
            if not output.middle and output.shape[1:] != shape[1:]:
                message = f"the label maps have {written_shape(shape[1:])} pixels, {output.label} has "
                message += written_shape(output.shape)
                hint = 'labels of another size: source = "npz"'
                _misfit(reading, message, ("data", "source"), hint)
    if not isinstance(data, Digits | Torchvision):
        return
    name = data.source if isinstance(data, Digits) else data.name
    images, classes = KNOWN[name]
    where = ("data", "name" if isinstance(data, Torchvision) else "source")
    if images[0] != shape[0]:
        hint = f"--size {images[0]}x{shape[1]}x{shape[2]} gives the network an input of as many channels"
        channels = "1 channel" if images[0] == 1 else f"{images[0]} channels"
        _misfit(reading, f"{name} has {channels}, the input has {shape[0]}", where, hint)
    elif images != shape:
        smaller = images[1] <= shape[1] and images[2] <= shape[2]
        if data.fit == "exact" or (data.fit == "pad" and not smaller):
            other = 'fit = "pad" puts zeros around, ' if smaller else ""
            hint = f'{other}fit = "resize" scales the images'
            misfit = f"{name} has images of {written_shape(images)}, the input is {written_shape(shape)}"
            _misfit(reading, misfit, ("data", "fit"), hint)
    for output in outputs:
        if output.loss.kind != "cross_entropy" or output.maps:
            message = f"{name} has a class per image, the loss of {output.label} is {output.loss.kind}"
            if output.maps:
                message = f"{name} has a class per image, {output.label} has one per pixel"
            _misfit(reading, message, where, 'a data set of your own: source = "npz"')
        elif output.shape[0] != classes:
            message = f"{name} has {classes} classes, {output.label} has {output.shape[0]}"
            hint = f"--set classes={classes} where the spec has `let classes`"
            _misfit(reading, message, where, hint)


MOVES = ("flip", "flip_vertical", "crop", "rotate", "elastic")
"""Augmentations that move the pixels of an image, and must move the pixels of its label map too."""


def _fit_augment(reading: Reading, recipe: Recipe, shape: Shape, outputs: tuple[Output, ...]) -> None:
    if recipe.augment.crop >= min(shape[1:], default=10**9):
        size = written_shape(shape[1:])
        message = f"a shift of {recipe.augment.crop} pixels moves an image of {size} out of sight"
        _misfit(reading, message, ("augment", "crop"), f"for example crop = {max(1, min(shape[1:]) // 8)}")
    for output in outputs:
        if not output.maps or output.middle or output.shape[1:] == shape[1:]:
            continue
        for key in MOVES:
            if getattr(recipe.augment, key):
                sizes = f"{written_shape(output.shape[1:])}, the images {written_shape(shape[1:])}"
                message = f"{key} cannot move the label maps of {output.label}: they have {sizes}"
                _misfit(reading, message, ("augment", key), "leave it out, or store changed images")


def _fit_losses(reading: Reading, recipe: Recipe, outputs: tuple[Output, ...]) -> None:
    judged = outputs[0]
    if recipe.expect.accuracy is not None and judged.loss.kind == "mse":
        hint = "loss = 0.01 is a bound for the loss"
        _misfit(reading, "a mean squared error has no accuracy", ("expect", "accuracy"), hint)
    if recipe.expect.dice is not None and (judged.loss.kind == "mse" or not judged.maps):
        message = f"{judged.label} ({written_shape(judged.shape)}, {judged.loss.kind}) has no label maps"
        _misfit(reading, message, ("expect", "dice"), "leave it out, or claim the accuracy or the loss")
    for output in outputs:
        where = ("loss", output.label) if output.label in recipe.losses else ("loss",)
        kind = output.loss.kind
        if kind == "cross_entropy" and output.shape[0] == 1:
            message = f"{output.label} has one class ({written_shape(output.shape)}): the loss is always 0"
            _misfit(reading, message, (*where, "kind"), 'kind = "bce" is for yes and no')
        if kind == "dice" and not output.maps:
            message = f"{output.label} ({written_shape(output.shape)}) has no pixels for a Dice loss"
            _misfit(reading, message, (*where, "kind"), 'kind = "cross_entropy"')
        if kind != "mse" and output.last == "softmax" and kind == "bce":
            message = f"{output.label} is a softmax's, for which bce is not made"
            _misfit(reading, message, (*where, "kind"), 'kind = "cross_entropy"')
