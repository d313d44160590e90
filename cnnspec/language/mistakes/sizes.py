"""Sizes in another form: `reshape 3,32,32`, `conv S=2,2`, `crop (28, 28)`, `out=7 7`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.language import tree
from cnnspec.language.automaton import Automaton
from cnnspec.language.mistakes.mistake import Repair
from cnnspec.language.tokens import Token

_SIZES = re.compile(
    r"(?<!\w)(?:(reshape|crop|upsample)[ \t]+|(out|offset|[FSPD])[ \t]*=[ \t]*)"
    r"([(\[]?[ \t]*([0-9]+(?:(?:[ \t]*[,xX*][ \t]*|[ \t]+)[0-9]+)+)(?:[ \t]*[)\]])?)(?![\w.,])"
)
_NUMBER = re.compile(r"[0-9]+")
_LONGEST = 60
"""How far before a mistake its sizes may begin."""


def sizes_apart(automaton: Automaton, failure: Token) -> Repair | None:
    """Such sizes read as joined by `x`."""
    text, start = automaton.text, failure.start
    if failure.type not in ("COMMA", "NUMBER", "NAME", "DIM", "STAR"):
        return None
    begin = max(line_start(text, start), start - _LONGEST + 1)
    for found in _SIZES.finditer(text, begin, min(len(text), start + _LONGEST)):
        if not found.start(3) < start < found.end():
            continue
        numbers = [*_NUMBER.finditer(text, *found.span(4))]
        word, shape = found[1] or f"{found[2]}=", "x".join(number[0] for number in numbers)
        span = Span(*found.span(3))
        back = 0
        feeds: tuple[tuple[str, str, int, int], ...] = ()
        if not _corrected(automaton.values[-1], numbers, span):
            while _begin(automaton.values[-1 - back]) >= span.start:
                back += 1
            *outer, last = numbers
            dims = (("DIM", f"{one[0]}x", *one.span()) for one in outer)
            feeds = (*dims, ("NUMBER", last[0], *last.span()))
        way = f"{word} {shape}" if found[1] else f"{word}{shape}"
        return Repair(
            "E106", f"`{found[3]}` is no size: sizes are joined by `x`", span, f"write `{way}`",
            (Edit(span, shape),), True, feeds, found.end(), back,
        )  # fmt: skip
    return None


def _corrected(value: Any, numbers: list[re.Match[str]], span: Span) -> bool:
    """Whether an argument was read already with the first of its numbers, and then gives it all of them."""
    argument = value[-1] if isinstance(value, list) and value else None
    if not isinstance(argument, tree.LetterArgument | tree.NamedArgument):
        return False
    if argument.value.span.start != span.start:
        return False
    dims = tuple(tree.Number(Fraction(one[0][:9]), one[0], Span(*one.span())) for one in numbers)
    value[-1] = argument._replace(value=tree.Dims(dims, span), span=Span(argument.span.start, span.end))
    return True


def _begin(value: Any) -> int:
    """Where something on the stack begins."""
    if type(value) is Token:
        return value.start
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, int):
        return value
    return int(value.span.start) if hasattr(value, "span") else -1
