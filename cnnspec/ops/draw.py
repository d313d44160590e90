"""Random arguments, from the declarations of the fields alone. The property tests make random networks with
them."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cnnspec.ops.base import Argument, Init, Misfit, Op, Shape, arguments_of, defaults_of, spelled
from cnnspec.ops.fields import OF_FACTORS, SCHEMES, SPREADS
from cnnspec.ops.groups import divisors

if TYPE_CHECKING:
    import random

ATTEMPTS = 60
SIZES = {
    "F": (1, 2, 3, 4, 5),
    "S": (1, 1, 1, 2, 3),
    "P": (0, 0, 0, 1, 2),
    "D": (1, 1, 1, 2),
    "factor": (1, 2, 3),
}
NUMBERS = ("0.1", "0.2", "1/3", "0.5", "1", "2")


def draw(op: type[Op], chance: random.Random, input_shape: Shape) -> str | None:
    """A layer with random arguments that fits this input, as it is written in a spec (`conv F3 P1 K8`); None
    where none was found."""
    if op.merges or op.word == "none":  # these belong to branches
        return None
    axes = len(input_shape) - 1 or 2
    for _ in range(ATTEMPTS):
        values: dict[str, Any] = {} if axes == 2 else dict(defaults_of(op, axes))
        parts = [op.word]
        for name, argument in sorted(arguments_of(op), key=lambda one: one[1].rank):
            required = op.model_fields[name].is_required()
            if argument.kind == "tensor" or (not required and chance.random() < 0.7):
                continue
            values[name] = _value(chance, name, argument, input_shape, values)
            if argument.letter and chance.random() < 0.3:  # fc K10
                argument = argument._replace(positional=None)
            parts.append(spelled(argument, values[name]))
        try:
            out = op(**values).out(input_shape)
        except ValidationError:
            continue
        if not isinstance(out, Misfit):
            return " ".join(parts)
        if out.code in ("E302", "E303"):
            break
    return None


def _value(
    chance: random.Random, name: str, argument: Argument, input_shape: Shape, values: dict[str, Any]
) -> Any:
    """A random value of the argument's kind, which is likely to fit the values drawn before it."""
    C, *map_size = input_shape
    match argument.kind:
        case "flag":
            return chance.choice(argument.flags)[1]
        case "integer":
            if argument.letter == "G":
                return chance.choice(divisors(C, 64))
            if argument.letter == "K":
                return values.get("G", 1) * chance.randint(1, max(1, 12 // values.get("G", 1)))
            return chance.randint(0, 3)
        case "sizes":
            if argument.same and chance.random() < 0.2:
                return "same"
            sizes = [chance.choice(SIZES.get(name, range(length + 1))) for length in map_size or (1, 1)]
            return (sizes[0],) * len(sizes) if chance.random() < 0.5 else tuple(sizes)
        case "number":
            return chance.choice(NUMBERS)
        case "shape":
            size = prod(input_shape)
            channels = chance.choice(divisors(size, 64))
            height = chance.choice(divisors(size // channels, 64))
            return chance.choice([(channels, height, size // channels // height), (size,)])
        case "range":
            low = chance.randrange(C)
            return low, chance.randint(low + 1, C)
        case "matrix":
            if argument.keyword == "bias":
                return (((chance.randint(-500, 500),),),)
            *_, rows, columns = (1, *values["F"]) if "F" in values else (values["K"], C)
            row = tuple(chance.choice(["1", "-1/3", "0.2"]) for _ in range(columns))
            return ((row,) * rows,)
        case "connections":
            return tuple(
                tuple(sorted(chance.sample(range(C), chance.randint(1, min(C, 4)))))
                for _ in range(values["K"])
            )
        case "init":
            of_filters = [one for one in SCHEMES if one != "bilinear"]
            scheme = chance.choice(of_filters if argument.replaces else OF_FACTORS)
            return Init(scheme, Fraction(1, 100)) if scheme in (*SPREADS, "constant") else Init(scheme)
    raise AssertionError(argument.kind)
