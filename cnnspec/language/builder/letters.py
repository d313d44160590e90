"""Hyperparameters in another form: `f3`, `F 3`, `F(3)`, `Kn`, `F1xk`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from cnnspec.diagnostics import Edit, Span
from cnnspec.language import tree
from cnnspec.language.builder.context import Context
from cnnspec.language.builder.values import HYPER, hyperparameters, number
from cnnspec.language.tokens import LETTERS

_SMALL = r"(?:[fspkgd](?:[0-9]+(?:x[0-9]+){0,2}|same))+"
_NAMED = r"((?:[FSPKGD](?:[0-9]+(?:x[0-9]+){0,2}|same))*)([FSPKGD])([0-9]*)([A-Za-z_][A-Za-z0-9_]*)"
_OF_PAPERS = re.compile(r"\bk[0-9]+[ \t]*n[0-9]+[ \t]*s[0-9]+\b")
"""Matches `k3n64s1`, where k is the size of the kernel: it is translated as a whole."""
Meant: TypeAlias = tuple[str, list[tree.LetterArgument]]
"""The correct form, and its value."""


def tidied(c: Context, arguments: list[Any], word: str = "") -> tuple[Any, ...] | None:
    """The arguments, with `f3`, `F 3` and `F(3)` read as hyperparameters (E104); None where one cannot be
    read.
    """
    suspects = (tree.Name, tree.Function)
    if not any(
        _with_axes(a)
        if type(a) is tree.LetterArgument
        else type(a) is tree.PositionalArgument and type(a.value) in suspects
        for a in arguments
    ):
        return tuple(arguments)
    if _OF_PAPERS.search(c.text, arguments[0].span.start, arguments[-1].span.end):
        return tuple(arguments)
    tidy: list[Any] = []
    mended: list[Edit] = []
    rest = iter(arguments)
    for argument in rest:
        value, span = argument.value, argument.span
        reading: Meant | None = None
        if type(argument) is tree.LetterArgument and _with_axes(argument) and value.name not in c.bound:
            sizes = _axes(c, value.name, value.span.start)
            reading = _by_axes(argument.letter, sizes, span) if sizes else None
        elif type(argument) is not tree.PositionalArgument or type(value) not in suspects:
            pass
        elif type(value) is tree.Function:
            reading = _in_brackets(c, value)
        elif value.name.upper() in LETTERS and (value.name in LETTERS or value.name not in c.bound):
            following = next(rest, None)
            reading = _apart(c, argument, following)
            if reading is None:
                tidy += [argument, following] if following else [argument]
                continue
            span = Span(span.start, following.span.end) if following else span
        else:
            reading = _in_one_word(c, value.name, span, word)
            if (
                reading is None
                and re.match("[FSPKGD](?:[0-9]|same)", value.name)
                and not HYPER.fullmatch(value.name)
            ):
                _no_hyperparameter(c, value.name, span)
                return None
        if reading is None:
            tidy.append(argument)
            continue
        mended.append(Edit(span, reading[0]))
        tidy += reading[1]
    if mended:
        _report(c, mended, word, arguments)
    return tuple(tidy)


def _report(c: Context, mended: list[Edit], word: str, arguments: list[Any]) -> None:
    """One finding for a layer, however many of its letters are in another form."""
    message = "a hyperparameter is its letter and then its number"
    if any("=" in edit.text for edit in mended):
        message = "a value by its name follows the letter after `=`"
    if "=" in c.text[slice(*mended[0].span)]:
        message = "of sizes joined by `x`, those that are no plain numbers stand in parentheses"
    span, plain = Span(mended[0].span.start, mended[-1].span.end), mended[0].text
    if len(mended) > 1:
        first, last = arguments[0].span.start, arguments[-1].span.end
        plain, done = f"{word} ".lstrip(), first
        for edit in mended:
            plain += c.text[done : edit.span.start] + edit.text
            done = edit.span.end
        plain += c.text[done:last]
    c.sink.report("E104", message, span, help=f"write `{plain}`", fix=tuple(mended), safe=True)


def _in_brackets(c: Context, value: tree.Function) -> Meant | None:
    """`F(3)`, `F(3, 5)`."""
    name, span, sizes = value.name, value.span, value.arguments
    if re.fullmatch("[FSPD][0-9]+x", name) and len(sizes) == 1:
        first = number(c, name[1:-1], span.start + 1, span.start + len(name) - 1)
        return _by_axes(name[0], (first, *sizes), span)
    if name not in LETTERS:
        return None
    if len(sizes) in (2, 3) and name in "FSPD" and any(type(size) is not tree.Number for size in sizes):
        return _by_axes(name, sizes, span)
    if len(sizes) == 1 and not c.text[slice(*sizes[0].span)].isdigit():
        plain = f"{name}={c.text[span.start + 1 : span.end]}"
        return plain, [tree.LetterArgument(name, sizes[0], False, span)]
    rows, *columns = (c.text[slice(*size.span)] for size in sizes)
    plain = f"{name}{rows}" if columns in ([], [rows]) else f"{name}{rows}x{'x'.join(columns)}"
    if not HYPER.fullmatch(plain) or (columns and name in "KG"):
        return None
    return plain, hyperparameters(c, plain, span.start)


def _apart(c: Context, letter: tree.PositionalArgument, following: Any) -> Meant | None:
    """`F 3`."""
    if type(following) is not tree.PositionalArgument:
        return None
    name = c.text[letter.span.start : letter.span.end].upper()
    plain = name + c.text[following.span.start : following.span.end].strip("()")
    comma = c.text[letter.span.end : following.span.start].strip(" \t")
    if comma or not HYPER.fullmatch(plain):
        return None
    span = Span(letter.span.start, following.span.end)
    value = hyperparameters(c, plain, span.start)[0].value if plain.endswith("same") else following.value
    return plain, [tree.LetterArgument(name, value, True, span)]


def _in_one_word(c: Context, name: str, span: Span, word: str) -> Meant | None:
    """`f3`; `Kn`, `F3Kn` and `K2n` of a value n that the file names: `K=n`, `F3 K=n`, `K=2*n`."""
    if name in c.bound:
        return None
    start = span.start
    if re.fullmatch(_SMALL, name):
        plain = re.sub("[fspkgd](?=[0-9s])", lambda part: part[0].upper(), name)
        if word in ("maxpool", "avgpool"):
            plain = plain.replace("K", "F")  # the kernel, elsewhere
        return plain, hyperparameters(c, plain, start)
    if re.fullmatch("[FSPKGD]_[0-9]+(?:x[0-9]+)?", name):
        return name.replace("_", ""), hyperparameters(c, name.replace("_", ""), start)
    if name[0] in "FSPD" and "x" in name and (sizes := _axes(c, name[1:], start + 1)):
        return _by_axes(name[0], sizes, span)
    match = re.fullmatch(_NAMED, name)
    if match is None or match[4] not in c.bound:
        return None
    value: tree.Expr = tree.Name(match[4], Span(start + match.start(4), span.end))
    if match[3]:
        factor = number(c, match[3], start + match.start(3), start + match.end(3))
        value = tree.Binary("*", factor, value, Span(factor.span.start, span.end))
    letter = tree.LetterArgument(match[2], value, False, Span(start + match.start(2), span.end))
    plain = f"{match[1]} {match[2]}={match[3]}{'*' if match[3] else ''}{match[4]}"
    return plain.strip(), [*hyperparameters(c, match[1], start), letter]


def _with_axes(argument: tree.LetterArgument) -> bool:
    """Whether a letter's value may be `kx1`: sizes joined by `x` that were read as one name."""
    return type(argument.value) is tree.Name and "x" in argument.value.name and argument.letter in "FSPD"


def _axes(c: Context, text: str, start: int) -> list[tree.Expr]:
    """The sizes of `1xk`, of numbers and of names that the file defines; empty where one is neither."""
    sizes: list[tree.Expr] = []
    for part in text.split("x"):
        if not part.isdigit() and part not in c.bound:
            return []
        span = Span(start, start + len(part))
        sizes.append(number(c, part, *span) if part.isdigit() else tree.Name(part, span))
        start = span.end + 1
    return sizes if len(sizes) in (2, 3) else []


def _by_axes(letter: str, sizes: Sequence[tree.Expr], span: Span) -> Meant:
    """`F=1x(k)`: a size for each axis, of which one is no plain number."""
    from cnnspec.language.write import write_dims

    dims = tree.Dims(tuple(sizes), Span(sizes[0].span.start, span.end))
    return f"{letter}={write_dims(dims)}", [tree.LetterArgument(letter, dims, False, span)]


def _no_hyperparameter(c: Context, name: str, span: Span) -> None:
    message = f"`{name}` is not a hyperparameter"
    way = "a number follows the letter, `K64`; k, M and G are allowed in claims only"
    fix: tuple[Edit, ...] = ()
    other = re.fullmatch(r"(?:[FSPKGD](?:[0-9]+(?:x[0-9]+)?|same))+([A-CEH-JL-OQRT-Z])[0-9]+.*", name)
    power = re.fullmatch(r"([FSPKGD])([0-9]+)e([0-9])", name)
    if power is not None:
        plain = f"{power[1]}{int(power[2]) * 10 ** int(power[3])}" if len(power[2]) < 10 else power[1]
        way, fix = f"write its digits: `{plain}`", (Edit(span, plain),)
    if re.fullmatch(r"[FSPD][0-9]+(?:X[0-9]+)+", name):
        plain = name.replace("X", "x")
        way, fix = f"write `{plain}`: rows and columns are joined by a lower-case `x`", (Edit(span, plain),)
    elif other is not None:
        way = f"there is no letter {other[1]}: the letters are F, S, P, K, G and D"
    if HYPER.fullmatch(glued := re.sub("(?<=[0-9])[x_](?=[FSPKGD])", "", name)):
        plain = re.sub("(?<=[0-9a-z])(?=[FSPKGD])", " ", glued)
        message, way, fix = f"`{name}` is not a hyperparameter", f"write `{plain}`", (Edit(span, plain),)
    c.sink.report("E106", message, span, help=way, fix=fix)
