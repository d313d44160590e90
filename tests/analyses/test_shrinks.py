"""W205 says from which size of a map on a layer shrinks it too fast; here all sizes are tried."""

from __future__ import annotations

import re

import pytest

from cnnspec import check


def reported(layer: str, side: int) -> str:
    """The help of W205, where it is reported for a map of that side."""
    found = check(text=f"input 4x{side}x{side}\n{layer}\n").models[0].diagnostics
    return next((str(one.help) for one in found if one.code == "W205"), "")


@pytest.mark.parametrize(
    "layer",
    [
        "conv F8 S8 K4",
        "conv F5 S5 P2 K4",
        "conv F9 S6 Psame K4",
        "conv F3 S7x5 D2 P1 K4",
        "maxpool F6 S5 ceil",
        "avgpool out=5x7",
        "local F6 S6 K2",
        "blur F3 S5",
    ],
)
def test_every_size_from_there_on_and_not_the_one_before(layer: str) -> None:
    least = re.search(r"every map from (\d+)x\1 on", reported(layer, 64))
    assert least is not None
    side = int(least[1])
    assert all(reported(layer, size) for size in range(side, side + 75))
    assert not reported(layer, side - 1)


def test_nothing_is_said_where_some_larger_sizes_do_not_fit() -> None:
    assert reported("pixelunshuffle 8", 64)
    assert "from" not in reported("pixelunshuffle 8", 64)
