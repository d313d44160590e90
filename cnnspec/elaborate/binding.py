"""Arguments bound: from the words, letters and values of a step to the frozen op that they make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from cnnspec.diagnostics import Related, Span
from cnnspec.elaborate.text_facts import nodes
from cnnspec.elaborate.values import FUNCTIONS, NoValue, Unknown
from cnnspec.ir.expr import List
from cnnspec.language import tree
from cnnspec.language.write import LETTER_ORDER, write_expr, write_value
from cnnspec.ops.base import Argument, Init, Op, arguments_of, defaults_of
from cnnspec.ops.fields import SCHEMES
from cnnspec.ops.made import made

if TYPE_CHECKING:
    from cnnspec.elaborate.builder import BodyBuilder
    from cnnspec.elaborate.passed_layers import PassedLayers


@dataclass(eq=False, repr=False)
class BoundArguments:
    """The result of binding: the values by field or parameter, their places in the text, the author's
    expressions, and the tensors."""

    values: dict[str, Any] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    written: dict[str, tuple[tree.Expr, ...]] = field(default_factory=dict)
    tensors: dict[str, tree.Reference] = field(default_factory=dict)
    layers: dict[str, PassedLayers | None] = field(default_factory=dict)
    kept: bool = False
    """The op depends on its text alone, so it is cached for the next step with the same text."""
    sound: bool = True
    """No argument is in error. Otherwise the op lacks the wrong ones, none of which changes the shape."""

    def moved(self, by: int) -> BoundArguments:
        """The same arguments, their places moved by `by` characters."""
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

    def keeps_shape(self, name: str) -> bool:
        """Whether the output's shape is the same without this argument: weights, words, groups."""
        kind, letter = self.fields[name].kind, self.fields[name].letter
        return letter == "G" or kind in ("matrix", "connections", "init", "flag", "number", "word")

    def without(self, op: Op, name: str) -> Op:
        """The op without an argument that keeps its shape."""
        default = 1 if self.fields[name].letter == "G" else self.op.model_fields[name].default
        return op.model_copy(update={name: default})

    def listed(self) -> str:
        """`F K S P G D bias= nobias …`: the arguments that the op takes."""
        words = [*self.letters, *(f"{word}=" for word in self.keywords), *self.flags]
        if self.places:
            words.insert(0, "a value")
        return " ".join(words) if words else "nothing"


@cache
def slots_of(op: type[Op]) -> Slots:
    return Slots(op)


def bind(
    builder: BodyBuilder,
    op: type[Op],
    step: tree.LayerStep | tree.BranchStep,
    defaults: list[tree.Argument],
    axes: int,
) -> tuple[Op, BoundArguments] | None:
    """The op of a step whose input has `axes` axes; None if an argument is in error (which is reported) or
    unknown."""
    binder = _Binder(builder, slots_of(op), step.word, axes)
    binder.take(defaults, written_here=False)
    binder.take(step.arguments)
    bound = binder.bound
    if binder.problems:
        from cnnspec.elaborate.other_arguments import together
        from cnnspec.elaborate.refusals import meant_field

        for problem in together(binder.problems, builder, step):
            problem.report(builder.sink)
        lost = [meant_field(binder.slots, step.word, argument) for argument in binder.failed]
        if not all(name is not None and binder.slots.keeps_shape(name) for name in lost):
            return None
        bound.sound = False
    if binder.unknown:
        return None
    if len(bound.written) > 1:
        letters = [letter for letter in LETTER_ORDER if letter in bound.written]
        bound.written = {name: bound.written[name] for name in (*letters, *bound.written)}
    if axes != 2:
        bound.values = defaults_of(op, axes) | bound.values
    from pydantic import ValidationError

    try:
        return made(op, bound.values), bound
    except ValidationError as error:
        if not bound.sound:
            return None
        from cnnspec.elaborate.refused_values import refused

        refused(builder, step, binder.slots, bound, error)
        bound.sound = False
        names = {str(one["loc"][0]) if one["loc"] else "" for one in error.errors(include_url=False)}
        if not all(name in bound.values and binder.slots.keeps_shape(name) for name in names):
            return None
        try:
            return op(**{name: value for name, value in bound.values.items() if name not in names}), bound
        except ValidationError:
            return None


class _Binder:
    """Binds the arguments of one layer and reports those that are wrong."""

    def __init__(self, builder: BodyBuilder, slots: Slots, word: str, axes: int) -> None:
        self.builder, self.slots, self.word, self.axes = builder, slots, word, axes
        self.bound = BoundArguments()
        self.problems: list[NoValue] = []
        self.failed: list[tree.Argument] = []
        self.unknown = False

    def take(self, arguments: Iterable[tree.Argument], *, written_here: bool = True) -> None:
        """Binds `arguments`, the step's own (`written_here`) or those of its `default`s."""
        place = 0
        surplus = False
        left = iter(arguments)
        for argument in left:
            try:
                declared: Argument | None = None
                if isinstance(argument, tree.LetterArgument):
                    name, declared = self._entry(self.slots.letters, argument.letter, argument)
                elif isinstance(argument, tree.NamedArgument):
                    name, declared = self._entry(self.slots.keywords, argument.name, argument)
                elif isinstance(argument.value, tree.Name) and argument.value.name in self.slots.flags:
                    name, value = self.slots.flags[argument.value.name]
                else:
                    places = self.slots.places
                    while written_here and place < len(places) and places[place][0] in self.bound.spans:
                        place += 1
                    if place >= len(places):
                        if surplus and not isinstance(argument.value, tree.Name):
                            continue  # `conv 64 3` is one mistake
                        surplus = True
                        from cnnspec.elaborate import refusals

                        raise refusals.surplus(self.slots, self.word, argument, left)
                    name, declared = places[place]
                    place += 1
                if declared is not None:
                    value = self._value(declared, argument)
                self._put(name, value, argument.span, written_here)
                if declared is not None:
                    self._note(name, declared, argument.value)
            except Unknown:
                self.unknown = True
            except NoValue as problem:
                self.problems.append(problem)
                self.failed.append(argument)

    def _entry(
        self,
        entries: dict[str, tuple[str, Argument]],
        written: str,
        argument: tree.LetterArgument | tree.NamedArgument,
    ) -> tuple[str, Argument]:
        if written not in entries:
            from cnnspec.elaborate.refusals import no_argument

            raise no_argument(self.slots, self.word, argument)
        return entries[written]

    def _put(self, name: str, value: Any, span: Span, written_here: bool) -> None:
        bound, declared = self.bound, self.slots.fields[name]
        if written_here:
            if name in bound.spans:
                from cnnspec.elaborate.refused_values import how

                first, text = bound.spans[name], self.builder.context.text
                values = f"`{text[first.start : first.end]}` and `{text[span.start : span.end]}`"
                raise NoValue(
                    "E204",
                    f"`{self.word}` is given {how(declared)} twice: {values}",
                    span,
                    "keep one of the two",
                    related=(Related(first, "first here"),),
                )
            bound.spans[name] = span
            for other in declared.replaces:
                if other not in bound.spans:
                    bound.values.pop(other, None)  # of a default that this argument overrides
        bound.values[name] = value
        bound.written.pop(name, None)

    def _note(self, name: str, declared: Argument, value: tree.Value) -> None:
        """Keeps a tensor, and an argument that the author wrote as an expression."""
        if declared.kind == "tensor" and isinstance(value, tree.Reference):
            self.bound.tensors[name] = value
        parts = () if declared.kind in ("init", "word") else written(value)
        if parts:
            zero = tree.Number(Fraction(0), "0", value.span)
            self.bound.written[name] = (zero, *parts) if declared.short and len(parts) == 1 else parts

    # --- values -------------------------------------------------------------------------------------------

    def _value(self, declared: Argument, argument: tree.Argument) -> Any:
        value = argument.value
        match declared.kind:
            case "integer":
                return self._integer(value)
            case "sizes":
                return self._sizes(value, declared.same)
            case "number":
                try:
                    return self._number(value)
                except NoValue:
                    if declared.keyword != "init":
                        raise
                    from cnnspec.elaborate.other_starts import one_number

                    if problem := one_number(self.word, value):
                        raise problem from None
                    raise
            case "shape":
                dims = value.dims if isinstance(value, tree.Dims) else (value,)
                return tuple(map(self._integer, dims))
            case "range":
                if isinstance(value, tree.Range):
                    return self._integer(value.low), self._integer(value.high)
                return 0, self._integer(value)  # `pad channels=8` is `0:8`: zero maps after the last
            case "matrix":
                return value.planes if isinstance(value, tree.Matrix) else (((self._number(value),),),)
            case "connections":
                return _connections(value)
            case "init":
                return self._init(value)
            case "word":
                if isinstance(value, tree.Name):
                    return value.name
                raise NoValue("E205", "expected a word", value.span)
            case "tensor":
                if isinstance(value, tree.Reference):
                    return True
                raise NoValue("E205", "expected a tensor, by its label: `@name`", value.span)
            case "flag":
                raise NoValue("E205", "this word takes no value", argument.span)

    def _expr(self, value: tree.Value, expected: str) -> tree.Expr:
        match value:
            case tree.Dims((one,)):
                return one
            case tree.Dims() | tree.Range() | tree.Matrix() | tree.Reference() | tree.Same() | tree.Layers():
                from cnnspec.elaborate.refusals import what

                way = "write one number" if isinstance(value, tree.Dims) else ""
                raise NoValue("E205", f"expected {expected}, found {what(value)}", value.span, way)
        return value

    def _integer(self, value: tree.Value) -> int:
        return self.builder.size(self._expr(value, "a whole number"), value.span)

    def _number(self, value: tree.Value) -> Fraction:
        return Fraction(self.builder.number(self._expr(value, "a number")))

    def _sizes(self, value: tree.Value, same: bool) -> Any:
        match value:
            case tree.Same():
                if same:
                    return "same"
                raise NoValue("E205", "`same` can only be a padding", value.span, "give numbers: F3, S2, D1")
            case tree.Dims((_, _, *_)):
                return tuple(map(self._integer, value.dims))
            case tree.Name():
                known = self.builder.evaluate(value)
                pair = isinstance(known, tuple) and not isinstance(known, List)
                if pair or (same and known == "same"):
                    return known
        return (self._integer(value),) * self.axes

    def _init(self, value: tree.Value) -> Init:
        match value:
            case tree.Name(name) if name in SCHEMES:
                return Init(name)
            case tree.Function("he", (tree.Name("fan_in" | "fan_out" as fan),)):
                return Init("he", fan)
            case tree.Function(name, (one,)) if name in SCHEMES and (name, type(one)) != ("he", tree.Name):
                return Init(name, self._number(one))
            case tree.Function("normal" as name, (mean, one)):
                return Init(name, self._number(one), self._number(mean))
        from cnnspec.elaborate.other_starts import no_scheme

        raise no_scheme(value)


def _connections(value: tree.Value) -> tuple[tuple[int, ...], ...]:
    if not isinstance(value, tree.Matrix):
        raise NoValue(
            "E205",
            "expected a table: the maps that each filter reads",
            value.span,
            "connect=[0 1 2; 1 2 3]",
        )
    if len(value.planes) != 1:
        raise NoValue("E215", "expected one table; `|` separates planes of weights", value.span)
    for cell in (cell for row in value.planes[0] for cell in row):
        if cell.denominator != 1 or cell < 0:
            raise NoValue("E215", f"a connection must be the number of a map, from 0, not {cell}", value.span)
    return tuple(tuple(cell.numerator for cell in row) for row in value.planes[0])


def written_or(value: tree.Value) -> str:
    """The text of an argument's value, for a message."""
    match value:
        case tree.Dims():
            return "x".join(map(write_expr, value.dims))
        case tree.Same():
            return "same"
        case tree.Range() | tree.Matrix() | tree.Reference():
            return "…"
        case tree.Layers():
            return write_value(value)
        case _:
            return write_expr(value)


def written(value: tree.Value) -> tuple[tree.Expr, ...]:
    """The expressions of an argument that names something, one for each axis; none where it is literal."""
    match value:
        case tree.Matrix() | tree.Reference() | tree.Same() | tree.Number() | tree.Layers():
            return ()
        case tree.Dims():
            parts = value.dims
        case tree.Range():
            parts = (value.low, value.high)
        case _:
            parts = (value,)
    formulas = tuple(part for part in parts if not isinstance(part, tree.Number))
    return parts if any(map(_names, nodes(formulas))) else ()


def _names(node: object) -> bool:
    """Whether a node names a value: `k`, or the list of `widths(0)`."""
    return isinstance(node, tree.Name) or (isinstance(node, tree.Function) and node.name not in FUNCTIONS)
