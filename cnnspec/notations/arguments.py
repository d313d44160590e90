"""The arguments of a layer, gathered from another notation slot by slot, and written with our letters.

A slot is a letter, a keyword, a flag, or `ANY`, the bare value. Values are texts, as written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.words import ARGUMENTS, UNNEEDED, layer_word

ANY = "*"  # the one bare value of a layer: fc 1000, dropout 0.5
NEEDED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("conv", "deconv"), ("F", "K")),
    **dict.fromkeys(("dwconv", "maxpool", "avgpool"), ("F",)),
    **dict.fromkeys(("fc", "upsample", "pad"), (ANY,)),
    "gn": ("G",),
}
LRN = ("size", "alpha", "beta", "k")
TAKES: dict[str, tuple[str, ...]] = {
    "conv": (*"FSPDGK", "nobias"),
    "deconv": (*"FSPDGK", "extra", "nobias"),
    "dwconv": (*"FSPDK", "nobias"),
    "maxpool": (*"FSPD", "ceil"),
    "avgpool": (*"FSP", "ceil"),
    "fc": (ANY, "nobias"),
    "bn": ("eps", "momentum"),
    "gn": ("G", "eps"),
    "lrn": LRN,
    **dict.fromkeys(("in", "ln"), ("eps",)),
    "upsample": (ANY, "bilinear"),
    **dict.fromkeys(("leaky", "dropout", "droppath", "pixelshuffle", "pixelunshuffle", "pad"), (ANY,)),
}
_BARE = {
    "alpha": "leaky",
    "negativeslope": "leaky",
    "p": "dropout",
    "rate": "dropout",
    "scalefactor": "upsample",
    "upscalefactor": "pixelshuffle",
    "downscalefactor": "pixelunshuffle",
}
"""What other tools call the bare value of a layer here."""
ORDER = (ANY, "F", "S", "P", "D", "G", "K", *LRN, "extra", "eps", "momentum", "ceil", "bilinear", "nobias")
_DEFAULTS = ("S1", "P0", "D1", "G1", "extra=0")
SIZE = re.compile(r"[(\[]?([0-9]+)[ \t]*[x×,][ \t]*([0-9]+)[)\]]?")


def put(given: dict[str, str], slot: str, value: str) -> bool:
    """Whether a slot was free for its value."""
    return given.setdefault(slot, value) is value


def named_argument(word: str, key: str, value: str, given: dict[str, str], then: list[str]) -> bool:
    """Takes `stride=2`; False where that has no sure counterpart here."""
    key, true = fold(key), value.lower() == "true"
    if key == "activation":
        activation = layer_word(value.strip("'\""))
        then.append(f" -> {activation}")
        return activation is not None
    if key in ("bias", "usebias"):
        if value.lower() == "false":
            given["nobias"] = ""
        return true or "nobias" in given
    if key in ("mode", "interpolation") and value.strip("'\"") in ("nearest", "bilinear"):
        return value.strip("'\"") == "nearest" or put(given, "bilinear", "")
    if key == "aligncorners":
        return not true
    if key == "ceilmode":
        return not true or put(given, "ceil", "")
    if word == "lrn" and key in ("n", "localsize", *LRN):
        return put(given, key if key in LRN else "size", value)
    if _BARE.get(key) == word or (word == "droppath" and key == "p"):
        return put(given, ANY, value)
    slot = key.upper() if key in [*"fspkgd"] else ARGUMENTS.get(key, key)
    if key in ("in", "cin", "inc"):
        return True
    if key in ("out", "cout", "outc"):
        slot = "K"
    if slot in ("K", "F", "P") and word in ("fc", "upsample", "pad"):
        slot = ANY
    if slot in ORDER:
        return put(given, slot, value)
    return key in ("dim", "axis") or UNNEEDED.get(key, "").startswith("leave it out")


def written_step(word: str, given: dict[str, str], then: Sequence[str]) -> str | None:
    """The step; None where the layer needs more, or takes less."""
    if any(slot not in given for slot in NEEDED.get(word, ())):
        return None
    if not set(given) <= set(TAKES.get(word, ())):
        return None
    written = [word]
    for slot in ORDER:
        if slot in given:
            text = argument(slot, given[slot])
            if text is None:
                return None
            if text not in _DEFAULTS:
                written.append(text)
    return " ".join(written) + "".join(then)


def argument(slot: str, value: str) -> str | None:
    """`F` and `(3, 5)` → `F3x5`; `P` and `'same'` → `Psame`; a name → `K=width`."""
    plain = value.strip().strip("'\"")
    if not plain:
        return slot
    if slot == "P" and plain.lower() in ("same", "valid"):
        return "Psame" if plain.lower() == "same" else "P0"
    value = value.strip()
    if (size := SIZE.fullmatch(value)) and slot in ("F", "S", "P", "D", ANY):
        value = size[1] if size[1] == size[2] else f"{size[1]}x{size[2]}"
    if not re.fullmatch(r"[0-9.]+(?:e-?[0-9]+)?|[0-9]+x[0-9]+", value) and not value.isidentifier():
        return None
    if slot == ANY:
        return value
    return slot + value if value[0].isdecimal() and slot in [*"FSPDGK"] else f"{slot}={value}"
