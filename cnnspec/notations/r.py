"""Keras's layers in R: `layer_conv_2d(filters = 32, kernel_size = c(3, 3))`, one piped into the next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from cnnspec.diagnostics import Span
from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.around import closed
from cnnspec.notations.calls import name_of, parsed, read_call
from cnnspec.notations.keras import KERAS
from cnnspec.notations.network import INPUT, Network, Node, Program, dense, head_of, stretches

_LAYER = re.compile(r"\blayer_(?:activation_)?([a-z]\w*)(?=\()")
_GAP = r"(?>\s+|%>%|\|>|#[^\r\n]*+|\w+\s*+<-|\w+(?=\s*+%>%))*+"
_NO_ORDER = "which layer follows which is not known where tensors have names"
_HEAD = r"library\(.*|\w+[ \t]*<-.*|\w+[ \t]*(?:%>%|\|>)"
_BEHIND = re.compile(r"\s*\w+[ \t]*%>%[ \t]*(?:compile|fit|summary)\b[\s\S]*|\s*summary\([^\n]*")
_PLAIN = (
    (r"\bc\(", "("),
    (r"\bTRUE\b", "True"),
    (r"\bFALSE\b", "False"),
    (r"\bNULL\b", "None"),
    (r"(?<=\d)L\b", ""),
)
_NAMES = {fold(name_of(entry)): name_of(entry) for entry in KERAS}
_LONGEST = 500
"""The most characters of a layer that are read."""


def networks(text: str) -> Iterator[Program]:
    """The pipes of layers in a text."""
    for row in stretches(_layers(text), lambda one: one.span, text, _GAP):
        begin = head_of(text, row[0].span.start, _HEAD)
        behind = _BEHIND.match(text, row[-1].span.end)
        end = behind.end() if behind else row[-1].span.end
        nodes: list[Node] = []
        for number, node in enumerate(row):
            if node.text.startswith("fc ") and dense(node.text, nodes, (number - 1,)) != node.text:
                node = node._replace(text=f"conv F1 K{node.text[3:]}")
            begins = node.text.startswith("input ")
            nodes.append(node._replace(inputs=() if begins else (number - 1,) if number else (INPUT,)))
        pipes = [text[one.span.end : two.span.start] for one, two in pairwise(row)]
        why = _NO_ORDER if any("<-" in pipe for pipe in pipes) else ""
        yield Program("this is R code", Span(begin, end), Network(nodes, why=why), begin)


def _layers(text: str) -> Iterator[Node]:
    for match in _LAYER.finditer(text):
        length = closed(text[match.end() : match.end() + _LONGEST], 0)
        if length is None:
            continue
        name = _NAMES.get(fold(match[1]), match[1])
        written = f"layers.{name}{text[match.end() : match.end() + length]}"
        for form, plain in _PLAIN:
            written = re.sub(form, plain, written)
        call = parsed(written)
        if call and call.positional and call.positional[0].isidentifier():  # the tensor
            call = call._replace(positional=call.positional[1:])
        reading = call and read_call(call, "Keras")
        span = Span(match.start(), match.end() + length)
        if reading is None:
            yield Node("", span, why=f"no layer `{match.group()}` is known")
        else:
            yield Node(reading.text, span, why=reading.why, takes=reading.takes)
