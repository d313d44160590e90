"""Layers of other tools with arguments that are drawn, for their translations to be executed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from cnnspec.notations.entry import Entry, Parameter, parameters

TRIES = 8
WRITTEN = {
    "known": ("0.3", "True", "False", "'tanh'", "'reflect'"),
    "K": ("8", "16"),
    "F": ("1", "2", "3", "(3, 2)", "[2, 3]"),
    "S": ("1", "2", "3", "(2, 1)", "None"),
    "P": ("0", "1", "(1, 0)", "'same'", "'valid'"),
    "D": ("1", "2", "(1, 2)"),
    "G": ("1", "2", "4", "8"),
    "extra": ("0", "1", "(0, 1)"),
    "out": ("1", "5", "(7, 4)", "(1, 1)", "(None, 3)"),
    "eps": ("1e-3", "1e-05", "0.01"),
    "momentum": ("0.1", "0.3", "None"),
    "size": ("3", "5"),
    "alpha": ("1e-3",),
    "beta": ("0.5",),
    "k": ("2", "2.0"),
    "*": ("2", "0.25", "2.0", "(2, 2)", ".5"),
    "mode": ("'nearest'", "'bilinear'", "'bicubic'", "'nearest-exact'"),
    "interpolation": ("'nearest'", "'bilinear'", "'bicubic'", "'nearest-exact'"),
    "whole": ("[8, 16, 16]", "(8, 16, 16)", "16", "[16, 16]"),
    "corners": ("None", "False", "True"),
    "factor": ("2", "3.0", "0.5", "(2, 2)", "(1, 3)"),
    "sides": ("1", "(1, 0, 2, 1)"),
    "sides_of_1": ("1", "(1, 0)", "(1, 0, 2, 1)"),
    "sides_of_3": ("1", "(1, 0, 2, 1, 0, 3)", "(1, 0)"),
    "out_of_1": ("1", "5", "(7,)", "None"),
    "out_of_3": ("1", "5", "(2, 7, 4)", "(None, 3, 3)"),
    "slopes": ("1", "8"),
    "over_channels": ("1", "2", "-1", "-3", "None"),
    "volume": ("(2, 2, 4)", "(16,)", "[16, 1, 1]", "(4, 4)"),
    "then": ("'relu'", "'softmax'", "None", "'leaky_relu'"),
    "activation": ("'swish'", "'gelu'"),
    "uncounted": ("'same'", "'valid'"),
    "last": ("-1", "1", "3"),
    "kept": ("0.9", "0.995"),
    "format": ("None", "'channels_last'"),
    "map_axes": ("[1, 2]", "(1, 2)", "[1]"),
    "height_width": ("1", "(1, 2)", "((1, 0), (2, 1))"),
    "volume_last": ("(2, 4, 1)", "(4, 2)", "(8,)", "(-1,)"),
    "ceiling": ("6", "None", "4"),
    "": ("'reflect'", "'tanh'", "2", "True", "False", "0.5"),
}
"""What is drawn for a parameter, by its meaning; what a tool does not take is passed over."""


def calls(
    entry: Entry, layers: Mapping[str, Any], takes: Callable[[Any], object], chance: random.Random
) -> Iterator[tuple[str, Any]]:
    """Calls that a tool takes, and its layers: each value alone, and some at random together."""
    name = entry.example.partition("(")[0]
    signature = [one for one in parameters(entry.arguments) if not one.name.startswith("+")]
    texts = []
    for values in each_alone(signature, chance, entry.takes):
        named = [f"{one.name}={value}" for one, value in zip(signature, values, strict=True) if value]
        texts.append(f"{name}({', '.join(named)})")
    for _ in range(TRIES):
        positional = chance.randint(0, len(signature))
        several = [
            (f"{one.name}=" if place >= positional else "") + drawn(chance, one, entry.takes)
            for place, one in enumerate(signature)
            if place < positional or one.default is None or chance.random() < 0.3
        ]
        texts.append(f"{name}({', '.join(several)})")
    for written in dict.fromkeys(texts):
        try:
            torch.manual_seed(0)
            original = eval(written, {**layers})
            takes(original)
        except Exception:
            continue
        yield written, original


def each_alone(
    signature: Sequence[Parameter], chance: random.Random, takes: str
) -> Iterator[Sequence[str | None]]:
    for place, one in enumerate(signature):
        for value in values_of(one, takes):
            needed = [None if other.default else drawn(chance, other, takes) for other in signature]
            yield [*needed[:place], value, *needed[place + 1 :]]


def values_of(parameter: Parameter, takes: str) -> Sequence[str]:
    if parameter.name in ("in_channels", "num_features", "num_channels", "in_features"):
        return (takes.partition("x")[0],)
    return WRITTEN.get(parameter.meaning, ("True", "False"))


def drawn(chance: random.Random, parameter: Parameter, takes: str) -> str:
    if parameter.default is not None and chance.random() < 0.4:
        return parameter.default
    return chance.choice(values_of(parameter, takes))
