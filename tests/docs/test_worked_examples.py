"""docs/adding-a-layer.md and docs/adding-a-target.md, followed in a copy of the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.script import script

worked = script("worked")

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", worked.PAGES)
def test_the_table_lists_what_the_page_writes(name: str) -> None:
    page = (DOCS / name).read_text("utf-8")
    assert worked.listed(page) == worked.files(page) != set()


@pytest.mark.slow
@pytest.mark.parametrize("name", worked.PAGES)
def test_with_just_these_files_it_works(name: str, tmp_path: Path) -> None:
    """Its commands end well, and print what the page shows."""
    pytest.importorskip("torch")
    page = (DOCS / name).read_text("utf-8")
    assert worked.follow(page, worked.copied(tmp_path)) == page
