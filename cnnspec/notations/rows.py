"""Rows of papers' tables: hyperparameters recognised by their form, their words and their values."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.entry import Reading
from cnnspec.notations.meanings import MEANINGS
from cnnspec.notations.merges import MERGES
from cnnspec.notations.values import ORDER, SIZE, Arguments, put, written_layer
from cnnspec.notations.words import ARGUMENTS, UNNEEDED, layer_word

_WHOLE = "F! S P D G K! nobias"
ROWS = {
    "conv": _WHOLE,
    "deconv": f"{_WHOLE} extra",
    "dwconv": "F! S P D K nobias",
    "maxpool": "F! S P D ceil",
    "avgpool": "F! S P ceil",
    "fc": "*! nobias",
    "gn": "G! eps",
    "lrn": "size! alpha beta k",
    "upsample": "*! bilinear",
    **dict.fromkeys(("pad", "pixelshuffle", "pixelunshuffle"), "*!"),
    **dict.fromkeys(("leaky", "dropout", "droppath"), "*"),
    "gap": "",
}
"""Layers that a row can describe, with their arguments (`!`: required). Other layers follow one of these:
`bn`."""
LETTERS = re.compile(r"(?:[FSPKGDfspdg](?:[0-9]+(?:x[0-9]+)?|same))+")
LETTER = re.compile(r"([FSPKGDfspdg])([0-9]+(?:x[0-9]+)?|same)")
_MAPS_AT = re.compile(r"([0-9]+)@([0-9]+)(?:[x×]([0-9]+))?")
_KERNEL = re.compile(r"([0-9]+)x([0-9]+)x[0-9]+(?:x([0-9]+))?")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?")
_LARGEST_SIZE = 11
"""Of two numbers without names, one up to this value is the filter size, a larger one the number of
filters."""
_VALUE_DIFFERS = {
    **dict.fromkeys(("activation", "act", "nonlinearity"), "then"),
    **dict.fromkeys(("bias", "usebias"), "bias"),
    **dict.fromkeys(("mode", "interpolation"), "mode"),
    "aligncorners": "corners",
    "ceilmode": "ceil",
}
"""Names of arguments whose value is written differently here (see `MEANINGS`)."""
_WORD_ALONE = {
    **dict.fromkeys(("alpha", "negativeslope"), ("leaky",)),
    **dict.fromkeys(("p", "rate"), ("dropout", "droppath")),
    "scalefactor": ("upsample",),
    "upscalefactor": ("pixelshuffle",),
    "downscalefactor": ("pixelunshuffle",),
    **dict.fromkeys("KFP", ("fc", "upsample", "pad")),
}
"""Arguments that are the one value without a name here, and their layers."""
_TAKES = "takes"
"""The channels of the input."""
_SLOTS = {
    **{letter.lower(): letter for letter in "FSPKGD"},
    **dict.fromkeys(("out", "cout", "outc"), "K"),
    **dict.fromkeys(("n", "localsize"), "size"),
}


def row(name: str, pieces: Sequence[str]) -> Reading | None:
    """A layer whose hyperparameters have no letters; None if their meaning is not certain.

    >>> row("conv", ["64", "3x3", "/2"]).text, row("conv", ["8", "5"])
    ('conv F3 S2 K64', None)
    >>> row("conv", ["3", "64", "3"]).text, row("conv", ["3", "64", "3"]).takes
    ('conv F3 K64', '3')
    """
    word = layer_word(name)
    if word is None or word not in ROWS:
        return None
    arguments: Arguments = {}
    numbers: list[str] = []
    left = list(pieces)
    while left:
        piece = left.pop(0).strip()
        if not (_by_form(word, piece, numbers, arguments) or _by_word(word, piece, left, numbers, arguments)):
            return None
    if not _place_numbers(word, numbers, arguments):
        return None
    if word in ("maxpool", "avgpool") and "F" not in arguments and "S" in arguments:
        arguments["F"] = arguments.pop("S")
    takes = arguments.pop(_TAKES, "")
    allowed = ROWS[word].replace("!", "").split()
    needs = [slot[:-1] for slot in ROWS[word].split() if slot.endswith("!")]
    fits = arguments.keys() - {"then"} <= {*allowed} and arguments.keys() >= {*needs}
    text = written_layer(word, arguments) if fits else None
    return None if text is None else Reading(text, takes=takes)


def called(name: str, pieces: Sequence[str]) -> Reading | None:
    """A layer's word with named arguments in brackets, `conv(in=3, out=16, k=3)`, where `k` is the kernel."""
    with_filters = any(re.match(r"(?:out\w*|filters|channels|c_?out)[ \t]*=", piece) for piece in pieces)
    renamed = [re.sub(r"^k(?=[ \t]*=)", "f", piece) if with_filters else piece for piece in pieces]
    return row(name, renamed) if any("=" in piece for piece in pieces) else None


def without_outputs(pieces: list[str]) -> list[str]:
    """A row's pieces without the size of its output, if it has a filter's size too: `112x112, 7x7, 64`."""
    sizes = [piece for piece in pieces if SIZE.fullmatch(piece)]
    outputs = [piece for piece in sizes if min(map(int, re.findall("[0-9]+", piece))) > _LARGEST_SIZE]
    return pieces if len(outputs) == len(sizes) else [piece for piece in pieces if piece not in outputs]


def _by_form(word: str, piece: str, numbers: list[str], arguments: Arguments) -> bool:
    """Takes `3x3`, `3x3x64x128`, `64@3x3`, `64`, `/2`, `s2`, `stride=2`."""
    if size := SIZE.fullmatch(piece):
        if word in ("maxpool", "avgpool") and int(size[1]) > _LARGEST_SIZE:
            return False  # the size of its output
        return put(arguments, "*" if word in ("pad", "upsample") else "F", f"({size[1]},{size[2]})")
    if kernel := _KERNEL.fullmatch(piece):
        if word not in ("conv", "dwconv") or (kernel[3] is None) != (word == "dwconv"):
            return False
        return put(arguments, "F", f"({kernel[1]},{kernel[2]})") and (
            word == "dwconv" or put(arguments, "K", kernel[3])
        )
    if maps := _MAPS_AT.fullmatch(piece):
        size_of = f"({maps[2]},{maps[3] or maps[2]})"
        return int(maps[2]) <= _LARGEST_SIZE and put(arguments, "K", maps[1]) and put(arguments, "F", size_of)
    if _NUMBER.fullmatch(piece):
        numbers.append(piece)
        return True
    if piece[:1] == "/" and piece[1:].isdigit():
        return put(arguments, "S", piece[1:])
    if LETTERS.fullmatch(piece):
        return all(put(arguments, letter.upper(), value) for letter, value in LETTER.findall(piece))
    key, is_, value = piece.replace(":", "=", 1).partition("=")
    return bool(is_) and named(word, key.strip(), value.strip(), arguments)


def named(word: str, key: str, value: str, arguments: Arguments) -> bool:
    """Takes `stride=2`; False where that has no sure counterpart here."""
    key = fold(key)
    if key in _VALUE_DIFFERS:
        means = MEANINGS[_VALUE_DIFFERS[key]](value)
        arguments |= means or {}
        return means is not None
    slot = key if word == "lrn" and key in ORDER else _SLOTS.get(key, ARGUMENTS.get(key, key))
    if word in _WORD_ALONE.get(key, ()) or word in _WORD_ALONE.get(slot, ()):
        return put(arguments, "*", value)
    if slot in ORDER:
        return put(arguments, slot, value)
    if key in ("in", "cin", "inc", "inchannels", "infeatures", "numfeatures"):
        return put(arguments, _TAKES, value)
    return key in ("dim", "axis") or UNNEEDED.get(key, "").startswith("leave it out")


def _by_word(word: str, piece: str, left: list[str], numbers: list[str], arguments: Arguments) -> bool:
    """Takes `stride 2`, `64 filters`, `same`, `relu`."""
    plain = fold(piece.strip("'\""))
    if plain == "dw" and word == "dwconv":
        return True
    if plain in ("same", "valid"):
        return put(arguments, "P", plain)
    if plain == "nobias":
        return put(arguments, "nobias", "")
    slot = ARGUMENTS.get(plain)
    if slot == "K" and numbers and not (left and _NUMBER.fullmatch(left[0])):
        return put(arguments, "*" if word == "fc" else slot, numbers.pop())
    if slot in ORDER and left and (_NUMBER.fullmatch(left[0]) or SIZE.fullmatch(left[0])):
        return put(arguments, slot, left.pop(0).replace("x", ","))
    if slot == "P" and left and fold(left[0]) in ("same", "valid"):
        return put(arguments, slot, left.pop(0))
    if word in ("maxpool", "avgpool") and plain in ("max", "avg", "average", "mean"):
        return True
    following = layer_word(piece)
    if following is None or following in ROWS or following in MERGES:
        return False
    arguments["then"] = f"{arguments['then']} -> {following}" if "then" in arguments else following
    return True


def _place_numbers(word: str, numbers: list[str], arguments: Arguments) -> bool:
    """Assigns the numbers without names; False where their meaning is not certain."""
    slots: Sequence[str] = ("*",)
    if word in ("conv", "deconv"):
        if not all(map(str.isdigit, numbers)):
            return False
        large = [int(number) > _LARGEST_SIZE for number in numbers]
        if "F" in arguments or "K" in arguments:
            slots = ("F" if "K" in arguments else "K",)
        elif large == [False, True]:
            slots = "FK"
        elif len(numbers) == 3 and numbers[1] == numbers[2] != "1":
            return False  # Keras 1 writes filters, rows, columns; others filters, size, stride
        elif large and large[0] and not any(large[1:]):
            slots = "KFSP"
        else:
            slots = (_TAKES, *"KFSP") if large[1:2] == [True] and not any(large[2:]) else ()
    elif word in ("dwconv", "maxpool", "avgpool"):
        slots = [slot for slot in "FSP" if slot not in arguments]
    elif word == "fc":
        slots = (_TAKES, "*") if len(numbers) == 2 else ("*",)
    elif word == "gn":
        slots = ("G",)
    elif word == "lrn":
        slots = ("size", "alpha", "beta", "k")
    return len(numbers) <= len(slots) and all(
        put(arguments, slot, number) for slot, number in zip(slots, numbers, strict=False)
    )
