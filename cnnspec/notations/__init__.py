"""Translations from other tools' notations into this language: torch, Keras, MATLAB, Darknet, Caffe, YOLO,
papers.

The rest of the compiler calls only `translate`, and only after an error. Each tool has a table with an entry
and an example for each of its layers; the words of other tools, for did-you-mean, are in `words`.
"""

from __future__ import annotations

import re

from cnnspec.diagnostics import Span, line_start
from cnnspec.notations.around import before_arrow, step_around
from cnnspec.notations.caffe import line_of_prototxt
from cnnspec.notations.calls import parsed
from cnnspec.notations.darknet import far_away
from cnnspec.notations.merges import MERGES
from cnnspec.notations.programs import LAYER_SHOWN, line_of_python
from cnnspec.notations.python.layers import OWN_LAYER
from cnnspec.notations.steps import GROUP, group, step
from cnnspec.notations.translation import Notation, Translation
from cnnspec.notations.words import layer_word

__all__ = ["MERGES", "Notation", "Translation", "is_from_to", "translate"]

_FROM_TO = re.compile(
    r"(conv|deconv|fc|linear|dense)[ \t]*\(?[ \t]*[0-9]+[ \t]*(?:->|→)[ \t]*([0-9]+)([^|\]>=\r\n#-]*)"
)
_DOTTED = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]")
_LONGEST_LINE = 600


def translate(text: str, at: int, span: Span | None = None) -> Translation | None:
    """The notation around a place of a text, or of a step with a known span; None where there is none.

    >>> found = translate("input 3x8x8\\nConv2d(3, 8, 3, padding=1)\\n", 20)
    >>> found.text, found.sure, found.message
    ('conv F3 P1 K8', True, '`Conv2d(…)` is a call; a layer is written as a word followed by its arguments')
    """
    if span is not None:
        translation = step(text[span.start : span.end])
        return translation and translation._replace(span=span)
    begin = line_start(text, at)
    line = (text[begin : begin + _LONGEST_LINE].splitlines() or [""])[0]
    return (
        line_of_python(line, begin, text)
        or _group_at(text, begin, at)
        or _step_at(text, begin, at)
        or far_away(text, begin)
        or line_of_prototxt(text, begin)
    )


def _group_at(text: str, begin: int, at: int) -> Translation | None:
    """`[3x3, 64] x 2`: the brackets around a place of a line that begins at `begin`."""
    for found in GROUP.finditer(text, begin, begin + _LONGEST_LINE):
        if found.start() <= at < found.end():
            inside = group(found.group())
            return inside and inside._replace(span=Span(*found.span()))
    return None


def _step_at(text: str, begin: int, at: int) -> Translation | None:
    """`conv 3x3, 64`, `Conv2D(32, (3, 3), activation='relu')`: the step around a place."""
    span = step_around(text, begin, at)
    if span is None:
        return None
    translation = step(text[span.start : span.end])
    if translation is not None and translation.text:
        return translation._replace(span=span)
    for place in (span.start, before_arrow(text, span.start)):
        if turned := _FROM_TO.match(text, place):
            other = step(f"{turned[1]} {turned[2]}{turned[3].rstrip(') ')}")
            if other is not None and other.text:
                notation = Notation.CALL if "(" in turned.group() else other.notation
                return other._replace(notation=notation, name=turned[1], span=Span(*turned.span()))
    if translation is None or not translation.why:
        translation = _with_dots(text, span) or translation
    word = translation and layer_word(translation.name)
    is_strange = translation and (not translation.name.islower() or _DOTTED.search(text, *span))
    if translation is None or not is_strange or not (word or translation.why):
        return None
    way = translation.why or (f"as in `{word} [ @a | @b ]`" if word in MERGES else LAYER_SHOWN)
    return translation._replace(span=span, why=way)


def _with_dots(text: str, span: Span) -> Translation | None:
    """A call that no table has, with a name of Python as an argument: `Wibble(3, act=nn.ReLU)`."""
    call = parsed(text[slice(*span)])
    if call is None or f"block {call.name}" in text:
        return None
    if not any(map(_DOTTED.search, (*call.positional, *call.named.values()))):
        return None
    why = LAYER_SHOWN if layer_word(call.name) else OWN_LAYER.format(name=call.name)
    return Translation(Notation.CALL, span, "", why, call.name)


def is_from_to(text: str, arrow: int) -> bool:
    """Whether an arrow in brackets separates the inputs from the outputs: `fc(512 -> 10)`."""
    return _FROM_TO.match(text, before_arrow(text, arrow)) is not None
