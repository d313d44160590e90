"""Imports run one way only: a stage imports what stands before it, never what stands behind it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from cnnspec.cli.root import COMMANDS, named

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
    "lower",
    "targets",
    "pasted",
    "one_mistake",
    "pipeline",
    "report",
    "sources",
    "structure",
    "drawing",
    "documents",
    "training",
    "running",
    "api",
    "programs",
    "cli",
)
"""Folders and single files, in the order in which data passes through them; some are still to be built."""
TERMINAL = ("rich", "click")
"""What only the command line imports."""


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
        if other in ("__version__", stage):
            continue
        if other in ORDER:
            assert ORDER.index(other) < ORDER.index(stage), f"{relative} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_command_line_knows_a_terminal(path: Path) -> None:
    if path.relative_to(ROOT).parts[0] != "cli":
        assert not {module.split(".")[0] for module in imports_of(path)} & set(TERMINAL)


def test_a_command_is_the_file_of_its_name() -> None:
    assert all((ROOT / "cli" / f"{named(command)}.py").is_file() for command in COMMANDS)


def test_the_python_api_works_without_the_command_line() -> None:
    """Nor do the document, the rows and the pages need it, whatever is imported on the way."""
    code = """
import cnnspec, sys
cnnspec.check("zoo:lenet5").as_plain(), cnnspec.build("zoo:lenet5", target="numpy")
cnnspec.explain("zoo:lenet5", "C1"), cnnspec.explain("conv"), cnnspec.explain("E301")
print(*sorted(name for name in sys.modules if name.split(".")[0] in ("rich", "click") or ".cli" in name))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


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
