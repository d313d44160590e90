"""Did you mean …?: typing slips, and the words that people bring along from other tools."""

from __future__ import annotations

import itertools

import pytest

from cnnspec.diagnostics.suggest import did_you_mean, fold, listing, nearest, typing_distance
from cnnspec.notations.words import (
    ARGUMENTS,
    CLAIMS,
    LAYERS,
    UNNEEDED,
    layer_word,
)
from cnnspec.ops import words

WORDS = words()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("cnov", "conv"),
        ("Conv", "conv"),
        ("maxpol", "maxpool"),
        ("max_pool", "maxpool"),
        ("flaten", "flatten"),
        ("l_2_N_o-r m", "l2norm"),
        ("sofmax", "softmax"),
        ("rleu", "relu"),
        ("drop", "dropout"),
        ("upsampel", "upsample"),
        ("Conv2d", "conv"),
        ("BatchNorm2d", "bn"),
        ("batchnorm", "bn"),
        ("Dense", "fc"),
        ("dense", "fc"),
        ("Linear", "fc"),
        ("linear", "fc"),
        ("GlobalAveragePooling2D", "gap"),
        ("avg_pool", "avgpool"),
        ("ReLU", "relu"),
        ("LeakyReLU", "leaky"),
        ("swish", "silu"),
        ("dropout2d", "dropout"),
        ("InnerProduct", "fc"),
        ("route", "concat"),
        ("shortcut", "add"),
        ("BatchNrom2d", "bn"),
        ("lniear", "fc"),
        ("wibble", None),
        ("xyz", None),
        ("q", None),
    ],
)
def test_the_nearest_layer(written: str, meant: str | None) -> None:
    assert nearest(written, WORDS, LAYERS) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("stride", "S"),
        ("padding", "P"),
        ("kernel_size", "F"),
        ("filters", "K"),
        ("out_channels", "K"),
        ("groups", "G"),
        ("dilation", "D"),
        ("use_bias", "bias"),
        ("nobais", "nobias"),
        ("paddding", "P"),
        ("kernal_size", "F"),
        ("wieght", "weight"),
    ],
)
def test_the_nearest_argument(written: str, meant: str) -> None:
    words = [*"FKSPGD", "bias", "nobias", "weight", "frozen", "connect", "init"]
    assert nearest(written, words, ARGUMENTS) == meant


def test_a_further_word_is_only_offered_where_it_would_be_right() -> None:
    assert nearest("dense", ["conv", "bn"], LAYERS) is None


def test_the_order_of_the_candidates_does_not_matter() -> None:
    assert {nearest("e5", order) for order in itertools.permutations(["e1", "e2", "e3"])} == {"e1"}


def test_the_word_itself_is_never_offered() -> None:
    assert nearest("conv", ["conv", "dwconv"]) != "conv"


@pytest.mark.parametrize("word", ["", "x" * 100_000, "\ud800", "é", "木"])
def test_any_text_is_taken(word: str) -> None:
    assert nearest(word, WORDS, LAYERS) is None


def test_a_word_too_long_to_be_a_slip_is_not_compared() -> None:
    assert nearest("x" * 100, ["x" * 99]) is None


def test_sentences() -> None:
    assert did_you_mean("cnov", WORDS) == "did you mean conv?"
    assert did_you_mean("wibble", WORDS) == ""
    assert [listing(words) for words in ([], ["b"], ["b", "a"], ["c", "b", "a"])] == [
        "",
        "b",
        "a and b",
        "a, b and c",
    ]
    assert listing(map(str, range(100)), most=2) == "0, 1 … (100 in all)"


@pytest.mark.parametrize(
    ("left", "right", "slips"),
    [
        ("", "", 0),
        ("a", "", 1),
        ("ab", "ba", 1),
        ("kitten", "sitting", 3),
        ("ca", "abc", 3),
        ("conv", "conv", 0),
    ],
)
def test_typing_distance(left: str, right: str, slips: int) -> None:
    assert typing_distance(left, right) == typing_distance(right, left) == slips


def test_the_tables_are_folded_and_disjoint() -> None:
    for table in (LAYERS, ARGUMENTS, CLAIMS, UNNEEDED):
        assert [word for word in table if fold(word) != word] == []
    assert set(ARGUMENTS).isdisjoint(UNNEEDED)
    assert set(LAYERS).isdisjoint(WORDS), "a word of the language is no foreign word"
    assert set(LAYERS.values()) <= set(WORDS)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("conv1", "conv"),
        ("fc6", "fc"),
        ("nn.ReLU", "relu"),
        ("pool5", "maxpool"),
        ("relu1_1", "relu"),
        ("x", None),
    ],
)
def test_the_word_for_a_foreign_layer(name: str, word: str | None) -> None:
    assert layer_word(name) == word
