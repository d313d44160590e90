"""A layer's arguments: hyperparameters `F3 S2`, values by name, labels, matrices."""

from __future__ import annotations

import re
from collections.abc import Sequence as Items
from functools import cached_property
from typing import Any, TypeAlias

from cnnspec.diagnostics import Edit, Sink, Span
from cnnspec.language import tree
from cnnspec.language.builder.expressions import Expressions

LETTERS = frozenset("FSPKGD")
HYPER = re.compile(r"(?:[FSPKGD](?:[0-9]+(?:x[0-9]+)?|same))+")
SMALL_HYPER = re.compile(r"(?:[fspkgd](?:[0-9]+(?:x[0-9]+)?|same))+")
_NAMED_LETTER = re.compile(
    r"((?:[FSPKGD](?:[0-9]+(?:x[0-9]+)?|same))*)([FSPKGD])([0-9]*)([A-Za-z_][A-Za-z0-9_]*)"
)
_LETTER = re.compile(r"([FSPKGD])(?:(same)|([0-9]+)(?:x([0-9]+))?)")

_Part: TypeAlias = tuple[str, int, int, str | None, int, str | None]


def _part(match: re.Match[str]) -> _Part:
    """(letter, start, end, first number or None for `same`, start of the second, second number)."""
    letter, _, first, second = match.groups()
    return letter, match.start(), match.end(), first, match.start(4), second


class Arguments(Expressions):
    def __init__(self, text: str, sink: Sink) -> None:
        super().__init__(text, sink)
        self.letter_parts: dict[str, list[_Part]] = {}

    def letters(self, v: Items[Any]) -> list[tree.LetterArgument]:
        """`F5S1P2` is three."""
        ((text, start, _end),) = v
        parts = self.letter_parts.get(text)
        if parts is None:
            parts = self.letter_parts[text] = list(map(_part, _LETTER.finditer(text)))
        found = []
        for letter, begin, last, first, middle, second in parts:
            begin += start
            last += start
            span = Span(begin + 1, last)
            value: tree.Value
            if first is None:
                value = tree.Same(span)
            elif second is None:
                value = tree.Number(self.fraction(first, begin + 1, last), first, span)
            else:
                one, two = Span(begin + 1, start + middle - 1), Span(start + middle, last)
                value = tree.Dims(
                    (
                        tree.Number(self.fraction(first, *one), first, one),
                        tree.Number(self.fraction(second, *two), second, two),
                    ),
                    span,
                )
            found.append(tree.LetterArgument(letter, value, True, Span(begin, last)))
        return found

    def named(self, v: Items[Any]) -> list[tree.Argument]:
        (text, start, end), _, value = v
        last = self._whole(value).end
        span = Span(start, last)
        if text in LETTERS:
            if type(value) is tree.Name and value.name == "same":
                value = tree.Same(value.span)
            return [tree.LetterArgument(text, value, False, span)]
        if text[-1] in LETTERS and HYPER.fullmatch(text[:-1]):  # `F3S1K=k`
            begin = end - 1
            self.sink.report(
                "E104", f"`{text[-1]}=` is glued to `{text[:-1]}`", Span(start, end),
                help=f"write `{text[:-1]} {text[-1]}=`", fix=(Edit(Span(begin, begin), " "),), safe=True,
            )  # fmt: skip
            letters = self.letters(((text[:-1], start, begin),))
            return [*letters, tree.LetterArgument(text[-1], value, False, Span(begin, last))]
        return [tree.NamedArgument(text, value, span, Span(start, end))]

    def positional(self, v: Items[Any]) -> list[tree.Argument]:
        return [tree.PositionalArgument(v[0], self._whole(v[0]))]

    def positional_range(self, v: Items[Any]) -> list[tree.Argument]:
        found = self.range(v)
        return [tree.PositionalArgument(found, found.span)]

    def range(self, v: Items[Any]) -> tree.Range:
        low, _, high = v
        return tree.Range(low, high, Span(self._whole(low).start, self._whole(high).end))

    def reference(self, v: Items[Any]) -> tree.Reference:
        ((text, start, end),) = v
        return tree.Reference(text[1:], Span(start, end))

    def matrix(self, v: Items[Any]) -> tree.Matrix:
        (_, start, _), planes, (_, _, end) = v
        return tree.Matrix(
            tuple(
                tuple(tuple(self.fraction(*number) for number in row) for row in plane) for plane in planes
            ),
            Span(start, end),
        )

    @cached_property
    def bound(self) -> frozenset[str]:
        """What the file names by `let`, as a block or as a parameter (roughly: asked only for suspects)."""
        names = set(re.findall(r"(?:let|block|shared)[ \t]+([A-Za-z][A-Za-z0-9_]*)", self.text))
        for parameters in re.findall(r"(?:block|shared)[ \t]+[A-Za-z][A-Za-z0-9_]*\(([^{]*)", self.text):
            names.update(re.findall(r"[A-Za-z][A-Za-z0-9_]*", parameters))
        return frozenset(names)

    def tidied(self, arguments: list[Any], word: str = "") -> tuple[Any, ...] | None:
        """The arguments, with `f3`, `F 3` and `F(3)` read as the hyperparameters that they are meant to be
        (E104); None where one cannot be read.
        """
        if not any(
            type(a) is tree.PositionalArgument and type(a.value) in (tree.Name, tree.Function)
            for a in arguments
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
                    meant = f"{name}={self.text[span.start + 1 : span.end]}"
                    made = [tree.LetterArgument(name, value.arguments[0], False, span)]
            elif SMALL_HYPER.fullmatch(name) and name not in self.bound:
                meant = re.sub("[fspkgd](?=[0-9s])", lambda part: part[0].upper(), name)
                meant = meant.replace("Same", "same").replace("PSame", "Psame")
                if word in ("maxpool", "avgpool"):
                    meant = meant.replace("K", "F")  # the kernel, elsewhere
                made = self.letters(((meant, *span),))
            elif name.upper() in LETTERS and (name in LETTERS or name not in self.bound):
                following = next(rest, None)
                if following is None:
                    found.append(argument)
                    continue
                written = self.text[following.span.start : following.span.end]
                meant = name.upper() + written.strip("()")
                apart = self.text[span.end : following.span.start].strip(" \t")  # a call's comma
                if apart or type(following) is not tree.PositionalArgument or not HYPER.fullmatch(meant):
                    found += [argument, following]
                    continue
                span = Span(span.start, following.span.end)
                made = [tree.LetterArgument(name.upper(), following.value, True, span)]
            elif (lettered := self._named_letter(name, span)) is not None:
                meant, made = lettered
            elif _LETTER.match(name) and not HYPER.fullmatch(name):
                self._no_hyperparameter(name, span)
                return None
            if meant:
                self.sink.report(
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

    def _named_letter(self, name: str, span: Span) -> tuple[str, list[tree.LetterArgument]] | None:
        """`Kn`, `F3Kn` and `K2n` of a value n that the file names: `K=n`, `F3 K=n`, `K=2*n`."""
        found = _NAMED_LETTER.fullmatch(name)
        if found is None or found[4] not in self.bound or name in self.bound:
            return None
        start = span.start
        made = self.letters(((found[1], start, start + found.end(1)),)) if found[1] else []
        value: tree.Expr = tree.Name(found[4], Span(start + found.start(4), span.end))
        if found[3]:
            factor = Span(start + found.start(3), start + found.end(3))
            times = tree.Number(self.fraction(found[3], *factor), found[3], factor)
            value = tree.Binary("*", times, value, Span(factor.start, span.end))
        made.append(tree.LetterArgument(found[2], value, False, Span(start + found.start(2), span.end)))
        written = f"{found[2]}={found[3]}*{found[4]}" if found[3] else f"{found[2]}={found[4]}"
        return f"{found[1]} {written}".strip(), made

    def _no_hyperparameter(self, name: str, span: Span) -> None:
        size = re.fullmatch(r"F([0-9]+)x([0-9]+)x[0-9]+", name)
        if size is not None:
            plain = f"F{size[1]}" if size[1] == size[2] else f"F{size[1]}x{size[2]}"
            self.sink.report(
                "E106", f"`{name}` is no filter size: its depth is that of what arrives", span,
                help=f"write `{plain}`", fix=(Edit(span, plain),),
            )  # fmt: skip
            return
        self.sink.report(
            "E106", f"`{name}` is no hyperparameter", span,
            help="a number follows the letter, `K64`; k, M and G stand in claims only",
        )  # fmt: skip
