"""Expressions have exact rational numbers, and give what Python's own arithmetic gives."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cnnspec.elaborate.values import NoValue, Undefined, Value, evaluate, number
from cnnspec.ir.expr import ENTRIES, List, multiple
from cnnspec.language import parse_expression, tree

NAMES = {"a": 7, "b": Fraction(3, 4), "k": 64, "w": List((8, 16)), "t": List((List((1, 2)), List((3, 4))))}


def look_up(name: tree.Name) -> Value:
    if name.name not in NAMES:
        raise Undefined("E206", "not defined", name.span)
    return NAMES[name.name]


def value_of(text: str) -> object:
    expr = parse_expression(text)
    assert expr is not None, text
    return evaluate(expr, look_up, 40)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 + 3*4", 14),
        ("(2 + 3)*4", 20),
        ("7//2", 3),
        ("-7//2", -4),
        ("7/2", Fraction(7, 2)),
        ("6/2", 3),
        ("-7 % 3", 2),
        ("0.1 + 0.2", Fraction(3, 10)),
        ("1e-6", Fraction(1, 1_000_000)),
        ("1 if a > 3 else 2", 1),
        ("1 if a < 3 else 2 if a == 8 else 3", 3),
        ("a > 3 and b < 1", True),
        ("a > 3 and not b < 1", False),
        ("a < 3 or 1 == 1", True),
        ("a != 7", False),
        ("min(a, 3, k)", 3),
        ("max(a, b)", 7),
        ("round(2.5)", 2),
        ("round(3.5)", 4),
        ("floor(7/2)", 3),
        ("ceil(7/2)", 4),
        ("multiple(32*0.75, 8)", 24),
        ("--3", 3),
        ("a < 1 and 1//0 == 1", False),
        ("not true or false", False),
        ("(a, 2*k)", List((7, 128))),
        ("(a,)", List((7,))),
        ("((1, 2), (true, b))", List((List((1, 2)), List((True, Fraction(3, 4)))))),
        ("w(a//7)", 16),
        ("t(1, 0)", 3),
        ("t(0)", List((1, 2))),
        ("len(w) + len(t(0))", 4),
        ("w if a < 3 else w", List((8, 16))),
        ("(1, 2) if a > 3 else (1,)", List((1, 2))),
    ],
)
def test_values(text: str, expected: object) -> None:
    assert value_of(text) == expected
    assert type(value_of(text)) is type(expected)


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("1//0", "E212", "1//0"),
        ("1 % (a - 7)", "E212", "1 % (a - 7)"),
        ("(a > 1) + 1", "E212", "a > 1"),
        ("not a", "E212", "a"),
        ("a and 1 == 1", "E212", "a"),
        ("1 if a else 2", "E212", "a"),
        ("sqrt(2)", "E206", "sqrt"),
        ("w", "E212", "w"),
        ("w(2)", "E212", "2"),
        ("w(-1)", "E212", "-1"),
        ("w(1/2)", "E212", "1/2"),
        ("w(0, 0)", "E212", "w(0, 0)"),
        ("w + 1", "E212", "w"),
        ("k(0)", "E212", "k(0)"),
        ("len(k)", "E212", "k"),
        ("true*2", "E212", "true"),
        ("min()", None, ""),
        ("round(1, 2)", "E212", "round(1, 2)"),
        ("multiple(3, 0)", "E212", "0"),
    ],
)
def test_expressions_without_a_value(text: str, code: str | None, at: str) -> None:
    expr = parse_expression(text)
    if code is None or expr is None:
        assert expr is code
        return
    with pytest.raises(NoValue) as caught:
        number(expr, look_up, 40)
    assert caught.value.finding.code == code
    start, end = caught.value.finding.span
    assert text[start:end].strip("()") == at.strip("()")


def test_numbers_stop_growing_at_the_cap() -> None:
    with pytest.raises(NoValue) as caught:
        value_of("9" * 30 + "*" + "9" * 30)
    assert caught.value.finding.code == "E603"


def test_lists_stop_growing_at_their_budget() -> None:
    NAMES["w"] = List(range(ENTRIES // 4))
    try:
        assert value_of("(w, w, w, w)") == List((NAMES["w"],) * 4)
        with pytest.raises(NoValue) as caught:
            value_of("(w, w, w, w, 1)")
    finally:
        NAMES["w"] = List((8, 16))
    assert caught.value.finding.code == "E603"


def test_a_long_chain_of_terms_needs_no_stack() -> None:
    assert value_of("+".join(["1"] * 90)) == 90
    assert value_of("1 if a < 0 else " * 90 + "2") == 2


def test_multiple_is_mobilenets() -> None:
    """torchvision's _make_divisible(v, 8): int(v + 4)//8*8, at least 8, one step up below 90 %."""
    for v in range(1, 400):
        expected = max(8, int(v + 4) // 8 * 8)
        if expected < 0.9 * v:
            expected += 8
        assert multiple(v, 8) == expected


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.booleans()):
        return str(draw(st.integers(0, 99)))
    left, right = draw(expressions(depth=depth - 1)), draw(expressions(depth=depth - 1))
    return f"({left} {draw(st.sampled_from(['+', '-', '*', '//', '%', '/']))} {right})"


@settings(deadline=None)  # how long it takes is not the question
@given(expressions())
@example("((1 // 1) / (3 // 1))")
def test_arithmetic_is_pythons(text: str) -> None:
    import re

    # `//` of fractions is an int, and `/` of ints a float: each value is made a fraction
    exact = re.sub(r"\d+", lambda number: f"Fraction({number.group()})", text.replace("(", "Fraction("))
    try:
        expected = eval(exact, {"Fraction": Fraction})
    except ZeroDivisionError:
        with pytest.raises(NoValue):
            value_of(text)
        return
    assert value_of(text) == expected


def test_the_sizes_of_the_input_and_names_are_looked_up() -> None:
    assert isinstance(parse_expression("C*2"), tree.Binary)
    assert value_of("k//2 + a") == 39
