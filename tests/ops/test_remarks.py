"""What is proposed for a border that the stride never reads: it fits."""

from __future__ import annotations

import re
from typing import Any

from cnnspec.ops.base import Misfit, Remark, Shape
from tests.ops.binder import op as bind


def remarks(text: str, shape: Shape) -> dict[str, Remark]:
    op = bind(text)
    out: Any = op.out(shape)
    assert not isinstance(out, Misfit), out
    return {remark.code: remark for remark in op.remark((shape,), out)}


def test_what_is_proposed_for_a_lost_border_fits() -> None:
    """Inputs and paddings that `help` names leave nothing over."""
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
