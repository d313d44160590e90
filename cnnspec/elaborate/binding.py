"""Arguments bound: from the words, letters and values of a step to the frozen op that they make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

from cnnspec.diagnostics import Edit, Related, Sink, Span
from cnnspec.elaborate.values import Lookup, NoValue, evaluate, number, shown, whole
from cnnspec.language import tree
from cnnspec.language.write import write_expr
from cnnspec.ops.base import Argument, Init, Op, arguments_of


@dataclass(slots=True)
class Bound:
    """What binding gives: field values, where each stands, which the author wrote as expressions, and the
    tensors."""

    values: dict[str, Any] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    written: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tensors: dict[str, tree.Reference] = field(default_factory=dict)
    kept: bool = False
    """The op depends on nothing but its text, and is kept for the next step with the same text."""

    def moved(self, by: int) -> Bound:
        """The same arguments `by` characters further on in the text."""
        spans = {name: Span(start + by, end + by) for name, (start, end) in self.spans.items()}
        return Bound(self.values, spans, kept=self.kept)


class Slots:
    """How the arguments of an op are written, looked up by letter, keyword, flag and place."""

    def __init__(self, op: type[Op]) -> None:
        self.fields: dict[str, Argument] = {}
        self.letters: dict[str, tuple[str, Argument]] = {}
        self.keywords: dict[str, tuple[str, Argument]] = {}
        self.flags: dict[str, tuple[str, Any]] = {}
        self.places: list[tuple[str, Argument]] = []
        for name, argument in arguments_of(op):
            self.fields.setdefault(name, argument)
            if argument.letter:
                self.letters[argument.letter] = name, argument
            if argument.keyword:
                self.keywords[argument.keyword] = name, argument
            for word, value in argument.flags:
                self.flags[word] = name, value
            if argument.positional is not None:
                self.places.append((name, argument))
        self.places.sort(key=lambda entry: entry[1].positional or 0)

    def listed(self) -> str:
        """`F K S P G D bias= nobias …`: what may be written."""
        words = [*self.letters, *(f"{word}=" for word in self.keywords), *self.flags]
        if self.places:
            words.insert(0, "a value")
        return " ".join(words) if words else "nothing"


@cache
def slots_of(op: type[Op]) -> Slots:
    return Slots(op)


class Binder:
    """Binds the arguments of one layer; findings go to the sink, and `bind` gives None after an error."""

    def __init__(self, sink: Sink, lookup: Lookup, digits: int, dimension: int) -> None:
        self.sink = sink
        self.lookup = lookup
        self.digits = digits
        self.dimension = dimension

    def bind(
        self,
        op: type[Op],
        word: str,
        word_span: Span,
        defaults: Iterable[tree.Argument],
        own: Iterable[tree.Argument],
    ) -> tuple[Op, Bound] | None:
        slots = slots_of(op)
        bound = Bound()
        ok = self._take(slots, word, defaults, bound)
        given: dict[str, Span] = {}
        ok = self._take(slots, word, own, bound, given) and ok
        if not ok:
            return None
        return self._construct(op, word, word_span, slots, bound)

    def _take(
        self,
        slots: Slots,
        word: str,
        arguments: Iterable[tree.Argument],
        bound: Bound,
        given: dict[str, Span] | None = None,
    ) -> bool:
        ok = True
        place = 0
        for argument in arguments:
            try:
                if isinstance(argument, tree.PositionalArgument):
                    entry = self._flag(slots, argument)
                    if entry is not None:
                        name, value = entry
                        self._put(slots, bound, given, name, value, argument.span, word)
                        continue
                    while place < len(slots.places) and given and slots.places[place][0] in given:
                        place += 1
                    if place >= len(slots.places):
                        raise self._surplus(slots, word, argument)
                    name, declared = slots.places[place]
                    place += 1
                elif isinstance(argument, tree.LetterArgument):
                    if argument.letter not in slots.letters:
                        raise self._no_letter(slots, word, argument)
                    name, declared = slots.letters[argument.letter]
                else:
                    if argument.name not in slots.keywords:
                        raise self._no_keyword(slots, word, argument)
                    name, declared = slots.keywords[argument.name]
                self._put(slots, bound, given, name, self._value(declared, argument), argument.span, word)
                if declared.kind == "tensor" and isinstance(argument.value, tree.Reference):
                    bound.tensors[name] = argument.value
                text = written(argument.value)
                if text is not None:
                    bound.written[name] = text
            except NoValue as problem:
                ok = False
                problem.tell(self.sink)
        return ok

    def _put(
        self,
        slots: Slots,
        bound: Bound,
        given: dict[str, Span] | None,
        name: str,
        value: Any,
        span: Span,
        word: str,
    ) -> None:
        if given is not None:
            if name in given:
                what = _how(slots.fields[name])
                raise NoValue(
                    "E204",
                    f"`{word}` is given {what} twice",
                    span,
                    related=(Related(given[name], "first here"),),
                    help="keep one of the two",
                )
            given[name] = span
            bound.spans[name] = span
            for other in slots.fields[name].replaces:
                if other not in given:
                    bound.values.pop(other, None)  # of a default that this says otherwise than
        bound.values[name] = value
        bound.written.pop(name, None)

    def _flag(self, slots: Slots, argument: tree.PositionalArgument) -> tuple[str, Any] | None:
        return slots.flags.get(argument.value.name) if isinstance(argument.value, tree.Name) else None

    # --- values ---------------------------------------------------------------------------------------

    def _value(self, declared: Argument, argument: tree.Argument) -> Any:
        value = argument.value
        match declared.kind:
            case "integer":
                return self._integer(value)
            case "pair":
                return self._pair(value, declared.same)
            case "number":
                return Fraction(self._number(value))
            case "shape":
                return self._shape(value)
            case "range":
                if isinstance(value, tree.Range):
                    return self._integer(value.low), self._integer(value.high)
                return self._lone(value)
            case "matrix":
                return self._matrix(value)
            case "connections":
                return self._connections(value)
            case "init":
                return self._init(value)
            case "tensor":
                if isinstance(value, tree.Reference):
                    return True
                raise NoValue("E205", "this wants a tensor by its label: `@name`", value.span)
            case "flag":
                raise NoValue("E205", "this is a word and takes no value", argument.span)

    def _lone(self, value: tree.Value) -> tuple[int, int]:
        """`pad channels=8` is `0:8`: zero maps after the last."""
        return 0, self._integer(value)

    def _expr(self, value: tree.Value, wanted: str) -> tree.Expr:
        if isinstance(value, tree.Dims) and len(value.dims) == 1:
            return value.dims[0]
        if isinstance(
            value, (tree.Number, tree.Name, tree.Unary, tree.Binary, tree.Conditional, tree.Function)
        ):
            return value
        raise NoValue("E205", f"this wants {wanted}, not {_what(value)}", value.span)

    def _integer(self, value: tree.Value) -> int:
        return self._sized(whole(self._expr(value, "a whole number"), self.lookup, self.digits), value.span)

    def _number(self, value: tree.Value) -> int | Fraction:
        return number(self._expr(value, "a number"), self.lookup, self.digits)

    def _pair(self, value: tree.Value, same: bool) -> Any:
        if isinstance(value, tree.Same):
            if same:
                return "same"
            raise NoValue("E205", "`same` is a padding only", value.span, help="give numbers: F3, S2, D1")
        if isinstance(value, tree.Dims) and len(value.dims) == 2:
            return self._integer(value.dims[0]), self._integer(value.dims[1])
        if isinstance(value, tree.Name):
            known = evaluate(value, self.lookup, self.digits)
            if isinstance(known, tuple):
                return known
            if known == "same" and same:
                return known
        one = self._integer(value)
        return one, one

    def _shape(self, value: tree.Value) -> tuple[int, ...]:
        if isinstance(value, tree.Dims):
            return tuple(self._integer(dim) for dim in value.dims)
        return (self._integer(value),)

    def _sized(self, value: int, span: Span) -> int:
        if abs(value) > self.dimension:
            raise NoValue(
                "E604",
                f"{value:,} is more than the largest size allowed, {self.dimension:,}",
                span,
                help="no tensor has room for so much",
            )
        return value

    def _matrix(self, value: tree.Value) -> Any:
        if isinstance(value, tree.Matrix):
            return value.planes
        return ((((Fraction(self._number(value))),),),)

    def _connections(self, value: tree.Value) -> tuple[tuple[int, ...], ...]:
        if not isinstance(value, tree.Matrix):
            raise NoValue(
                "E205",
                "`connect=` wants a table: the maps that each filter reads",
                value.span,
                help="connect=[0 1 2; 1 2 3]",
            )
        if len(value.planes) != 1:
            raise NoValue("E215", "`connect=` is one table; `|` separates planes of weights", value.span)
        rows = []
        for row in value.planes[0]:
            for cell in row:
                if cell.denominator != 1 or cell < 0:
                    raise NoValue(
                        "E215", f"a connection is the number of a map, from 0, not {cell}", value.span
                    )
            rows.append(tuple(cell.numerator for cell in row))
        return tuple(rows)

    def _init(self, value: tree.Value) -> Init:
        if isinstance(value, tree.Name):
            name, arguments = value.name, tuple[tree.Expr, ...]()
        elif isinstance(value, tree.Function):
            name, arguments = value.name, value.arguments
        else:
            raise NoValue("E205", "`init=` wants a name: he, xavier, normal(0.01), …", value.span)
        return Init(
            name, *(Fraction(number(argument, self.lookup, self.digits)) for argument in arguments[:1])
        )

    # --- what does not fit ----------------------------------------------------------------------------

    def _surplus(self, slots: Slots, word: str, argument: tree.PositionalArgument) -> NoValue:
        value = argument.value
        if isinstance(value, tree.Name):
            from cnnspec.diagnostics.foreign import ARGUMENTS
            from cnnspec.diagnostics.suggest import nearest

            near = nearest(value.name, [*slots.flags, *slots.keywords], ARGUMENTS)
            if near:
                return NoValue(
                    "E202", f"`{word}` has no `{value.name}`", argument.span, f"did you mean `{near}`?"
                )
        takes = slots.listed()
        return NoValue(
            "E202",
            f"`{word}` does not take {_what(value)} here",
            argument.span,
            help=f"`{word}` takes {takes}",
        )

    def _no_letter(self, slots: Slots, word: str, argument: tree.LetterArgument) -> NoValue:
        letters = " ".join(slots.letters)
        return NoValue(
            "E202",
            f"`{word}` has no {argument.letter}",
            argument.span,
            help=f"`{word}` takes {letters}" if letters else f"`{word}` takes {slots.listed()}",
        )

    def _no_keyword(self, slots: Slots, word: str, argument: tree.NamedArgument) -> NoValue:
        from cnnspec.diagnostics.foreign import ARGUMENTS, UNNEEDED
        from cnnspec.diagnostics.suggest import fold, nearest

        message, span = f"`{word}` has no `{argument.name}=`", argument.name_span
        unneeded = UNNEEDED.get(fold(argument.name))
        if unneeded is not None:
            return NoValue("E202", message, span, help=unneeded)
        near = nearest(argument.name, [*slots.keywords, *slots.flags, *slots.letters], ARGUMENTS)
        if near is None and ARGUMENTS.get(fold(argument.name)) == "K" and slots.places:
            near = ""
        if near is None:
            return NoValue("E202", message, span, help=f"`{word}` takes {slots.listed()}")
        if near in slots.flags and near not in slots.keywords:
            return NoValue("E202", message, span, help=f"`{near}` is a word by itself, without `=`")
        text = written_or(argument.value)
        if near in slots.letters and text.replace("x", "").isdigit():
            way = f"{near}{text}"
        else:
            way = f"{near}={text}" if near else text
        return NoValue("E202", message, span, help=f"write {way}", fix=(Edit(argument.span, way),))

    def _construct(
        self, op: type[Op], word: str, word_span: Span, slots: Slots, bound: Bound
    ) -> tuple[Op, Bound] | None:
        from pydantic import ValidationError

        try:
            return op(**bound.values), bound
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self._refused(op, word, word_span, slots, bound, detail)
            return None

    def _refused(
        self, op: type[Op], word: str, word_span: Span, slots: Slots, bound: Bound, detail: Any
    ) -> None:
        name = str(detail["loc"][0]) if detail["loc"] else None
        argument = slots.fields.get(name) if name else None
        if detail["type"] == "missing" and argument is not None:
            self.sink.report(
                "E203",
                f"`{word}` needs {_how(argument)}: {argument.doc}",
                word_span,
                help=f"for instance {_sample(word, argument)}",
            )
            return
        span = bound.spans.get(name or "", word_span)
        if detail["type"] in ("value_error", "assertion_error"):
            message = str(detail["ctx"]["error"])
            self.sink.report("E204" if "exclude" in message else "E205", message, span)
            return
        wanted = str(detail["msg"]).replace("Input should be", "it must be")
        value = detail["input"]
        told = _told(value)
        what = f"{_how(argument)}" if argument is not None else "this"
        way = f"for instance {_sample(word, argument)}" if argument is not None else ""
        self.sink.report("E205", f"{what} of `{word}` cannot be {told}: {wanted}", span, help=way)


def _told(value: Any) -> str:
    """The refused value as a spec writes it."""
    if isinstance(value, Init):
        return value.scheme if value.value is None else f"{value.scheme}({value.value})"
    if isinstance(value, (int, Fraction, str)):
        return shown(value)
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(size, int) for size in value):
        return shown(value)
    return "this"


def _how(argument: Argument) -> str:
    if argument.letter:
        return argument.letter
    if argument.keyword:
        return f"`{argument.keyword}=`"
    return "a value"


def _sample(word: str, argument: Argument) -> str:
    if argument.letter:
        size = {"K": 64, "F": 3, "G": 32}.get(argument.letter, 1)
        return f"`{word} {argument.letter}{size}`"
    samples = {
        "shape": "7x7",
        "tensor": "@label",
        "range": "0:16",
        "init": "he",
        "matrix": "[1 0 -1]",
        "number": "0.5",
    }
    value = samples.get(argument.kind, "2")
    return f"`{word} {value}`" if argument.positional is not None else f"`{word} {argument.keyword}={value}`"


def _what(value: tree.Value) -> str:
    match value:
        case tree.Dims():
            return "a size"
        case tree.Range():
            return "a range"
        case tree.Matrix():
            return "a matrix"
        case tree.Reference():
            return f"the tensor @{value.name}"
        case tree.Same():
            return "`same`"
        case tree.Name():
            return f"`{value.name}`"
        case _:
            return f"the value {write_expr(value)}"


def written_or(value: tree.Value) -> str:
    """The text of an argument's value, for a message."""
    match value:
        case tree.Dims():
            return "x".join(write_expr(dim) for dim in value.dims)
        case tree.Range() | tree.Matrix() | tree.Reference() | tree.Same():
            return "…"
        case _:
            return write_expr(value)


def written(value: tree.Value) -> tuple[str, ...] | None:
    """The canonical texts of an argument that names something, a text a dimension; None where it is
    literal."""
    match value:
        case tree.Matrix() | tree.Reference() | tree.Same() | tree.Number():
            return None
        case tree.Dims():
            parts: tuple[tree.Expr, ...] = value.dims
        case tree.Range():
            parts = (value.low, value.high)
        case _:
            parts = (value,)
    if not any(_names_something(part) for part in parts):
        return None
    return tuple(write_expr(part) for part in parts)


def _names_something(expr: tree.Expr) -> bool:
    stack: list[tree.Expr] = [expr]
    while stack:
        node = stack.pop()
        match node:
            case tree.Name():
                return True
            case tree.Number():
                pass
            case tree.Unary():
                stack.append(node.operand)
            case tree.Binary():
                stack += (node.left, node.right)
            case tree.Conditional():
                stack += (node.condition, node.then, node.otherwise)
            case tree.Function():
                stack += node.arguments
    return False
