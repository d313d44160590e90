"""The advice that a layer has about itself, with its numbers."""

from __future__ import annotations

from typing import Any

import pytest

from cnnspec.ops.base import Misfit, Remark, Shape
from tests.ops.binder import op as bind


def remarks(text: str, arriving: Shape) -> dict[str, Remark]:
    op = bind(text)
    out: Any = op.out(arriving)
    assert not isinstance(out, Misfit), out
    return {remark.code: remark for remark in op.remark((arriving,), out)}


@pytest.mark.parametrize(
    ("text", "arriving", "codes"),
    [
        ("conv F3 P1 K64", (64, 56, 56), set()),
        ("conv F3 S2 P1 K64", (64, 56, 56), {"W201"}),
        ("conv F2 S2 K64", (64, 56, 56), set()),
        ("conv F2 S2 K64", (64, 57, 56), {"W201"}),
        ("conv F3 S2 Psame K64", (64, 56, 56), set()),
        ("conv F1 P1 K64", (64, 56, 56), {"W102"}),
        ("conv F3 P3 K64", (64, 56, 56), {"W102"}),
        ("conv F3 P2 K64", (64, 56, 56), set()),
        ("conv F3 D2 P4 K64", (64, 56, 56), set()),  # the window reaches over 5
        ("conv F4 P1 K64", (64, 56, 56), {"W202"}),
        ("conv F4 K64", (64, 56, 56), set()),
        ("conv F3 P1 K96", (64, 56, 56), {"W204"}),
        ("conv F1 K1", (64, 56, 56), set()),
        ("conv F7 P3 K64", (64, 56, 56), {"W210"}),
        ("conv F7 P3 K64", (3, 56, 56), set()),  # three layers of 3x3 would have more weights, not fewer
        ("conv F5 K64", (64, 5, 5), set()),  # as large as the map: a dense layer
        ("conv F7 S2 P3 K64", (64, 57, 57), set()),
        ("dwconv F7 P3", (64, 56, 56), {"W210"}),
        ("deconv F4 S2 P1 K48", (64, 7, 7), {"W204"}),
        ("maxpool F2", (64, 8, 8), set()),
        ("maxpool F3 S2 P1", (64, 9, 9), {"W203"}),
        ("maxpool F3 S2", (64, 8, 8), {"W201"}),
        ("maxpool F3 S2 ceil", (64, 8, 8), set()),
        ("avgpool out=3x3", (64, 8, 8), set()),
        ("subsample F2", (64, 7, 8), {"W201"}),
    ],
)
def test_which(text: str, arriving: Shape, codes: set[str]) -> None:
    assert set(remarks(text, arriving)) == codes


def test_a_lost_border_in_numbers() -> None:
    found = remarks("maxpool F2", (64, 7, 9))["W201"]
    assert found.message == "the stride does not divide: 1 row and 1 column of the map are never read"
    assert "6x8 or 8x10 would fit" in found.help
    assert found.note == "⌊(W − F + 2P)/S⌋ + 1 = ⌊(9 − 2 + 0)/2⌋ + 1 = 4"


def test_one_row_is_one_row() -> None:
    found = remarks("maxpool F2", (64, 7, 8))["W201"]
    assert found.message == "the stride does not divide: 1 row of the map is never read"


def test_a_lost_border_of_padding() -> None:
    """ResNet's first layer: nothing of the image is lost."""
    found = remarks("conv F7 S2 P3 K64", (3, 224, 224))["W201"]
    assert (
        found.message
        == "the stride does not divide: 1 row and 1 column of padding stand at the end for nothing"
    )
    assert "223x223 or 225x225 would fit" in found.help


def test_what_is_proposed_for_a_lost_border_fits() -> None:
    """Inputs and paddings that `help` names leave nothing over."""
    import re

    for F in range(1, 6):
        for S in range(2, 5):
            for P in range(F):
                for N in range(5, 15):
                    said = remarks(f"conv F{F} S{S} P{P} K4", (3, N, N)).get("W201")
                    if said is None:
                        assert (N + 2 * P - F) % S == 0
                        continue
                    fits, more = map(int, re.findall(r"(\d+)x\d+ or (\d+)x", said.help)[0])
                    assert fits < N < more
                    assert (fits + 2 * P - F) % S == (more + 2 * P - F) % S == 0
                    if padding := re.match(r"P(\d+) would", said.help):
                        assert (N + 2 * int(padding[1]) - F) % S == 0


def test_a_stack_of_3x3_in_numbers() -> None:
    """Two 3x3 see as far as one 5x5: 18 to 25."""
    found = remarks("conv F5 P2 K64", (64, 32, 32))["W210"]
    assert found.message == "2 layers of 3x3 see as far as one of 5x5: 73,728 weights instead of 102,400"
    assert 73_728 / 102_400 == 18 / 25


def test_an_even_filter_in_numbers() -> None:
    found = remarks("conv F4x3 P1x0 K64", (64, 8, 8))["W202"]
    assert found.note == "P = (F − 1)/2 = (4 − 1)/2 = 3/2"
    assert found.help == "F5x3 with P2x1 keeps it; or Psame, uneven by design"


@pytest.mark.parametrize(("K", "near"), [(3, "K2 or K4"), (96, "K64 or K128"), (1000, "K512 or K1024")])
def test_the_nearest_powers_of_two(K: int, near: str) -> None:
    assert remarks(f"conv F1 K{K}", (4, 4, 4))["W204"].help.endswith(near)


def test_only_zeros_in_numbers() -> None:
    found = remarks("conv F3 P3 K64", (64, 8, 8))["W102"]
    assert found.argument == "P"
    assert found.replacement == "P1"
