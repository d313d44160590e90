"""Every statement and step, and where a new line is a step."""

# ruff: noqa: E501 (tables of cases, a case a line)
from __future__ import annotations

from fractions import Fraction

import pytest

from cnnspec.diagnostics import Sink, Source, Span
from cnnspec.language import parse, parse_expression, tree
from cnnspec.language.write import write_expr


def read(text: str) -> tree.File:
    sink = Sink()
    file = parse(Source("a.cnn", text), sink)
    assert [finding.message for finding in sink] == []
    return file


def only(text: str):  # type: ignore[no-untyped-def]
    (statement,) = read(text).statements
    return statement


def step(text: str):  # type: ignore[no-untyped-def]
    (found,) = only(text).steps
    return found


def test_statements() -> None:
    model = only('model LeNet5 "by LeCun"')
    assert (model.name, model.title, model.span) == ("LeNet5", "by LeCun", Span(0, 23))
    assert only("input left: 1x105x105").name == "left"
    assert [dim.value for dim in only("input 3x224x224").shape.dims] == [3, 224, 224]
    assert len(only("input 1x(r)x(r)").shape.dims) == 3
    assert only("let a = 2/3").value == parse_at("2/3", 8)
    default = only("default conv dwconv nobias F3 eps=1e-3")
    assert [word.name for word in default.words] == ["conv", "dwconv", "nobias"]
    assert len(default.arguments) == 2
    assert [reference.name for reference in only("output @a, @b").references] == ["a", "b"]
    assert [claim.subject for claim in only("expect params 25.6M, macs 4.1G").claims] == ["params", "macs"]


def parse_at(text: str, start: int) -> tree.Expr:
    (let,) = read(f"let a ={' ' * (start - 7)}{text}").statements
    assert isinstance(let, tree.Let)
    return let.value


@pytest.mark.parametrize("gap", [" ", "\n  "])
def test_variants(gap: str) -> None:
    variant = only(f"variant B3: width = 1.2,{gap}depth = 1.4,{gap}expect params 12,233,232")
    assert variant.name == "B3"
    assert [(s.name, s.value.value) for s in variant.settings] == [
        ("width", Fraction(6, 5)),
        ("depth", Fraction(7, 5)),
    ]
    assert variant.claims[0].value.value == 12_233_232
    assert only("variant A: expect layers 8").claims[0].value.value == 8
    assert only("variant A").settings == ()


def test_blocks() -> None:
    block = only("block f(k, s=1, @skip, K, F=1x7, P=same) { conv }")
    assert [(p.name, p.kind, p.default is None) for p in block.parameters] == [
        ("k", "value", True), ("s", "value", False), ("skip", "tensor", True),
        ("K", "letter", True), ("F", "letter", False), ("P", "letter", False),
    ]  # fmt: skip
    assert isinstance(block.parameters[-1].default, tree.Same)
    assert not block.shared
    assert only("shared f() { relu }").shared
    inner = only("block f() {\n let c = C\n relu }").body.items
    assert [type(item) for item in inner] == [tree.Let, tree.Line]


def test_letters_glued_and_apart() -> None:
    glued, apart = step("conv F5S1P2K64").arguments, step("conv F5 S1 P2 K64").arguments
    assert [(a.letter, a.value.value) for a in glued] == [(a.letter, a.value.value) for a in apart]
    assert [a.span for a in glued] == [Span(5, 7), Span(7, 9), Span(9, 11), Span(11, 14)]
    (size, same) = step("conv F1x7Psame").arguments
    assert [dim.value for dim in size.value.dims] == [1, 7]
    assert isinstance(same.value, tree.Same)
    assert [dim.span for dim in size.value.dims] == [Span(6, 7), Span(8, 9)]
    (named,) = step("conv P=(d)x0").arguments
    assert named.letter == "P"
    assert not named.glued
    assert isinstance(named.value, tree.Dims)


def test_arguments() -> None:
    kinds = [
        type(a.value)
        for a in step("x 0.5 (4*k) q 56x56 0:C//2 like=@a out=7x7 channels=4:4 init=normal(0.01)").arguments
    ]
    assert kinds == [
        tree.Number, tree.Binary, tree.Name, tree.Dims, tree.Range, tree.Reference, tree.Dims, tree.Range, tree.Function,
    ]  # fmt: skip
    (matrix,) = step("conv weight=[1 0 -1; 1/9 0.5 2\n 3 4 5 | 1]").arguments
    assert matrix.value.planes == (((1, 0, -1), (Fraction(1, 9), Fraction(1, 2), 2), (3, 4, 5)), ((1,),))
    assert type(step("fc (4*k)")) is tree.LayerStep
    assert type(step("fc(4*k)")) is tree.CallStep
    assert len(step("c(F1x7 P0x3 K128)").arguments) == 3
    assert [type(a.value) for a in step("f(-1, @a, s if i == 0 else 1, s=2)").arguments] == [
        tree.Unary, tree.Reference, tree.Conditional, tree.Number,
    ]  # fmt: skip


def test_steps() -> None:
    assert step("[relu]*n").times.name == "n"
    assert step("[relu]").times is None
    branches = step("add [ a | | b\n c ]").branches
    assert [len(branch.items) for branch in branches] == [1, 0, 2]
    found = step("if a [x] else if b [y] else [z]")
    (line,) = found.otherwise.items
    assert isinstance(line.steps[0], tree.IfStep)
    assert line.steps[0].otherwise is not None
    line = only("x: @a -> relu => 3x4 -> bn => params 2")
    assert line.label == "x"
    assert line.label_span == Span(0, 1)
    assert [type(s).__name__ for s in line.steps] == [
        "StartStep",
        "LayerStep",
        "ClaimStep",
        "LayerStep",
        "ClaimStep",
    ]


@pytest.mark.parametrize(
    ("text", "value", "unit", "about"),
    [
        ("1,516", 1516, 1, False), ("25.6M", 25_600_000, 100_000, False), ("~8.8M", 8_800_000, 100_000, True),
        ("4.09G", 4_090_000_000, 10_000_000, False), ("4G", 4 * 10**9, 10**9, False), ("60k", 60_000, 1000, False),
    ],
)  # fmt: skip
def test_claimed_numbers(text: str, value: int, unit: int, about: bool) -> None:
    quantity = only(f"expect params {text}").claims[0].value
    assert (quantity.value, quantity.step, quantity.about, quantity.text) == (value, unit, about, text)


def test_claimed_shapes() -> None:
    first, second = only("relu => 6@28x28, params 156").steps[1].claims
    assert [dim.value for dim in first.value.dims] == [6, 28, 28]
    assert second.value.value == 156
    for text in ("=> 84", "=> (k)", "=> out 10", "=> 64x(r-4)x(r-4)", "=> out 6x2x2"):
        (claim,) = only(f"relu {text}").steps[1].claims
        assert claim.subject == "out"
        assert isinstance(claim.value, tree.Dims)
    assert isinstance(only("expect field 5x5").claims[0].value, tree.Dims)
    assert only("expect field 212").claims[0].value.value == 212
    assert only("expect params (3*k)").claims[0].value.expression is not None


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb", 2), ("a\rb", 2), ("a\r\nb", 2), ("a\n\n\n# c\n\nb\n", 2), ("a ->\nb", 1), ("a\n-> b", 1),
        ("a # c\n -> b", 1), ("a\n=> 3\nb", 2), ("f(1,\n2\n)", 1), ("add\t[\na\n|\nb\n]", 1), ("conv K=\n3", 1),
        ("conv K=3 *\n2", 1), ("conv K=3\n* 2", None), ("if a [x]\nelse [y]", 1), ("if a [x]\nelsewhere", 2),
        ("if a\n[x]", None), ("x:\nrelu", 1), ("[a\n\nb]*2", 1), ("[a]\n*2", None), ("a => 3,\nparams 2", 1),
        ("block f(\n k\n)\n{\na\n}", 1), ("  a\n\tb  ", 2), ("", 0), ("\ufeffa", 1), ("output @a,\n@b", 1),
        ("add [ a | b ]\n| c", None), ("a\x0bb", None), ("let a = 1 if b\nelse 2", 1), ("@a\n-> b", 1),
    ],
)  # fmt: skip
def test_new_lines(text: str, lines: int | None) -> None:
    sink = Sink()
    file = parse(Source("a", text), sink)
    assert (None if len(sink) else len(file.statements)) == lines


def test_comments() -> None:
    comments = read("# one\na # two\n\n  # three\nadd [ # four\n b ]").comments
    assert [(c.text, c.own_line) for c in comments] == [
        ("# one", True),
        ("# two", False),
        ("# three", True),
        ("# four", False),
    ]
    assert [c.span.start for c in comments] == [0, 8, 17, 31]


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a - (b - c)", "a-(b-c)"), ("(a - b) - c", "a-b-c"), ("-(a + b)", "-(a+b)"), ("a*(b//c)", "a*(b//c)"),
        ("not (a and b)", "not (a and b)"), ("(not a) and b", "not a and b"), ("(a < b) == c", "(a < b) == c"),
        ("a if (b if c else d) else e", "a if (b if c else d) else e"), ("a if b else (c if d else e)", "a if b else c if d else e"),
        ("min(a,(b))", "min(a, b)"), ("--a", "--a"), ("a*-b", "a*-b"), ("1e-6", "1e-6"), ("((((4))))", "4"),
    ],
)  # fmt: skip
def test_expressions(text: str, canonical: str) -> None:
    expr = parse_expression(text)
    assert expr is not None
    assert write_expr(expr) == canonical
    again = parse_expression(canonical)
    assert again is not None
    assert write_expr(again) == canonical


@pytest.mark.parametrize("text", ["", "a b", "1 +", "3x4", "@a", "F3", "1" * 50, "(" * 100, "a = 1", "1\n2"])
def test_no_expressions(text: str) -> None:
    assert parse_expression(text) is None
