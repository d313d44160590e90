"""docs/architecture.md shows the stages' values as they are, and the folders in the order of imports."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

from tests.packaging.test_layering import ORDER

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def script() -> Any:
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "docs" / "architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_the_values_of_today() -> None:
    module = script()
    assert {stage for _, stage, _ in module.SHOWN.findall(PAGE)} == set(module.STAGES)
    assert module.rendered(PAGE) == PAGE, "python docs/architecture.py brings it up to date"


def test_its_table_has_the_folders_in_the_order_of_imports() -> None:
    stages = [stage.removesuffix(".py") for stage in re.findall(r"^\| `([\w.]+)` \|", PAGE, re.M)]
    package = ROOT / "cnnspec"
    there = {path.name for path in package.iterdir() if (path / "__init__.py").is_file()}
    there |= {path.stem for path in package.glob("[a-z]*.py")}
    assert stages == [stage for stage in ORDER if stage in there]
    assert set(stages) == there
