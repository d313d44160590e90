"""Statements of the file inside a block."""

from __future__ import annotations

from cnnspec.language.recovery.mistake import Mistake
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.tokens import STATEMENTS


def _in_a_block(m: Mistake) -> bool:
    """Not where the block before is not closed, and this begins a new statement."""
    closed, opened = m.text.find("}", m.end), m.text.find("{", m.end)
    return m.inside == "{" and closed >= 0 and not 0 <= opened < closed


_SAYS = "`{found}` is a statement of the file and cannot stand in a block"

IN_BLOCKS = (
    Rule(
        {"block f() { ⟦output⟧ @x }": ""}, _SAYS, "a block gives what its last line makes; leave this out",
        on=("OUTPUT",), when=_in_a_block, code="E405",
    ),
    Rule(
        {"block f() { ⟦input⟧ 3x8x8 }": ""}, _SAYS,
        "what arrives at a block is there from its first line; leave this out",
        on=("INPUT",), when=_in_a_block, code="E405",
    ),
    Rule(
        {"block f() { ⟦expect⟧ params 3 }": ""}, _SAYS, "in a block a line's claims stand behind `=>`",
        on=("EXPECT",), when=_in_a_block, code="E405",
    ),
    Rule(
        {"block f() { ⟦default⟧ conv nobias }": ""}, _SAYS, "put it before the block",
        on=tuple(STATEMENTS), when=_in_a_block, code="E405",
    ),
)  # fmt: skip
