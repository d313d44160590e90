"""Lines of a YOLO yaml: `- [-1, 1, Conv, [64, 3, 2]]`, from where, how often, what, with what."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Span
from cnnspec.notations.entry import ANYTHING, Entry, read
from cnnspec.notations.pieces import parts_of
from cnnspec.notations.translation import Notation, Translation
from cnnspec.notations.values import Given

_LINE = re.compile(r"[ \t]*(-?[ \t]*\[(-?[0-9]+|\[[-0-9, ]+\]), *([0-9]+), *(?:nn\.)?(\w+), *\[(.*)\]\])")
_SCALED = re.compile(r"^(?:width_multiple:(?! *1(?:\.0*)?[ \r\n])|scales:)", re.MULTILINE)
_HEAD = 2000
"""Characters that a file's widths stand in."""
_A_BLOCK = "a module of several layers is written once here, as a block: `block name(k) { … }`"


def _padded(values: Given) -> None:
    size = values.get("k", "1")
    if values.get("p", "None") == "None":
        values["p"] = str(int(size) // 2) if size.isdigit() else "?"


YOLO = (
    Entry(
        "- [-1, 1, Conv, [64, 3, 2]]",
        "conv F3 S2 P1 K64 nobias -> bn eps=1e-3 momentum=0.03 -> silu",
        "c2:K k:F=1 s:S=1 p:P g:G=1 d:D=1 act:=True +nobias normal:steps=bn_eps=1e-3_momentum=0.03_->_silu",
        adjust=_padded,
    ),
    Entry(
        "- [-1, 1, nn.Upsample, [None, 2, 'nearest']]",
        "upsample 2",
        "size:out=None scale_factor:factor=None mode:mode",
    ),
    Entry(
        "- [[-1, 6], 1, Concat, [1]]", "", ANYTHING, "here channels are joined by `concat [ id | @label ]`"
    ),
)
_BY_NAME = {found[4]: entry for entry in YOLO if (found := _LINE.match(entry.example))}


def row_of_yaml(text: str, line: str, begin: int) -> Translation | None:
    """A line that begins at `begin`."""
    found = _LINE.match(line)
    if found is None:
        return None
    span = Span(begin + found.start(1), begin + found.end(1))
    entry = _BY_NAME.get(found[4])
    if entry is None:
        return Translation(Notation.YOLO, span, "", _A_BLOCK)
    reading = read(entry, [*parts_of(found[5])], {})
    why = reading.why
    if not why and found[2] != "-1":
        why = f"it goes on from layer {found[2]}: `@label -> …`"
    if not why and _SCALED.search(text, 0, _HEAD):
        why = "this file's widths are multiplied"
    text_here = reading.text if found[3] == "1" or not reading.text else f"[{reading.text}]*{found[3]}"
    return Translation(Notation.YOLO, span, text_here, why)
