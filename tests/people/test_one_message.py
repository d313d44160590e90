"""Mistakes as people make them, each one finding that says what to type."""

from __future__ import annotations

import pytest

from cnnspec.diagnostics import Severity
from tests.support import findings

INPUT = "input 3x32x32\n"
CONV = f"{INPUT}conv F3 P1 K8"
TWO = f"{INPUT}x: conv F3 P1 K8\ny: conv F3 P1 K8\n"
BLOCK = "block res(k) { conv F3 P1 K=k }\n"
MISTAKES = [
    (f"{INPUT}conv F3，S1，P1，K64", "leave the commas out"),
    (f"{INPUT}conv F3 K64。", "leave `。` out"),
    (f"{INPUT}conv F3 K64, 'relu'", "`-> relu`"),
    (f"{INPUT}conv F3 K1e2", "`K100`"),
    (f"{INPUT}flatten\nfc 10%", "`10`"),
    (f"{INPUT}softmax(10)", "`softmax` is similar"),
    (f"{TWO}concat x, y", "`concat [ @x | @y ]`"),
    (f"{TWO}concat @x, @y axis=1", "`concat [ @x | @y ]`"),
    (f"{TWO}concat(x, y)", "`concat [ @x | @y ]`"),
    (f"{TWO}[@x, @y] -> concat", "`concat [ @x | @y ]`"),
    (f"{TWO}@x + @y", "`add [ @x | @y ]`"),
    (f"{TWO}add x", "`add [ @x | id ]`"),
    (f"{TWO}conv F3 P1 K8 -> + x", "`add [ @x | id ]`"),
    (f"{TWO}conv F3 P1 K8 + x", "`-> add [ @x | id ]`"),
    (f"block res(k) {{ x + conv F3 P1 K=k -> bn }}\n{CONV}\nres(8)", "`add [ id | conv F3 P1 K=k -> bn ]`"),
    (f"block res(k) {{ return conv F3 P1 K=k }}\n{INPUT}res(8)", "leave `return` out"),
    (f"block res(k: int = 8) {{ conv F3 P1 K=k }}\n{INPUT}res(8)", "leave `: int` out"),
    (f"{BLOCK}{INPUT}res(k=8) x 3", "`[res(k=8)]*3`"),
    (f"{BLOCK}{INPUT}res(K8)", "`k=8`"),
    (f"{INPUT}conv F3 P1 K8 as x\nconv F3 P1 K8 -> add [ @x | id ]", "`x: conv F3 P1 K8`"),
    (f"{INPUT}skip {{ conv F3 P1 K3 }}", "`add [ conv F3 P1 K3 | id ]`"),
    ("input (None, 32, 32, 3)\nrelu", "`input 3x32x32`"),
    ("input: (3, 32, 32)\nrelu", "`input 3x32x32`"),
    (f"{CONV} => 8x32x32 params=224", "`, params`"),
    (f"{CONV} => 0.22K params", "`params 0.22k`"),
    (f"{CONV}\nexpect params ~ 224", "leave the space out"),
    (f"{CONV}\nexpect params < 300 and > 100", "`, params`"),
    (f"let k = 8\n{INPUT}conv F3 P1 K={{{{k}}}}", "`k`"),
    (f"let k = 8\n{INPUT}conv F3 P1 K=${{k}}", "`k`"),
]


@pytest.mark.parametrize(("text", "way"), MISTAKES, ids=[text.splitlines()[-1] for text, _ in MISTAKES])
def test_a_mistake_is_one_finding_with_what_to_type(text: str, way: str) -> None:
    (found,) = [one for one in findings(f"{text}\n") if one.severity is Severity.ERROR]
    assert way in found.help
    if not found.fix:
        return
    for edit in sorted(found.fix, reverse=True):
        text = f"{text}\n"[: edit.span.start] + edit.text + f"{text}\n"[edit.span.end :]
    assert [one for one in findings(text) if one.severity is Severity.ERROR] == []
