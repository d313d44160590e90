"""Which arguments of emitted calls have names."""

from __future__ import annotations

import pytest

from cnnspec.lower.keywords import Argument, by_position
from cnnspec.lower.symbolic import Apply, Const, Node, Var

X = Var("x")
SIZES = ("in_channels", "skip_channels")
FIRST = Apply("if", (Apply("==", (Var("i"), Const(0))), Const(2), Const(1)))


@pytest.mark.parametrize(
    ("arguments", "positional"),
    [
        ([("in_channels", 3), ("k", 64)], 2),
        ([("in_channels", 3), ("k", 64), ("n", 2)], 2),
        ([("in_channels", 3), ("out_channels", 64), ("kernel_size", 7)], 2),
        ([("in_channels", 3), ("n", 2), ("first", 0)], 1),  # two bare numbers that are no channels
        ([("in_channels", 3), ("skip_channels", 8), ("k", 8)], 2),
        ([("in_channels", X), ("k", X), ("s", X)], 3),
        ([("in_channels", X), ("k", X), ("s", FIRST)], 2),
        ([("in_channels", X), ("f", X), ("t", X), ("k", X), ("s", X)], 1),  # four in a row
        ([("in_channels", X), ("k", X), ("se", True)], 2),
        ([("k", 32), ("s", 1)], 1),  # a function of NumPy, whose channels are those of the map
        ([("one", 64), ("three", 96)], 0),
        ([("r3", X), ("k3", X), ("f", 3)], 2),
    ],
)
def test_by_position(arguments: list[tuple[str, Node | int]], positional: int) -> None:
    listed = [
        Argument(name, Const(value) if isinstance(value, int) else value, name not in SIZES, False)
        for name, value in arguments
    ]
    assert list(by_position(listed)) == [place < positional for place in range(len(listed))]


def test_after_a_default_all_have_names() -> None:
    listed = [Argument("k", X, True, False), Argument("s", X, True, True), Argument("d", X, True, False)]
    assert list(by_position(listed)) == [True, False, False]
