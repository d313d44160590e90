"""Rows of papers' tables: hyperparameters told by their form, their words and their sizes, not by letters."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.arguments import (
    ANY,
    LRN,
    ORDER,
    SIZE,
    TAKES,
    named_argument,
    put,
    written_step,
)
from cnnspec.notations.words import ARGUMENTS, layer_word

_MAPS_AT = re.compile(r"([0-9]+)@([0-9]+)(?:[x×]([0-9]+))?")
_KERNEL = re.compile(r"([0-9]+)x([0-9]+)x[0-9]+(?:x([0-9]+))?")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?")
LETTERS = re.compile(r"(?:[FSPKGDfspdg](?:[0-9]+(?:x[0-9]+)?|same))+")
LETTER = re.compile(r"([FSPKGDfspdg])([0-9]+(?:x[0-9]+)?|same)")
ROWS = frozenset((*TAKES, "gap")) - {"bn", "in", "ln"}
"""Layers that a row can be about; the others are written behind one: `3x3, 64, bn, relu`."""
_LARGEST_SIZE = 11
"""Of two bare numbers the one up to this is the filter's size, the one beyond it the number of filters."""


def row_in_our_words(name: str, pieces: Sequence[str]) -> str | None:
    """A layer whose hyperparameters are not told by letters: by their form, their words, their sizes.

    >>> row_in_our_words("conv", ["3x3", "64", "stride", "2"]), row_in_our_words("conv", ["64", "3x3", "/2"])
    ('conv F3 S2 K64', 'conv F3 S2 K64')
    >>> row_in_our_words("conv", ["3", "64", "3"]), row_in_our_words("conv", ["8", "5"])
    ('conv F3 K64', None)
    >>> row_in_our_words("maxpool", ["3x3", "s2"]), row_in_our_words("fc", ["400", "120", "relu"])
    ('maxpool F3 S2', 'fc 120 -> relu')
    """
    word = layer_word(name)
    if word is None or word not in ROWS:
        return None
    given: dict[str, str] = {}
    then: list[str] = []
    numbers: list[str] = []
    left = list(pieces)
    while left:
        piece = left.pop(0).strip()
        if size := SIZE.fullmatch(piece):
            ok = put(given, ANY if word in ("pad", "upsample") else "F", f"({size[1]},{size[2]})")
        elif kernel := _KERNEL.fullmatch(piece):
            ok = word in ("conv", "dwconv") and put(given, "F", f"({kernel[1]},{kernel[2]})")
            if kernel[3] is not None and word == "conv":
                ok = ok and put(given, "K", kernel[3])
            ok = ok and (kernel[3] is not None) == (word == "conv")
        elif piece == "dw" and word == "dwconv":
            ok = True
        elif maps := _MAPS_AT.fullmatch(piece):
            ok = (
                int(maps[2]) <= _LARGEST_SIZE
                and put(given, "K", maps[1])
                and put(given, "F", f"({maps[2]},{maps[3] or maps[2]})")
            )
        elif _NUMBER.fullmatch(piece):
            numbers.append(piece)
            ok = True
        elif piece[:1] == "/" and piece[1:].isdigit():
            ok = put(given, "S", piece[1:])
        elif LETTERS.fullmatch(piece):
            ok = all(put(given, letter.upper(), value) for letter, value in LETTER.findall(piece))
        elif "=" in piece or ":" in piece:
            key, _, value = piece.replace(":", "=", 1).partition("=")
            ok = named_argument(word, key.strip(), value.strip(), given, then)
        else:
            ok = _told_by_word(word, piece, left, numbers, given, then)
        if not ok:
            return None
    if not _numbers_placed(word, numbers, given):
        return None
    if word in ("maxpool", "avgpool") and "F" not in given and "S" in given:
        given["F"] = given.pop("S")
    return written_step(word, given, then)


def _told_by_word(
    word: str, piece: str, left: list[str], numbers: list[str], given: dict[str, str], then: list[str]
) -> bool:
    """Takes `stride 2`, `64 filters`, `same`, `relu`."""
    plain = fold(piece.strip("'\""))
    if plain in ("same", "valid"):
        return put(given, "P", plain)
    if plain == "nobias":
        return put(given, "nobias", "")
    slot = ARGUMENTS.get(plain)
    if slot == "K" and numbers and not (left and _NUMBER.fullmatch(left[0])):
        return put(given, ANY if word == "fc" else slot, numbers.pop())
    if slot in ORDER and left and (_NUMBER.fullmatch(left[0]) or SIZE.fullmatch(left[0])):
        return put(given, slot, left.pop(0).replace("x", ","))
    if slot == "P" and left and fold(left[0]) in ("same", "valid"):
        return put(given, slot, left.pop(0))
    following = layer_word(piece)
    if following is None or following in ROWS:
        return False
    then.append(f" -> {following}")
    return True


def _numbers_placed(word: str, numbers: list[str], given: dict[str, str]) -> bool:
    """Whether it is sure what the bare numbers are, and if so, puts them there."""
    slots: Sequence[str] = (ANY,)
    if word in ("conv", "deconv"):
        if not all(map(str.isdigit, numbers)):
            return False
        large = [int(number) > _LARGEST_SIZE for number in numbers]
        if "F" in given or "K" in given:
            slots = ("F" if "K" in given else "K",)
        elif large == [False, True]:
            slots = "FK"
        elif large and large[0] and not any(large[1:]):
            slots = "KFSP"
        else:
            slots = ("", *"KFSP") if large[1:2] == [True] and not any(large[2:]) else ()
    elif word in ("dwconv", "maxpool", "avgpool"):
        slots = [slot for slot in "FSP" if slot not in given]
    elif word == "fc":
        slots = ("", ANY) if len(numbers) == 2 else (ANY,)
    elif word == "gn":
        slots = ("G",)
    elif word == "lrn":
        slots = LRN
    return len(numbers) <= len(slots) and all(
        not slot or put(given, slot, number) for slot, number in zip(slots, numbers, strict=False)
    )
