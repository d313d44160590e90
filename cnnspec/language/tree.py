"""The syntax tree: what the author wrote, and where. Frozen values; nothing is decided here.

Every node carries the span of its text. No layer is known by name: `conv` is a word with arguments.
"""

# No `from __future__ import annotations`: `typing` would compile each field's annotation, 3 % of a start.

from fractions import Fraction
from typing import NamedTuple, TypeAlias

from cnnspec.diagnostics import Span


class Number(NamedTuple):
    """An exact number: `4`, `0.1`, `1e-6`. `text` is as written."""

    value: Fraction
    text: str
    span: Span


class Name(NamedTuple):
    """`k`, `C`, `i`: a value by name."""

    name: str
    span: Span


class Unary(NamedTuple):
    """`-x`, `not x`."""

    operator: str
    operand: "Expr"
    span: Span


class Binary(NamedTuple):
    """`+ - * / // %`, one of `== != < <= > >=`, `and`, `or`."""

    operator: str
    left: "Expr"
    right: "Expr"
    span: Span


class Conditional(NamedTuple):
    """`a if condition else b`."""

    condition: "Expr"
    then: "Expr"
    otherwise: "Expr"
    span: Span


class Function(NamedTuple):
    """`min(a, b)`, `multiple(x, 8)`; an entry of a list, `widths(i)`; in `init=` also `normal(0.01)`."""

    name: str
    arguments: tuple["Expr", ...]
    span: Span
    name_span: Span


class List(NamedTuple):
    """`(64, 128, 256)`, `((1, 16), (6, 24))`; of one entry, `(64,)`."""

    entries: tuple["Expr", ...]
    span: Span


Expr: TypeAlias = Number | Name | Unary | Binary | Conditional | Function | List


class Dims(NamedTuple):
    """`3x224x224`, `6@28x28`, `7x7`, `3x(r)x(r)`, `1000`: dimensions as written, outermost first."""

    dims: tuple[Expr, ...]
    span: Span


class Range(NamedTuple):
    """`0:C//2` in `slice`, `4:4` in `pad channels=`."""

    low: Expr
    high: Expr
    span: Span


class Matrix(NamedTuple):
    """`[1 0 -1; 1 0 -1 | …]`: planes of rows of numbers. A line break stands for `;`."""

    planes: tuple[tuple[tuple[Fraction, ...], ...], ...]
    span: Span


class Reference(NamedTuple):
    """`@label`; `each @label` in an `output` is that of every pass of a repeat."""

    name: str
    span: Span
    each: bool = False


class Same(NamedTuple):
    """The `same` of `Psame`."""

    span: Span


class Layers(NamedTuple):
    """`[bn -> relu]` as an argument of a block's: a chain of steps. `body` holds it as its one line."""

    body: "Sequence"
    span: Span


Value: TypeAlias = (
    Number
    | Name
    | Unary
    | Binary
    | Conditional
    | Function
    | List
    | Dims
    | Range
    | Matrix
    | Reference
    | Same
    | Layers
)


class LetterArgument(NamedTuple):
    """`F3`, `F1x7`, `Psame`, `K=4*k`, `P=(d)x0`. A written `F3` has one dim, `F1x7` two (Dims);
    `K=4*k` an expression. `glued` distinguishes `F3` from `F=3`."""

    letter: str
    value: Value
    glued: bool
    span: Span


class NamedArgument(NamedTuple):
    """`eps=1e-3`, `out=7x7`, `like=@a`, `weight=[…]`, `init=normal(0.01)`, `s=2`."""

    name: str
    value: Value
    span: Span
    name_span: Span


class PositionalArgument(NamedTuple):
    """`4096` in `fc 4096`, `0.5` in `dropout 0.5`, `(4*k)`, `56x56` in `crop`, `0:C//2` in `slice`;
    `k`, `s if i == 0 else 1` or `@skip` in a block's call. A bare word (`nobias`, `bilinear`, `one`)
    is a PositionalArgument of a Name: which of them are words of a layer is not known here."""

    value: Value
    span: Span


Argument: TypeAlias = LetterArgument | NamedArgument | PositionalArgument


class Quantity(NamedTuple):
    """A claimed number as written: `1,516`, `25.6M`, `~8.8M`, `16MB`.

    `value` is in units; `step` is the value of one unit in the last digit written (0.01M is 10 000), 1 where
    the number is whole and without k, M or G; `about` is the `~`. A name or an expression in parentheses
    gives an Expr in `expression` instead (then exact).
    """

    value: Fraction
    step: Fraction
    about: bool
    text: str
    span: Span
    expression: Expr | None = None


class Claim(NamedTuple):
    """`params 1,516`, `field 5x5`, `out 10`, or a bare shape after `=>` (subject `out`). `bound` is `<`,
    `<=`, `>` or `>=` where the value is one."""

    subject: str
    value: Quantity | Dims
    span: Span
    subject_span: Span
    bound: str = ""


class LayerStep(NamedTuple):
    """A word with arguments: `conv F3 K64`, `bn`, `id`, `none`."""

    word: str
    arguments: tuple[Argument, ...]
    span: Span
    word_span: Span


class CallStep(NamedTuple):
    """A use of a block: `f(64, s=2)`, without a space before the bracket."""

    name: str
    arguments: tuple[Argument, ...]
    span: Span
    name_span: Span


class GroupStep(NamedTuple):
    """`[ … ]` (times is None) or `[ … ]*n`; `frozen [ … ]`."""

    body: "Sequence"
    times: Expr | None
    span: Span
    frozen: bool = False


class BranchStep(NamedTuple):
    """`add [ a | b ]`, `attention heads=4 [ … ]`: a word that merges branches, and its arguments. An empty
    branch has no lines."""

    word: str
    arguments: tuple[Argument, ...]
    branches: tuple["Sequence", ...]
    span: Span
    word_span: Span


class IfStep(NamedTuple):
    """`if condition [ … ] else [ … ]`; `otherwise` is None where no else is written.
    `else if c [ … ]` is an `otherwise` that holds one IfStep."""

    condition: Expr
    then: "Sequence"
    otherwise: "Sequence | None"
    span: Span


class StartStep(NamedTuple):
    """`@label` at the head of a line or branch: continue from that tensor, or from several (`others` are the
    further ones)."""

    reference: Reference
    span: Span
    others: tuple[Reference, ...] = ()


class ClaimStep(NamedTuple):
    """`=> 256x56x56, params 1,516`: about the line up to there."""

    claims: tuple[Claim, ...]
    span: Span


class ErrorStep(NamedTuple):
    """Text that could not be parsed, and has its finding; its output is unknown."""

    span: Span


Step: TypeAlias = ErrorStep | LayerStep | CallStep | GroupStep | BranchStep | IfStep | StartStep | ClaimStep


class Label(NamedTuple):
    """A further label of a line: `p4` in `p3, p4: fpn()`."""

    name: str
    span: Span


class Line(NamedTuple):
    """One chain of steps, with its label (`C1:`) where it has one; `others` are further ones, for the further
    tensors that the use of a block gives."""

    label: str | None
    label_span: Span | None
    steps: tuple[Step, ...]
    span: Span
    others: tuple[Label, ...] = ()


class Sequence(NamedTuple):
    """The content of a file, a block, a group or a branch: lines, with the `let`s and `default`s between
    them. At the top of a file the same lines are in `File.statements`."""

    items: tuple["SequenceItem", ...]
    span: Span
    within: Span
    """The text between its brackets or bars."""


class Model(NamedTuple):
    name: str
    title: str
    span: Span
    name_span: Span


class Input(NamedTuple):
    """`input 3x224x224` (name None), `input left: 1x105x105`."""

    name: str | None
    shape: Dims
    span: Span
    name_span: Span | None


class Let(NamedTuple):
    """`let width = 1.2`; without its word in a variant."""

    name: str
    value: Expr
    span: Span
    name_span: Span


class Variant(NamedTuple):
    name: str
    settings: tuple[Let, ...]
    claims: tuple[Claim, ...]
    span: Span
    name_span: Span


class Default(NamedTuple):
    """`default conv dwconv nobias`: `words` are all bare words in order (kinds and flags cannot be
    distinguished here), `arguments` the letters and named arguments among them, in order of the text."""

    words: tuple[Name, ...]
    arguments: tuple[Argument, ...]
    span: Span


class Parameter(NamedTuple):
    """Of a block: `k`, `s=1`, `@skip` (kind "tensor"), `K`, `F=1` (kind "letter")."""

    name: str
    kind: str  # "value" | "letter" | "tensor"
    default: Value | None
    span: Span


class Block(NamedTuple):
    """`block f(k, s=1, @skip) { … }` and `shared f(k) { … }`."""

    name: str
    parameters: tuple[Parameter, ...]
    body: Sequence
    shared: bool
    span: Span
    name_span: Span


class Output(NamedTuple):
    references: tuple[Reference, ...]
    span: Span


class Expect(NamedTuple):
    claims: tuple[Claim, ...]
    span: Span


class ErrorStatement(NamedTuple):
    """A statement that could not be parsed, and has its finding. `word` is `input`, `let`, …; `name` is the
    name that it would define, if that could be read."""

    word: str
    name: str | None
    span: Span


SequenceItem: TypeAlias = Line | Let | Default | Block | Output | ErrorStatement
"""The items in brackets; blocks occur only in those of a block."""
Statement: TypeAlias = (
    ErrorStatement | Model | Input | Let | Variant | Default | Block | Output | Expect | Line
)


class Comment(NamedTuple):
    """`# …` to the end of the line; `own_line` where nothing else is on its line."""

    text: str
    own_line: bool
    span: Span


class File(NamedTuple):
    """A whole spec. `comments` are in the order of the text."""

    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...]
    span: Span
