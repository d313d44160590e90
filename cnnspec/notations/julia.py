"""Flux's layers in Julia: a `Chain(…)`, or layers with `inputs => outputs`, `Conv((3, 3), 3 => 16, relu)`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnnspec.diagnostics import Span, line_start
from cnnspec.notations.around import closed, parts_of
from cnnspec.notations.calls import name_of, parsed
from cnnspec.notations.entry import Entry, read
from cnnspec.notations.meanings import activation
from cnnspec.notations.network import INPUT, Network, Node, Program, dense, head_of, stretches

_SLIDES = "filter:F in:takes out:K σ:then=identity stride:S=1 pad:P=0 dilation:D=1"
_POOL = "window:F pad:P=0 stride:S=None"

FLUX = (
    Entry("Conv((3, 3), 8, 16, relu)", "conv F3 K16 -> relu", f"{_SLIDES} groups:G=1 bias:bias=True"),
    Entry(
        "ConvTranspose((2, 2), 8, 4, stride=2)",
        "deconv F2 S2 K4",
        f"{_SLIDES} groups:G=1 outpad:extra=0 bias:bias=True",
    ),
    Entry("DepthwiseConv((3, 3), 8, 8)", "dwconv F3 K8", f"{_SLIDES} bias:bias=True"),
    Entry("Dense(8, 10, relu)", "fc 10 -> relu", "in:takes out:* σ:then=identity bias:bias=True", takes="8"),
    Entry("MaxPool((2, 2))", "maxpool F2", _POOL),
    Entry("MeanPool((3, 3), stride=2)", "avgpool F3 S2", _POOL),
    Entry("GlobalMeanPool()", "gap"),
    Entry("GlobalMaxPool()", "gmp"),
    Entry("AdaptiveMeanPool((7, 7))", "avgpool out=7x7", "out:out"),
    Entry("AdaptiveMaxPool((4, 4))", "maxpool out=4x4", "out:out"),
    Entry("BatchNorm(8, relu)", "bn -> relu", "chs:takes λ:then=identity eps:eps=1e-5 momentum:momentum=0.1"),
    Entry("GroupNorm(8, 4)", "gn G4", "channels:takes groups:G λ:then=identity eps:eps=1e-5"),
    Entry("Dropout(0.25)", "dropout 0.25", "p:*"),
    Entry("Upsample(2)", "upsample 2", "scale:*"),
    Entry("PixelShuffle(2)", "pixelshuffle 2", "r:*"),
)
"""Each layer, with a comma for `=>`: an example, its translation, its signature."""
_NAMED = {name_of(entry): entry for entry in FLUX}
_PLAIN = (
    (r"=>", ","),
    (r";", ","),
    (r"\bSamePad\(\)", "'same'"),
    (r"\btrue\b", "True"),
    (r"\bfalse\b", "False"),
    (r"(?<=\d)f(?=-?\d)", "e"),
)
_BEGINS = re.compile(
    rf"^[^\r\n#]*?\bChain\((?=[ \t]*(?:[\r\n]|{'|'.join(_NAMED)}|Chain|x|Skip))"
    rf"|^[ \t]*(?:{'|'.join(_NAMED)})\([^\r\n#]*[0-9][ \t]*=>[ \t]*[0-9][^\r\n#]*\)",
    re.MULTILINE,
)
_FLATTEN = re.compile(
    r"(?:\w+\.)*flatten|(\w+)[ \t]*->[ \t]*(?:reshape\(\1,[ \t]*:,.*|(?:\w+\.)*flatten\(\1\))"
)
_FUNCTION = re.compile(r"(?:(\w+)[ \t]*->[ \t]*)?((?:\w+\.)*\w+)(?:\.?\(\w+\))?")
_NAMED_ARGUMENT = re.compile(r"\w+[ \t]*=")
_AROUND = (
    r"(?:using|import|function|return|end|const|loss|opt|accuracy|train|test|params|ps|grads|@\w+|Flux\.|for)\b.*"
    r"|\w+\([\w, ]*\)[ \t]*=.*|\w+[ \t]*=[ \t]*(?!Chain)\w+[^\r\n]*"
)
"""Matches lines of Julia before and after the layers."""
_LONGEST = 20_000
_UNKNOWN = "no layer of Flux with these arguments is known"


def networks(text: str) -> Iterator[Program]:
    """The chains in a text, and lines that are layers."""
    code = re.sub(r"#[^\r\n]*", lambda found: " " * len(found.group()), text)
    for row in stretches(_places(code), lambda span: span, code, r"[\s,]*+"):
        nodes: list[Node] = []
        for span in row:
            _read(code, span, nodes)
        begin, end = row[0].start, row[-1].end
        while behind := re.compile(rf"\s*(?:{_AROUND}|\))[ \t]*(?=[\r\n]|$)").match(code, end):
            end = behind.end()
        span = Span(begin, end)
        yield Program("this is Julia code", span, Network(nodes), head_of(text, begin, _AROUND))


def _places(code: str) -> Iterator[Span]:
    end = 0
    for found in _BEGINS.finditer(code, 0, _LONGEST):
        opened = code.index("(", found.start())
        begin = line_start(code, opened)
        close = closed(code, opened)
        if begin >= end and close is not None:
            end = close
            yield Span(begin + len(code[begin:opened]) - len(code[begin:opened].lstrip()), close)


def _read(code: str, span: Span, nodes: list[Node]) -> None:
    """Adds the layers of a chain, or of one layer, to the nodes."""
    inner = re.compile(r"[^(]*\bChain\(").match(code, span.start, span.end)
    if inner is None:
        nodes.append(_node(code[slice(*span)], span, nodes))
        return
    for part in _parts(code, inner.end(), span.end - 1):
        written = code[slice(*part)]
        skip = re.match(r"SkipConnection\(", written)
        if skip:
            begins = len(nodes) - 1
            first, *rest = _parts(code, part.start + skip.end(), part.end - 1)
            _read(code, first, nodes)
            sign = code[slice(*rest[0])] if rest else ""
            why = "" if sign == "+" else f"what `{sign}` is, is not in this text"
            nodes.append(Node("add" if sign == "+" else "", part, (len(nodes) - 1, begins), why))
        else:
            _read(code, part, nodes)


def _parts(code: str, begin: int, end: int) -> Iterator[Span]:
    """What the commas between two places separate that are in no bracket."""
    depth = start = 0
    for at in range(begin, end + 1):
        char = code[at] if at < end else ","
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth <= 0:
            start = start or begin
            written = code[start:at]
            if written.strip():
                first = start + len(written) - len(written.lstrip())
                yield Span(first, first + len(written.strip()))
            start = at + 1


def _node(written: str, span: Span, nodes: list[Node]) -> Node:
    """One element of a chain: a layer, or a function."""
    inputs = (len(nodes) - 1 if nodes else INPUT,)
    if _FLATTEN.fullmatch(written):
        return Node("flatten", span, inputs)
    function = _FUNCTION.fullmatch(written)
    if function and (word := activation(function[2])):
        return Node(word, span, inputs)
    for form, plain in _PLAIN:
        written = re.sub(form, plain, written)
    name, _, rest = written.partition("(")
    pieces = sorted(parts_of(rest.rpartition(")")[0]), key=lambda one: bool(_NAMED_ARGUMENT.match(one)))
    call = parsed(f"{name}({', '.join(pieces)})")
    entry = _NAMED.get(call.name) if call else None
    if call is None or entry is None:
        return Node("", span, inputs, why=_UNKNOWN)
    reading = read(entry, call.positional, call.named)
    text = reading.text
    if text.startswith("fc "):
        text = dense(text, nodes, inputs)
    return Node(text, span, inputs, reading.why or ("" if text else _UNKNOWN), reading.takes)
