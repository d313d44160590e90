"""Numbers, formulas and starts of weights: how they are written, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from cnnspec.ops import dump_op, load_op
from cnnspec.ops.base import written_number
from cnnspec.ops.formula import Formula, written_result
from tests.ops.binder import op as bind


def test_only_known_symbols_are_filled_in() -> None:
    formula = Formula("n", "H·b + 2C + 2P + 3P", {"H": 3, "P": 0}, 5)
    assert formula.filled() == "3·b + 2C + 0 + 0"
    assert Formula("n", "2P", {"P": 4}, 8).filled() == "2·4"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 10_000), "0.0001"),
        (Fraction(1, 100_000), "1e-5"),
        (Fraction(123, 10**7), "1.23e-5"),
        (Fraction(-5, 2), "-2.5"),
        (Fraction(-1, 3), "-1/3"),
        (10**14, "100000000000000"),
        (10**15, "1e15"),
        (12 * 10**14, "1.2e15"),
        (Fraction(10**15 + 1), "1.000000000000001e15"),
        (Fraction(1, 8), "0.125"),
        (Fraction(1, 5**7), "1.28e-5"),
        (0.1, "0.1"),
    ],
)
def test_numbers_are_written_shortest(value: Fraction | float, text: str) -> None:
    assert written_number(value) == text
    assert Fraction(text) == (Fraction(repr(value)) if isinstance(value, float) else value)


def test_results_for_people() -> None:
    results = Fraction(7, 2), Fraction(-7000, 3), Fraction(-4), 4864, "F"
    assert [written_result(value) for value in results] == ["7/2", "−7,000/3", "−4", "4,864", "F"]


def test_what_is_no_layer() -> None:
    for plain in (3, "conv", None, [1]):
        with pytest.raises(ValueError, match="a layer is an object"):
            load_op(plain)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no layer has the word 'blub'"):
        load_op({"op": "blub"})
    assert dump_op(load_op({"op": "leaky", "slope": "3"})) == {"op": "leaky", "slope": 3}


@pytest.mark.parametrize(
    ("init", "said"),
    [
        (["normal", "0.01"], None),
        (["uniform", 3], None),
        ("he", None),
        (["he", "fan_out"], None),
        (["normal", 1, "0.02"], None),
        (["truncated", "0.02"], None),
        (["constant", -3], None),
        ("constant", "constant needs its number: constant(0.1)"),
        (["truncated", 1, 2], "truncated needs its standard deviation"),
        (["normal", 1, 0], "the standard deviation of normal must be greater than 0"),
        (["he", "fan_mean"], "he needs no number; it may have fan_out: he(fan_out)"),
        ("normal", "normal needs its standard deviation: normal(0.01)"),
        ("uniform", "uniform needs its bound: uniform(0.1)"),
        (["he", 1], "he needs no number"),
        (["normal", 0], "the number of normal must be greater than 0"),
        (["normal", 10**38], None),
        (["normal", "1.1e38"], "no larger than 1e38"),
        ("best", "must be he, xavier"),
    ],
)
def test_starts(init: Any, said: str | None) -> None:
    plain = {"op": "conv", "F": [3, 3], "K": 2, "init": init}
    if said is None:
        assert dump_op(load_op(plain))["init"] == init
        return
    with pytest.raises(ValueError, match=said.replace("(", r"\(").replace(")", r"\)")):
        load_op(plain)


def test_a_scheme_with_its_number_is_its_start() -> None:
    for text, distribution, value in (
        ("init=normal(0.25)", "normal", 0.25),
        ("init=uniform(0.5)", "uniform", 0.5),
        ("init=zeros", "constant", 0.0),
        ("init=ones", "constant", 1.0),
    ):
        start = bind(f"conv F1 K1 {text}").weights((1, 1, 1))[0].initial
        assert (start.distribution, start.value) == (distribution, value)
