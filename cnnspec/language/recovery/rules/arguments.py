"""A layer whose hyperparameters are written in another form: `F[3 3]`, `-F 3`, `3F`, `f3, k16`, `F3 | K16`.

However many of its arguments are in another form, it is one finding, with the whole layer in this language.
"""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import is_layer
from cnnspec.language.tokens import Token

_SIZES = r"[0-9]+(?:(?:[ \t]*[,;xX*][ \t]*|[ \t]+)[0-9]+)*"
_SIZE = rf"([0-9]+(?:[ \t]*x[ \t]*[0-9]+)?|same|[\[(][ \t]*{_SIZES}[ \t]*[\])])"
_IN_ORDER = re.compile(
    rf"[\"'<-]*(?:([FSPDKG])[ \t]*[:=_]*|([fspdkg])[ \t:_]*)[ \t]*{_SIZE}[\"'>]*(?![\w.*+%/(=-])"
)
_TURNED = re.compile(r"([0-9]+(?:x[0-9]+)?)([FSPDKG])(?![\w.])")
_PLAIN = re.compile(
    r"(?:[FSPDKG](?:[0-9]+(?:x[0-9]+)?|same))+(?![\w.(\[])"
    r"|[A-Za-z]\w*[ \t]*=[ \t]*[\w.@]+(?![\w.(\[,x-])"
    r"|[a-z]{2,}(?![\w.(\[])"
)
_ENDS = re.compile(r"[ \t]*(?:->|=>|[\]}#\r\n]|\|(?![ \t]*[FSPDKG][=0-9])|$)")
_GLUED = "(?:[0-9]+(?:x[0-9]+)?|same)"
_AXIS = r"(?:[0-9]+|[A-Za-wyz_]+|\([^(),\n]*\))"
_AXES = re.compile(rf"(?<!\w)([FSPD])=?({_AXIS}(?:x{_AXIS}){{1,2}})(?![\w(])")
_IN_BRACKETS = re.compile(r"(?<!\w)([FSPD])=?[(\[]([^][(),\n]+(?:,[^][(),\n]+){1,2})[)\]](?![\w(])")
_FARTHEST, _MOST = 6, 16
"""The most parts of a layer, and the most arguments, that are looked at."""


def _layer(m: Mistake) -> Answer | None:
    word = _word_before(m)
    if word is None:
        return None
    marks = r"[ \t]*[,;|]?[ \t]*" if m.kind == "VBAR" else r"[ \t]*[,;]?[ \t]*"
    edits: list[Edit] = []
    shown, end = word.text, word.end
    for _ in range(_MOST):
        if _ENDS.match(m.text, end):
            break
        between = re.compile(marks).match(m.text, end)
        match, plain = _argument(m.text, between.end() if between else end, word.text)
        if between is None or match is None:
            return None
        if not plain:
            message = f"`{match.group()}` is not a valid hyperparameter"
            way = "rows and columns are joined by `x`, as in `F1x7`; `pad` takes a size for each side"
            if "K" in match.group()[:2] or "k" in match.group()[:2]:
                way = "K is one number of filters: write a layer for each, `-> conv F3 K32`"
            return Answer("E106", message, Span(*match.span()), way)
        if not between.group().isspace():
            edits.append(Edit(Span(*between.span()), " "))
        if plain != match.group():
            edits.append(Edit(Span(*match.span()), plain))
        shown, end = f"{shown} {plain}", match.end()
    spaces = all(edit.text == " " for edit in edits)
    if not edits or end < m.start or (spaces and m.kind != "VBAR"):
        return None
    span, message = (
        Span(edits[0].span.start, edits[-1].span.end),
        "a hyperparameter is its letter and then its number",
    )
    if spaces:
        span, message = m.span, "arguments are separated by spaces, not by `|`"
    way = f"write `{edits[0].text if len(edits) == 1 and not spaces else shown}`"
    return Answer("E104", message, span, way, tuple(edits), True, reads=shown, since=word.start, resume=end)


def _word_before(m: Mistake) -> Token | None:
    """The word of the layer that contains the token; at a `|` the layer's node is already complete."""
    if m.kind != "VBAR":
        parts = (m.part(back).token for back in range(_FARTHEST))
        return next((part for part in parts if part and part.type == "NAME" and is_layer(part.text)), None)
    near = re.split(r"->|[|:\[]", m.head[-200:])[-1]
    match = re.match(r"[ \t]*([A-Za-z]\w*)[ \t]", near)
    if match is None or m.inside or not is_layer(match[1]):
        return None
    start = m.start - len(near) + match.start(1)
    return Token("NAME", match[1], start, start + len(match[1]))


def _argument(text: str, place: int, word: str) -> tuple[re.Match[str] | None, str]:
    """An argument and its form in this language; empty where it is not an argument, or has no such form."""
    if match := _PLAIN.match(text, place):
        return match, match.group()
    if match := _TURNED.match(text, place):
        return match, match[2] + match[1]
    match = _IN_ORDER.match(text, place)
    if match is None:
        return None, ""
    letter = match[1] or match[2].upper()
    if letter == "K" and word in ("maxpool", "avgpool"):
        letter = "F"
    if match[3] == "same":
        return match, f"{letter}same"
    sizes = re.findall("[0-9]+", match[3])
    if len({*sizes}) == 1:
        return match, letter + sizes[0]
    return match, letter + "x".join(sizes) if len(sizes) == 2 and letter not in "KG" else ""


def _several(m: Mistake) -> Answer | None:
    """`K16/32/64`, `K16-32`: more than one number after a letter."""
    match = m.around(r"(?<!\w)([FSPKGD])([0-9]+(?:/[0-9]+){2,}|[0-9]+(?:-[0-9]+)+)(?![\w.])")
    if match is None or m.inside == "(":
        return None
    numbers, message = re.split("[-/]", match[2]), f"`{match.group()}` is not a valid hyperparameter"
    span, letter = Span(*match.span()), match[1]
    if letter in "FSPD" and len(numbers) == 2:
        plain = f"{letter}{'x'.join(numbers)}"
        way = f"rows and columns are joined by `x`: `{plain}`"
        return Answer("E106", message, span, way, (Edit(span, plain),), reads=plain, since=span.start)
    step = re.search(r"([A-Za-z]\w*(?:[ \t]+[\w=*/]+)*)[ \t]*$", m.text[m.begin : match.start()])
    layers = [f"{step[1] if step else 'conv F3'} {letter}{number}" for number in numbers]
    way = f"{letter} is one number: write a layer for each, `{' -> '.join(layers)}`"
    return Answer(
        "E106", message, span, way, reads=f"{letter}{numbers[0]}", since=span.start, resume=span.end
    )


def _by_name(m: Mistake) -> Answer | None:
    """`K{k}`, `K$k`: a value by its name."""
    match = m.around(
        r"(?<!\w)([FSPKGD])[ \t]*(?:\$?\{[ \t]*(\w+)[ \t]*\}|\$(\w+)|\[[ \t]*([a-z]\w*)[ \t]*\])"
    )
    if match is None:
        return None
    name = next(group for group in match.groups()[1:] if group)
    plain, message = f"{match[1]}={name}", "a value by its name follows the letter after `=`"
    if name.isdigit():
        plain, message = f"{match[1]}{name}", "a hyperparameter is its letter and then its number"
    return rewritten(Span(*match.span()), plain, message, code="E104", safe=True, reads=plain)


def _by_axes(m: Mistake) -> Answer | None:
    """`F=1xk`, `F(k)x1`, `F=(k,1)`: sizes of the axes, of which one is no plain number."""
    match = m.around(_AXES) or m.around(_IN_BRACKETS)
    if match is None:
        return None
    marks = "," if match.re is _IN_BRACKETS else r"x(?![^(]*\))"
    sizes = [size.strip() for size in re.split(marks, match[2])]
    sizes = [size[1:-1] if size[0] == "(" else size for size in sizes]
    if all(map(str.isdigit, sizes)) or not all(sizes):
        return None
    plain = f"{match[1]}={'x'.join(size if size.isdigit() else f'({size})' for size in sizes)}"
    message = "a value by its name follows the letter after `=`"
    if "=" in match.group():
        message = "of sizes joined by `x`, those that are no plain numbers stand in parentheses"
    return rewritten(
        Span(*match.span()), plain, message, code="E104", safe=True, reads=plain, since=match.start()
    )


def _glued(m: Mistake) -> Answer | None:
    """`S=2P=1`, `F=3S=2K=8`."""
    match = m.around(rf"(?<![\w.])(?:[FSPKGD]=?{_GLUED}){{2,}}(?![\w.=])")
    if match is None or "=" not in match.group():
        return None
    plain = " ".join(f"{letter}{size}" for letter, size in re.findall(rf"([A-Z])=?({_GLUED})", match.group()))
    message = "a hyperparameter is its letter and then its number"
    return rewritten(
        Span(*match.span()), plain, message, code="E104", safe=True, reads=plain, since=match.start()
    )


ARGUMENTS = (
    Rule({"conv F3 ⟦S=2P=1⟧ K8": "conv F3 S2 P1 K8"}, when=_glued),
    Rule({"let k = 3\nconv F3 ⟦K{k}⟧": "let k = 3\nconv F3 K=k",
          "let k = 3\nconv F3 ⟦K$k⟧": "let k = 3\nconv F3 K=k"}, when=_by_name),
    Rule({"conv F3 ⟦K16/32/64⟧": "", "conv F3 ⟦K16-32⟧": "", "conv ⟦F3-5⟧ K4": "conv F3x5 K4"},
         on="DIVIDE MINUS", last="HYPER", when=_several),
    Rule({"let k = 3\nconv ⟦F=1xk⟧ K4": "let k = 3\nconv F=1x(k) K4",
          "let k = 3\nconv ⟦F(k)x1⟧ K4": "let k = 3\nconv F=(k)x1 K4",
          "let k = 3\nconv ⟦F[k, 1]⟧ K4": "let k = 3\nconv F=(k)x1 K4",
          "let k = 3\nconv ⟦F=(2*k, 1)⟧ K4": "let k = 3\nconv F=(2*k)x1 K4"}, when=_by_axes),
    Rule({"conv ⟦F[3 5]⟧ K8": "conv F3x5 K8", "conv F3 ⟦P(1x1)⟧ K8": "conv F3 P1 K8",
          "conv ⟦f3, k16⟧": "conv F3 K16", "conv ⟦-F 3 -K 16⟧": "conv F3 K16", "conv ⟦3F 16K⟧": "conv F3 K16",
          'conv ⟦"F3" "K16"⟧': "conv F3 K16", "conv F3 ⟦|⟧ K8": "conv F3 K8",
          "conv F3 K8 ⟦P[0,1,0,1]⟧": ""}, when=_layer),
)  # fmt: skip
