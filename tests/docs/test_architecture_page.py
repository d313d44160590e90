"""docs/architecture.md shows the stages' values as they are, and the folders in the order of imports."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.script import script
from tests.packaging.test_layering import ORDER

architecture = script("architecture")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def test_the_page_shows_the_values_of_today() -> None:
    assert {stage for _, stage, _ in architecture.SHOWN.findall(PAGE)} == set(architecture.STAGES)
    assert architecture.rendered(PAGE) == PAGE, "python docs/architecture.py brings it up to date"


def test_its_table_has_the_folders_in_the_order_of_imports() -> None:
    stages = [stage.removesuffix(".py") for stage in re.findall(r"^\| `([\w.]+)` \|", PAGE, re.M)]
    package = ROOT / "cnnspec"
    there = {path.name for path in package.iterdir() if (path / "__init__.py").is_file()}
    there |= {path.stem for path in package.glob("[a-z]*.py")}
    assert stages == [stage for stage in ORDER if stage in there]
    assert set(stages) == there
