"""docs/run.md, the other pages below and the homework sheets show what their commands print."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from cnnspec.report.verified import COLUMNS

ROOT = Path(__file__).parents[2]


def writer() -> object:
    spec = importlib.util.spec_from_file_location("run_page", ROOT / "docs" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOCS = ROOT / "docs"
NAMES = ("run.md", "sizes.md", "diff.md", "table.md", "draw.md", "documents.md")
PAGES = [*(DOCS / name for name in NAMES), *sorted((DOCS / "homework").glob("*.md"))]


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_the_page_shows_what_its_commands_print(path: Path) -> None:
    module = writer()
    page = path.read_text("utf-8")
    assert len(module.COMMAND.findall(page)) >= (1 if path.stem == "draw" else 3)  # type: ignore[attr-defined]
    assert module.rendered(page) == page, "`python docs/run.py` brings it up to date"  # type: ignore[attr-defined]


def test_the_example_of_verify_has_the_columns_of_today() -> None:
    page = (ROOT / "docs" / "run.md").read_text("utf-8")
    assert re.search(" +".join(column.title for column in COLUMNS), page)
