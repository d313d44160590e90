"""docs/run.md, the other pages below and the homework sheets show what their commands print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cnnspec
from cnnspec.cli.draw import draw
from cnnspec.report.verified import COLUMNS
from tests.docs.script import script

run = script("run")

ROOT = Path(__file__).parents[2]


DOCS = ROOT / "docs"
PAGES = run.PAGES


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """The figures that the pages' commands have drawn."""
    return {}


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_the_page_shows_what_its_commands_print(path: Path, made: dict[str, str]) -> None:
    page = path.read_text("utf-8")
    assert len(run.COMMAND.findall(page)) >= 2
    text, figures = run.rendered(page)
    assert text == page, "`python docs/run.py` brings it up to date"
    for name, figure in figures.items():
        shown = (run.FIGURES / name).read_text("utf-8")
        assert shown == figure, f"`python docs/run.py` brings {name} up to date"
        assert made.setdefault(name, figure) == figure, f"two pages draw {name}"


def test_every_figure_is_drawn_by_a_page_and_shown() -> None:
    text = "".join(page.read_text("utf-8") for page in PAGES)
    drawn, shown = (
        set(re.findall(form, text)) for form in (r"-o figures/(\S+\.svg)", r"\]\(figures/(\S+)\)")
    )
    assert drawn == shown == {path.name for path in run.FIGURES.iterdir()}
    pictures = {path for path in DOCS.rglob("*") if path.suffix in (".svg", ".png", ".pdf", ".jpg")}
    elsewhere = {path for path in pictures if path.parent not in (run.FIGURES, DOCS / "terminal")}
    assert elsewhere == {DOCS / "zoo.svg"}  # test_zoo_page.py, test_terminal_page.py


def test_the_program_of_first_steps_is_the_one_that_is_built() -> None:
    page = (DOCS / "first-steps.md").read_text("utf-8")
    spec, shown = (page.split(fence)[1].split("```")[0] for fence in ("```cnn lenet.cnn\n", "```python\n"))
    parts = [re.escape(part) for part in shown.split("…\n")]
    assert len(parts) == 3
    assert re.search("(?:.*\n)*?".join(parts), cnnspec.build(text=spec, target="torch"))


def test_every_option_of_draw_is_explained() -> None:
    page = (DOCS / "draw.md").read_text("utf-8")
    own = {"expand", "collapse", "panels", "wrap", "width", "colors", "style"}
    assert own <= {parameter.name for parameter in draw.params}
    assert all(re.search(rf"--(?:no-)?{name}\b", page) for name in own)


def test_the_example_of_verify_has_the_columns_of_today() -> None:
    page = (ROOT / "docs" / "run.md").read_text("utf-8")
    assert re.search(" +".join(column.title for column in COLUMNS), page)
