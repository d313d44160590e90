"""Other tools' notations where the parser could not go on, and forms of this language's own statements.

Looked at only once something is wrong. What can be parsed and is foreign all the same, `Conv2d(3, 64, 3)`, is
reported when the layers are looked up.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.diagnostics.suggest import fold
from cnnspec.language.mistakes.bodies import block_otherwise
from cnnspec.language.mistakes.inputs import input_otherwise
from cnnspec.language.mistakes.mistake import Told
from cnnspec.language.mistakes.named import variant_otherwise
from cnnspec.language.mistakes.repeated import repeated
from cnnspec.notations import Notation, Translation, translate
from cnnspec.notations.words import LAYERS

if TYPE_CHECKING:
    from cnnspec.language.automaton import Automaton
    from cnnspec.language.tokens import Token

_TUPLE = re.compile(r"[(\[][ \t]*([0-9]+(?:[ \t]*,[ \t]*[0-9]+)+)[ \t]*[)\]]")
_SPACED = re.compile(r"[0-9]+(?:[ \t]*[xX*][ \t]*[0-9]+|[ \t]*,[ \t]*[0-9]+|[ \t]+[0-9]+)+(?![A-Za-z0-9_.])")
_PADDING = re.compile(r"(?:padding|pad|P)[ \t]*=[ \t]*[\"'](same|valid)[\"']", re.IGNORECASE)
_SHAPE_STANDS = re.compile(r"(?:(?i:input)(?:[ \t]+\w+[ \t]*:)?|=>|,|out)[ \t]*$")
_PYTHON_GOES_ON = ("()", "):", '"""')
"""Ends of lines that go on with Python, once some is reported."""


def recognise(automaton: Automaton, failure: Token) -> Told | None:
    """The foreign notation at a mistake: message, span, help and fix."""
    text, start = automaton.text, failure.start
    begin = line_start(text, start)
    if start - begin > 400:
        return None
    if failure.type == "_NL":
        start = max(begin, start - 1)
    line = (text[begin : begin + 600].splitlines() or [""])[0]
    found = translate(text, start)
    if found is not None and found.notation is Notation.INPUT_CALL:
        return _told(automaton, found)
    return (
        _input(line, begin)
        or repeated(automaton, line, begin, failure)
        or variant_otherwise(line, begin, failure)
        or block_otherwise(text, line, begin, failure)
        or _shape(line, begin, start - begin)
        or input_otherwise(line, begin)
        or _padding(line, begin, start)
        or (found and _told(automaton, found))
        or _goes_on(automaton, line, begin)
    )


def _told(automaton: Automaton, found: Translation) -> Told:
    """Another tool's notation. That a whole file is Python is reported once."""
    again = found.notation is Notation.PYTHON and not found.text and _is_python(automaton)
    cause = (found.cause,) if found.cause else ()
    return "" if again else found.message, found.span, found.help, found.fix, *cause


def _goes_on(automaton: Automaton, line: str, begin: int) -> Told | None:
    if line.rstrip().endswith(_PYTHON_GOES_ON) and _is_python(automaton):
        return "", Span(begin, begin + len(line.rstrip())), "", (), "python"
    return None


def _is_python(automaton: Automaton) -> bool:
    return any(one.cause == "python" for one in automaton.sink)


def _input(line: str, begin: int) -> Told | None:
    """`input: 3x32x32`, `input = 3x32x32`."""
    found = re.match(r"[ \t]*input[ \t]*([:=])[ \t]*(?=[0-9(])", line)
    if found is None or (found[1] == ":" and not re.match(r"[0-9]+[x@]|\(", line[found.end() :])):
        return None
    if found[1] == ":":
        return "", Span(begin, begin + len(line)), "", ()  # told of the label
    mark = Span(begin + found.start(1), begin + found.end())
    before = "" if line[found.start(1) - 1] in " \t" else " "
    return f"no `{found[1]}` stands behind `input`", mark, "as in `input 3x224x224`", (Edit(mark, before),)


def _shape(line: str, begin: int, at: int) -> Told | None:
    """`input (3, 224, 224)`, `=> 3 x 224 x 224`."""
    if not re.match(r"[ \t]*input\b|.*=>", line):
        return None
    for shape_like in (_TUPLE, _SPACED):
        found = shape_like.search(line)
        if (
            found
            and found.start() <= at + 1 <= found.end() + 1
            and _SHAPE_STANDS.search(line[: found.start()])
        ):
            sizes = re.findall(r"[0-9]+", found.group())
            batch = len(sizes) == 4
            shape = "x".join(sizes[1:] if batch else sizes)
            if len(sizes) < 2 or found.group() == shape:
                continue
            span = Span(begin + found.start(), begin + found.end())
            return (
                "a shape is written without spaces, brackets and commas",
                span,
                f"write `{shape}`, channels first{', without the batch axis' if batch else ''}",
                (Edit(span, shape),),
            )
    return None


def _padding(line: str, begin: int, start: int) -> Told | None:
    """`padding='same'` among arguments that are written as here."""
    for quoted in _PADDING.finditer(line):
        if quoted.start() < start - begin < quoted.end() and "(" not in line:
            where = Span(begin + quoted.start(), begin + quoted.end())
            letter = "Psame" if quoted[1] == "same" else "P0"
            return "padding is a letter, `P`", where, f"write `{letter}`", (Edit(where, letter),)
    return None


def is_layer(name: str) -> bool:
    """Whether a word is surely a layer, here or elsewhere."""
    return name in LAYERS.values() or fold(name) in LAYERS
