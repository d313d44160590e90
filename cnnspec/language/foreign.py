"""Other people's notations: PyTorch's and Keras's calls, a paper's table, VGG's `conv3-64`.

.cfg and .prototxt.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from cnnspec.diagnostics import Edit, Span

if TYPE_CHECKING:
    from cnnspec.language.automaton import Automaton, Failure

Told: TypeAlias = tuple[str, Span, str, tuple[Edit, ...]]

_WORDS = {
    "conv": "conv", "convolution": "conv", "dwconv": "dwconv", "depthwise": "dwconv", "deconv": "deconv",
    "maxpool": "maxpool", "pool": "maxpool", "max": "maxpool", "avgpool": "avgpool", "fc": "fc",
    "dense": "fc", "linear": "fc",
}  # fmt: skip
CALLS = {
    "conv1d": "conv", "conv2d": "conv", "conv3d": "conv", "convolution2d": "conv",
    "convtranspose2d": "deconv",
    "conv2dtranspose": "deconv", "depthwiseconv2d": "dwconv", "separableconv2d": "dwconv",
    "maxpool2d": "maxpool", "maxpooling2d": "maxpool", "avgpool2d": "avgpool", "averagepooling2d": "avgpool",
    "adaptiveavgpool2d": "avgpool", "globalaveragepooling2d": "gap", "globalmaxpooling2d": "gmp",
    "batchnorm2d": "bn", "batchnormalization": "bn", "instancenorm2d": "in", "layernorm": "ln",
    "groupnorm": "gn", "linear": "fc", "dense": "fc", "relu": "relu", "leakyrelu": "leaky",
    "softmax": "softmax",
    "dropout": "dropout", "dropout2d": "dropout", "flatten": "flatten", "upsample": "upsample",
    "upsampling2d": "upsample", "concatenate": "concat", "zeropadding2d": "pad", "sigmoid": "sigmoid",
    "pixelshuffle": "pixelshuffle",
}  # fmt: skip
"""Classes of PyTorch and Keras, small, and the layer that each is here."""

_TABLE = re.compile(
    r"([A-Za-z]+)?[ \t]*\(?([0-9]+)[ \t]*x[ \t]*([0-9]+)\)?[ \t]*([A-Za-z]+)?[ \t]*,[ \t]*([0-9]+)"
)
_VGG = re.compile(r"([A-Za-z]+)([0-9]+)?(?:x([0-9]+))?-([0-9]+)(?![A-Za-z0-9_.])")
_WORD = re.compile(r"([A-Za-z]+?)([0-9]+)(?:x([0-9]+))?")
_TUPLE = re.compile(r"[(\[][ \t]*([0-9]+(?:[ \t]*,[ \t]*[0-9]+)+)[ \t]*[)\]]")
_SPACED = re.compile(r"[0-9]+(?:[ \t]*[x*][ \t]*[0-9]+|[ \t]*,[ \t]*[0-9]+|[ \t]+[0-9]+)+(?![A-Za-z0-9_.])")
PYTHON = frozenset(("import", "from", "class", "def", "return"))
"""Words with which a line of Python begins."""
_DOTTED = re.compile(r"(?:[A-Za-z_]\w*\.)+([A-Za-z_]\w*)[ \t]*(\([^\r\n#]*)?")
_PYTHON = re.compile(r"[ \t]*(?:import|from|class|def|return|self|for|with)(?![A-Za-z0-9_:])")
_CFG = re.compile(r"[ \t]*([a-z_]+)[ \t]*=[ \t]*[-0-9.,a-z]+[ \t]*")
_SECTION = re.compile(r"^[ \t]*\[[a-z]+\][ \t]*$", re.MULTILINE)
_PROTO = re.compile(
    r"[ \t]*(?:layers?[ \t]*\{|[a-z_]+[ \t]*\{[ \t]*(?:\w+:|$)"
    r"|[a-z_]+:[ \t]*(?:\"|[A-Z]+[ \t]*$|[0-9.]+[ \t]*$))"
)


def filters(word: str, rows: str | None, columns: str | None, maps: str | None) -> str:
    """`conv F3 K64` from what a table gives of it."""
    layer = _WORDS.get(word.lower(), "conv")
    size = "" if not rows else f"F{rows}" if columns in (None, rows) else f"F{rows}x{columns}"
    if layer == "fc":
        return f"fc {maps or rows}"
    if "pool" in layer:
        return " ".join(filter(None, (layer, size, f"S{maps}" if maps else "")))
    return " ".join(filter(None, (layer, size, f"K{maps}" if maps else "")))


def arguments(layer: str, inner: str) -> str:
    """What a call's arguments are here, as far as they are plain numbers: `3, 64, 3.

    Stride=2` → `F3 S2 K64`.
    """
    values: dict[str, str] = {}
    positional: list[str] = []
    for part in re.split(r",(?![^(]*\))", inner.strip().rstrip(")").strip()):
        key, equal, value = part.partition("=")
        number = re.search(r"[0-9]+(?:\.[0-9]+)?", value if equal else key)
        if number is None:
            continue
        if equal:
            values[key.strip()] = number.group()
        else:
            positional.append(number.group())
    given = dict(zip(("in", "K", "F", "S", "P"), positional, strict=False))
    if layer in ("maxpool", "avgpool"):
        given = dict(zip("FSP", positional, strict=False))
    elif layer == "fc":
        return f"fc {positional[-1]}" if positional else "fc 1000"
    elif layer not in ("conv", "deconv", "dwconv"):
        return layer
    elif len(positional) == 2 or "kernel_size" in values:  # Keras: filters, kernel_size
        given = dict(
            zip(
                "KF" if len(positional) <= 2 and "kernel_size" not in values else ("in", "K"),
                positional,
                strict=False,
            )
        )
        if len(positional) == 1:
            given = {"K": positional[0]}
    names = {
        "kernel_size": "F",
        "stride": "S",
        "strides": "S",
        "padding": "P",
        "out_channels": "K",
        "filters": "K",
        "pool_size": "F",
    }
    given.update({names[key]: value for key, value in values.items() if key in names})
    letters = " ".join(f"{letter}{given[letter]}" for letter in "FSPK" if letter in given)
    return f"{layer} {letters}".strip()


def recognise(automaton: Automaton, failure: Failure) -> Told | None:
    """The foreign notation at a mistake: message, span, help and fix."""
    text, start = automaton.text, failure.start
    begin = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    if start - begin > 400:
        return None
    if failure.kind == "_NL":
        start = max(begin, start - 1)
    line = text[begin : begin + 600].splitlines()[0] if text[begin : begin + 600] else ""
    at = start - begin

    for found in _DOTTED.finditer(line):
        if found.start() <= at < found.end() or (failure.kind == "EQUAL" and at < found.start()):
            name, inner = found.group(1), found.group(2)
            layer = CALLS.get(name.lower(), name.lower())
            span = Span(begin + found.start(), begin + found.start() + len(found.group().rstrip()))
            if inner is None and name.lower() not in CALLS:
                break
            shown = arguments(layer, (inner or "")[1:])
            return "this is Python; a spec only describes", span, f"here it is `{shown}`", ()
    if _PYTHON.match(line):
        return (
            "this is Python; a spec only describes",
            _whole(begin, line),
            "a layer is a word: `conv F3 S1 P1 K64 -> relu`",
            (),
        )
    for found in _TABLE.finditer(line):
        if found.start() <= at <= found.end():
            word = found.group(1) or found.group(4) or "conv"
            if word.lower() not in _WORDS:
                continue
            span = Span(begin + found.start(), begin + found.end())
            shown = filters(word, found.group(2), found.group(3), found.group(5))
            return (
                "the filter is written as a paper's table has it",
                span,
                f"here it is `{shown}`",
                (Edit(span, shown),),
            )
    for found in _VGG.finditer(line):
        if found.start() <= at < found.end() and found.group(1).lower() in _WORDS:
            span = Span(begin + found.start(), begin + found.end())
            shown = filters(found.group(1), found.group(2), found.group(3), found.group(4))
            return (
                f"`{found.group()}` is the notation of VGG's table",
                span,
                f"here it is `{shown}`",
                (Edit(span, shown),),
            )
    if re.match(r"[ \t]*input\b|.*=>", line):
        for shape_like in (_TUPLE, _SPACED):
            if (shape_at := shape_like.search(line)) and shape_at.start() <= at + 1 <= shape_at.end() + 1:
                sizes = re.findall(r"[0-9]+", shape_at.group())
                if len(sizes) < 2 or shape_at.group() == "x".join(sizes):
                    continue
                span = Span(begin + shape_at.start(), begin + shape_at.end())
                shape = "x".join(sizes)
                return (
                    "a shape is written without spaces, brackets and commas",
                    span,
                    f"write `{shape}`, channels first",
                    (Edit(span, shape),),
                )
    if _PROTO.match(line):
        return (
            "this is Caffe's prototxt",
            _whole(begin, line),
            "here a layer is one line: `conv1: conv F5 S1 K20 -> relu`",
            (),
        )
    if (
        failure.kind == "EQUAL"
        and (cfg := _CFG.fullmatch(line.split("#")[0]))
        and _SECTION.search(text, max(0, begin - 2000), begin)
    ):
        return (
            "this is a Darknet .cfg", Span(begin + cfg.start(1), begin + len(cfg.group().rstrip())),
            "here a layer is one line: `conv F3 S1 P1 K64 -> bn -> leaky 0.1`", (),
        )  # fmt: skip
    return None


def _whole(begin: int, line: str) -> Span:
    stripped = line.strip()
    start = begin + line.index(stripped)
    return Span(start, start + len(stripped))


def call(name: str, text: str, start: int, end: int) -> Told | None:
    """A class of PyTorch or Keras used as if it were a block: `Conv2d(3, 64, 3)`."""
    layer = CALLS.get(name.lower())
    if layer is None or (name == name.lower() and name != layer):
        return None
    inner = text[start + len(name) + 1 : min(end, start + 300)]
    shown = arguments(layer, inner)
    span = Span(start, end)
    return f"`{name}(…)` is a call of Python", span, f"here it is `{shown}`", (Edit(span, shown),)


def word(name: str) -> str | None:
    """What `conv3x3`, `conv3`, `maxpool2` is meant to be; None for words that are nothing of the kind."""
    found = _WORD.fullmatch(name)
    if found is None or found.group(1).lower() not in _WORDS:
        return None
    return filters(found.group(1), found.group(2), found.group(3), None)


def is_layer(name: str) -> bool:
    """Whether a word is surely a layer, here or elsewhere."""
    from cnnspec.diagnostics.foreign import LAYERS

    return name in LAYERS.values() or name.lower() in CALLS
