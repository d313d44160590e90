"""Arguments and layers as they often are: what a way out shows where the author's own numbers are missing."""

from __future__ import annotations

from cnnspec.elaborate.binding import slots_of
from cnnspec.ops import lookup
from cnnspec.ops.base import Argument

_USUAL = {"K": 64, "F": 3, "G": 32}


def lettered(letter: str) -> str:
    """`F3`, `K64`: a letter with a number that is often behind it."""
    return f"{letter}{_USUAL.get(letter, 1)}"


def usual(word: str) -> str:
    """A layer with the arguments that it often has: `conv F3 K64`."""
    op = lookup(word)
    assert op is not None
    slots = slots_of(op)
    if op.merges:
        return f"{word} [ conv F3 P1 K64 | id ]"
    letters = [letter for letter, (name, _) in slots.letters.items() if slots.required(name)]
    if not letters and "pool" in word:
        return f"{word} F2"
    if not letters:
        needed = [argument for name, argument in slots.places if slots.required(name)]
        return " ".join([word, *map(sample_of, needed)])
    return " ".join([word, *map(lettered, letters)])


def sample_of(argument: Argument) -> str:
    """`K64`, `0.5`, `size=2`: an argument as it often is."""
    if argument.letter and argument.positional is None:
        return lettered(argument.letter)
    samples = {
        "shape": "7x7",
        "tensor": "@label",
        "range": "0:16",
        "init": "he",
        "matrix": "[1 0 -1]",
        "number": "0.5",
    }
    value = samples.get(argument.kind, str(_USUAL.get(argument.letter or "", 2)))
    return value if argument.positional is not None else f"{argument.keyword}={value}"
