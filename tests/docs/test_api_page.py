"""docs/api.md is what the docstrings say (its examples are run by test_docstrings.py)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import cnnspec

DOCS = Path(__file__).parents[2] / "docs"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("api_page", DOCS / "api.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGE = (DOCS / "api.md").read_text("utf-8")


def test_the_page_is_up_to_date() -> None:
    assert _script().page() == PAGE, "run `python docs/api.py`"


@pytest.mark.parametrize("name", sorted(set(cnnspec.__all__) - {"__version__"}))
def test_every_public_name_is_on_it_with_an_example(name: str) -> None:
    _, found, rest = PAGE.partition(f"`{name}`\n" if name[0].isupper() else f"`cnnspec.{name}`\n")
    assert found
    assert "```pycon" in rest.partition("\n#")[0]
