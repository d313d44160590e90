"""docs/homework/sheet.tex: a homework sheet and its answers, which come from its specs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Command

SHEET = Path(__file__).parents[2] / "docs" / "homework" / "sheet.tex"
ANSWER = re.compile(r"^\\ifanswers\n.*?^\\fi$", re.MULTILINE | re.DOTALL)


def test_its_figures_and_tables_are_up_to_date(cnnspec: Command) -> None:
    assert cnnspec("check", "--update", "--dry-run", SHEET).status == 0


def test_a_changed_question_is_seen(cnnspec: Command, tmp_path: Path) -> None:
    copy = tmp_path / "sheet.tex"
    copy.write_text(
        SHEET.read_text("utf-8").replace("C1: conv F5 K8    -> relu", "C1: conv F3 K8    -> relu")
    )
    done = cnnspec("check", "--update", "--dry-run", copy)
    assert done.status == 1
    assert done.err.count("E906") == 4  # the figure, the table, the worksheet and the sizes


def test_the_questions_hold_no_answer() -> None:
    """Regions stand in answers, and what they print."""
    text = SHEET.read_text("utf-8")
    assert text.count("% /cnnspec\n") == 7 == sum(one.count("% /cnnspec\n") for one in ANSWER.findall(text))
    questions = ANSWER.sub("", text).partition("\\begin{document}")[2]
    assert "=>" not in questions
    assert not re.search(r"[0-9]{4}|[0-9],[0-9]{3}", questions)


@pytest.mark.latex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize(
    ("name", "begin", "pages"),
    [("sheet", "", 2), ("answers", r"\def\withanswers{}", 4)],
    ids=["sheet", "answers"],
)
def test_it_compiles(name: str, begin: str, pages: int, cnnspec: Command, tmp_path: Path) -> None:
    (tmp_path / "cnnspec.sty").write_text(cnnspec("schema", "latex").out, "utf-8")
    shutil.copy(SHEET, tmp_path)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-jobname", name]
    done = subprocess.run(
        [*command, rf"{begin}\input{{sheet.tex}}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert re.search(rf"Output written on {name}.pdf \({pages} pages", done.stdout)
    assert "Overfull" not in done.stdout
