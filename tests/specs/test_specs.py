"""Every spec of the zoo is well: no error, no warning, all claims hold; it says what it is and from when."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cnnspec.diagnostics import Severity, Sink, Source
from cnnspec.language import parse
from cnnspec.language.tree import Model as ModelStatement
from cnnspec.pipeline import models

ROOT = Path(__file__).parents[2] / "specs"
FILES = sorted(ROOT.rglob("*.cnn"))
TITLE = re.compile(r".+, .*\b(?:19|20)\d\d")
"""`Title, Authors, Venue Year`."""


def test_names_are_told_apart_without_their_folder() -> None:
    assert len({path.stem for path in FILES}) == len(FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_is_well(path: Path) -> None:
    for model in models(Source(path.name, path.read_text("utf-8"))):
        assert [finding for finding in model.findings if finding.severity is not Severity.ADVICE] == []
        assert model.report is not None
        assert all(claim.holds for claim in model.report.claims)
        assert any(claim.claim.subject in ("params", "trainable") for claim in model.report.claims)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_tells_its_source(path: Path) -> None:
    statements = parse(Source(path.name, path.read_text("utf-8")), Sink()).statements
    titles = [statement.title for statement in statements if isinstance(statement, ModelStatement)]
    assert len(titles) == 1
    assert TITLE.fullmatch(titles[0])
