"""Specs in the cells of notebooks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4

from cnnspec.diagnostics import Source
from cnnspec.documents.fence import Document
from cnnspec.documents.read import document_of
from tests.documents.conftest import Run

CELLS = [
    v4.new_markdown_cell("%%cnn\nno code"),
    v4.new_code_cell('%%cnn name=stem input="1x28x28"\nconv F5 K6 -> relu  # "é" \\ \t\nconv f3 K4\n'),
    v4.new_code_cell(
        "print('%%cnn')", outputs=[v4.new_output("stream", text='{"cells": [{"source": "%%cnn"}]}')]
    ),
    v4.new_code_cell("%%cnn after=stem\nflatten -> fc 10\n\nfcc 2"),
]


def read(text: str) -> Document:
    return document_of(Source("a.ipynb", text))


@pytest.fixture
def notebook(run: Run) -> Path:
    path = Path("lab.ipynb")
    nbformat.write(v4.new_notebook(cells=CELLS), path)
    return path


def test_cells(notebook: Path) -> None:
    document = read(notebook.read_text("utf-8"))
    assert [one.text for one in document.fences] == [cell.source.partition("\n")[2] for cell in CELLS[1::2]]
    assert [one.attributes["name"].value for one in document.fences[:1]] == ["stem"]


@pytest.mark.parametrize(
    "how", [{"indent": 1}, {}, {"separators": (",", ":")}, {"indent": 4, "ensure_ascii": False}]
)
@pytest.mark.parametrize("single", [True, False])
def test_however_it_is_written(how: dict[str, Any], single: bool) -> None:
    cells = [
        dict(cell) | {"source": cell.source if single else cell.source.splitlines(True)} for cell in CELLS
    ]
    text = json.dumps({"x": [1, "]", {"cells": 1}], "cells": cells, "nbformat": 4}, **how)
    document = read(text)
    assert [one.text for one in document.fences] == [cell.source.partition("\n")[2] for cell in CELLS[1::2]]


def test_findings_say_cell_and_line(notebook: Path, run: Run) -> None:
    status, out, _ = run("check", "lab.ipynb", "--format", "json")
    found = [
        one
        for model in json.loads(out)["models"]
        for one in model["diagnostics"]
        if one["severity"] == "error"
    ]
    assert status == 1
    lines = notebook.read_text("utf-8").splitlines()
    assert [(one["code"], one["cell"], one["cell_line"]) for one in found] == [("E104", 2, 3), ("E201", 4, 4)]
    assert [lines[one["line"] - 1][one["column"] - 1 : one["end_column"] - 1] for one in found] == [
        "f3",
        "fcc",
    ]
    assert "(cell 2, line 3)\n" in run("check", "lab.ipynb")[2]


def test_fix_and_fmt_change_the_cells_alone(notebook: Path, run: Run) -> None:
    before = notebook.read_text("utf-8")
    run("check", "--fix", "lab.ipynb")
    after = notebook.read_text("utf-8")
    assert after == before.replace("conv f3 K4", "conv F3 K4")
    notebook.write_text(after.replace("fcc 2", 'fc  2\\n",\n    "-> relu'), "utf-8")
    assert run("fmt", "lab.ipynb")[0] == 0
    shown = nbformat.read(notebook, 4)
    nbformat.validate(shown)
    assert shown.cells[3].source == "%%cnn after=stem\nflatten -> fc 10\n\nfc 2 -> relu"
    assert [shown.cells[at] for at in (0, 2)] == [CELLS[0], CELLS[2]]
    assert run("fmt", "--check", "lab.ipynb")[0] == 0


def test_a_line_that_needs_escapes_is_written_as_json(notebook: Path, run: Run) -> None:
    text = '%%cnn\nmodel A "t"\ninput 3x8x8\nconv K4 F3   # "q" \\ é\n'
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(text)]), notebook)
    assert run("fmt", "lab.ipynb")[0] == 0
    shown = nbformat.read(notebook, 4)
    nbformat.validate(shown)
    assert shown.cells[0].source.splitlines()[3] == 'conv F3 K4  # "q" \\ é'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"worksheets": []}',
        "[" * 100_000,
        '{"cells": ' + "9" * 5000 + "}",
        "{'cells': []}",
    ],
)
def test_what_is_no_notebook(text: str, run: Run) -> None:
    Path("a.ipynb").write_text(text)
    status, _, shown = run("check", "a.ipynb")
    assert status == 1
    assert shown.startswith("error[E904]: this notebook cannot be read: ")
    assert "E904" in shown


@pytest.mark.parametrize(
    "cells",
    [
        "[1, null, []]", '[{"cell_type": "code"}]', '[{"cell_type": "code", "source": 1}]',
        '[{"cell_type": "code", "source": []}]', '[{"cell_type": "code", "source": ""}]',
        '[{"cell_type": "code", "source": ["%%cnn"]}]', '[{"cell_type": "code", "source": [1, "%%cnn"]}]',
    ],
)  # fmt: skip
def test_cells_of_any_form(cells: str) -> None:
    assert read(f'{{"cells": {cells}}}').findings == ()


REGION = '# Results\n\n<!-- cnnspec: table stem -->\nold "é"\n<!-- /cnnspec -->\nmore\n'


@pytest.mark.parametrize("how", [{"indent": 1}, {}, {"separators": (",", ":"), "ensure_ascii": True}])
@pytest.mark.parametrize("single", [True, False])
def test_regions_of_markdown_cells(how: dict[str, Any], single: bool, run: Run) -> None:
    spec = "%%cnn name=stem\ninput 1x28x28\nconv F5 K6 -> relu"
    cells = [
        dict(cell) | {"source": cell.source if single else cell.source.splitlines(True)}
        for cell in (v4.new_markdown_cell(REGION), v4.new_code_cell(spec), v4.new_markdown_cell("a"))
    ]
    book = dict(v4.new_notebook()) | {"cells": cells, "nbformat_minor": 5}
    path = Path("lab.ipynb")
    before = json.dumps(book, **how)
    path.write_text(before, "utf-8")
    status, _, shown = run("check", "--update", "--dry-run", "lab.ipynb")
    assert status == 1
    assert "error[E906]: this generated region is not up to date" in shown
    assert "lab.ipynb" in shown
    assert "(cell 1, line 3)" in shown
    assert path.read_text("utf-8") == before
    status, _, shown = run("check", "--update", "lab.ipynb")
    assert (status, shown.splitlines()[-1]) == (0, "lab.ipynb: 1 region updated")
    after = path.read_text("utf-8")
    book = nbformat.read(path, 4)
    nbformat.validate(book)
    head, _, rest = book.cells[0].source.partition("<!-- cnnspec: table stem -->\n")
    assert head == "# Results\n\n"
    assert rest.startswith("\n| name ")
    assert rest.endswith(" |\n\n<!-- /cnnspec -->\nmore\n")
    same = len(before[: before.index("table stem -->")])
    assert after[:same] == before[:same]
    tail = before[before.index("<!-- /cnnspec") :]
    assert after.endswith(tail)
    assert run("check", "--update", "--dry-run", "lab.ipynb")[0] == 0
    path.write_text(after.replace("<!-- /cnnspec -->", ""), "utf-8")
    assert "E907" in run("check", "--update", "lab.ipynb")[2]


def test_a_figure_and_a_mermaid_in_a_notebook(run: Run) -> None:
    text = "<!-- cnnspec: draw stem -o figures/stem.svg -->\n<!-- /cnnspec -->"
    spec = "%%cnn name=stem\ninput 1x28x28\nconv F5 K6 -> relu"
    cells = [v4.new_code_cell(spec), v4.new_markdown_cell(text)]
    nbformat.write(v4.new_notebook(cells=cells), "lab.ipynb")
    assert run("check", "--update", "lab.ipynb")[0] == 0
    assert "![stem](figures/stem.svg)" in nbformat.read("lab.ipynb", 4).cells[1].source
    assert Path("figures/stem.svg").read_text("utf-8").startswith("<svg")


def test_much_markdown_is_not_read() -> None:
    cell = {"cell_type": "markdown", "source": "<!-- cnnspec: check -->\n" + "x\n" * 400_000}
    (finding,) = read(json.dumps({"cells": [cell, cell]})).findings
    assert finding.code == "E601"
