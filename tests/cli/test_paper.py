"""docs/paper: a paper whose figure, tables and numbers come from its spec."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Command

PAPER = Path(__file__).parents[2] / "docs" / "paper" / "paper.tex"


def test_its_figure_and_tables_are_up_to_date(cnnspec: Command) -> None:
    assert cnnspec("check", "--update", "--dry-run", PAPER).status == 0


def test_a_changed_network_is_seen(cnnspec: Command, tmp_path: Path) -> None:
    text = PAPER.read_text("utf-8")
    copy = tmp_path / "paper.tex"
    copy.write_text(text.replace("let n = 3", "let n = 4"), "utf-8")
    done = cnnspec("check", "--update", "--dry-run", copy)
    assert done.status == 1
    assert done.err.count("E906") == 2  # the figure and the table of the stages
    assert done.err.count("E501") == 2  # the weights and the layers that it claims


@pytest.mark.latex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_it_has_two_pages(cnnspec: Command, tmp_path: Path) -> None:
    (tmp_path / "cnnspec.sty").write_text(cnnspec("schema", "latex").out, "utf-8")
    shutil.copy(PAPER, tmp_path)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    for _ in range(2):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    assert re.search(r"Output written on paper.pdf \(2 pages", done.stdout)
    assert "Overfull" not in done.stdout
