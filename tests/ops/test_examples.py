"""The example on each layer's page is a whole spec that checks without an error."""

from __future__ import annotations

import pytest

import cnnspec
from cnnspec.ops import lookup, words


@pytest.mark.parametrize("word", words())
def test_the_example_holds(word: str) -> None:
    op = lookup(word)
    assert op is not None
    (model,) = cnnspec.check(text=op.example).models
    # advice is the notes' wisdom; an example shows one layer, and leaves out what would stand around it
    assert [found.message for found in model.diagnostics if found.severity != "advice"] == []
    assert all(claim.holds for claim in model.claims)
    assert word == "none" or word == "id" or word in {row.op for row in model.rows}
