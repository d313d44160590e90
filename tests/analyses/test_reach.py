"""What positions of a map read, along one axis, by hand: windows behind windows, ways that meet."""

from __future__ import annotations

from fractions import Fraction

import pytest

from cnnspec.analyses.reach import FURTHEST, LONGEST_PERIOD, SELF, Reach, after, either, reach_of
from cnnspec.ops.base import Window

HALF = Fraction(1, 2)
TWICE = Reach((0, 0), (0, 0), 1)
"""Twofold nearest upsampling: positions 0 and 1 read 0."""
THREE = Reach((-1,), (1,), 1)
"""A 3-wide filter with padding 1."""


@pytest.mark.parametrize(
    ("window", "reach"),
    [
        (Window(3, 1, -1), THREE),
        (Window(7, 2, -3), Reach((-3,), (3,), 2)),
        (Window(Fraction(3, 2), HALF, -HALF), TWICE),
        (Window(Fraction(5, 2), HALF, Fraction(-1)), Reach((-1, 0), (0, 1), 1)),
        (Window(1, Fraction(1, 2), 0), Reach((0, 1), (0, 0), 1)),  # position 1 stands between two
        (Window(Fraction(3, 2), 1, 0), Reach((0,), (0,), 1)),  # half a position is none
        (Window(2, 1, -HALF), Reach((0,), (0,), 1)),
        (Window(3, 1, -HALF), Reach((0,), (1,), 1)),
        (Window(4, 3, -HALF), Reach((0,), (2,), 3)),
        (Window(1, Fraction(3, 2), 0), Reach((0, 2), (0, 1), 3)),
        (Window(Fraction(5, 3), 1, Fraction(1, 3)), Reach((1,), (1,), 1)),  # from 1/3: 0 is not read
    ],
)
def test_a_window(window: Window, reach: Reach) -> None:
    assert reach_of(window) == reach


def test_periods_are_bounded() -> None:
    def step(period: int) -> Reach | None:
        return reach_of(Window(1, Fraction(1, period), 0))

    longest = step(LONGEST_PERIOD)
    assert longest is not None
    assert longest.period == LONGEST_PERIOD
    assert step(LONGEST_PERIOD + 1) is None
    sixteen, seventeen = Reach((0,) * 16, (0,) * 16, 1), Reach((0,) * 17, (0,) * 17, 1)
    assert after(sixteen, seventeen) is None
    assert either(sixteen, Reach((0,) * 17, (0,) * 17, 17)) == Reach((0,) * 17, (0,) * 17, 17)  # wider steps
    assert either(Reach((0,) * 16, (0,) * 16, 16), Reach((0,) * 17, (1,) * 17, 17)) is None
    ended = after(sixteen, Reach((0,) * 16, (0,) * 16, 1))
    assert ended is not None
    assert ended.period == LONGEST_PERIOD


def test_strides_are_bounded() -> None:
    def stride(shift: int) -> Reach:
        return Reach((0,), (0,), shift)

    assert after(stride(2), stride(FURTHEST // 2)) == stride(FURTHEST)
    assert after(stride(2), stride(FURTHEST // 2 + 1)) is None


@pytest.mark.parametrize(
    ("outer", "inner", "both"),
    [
        (THREE, THREE, Reach((-2,), (2,), 1)),
        (THREE, Reach((-3,), (3,), 2), Reach((-5,), (5,), 2)),
        (Reach((0,), (1,), 2), Reach((-1,), (3,), 3), Reach((-1,), (6,), 6)),
        (THREE, TWICE, Reach((-1, 0), (0, 1), 1)),
        (TWICE, THREE, Reach((-1, -1), (1, 1), 1)),
        (TWICE, TWICE, Reach((0,) * 4, (0,) * 4, 1)),
        (Reach((0,), (0,), 2), TWICE, SELF),
        (Reach((0,), (0,), 3), TWICE, Reach((0, 1), (0, 1), 3)),
        (Reach((0, 2), (1, 4), 3), TWICE, Reach((0, 1, 1, 2), (0, 2, 2, 3), 3)),
        (None, SELF, None),
        (SELF, None, None),
    ],
)
def test_one_behind_the_other(outer: Reach | None, inner: Reach | None, both: Reach | None) -> None:
    assert after(outer, inner) == both


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (THREE, THREE, THREE),
        (THREE, Reach((0,), (4,), 1), Reach((-1,), (4,), 1)),
        (Reach((0, 0), (2, 1), 2), Reach((-1, 1), (0, 4), 2), Reach((-1, 0), (2, 4), 2)),
        (THREE, Reach((0,), (0,), 2), THREE),  # drifting apart: the wider
        (Reach((0,), (0,), 2), THREE, THREE),
        (THREE, Reach((-1,), (1,), 2), Reach((-1,), (1,), 2)),  # as wide, with the larger stride
        (SELF, Reach((0, 0), (0, 1), 2), Reach((0, 0), (0, 1), 2)),
        (Reach((0, 0), (0, 1), 2), Reach((-1,), (0,), 1), Reach((-1, 0), (0, 1), 2)),
        (Reach((0,), (1,), 2), Reach((1, 1), (1, 1), 4), Reach((0, 1), (1, 3), 4)),
        (Reach((0,), (0,), 2), Reach((0, 3), (1, 3), 4), Reach((0, 2), (1, 3), 4)),
        (None, SELF, None),
        (SELF, None, None),
    ],
)
def test_one_or_the_other(one: Reach | None, other: Reach | None, both: Reach | None) -> None:
    assert either(one, other) == both


def test_widest_and_average() -> None:
    reach = Reach((0, 0, 1), (0, 2, 1), 2)
    assert (reach.size, reach.stride, reach.period) == (3, Fraction(2, 3), 3)
