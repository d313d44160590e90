"""What this machine has no module for is left out, and the run says so: torch in the light environment,
`resource` and the like on Windows.

Left out are the files that import such a module at their top, themselves or through other files of the tests,
and the tests marked `torch`, which need it in a process of their own.
"""

import ast
import os
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# hundreds of tests start this package in a process of its own: it is compiled once, not by each of them
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

FIRST = ("training", "cli", "docs", "sources", "packaging")
"""Folders of few, long tests. All tests of a file are run by one process: the last files should be short."""

MISSING = [
    name for name in ("torch", "onnx", "onnxruntime", "fcntl", "pty", "resource") if find_spec(name) is None
]


@cache
def needs(path: Path) -> bool:
    """Whether a file imports a module that is missing, or a file of the tests that does."""
    names: list[str] = []
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    others = [ROOT / f"{name.replace('.', '/')}.py" for name in names if name.startswith("tests.")]
    return any(name.split(".")[0] in MISSING for name in names) or any(
        needs(other) for other in others if other.is_file()
    )


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return (MISSING and collection_path.suffix == ".py" and needs(collection_path)) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.relative_to(ROOT).parts[1] not in FIRST)
    if "torch" in MISSING:
        for item in items:
            if item.get_closest_marker("torch"):
                item.add_marker(pytest.mark.skip(reason="torch is not installed"))


def pytest_report_header() -> list[str]:
    return [f"{name} is not here: the tests that need it are left out" for name in MISSING]
