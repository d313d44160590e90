"""Long lines that a pattern could go through again from each of their characters."""

from __future__ import annotations

import time

import pytest

from tests.support import findings

LONG = 100_000
SECONDS = 10
"""A guard against hanging: each took more, and takes less than one."""


@pytest.mark.parametrize(
    "line",
    [
        "conv" + "\t" * LONG + "x=",
        "input" + " " * LONG,
        "[convolutional]\nsize=3" + " " * LONG + "x\n filters=3",
        "relu => params 1" + "1" * LONG + " q",
        "conv F3 K3" + " bias=False" * (LONG // 11),
        "\n".join(f"block f{number}() {{ cnov F3 }}" for number in range(LONG // 24)),
    ],
    ids=lambda line: line[:14].strip(),
)
def test_a_long_line_is_told_in_time(line: str) -> None:
    begin = time.process_time()
    findings(f"input 3x32x32\n{line}")
    assert time.process_time() - begin < SECONDS
