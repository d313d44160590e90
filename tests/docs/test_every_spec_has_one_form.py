"""`fmt` has one answer for every spec that is shipped or shown: twice is once, and the tree stays."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cnnspec.diagnostics import Sink, Source
from cnnspec.language import parse
from cnnspec.language.formatter import format_file
from tests.language.same_tree import same_tree

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "cnnspec/diagnostics/codes").glob("*.md"),
    ROOT / "README.md",
]
TEXTS = {
    **{str(path.relative_to(ROOT)): path.read_text("utf-8") for path in (ROOT / "specs").rglob("*.cnn")},
    **{
        f"{page.relative_to(ROOT)}:{number}": text
        for page in PAGES
        for number, text in enumerate(
            re.findall(r"^```cnn\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
        )
    },
}


def test_there_are_many() -> None:
    assert len(TEXTS) > 140


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_formatting_twice_is_formatting_once(name: str) -> None:
    source, sink = Source(name, TEXTS[name]), Sink()
    tree = parse(source, sink)
    assert not sink.has_errors
    once = format_file(source, tree)
    again = parse(Source(name, once), Sink())
    assert same_tree(tree, again)
    assert format_file(Source(name, once), again) == once
    if name.startswith("specs"):
        assert once == TEXTS[name], "run `cnnspec fmt specs`"
