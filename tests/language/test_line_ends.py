"""Where a line ends in `%`: an operator that goes on below, or a percentage."""

from __future__ import annotations

import pytest

from tests.support import findings

IN = "input 3x16x16\n"


@pytest.mark.parametrize(
    "text",
    [
        "let n = 50 %\n 7\ninput 3x16x16\nconv F3 K=n => 1x14x14",
        "let n = 50 % # rest\n\n  (3 + 4)\ninput 3x16x16\nconv F3 K=n => 1x14x14",
        "let m = 7\nlet n = 50 %\n m\ninput 3x16x16\nconv F3 K=n => 1x14x14",
        "let n = 50 %\r\n min(7, 9) + 1\ninput 3x16x16\nconv F3 K=n => 2x14x14",
        f"{IN}conv F3 K=50 %\n 7 => 1x14x14",
        f"{IN}if C == 10 %\n 7 [ relu ] else [ none ]",
    ],
)
def test_a_remainder_goes_on_below(text: str) -> None:
    assert not [one for one in findings(text) if not one.code.startswith("W")]


@pytest.mark.parametrize(
    "text",
    [
        f"{IN}dropout 50%\nrelu",
        f"{IN}dropout 50%\nx: relu",
        f"{IN}dropout 50% # half\n\nconv F3 K3",
        f"{IN}dropout 50%\nif C > 3 [ relu ]",
        f"{IN}add [ dropout 50%\n | id ]",
        f"{IN}dropout 50%\nexpect params 0",
        "block f() { relu }\n" + f"{IN}dropout 50%\nf()",
    ],
)
def test_a_percentage_ends_with_its_line(text: str) -> None:
    (told,) = (one for one in findings(text) if not one.code.startswith("W"))
    assert (told.code, told.help) == ("E106", "write `0.5`")


@pytest.mark.parametrize(
    "text",
    [
        "# a note\ninput 3x8x8\n@b -> relu\nb: conv F3 K4\n",
        "let n = 1\ninput 3x8x8\nvariant A: n = 3; expect params 3\nrelu\n",
        "input 3x8x8\nblcok f(k) { relu }\nf(3)\n",
        "input 3x8x8\nconv F3 K4\n-> -> relu\n",
    ],
)
@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_a_line_is_a_line_however_it_ends(text: str, end: str) -> None:
    told = [
        [(one.code, one.message, one.help) for one in findings(t)] for t in (text, text.replace("\n", end))
    ]
    assert told[0] == told[1]
    assert told[0]
