"""Imports run one way only: a stage imports what stands before it, never what stands behind it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "cnnspec"
ORDER = (
    "resources",
    "diagnostics",
    "notations",
    "files",
    "language",
    "ops",
    "ir",
    "elaborate",
    "analyses",
    "targets",
    "pipeline",
    "running",
    "api",
    "cli",
)
"""Folders and single files, in the order in which data passes through them."""
ALLOWED = {("api", "cli.document"), ("api", "cli.explained"), ("api", "cli.pages")}
"""The Python API gives the same document, and the same text, as the command line."""


def stage_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found.add(module)
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_stage_imports_only_what_stands_before_it(path: Path) -> None:
    relative = path.relative_to(ROOT)
    stage = relative.parts[0].removesuffix(".py")
    if stage.startswith("__"):
        return
    assert stage in ORDER, f"where does {stage} stand among the stages?"
    for module in imports_of(path):
        if not module.startswith("cnnspec."):
            continue
        other = stage_of(module)
        if other in ("__version__", stage) or any(
            stage == origin and module.startswith(f"cnnspec.{target}") for origin, target in ALLOWED
        ):
            continue
        if other in ORDER:
            assert ORDER.index(other) < ORDER.index(stage), f"{relative} imports {module}"


def test_targets_do_not_know_each_other() -> None:
    folders = [
        folder for folder in (ROOT / "targets").iterdir() if folder.is_dir() and folder.name != "__pycache__"
    ]
    names = {folder.name for folder in folders}
    for folder in folders:
        for path in folder.rglob("*.py"):
            for module in imports_of(path):
                parts = module.split(".")
                if parts[:2] == ["cnnspec", "targets"] and len(parts) > 2 and parts[2] in names:
                    assert parts[2] == folder.name, f"{path.relative_to(ROOT)} imports {module}"
