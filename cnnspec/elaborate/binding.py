"""Arguments bound: from the words, letters and values of a step to the frozen op that they make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from types import ModuleType
from typing import Any

from cnnspec.diagnostics import Related, Sink, Span
from cnnspec.elaborate.values import Lookup, NoValue, Unknown, evaluate, number, whole
from cnnspec.language import tree
from cnnspec.language.write import write_expr
from cnnspec.ops.base import Argument, Init, Op, arguments_of


@dataclass(eq=False, repr=False)
class BoundArguments:
    """What binding gives: field values, where each stands, which the author wrote as expressions, and the
    tensors."""

    values: dict[str, Any] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    written: dict[str, tuple[tree.Expr, ...]] = field(default_factory=dict)
    tensors: dict[str, tree.Reference] = field(default_factory=dict)
    kept: bool = False
    """The op depends on nothing but its text, and is kept for the next step with the same text."""

    def moved(self, by: int) -> BoundArguments:
        """The same arguments `by` characters further on in the text."""
        spans = {name: Span(start + by, end + by) for name, (start, end) in self.spans.items()}
        return BoundArguments(self.values, spans, kept=self.kept)


class Slots:
    """How the arguments of an op are written, looked up by letter, keyword, flag and place."""

    def __init__(self, op: type[Op]) -> None:
        self.op = op
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

    def required(self, name: str) -> bool:
        return self.op.model_fields[name].is_required()

    def listed(self) -> str:
        """`F K S P G D bias= nobias …`: what may be written."""
        words = [*self.letters, *(f"{word}=" for word in self.keywords), *self.flags]
        if self.places:
            words.insert(0, "a value")
        return " ".join(words) if words else "nothing"


@cache
def slots_of(op: type[Op]) -> Slots:
    return Slots(op)


def _refusals() -> ModuleType:
    """The words for what does not fit, imported once something does not."""
    from cnnspec.elaborate import refusals

    return refusals


class Binder:
    """Binds the arguments of one layer; findings go to the sink, and `bind` gives None after an error."""

    def __init__(self, sink: Sink, lookup: Lookup, digits: int, dimension: int, text: str) -> None:
        self.sink = sink
        self.lookup = lookup
        self.digits = digits
        self.dimension = dimension
        self.text = text

    def bind(
        self, op: type[Op], step: tree.LayerStep, defaults: Iterable[tree.Argument]
    ) -> tuple[Op, BoundArguments] | None:
        slots = slots_of(op)
        bound = BoundArguments()
        problems = self._take(slots, step.word, defaults, bound)
        given: dict[str, Span] = {}
        problems += self._take(slots, step.word, step.arguments, bound, given)
        if problems:
            for problem in _refusals().together(problems, self.text, step):
                problem.tell(self.sink)
            return None
        return self._construct(op, step, slots, bound)

    def _take(
        self,
        slots: Slots,
        word: str,
        arguments: Iterable[tree.Argument],
        bound: BoundArguments,
        given: dict[str, Span] | None = None,
    ) -> list[NoValue]:
        problems: list[NoValue] = []
        place = 0
        surplus = False
        left = iter(arguments)
        for argument in left:
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
                        if surplus and not isinstance(argument.value, tree.Name):
                            continue  # `conv 64 3` is one mistake
                        surplus = True
                        raise _refusals().surplus(slots, word, argument, left)
                    name, declared = slots.places[place]
                    place += 1
                elif isinstance(argument, tree.LetterArgument):
                    if argument.letter not in slots.letters:
                        raise _refusals().no_letter(slots, word, argument)
                    name, declared = slots.letters[argument.letter]
                else:
                    if argument.name not in slots.keywords:
                        raise _refusals().no_keyword(slots, word, argument)
                    name, declared = slots.keywords[argument.name]
                self._put(slots, bound, given, name, self._value(declared, argument), argument.span, word)
                if declared.kind == "tensor" and isinstance(argument.value, tree.Reference):
                    bound.tensors[name] = argument.value
                parts = None if declared.kind == "init" else written(argument.value)
                if parts is not None and declared.short and len(parts) == 1:
                    parts = tree.Number(Fraction(0), "0", argument.span), parts[0]
                if parts is not None:
                    bound.written[name] = parts
            except Unknown:
                raise
            except NoValue as problem:
                problems.append(problem)
        return problems

    def _put(
        self,
        slots: Slots,
        bound: BoundArguments,
        given: dict[str, Span] | None,
        name: str,
        value: Any,
        span: Span,
        word: str,
    ) -> None:
        if given is not None:
            if name in given:
                what = _refusals().how(slots.fields[name])
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
        raise NoValue(
            "E205",
            f"this wants {wanted}, not {_refusals().what(value)}",
            value.span,
            help="write one number" if isinstance(value, tree.Dims) else "",
        )

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

    def _construct(
        self, op: type[Op], step: tree.LayerStep, slots: Slots, bound: BoundArguments
    ) -> tuple[Op, BoundArguments] | None:
        from pydantic import ValidationError

        try:
            return op(**bound.values), bound
        except ValidationError as error:
            details = error.errors(include_url=False)
            needed = [slots.fields[str(one["loc"][0])] for one in details if one["type"] == "missing"]
            if needed:
                _refusals().missing(self.sink, step, self.text, needed)
            for detail in details:
                if detail["type"] != "missing":
                    _refusals().refused(self.sink, step.word, step.word_span, slots, bound, detail)
            return None


def written_or(value: tree.Value) -> str:
    """The text of an argument's value, for a message."""
    match value:
        case tree.Dims():
            return "x".join(write_expr(dim) for dim in value.dims)
        case tree.Same():
            return "same"
        case tree.Range() | tree.Matrix() | tree.Reference():
            return "…"
        case _:
            return write_expr(value)


def written(value: tree.Value) -> tuple[tree.Expr, ...] | None:
    """The expressions of an argument that names something, one for each axis; None where it is literal."""
    return _parts(value) if names_something(value) else None


def names_something(value: tree.Value) -> bool:
    """Whether an argument is more than literal numbers: a name stands in it."""
    return any(_has_name(part) for part in _parts(value))


def _parts(value: tree.Value) -> tuple[tree.Expr, ...]:
    """The expressions of an argument; none of one that is literal by its kind."""
    match value:
        case tree.Matrix() | tree.Reference() | tree.Same() | tree.Number():
            return ()
        case tree.Dims():
            return value.dims
        case tree.Range():
            return (value.low, value.high)
        case _:
            return (value,)


def _has_name(expr: tree.Expr) -> bool:
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
