"""What a contributor meets first names what there is: CONTRIBUTING.md, the workflow, the hooks, the docs."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOW = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LATER = {"docs/adding-a-layer.md", "docs/adding-a-target.md"}


def test_the_workflow_runs_every_python_that_is_named() -> None:
    named = re.findall(r"Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.M)
    (matrix,) = re.findall(r"ubuntu.*?python: (\[.*?\])", WORKFLOW, re.S)
    assert re.findall(r"3\.\d+", matrix) == named
    assert "- run: .ci/run" in WORKFLOW


def test_the_light_environment_has_no_torch() -> None:
    extras = PROJECT["optional-dependencies"]
    assert not any("torch" in one for name in ("test", "images", "weights") for one in extras[name])
    assert any(one.startswith("torch==") for one in extras["dev"])


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", "docs/compatibility.md"])
def test_what_a_page_names_is_there(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    files = set(re.findall(r"\b(?:docs|tests|cnnspec|benchmarks)/[\w./-]*\w/?", text)) - LATER
    assert len(files) > 2
    assert [file for file in sorted(files) if not (ROOT / file).exists()] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)`", text, re.M)) - {("", "")} <= {
        pair for target in targets for pair in ((target, ""), ("", target))
    }
