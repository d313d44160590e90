"""Whatever stands around them, fences are formatted as specs are alone; formatting twice changes nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

import cnnspec
from cnnspec.diagnostics import Source
from cnnspec.documents.read import document_of
from cnnspec.documents.write import formatted
from tests.documents.test_positions import CONTAINERS, ENDS, PROSE, nested

LINES = st.sampled_from(
    [
        "input 3x8x8", "conv K4 F3", "   conv  F3 K4 -> relu", "\tconv K4 F3 # é", "", "[conv K4 F3->relu]*2",
        "add [ conv K4 F3 P1 | id ]", "block a(k) {\n  conv F3 K=k\n}", "  \tgap",
    ]
)  # fmt: skip
SPECS = st.lists(LINES, min_size=1, max_size=5)
OTHERS = st.sampled_from([[], [("- ", "  ")], [("1. ", "   "), ("", ">\t")], [("", "> "), ("* ", "\t")]])
KINDS = {"a.md": ("```cnn", "```"), "a.tex": ("\\begin{cnn}", "\\end{cnn}")}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(PROSE, st.one_of(CONTAINERS, OTHERS), SPECS), min_size=1, max_size=3),
    ENDS,
    st.sampled_from(sorted(KINDS)),
)
def test_in_any_surroundings(
    parts: list[tuple[str, list[tuple[str, str]], list[str]]], end: str, name: str
) -> None:
    opens, closes = KINDS[name]
    lines: list[str] = []
    for prose, containers, spec in parts:
        body = [opens, *"\n".join(spec).split("\n"), closes]
        inside = nested(body, containers) if name == "a.md" else [f"\t{line}" for line in body]
        lines += [prose, "", "<!-- between -->", "", *inside, "", ""]
    before = document_of(Source(name, "\n".join(lines).replace("\n", end)))
    text = formatted(before).text
    assert text is not None
    after = document_of(Source(name, text))
    given_texts = [cnnspec.fmt(text=one.text).strip() for one in before.fences]
    assert [one.text.strip() for one in after.fences] == given_texts
    assert formatted(after).text == text
    assert outside(after.source.text, name) == outside(before.source.text, name)


def outside(text: str, name: str) -> list[str]:
    """The lines that belong to no fence."""
    opens, closes = KINDS[name]
    found, inside = [], False
    for line in text.splitlines():
        if opens in line:
            inside = True
        if not inside:
            found.append(line)
        if line.strip(" \t>").endswith(closes):
            inside = False
    return found
