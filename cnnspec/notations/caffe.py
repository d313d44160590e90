"""Layers of Caffe's prototxt: `layer { name: "conv1" type: "Convolution" … }`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cnnspec.diagnostics import Span
from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.around import closed
from cnnspec.notations.entry import Entry, Reading, read
from cnnspec.notations.network import (
    INPUT,
    WEIGHTED,
    Network,
    Node,
    Part,
    Program,
    dense,
    head_of,
    stretches,
)
from cnnspec.notations.prototxt import Unreadable, parsed
from cnnspec.notations.translation import Notation, Translation
from cnnspec.notations.values import Arguments

_LAYER = re.compile(r"^[ \t]*(layers?[ \t]*)\{", re.MULTILINE)
_LINE = re.compile(
    r"[ \t]*(?:[a-z_]+[ \t]*\{[ \t]*(?:\w+:|$)|[a-z_]+:[ \t]*(?:\"|[A-Z]+[ \t]*$|[0-9.]+[ \t]*$))"
)
_UNUSED = re.compile(r"param|\w*filler|include|exclude|transform_param|loss_param")
"""Messages in a layer that say how it is trained, or when it is used."""
_GAP = r"(?>\s+|#[^\r\n]*+|\w+:[ \t]*[^\r\n{}]*+)*+"
_HEAD = r"\w+:[^{}]*|input_shape:?[ \t]*\{[^{}]*\}"
_TOP = re.compile(
    r"(?:^[ \t]*(?:(?:name|input)[ \t]*:[ \t]*[\"'][^\r\n]*+|input_dim[ \t]*:[ \t]*[0-9]+[ \t]*"
    r"|input_shape[ \t]*:?[ \t]*\{[^{}]*+\}[ \t]*)(?:[\r\n]+|\Z))++",
    re.MULTILINE,
)
"""The lines before the first layer."""
_NAME = re.compile(r"\s*name[ \t]*:[ \t]*[\"']([A-Za-z]\w*)[\"']")
_MODEL = re.compile(r"^[ \t]*model\b", re.MULTILINE)
_IGNORED = frozenset(("name", "type", "bottom", "top", "phase", "engine"))
_LONGEST = 2000
_A_LINE = "here a layer is one line: `conv1: conv F5 S1 K20 -> relu`"
_SLIDES = "num_output:K kernel_size:F stride:S=1 pad:P=0 dilation:D=1 group:G=1 bias_term:bias=true"
_POOL = "kernel_size:F=None stride:S=1 pad:P=0 ceil:ceil=true word:word"
_FC = "num_output:* bias_term:bias=true axis:=1"
_LRN = "local_size:size=5 alpha:alpha=1 beta:beta=0.75 k:k=1 norm_region:=ACROSS_CHANNELS"


def _pool(values: Arguments) -> None:
    word = {"MAX": "maxpool", "AVE": "avgpool"}.get(values.pop("pool", "MAX"), "")
    if values.pop("global_pooling", "false") == "true":
        word, values["ceil"] = {"maxpool": "gmp", "avgpool": "gap"}.get(word, ""), "false"
    values["word"] = word


CAFFE = (
    Entry('type: "Input" shape { dim: 1 dim: 3 dim: 9 dim: 8 }', "input 3x9x8", "dim:batched"),
    Entry('name: "c1" type: "Convolution" num_output: 20 kernel_size: 5', "c1: conv F5 K20", _SLIDES),
    Entry('type: "Deconvolution" num_output: 2 kernel_size: 4 stride: 2', "deconv F4 S2 K2", _SLIDES),
    Entry('type: "Pooling" pool: MAX kernel_size: 3 stride: 2', "maxpool F3 S2 ceil", _POOL, adjust=_pool),
    Entry('type: "Pooling" pool: AVE global_pooling: true', "gap", _POOL, adjust=_pool),
    Entry(
        'type: "InnerProduct" num_output: 10', "fc 10", "num_output:* bias_term:bias=true axis:=1", takes="8"
    ),
    Entry('type: "LRN" local_size: 5 alpha: 0.0005', "lrn size=5 alpha=0.0005", _LRN),
    Entry('type: "BatchNorm"', "bn noaffine", "use_global_stats:known=0 eps:eps=1e-5 +noaffine"),
    Entry('type: "ReLU"', "relu", "negative_slope:=0"),
    Entry('type: "PReLU"', "prelu", "channel_shared:=false"),
    Entry('type: "Sigmoid"', "sigmoid"),
    Entry('type: "TanH"', "tanh"),
    Entry('type: "AbsVal"', "abs"),
    Entry('type: "Dropout" dropout_param { dropout_ratio: 0.6 }', "dropout 0.6", "dropout_ratio:*=0.5"),
    Entry('type: "Softmax"', "softmax", "axis:=1"),
    Entry('type: "Flatten"', "flatten", "axis:=1 end_axis:=-1"),
)
_BY_TYPE = {fold(entry.example.partition('type: "')[2].partition('"')[0]): entry for entry in CAFFE}


_LEFT_OUT = frozenset(map(fold, ("Data", "ImageData", "Accuracy", "SoftmaxWithLoss", "Silence")))
_ELTWISE = {"SUM": "add", "PROD": "mul", "MAX": "max"}


def networks(text: str) -> Iterator[Program]:
    """The prototxts in a text."""
    description, done = "this is Caffe's prototxt", list[Span]()
    for row in stretches(_layers(text), lambda span: span, text, _GAP):
        begin, end = head_of(text, row[0].start, _HEAD), row[-1].end
        head = _input_of(text, Span(begin, row[0].start))
        done.append(Span(begin, end))
        span = Span(begin if head is not None else row[0].start, end)
        yield Program(description, span, _network(row, text, head), begin, _model_of(text, head))
    for top in _TOP.finditer(text):
        span = Span(top.start() + len(top[0]) - len(top[0].lstrip()), top.start() + len(top[0].rstrip()))
        head = _input_of(text, span)
        if head is not None and not any(one.start < span.end and span.start < one.end for one in done):
            yield Program(description, span, _network((), text, head), span.start, _model_of(text, head))


def _input_of(text: str, head: Span) -> tuple[str, Node] | None:
    """The input that the lines before the first layer declare, and its blob."""
    try:
        fields = parsed(text[slice(*head)])
    except Unreadable:
        return None
    shapes = [message.texts("dim") for message in fields.messages("input_shape")]
    dims = shapes[0] if shapes else fields.texts("input_dim")
    if not fields.texts("input") or not 2 <= len(dims) <= 4 or not all(map(str.isdecimal, dims)):
        return None
    several = "it has several inputs" if len(fields.texts("input")) > 1 else ""
    return fields.text("input"), Node(f"input {'x'.join(dims[1:])}", head, (), several)


def _layers(text: str) -> Iterator[Span]:
    end = 0
    for head in _LAYER.finditer(text):
        length = closed(text[head.end() - 1 : head.end() + _LONGEST], 0)
        if length is not None and head.start() >= end:
            end = head.end() - 1 + length
            yield Span(head.start(1), end)


def _model_of(text: str, head: tuple[str, Node] | None) -> tuple[Part, ...]:
    """The network's name, where that is a name here too."""
    match = _NAME.match(text, head[1].span.start) if head is not None else None
    return (Part(f"model {match[1]}\n"),) if match and not _MODEL.search(text) else ()


def _network(layers: Sequence[Span], text: str, head: tuple[str, Node] | None) -> Network:
    nodes: list[Node] = [head[1]] if head else []
    blobs: dict[str, int] = {head[0]: 0} if head else {}
    for span in layers:
        fields = _fields(text[slice(*span)])
        kind = fold(fields.get("type", [""])[0])
        if kind in _LEFT_OUT:
            blobs |= dict.fromkeys(fields.get("top", ()) if not fields.get("bottom") else (), INPUT)
            continue
        entry, values = _BY_TYPE.get(kind), {name: " ".join(texts) for name, texts in fields.items()}
        inputs = [blobs.get(name, len(nodes) - 1) for name in fields.get("bottom", ())]
        word = "concat" if kind == "concat" else _ELTWISE.get(values.get("operation", "SUM"), "")
        if kind == "scale" and _completes(nodes, inputs, values):
            nodes[-1] = nodes[-1]._replace(text=nodes[-1].text.replace(" noaffine", ""))
        else:
            if kind in ("concat", "eltwise"):
                other = {"axis", "coeff"} & values.keys() if values.get("axis") != "1" else set()
                reading = Reading(
                    word, "; ".join(f"`{name}` has no counterpart here" for name in sorted(other))
                )
            elif entry is None:
                unknown = f"no layer `{fields.get('type', [''])[0]}` is known"
                reading = Reading("", unknown if fields else "this is not in protobuf's text format")
            else:
                reading = read(
                    entry, (), {name: value for name, value in values.items() if name not in _IGNORED}
                )
            strange = [name for name in fields.get("bottom", ()) if name not in blobs and nodes]
            why = reading.why or (f"what `{strange[0]}` is, is not in this text" if strange else "")
            begins = reading.text.startswith("input ")
            if kind == "innerproduct":
                reading = reading._replace(text=reading.text and dense(reading.text, nodes, inputs))
            name = values.get("name", "") if reading.text.split(" ")[0] in WEIGHTED else ""
            hint = "" if name else values.get("name", "")
            nodes.append(Node(reading.text, span, () if begins else tuple(inputs), why, name=name, hint=hint))
        blobs |= dict.fromkeys(fields.get("top", ()), len(nodes) - 1)
    return Network(nodes)


def _fields(layer: str) -> dict[str, list[str]]:
    """The fields of a layer and of the messages in it."""
    fields: dict[str, list[str]] = {}
    try:
        waiting = parsed(layer.replace("...", " ").replace("…", " ")).messages("layer", "layers")
    except Unreadable:
        return fields
    while waiting:
        for name, values in waiting.pop(0).fields.items():
            for value in values:
                if isinstance(value, str):
                    fields.setdefault(name, []).append(value)
                elif not _UNUSED.fullmatch(name):
                    waiting.append(value)
    return fields


def _completes(nodes: Sequence[Node], inputs: Sequence[int], values: Arguments) -> bool:
    """Whether a Scale is the second half of a batch normalisation: its weights."""
    return (
        bool(nodes)
        and inputs == [len(nodes) - 1]
        and nodes[-1].text.startswith("bn noaffine")
        and values.get("bias_term") == "true"
    )


def line_of_prototxt(text: str, begin: int) -> Translation | None:
    """A line that begins at `begin`, by its form."""
    line = (text[begin : begin + _LONGEST].splitlines() or [""])[0]
    if not _LINE.match(line):
        return None
    span = Span(begin + len(line) - len(line.lstrip()), begin + len(line.rstrip()))
    return Translation(Notation.CAFFE, span, "", _A_LINE)
