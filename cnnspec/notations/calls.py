"""Calls of PyTorch and Keras, by the order and the names of their arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.arguments import ANY, LRN, NEEDED, argument, named_argument, written_step
from cnnspec.notations.merges import MERGES, merge_in_our_words, parts_of
from cnnspec.notations.rows import row_in_our_words
from cnnspec.notations.words import layer_word

LONGEST = 500
"""Characters of a step that are looked at."""
_SIGNATURES: dict[str, tuple[str, ...]] = {  # the order of torch's positional arguments; "": not written here
    "conv": ("", "K", "F", "S", "P", "D", "G"),
    "deconv": ("", "K", "F", "S", "P", "extra", "G"),
    "maxpool": ("F", "S", "P", "D"),
    "avgpool": ("F", "S", "P"),
    "fc": ("", ANY),
    "gn": ("G",),
    "lrn": LRN,
    **dict.fromkeys(
        ("leaky", "dropout", "droppath", "pixelshuffle", "pixelunshuffle", "upsample", "pad"), (ANY,)
    ),
}
_KERAS_SIGNATURES: dict[str, tuple[str, ...]] = {
    "Conv2D": ("K", "F", "S", "P"),
    "Convolution2D": ("K", "F", "S", "P"),
    "Conv2DTranspose": ("K", "F", "S", "P"),
    "DepthwiseConv2D": ("F", "S", "P"),
    "Dense": (ANY,),
    "MaxPooling2D": ("F", "S", "P"),
    "AveragePooling2D": ("F", "S", "P"),
}
_NUMBERS_DROPPED = (
    *("bn", "in", "ln", "relu", "sigmoid", "tanh", "softmax", "logsoftmax", "elu", "flatten"),
    "gap",
    "gmp",
)
"""Whose numbers elsewhere say what is known here: the arriving depth, an axis, the default."""


def in_our_words(
    name: str, positional: Sequence[str] = (), named: Sequence[tuple[str, str]] = ()
) -> str | None:
    """A layer as torch or Keras write it → as it is written here; None where that is not sure.

    >>> in_our_words("Conv2d", ["3", "64", "3"], [("padding", "1"), ("bias", "False")])
    'conv F3 P1 K64 nobias'
    >>> in_our_words("Dense", ["10"], [("activation", "'softmax'")])
    'fc 10 -> softmax'
    >>> in_our_words("Conv2D", ["32", "(3, 5)"]), in_our_words("MaxPool2d", ["2"]), in_our_words("ReLU")
    ('conv F3x5 K32', 'maxpool F2', 'relu')
    """
    word, bare = layer_word(name), name.rpartition(".")[2]
    if word is None or word in MERGES:
        return None
    if bare in ("MaxPooling2D", "AveragePooling2D") and not positional and "pool_size" not in dict(named):
        positional = ["2"]  # Keras's default
    if "daptive" in bare:  # `AdaptiveAvgPool2d`, `adaptiveavgpool`
        return _adaptive(
            "maxpool" if "max" in bare.lower() else "avgpool", [*positional, *(value for _, value in named)]
        )
    if word == "reshape":
        volume = re.fullmatch(r"\(([0-9]+), *([0-9]+), *([0-9]+)\)", positional[0] if positional else "")
        if volume and bare == "Reshape":  # Keras has the channels last
            return f"reshape {volume[3]}x{volume[1]}x{volume[2]}"
        return "flatten" if any(part.lstrip().startswith("-1") for part in positional) else None
    if bare == "SeparableConv2D":
        return _separable(in_our_words("Conv2D", positional, named))
    if positional and not {word, bare} & {*_SIGNATURES, *_KERAS_SIGNATURES, *_NUMBERS_DROPPED}:
        return None
    signature = _KERAS_SIGNATURES.get(bare, _SIGNATURES.get(word, ()))
    if word == "fc" and len(positional) == 1:
        signature = (ANY,)
    if bare == "Convolution2D" and len(positional) > 2:  # of the first Keras: filters, rows, columns
        positional = [positional[0], f"({positional[1]},{positional[2]})", *positional[3:]]
    given = {slot: value for slot, value in zip(signature, positional, strict=False) if slot}
    then: list[str] = []
    if not all(named_argument(word, key, value, given, then) for key, value in named):
        return None
    return written_step(word, given, then)


def call_in_our_words(text: str) -> str | None:
    """The same for a call's text, from its name to its last bracket, which may be missing.

    >>> call_in_our_words("nn.Conv2d(3, 64, kernel_size=(3, 3), padding='same')")
    'conv F3 Psame K64'
    >>> call_in_our_words("conv(F3, P1, K64)"), call_in_our_words("conv(64, 3)"), call_in_our_words("fc(120)")
    ('conv F3 P1 K64', 'conv F3 K64', 'fc 120')
    >>> call_in_our_words("x.conv(f(1)(2), *more)") is None
    True
    """
    if (merged := merge_in_our_words(text)) is not None:
        return merged
    name, bracket, inside = text.strip().partition("(")
    name, inside = name.strip(), inside.rstrip()
    if not bracket or len(text) > LONGEST:
        return None
    depth = 0
    for place, char in enumerate(inside):
        if char in ")]" and depth == 0:
            if inside[place + 1 :].strip(" ,"):
                return None  # something follows the call
            inside = inside[:place]
            break
        depth += (char in "([") - (char in ")]")
    parts = list(parts_of(inside, ","))
    positional = [part for part in parts if "=" not in part]
    if fold(name.rpartition(".")[2]) == "activation":
        return layer_word(positional[0].strip("'\"")) if len(parts) == len(positional) == 1 else None
    bare = name.rpartition(".")[2]
    if bare == bare.lower() and layer_word(name) in NEEDED:  # no class, so no order that is known
        return row_in_our_words(name, parts)
    pairs = [part.partition("=") for part in parts if "=" in part]
    return in_our_words(name, positional, [(key.strip(), value.strip()) for key, _, value in pairs])


def _adaptive(word: str, values: Sequence[str]) -> str | None:
    """`AdaptiveAvgPool2d(1)` is `gap`, `AdaptiveAvgPool2d((7, 7))` is `avgpool out=7x7`."""
    size = argument("F", values[0]) if len(values) == 1 else None
    if size is None or not size[1:].replace("x", "").isdigit():
        return None
    if size == "F1":
        return "gap" if word == "avgpool" else "gmp"
    return f"{word} out={size[1:] if 'x' in size else f'{size[1:]}x{size[1:]}'}"


def _separable(conv: str | None) -> str | None:
    """A filter for each map, and behind it one across the maps: the bias is the second one's."""
    found = re.fullmatch(r"conv (.*) (K[^ ]*)( nobias)?(.*)", conv or "")
    return found and f"dwconv {found[1]} nobias -> conv F1 {found[2]}{found[3] or ''}{found[4]}"
