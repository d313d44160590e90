"""Lines of a YOLO yaml: `- [-1, 1, Conv, [64, 3, 2]]`: the input, the number of repeats, the module, its
arguments."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnnspec.diagnostics import Span
from cnnspec.notations.around import parts_of
from cnnspec.notations.entry import Entry, Reading, read
from cnnspec.notations.network import INPUT, Network, Node, Part, Program, head_of, stretches
from cnnspec.notations.values import Arguments

_ROW = re.compile(
    r"^[ \t]*(-?[ \t]*\[{1,2}(-?[0-9]+|\[[-0-9, ]+\]), *([0-9]+), *(?:nn\.)?(\w+), *\[([^\r\n\[]*)\]\]"
    r"\]?,?(?:\s*+\])?)",
    re.MULTILINE,
)
_SCALE = re.compile(r"^(width|depth)_multiple:[ \t]*([0-9.]+)", re.MULTILINE)
_GAP = r"(?>\s+|#[^\r\n]*+|\w+:[ \t]*(?=[\r\n#])|\])*+"
_HEAD = r"\w+:(?:[^\w=>].*)?|-?[ \t]*\[[0-9., ]+\]"
"""Lines of the file that are not layers: `nc: 80`, `backbone:`, anchors."""
A_BLOCK = "a module of several layers is written once here, as a block: `block name(k) { … }`"
_END = re.compile(r"(?>\s+|#[^\r\n]*+)*+\](?=\s|$)")
_SCALES = re.compile(r"^scales:.*\s+(?:#.*\s+)*(\w+): *\[([0-9.]+), *([0-9.]+), *([0-9.]+)\]", re.MULTILINE)
_HEADS = ("Detect", "Segment", "Pose", "OBB", "Classify", "IDetect", "WorldDetect")
_SCALED = ("Conv", "C3", "C2f", "SPPF")
_BLOCKS = {
    "Conv": """\
block Conv(k, F=1, P=0) {
  conv F=F P=P K=k nobias -> bn eps=1e-3 momentum=0.03 -> silu
}
""",
    "Bottleneck": """\
block Bottleneck(k, size, skip) {
  if skip == 1 [
    add [ Conv(k, F=size P=size//2) -> Conv(k, F3 P1) | id ]
  ] else [
    Conv(k, F=size P=size//2) -> Conv(k, F3 P1)
  ]
}
""",
    "C3": """\
block C3(k, n, skip) {
  concat [ Conv(k//2) -> [Bottleneck(k//2, 1, skip)]*n | Conv(k//2) ] -> Conv(k)
}
""",
    "C2f": """\
block C2f(k, n, skip) {
  Conv(k//2*2) -> [concat [ id | slice C-k//2:C -> Bottleneck(k//2, 3, skip) ]]*n -> Conv(k)
}
""",
    "SPPF": """\
block SPPF(k, size=5) {
  once: Conv(C//2)
  twice: maxpool F=size S1 P=size//2
  thrice: maxpool F=size S1 P=size//2
  last: maxpool F=size S1 P=size//2
  concat [ @once | @twice | @thrice | @last ] -> Conv(k)
}
""",
}
"""Ultralytics' modules: filters, repeats, and whether there is a sum (1) or not (0)."""


def _padded(values: Arguments) -> None:
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
_BY_NAME = {match[4]: entry for entry in YOLO if (match := _ROW.match(entry.example))}


def networks(text: str) -> Iterator[Program]:
    """The YOLO yamls in a text."""
    for row in stretches(_ROW.finditer(text), lambda match: Span(*match.span(1)), text, _GAP):
        begin, end = head_of(text, row[0].start(), _HEAD), row[-1].end(1)
        network = _network(row, text[begin : row[0].start()])
        if closing := _END.match(text, end):
            end = closing.end()
        words = " ".join(node.text for node in network.nodes)
        used = {name for name in _BLOCKS if f"{name}(" in words}
        needed = used | ({"Conv"} if used else set()) | ({"Bottleneck"} if used & {"C3", "C2f"} else set())
        blocks = [Part(block) for name, block in _BLOCKS.items() if name in needed]
        yield Program("this is a YOLO yaml", Span(row[0].start(1), end), network, begin, blocks)


class _Scale(NamedTuple):
    depth: float = 1
    width: float = 1
    most: float = math.inf
    """The most channels after scaling."""
    why: str = ""

    def count(self, number: int) -> int:
        return max(round(number * self.depth), 1) if number > 1 else number

    def channels(self, number: str) -> str:
        return (
            str(math.ceil(min(int(number), self.most) * self.width / 8) * 8) if number.isdecimal() else number
        )


def _scale(head: str) -> _Scale:
    """The factor for the numbers of a file; of several scales the first one, as in the tool itself."""
    if match := _SCALES.search(head):
        depth, width, most = map(float, match.groups()[1:])
        why = f"this is its scale `{match[1]}`; another scale has other widths and depths"
        return _Scale(depth, width, most, why)
    scales = {name: float(value) for name, value in _SCALE.findall(head)}
    return _Scale(scales.get("depth", 1), scales.get("width", 1))


def _network(rows: Sequence[re.Match[str]], head: str) -> Network:
    nodes: list[Node] = []
    scale = _scale(head)
    for number, match in enumerate(rows):
        span, name, arguments = Span(*match.span(1)), match[4], [*parts_of(match[5])]
        places = [int(place) for place in re.findall(r"-?[0-9]+", match[2])]
        inputs = tuple(number + place if place < 0 else place for place in places)
        missing = [place for place in inputs if not -1 <= place < number]
        inputs = tuple(INPUT if place in missing else place for place in inputs)
        count = scale.count(int(match[3]))
        if name in _SCALED and arguments:
            arguments[0] = scale.channels(arguments[0])
        reading = _read(name, arguments, count)
        if count > 1 and reading.text and not reading.text.startswith(("C3(", "C2f(")):
            reading = reading._replace(text=f"[{reading.text}]*{count}")
        why = f"layer {missing[0]} is not in this text" if missing else ""
        nodes.append(Node(reading.text, span, inputs, reading.why or why))
    return Network(nodes, why=scale.why)


def _read(name: str, arguments: list[str], count: int) -> Reading:
    """A module with its arguments, `count` times."""
    if name == "Concat":
        return Reading("concat", "" if arguments == ["1"] else "it joins along another axis")
    if name in _HEADS:
        return Reading("", f"`{name}` is not translated: `output @a, @b` gives its inputs")
    if name in _BY_NAME:
        return read(_BY_NAME[name], arguments, {})
    numbers = [argument for argument in arguments if argument.isdecimal()]
    if name == "SPPF" and numbers == arguments and 0 < len(arguments) < 3:
        return Reading(f"SPPF({', '.join(arguments)})")
    if name in ("C3", "C2f") and len(numbers) == 1 and arguments[1:] in ([], ["True"], ["False"]):
        skip = (arguments[1:] or [str(name == "C3")])[0] == "True"
        return Reading(f"{name}({arguments[0]}, {count}, {int(skip)})")
    return Reading("", A_BLOCK)
