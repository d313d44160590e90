"""The gallery of mistakes: up to date, long enough, and each message teaches."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from cnnspec.diagnostics import Diagnostic, Edit, Severity
from tests.docs.script import script

gallery = script("gallery")

DOCS = Path(__file__).parents[2] / "docs"


PAGE = (DOCS / "gallery.md").read_text("utf-8")
TITLES = re.findall(r"^### (.*)", PAGE, re.MULTILINE)
ENTRIES = [(options, text) for options, text in gallery.ENTRY.findall(PAGE)]


def test_it_is_up_to_date() -> None:
    today = gallery.rendered(PAGE).rstrip("\n") + "\n"
    assert today == PAGE, "run `python docs/gallery.py`"


def test_it_is_long_enough() -> None:
    assert len(ENTRIES) == len(TITLES) == len(set(TITLES)) >= 40


@pytest.mark.parametrize(("options", "text"), ENTRIES, ids=TITLES)
def test_every_spec_has_a_finding_and_every_error_says_the_way_out(options: str, text: str) -> None:
    found = gallery.found(text, options)
    assert found
    for finding in found:
        if finding.severity is Severity.ERROR:
            assert finding.help or finding.fix or finding.note, finding
            assert finding.span.end <= len(text)


def _fixed(text: str, edits: tuple[Edit, ...]) -> str:
    for edit in sorted(edits, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def _counted(found: list[Diagnostic]) -> Counter[str]:
    return Counter(one.code for one in found if one.severity is not Severity.ADVICE)


@pytest.mark.parametrize(("options", "text"), ENTRIES, ids=TITLES)
def test_a_fix_makes_its_finding_go_away(options: str, text: str) -> None:
    found = gallery.found(text, options)
    for finding in found:
        if finding.fix:
            after = gallery.found(_fixed(text, finding.fix), options)
            assert _counted(after)[finding.code] < _counted(found)[finding.code], finding.fix
            if finding.safe:
                assert _counted(after) <= _counted(found), "a safe fix makes nothing worse"


def test_many_findings_have_a_fix() -> None:
    fixes = [finding.fix for options, text in ENTRIES for finding in gallery.found(text, options)]
    assert sum(map(bool, fixes)) >= 30
