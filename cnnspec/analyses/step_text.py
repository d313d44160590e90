"""A step of a network as one line of text, with the arguments that are not defaults."""

from __future__ import annotations

from cnnspec.ir.graph import Hole, Layer, Step
from cnnspec.ops.base import arguments_of, is_default, spelled
from cnnspec.ops.pool import Pooling

LONGEST = 40
"""The longest argument, in characters, that is shown whole."""


def step_text(step: Step) -> str:
    """A step as it is written: `conv F3 K64`, `bottleneck()`, `group, 3 passes`."""
    if isinstance(step, Layer):
        written = [text for text in arguments(step).values() if text not in ("S1", "P0", "G1", "D1")]
        return " ".join((step.op.word, *written))
    if isinstance(step, Hole):
        return step.text
    if step.block is not None:
        return f"{step.block}()"
    count = sum(one.count for one in step.passes)
    return f"{step.name}, {passes_of(count)}" if step.kind == "repeat" else step.name


def passes_of(count: int) -> str:
    return f"{count} pass{'es' if count != 1 else ''}"


def arguments(layer: Layer) -> dict[str, str]:
    """A layer's arguments as they are written, by letter, keyword or field; S, P, G and D even where they are
    left out."""
    op, fields = layer.op, type(layer.op).model_fields
    written = {argument.letter or argument.keyword or name: name for name, argument in arguments_of(type(op))}
    texts = {}
    for name, argument in arguments_of(type(op)):
        value = getattr(op, name)
        if not is_default(fields[name].default, value):
            text = spelled(argument, value)
            short = text if len(text) <= LONGEST else f"{argument.keyword or name}=[…]"
            texts[argument.letter or argument.keyword or name] = short
    for letter, usual in (("S", "S1"), ("P", "P0"), ("G", "G1"), ("D", "D1")):
        if letter in written and not (letter == "S" and isinstance(op, Pooling)):
            texts.setdefault(letter, usual)
    return texts
