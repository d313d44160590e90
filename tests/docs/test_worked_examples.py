"""docs/adding-a-layer.md and docs/adding-a-target.md, followed in a copy of the tree."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def script() -> Any:
    spec = importlib.util.spec_from_file_location("worked", DOCS / "worked.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


worked = script()


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
