"""What a layer is: its arguments, its shape rule, its weights, its cost, its window, its pages.

An op is a frozen pydantic model: one instance is a layer with its arguments bound. Everything that does
not differ between targets is declared here, once. Shapes are channels and then axes, without the batch axis:
`(C, W)`, `(C, H, W)`, `(C, T, H, W)`, or `(N,)`, a vector.

Shape rules use `+ - * //`, `min`, `max` and comparisons only, so that the same rule can serve expressions in
H and W later. What an op holds for each axis (F, S, P, …) is a tuple with one number for each axis of its
input: `F3` is (3,) on a signal, (3, 3) on a map and (3, 3, 3) on a volume.
"""

# No `from __future__ import annotations` where ops are defined: pydantic would then compile every annotation
# of every base class again for each class, and making the classes would take twice as long.

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict

from cnnspec.ops.formula import Formula

if TYPE_CHECKING:
    import random


Shape: TypeAlias = tuple[int, ...]
Sizes: TypeAlias = tuple[int, ...]
"""One number for each axis."""
Matrix: TypeAlias = tuple[tuple[tuple[Fraction, ...], ...], ...]
"""Planes of rows of numbers, as written in the spec."""

Kind: TypeAlias = Literal[
    "integer", "sizes", "number", "shape", "range", "matrix", "connections", "init", "flag", "tensor", "word"
]


class Argument(NamedTuple):
    """How an argument is written, as metadata of a pydantic field: `F: Annotated[Sizes, Argument(…)]`.

    letter: the capital that stands for it (`F3`, `F=k`). keyword: `eps=…`. positional: its place among the
    bare values (`fc 1000`, `dropout 0.5`), from 0. flags: bare words and the value that each gives. A field
    may have several of these. kind: what the binder turns the written value into: integer → int; sizes → one
    int for each axis, one number serving all; number → exact Fraction; shape → tuple of ints; range → (low,
    high); matrix → Matrix; connections → a tuple of tuples of map numbers; init → Init; flag → no value, only
    flags; tensor → `@label` (bound by the elaborator as a further input; the field itself holds True); word →
    the text of a bare word (`relative=query`). A number alone is a matrix of one cell (`bias=-500`). same:
    `Psame` is allowed and binds the string "same". short: a range may be written as one number, `channels=8`
    for `0:8`. replaces: fields that a `default` may have given and that this argument overrides, because both
    cannot hold (`default conv nobias`, then `conv F3 K8 bias=1`); both on one layer are an error.
    """

    kind: Kind
    doc: str
    letter: str | None = None
    keyword: str | None = None
    positional: int | None = None
    flags: tuple[tuple[str, Any], ...] = ()
    same: bool = False
    short: bool = False
    replaces: tuple[str, ...] = ()

    @property
    def rank(self) -> int:
        """Where it is written: bare values first, then letters, then flags and keywords."""
        return 0 if self.positional is not None else 1 if self.letter is not None else 2


def flag(doc: str, *, replaces: tuple[str, ...] = (), **words: Any) -> Argument:
    """Bare words, each with the value that it stands for: `flag("…", bias=True, nobias=False)`."""
    return Argument("flag", doc, flags=tuple(words.items()), replaces=replaces)


class Init(NamedTuple):
    """`init=normal(0.01)`: a scheme of start.py, with its number or its word (`he(fan_out)`), and
    the mean in `normal(1, 0.02)`.
    """

    scheme: str
    value: Fraction | str | None = None
    mean: Fraction | None = None

    @property
    def arguments(self) -> tuple[Fraction | str, ...]:
        """As they are written: the mean first."""
        return tuple(one for one in (self.mean, self.value) if one is not None)


class Initial(NamedTuple):
    """How a weight starts.

    `uniform`: U(−value, value); `normal`: N(mean, value²); `truncated`: N(0, value²), drawn again beyond
    2·value; `constant`: value everywhere; `signs`: +value or
    −value with equal chances; `values`: the numbers of a literal, row-major, as an array of shape `shape`
    that is broadcast to the weight's own shape as NumPy does it (one plane for every filter and channel:
    (1, 1, F, F)); `bilinear`: filter k interpolates channel k and is 0 on all others (see start.py);
    `unit`: a singular vector of the layer's weight, of length 1; `lengths`: the lengths of its filters.
    """

    distribution: Literal[
        "uniform", "normal", "truncated", "constant", "signs", "values", "bilinear", "unit", "lengths"
    ]
    value: float = 0.0
    values: tuple[float, ...] = ()
    shape: Shape = ()
    mean: float = 0.0


Role: TypeAlias = Literal["trainable", "frozen", "buffer"]


class Weight(NamedTuple):
    """One named array of a layer, in torch's name and layout.

    role: `trainable` (has a gradient), `frozen` (a parameter that is not trained), `buffer` (running
    statistics). A buffer of shape () holds one integer (`num_batches_tracked`).
    """

    name: str
    shape: Shape
    initial: Initial
    role: Role = "trainable"


class Window(NamedTuple):
    """What one output position reads along one axis.

    Output o reads the whole-numbered input positions in the closed interval [o·stride + start, o·stride +
    start + size − 1]; with padding P the first one starts at −P. Where a map grows, stride is below 1 and
    the ends are fractions: twofold nearest upsampling, position o reading ⌊o/2⌋, is Window(3/2, 1/2, −1/2).
    """

    size: Fraction | int
    stride: Fraction | int
    start: Fraction | int


POINT = Window(1, 1, 0)
"""Each output position reads just its own."""
AXES = "THW"
"""The names of the axes, from left to right: T, H, W. A map has the last two, a signal the last one."""


def axes_of(shape: Shape) -> str:
    """The names of a shape's axes: `W`, `HW` or `THW`; "" for a vector."""
    return AXES[len(AXES) + 1 - len(shape) :]


def whole(input_shape: Shape) -> tuple[Window, ...]:
    """Every output reads the whole map."""
    return tuple(Window(size, size, 0) for size in input_shape[1:])


class Misfit(NamedTuple):
    """Why a layer does not fit its input: returned by `Op.out`, never raised.

    `argument` is the field whose text is to be underlined (None: the layer's word). `input` is the number of
    the input that is at fault. `label` is the short text under the underlined characters ("5x5 filter on a
    2x2 map"). `replacement` is the text to write instead of that argument's text (or, with no argument, of
    the word), where one exists that fits: `"F2"`, `"flatten -> fc"`. `cause` names the broken rule, for the
    findings whose solution depends on it.
    """

    code: str
    message: str
    argument: str | None = None
    input: int = 0
    note: str = ""
    help: str = ""
    replacement: str | None = None
    label: str = ""
    cause: Literal["equal shapes", "broadcast"] | None = None


class Remark(NamedTuple):
    """A lint of one layer: a W-code, the message with the numbers, the argument to point at, a solution."""

    code: str
    message: str
    argument: str | None = None
    note: str = ""
    help: str = ""
    replacement: str | None = None
    beyond: bool = False
    """Report it only where the output is larger than every input of the network."""
    written: str = ""
    """Report it only where the argument is written exactly like this: `crop 2`, not `crop 2x2`."""


class Slip(NamedTuple):
    """The value that a common mistake gives for a layer's `out`, `params` or `macs`. `why` describes the
    mistake ("without …").
    """

    subject: Literal["out", "params", "macs"]
    value: int | Shape
    why: str


class Op(BaseModel):
    """A layer with its arguments bound. Subclasses declare one word of the language each."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, arbitrary_types_allowed=True)

    word: ClassVar[str]
    """The word that stands for it in a spec."""
    title: ClassVar[str]
    """One line: what it does. The class docstring is the page that `explain WORD` prints (Markdown)."""
    example: ClassVar[str]
    """A whole small spec that uses it, checked by a test."""
    weighted: ClassVar[bool] = False
    """Papers count it as a layer: conv, dwconv, deconv, fc, rbf, subsample."""
    activation: ClassVar[bool] = False
    """A nonlinearity (for the lints: two linear layers with none between)."""
    linear: ClassVar[bool] = False
    """A linear map with weights (conv, fc, …)."""
    merges: ClassVar[bool] = False
    """It merges branches: `add [ a | b ]`."""
    branches: ClassVar[str] = ""
    """For a merge: an example of its branches, as they are written in a spec."""
    operator: ClassVar[bool] = False
    """A merge of any number of branches, without weights: `a + b`. Other merges are calls, like layers."""
    gate: ClassVar[bool] = False
    """Its smaller inputs are gates: they widen no receptive field and count no depth (mul)."""
    ends_map: ClassVar[bool] = False
    """Its output is not a map (gap, gmp, flatten): the receptive field of the model is the one before it."""
    turns: ClassVar[bool] = False
    """Its rows are the input's columns (transpose)."""
    centres: ClassVar[bool] = False
    """It subtracts the mean of each channel: a bias right before it has no effect (bn, in)."""
    drops: ClassVar[bool] = False
    """It sets single numbers to 0 at random (dropout)."""
    shares: ClassVar[bool] = False
    """Its outputs are probabilities that sum to 1 (softmax): the end of a network."""
    smallest_wins: ClassVar[bool] = False
    """Its numbers are distances: the class of the smallest is the answer (rbf)."""
    tensors: ClassVar[tuple[str, ...]] = ()
    """Fields of kind `tensor`, in the order in which they follow the first input. Only their shape is used;
    the `window` is about the first input.
    """
    undoes: ClassVar[str | None] = None
    """unpool: its tensor must be the output of a layer of this word. Its second input is then the *input* of
    that layer, and the field with that word's name holds that layer's op.
    """

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The shape of the output, or why the layer does not fit. By default the shape of the first input."""
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        """Named weight shapes; the parameter count, every initialiser and every state_dict come from here."""
        return ()

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> int:
        """Multiply–accumulates for one image; 0 except for convolutions, fc (torchvision's convention) and
        attention.
        """
        return 0

    def unfit(self) -> Misfit | None:
        """What is wrong with the arguments whatever the input is; None where nothing is."""
        return None

    def connections(self, inputs: tuple[Shape, ...], out: Shape) -> int:
        """(weights + bias of one output) × outputs, as LeCun counts; 0 for layers without weights."""
        return 0

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        """What one output position reads, along each axis of the (first) input."""
        return (POINT,) * (len(inputs[0]) - 1)

    def windows(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[tuple[Window, ...], ...]:
        """The same for each input."""
        return (self.window(inputs, out),) * len(inputs)

    def scratch(self, inputs: tuple[Shape, ...], out: Shape) -> int:
        """How many numbers it holds while it runs, besides its inputs and its output: the scores of
        attention.
        """
        return 0

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        """The page's formulas with this layer's numbers: output size first, then weights, then MACs."""
        return ()

    def remark(self, inputs: tuple[Shape, ...], out: Shape) -> Iterable[Remark]:
        """The lints that follow from these arguments and this shape alone."""
        return ()

    def slips(self, inputs: tuple[Shape, ...], out: Shape, claimed: int) -> Iterable[Slip]:
        """The values that common mistakes give; `claimed` is the number of weights that the author claims."""
        return ()

    def written(self) -> str:
        """The arguments in the language's own canonical form, defaults left out: `F3 S2 P1 K64 nobias`."""
        return " ".join(
            spelled(argument, value)
            for name, argument, default in in_order(type(self))
            if not is_default(default, value := getattr(self, name))
        )

    @classmethod
    def draw(cls, chance: "random.Random", input_shape: Shape) -> str | None:
        """The layer with random arguments that `input_shape` allows, as one would write it (`conv F3 P1 K8`);
        None where none was found, and for layers with several inputs.
        """
        from cnnspec.ops.draw import draw

        return draw(cls, chance, input_shape)


class Activation(Op):
    """A nonlinearity, applied to each number; the shape stays."""

    activation = True


# Pydantic would read these annotations again for each subclass, which takes a fifth of its time.
for _declared in Op.__class_vars__:
    Op.__annotations__.pop(_declared, None)


def spread(op: Op, fields: Mapping[str, Any]) -> dict[str, Any]:
    """New values for fields of a layer; one number for a field with a size for each axis is for all axes."""
    sizes = {name: getattr(op, name) for name, value in fields.items() if not isinstance(value, tuple)}
    axes = {name: len(now) for name, now in sizes.items() if isinstance(now, tuple)}
    return {name: (value,) * axes[name] if name in axes else value for name, value in fields.items()}


def written_shape(shape: Iterable[int]) -> str:
    """`64x56x56`; a vector is its length."""
    return "x".join(str(size) for size in shape)


def written_sizes(sizes: Sequence[int]) -> str:
    """`3` for 3x3 and 3x3x3, `1x7` for one row by seven columns."""
    return str(sizes[0]) if len(set(sizes)) == 1 else written_shape(sizes)


def written_number(value: Fraction | float | int) -> str:
    """`1/3`, `0.1`, `1e-6`, `64`: the exact number, as it is written in a spec."""
    exact = Fraction(value) if not isinstance(value, float) else Fraction(repr(value))
    if exact.denominator == 1 and abs(exact) < 10**15:
        return str(exact.numerator)
    twos = fives = 0
    denominator = exact.denominator
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    if denominator != 1:
        return f"{exact.numerator}/{exact.denominator}"
    places = max(twos, fives)
    sign, digits = "-" if exact < 0 else "", str(abs(exact.numerator * 10**places // exact.denominator))
    whole = digits.rstrip("0")
    power = len(digits) - len(whole) - places
    if -5 < power + len(whole) - 1 < 15:  # plain from 0.0001 up
        digits = digits.rjust(places + 1, "0")
        return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits
    return f"{sign}{whole[0]}{'.' + whole[1:] if whole[1:] else ''}e{power + len(whole) - 1}"


def arguments_of(op: type[Op]) -> Iterable[tuple[str, Argument]]:
    """The fields of an op with how each is written, in the order of declaration."""
    for name, field in op.model_fields.items():
        for entry in field.metadata:
            if isinstance(entry, Argument):
                yield name, entry


def defaults_of(op: type[Op], axes: int) -> dict[str, Sizes]:
    """The default of each field that has one number for each axis (`S1`, `P0`), as a tuple for this number of
    axes. The class declares it for two axes.
    """
    return {
        name: default[:1] * axes
        for name, argument in arguments_of(op)
        if argument.kind == "sizes" and isinstance(default := op.model_fields[name].default, tuple)
    }


def is_default(default: Any, value: Any) -> bool:
    """Whether a value is the default of its field. A default is declared for two axes and holds for any
    number.
    """
    return value == default or (isinstance(default, tuple) and value == default[:1] * len(value))


@cache
def in_order(op: type[Op]) -> list[tuple[str, Argument, Any]]:
    """The fields of an op in the order in which they are written, with their defaults."""
    fields = op.model_fields
    entries = [(name, argument, fields[name].default) for name, argument in arguments_of(op)]
    return sorted(entries, key=lambda entry: entry[1].rank)


def spelled(argument: Argument, value: Any) -> str:
    """One argument as it is written in a spec: `F3`, `eps=1e-3`, `nobias`, `1000`."""
    for word, meaning in argument.flags:
        if meaning == value:
            return word
    text = _written_value(argument, value)
    if argument.positional is not None:
        return text
    return f"{argument.letter}{text}" if argument.letter is not None else f"{argument.keyword}={text}"


def _written_value(argument: Argument, value: Any) -> str:
    if isinstance(value, str):
        return value
    match argument.kind:
        case "integer" | "number":
            return written_number(value)
        case "sizes":
            return written_sizes(value)
        case "shape":
            return written_shape(value)
        case "range":
            return str(value[1]) if argument.short and value[0] == 0 else f"{value[0]}:{value[1]}"
        case "matrix":
            return f"[{' | '.join(map(_written_plane, value))}]"
        case "connections":
            return f"[{_written_plane(value)}]"
        case "init":
            return written_init(value)
        case "tensor":
            return "@…"
    raise AssertionError(f"no written form for {argument.kind}")


def written_init(init: Init) -> str:
    """`he`, `he(fan_out)`, `normal(1, 0.02)`."""
    numbers = ", ".join(
        argument if isinstance(argument, str) else written_number(argument) for argument in init.arguments
    )
    return f"{init.scheme}({numbers})" if numbers else init.scheme


def _written_plane(rows: Iterable[Iterable[Fraction | int]]) -> str:
    return "; ".join(" ".join(map(written_number, row)) for row in rows)
