"""Branches that do not match: the help names the step and the branch that can change, and is right."""

from __future__ import annotations

import pytest

from tests.support import findings

IN = "input 3x32x32\n"

WAYS = [
    # the spec, what the help says, and the spec with that done
    (
        IN + "concat [ id | maxpool F2 ]\n",
        "F3 S1 P1 on `maxpool F2` keeps it at 32x32",
        IN + "concat [ id | maxpool F3 S1 P1 ]\n",
    ),
    (
        IN + "concat [ conv F1 K8 | avgpool F3 ]\n",
        "S1 P1 on `avgpool F3` keeps it at 32x32",
        IN + "concat [ conv F1 K8 | avgpool F3 S1 P1 ]\n",
    ),
    (
        IN + "add [ conv F3 S2 P1 K8 | conv F1 K8 -> bn ]\n",
        "S2 on `conv F1 K8` makes it 16x16 too",
        IN + "add [ conv F3 S2 P1 K8 | conv F1 S2 K8 -> bn ]\n",
    ),
    (
        IN + "add [ conv F3 K8 -> conv F5 K3 | id ]\n",
        "P1 on `conv F3 K8` and P2 on `conv F5 K3` keep it at 32x32",
        IN + "add [ conv F3 P1 K8 -> conv F5 P2 K3 | id ]\n",
    ),
    (
        IN + "a: relu\nmaxpool F2\nconcat [ @a | id ]\n",
        "`maxpool F2` at the end of branch 1, or `upsample 2` at the end of branch 2, makes them equal",
        IN + "a: relu\nmaxpool F2\nconcat [ @a -> maxpool F2 | id ]\n",
    ),
    (
        "input 1x15x15\na: relu\nmaxpool F2 -> upsample 2\nconcat [ @a | id ]\n",
        (
            "`crop 14x14` at the end of branch 1, or `pad right=1 bottom=1` at the end of branch 2, "
            "makes them equal"
        ),
        "input 1x15x15\na: relu\nmaxpool F2 -> upsample 2\nconcat [ @a | pad right=1 bottom=1 ]\n",
    ),
    (
        "input 1x40x40\na: relu\nconv F9 K1\nadd [ id | @a ]\n",
        "`crop 32x32` at the end of branch 2 makes them equal",
        "input 1x40x40\na: relu\nconv F9 K1\nadd [ id | @a -> crop 32x32 ]\n",
    ),
    (
        IN + "conv F3 P1 K8\nadd [ conv F3 S2 P1 K16 -> bn | id ]\n",
        "`conv F1 S2 K16` in place of `id` makes it 16x16x16 too",
        IN + "conv F3 P1 K8\nadd [ conv F3 S2 P1 K16 -> bn | conv F1 S2 K16 ]\n",
    ),
    (
        IN + "add [ conv F11 K8 -> conv F9 K3 | id ]\n",
        "P5 on `conv F11 K8` and P4 on `conv F9 K3` keep it at 32x32",
        IN + "add [ conv F11 P5 K8 -> conv F9 P4 K3 | id ]\n",
    ),
    (  # an odd size, halved
        "input 4x9x10\nadd [ conv F3 S2 P1 K16 -> relu | id ]\n",
        "`conv F1 S2 K16` in place of `id` makes it 16x5x5 too",
        "input 4x9x10\nadd [ conv F3 S2 P1 K16 -> relu | conv F1 S2 K16 ]\n",
    ),
    (
        "input 4x9x10\nadd [ conv F3 S2 P1 K16 | conv F1 K16 -> relu ]\n",
        "S2 on `conv F1 K16` makes it 5x5 too",
        "input 4x9x10\nadd [ conv F3 S2 P1 K16 | conv F1 S2 K16 -> relu ]\n",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "way", "mended"), WAYS, ids=[way[:40] for _, way, _ in WAYS])
def test_the_way_out_is_one(text: str, way: str, mended: str) -> None:
    (found,) = [finding for finding in findings(text) if finding.code.startswith("E")]
    assert (found.code, found.help) == ("E304", way)
    assert [finding for finding in findings(mended) if finding.code.startswith("E")] == []


def test_nothing_is_said_of_branches_whose_bracket_is_not_closed() -> None:
    found = findings(IN + "add [ conv F3 P1 K3 -> relu | id\ngap -> fc 10\n")
    assert [finding.code for finding in found if finding.code.startswith("E")] == ["E105"]
