"""Specs that would make a table too large, or too deep: a finding or a table, soon."""

from __future__ import annotations

import time

import pytest

from cnnspec.diagnostics import Diagnostic
from cnnspec.drawing.table import LAYOUTS, tables
from cnnspec.drawing.table.formats import written
from cnnspec.drawing.table.networks import TableOptions
from tests.drawing.table.networks import networks


def doubling(count: int, inside: str) -> str:
    blocks = "".join(
        f"block b{place}() {{ {inside.replace('X', f'b{place - 1}()')} }}\n" for place in range(1, count)
    )
    return f"input 3x8x8\nblock b0() {{ conv F3 P1 K3 }}\n{blocks}b{count - 1}()\n"


SPECS = {
    "100,000 layers": "input 3x8x8\n[[conv F3 P1 K3 -> relu]*1000]*100\n",
    "doubled": doubling(16, "X -> maxpool F3 S1 P1 -> X"),
    "doubled branches": doubling(16, "add [ X -> conv F1 K3 | id ] -> add [ X | id ]"),
    "deep": doubling(30, "add [ X | id ]"),
    "many rows": "input 3x8x8\n" + "conv F3 P1 K3\n" * 3000,
    "many merges": "input 3x8x8\n" + "add [ conv F3 P1 K3 | id ]\n" * 1000,
    "one merge": "input 3x8x8\n"
    + "".join(f"a{place}: conv F3 P1 K3\n" for place in range(500))
    + f"add [ {' | '.join(f'@a{place}' for place in range(500))} ]\n",
    "growing": "input 3x8x8\n[conv F1 K=i+1]*2500\n",
    "nothing to show": "input 3x8x8\nrelu\n",
    "no layers": "input 3x8x8\na: [[relu]*0]*3\n",
    "vectors": "input 10\nfc 5 -> relu\n",
}


@pytest.mark.parametrize("name", SPECS)
def test_a_table_or_a_finding(name: str) -> None:
    found = networks(SPECS[name])
    began = time.process_time()
    asked = [TableOptions(rows="line"), TableOptions(rows="size"), TableOptions(rows="stage")]
    for how in [*asked, *(TableOptions(like=like) for like in LAYOUTS)]:
        made = tables(found, how)
        if isinstance(made, Diagnostic):
            assert made.code == "E803"
        else:
            written(made, "latex")
    assert time.process_time() - began < 60
