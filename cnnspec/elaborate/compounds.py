"""Words that are several layers, or a layer with its number: `conv_bn_relu F3 K8`, `fc10`, `maxpool2`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit
from cnnspec.diagnostics.suggest import fold
from cnnspec.elaborate.binding import slots_of
from cnnspec.elaborate.values import NoValue
from cnnspec.language import tree
from cnnspec.notations.words import LAYERS
from cnnspec.ops import lookup, words

_LONGEST = 40
_GLUED = re.compile(r"([A-Za-z]+)([0-9]+)")


def compound(text: str, step: tree.LayerStep) -> NoValue | None:
    """E201 for a word made of the words of layers, with the steps or the argument that it is."""
    message = f"there is no layer `{step.word}`"
    rest = text[step.word_span.end : step.span.end]
    if (glued := _GLUED.fullmatch(step.word)) and (plain := _with_number(glued[1], glued[2], rest)):
        way = f"write `{plain}`"
        if plain.startswith("fc ") and len(glued[2]) == 1:
            way += f"; if `{step.word}` is a name: `{step.word}: fc 4096`"
        return NoValue("E201", message, step.word_span, way, fix=(Edit(step.span, plain),))
    first, *others = layers_of(step.word) or [""]
    if not others:
        return None
    plain = " -> ".join([f"{first}{rest}", *others])
    message += ": each layer is a separate step"
    return NoValue("E201", message, step.word_span, f"write `{plain}`", fix=(Edit(step.span, plain),))


def _with_number(name: str, number: str, rest: str) -> str | None:
    """`fc10` → `fc 10`, `maxpool2` → `maxpool F2`, `conv3 K8` → `conv F3 K8`."""
    word = LAYERS.get(fold(name), name.lower())
    op = lookup(word)
    if op is None or (word == "conv" and ("K" not in rest or "F" in rest)):
        return None  # `conv1 F3 K8` is a name
    slots = slots_of(op)
    if word in ("fc", "upsample", "pad", "pixelshuffle") and slots.places:
        return None if rest else f"{word} {number}"
    fits = word in ("conv", "dwconv") or (word in ("maxpool", "avgpool") and "F" not in rest)
    return f"{word} F{number}{rest}" if fits else None


def layers_of(word: str) -> list[str] | None:
    """The layers whose words, one after another, make a word: the longest word first.

    >>> layers_of("ConvBNReLU"), layers_of("conv_relu_pool"), layers_of("wibble")
    (['conv', 'bn', 'relu'], ['conv', 'relu', 'maxpool'], None)
    """
    rest, layers = fold(word)[:_LONGEST], list[str]()
    known = {**{one: one for one in words()}, **LAYERS}
    while rest:
        start = next((rest[:end] for end in range(len(rest), 1, -1) if rest[:end] in known), None)
        if start is None:
            return None
        layers.append(known[start])
        rest = rest[len(start) :]
    return layers
