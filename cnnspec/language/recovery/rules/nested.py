"""Nested calls of layers, `relu(bn(conv(F3, K8)))`, `add(conv(F1, K3), id)`, `conv(F3, K8).relu()`;
and steps in brackets after a layer, `conv F3 K8 [bn, relu]`.
"""

from __future__ import annotations

import re
from itertools import pairwise

from cnnspec.diagnostics import Span
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import closing, is_layer
from cnnspec.notations import MERGES
from cnnspec.notations.words import layer_word

_CALL = re.compile(r"(?<![\w@.])([A-Za-z]\w*)\(")
_CHAINED = re.compile(r"\.([A-Za-z]\w*)\(")
_STEPS = re.compile(r"(@?)([A-Za-z]\w*)(?:[ \t]+[\w./=]+)*(?:[ \t]*->[ \t]*[A-Za-z]\w*(?:[ \t]+[\w./=]+)*)*")
_WRITTEN = re.compile(r"[FSPKGD](?:same|[0-9]+(?:x[0-9]+)*)|[a-z]\w*(?:=[\w./]+)?")
_NUMBER = re.compile(r"[0-9.]+")
_NUMBERED = ("leaky", "dropout", "droppath", "fc", "upsample", "pixelshuffle", "pixelunshuffle", "times")
"""Layers whose number needs no letter."""
_DEEPEST = 20


def _split(text: str) -> list[str]:
    """The arguments of a call, which commas separate."""
    depth, commas = 0, list[int]()
    for place, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        commas += [place] if char == "," and depth == 0 else []
    parts = [text[one + 1 : other].strip() for one, other in pairwise([-1, *commas, len(text)])]
    return [part for part in parts if part]


def _steps(text: str, depth: int = 0) -> str | None:
    """Nested calls as a chain of steps; None where they contain anything else."""
    head = _CALL.match(text)
    if head is None:
        match = _STEPS.fullmatch(text)
        return text if match and (match[1] or is_layer(match[2]) or text == "id") else None
    close = closing(text, head.end() - 1)
    if close is None or depth > _DEEPEST or not is_layer(head[1]):
        return None
    call = _call(head[1], _split(text[head.end() : close - 1]), depth)
    while call is not None and (again := _CHAINED.match(text, close)):
        close = closing(text, again.end() - 1) or len(text)
        behind = _call(again[1], _split(text[again.end() : close - 1]), depth) if is_layer(again[1]) else None
        call = None if behind is None else f"{call} -> {behind}"
    rest = text[close:].strip()
    if call is None or (rest and not (rest.startswith("->") and _STEPS.fullmatch(rest[2:].strip()))):
        return None
    return f"{call} {rest}".rstrip()


def _call(name: str, arguments: list[str], depth: int) -> str | None:
    word = layer_word(name) or name
    if word in MERGES:
        branches = [_steps(argument, depth + 1) for argument in arguments]
        return f"{word} [ {' | '.join(map(str, branches))} ]" if all(branches) and branches[1:] else None
    before = _steps(arguments[0], depth + 1) if arguments and re.search(r"[( ]", arguments[0]) else None
    own = " ".join(arguments[1:] if before else arguments).split()
    if not all(_WRITTEN.fullmatch(one) or (_NUMBER.fullmatch(one) and word in _NUMBERED) for one in own):
        return None
    return " ".join([*([before, "->"] if before else []), word, *own])


def _nested(m: Mistake) -> Answer | None:
    """The outermost calls around a mistake."""
    for head in _CALL.finditer(m.line):
        start, close = m.begin + head.start(), closing(m.text, m.begin + head.end() - 1)
        if close is None or not start < m.start:
            continue
        while chained := _CHAINED.match(m.text, close):
            close = closing(m.text, chained.end() - 1) or len(m.text)
        written = m.text[start:close]
        if m.start >= close or len(_CALL.findall(written)) + written.count(").") < 2:
            continue
        plain = _steps(written)
        if plain is None or re.search(rf"\b(?:block|shared)[ \t]+{head[1]}\b", m.text):
            return None
        span = Span(start, close)
        message = "layers are not called: each step is a word followed by its arguments, and `->` joins steps"
        way = f"here it is `{plain}`"
        return rewritten(span, plain, message, way, reads=plain, since=start, resume=close)
    return None


def _in_brackets(m: Mistake) -> Answer | None:
    """Steps in brackets after a layer, separated by commas."""
    opened = m.start if m.kind in ("LSQB", "LBRACE") else m.opened
    close = closing(m.text, opened) if m.begin < opened else None
    before = re.split(r"->|[|\[{:]", m.text[m.begin : opened])[-1].split()
    if close is None or not before or before[0] in MERGES or not is_layer(before[0]):
        return None
    parts = _split(m.text[opened + 1 : close - 1])
    heads = [_STEPS.fullmatch(part) for part in parts]
    if (m.kind == "LSQB" and not parts[1:]) or m.text[close : close + 1] == "*":
        return None
    if not parts or not all(head and is_layer(head[2]) for head in heads):
        return None
    plain, span = " ".join(f"-> {part}" for part in parts), Span(opened, close)
    message = "the steps after a layer are joined by `->`, without brackets"
    return rewritten(span, plain, message, code="E101", safe=True, reads=plain, since=opened, resume=close)


NESTED = (
    Rule({"⟦relu(bn(conv(F3, K8)))⟧": "conv F3 K8 -> bn -> relu",
          "⟦relu(bn(conv F3 K8))⟧ -> gap": "conv F3 K8 -> bn -> relu -> gap",
          "⟦conv(F3, K8).bn().leaky(0.1)⟧": "conv F3 K8 -> bn -> leaky 0.1",
          "⟦concat(conv(F1, K8), conv(F3, P1, K8))⟧": "concat [ conv F1 K8 | conv F3 P1 K8 ]",
          "⟦add(conv(F1 K3) -> relu, id)⟧": "add [ conv F1 K3 -> relu | id ]"}, when=_nested),
    Rule({"conv F3 K8 ⟦[bn, relu]⟧": "conv F3 K8 -> bn -> relu",
          "conv F3 K8 ⟦(bn, leaky 0.1)⟧": "conv F3 K8 -> bn -> leaky 0.1",
          "conv F3 K8 ⟦{relu}⟧": "conv F3 K8 -> relu"}, on="LSQB LBRACE COMMA NUMBER", when=_in_brackets),
)  # fmt: skip
