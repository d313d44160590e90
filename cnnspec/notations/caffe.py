"""Layers of Caffe's prototxt: `layer { name: "conv1" type: "Convolution" … }`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Span
from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.entry import ANYTHING, Entry, read
from cnnspec.notations.pieces import closed
from cnnspec.notations.translation import Notation, Translation
from cnnspec.notations.values import Given

_LAYER = re.compile(r"^[ \t]*(layers?[ \t]*)\{", re.MULTILINE)
_LINE = re.compile(
    r"[ \t]*(?:[a-z_]+[ \t]*\{[ \t]*(?:\w+:|$)|[a-z_]+:[ \t]*(?:\"|[A-Z]+[ \t]*$|[0-9.]+[ \t]*$))"
)
_FIELD = re.compile(r"(\w+)[ \t]*:[ \t]*\"?([^\s{}\"]+)")
_UNUSED = re.compile(r"\b(?:param|\w*filler|include|exclude|transform_param|loss_param)[ \t]*\{[^{}]*\}|#.*")
_IGNORED = frozenset(("name", "type", "bottom", "top", "phase", "engine"))
_LONGEST = 2000
_A_LINE = "here a layer is one line: `conv1: conv F5 S1 K20 -> relu`"
_NO_LAYER = "data, labels and losses are no layers here; leave it out"
_SLIDES = "num_output:K kernel_size:F stride:S=1 pad:P=0 dilation:D=1 group:G=1 bias_term:bias=true"
_POOL = "kernel_size:F=None stride:S=1 pad:P=0 ceil:ceil=true word:word"
_LRN = "local_size:size=5 alpha:alpha=1 beta:beta=0.75 k:k=1 norm_region:=ACROSS_CHANNELS"


def _pool(values: Given) -> None:
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
    Entry('type: "InnerProduct" num_output: 10', "fc 10", "num_output:* bias_term:bias=true axis:=1"),
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
    Entry('type: "Concat"', "", ANYTHING, "here channels are joined by `concat [ @label | id ]`"),
    Entry('type: "Eltwise"', "", ANYTHING, "here tensors are added by `add [ @label | id ]`"),
    *(Entry(f'type: "{word}"', "", ANYTHING, _NO_LAYER) for word in ("Data", "Accuracy", "SoftmaxWithLoss")),
)
_BY_TYPE = {fold(entry.example.partition('type: "')[2].partition('"')[0]): entry for entry in CAFFE}


def prototxt(text: str, begin: int, at: int) -> Translation | None:
    """The layer around a place; else the line, which begins at `begin`, by its form alone."""
    heads = [*_LAYER.finditer(text, max(0, begin - _LONGEST), at + 20)]
    if heads:
        start, opened = heads[-1].start(1), heads[-1].end() - 1
        length = closed(text[start : opened + _LONGEST], opened - start)
        if length is not None and heads[-1].start() <= at < start + length:
            return _layer(text, Span(start, start + length))
    line = (text[begin : begin + _LONGEST].splitlines() or [""])[0]
    if not _LINE.match(line):
        return None
    span = Span(begin + len(line) - len(line.lstrip()), begin + len(line.rstrip()))
    return Translation(Notation.CAFFE, span, "", _A_LINE)


def _layer(text: str, span: Span) -> Translation:
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(_UNUSED.sub("", text[slice(*span)])):
        fields[name] = f"{fields[name]} {value}" if name in ("bottom", "dim") and name in fields else value
    entry = _BY_TYPE.get(fold(fields.get("type", "")))
    if entry is None:
        return Translation(Notation.CAFFE, span, "", _A_LINE)
    reading = read(entry, (), {key: value for key, value in fields.items() if key not in _IGNORED})
    label = fields.get("name", "")
    named = label.isidentifier() and reading.text and not reading.text.startswith("input")
    shown = f"{label}: {reading.text}" if named else reading.text
    why, bottom = reading.why, fields.get("bottom", "")
    before = re.findall(r"top:[ \t]*\"([^\"]*)\"", text[max(0, span.start - _LONGEST) : span.start])
    if not why and bottom and before and before[-1] != bottom:
        why = f"it goes on from `{bottom}`: `@{bottom} -> …`"
    return Translation(Notation.CAFFE, span, shown, why or ("" if shown else _A_LINE))
