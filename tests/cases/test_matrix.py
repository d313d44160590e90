"""Nothing is left out: layers and findings have their case files, and every layer meets every target."""

from __future__ import annotations

from typing import Any

import pytest

from cnnspec import pipeline
from cnnspec.diagnostics.pages import codes
from cnnspec.ir.flat import flat
from cnnspec.ops import lookup, words
from cnnspec.ops.base import arguments_of
from tests.cases import views
from tests.cases.markdown import FOLDER, Case, read
from tests.cases.samples import shown
from tests.diagnostics.test_pages import SHOWN_BY_A_COMMAND
from tests.oracle.layers import FUNCTIONS


def cases_of(folder: str, name: str) -> list[Case]:
    return read(FOLDER / folder / f"{name}.md")[0]


def stems(folder: str) -> list[str]:
    return sorted(file.stem for file in (FOLDER / folder).glob("*.md"))


def test_every_layer_has_a_case_file() -> None:
    assert stems("layers") == sorted(words())


@pytest.mark.parametrize("word", words())
def test_a_case_file_shows_the_layer_with_each_of_its_arguments(word: str) -> None:
    """In specs that have no error: their programs are run."""
    op: Any = lookup(word)
    assert shown(word), "no spec without an error uses it"
    written = frozenset.union(*shown(word).values())
    assert {name for name, _ in arguments_of(op)} <= written


@pytest.mark.parametrize("word", [word for word in words() if word != "none"])
def test_what_a_layer_computes_is_said_once(word: str) -> None:
    in_its_file = "```oracle\n" in (FOLDER / "layers" / f"{word}.md").read_text("utf-8")
    assert in_its_file != (word in FUNCTIONS)


@pytest.mark.parametrize("target", pipeline.TARGETS)
@pytest.mark.parametrize("word", words())
def test_every_target_writes_the_layer_or_says_that_it_cannot(word: str, target: str) -> None:
    """What a target cannot say is an error at build time that names the layer (of the example, the first that
    it cannot say), never a broken program."""
    op: Any = lookup(word)
    (model,) = views.checked(op.example)
    made = pipeline.program(model.graph, target)
    if not isinstance(made, str):
        assert [finding.code for finding in made] == ["E801"]
        assert model.graph is not None
        used = [f"`{entry.op.word}`" for entry in flat(model.graph) if entry.op is not None]
        assert any(one in made[0].message for one in used)


def test_every_finding_of_a_spec_has_a_case_file() -> None:
    assert stems("findings") == sorted(set(codes()) - SHOWN_BY_A_COMMAND)


@pytest.mark.parametrize("code", stems("findings"))
def test_a_case_file_shows_its_finding(code: str) -> None:
    found = [
        finding
        for case in cases_of("findings", code)
        for finding in views.found(views.checked(case.text, case.options))
    ]
    assert code in {finding.code for finding in found}
