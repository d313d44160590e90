"""Translations of parameters of other tools that are not simply a letter or an argument with a value."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.values import Arguments, equal

Meaning: TypeAlias = Callable[[str], Arguments | None]
_NUMBER = re.compile(r"[0-9]+")
_NUMBERS = re.compile(r"[()\[\]0-9, ]+")
_ALIKE = "relu relu6 sigmoid tanh softmax softplus elu selu gelu mish silu logsoftmax"
ACTIVATIONS = {
    **{name: name for name in _ALIKE.split()},
    **dict.fromkeys(("none", "linear", "identity"), "id"),
    **dict.fromkeys(("hardswish", "hardsilu"), "hswish"),
    "swish": "silu",
}
"""Functions that are the same in every tool."""


def activation(value: str) -> str | None:
    """The step for `'relu'`, `tf.nn.relu`, `nn.ReLU()`; None where that is not certain."""
    return ACTIVATIONS.get(fold(value.strip("'\"").removesuffix("()").rpartition(".")[2]))


def _then(value: str) -> Arguments | None:
    word = activation(value)
    return None if word is None else {} if word == "id" else {"then": word}


def _words(**words: str) -> Meaning:
    """Values that become a word, or nothing: `false="nobias"`."""

    def meaning(value: str) -> Arguments | None:
        value = value.strip("'\"").lower()
        return None if value not in words else {words[value]: ""} if words[value] else {}

    return meaning


def _sides(axes: int) -> Meaning:
    """torch's (left, right, top, bottom, front, back) of these axes, or one number for all."""

    def meaning(value: str) -> Arguments | None:
        numbers = _NUMBER.findall(value)
        if len(numbers) not in (1, 2 * axes) or not _NUMBERS.fullmatch(value):
            return None
        return {"*": numbers[0]} if len(numbers) == 1 else dict(zip(_SIDES, numbers, strict=False))

    return meaning


def _out(axes: int) -> Meaning:
    """A size along each of these axes, or one for all."""

    def meaning(value: str) -> Arguments | None:
        numbers = _NUMBER.findall(value)
        if len(numbers) not in (1, axes) or not _NUMBERS.fullmatch(value):
            return None
        return {"out": f"({', '.join(numbers * (axes // len(numbers)))}{',' if axes == 1 else ''})"}

    return meaning


def _rows_and_columns(value: str) -> Arguments | None:
    """Keras's ((top, bottom), (left, right)), (rows, columns), or one number for all."""
    numbers = _NUMBER.findall(value)
    if len(numbers) not in (1, 2, 4) or not _NUMBERS.fullmatch(value):
        return None
    if len(numbers) < 4:
        if len({*numbers}) == 1:
            return {"*": numbers[0]}
        numbers = [numbers[0], numbers[0], numbers[1], numbers[1]]
    return dict(zip(_SIDES[:4], numbers[2:] + numbers[:2], strict=True))


_WHOLE = re.compile(r"[0-9]+(?:\.0*)?|[(\[][0-9, ]+[)\]]")
_ROWS = r"[(\[](?:-1|batch\w*|\w+\.shape\[0\]|\w+\.size\(0\)), ?(?:-1|[0-9]+)[)\]]"
"""Matches a shape of a batch of vectors: the map is flattened."""
_IMAGES = r"[(\[]-1, ?[0-9]+, ?[0-9]+, ?[0-9]+[)\]]"
_FIRST = re.compile(r"[(\[][134], ?[0-9]{2}")
"""A shape with the channels first, whatever the tool's own order."""
_SIDES = ("left", "right", "top", "bottom", "front", "back")


def _uncounted(value: str) -> Arguments | None:
    """Whether the padding is left out of the mean."""
    value = value.strip("'\"").lower()
    if value == "same":
        return {"P": "same", "exclude_pad": ""}
    return {} if value in ("valid", "0") else None


def _sides_alike(value: str) -> Arguments | None:
    """JAX's ((top, bottom), (left, right)), which are two pairs of equal numbers; or one number for all."""
    pairs = re.findall(r"\(([0-9]+), ?([0-9]+)\)", value)
    if value.startswith(("((", "[(")):
        return {"P": f"({', '.join(one for one, _ in pairs)})"} if all(a == b for a, b in pairs) else None
    return {"P": value}


def _of_map(slot: str) -> Meaning:
    """TensorFlow's number for each axis of images, maps and channels; or those of the map alone."""

    def meaning(value: str) -> Arguments | None:
        numbers = _NUMBER.findall(value)
        if len(numbers) == 4 and numbers[0] == numbers[3] == "1":
            numbers = numbers[1:3]
        if len(numbers) not in (1, 2) or not _NUMBERS.fullmatch(value):
            return None
        return {slot: f"({', '.join(numbers)})" if numbers[1:] else numbers[0]}

    return meaning


def _weights(value: str) -> Arguments | None:
    """The shape of weights, the input channels and the filters last."""
    sizes = value.strip("()[]").replace(" ", "").split(",")
    if len(sizes) == 4:
        return {"F": f"({sizes[0]}, {sizes[1]})", "K": sizes[3], "nobias": ""}
    return {"*": sizes[1], "nobias": ""} if len(sizes) == 2 else None


_POOLS = {"max": ("maxpool", "gmp"), "avg": ("avgpool", "gap")}


def _pool(place: int) -> Meaning:
    def meaning(value: str) -> Arguments | None:
        words = _POOLS.get(value.strip("'\""))
        return {"word": words[place]} if words else None

    return meaning


def _rest(slot: str) -> Meaning:
    """A fraction that is kept; this language has 1 minus it, the fraction that is replaced or dropped."""

    def meaning(value: str) -> Arguments | None:
        decimals = re.fullmatch(r"0?\.([0-9]{1,9})", value)
        if decimals is None:
            return None
        rest = 10 ** len(decimals[1]) - int(decimals[1])
        return {slot: f"0.{rest:0{len(decimals[1])}}"}

    return meaning


def _volume(value: str) -> Arguments | None:
    """A shape, the channels first."""
    numbers = re.findall(r"-?[0-9]+", value) if re.fullmatch(r"[-()\[\]0-9, ]+", value) else []
    if numbers == ["-1"]:
        return {"word": "flatten"}
    return {"*": "x".join(numbers)} if len(numbers) in (1, 3) and "-" not in value else None


def _volume_last(value: str) -> Arguments | None:
    """A shape, the channels last."""
    shape = _volume(value)
    if shape is not None and "x" in shape.get("*", ""):
        height, width, channels = shape["*"].split("x")
        return {"*": f"{channels}x{height}x{width}"}
    return shape


MEANINGS: dict[str, Meaning] = {
    "bias": _words(none="", true="", false="nobias"),
    "no_bias": _words(**{"false": "", "0": "", "true": "nobias", "1": "nobias"}),
    "is_true": _words(**{"true": "", "1": ""}),
    "is_false": _words(**{"false": "", "0": ""}),
    "affine": _words(true="", false="noaffine"),
    "ceil": _words(true="ceil", false=""),
    "full": _words(valid="", full="ceil"),
    "counted": _words(true="", false="exclude_pad"),
    "left_out": _words(true="exclude_pad", false=""),
    "in_place": _words(true="", false=""),
    "corners": _words(none="", false="", true="corners"),
    "mode": _words(nearest="", bilinear="bilinear"),
    "interpolation": _words(
        nearest="", linear="linear", bilinear="bilinear", trilinear="trilinear", bicubic="bicubic"
    ),
    "whole": lambda value: (
        {"all": ""} if len(_NUMBER.findall(value)) == 3 and _NUMBERS.fullmatch(value) else None
    ),
    "over_channels": _words(none="", **{"1": "", "-3": ""}),
    "format": _words(channels_first="", channels_last=""),
    "last": _words(**{"-1": "", "3": ""}),
    "sides_alike": _sides_alike,
    **{f"{slot}_of_map": _of_map(slot) for slot in "FSD"},
    "weights": _weights,
    "pool": _pool(0),
    "global_pool": _pool(1),
    "map_axes": lambda value: {} if re.fullmatch(r"[(\[]1, ?2[)\]]", value) else None,
    "images": lambda value: (
        _volume_last(value.replace("-1,", "", 1)) if re.fullmatch(_IMAGES, value) else None
    ),
    "rows": lambda value: {} if re.fullmatch(_ROWS, value) else None,
    "batch": lambda value: {} if value == "-1" or re.search(r"size\(0\)|shape\[0\]", value) else None,
    "ceiling": lambda value: {"word": "relu6"} if equal(value, "6") else None,
    "factor": lambda value: {"*": value} if _WHOLE.fullmatch(value) else None,
    "slopes": lambda value: {"one": ""} if value == "1" else {} if value.isdigit() else None,
    "activation": lambda value: {"word": word} if (word := activation(value)) else None,
    "then": _then,
    "steps": lambda value: None if value == "?" else {"then": value.replace("_", " ")} if value else {},
    "word": lambda value: {"word": value} if value else None,
    "batched": lambda value: {"*": "x".join(value.split()[1:])} if value.count(" ") in (1, 3) else None,
    "sides_of_1": _sides(1),
    "sides": _sides(2),
    "sides_of_3": _sides(3),
    "out_of_1": _out(1),
    "out_of_3": _out(3),
    "height_width": _rows_and_columns,
    "uncounted": _uncounted,
    "kept": _rest("momentum"),
    "kept_rate": _rest("*"),
    "initial": lambda value: {"nobias": ""} if value == "None" else {},
    "volume": _volume,
    "volume_last": _volume_last,
    "image": lambda value: _volume(value) if _FIRST.match(value) else _volume_last(value),
}
"""By the name that entries use."""
NO_OTHERS = frozenset(("in_place", "map_axes", "ceiling", "format", "rows", "images", "is_true", "is_false"))
"""Meanings with a fixed set of values; with any other value the call is not this layer: `ReLU(6)` does not
say `inplace=6`."""
