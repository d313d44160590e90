"""An op as JSON and as text: both ways, nothing lost."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cnnspec.ops import dump_op, load_op, lookup, words
from cnnspec.ops.base import arguments_of, written_number
from tests.ops.binder import op as bind

BY_HAND = [
    "conv F3 K4 weight=[1 0 -1; 1 0 -1; 1/9 0.5 -1] bias=[1 2 3 4] frozen",
    "conv F1 K2 connect=[0 1; 1 2]",
    "conv F1x7 S2x1 P0x3 D1x2 G2 K4 nobias init=normal(0.01)",
    "deconv F4 S2 P1 K8 extra=1x0",
    "upsample like=@a bilinear",
    "crop like=@a offset=1x2",
    "pad channels=4:4",
    "pad channels=8",
    "tanh amp=1.7159 gain=2/3",
    "bn eps=1/3 momentum=0 noaffine frozen",
    "lrn size=5 alpha=5e-4 k=2",
    "rbf 10 frozen weight=[1 -1]",
]


SHAPES = ((12, 9, 9), (16, 4, 6), (8,), (4, 1, 1), (6, 20), (4, 5, 6, 7))


def drawn() -> list[tuple[str, int]]:
    """Layers, each with the number of its input's axes."""
    chance = random.Random(7)
    texts = []
    for word in words():
        made: Any = lookup(word)
        for shape in SHAPES * 8:
            if (text := made.draw(chance, shape)) is not None:
                texts.append((text, len(shape) - 1 or 2))
    return texts


@pytest.mark.parametrize("text", BY_HAND)
def test_by_hand(text: str) -> None:
    op = bind(text)
    assert load_op(json.loads(json.dumps(dump_op(op)))) == op
    assert bind(f"{op.word} {op.written()}".replace("@…", "@a")) == op


def test_whatever_is_drawn() -> None:
    for text, axes in drawn():
        op = bind(text, axes)
        assert load_op(json.loads(json.dumps(dump_op(op)))) == op
        assert bind(f"{op.word} {op.written()}", axes) == op, text


def test_draws_cover_all_arguments() -> None:
    """Over many draws every argument is written, but for those that need a second tensor or a literal."""
    left_out = {"weight_values", "maxpool"}
    seen: dict[str, set[str]] = {}
    for text, axes in drawn() + drawn_again():
        op = bind(text, axes)
        seen.setdefault(op.word, set()).update(op.model_fields_set)
    for word in set(words()) - set(seen):
        op: Any = lookup(word)
        # these need an input that suits them, or ignore it
        assert op.merges or op.undoes or word in ("none", "pow", "exp", "log", "coords"), (
            "every other layer is drawn"
        )
    for word, fields in seen.items():
        made: Any = lookup(word)
        expected = {name for name, one in arguments_of(made) if one.kind != "tensor"} - left_out
        assert expected <= fields, (word, expected - fields)


def drawn_again() -> list[tuple[str, int]]:
    chance = random.Random(8)
    return [
        (text, len(shape) - 1 or 2)
        for word in words()
        for shape in ((12, 9, 9), (8,), (4, 1, 1), (4, 3, 5, 6)) * 60
        if (text := lookup(word).draw(chance, shape)) is not None  # type: ignore[union-attr]
    ]


def test_canonical_text() -> None:
    assert bind("conv K64 P1 nobias S2 F3").written() == "F3 S2 P1 K64 nobias"
    assert bind("conv F1x7 P0x3 K8").written() == "F1x7 P0x3 K8"
    assert bind("fc 1000 nobias").written() == "1000 nobias"
    assert bind("conv F3 Psame K8").written() == "F3 Psame K8"
    assert bind("maxpool F2 S2").written() == "F2 S2"
    assert bind("pad channels=8").written() == "channels=8"
    assert bind("slice 0:4").written() == "0:4"
    assert bind("tanh amp=1.7159 gain=2/3").written() == "amp=1.7159 gain=2/3"
    assert bind("bn eps=0.000001").written() == "eps=1e-6"
    assert bind("bn eps=1e-5").written() == ""  # the default


@given(st.fractions(min_value=-(10**20), max_value=10**20))
def test_numbers_are_written_exactly(number: Fraction) -> None:
    assert Fraction(written_number(number)) == number


@given(st.integers(-(10**25), 10**25), st.integers(-60, 30))
def test_decimals_are_written_exactly(digits: int, power: int) -> None:
    number = Fraction(digits) * Fraction(10) ** power
    text = written_number(number)
    assert Fraction(text) == number
    assert len(text) < 100
    assert "/" not in text


@pytest.mark.parametrize(
    ("plain", "field"),
    [
        ({"op": "conv", "F": [0, 3], "K": 8}, "F"),
        ({"op": "conv", "F": [3, 3], "K": 0}, "K"),
        ({"op": "conv", "F": [3, 3], "K": True}, "K"),
        ({"op": "conv", "F": [3, 3], "K": "8"}, "K"),
        ({"op": "conv", "F": [3, 3], "K": 8, "S": [0, 1]}, "S"),
        ({"op": "conv", "F": [3, 3], "K": 8, "P": [-1, 0]}, "P"),
        ({"op": "conv", "F": [3, 3], "K": 8, "P": "valid"}, "P"),
        ({"op": "conv", "F": [3, 3], "K": 8, "D": [1, 0]}, "D"),
        ({"op": "conv", "F": [3, 3], "K": 8, "G": 0}, "G"),
        ({"op": "conv", "F": [3, 3], "K": 8, "depth": 3}, "depth"),
        ({"op": "conv", "F": [3, 3], "K": 8, "bias": "yes"}, "bias"),
        ({"op": "conv", "F": [3, 3], "K": 8, "init": "kaiming"}, "init"),
        ({"op": "conv", "F": [3, 3], "K": 8, "init": "normal"}, "init"),
        ({"op": "conv", "F": [3, 3], "K": 8, "init": ["he", 1]}, "init"),
        ({"op": "conv", "F": [3, 3], "K": 8, "init": ["normal", 0]}, "init"),
        ({"op": "conv", "F": [3, 3]}, "K"),
        ({"op": "dropout", "p": "1.1"}, "p"),
        ({"op": "dropout", "p": float("nan")}, "p"),
        ({"op": "dropout", "p": float("inf")}, "p"),
        ({"op": "dropout", "p": -1}, "p"),
        ({"op": "bn", "eps": 0}, "eps"),
        ({"op": "bn", "momentum": 2}, "momentum"),
        ({"op": "times", "factor": "1e39"}, "factor"),
        ({"op": "times", "factor": "1e999999999"}, "factor"),
        ({"op": "times", "factor": "1/0"}, "factor"),
        ({"op": "times", "factor": True}, "factor"),
        ({"op": "gn", "G": 0}, "G"),
        ({"op": "pixelshuffle", "factor": 0}, "factor"),
        ({"op": "pad", "border": -1}, "border"),
        ({"op": "reshape", "shape": [0]}, "shape"),
        ({"op": "crop", "size": [0, 1]}, "size"),
        ({"op": "lrn", "size": 0}, "size"),
        ({"op": "upsample", "mode": "lanczos"}, "mode"),
    ],
)
def test_values_out_of_range_are_refused_at_their_field(plain: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        load_op(plain)
    assert {error["loc"][0] for error in refused.value.errors()} == {field}


def test_a_word_that_is_no_layer() -> None:
    with pytest.raises(ValueError, match="no layer"):
        load_op({"op": "conv2d"})


def test_an_op_is_a_value() -> None:
    op = bind("conv F3 K8")
    with pytest.raises(ValidationError):
        op.K = 9  # type: ignore[attr-defined]
    assert op == bind("conv F3 S1 K8")
    assert hash(op) == hash(bind("conv F3x3 K8"))


def test_unpool_keeps_its_maxpool() -> None:
    made: Any = lookup("unpool")
    op = made(like=True, maxpool=bind("maxpool F3 S2 P1 ceil"))
    plain = json.loads(json.dumps(dump_op(op)))
    assert plain["maxpool"]["op"] == "maxpool"
    assert load_op(plain) == op
