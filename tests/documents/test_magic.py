"""`%%cnn` in a notebook that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import cnnspec
from cnnspec.report.document import Document

Magic = Callable[[str, str], Document | None]


@pytest.fixture
def magic() -> Magic:
    """What a shell gets."""
    found: dict[str, Any] = {}

    class Shell:
        def register_magic_function(self, function: Magic, kind: str, name: str) -> None:
            found[f"{kind} {name}"] = function

    cnnspec.load_ipython_extension(Shell())
    return found["cell cnn"]


def shown(document: Document | None) -> list[tuple[str, int]]:
    assert document is not None
    every = [one for model in document.models for one in model.diagnostics]
    return [(one.code, one.line) for one in every if one.severity != "advice"]


def test_a_cell_is_checked(magic: Magic) -> None:
    document = magic("", "input 1x28x28\nconv F5 K6\n")
    assert document is not None
    assert document.models[0].totals.params == 156
    assert "<table>" in document._repr_html_()


def test_findings_have_the_line_of_the_cell(magic: Magic) -> None:
    assert shown(magic("", "input 1x28x28\nconv F50 K6\n")) == [("E301", 3)]
    assert shown(magic("error=E301", "input 1x28x28\nconv F50 K6\n")) == []
    assert shown(magic("error=E301", "input 1x28x28\nconv F5 K6\n")) == [("E902", 1)]


def test_a_cell_goes_on_from_another(magic: Magic) -> None:
    magic("name=stem input=1x28x28", "conv F5 K6 -> relu\nmaxpool F2\n")
    magic("name=body after=stem", "conv F5 K16 -> relu\nmaxpool F2\n")
    document = magic("after=body", "flatten -> fc 10\nexpect params 5,142\n")
    assert shown(document) == []
    assert document is not None
    assert document.models[0].totals.params == 156 + 2416 + 2570
    assert shown(magic("after=body", "\nconv F50 K1\n")) == [("E301", 3)]
    magic("name=stem input=1x20x20", "conv F5 K6\n")  # run again, otherwise
    assert shown(magic("after=stem", "conv F17 K1\n")) == [("E301", 2)]


def test_a_cell_that_goes_on_from_nothing_says_so(magic: Magic, capsys: pytest.CaptureFixture[str]) -> None:
    assert magic("after=stem", "relu\n") is None
    assert "error[E901]: no spec above this one is named `stem`" in capsys.readouterr().err
    assert magic("name=a after=a", "relu\n") is None


def test_an_empty_cell(magic: Magic) -> None:
    assert shown(magic("", "")) == [("E401", 1)]
