"""Hyperparameters, `F3 S2` and `F5S1P2`; and what is meant as one: `f3`, `F 3`, `F(3)`, `Kn`."""

from __future__ import annotations

import re
from typing import Any

from cnnspec.diagnostics import Edit, Span
from cnnspec.language import tree
from cnnspec.language.builder.context import Context, LetterPart
from cnnspec.language.builder.expressions import fraction
from cnnspec.language.tokens import LETTERS

HYPER = re.compile(r"(?:[FSPKGD](?:[0-9]+(?:x[0-9]+)?|same))+")
SMALL_HYPER = re.compile(r"(?:[fspkgd](?:[0-9]+(?:x[0-9]+)?|same))+")
_NAMED_LETTER = re.compile(
    r"((?:[FSPKGD](?:[0-9]+(?:x[0-9]+)?|same))*)([FSPKGD])([0-9]*)([A-Za-z_][A-Za-z0-9_]*)"
)
_LETTER = re.compile(r"([FSPKGD])(?:(same)|([0-9]+)(?:x([0-9]+))?)")


def _part(match: re.Match[str]) -> LetterPart:
    """(letter, start, end, first number or None for `same`, start of the second, second number)."""
    letter, _, first, second = match.groups()
    return letter, match.start(), match.end(), first, match.start(4), second


def hyperparameters(c: Context, text: str, start: int) -> list[tree.LetterArgument]:
    """`F5S1P2` is three."""
    parts = c.letters.get(text)
    if parts is None:
        parts = c.letters[text] = list(map(_part, _LETTER.finditer(text)))
    found = []
    for letter, begin, last, first, middle, second in parts:
        begin += start
        last += start
        span = Span(begin + 1, last)
        value: tree.Value
        if first is None:
            value = tree.Same(span)
        elif second is None:
            value = tree.Number(fraction(c, first, begin + 1, last), first, span)
        else:
            one, two = Span(begin + 1, start + middle - 1), Span(start + middle, last)
            value = tree.Dims(
                (
                    tree.Number(fraction(c, first, *one), first, one),
                    tree.Number(fraction(c, second, *two), second, two),
                ),
                span,
            )
        found.append(tree.LetterArgument(letter, value, True, Span(begin, last)))
    return found


def tidied(c: Context, arguments: list[Any], word: str = "") -> tuple[Any, ...] | None:
    """The arguments, with `f3`, `F 3` and `F(3)` read as the hyperparameters that they are meant to be
    (E104); None where one cannot be read.
    """
    if not any(
        type(a) is tree.PositionalArgument and type(a.value) in (tree.Name, tree.Function) for a in arguments
    ):
        return tuple(arguments)
    found: list[Any] = []
    rest = iter(arguments)
    for argument in rest:
        value = argument.value
        if type(argument) is not tree.PositionalArgument or type(value) not in (tree.Name, tree.Function):
            found.append(argument)
            continue
        name, span = value.name, argument.span
        meant = ""
        if type(value) is tree.Function:
            if name in LETTERS and len(value.arguments) == 1:
                meant = f"{name}={c.text[span.start + 1 : span.end]}"
                made = [tree.LetterArgument(name, value.arguments[0], False, span)]
        elif SMALL_HYPER.fullmatch(name) and name not in c.bound:
            meant = re.sub("[fspkgd](?=[0-9s])", lambda part: part[0].upper(), name)
            meant = meant.replace("Same", "same").replace("PSame", "Psame")
            if word in ("maxpool", "avgpool"):
                meant = meant.replace("K", "F")  # the kernel, elsewhere
            made = hyperparameters(c, meant, span.start)
        elif name.upper() in LETTERS and (name in LETTERS or name not in c.bound):
            following = next(rest, None)
            if following is None:
                found.append(argument)
                continue
            written = c.text[following.span.start : following.span.end]
            meant = name.upper() + written.strip("()")
            apart = c.text[span.end : following.span.start].strip(" \t")  # a call's comma
            if apart or type(following) is not tree.PositionalArgument or not HYPER.fullmatch(meant):
                found += [argument, following]
                continue
            span = Span(span.start, following.span.end)
            made = [tree.LetterArgument(name.upper(), following.value, True, span)]
        elif (lettered := _named_letter(c, name, span)) is not None:
            meant, made = lettered
        elif _LETTER.match(name) and not HYPER.fullmatch(name):
            _no_hyperparameter(c, name, span)
            return None
        if meant:
            c.sink.report(
                "E104",
                f"a hyperparameter is written as in `{meant}`"
                if "=" not in meant or type(value) is tree.Function
                else f"behind its letter stands a number; a value by its name follows `=`: `{meant}`",
                span,
                help=f"write `{meant}`",
                fix=(Edit(span, meant),),
                safe=True,
            )
            found += made
        else:
            found.append(argument)
    return tuple(found)


def _named_letter(c: Context, name: str, span: Span) -> tuple[str, list[tree.LetterArgument]] | None:
    """`Kn`, `F3Kn` and `K2n` of a value n that the file names: `K=n`, `F3 K=n`, `K=2*n`."""
    found = _NAMED_LETTER.fullmatch(name)
    if found is None or found[4] not in c.bound or name in c.bound:
        return None
    start = span.start
    made = hyperparameters(c, found[1], start) if found[1] else []
    value: tree.Expr = tree.Name(found[4], Span(start + found.start(4), span.end))
    if found[3]:
        factor = Span(start + found.start(3), start + found.end(3))
        times = tree.Number(fraction(c, found[3], *factor), found[3], factor)
        value = tree.Binary("*", times, value, Span(factor.start, span.end))
    made.append(tree.LetterArgument(found[2], value, False, Span(start + found.start(2), span.end)))
    written = f"{found[2]}={found[3]}*{found[4]}" if found[3] else f"{found[2]}={found[4]}"
    return f"{found[1]} {written}".strip(), made


def _no_hyperparameter(c: Context, name: str, span: Span) -> None:
    size = re.fullmatch(r"F([0-9]+)x([0-9]+)x[0-9]+", name)
    if size is not None:
        plain = f"F{size[1]}" if size[1] == size[2] else f"F{size[1]}x{size[2]}"
        c.sink.report(
            "E106", f"`{name}` is no filter size: its depth is that of what arrives", span,
            help=f"write `{plain}`", fix=(Edit(span, plain),),
        )  # fmt: skip
        return
    c.sink.report(
        "E106", f"`{name}` is no hyperparameter", span,
        help="a number follows the letter, `K64`; k, M and G stand in claims only",
    )  # fmt: skip
