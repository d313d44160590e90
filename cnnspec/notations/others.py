"""The signs of a program's tool, where its layers have names that other tools have too; and programs in other
languages. What has no table of layers is one finding that names the tool, because a translation with another
tool's defaults would be another network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnnspec.diagnostics import Span
from cnnspec.notations.network import Network, Program

NOT_TRANSLATED = (
    "it is not translated; write its layers in their order, each as a word with its arguments: "
    "`conv F3 S1 P1 K64 -> relu`"
)
_LONGEST = 500
"""The most characters of a line that are searched."""
SIGNS = {
    "Flax": r"\bflax\b|\bnn\.compact\b|\bnn\.Conv\(|\bnnx\.\w|\bnn\.Dense\([^()]*features",
    "Haiku": r"\bhk\.\w",
    "PaddlePaddle": r"\bpaddle\b",
    "MXNet": r"\bgluon\b|\bmxnet\b|\bmx\.sym|\bchannels=\d",
    "MLX": r"\bmlx\b",
    "fastai": r"\bfastai\b|\bConvLayer\(|\bLearner\(|\bAdaptiveAvgPool\(",
    "tinygrad": r"\btinygrad\b|\bTensor\.(?:relu|max_pool2d)\b|\.sequential\(self",
    "TensorFlow": r"\btf\.nn\.(?:conv2d|max_pool|avg_pool|bias_add)",
    "ONNX": r"\bonnx\.helper\b|\bmake_node\(",
}
_LANGUAGES = {
    "R code": r"^[ \t]*library\(|%>%|^[ \t]*\w+[ \t]*<-|\blayer_\w+\(",
    "Julia code": r"^.*?\bChain\((?:[ \t]*$|Conv|Dense|x)|\busing Flux\b|\bFlux\.\w",
    "C++ code": r"^[ \t]*#include\b|\btorch::|\bstruct \w+[ \t]*:",
    "a graph of ONNX": r"^graph \w+ \(|^[ \t]*%\w+[ \t]*(?:\[|=[ \t]*\w+)",
    "a terminal's text": r"^\$ \w|^>{3} ",
}
_SMALL = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "and",
        "with",
        "by",
        "is",
        "are",
        "was",
        "we",
        "with",
        "followed",
        "has",
        "have",
        "in",
        "to",
    ]
)
_LINE = re.compile(r"^[ \t]*([A-Z][^\n]*)", re.MULTILINE)
_REMARK = re.compile(r"[A-Z][a-z]+(?:['’]\w+)?(?:[,!]?[ ]+[A-Za-z'’-]+){2,}[.!?:][ \t]*$")
"""A short line that ends as sentences do: `Hope this helps!`."""
_OURS = re.compile(r"->|=>|^[ \t]*(?:#(?!include)|(?:input|model|let|expect)[ \t]+\w)")
_WORDS = (
    "a layer is a word with its arguments, as in `conv F3 S1 P1 K64 -> relu`; prose is a comment after `#`"
)


def tool_by_sign(code: str) -> str:
    """The Python library of a program that bears its sign; "" for any other."""
    return next((tool for tool, sign in SIGNS.items() if re.search(sign, code)), "")


def networks(text: str) -> Iterator[Program]:
    """The programs in other languages, each from its first line to its last, and lines of prose."""
    for description, sign in _LANGUAGES.items():
        matches = [*re.finditer(sign, text, re.MULTILINE)]
        if matches:
            begin = text.rfind("\n", 0, matches[0].start() + 1) + 1
            lines = text[begin:].splitlines(keepends=True)
            count = next(
                (at for at, line in enumerate(lines) if _OURS.search(line) and description[0] not in "CJ"),
                len(lines),
            )
            span = Span(begin, begin + len("".join(lines[:count]).rstrip()))
            yield Program(f"this is {description}", span, Network((), why=NOT_TRANSLATED), begin)
            return
    for line in _LINE.finditer(text):
        words = line[1][:_LONGEST].lower().split()
        sentence = len(words) > 5 and sum(word in _SMALL for word in words) > 1
        if (sentence or _REMARK.match(line[1][:_LONGEST])) and not _OURS.search(line[1][:_LONGEST]):
            span = Span(line.start(1), line.start(1) + len(line[1].rstrip()))
            yield Program("this is a sentence", span, Network((), why=_WORDS), span.start)
