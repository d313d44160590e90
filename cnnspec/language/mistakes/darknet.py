"""A section of a Darknet .cfg, put as a line of layers: `[convolutional]` with its `filters=64`, `size=3`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.mistakes.mistake import Told
from cnnspec.notations.words import layer_word

_SECTION = re.compile(r"^[ \t]*\[([a-z]+)\][ \t]*(?:#[^\r\n]*)?$", re.MULTILINE)
_KEY = re.compile(r"[ \t]*([a-z_]+)[ \t]*=[ \t]*([^\r\n#]*)(?:#[^\r\n]*)?(?:\r\n|[\r\n]|$)")
_LONGEST = 2000
"""How far before a mistake its section may begin."""


def section(text: str, start: int) -> Told | None:
    """The section that a mistake stands in."""
    heads = [*_SECTION.finditer(text, max(0, start - _LONGEST), start)]
    if not heads:
        return None
    head, keys = heads[-1], dict[str, str]()
    place = end = head.end()
    while place < len(text) and text[place] in "\r\n":
        place += 1
    while (found := _KEY.match(text, place)) is not None and len(keys) < 100:
        value = found[2].rstrip(" \t")
        keys[found[1]] = value
        place, end = found.end(), found.start(2) + len(value)
    if not head.end() <= start <= end:
        return None
    span = Span(head.start() + head.group().index("["), end)
    shown = _in_our_words(head[1], keys)
    if shown is None:
        way = JOINS.get(head[1], "a layer is one line: `conv F3 S1 P1 K64 -> bn -> leaky 0.1`")
        return "this is a Darknet .cfg", span, f"here {way}", (), "darknet"
    return "this is a Darknet .cfg", span, f"here it is `{shown}`", (Edit(span, shown),), "darknet"


JOINS = {
    "shortcut": "a sum names what it adds: `add [ @label | id ]`",
    "route": "channels are joined by `concat [ @label | id ]`; `@label` alone goes on from there",
}


def _in_our_words(name: str, keys: dict[str, str]) -> str | None:
    """The line; None where something in the section has no sure counterpart."""
    size, stride = keys.get("size", "1"), keys.get("stride", "1")
    if not all(
        keys.get(key, "1").isdigit() for key in ("size", "stride", "filters", "pad", "padding", "groups")
    ):
        return None
    match name:
        case "net" | "network" if {"width", "height", "channels"} <= {*keys}:
            return f"input {keys['channels']}x{keys['height']}x{keys['width']}"
        case "convolutional" if "filters" in keys:
            padding = str(int(size) // 2) if keys.get("pad", "0") == "1" else keys.get("padding", "0")
            letters = {
                "F": size,
                "S": stride,
                "P": padding,
                "G": keys.get("groups", "1"),
                "K": keys["filters"],
            }
            left_out = {"S1", "P0", "G1"}
            steps = ["conv " + " ".join(f"{k}{v}" for k, v in letters.items() if f"{k}{v}" not in left_out)]
            if keys.get("batch_normalize", "0") == "1":
                steps[0] += " nobias"
                steps.append("bn")
            activation = keys.get("activation", "logistic")
            if activation != "linear":
                word = "leaky 0.1" if activation == "leaky" else layer_word(activation)
                if word is None:
                    return None
                steps.append(word)
            return " -> ".join(steps)
        case "maxpool":
            keys.setdefault("stride", size)
            if size == keys["stride"]:
                return f"maxpool F{size}"
            return f"maxpool F{size} S{keys['stride']} P{int(size) // 2}" if int(size) % 2 else None
        case "avgpool":
            return "gap"
        case "dropout":
            return f"dropout {keys.get('probability', '0.5').lstrip() or '0.5'}".replace(" .", " 0.")
        case "upsample":
            return f"upsample {keys.get('stride', '2')}"
        case "softmax":
            return "softmax"
        case "connected" if keys.get("output", "").isdigit():
            activation = keys.get("activation", "logistic")
            word = "leaky 0.1" if activation == "leaky" else layer_word(activation)
            then = "" if activation == "linear" else f" -> {word}"
            return None if word is None and then else f"fc {keys['output']}{then}"
    return None
