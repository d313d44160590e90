"""docs/api.md is what the docstrings say (its examples are run by test_docstrings.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

import cnnspec
from tests.docs.script import script

api = script("api")

DOCS = Path(__file__).parents[2] / "docs"


PAGE = (DOCS / "api.md").read_text("utf-8")


def test_the_page_is_up_to_date() -> None:
    assert api.page() == PAGE, "run `python docs/api.py`"


@pytest.mark.parametrize("name", sorted(set(cnnspec.__all__) - {"__version__"}))
def test_every_public_name_is_on_it_with_an_example(name: str) -> None:
    _, found, rest = PAGE.partition(f"`{name}`\n" if name[0].isupper() else f"`cnnspec.{name}`\n")
    assert found
    assert "```pycon" in rest.partition("\n#")[0]
