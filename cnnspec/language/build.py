"""The tree's nodes, built while parsing: a method for each alias in grammar/cnn.lark.

A method gets the values of the alternative's symbols in order; a token is `(text, start, end)`. Nothing here
recurses: a node is made from nodes that are ready.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Items
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

from cnnspec.diagnostics import Edit, Sink, Span
from cnnspec.language import tree
from cnnspec.language.tables import ARROWS

Token: TypeAlias = tuple[str, int, int]

MAX_DIGITS = 40
"""Of a number, before and behind its point; its exponent is at most this too."""
MAX_DEPTH = 100
"""Operations one inside the other in an expression, and `else if` behind `else if`."""

LETTERS = frozenset("FSPKGD")
ARRIVING = frozenset("CHWi")
RESERVED = frozenset(
    (
        "model",
        "input",
        "let",
        "variant",
        "default",
        "block",
        "shared",
        "output",
        "expect",
        "if",
        "else",
        "and",
        "or",
        "not",
    )
)
_LETTER = re.compile(r"([FSPKGD])(?:(same)|([0-9]+)(?:x([0-9]+))?)")
_HYPER = re.compile(r"(?:[FSPKGD](?:[0-9]+(?:x[0-9]+)?|same))+")
SMALL_HYPER = re.compile(r"(?:[fspkgd](?:[0-9]+(?:x[0-9]+)?|same))+")
_BEHIND = {"input": r"[0-9(]", "output": "@", "expect": r"[a-z]+[ \t]+~?[0-9]", "model": r"\w+[ \t]*[\r\n#]"}
"""How that goes on which a statement says of something: `expect` of a number."""
_UNITS = {"k": 10**3, "M": 10**6, "G": 10**9}
_ONE = Fraction(1)
_ZERO = Fraction(0)


_Part: TypeAlias = tuple[str, int, int, str | None, int, str | None]


def _part(match: re.Match[str]) -> _Part:
    """(letter, start, end, first number or None for `same`, start of the second, second number)."""
    letter, _, first, second = match.groups()
    return letter, match.start(), match.end(), first, match.start(4), second


class Builder:
    """Makes nodes; reports what is well formed but cannot be (a name, a number)."""

    def __init__(self, text: str, sink: Sink) -> None:
        self.text = text
        self.sink = sink
        self.numbers: dict[str, Fraction] = {}
        self.letter_parts: dict[str, list[_Part]] = {}
        # How deep an expression or a chain of `else if` is, by the node's id; a node that is missing is flat.
        self.depths: dict[int, int] = {}
        self.deep: set[int] = set()
        self.brackets: dict[int, tuple[Any, Span]] = {}  # expressions in brackets, by the node's id

    # --- lists and values handed on ---------------------------------------------------------------

    def nothing(self, v: Items[Any]) -> Any:
        return None

    def same(self, v: Items[Any]) -> Any:
        return v[0]

    def one(self, v: Items[Any]) -> list[Any]:
        return [v[0]]

    def append_second(self, v: Items[Any]) -> Any:
        v[0].append(v[1])
        return v[0]

    def append_third(self, v: Items[Any]) -> Any:
        v[0].append(v[2])
        return v[0]

    def spread(self, v: Items[Any]) -> list[Any]:
        return list(v[0])

    def extend_second(self, v: Items[Any]) -> Any:
        v[0].extend(v[1])
        return v[0]

    def extend_third(self, v: Items[Any]) -> Any:
        v[0].extend(v[2])
        return v[0]

    # --- numbers ----------------------------------------------------------------------------------

    def fraction(self, text: str, start: int, end: int) -> Fraction:
        """The exact value of `12`, `0.1`, `1e-6`, `2/3`.

        1 with a finding where it is out of all proportion.
        """
        value = self.numbers.get(text)
        if value is None:
            value = _ONE
            digits = sum(map(str.isdigit, text))
            exponent = re.search(r"[eE][-+]?([0-9]+)", text)
            if digits > MAX_DIGITS:
                self.sink.report(
                    "E603",
                    f"this number has {digits:,} digits; {MAX_DIGITS} are allowed",
                    Span(start, end),
                )
                return value
            if exponent and int(exponent[1]) > MAX_DIGITS:
                self.sink.report(
                    "E603",
                    f"the exponent of this number is larger than {MAX_DIGITS}",
                    Span(start, end),
                )
                return value
            try:
                value = Fraction(text)
            except ZeroDivisionError:
                self.sink.report("E106", f"{text} divides by zero", Span(start, end))
                return value
            except ValueError:
                self.sink.report(
                    "E106", f"{text} is no fraction: whole numbers stand above and below", Span(start, end)
                )
                return value
            self.numbers[text] = value
        return value

    def number(self, v: Items[Any]) -> tree.Number:
        ((text, start, end),) = v
        return tree.Number(self.fraction(text, start, end), text, Span(start, end))

    def dimension(self, token: Token) -> tree.Number:
        text, start, end = token
        if not text.isdigit():
            unit = _UNITS.get(text[-1], 1)
            value = self.fraction(text.strip("~kMG"), start, end) * unit
            self.sink.report(
                "E106",
                f"{text} is no dimension: dimensions are whole numbers",
                Span(start, end),
                help="a dimension is written as digits, `224`, or as an expression in parentheses, `(r/2)`",
            )
            return tree.Number(Fraction(int(value)), text, Span(start, end))
        return tree.Number(self.fraction(text, start, end), text, Span(start, end))

    # --- expressions ------------------------------------------------------------------------------

    def _checked(self, node: Any, *parts: Any, instead: Any = None) -> Any:
        """The node.

        Or its first part with a finding where the node would be too deep for whoever walks it.
        """
        depth = 1 + max(self.depths.get(id(part), 0) for part in parts)
        if depth <= MAX_DEPTH:
            self.depths[id(node)] = depth
            return node
        if node.span.start not in self.deep and node.span.end not in self.deep:
            self.deep.add(node.span.start)
            self.deep.add(node.span.end)
            if len(self.deep) <= 64:
                steps = isinstance(node, tree.GroupStep | tree.BranchStep | tree.IfStep)
                self.sink.report(
                    "E602",
                    f"more than {MAX_DEPTH} {'steps' if steps else 'operations'} inside one another",
                    Span(node.span.start, min(node.span.end, node.span.start + 80)),
                    help="give a part of it a name with " + ("`block`" if steps else "`let`"),
                )
        return instead or parts[0]

    def variable(self, v: Items[Any]) -> tree.Name:
        ((text, start, end),) = v
        return tree.Name(text, Span(start, end))

    def unary(self, v: Items[Any]) -> Any:
        (text, start, _), operand = v
        return self._checked(tree.Unary(text, operand, Span(start, self._whole(operand).end)), operand)

    def binary(self, v: Items[Any]) -> Any:
        left, (text, _, _), right = v
        text = ARROWS.get(text, text)
        span = Span(self._whole(left).start, self._whole(right).end)
        return self._checked(tree.Binary(text, left, right, span), left, right)

    def conditional(self, v: Items[Any]) -> Any:
        then, _, condition, _, otherwise = v
        span = Span(self._whole(then).start, self._whole(otherwise).end)
        return self._checked(tree.Conditional(condition, then, otherwise, span), then, condition, otherwise)

    def function(self, v: Items[Any]) -> Any:
        (text, start, end), arguments, (_, _, last) = v
        node = tree.Function(text[:-1], tuple(arguments), Span(start, last), Span(start, end - 1))
        return self._checked(node, *arguments)

    def parenthesis(self, v: Items[Any]) -> Any:
        (_, start, _), expr, (_, _, end) = v
        self.brackets[id(expr)] = expr, Span(start, end)
        return expr

    def _whole(self, value: Any) -> Span:
        """Where a value stands, with the brackets around it, which are no node."""
        found = self.brackets.get(id(value)) if self.brackets else None
        return value.span if found is None else found[1]

    # --- shapes -----------------------------------------------------------------------------------

    def dim(self, v: Items[Any]) -> list[Any]:
        ((text, start, end),) = v
        return [start, self.dimension((text[:-1], start, end - 1))]

    def dim_expr(self, v: Items[Any]) -> list[Any]:
        (_, start, _), expr, _ = v
        return [start, expr]

    def more_dim(self, v: Items[Any]) -> Any:
        v[0].append(self.dim((v[1],))[1])
        return v[0]

    def more_dim_expr(self, v: Items[Any]) -> Any:
        v[0].append(v[2])
        return v[0]

    def dims_to_number(self, v: Items[Any]) -> tree.Dims:
        (start, *dims), token = v
        return tree.Dims((*dims, self.dimension(token)), Span(start, token[2]))

    def dims_to_expr(self, v: Items[Any]) -> tree.Dims:
        (start, *dims), _, expr, (_, _, end) = v
        return tree.Dims((*dims, expr), Span(start, end))

    def dims_number(self, v: Items[Any]) -> tree.Dims:
        number = self.dimension(v[0])
        return tree.Dims((number,), number.span)

    def dims_expr(self, v: Items[Any]) -> tree.Dims:
        (_, start, _), expr, (_, _, end) = v
        return tree.Dims((expr,), Span(start, end))

    # --- arguments --------------------------------------------------------------------------------

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
        if text[-1] in LETTERS and _HYPER.fullmatch(text[:-1]):  # `F3S1K=k`
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

    def tidied(self, arguments: list[Any]) -> tuple[Any, ...] | None:
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
                made = self.letters(((meant, *span),))
            elif name.upper() in LETTERS and (name in LETTERS or name not in self.bound):
                following = next(rest, None)
                if following is None:
                    found.append(argument)
                    continue
                written = self.text[following.span.start : following.span.end]
                meant = name.upper() + written.strip("()")
                apart = self.text[span.end : following.span.start].strip(" \t")  # a call's comma
                if apart or type(following) is not tree.PositionalArgument or not _HYPER.fullmatch(meant):
                    found += [argument, following]
                    continue
                span = Span(span.start, following.span.end)
                made = [tree.LetterArgument(name.upper(), following.value, True, span)]
            elif _LETTER.match(name) and not _HYPER.fullmatch(name):
                self._no_hyperparameter(name, span)
                return None
            if meant:
                self.sink.report(
                    "E104",
                    f"a hyperparameter is written as in `{meant}`",
                    span,
                    help=f"write `{meant}`",
                    fix=(Edit(span, meant),),
                    safe=True,
                )
                found += made
            else:
                found.append(argument)
        return tuple(found)

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

    # --- steps and lines --------------------------------------------------------------------------

    def layer(self, v: Items[Any]) -> tree.LayerStep | tree.ErrorStep:
        text, start, end = v[0]
        word = Span(start, end)
        if len(v) == 1:
            return tree.LayerStep(text, (), word, word)
        arguments, span = self.tidied(v[1]), Span(start, v[1][-1].span.end)
        return tree.ErrorStep(span) if arguments is None else tree.LayerStep(text, arguments, span, word)

    def call(self, v: Items[Any]) -> tree.CallStep | tree.ErrorStep:
        text, start, end = v[0]
        arguments = self.tidied(v[1]) if len(v) == 3 else ()
        last = v[-1][2]
        if arguments is None:
            return tree.ErrorStep(Span(start, last))
        return tree.CallStep(text[:-1], arguments, Span(start, last), Span(start, end - 1))

    def _sequence(self, items: Items[Any], start: int, end: int) -> tree.Sequence:
        found = tuple(item for item in items if item is not None)
        if found:
            start, end = found[0].span.start, found[-1].span.end
        node = tree.Sequence(found, Span(start, end))
        depths = self.depths
        if depths:
            inner = [
                depths.get(id(step), 0) for item in found if type(item) is tree.Line for step in item.steps
            ]
            if any(inner):
                depths[id(node)] = max(inner)
        return node

    def _nested(self, node: Any, *parts: Any) -> Any:
        return self._checked(node, *parts, instead=tree.ErrorStep(node.span))

    def group(self, v: Items[Any]) -> Any:
        (_, start, inner), items, (_, close, end) = v
        body = self._sequence(items, inner, close)
        return self._nested(tree.GroupStep(body, None, Span(start, end)), body)

    def group_times(self, v: Items[Any]) -> Any:
        (_, start, inner), items, (_, close, _), _, times = v
        body = self._sequence(items, inner, close)
        return self._nested(tree.GroupStep(body, times, Span(start, self._whole(times).end)), body)

    def branch(self, v: Items[Any]) -> Any:
        (text, start, end), (_, _, inner), branches, (_, _close, last) = v
        found = []
        for items in branches:
            found.append(self._sequence(items, inner, inner))
            inner = found[-1].span.end
        return self._nested(tree.BranchStep(text, tuple(found), Span(start, last), Span(start, end)), *found)

    def if_step(self, v: Items[Any]) -> Any:
        (_, start, _), condition, (_, _, inner), items, (_, close, end) = v
        then = self._sequence(items, inner, close)
        return self._nested(tree.IfStep(condition, then, None, Span(start, end)), then)

    def if_else(self, v: Items[Any]) -> Any:
        (_, start, _), condition, (_, _, inner), items, (_, close, _), _, (_, _, inner2), others, last = v
        then, otherwise = self._sequence(items, inner, close), self._sequence(others, inner2, last[1])
        return self._nested(tree.IfStep(condition, then, otherwise, Span(start, last[2])), then, otherwise)

    def if_else_if(self, v: Items[Any]) -> Any:
        (_, start, _), condition, (_, _, inner), items, (_, close, _), _, other = v
        line = tree.Line(None, None, (other,), other.span)
        otherwise = tree.Sequence((line,), other.span)
        then = self._sequence(items, inner, close)
        return self._checked(
            tree.IfStep(condition, then, otherwise, Span(start, other.span.end)), other, then
        )

    def start_step(self, v: Items[Any]) -> list[tree.Step]:
        return [tree.StartStep(v[0], v[0].span)]

    def claim_step(self, v: Items[Any]) -> tree.ClaimStep:
        (_, start, end), claims = v
        found = tuple(claim for claim in claims if claim is not None)
        return tree.ClaimStep(found, Span(start, found[-1].span.end if found else end))

    def line(self, v: Items[Any]) -> tree.Line:
        steps = tuple(v[0])
        return tree.Line(None, None, steps, Span(steps[0].span.start, steps[-1].span.end))

    def line_labelled(self, v: Items[Any]) -> tree.Line:
        label, steps = v[0], tuple(v[1])
        name = self.declared(label, ":")
        return tree.Line(name[0], Span(name[1], name[2]), steps, Span(name[1], steps[-1].span.end))

    # --- claims -----------------------------------------------------------------------------------

    def quantity(self, v: Items[Any]) -> tree.Quantity:
        ((text, start, end),) = v
        digits = text.lstrip("~").replace(",", "")
        unit = _UNITS.get(digits[-1], 1)
        if unit != 1:
            digits = digits[:-1]
        _, _, decimals = digits.partition(".")
        value = self.fraction(digits, start, end) * unit
        step = Fraction(unit, 10 ** min(len(decimals), MAX_DIGITS)) if decimals else Fraction(unit)
        return tree.Quantity(value, step, text[0] == "~", text, Span(start, end))

    def quantity_name(self, v: Items[Any]) -> tree.Quantity:
        ((text, start, end),) = v
        span = Span(start, end)
        return tree.Quantity(_ZERO, _ONE, False, text, span, tree.Name(text, span))

    def quantity_expr(self, v: Items[Any]) -> tree.Quantity:
        (_, start, _), expr, (_, _, end) = v
        return tree.Quantity(_ZERO, _ONE, False, "", Span(start, end), expr)

    def claim(self, v: Items[Any]) -> tree.Claim:
        (text, start, end), value = v
        if text == "out" and type(value) is tree.Quantity:  # `out 10` is a shape
            value = self._shape_of(value)
        return tree.Claim(text, value, Span(start, value.span.end), Span(start, end))

    def _shape_of(self, value: tree.Quantity) -> tree.Dims:
        if value.expression is not None:
            return tree.Dims((value.expression,), value.span)
        digits = value.text.replace(",", "")
        return tree.Dims((self.dimension((digits, *value.span)),), value.span)

    def claim_shape(self, v: Items[Any]) -> tree.Claim:
        return tree.Claim("out", v[0], v[0].span, v[0].span)

    def claim_number(self, v: Items[Any]) -> tree.Claim:
        return self.claim_shape((self._shape_of(self.quantity(v)),))

    def claim_expr(self, v: Items[Any]) -> tree.Claim:
        return self.claim_shape((self.dims_expr(v),))

    # --- statements -------------------------------------------------------------------------------

    def declared(self, token: Token, behind: str = "") -> Token:
        """The name in a token, without what the token took in behind it."""
        text, start, _end = token
        if behind:
            text = text.removesuffix(behind).rstrip(" \t")
        if text in RESERVED:
            self._reserved(text, start)
        return text, start, start + len(text)

    def _reserved(self, text: str, start: int) -> None:
        """E107 for a word of the language as a name, or E102 for `expect: params 3`."""
        end = start + len(text)
        colon = re.compile(r"[ \t]*:[ \t]*").match(self.text, end)
        if colon and text in _BEHIND and re.compile(_BEHIND[text]).match(self.text, colon.end()):
            where = Span(end, colon.end())
            self.sink.report(
                "E102", f"no `:` stands behind `{text}`", where,
                help=f"write `{text}` and a space", fix=(Edit(where, " "),),
            )  # fmt: skip
            return
        self.sink.report(
            "E107", f"`{text}` cannot be a name: it is a word of the language", Span(start, end),
            help="choose another name",
        )  # fmt: skip

    def value_name(self, token: Token, what: str, letters: bool = False) -> tuple[str, Span]:
        """The name of a `let`, a setting or a parameter, with E107 where it cannot be one."""
        text, start, end = token
        span = Span(start, end)
        if text in ARRIVING:
            meaning = (
                "the number of the pass in a repeat" if text == "i" else "the shape that arrives at a step"
            )
            self.sink.report(
                "E107", f"{what} cannot be named {text}: that is {meaning}", span, help="choose another name"
            )
        elif _HYPER.fullmatch(text) and not (letters and text in LETTERS):
            self.sink.report(
                "E107",
                f"{what} cannot be named {text}: it looks like a hyperparameter",
                span,
                help=f"write it small, `{text.lower()}`",
                fix=(Edit(span, text.lower()),),
            )
        return text, span

    def model(self, v: Items[Any]) -> tree.Model:
        (word, name) = v[:2]
        title, end = (v[2][0][1:-1], v[2][2]) if len(v) == 3 else ("", name[2])
        return tree.Model(name[0], title, Span(word[1], end), Span(name[1], name[2]))

    def input(self, v: Items[Any]) -> tree.Input:
        word, shape = v
        return tree.Input(None, shape, Span(word[1], shape.span.end), None)

    def input_named(self, v: Items[Any]) -> tree.Input:
        word, label, shape = v
        name = self.declared(label, ":")
        return tree.Input(name[0], shape, Span(word[1], shape.span.end), Span(name[1], name[2]))

    def let(self, v: Items[Any]) -> tree.Let:
        word, token, _, value = v
        name, span = self.value_name(token, "a `let`")
        return tree.Let(name, value, Span(word[1], self._whole(value).end), span)

    def setting(self, v: Items[Any]) -> tree.Setting:
        token, _, value = v
        name, span = self.value_name(token, "a knob")
        return tree.Setting(name, value, Span(span.start, self._whole(value).end), span)

    def variant(self, v: Items[Any]) -> tree.Variant:
        word, token = v[:2]
        name = self.declared(token, ":" if len(v) == 3 else "")
        settings = tuple(item for item in v[2] if item is not None) if len(v) == 3 else ()
        end = settings[-1].span.end if settings else token[2]
        return tree.Variant(name[0], settings, (), Span(word[1], end), Span(name[1], name[2]))

    def variant_expect(self, v: Items[Any]) -> tree.Variant:
        word, token, expect, claims = v
        return self.variant_settings_expect((word, token, (), None, expect, claims))

    def variant_settings_expect(self, v: Items[Any]) -> tree.Variant:
        word, token, settings, _, expect, claims = v
        name = self.declared(token, ":")
        found = tuple(claim for claim in claims if claim is not None)
        end = found[-1].span.end if found else expect[2]
        return tree.Variant(
            name[0],
            tuple(item for item in settings if item is not None),
            found,
            Span(word[1], end),
            Span(name[1], name[2]),
        )

    def default_word(self, v: Items[Any]) -> list[tree.Name]:
        return [self.variable(v)]

    def default(self, v: Items[Any]) -> tree.Default:
        word, items = v
        words = tuple(item for item in items if type(item) is tree.Name)
        arguments = tuple(item for item in items if type(item) is not tree.Name)
        return tree.Default(words, arguments, Span(word[1], items[-1].span.end))

    def parameter(self, v: Items[Any]) -> tree.Parameter:
        name, span = self.value_name(v[0], "a parameter", letters=True)
        return tree.Parameter(name, "letter" if name in LETTERS else "value", None, span)

    def parameter_default(self, v: Items[Any]) -> tree.Parameter:
        token, _, value = v
        name, span = self.value_name(token, "a parameter", letters=True)
        kind = "letter" if name in LETTERS else "value"
        if kind == "letter" and type(value) is tree.Name and value.name == "same":
            value = tree.Same(value.span)
        return tree.Parameter(name, kind, value, Span(span.start, self._whole(value).end))

    def parameter_tensor(self, v: Items[Any]) -> tree.Parameter:
        ((text, start, end),) = v
        return tree.Parameter(text[1:], "tensor", None, Span(start, end))

    def block_head(self, v: Items[Any]) -> tuple[Any, ...]:
        """(name, parameters, shared, span of the head, span of the name)."""
        word, (text, start, end) = v[:2]
        parameters = tuple(v[2]) if len(v) == 4 else ()
        self.declared((text[:-1], start, end - 1))
        return text[:-1], parameters, word[0] == "shared", Span(word[1], v[-1][2]), Span(start, end - 1)

    def block(self, v: Items[Any]) -> tree.Block:
        head, (_, _, inner), items, (_, close, end) = v
        name, parameters, shared, span, name_span = head
        body = self._sequence(items, inner, close)
        return tree.Block(name, parameters, body, shared, Span(span.start, end), name_span)

    def output(self, v: Items[Any]) -> tree.Output:
        word, references = v
        return tree.Output(tuple(references), Span(word[1], references[-1].span.end))

    def expect(self, v: Items[Any]) -> tree.Expect:
        word, claims = v
        found = tuple(claim for claim in claims if claim is not None)
        return tree.Expect(found, Span(word[1], found[-1].span.end if found else word[2]))
