"""Lines of Python: a layer in an assignment, in `model.add(…)`, in what print(model) shows."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Span
from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.pieces import closed
from cnnspec.notations.steps import step
from cnnspec.notations.translation import Notation, Translation
from cnnspec.notations.words import LAYERS

LAYER_SHOWN = "a layer is a word: `conv F3 S1 P1 K64 -> relu`"
_PYTHON = re.compile(r"[ \t]*(?:import|from|class|def|return|self|for|with)(?![A-Za-z0-9_:])")
_BUILDS = re.compile(r"[ \t]*\w+[ \t]*=[ \t]*(?:\w+\.)*(?:Sequential|Model|Module\w*)\(")
_DOTTED = re.compile(r"(?:[A-Za-z_]\w*\.)+([A-Za-z_]\w*)[ \t]*(\()?")
_PRINTED = re.compile(r"[ \t]*\((\w+)\):[ \t]*(?=[A-Za-z]\w*\()")
_ADDED = re.compile(r"[ \t]*\w+\.add\((?=[A-Za-z])")
_INPUT = re.compile(r"[ \t]*(?:\w+[ \t]*=[ \t]*)?(?:\w+\.)*(?=Input(?:Layer)?\()")
_APPLIED = re.compile(r"[ \t]*(\w+)[ \t]*=[ \t]*(?=[A-Za-z])(.*)\((\w+)\)[ \t]*$")


def line_of_python(line: str, begin: int, at: int, named: bool) -> Translation | None:
    """A line that begins at `begin`, with a mistake at `at` in it; `named`: at a `=`."""
    code = line.split("#")[0].rstrip()
    found = _whole_line(code, begin)
    if found is not None:
        return found
    python = _PYTHON.match(line) is not None
    for dotted in _DOTTED.finditer(line):
        end = (closed(line, dotted.end() - 1) or _comment(line, dotted.end())) if dotted[2] else dotted.end()
        if not dotted.start() <= at < end and not (at < dotted.start() and dotted[2] and (named or python)):
            continue
        if dotted[2] is None and fold(dotted[1]) not in LAYERS:
            continue
        layer = step(line[dotted.start() : end]) if dotted[2] else None
        text = LAYERS[fold(dotted[1])] if dotted[2] is None else layer.text if layer else ""
        span = Span(begin + dotted.start(), begin + end)
        if layer is not None and layer.why:
            return layer._replace(notation=Notation.PYTHON, span=span)
        alone = not (line[: dotted.start()].strip() or code[end:].strip(" \t,;"))
        return Translation(Notation.PYTHON, span, text, "" if text else LAYER_SHOWN, alone=alone)
    if python or _BUILDS.match(line):
        return Translation(Notation.PYTHON, _span(code, begin), "", LAYER_SHOWN)
    return None


def _whole_line(code: str, begin: int) -> Translation | None:
    """`(conv1): Conv2d(3, 64, 3)`, `model.add(Dense(10))`, `x = Dense(10)(x)`."""
    label, comes_from = "", ""
    if printed := _PRINTED.match(code):
        written = code[printed.end() :]
        label = "" if printed[1].isdigit() else f"{printed[1]}: "
    elif added := _ADDED.match(code):
        written = code[added.end() : (closed(code, added.end() - 1) or len(code) + 1) - 1]
    elif of_input := _INPUT.match(code):
        found = step(code[of_input.end() :])
        return found and found._replace(span=_span(code, begin))
    elif applied := _APPLIED.match(code):
        written, comes_from = applied[2], "" if applied[1] == applied[3] else applied[3]
    else:
        return None
    layer = step(written)
    if layer is None or layer.notation not in (Notation.CALL, Notation.INPUT_CALL):
        return None
    why = layer.why
    if comes_from and not why:
        why = f"it goes on from `{comes_from}`: `@{comes_from} -> …`, with `{comes_from}:` before that line"
    text = f"{label}{layer.text}" if layer.text else ""
    return Translation(Notation.PYTHON, _span(code, begin), text, why or ("" if text else LAYER_SHOWN))


def _comment(line: str, start: int) -> int:
    """Where what is written from a place on ends."""
    return start + len(line[start:].split("#")[0].rstrip())


def _span(code: str, begin: int) -> Span:
    return Span(begin + len(code) - len(code.lstrip()), begin + len(code))
