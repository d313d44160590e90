"""Sections of a Darknet .cfg: `[convolutional]` with its `filters=64`, `size=3`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Span
from cnnspec.notations.entry import ANYTHING, Entry, read
from cnnspec.notations.meanings import activation
from cnnspec.notations.translation import Notation, Translation
from cnnspec.notations.values import Given

_SECTION = re.compile(r"^[ \t]*\[([a-z]+)\][ \t]*(?:#[^\r\n]*)?$", re.MULTILINE)
_KEY = re.compile(r"[ \t]*([a-z_]+)[ \t]*=[ \t]*([^\r\n#]*)(?:#[^\r\n]*)?(?:\r\n|[\r\n]|$)")
_FAR_AWAY = re.compile(r"[ \t]*(route|shortcut)[ \t]+-[0-9][^\r\n#]*")
_LONGEST = 2000
"""How far before a mistake its section may begin."""
_LAST = "bias:bias=true then:steps="
_CONV = f"filters:K size:F=1 stride:S=1 padding:P=0 groups:G=1 dilation:D=1 {_LAST}"
_POOL = "size:F stride:S padding:P=0 ceil:ceil=false"
_ADDED = "here a sum names what it adds: `add [ @label | id ]`"
_JOINED = "here channels are joined by `concat [ @label | id ]`; `@label` alone goes on from there"
_A_LINE = "here a layer is one line: `conv F3 S1 P1 K64 -> bn -> leaky 0.1`"


def _input(values: Given) -> None:
    shape = [values.get(key, "") for key in ("height", "width", "channels")]
    values.clear()
    if all(shape):
        values["shape"] = f"({', '.join(shape)})"


def _steps_behind(values: Given) -> None:
    """The steps that one section makes: batch normalisation, and an activation."""
    normal = ["bn"] if values.pop("batch_normalize", "0") == "1" else []
    name = values.pop("activation", "logistic")
    word = {"leaky": "leaky 0.1", "logistic": "sigmoid"}.get(name) or activation(name)
    values["then"] = " -> ".join([*normal, *([word] if word != "id" else [])]) if word else "?"
    if normal:
        values["bias"] = "false"


def _convolution(values: Given) -> None:
    _steps_behind(values)
    if values.pop("pad", "0") == "1":
        size = values.get("size", "1")
        values["padding"] = str(int(size) // 2) if size.isdigit() else "?"


def _pool(values: Given) -> None:
    """Its padding is size − 1 in all, the smaller half before the map, and here the same before and after."""
    stride = values.setdefault("stride", "1")
    size = values.setdefault("size", stride)
    if size.isdigit() and int(size) % 2:
        values.setdefault("padding", str(int(size) // 2))
    elif (size, stride) == ("2", "2"):
        values["ceil"] = "true"
    elif (size, stride) == ("2", "1"):
        values["padding"] = "same"
    else:
        values["padding"] = "?"


DARKNET = (
    Entry("[net]\nwidth=32\nheight=24\nchannels=3", "input 3x24x32", "shape:volume_last", adjust=_input),
    Entry(
        "[convolutional]\nbatch_normalize=1\nfilters=8\nsize=3",
        "conv F3 K8 nobias -> bn -> sigmoid",
        _CONV,
        adjust=_convolution,
    ),
    Entry("[maxpool]\nsize=3\nstride=2", "maxpool F3 S2 P1", _POOL, adjust=_pool),
    Entry("[avgpool]", "gap"),
    Entry("[dropout]\nprobability=.5", "dropout 0.5", "probability:*=.5"),
    Entry("[connected]\noutput=10\nactivation=linear", "fc 10", f"output:* {_LAST}", adjust=_steps_behind),
    Entry("[upsample]\nstride=2", "upsample 2", "stride:*=2"),
    Entry("[softmax]", "softmax", "groups:=1"),
    Entry("[shortcut]\nfrom=-3", "", ANYTHING, _ADDED),
    Entry("[route]\nlayers=-1, 61", "", ANYTHING, _JOINED),
)
_BY_NAME = {entry.example[1 : entry.example.index("]")]: entry for entry in DARKNET}


def section(text: str, at: int) -> Translation | None:
    """The section that a place is in."""
    heads = [*_SECTION.finditer(text, max(0, at - _LONGEST), at)]
    if not heads:
        return None
    head, keys = heads[-1], dict[str, str]()
    place = end = head.end()
    while place < len(text) and text[place] in "\r\n":
        place += 1
    while (found := _KEY.match(text, place)) is not None and len(keys) < 100:
        keys[found[1]] = found[2].rstrip(" \t")
        place, end = found.end(), found.start(2) + len(keys[found[1]])
    if not head.end() <= at <= end or not keys:
        return None
    span, entry = Span(head.start() + head.group().index("["), end), _BY_NAME.get(head[1])
    if entry is None:
        return Translation(Notation.DARKNET, span, "", _A_LINE)
    reading = read(entry, (), keys)
    return Translation(Notation.DARKNET, span, reading.text, reading.why or ("" if reading.text else _A_LINE))


def far_away(text: str, begin: int) -> Translation | None:
    """A line that begins at `begin` and speaks of other layers by how far away they are: `route -1, 61`."""
    found = _FAR_AWAY.match(text, begin)
    if found is None:
        return None
    line = found.group().rstrip()
    span = Span(begin + len(line) - len(line.lstrip()), begin + len(line))
    return Translation(Notation.DARKNET, span, "", _BY_NAME[found[1]].why)
