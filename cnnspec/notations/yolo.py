"""Lines of a YOLO yaml: `- [-1, 1, Conv, [64, 3, 2]]`, from where, how often, what, with what."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from cnnspec.diagnostics import Span
from cnnspec.notations.around import parts_of
from cnnspec.notations.entry import Entry, Reading, read
from cnnspec.notations.network import ARRIVING, Network, Node, Program, head_of, stretches
from cnnspec.notations.values import Given

_ROW = re.compile(
    r"^[ \t]*(-?[ \t]*\[{1,2}(-?[0-9]+|\[[-0-9, ]+\]), *([0-9]+), *(?:nn\.)?(\w+), *\[([^\r\n\[]*)\]\]"
    r"\]?,?(?:\s*+\])?)",
    re.MULTILINE,
)
_SCALE = re.compile(r"^(width|depth)_multiple:[ \t]*([0-9.]+)", re.MULTILINE)
_GAP = r"(?>\s+|#[^\r\n]*+|\w+:[ \t]*(?=[\r\n#])|\])*+"
_HEAD = r"#.*|\w+:(?:[^\w=>].*)?|-?[ \t]*\[[0-9., ]+\]"
"""Lines of the file that are no layers: `nc: 80`, `backbone:`, anchors."""
A_BLOCK = "a module of several layers is written once here, as a block: `block name(k) { … }`"


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
)
_BY_NAME = {found[4]: entry for entry in YOLO if (found := _ROW.match(entry.example))}


def networks(text: str) -> Iterator[Program]:
    """The YOLO yamls in a text."""
    for row in stretches(_ROW.finditer(text), lambda found: Span(*found.span(1)), text, _GAP):
        span, begin = Span(row[0].start(1), row[-1].end(1)), head_of(text, row[0].start(), _HEAD)
        yield Program("this is a YOLO yaml", span, _network(row, text[begin : span.start]), begin)


def _network(rows: Sequence[re.Match[str]], head: str) -> Network:
    nodes: list[Node] = []
    scales = {name: float(value) for name, value in _SCALE.findall(head)}
    for number, found in enumerate(rows):
        span, name, given = Span(*found.span(1)), found[4], [*parts_of(found[5])]
        places = [int(place) for place in re.findall(r"-?[0-9]+", found[2])]
        inputs = tuple(number + place if place < 0 else place for place in places)
        missing = [place for place in inputs if not -1 <= place < number]
        inputs = tuple(ARRIVING if place in missing else place for place in inputs)
        count = max(round(int(found[3]) * scales.get("depth", 1)), 1) if int(found[3]) > 1 else 1
        entry, why = _BY_NAME.get(name), ""
        if name == "Concat":
            reading = Reading("concat", "" if given == ["1"] else "it joins along another axis")
        elif entry is None:
            reading = Reading("", A_BLOCK)
        else:
            if name == "Conv" and given and given[0].isdecimal():
                given[0] = str(math.ceil(int(given[0]) * scales.get("width", 1) / 8) * 8)
            reading = read(entry, given, {})
            why = "this file's widths are multiplied" if "scales:" in head else ""
        if missing:
            why = f"layer {missing[0]} is not in this text"
        shown = f"[{reading.text}]*{count}" if count > 1 and reading.text else reading.text
        nodes.append(Node(shown, span, inputs, reading.why or why))
    return Network(nodes)
