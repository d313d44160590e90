"""Expressions have exact rational numbers, and give what Python's own arithmetic gives."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.elaborate.values import NoValue, evaluate
from cnnspec.ir.expr import multiple
from cnnspec.language import parse_expression, tree

NAMES = {"a": 7, "b": Fraction(3, 4), "k": 64}


def value_of(text: str) -> object:
    expr = parse_expression(text)
    assert expr is not None, text
    return evaluate(expr, lambda name: NAMES[name.name], 40)


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
        ("min()", None, ""),
        ("round(1, 2)", "E212", "round(1, 2)"),
        ("multiple(3, 0)", "E212", "0"),
    ],
)
def test_expressions_without_a_value(text: str, code: str | None, at: str) -> None:
    if code is None:
        assert parse_expression(text) is None
        return
    with pytest.raises(NoValue) as caught:
        value_of(text)
    assert caught.value.finding.code == code
    start, end = caught.value.finding.span
    assert text[start:end].strip("()") == at.strip("()")


def test_numbers_stop_growing_at_the_cap() -> None:
    with pytest.raises(NoValue) as caught:
        value_of("9" * 30 + "*" + "9" * 30)
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
def test_arithmetic_is_pythons(text: str) -> None:
    import re

    exact = re.sub(r"\d+", lambda number: f"Fraction({number.group()})", text)
    try:
        expected = eval(exact, {"Fraction": Fraction})
    except ZeroDivisionError:
        with pytest.raises(NoValue):
            value_of(text)
        return
    assert value_of(text) == expected


def test_arriving_shape_and_names_are_looked_up() -> None:
    assert isinstance(parse_expression("C*2"), tree.Binary)
    assert value_of("k//2 + a") == 39
