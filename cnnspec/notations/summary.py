"""Printed summaries of Keras (`model.summary()`) and of torchsummary: a row for each layer, its output and
its weights.

Filter sizes, strides and paddings are not in it; they are the smallest that give the outputs and the weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product, zip_longest
from math import isqrt, prod
from typing import NamedTuple

from cnnspec.diagnostics import Span
from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.calls import Call, is_known, name_of, read_call
from cnnspec.notations.keras import KERAS
from cnnspec.notations.network import MERGED, Network, Node, Program, head_of, is_labelled_line, stretches

_SHAPE = r"\[?[(\[](?:None|-1|\?), ?([0-9][0-9, ]*?),?[)\]]+,?"
_KERAS = re.compile(
    rf"^[ \t]*([\w/.]+…?)[ \t]*\(([A-Z]\w*)…?\)?[ \t]+{_SHAPE}[ \t]+([0-9][0-9,]*)[ \t]*([^\r\n]*)$",
    re.MULTILINE,
)
_TORCH = re.compile(rf"^[ \t]*([A-Z]\w*)-([0-9]+)[ \t]+{_SHAPE}[ \t]+([0-9][0-9,]*)[ \t]*$", re.MULTILINE)
_TORCHINFO = re.compile(
    r"^[ \t│├└─|+-]*([A-Z]\w*)(?: \(\w+\))?: ([0-9]+)-([0-9]+)[ \t]+"
    r"(?:\[[0-9]+, ?([0-9][0-9, ]*)\]|--)[ \t]+([0-9,]+|--)[^\r\n]*$",
    re.MULTILINE,
)
_CUT = re.compile(r"[ \t]*[\r\n]+[ \t]*(\w*)\)[ \t]*$", re.MULTILINE)
"""The rest of a name that was too long for its column, below its row."""
_BOXED = re.compile(r"^[ \t]*│([^\r\n]*)│[ \t]*$|^[ \t]*[├└][^\r\n]*$", re.MULTILINE)
_BORDER = r"[\s─━═│┃┏┓┗┛┡┩├┤┼╇└┘┴┳┬╞╡╪=_+|-]"
_MODULE = r"[A-Z]\w*(?: \(\w+\))?: [0-9]+-[0-9]+[^\r\n]*"
"""A row of torchinfo."""
_AROUND = (
    rf"{_BORDER}*|Model: .*|{_BORDER}*Layer.*"
    rf"|\w+[ \t]+\[[0-9, ]+\][ \t]+(?:--|[0-9,]+)|{_BORDER}*{_MODULE}"
    r"|(?:Total|Trainable|Non-trainable|Input|Forward|Params|Estimated).*"
)
_GAP = rf"(?:{_BORDER}|[)]|{_MODULE}|\w+\[0\]\[[0-9]+\])*+"
_INPUT = re.compile(r"^[ \t]*input[ \t]+([0-9]+)x([0-9]+)x([0-9]+)", re.MULTILINE)
_USUAL = (28, 32, 64, 96, 128, 150, 180, 224, 227, 256, 299, 300, 384, 416, 448, 512, 640)
"""Sides of images."""
_TOTAL = re.compile(rf"{_GAP}Total params: *([0-9,]+)")
_LINE = re.compile(r"[\r\n]+([^\r\n]+)")
_WHY = "a summary has no activations, strides and paddings; these are the smallest that give its numbers"
_REFERENCE = re.compile(r"(\w+)(?:\[0\]|…)")


class _Row(NamedTuple):
    name: str
    kind: str
    out: tuple[int, ...]
    """Channels first."""
    params: int
    reads: Sequence[str]
    span: Span

    @property
    def weights(self) -> int:
        """The number of weights without the running statistics, which Keras counts too."""
        return self.params // 2 if fold(self.kind) == "batchnormalization" else self.params

    @property
    def is_keras(self) -> bool:
        return self.kind in map(name_of, KERAS)


def networks(text: str) -> Iterator[Program]:
    """The summaries in a text."""
    for rows in stretches(_rows(text), lambda row: row.span, text, _GAP):
        if len(rows) < 2:
            continue
        begin, end = head_of(text, rows[0].span.start, _AROUND), rows[-1].span.end
        while (
            (line := _LINE.match(text, end))
            and re.fullmatch(_AROUND, line[1].strip())
            and not is_labelled_line(line[1].strip())
        ):
            end = line.end()
        span = Span(rows[0].span.start, end)
        yield Program("this is a model's summary", span, _network(rows, text), begin)


def _rows(text: str) -> Iterator[_Row]:
    cells: list[list[str]] = []
    begin = 0
    for line in _BOXED.finditer(text):
        if line[1] is not None:
            begin = begin if cells else line.start()
            cells.append([cell.strip() for cell in line[1].split("│")])
            continue
        columns = [*zip(*cells, strict=False)]
        row = " ".join([" ".join(columns[0]), *map("".join, columns[1:])]) if columns else ""
        if match := _KERAS.match(row):
            yield _row(match.groups(), Span(begin, line.start() - 1))
        cells = []
    for match in _KERAS.finditer(text):
        rest = _CUT.match(text, match.end())
        name, kind, *others = match.groups()
        kind += rest[1] if rest else ""
        yield _row([name, kind, *others], Span(match.start(), rest.end() if rest else match.end()))
    yield from _of_torchinfo(text)
    for match in _TORCH.finditer(text):
        kind, name, shape, params = match.groups()
        sizes = tuple(map(int, re.findall("[0-9]+", shape)))
        yield _Row(name, kind, sizes, int(params.replace(",", "")), (), Span(*match.span()))


def _of_torchinfo(text: str) -> Iterator[_Row]:
    """The rows of torchinfo that are layers: a row with deeper rows below it is a module that contains
    them."""
    rows = [*_TORCHINFO.finditer(text)]
    for match, below in zip_longest(rows, rows[1:]):
        kind, depth, number, shape, params = match.groups()
        if shape and not (below and int(below[2]) > int(depth)):
            sizes = tuple(map(int, re.findall("[0-9]+", shape)))
            count = 0 if params == "--" else int(params.replace(",", ""))
            yield _Row(f"{depth}_{number}", kind, sizes, count, (), Span(*match.span()))


def _row(groups: Sequence[str], span: Span) -> _Row:
    name, kind, shape, params, reads = groups
    sizes = tuple(map(int, re.findall("[0-9]+", shape)))
    out = (sizes[-1], *sizes[:-1])
    kind = next((one for one in map(name_of, KERAS) if one.startswith(kind)), kind)  # it may be cut off
    return _Row(name, kind, out, int(params.replace(",", "")), _REFERENCE.findall(reads), span)


def _network(rows: Sequence[_Row], text: str) -> Network:
    nodes: list[Node] = []
    input_size = _INPUT.search(text)
    first = tuple(map(int, input_size.groups())) if input_size else _first(rows[0])
    if not input_size and first and not rows[0].kind.startswith("Input"):
        nodes.append(Node(f"input {'x'.join(map(str, first))}", rows[0].span, ()))
    added = len(nodes)
    for number, row in enumerate(rows):
        named = [
            next((at for at, one in enumerate(rows) if one.name.startswith(name)), -1) for name in row.reads
        ]
        places = [place if 0 <= place < number else number - 1 for place in named] or [number - 1]
        before = rows[places[0]].out if places[0] >= 0 else first
        step = MERGED.get(row.kind, "") if len(places) > 1 else _step(row, before)
        if fold(row.kind) == "linear" and len(before) == 3 and row.params == (prod(before) + 1) * row.out[0]:
            step = f"flatten -> fc {row.out[0]}"
        elif len(before) == 3 and row.out == (prod(before),) and step not in ("", "flatten"):
            step = f"flatten -> {step}"
        why = "" if step else _unknown(row)
        if step.endswith("dropout 0.5"):
            why = "a summary does not show its rate"
        is_input = step.startswith("input ")
        inputs = () if is_input else tuple(place + added for place in places)
        node = Node(step, row.span, inputs, why, hint=row.name.rstrip("…"))
        nodes.append(node if is_input else node._replace(out=row.out, params=row.weights))
    total = _TOTAL.match(text, rows[-1].span.end)
    running = sum(row.params - row.weights for row in rows)
    claims = f"params {int(total[1].replace(',', '')) - running:,}" if total else ""
    return Network(nodes, why=_WHY, claims=claims)


def _unknown(row: _Row) -> str:
    known = is_known(row.kind) or row.kind in MERGED
    own = f"`{row.kind}` is a module of its own: what it does to the layers above is not in a summary"
    return "no arguments give these numbers, after the layer above it" if known else own


def _first(row: _Row) -> tuple[int, ...]:
    """The input of a first convolution: of one channel or three, without padding unless only that gives a
    usual size.
    """
    filters, *sides = row.out
    for depth, bias in product((1, 3), (filters, 0)):
        rest, left = divmod(row.params - bias, depth * filters)
        size = isqrt(rest) if rest > 0 else 0
        if fold(row.kind) == "conv2d" and size and not left and size * size == rest:
            ways = [[side + size - 1 for side in sides], sides, [2 * side for side in sides]]
            ways += [[usual for _ in sides] for usual in _USUAL if _fits(usual, size, sides)]
            return (depth, *next((way for way in ways if way[0] in _USUAL), ways[0]))
    return ()


def _fits(usual: int, size: int, sides: Sequence[int]) -> bool:
    """Whether a filter of this size, with a stride, makes these maps of a usual image."""
    ways = product(range(2, 5), range(size // 2 + 1))
    return any({*sides} == {(usual + 2 * zeros - size) // stride + 1} for stride, zeros in ways)


def _step(row: _Row, before: tuple[int, ...]) -> str:
    """A layer on an input of this shape, channels first; "" if no arguments give its numbers."""
    kind, out, depth = fold(row.kind), row.out, before[0] if before else 0
    if kind == "inputlayer":
        return f"input {'x'.join(map(str, out))}"
    if kind in ("dense", "linear"):
        return f"fc {out[0]}" if row.params == (depth + 1) * out[0] else f"fc {out[0]} nobias"
    if kind == "dropout":
        return "dropout 0.5"
    if kind.startswith("global") or (kind.startswith("adaptive") and {*out[1:]} <= {1}):
        return "gmp" if "max" in kind else "gap"
    if kind.startswith("adaptive"):
        return f"{'maxpool' if 'max' in kind else 'avgpool'} out={'x'.join(map(str, out[1:]))}"
    if kind == "batchnorm2d":
        return "bn"
    if kind in _CONVOLUTIONS and len(before) == len(out) == 3:
        return _convolution(kind, row, before)
    if kind == "upsample" and len(before) == len(out) == 3 and out[1] % before[1] == 0:
        return f"upsample {out[1] // before[1]}"
    if "pool" in kind and len(before) == len(out) == 3:
        size = before[1] // out[1] if out[1] else 0
        how = _slides(size, before, out, own=size) if size else None
        return f"{'maxpool' if 'max' in kind else 'avgpool'} F{size}{how}" if how is not None else ""
    reading = read_call(Call("", row.kind, (), {}), "Keras" if row.is_keras else "torch")
    return reading.text if reading is not None and not reading.why else ""


_CONVOLUTIONS = ("conv2d", "depthwiseconv2d", "convtranspose2d", "conv2dtranspose")


def _convolution(kind: str, row: _Row, before: tuple[int, ...]) -> str:
    """A convolution with these numbers of weights and sizes of maps; without groups if possible."""
    out, depth, transposed = row.out, before[0], "transpose" in kind
    ways = [(depth * out[0], "deconv" if transposed else "conv"), (out[0], "dwconv")]
    for (each, word), bias in product(ways[kind == "depthwiseconv2d" :], (out[0], 0)):
        size = isqrt((row.params - bias) // each) if row.params > bias else 0
        if not size or size * size * each + bias != row.params or (word == "dwconv" and out[0] % depth):
            continue
        maps = (out, before) if transposed else (before, out)
        how = _slides(size, *maps, same=row.is_keras and not transposed)
        if how is not None:
            filters = "" if word == "dwconv" and out[0] == depth else f" K{out[0]}"
            return f"{word} F{size}{how}{filters}{'' if bias else ' nobias'}"
    return ""


def _slides(
    size: int, before: tuple[int, ...], out: tuple[int, ...], own: int = 1, same: bool = True
) -> str | None:
    """The smallest stride and padding that turn the input's size into the output's; None if none does. Keras
    pads as `same`, torch with a number of zeros.
    """
    for stride in range(1, before[1] + 1):
        letter = f" S{stride}" if stride != own else ""
        around = [(f" P{zeros}" if zeros else "", zeros) for zeros in range(1 if same else size // 2 + 1)]
        ways = [
            (shown, [(side + 2 * zeros - size) // stride + 1 for side in before[1:]])
            for shown, zeros in around
        ]
        if same and size > 1:
            ways.append((" Psame", [-(-side // stride) for side in before[1:]]))
        for padding, sides in ways:
            if sides == [*out[1:]]:
                return letter + padding
    return None
