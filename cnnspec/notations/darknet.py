"""Sections of a Darknet .cfg: `[convolutional]` with its `filters=64`, `size=3`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnnspec.diagnostics import Span
from cnnspec.notations.entry import Entry, read
from cnnspec.notations.meanings import activation
from cnnspec.notations.network import INPUT, Network, Node, Program, dense, stretches
from cnnspec.notations.translation import Notation, Translation
from cnnspec.notations.values import Arguments

_SECTION = re.compile(r"^[ \t]*\[([A-Za-z_]\w*)\][ \t]*(?:#[^\r\n]*)?\r?$", re.MULTILINE)
_ITEM = re.compile(r"[ \t]*(?:([a-z_]+)[ \t]*=[ \t]*([^\r\n#]*+))?(?:#[^\r\n]*)?(?:\r\n|[\r\n]|$)")
GAP = r"(?>\s+|#[^\r\n]*+)*+"
"""Blanks and comments."""
_LAST = "bias:bias=true then:steps="
_CONV = f"filters:K size:F=1 stride:S=1 padding:P=0 groups:G=1 dilation:D=1 {_LAST}"
_POOL = "size:F stride:S padding:P=0 ceil:ceil=false"
_A_LINE = "here a layer is one line: `conv F3 S1 P1 K64 -> bn -> leaky 0.1`"


def _input(values: Arguments) -> None:
    shape = [values.get(key, "") for key in ("height", "width", "channels")]
    values.clear()
    if all(shape):
        values["shape"] = f"({', '.join(shape)})"


def _steps_behind(values: Arguments) -> None:
    """The steps of one section after its layer: batch normalisation, and an activation."""
    normal = ["bn"] if values.pop("batch_normalize", "0") == "1" else []
    name = values.pop("activation", "logistic")
    word = {"leaky": "leaky 0.1", "logistic": "sigmoid"}.get(name) or activation(name)
    values["then"] = " -> ".join([*normal, *([word] if word != "id" else [])]) if word else "?"
    if normal:
        values["bias"] = "false"


def _convolution(values: Arguments) -> None:
    _steps_behind(values)
    if values.pop("pad", "0") == "1":
        size = values.get("size", "1")
        values["padding"] = str(int(size) // 2) if size.isdigit() else "?"


def _pool(values: Arguments) -> None:
    """A pool. Its padding is size − 1 in total, the smaller half before the map; here it is the same on both
    sides."""
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
    Entry("[connected]\noutput=10\nactivation=linear", "fc 10", f"output:* {_LAST}", "", "8", _steps_behind),
    Entry("[upsample]\nstride=2", "upsample 2", "stride:*=2"),
    Entry("[softmax]", "softmax", "groups:=1"),
)
_FAR_AWAY = re.compile(r"[ \t]*((route|shortcut)[ \t]+-[0-9](?:[^\r\n#]*[^\r\n# \t])?)")
_NAMED = {
    "shortcut": "here a sum names its terms: `add [ @label | id ]`",
    "route": "here channels are joined by `concat [ @label | id ]`; `@label` alone continues from there",
}
_BY_NAME = {entry.example[1 : entry.example.index("]")]: entry for entry in DARKNET}


HEADS = ("yolo", "gaussian_yolo", "region", "detection", "cost", "contrastive", "iseg")
"""Sections that read the network's outputs and are not layers."""


class Section(NamedTuple):
    name: str
    keys: dict[str, str]
    span: Span


def networks(text: str) -> Iterator[Program]:
    """The .cfg files in a text."""
    for row in stretches(sections(text), lambda one: one.span, text, GAP):
        if any(one.keys for one in row):
            span = Span(row[0].span.start, row[-1].span.end)
            yield Program("this is a Darknet .cfg", span, _network(row), span.start)


def sections(text: str) -> Iterator[Section]:
    """The sections of a text, with the lines `key=value` of each."""
    for head in _SECTION.finditer(text):
        keys, end = dict[str, str](), head.end()
        place = end
        while place < len(text) and (match := _ITEM.match(text, place)) is not None:
            if match[1]:
                keys[match[1]] = match[2].rstrip(" \t")
                end = match.start(2) + len(keys[match[1]])
            place = match.end()
        yield Section(head[1].lower(), keys, Span(head.start() + head.group().index("["), end))


def _network(sections: Sequence[Section]) -> Network:
    nodes: list[Node] = []
    made_by: list[int] = []
    """The node of each layer, by the layer's number in the file."""
    outputs: list[int] = []
    for name, keys, span in sections:
        before = made_by[-1] if made_by else len(nodes) - 1
        offsets = [int(place) for place in re.findall(r"-?[0-9]+", keys.get("layers", keys.get("from", "")))]
        places = [place + len(made_by) if place < 0 else place for place in offsets]
        inputs = tuple(made_by[place] if 0 <= place < len(made_by) else INPUT for place in places)
        if name in HEADS:
            outputs.append(before)
            made_by.append(before)
            continue
        if name == "route" and len(inputs) == 1 and "groups" not in keys:
            made_by.append(inputs[0])
            continue
        text, why = _step(name, keys)
        if name == "connected" and text:
            text = dense(text, nodes, (before,))
        if name == "shortcut":
            inputs = (before, *inputs)
        elif name != "route":
            inputs = () if text.startswith("input ") else (before,)
        if any(not 0 <= place < len(made_by) for place in places):
            why = "the layer that it continues from is not in this text"
        nodes.append(Node(text, span, inputs, why or ("" if text else _A_LINE)))
        word = keys.get("activation", "linear") if name == "shortcut" else "linear"
        if word != "linear":
            text = {"leaky": "leaky 0.1"}.get(word) or activation(word) or ""
            nodes.append(
                Node(text, span, (len(nodes) - 1,), "" if text else f"`activation={word}` is not known")
            )
        if name not in ("net", "network"):
            made_by.append(len(nodes) - 1)
    return Network(nodes, tuple(outputs))


def _step(name: str, keys: dict[str, str]) -> tuple[str, str]:
    """A section as a step of this language, and the reason if the translation is not certain."""
    if name == "shortcut":
        return "add", ""
    if name == "route":
        half = {"0": "0:C//2", "1": "C//2:C"}.get(keys.get("group_id", "0"), "")
        text = f"slice {half}" if half and keys.get("groups") == "2" else ""
        return ("concat", "") if "groups" not in keys else (text, "" if text else "its groups are not halves")
    entry = _BY_NAME.get(name)
    if entry is None:
        return "", f"no layer `{name}` is known"
    reading = read(entry, (), keys)
    return reading.text, reading.why


def far_away(text: str, begin: int) -> Translation | None:
    """A line that begins at `begin` and refers to other layers by their distance: `route -1, 61`."""
    match = _FAR_AWAY.match(text, begin)
    return match and Translation(Notation.DARKNET, Span(*match.span(1)), "", _NAMED[match[2]])
