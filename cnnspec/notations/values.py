"""The arguments of a layer, collected from another notation, and the step with these arguments.

The arguments are texts, as written, by letter, argument, word (`nobias`), or `*` for the one value without a
name.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Arguments: TypeAlias = dict[str, str]

_IN_ORDER = """
* F out left right top bottom front back S P D G K size alpha beta k extra eps momentum noaffine one ceil
exclude_pad linear bilinear trilinear bicubic corners reflect replicate maps positions all nobias
"""
ORDER = tuple(_IN_ORDER.split())
_ONE_OF = {"maxpool": {"F", "out"}, "avgpool": {"F", "out"}, "upsample": {"*", "out"}, "input": {"*"}}
_LEFT_OUT = {"S": "1", "P": "0", "D": "1", "G": "1", "extra": "0", "eps": "1e-5", "momentum": "0.1"}
"""Defaults of arguments, equal for all layers; they are not written."""
DEFAULTS = {
    "lrn": {"alpha": "1e-4", "beta": "0.75", "k": "1"},
    "leaky": {"*": "0.01"},
    "elu": {"*": "1"},
    "dropout": {"*": "0.5"},
    "droppath": {"*": "0.5"},
}
"""Defaults that are written only if the author wrote them."""
_IN_ONE_WORD = {
    f"{word} out={size}": short
    for word, short in (("avgpool", "gap"), ("maxpool", "gmp"))
    for size in ("1", "1x1", "1x1x1")
}
SIZE = re.compile(r"[(\[]?([0-9]+)[ \t]*[x×,][ \t]*([0-9]+)[)\]]?")
_SIZES = re.compile(rf"{SIZE.pattern}|[(\[](?:[0-9]+,|[0-9]+, ?[0-9]+, ?[0-9]+)[)\]]")
"""Matches one number for each axis: `(3, 5)`, `3x5`, `(3,)`, `(1, 3, 3)`."""
_EXPRESSION = re.compile(r"\w+(?: *(?:\*|//|\+|-) *\w+)+")
"""Matches sums and products of numbers and names, which are the same in Python and in this language."""
_NUMBER = re.compile(r"([0-9]*)(?:\.([0-9]*))?(e-?[0-9]+)?")


def put(arguments: Arguments, slot: str, value: str) -> bool:
    """Sets a slot; False if it already has another value."""
    return arguments.setdefault(slot, value) is value


def equal(one: str, other: str) -> bool:
    """Whether two texts are the same number: `1e-05` and `0.00001`."""
    try:
        return one == other or float(one) == float(other)
    except ValueError:
        return False


def written_layer(word: str, by_slot: Arguments) -> str | None:
    """The step; None if a value cannot be read, or a required size is missing.

    >>> written_layer("conv", {"K": "64", "F": "(3, 5)", "S": "1", "then": "relu"})
    'conv F3x5 K64 -> relu'
    >>> written_layer("maxpool", {"F": "3", "S": "1"}), written_layer("maxpool", {"F": "2", "S": "2"})
    ('maxpool F3 S1', 'maxpool F2')
    """
    if "separable" in by_slot:
        return _separable(by_slot)
    word = by_slot.get("word", word)
    if word in _ONE_OF and not by_slot.keys() & _ONE_OF[word]:
        return None
    arguments = [(slot, argument(slot, by_slot[slot])) for slot in ORDER if slot in by_slot]
    if any(text is None for _, text in arguments):
        return None
    shown = [text for slot, text in arguments if text and not _goes_without_saying(word, slot, text, by_slot)]
    step = " ".join([word, *shown])
    return _IN_ONE_WORD.get(step, step) + (f" -> {by_slot['then']}" if "then" in by_slot else "")


def _goes_without_saying(word: str, slot: str, text: str, arguments: Arguments) -> bool:
    if slot == "S" and word in ("maxpool", "avgpool") and "F" in arguments:
        return text[1:] == (argument("F", arguments["F"]) or "")[1:]
    if slot not in _LEFT_OUT or (slot == "G" and word in ("gn", "shuffle")):
        return False
    return equal(text[len(slot) :].lstrip("="), _LEFT_OUT[slot])


def argument(slot: str, value: str) -> str | None:
    """`F` and `(3, 5)` → `F3x5`; `P` and `'same'` → `Psame`; a name → `K=width`.

    >>> argument("F", "(3, 5)"), argument("P", "'same'"), argument("K", "width"), argument("*", ".5")
    ('F3x5', 'Psame', 'K=width', '0.5')
    """
    plain = value.strip().strip("'\"")
    if not plain:
        return slot
    if slot == "P" and plain.lower() in ("same", "valid"):
        return "Psame" if plain.lower() == "same" else "P0"
    if plain in ("None", "True", "False"):
        return None
    value = value.strip()
    if _SIZES.fullmatch(value) and slot in ("F", "S", "P", "D", "*", "out", "extra"):
        sizes = re.findall("[0-9]+", value)
        value = sizes[0] if len({*sizes}) == 1 and slot != "out" else "x".join(sizes)
    elif number := _NUMBER.fullmatch(value):
        decimals = (number[2] or "").rstrip("0") if not number[3] else number[2]
        value = (number[1] or "0") + (f".{decimals}" if decimals else "") + (number[3] or "")
        value = f"{value}x{value}" if slot == "out" else value
    elif not value.isidentifier() and not (slot == "*" and re.fullmatch(r"[0-9]+(?:x[0-9]+)+", value)):
        if not _EXPRESSION.fullmatch(value):
            return None
        value = value.replace(" ", "")
        return f"({value})" if slot == "*" else f"{slot}={value}"
    if slot == "*":
        return value
    return slot + value if value[0].isdecimal() and slot in [*"FSPDGK"] else f"{slot}={value}"


def _separable(arguments: Arguments) -> str | None:
    """A separable convolution: a depthwise one and a 1x1 one, which has the bias."""
    first = {slot: value for slot, value in arguments.items() if slot in "FSPD"} | {"nobias": ""}
    second = {slot: value for slot, value in arguments.items() if slot in ("K", "nobias", "then")} | {
        "F": "1"
    }
    steps = written_layer("dwconv", first), written_layer("conv", second)
    return None if None in steps else " -> ".join(map(str, steps))
