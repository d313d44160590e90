"""For random documents, what a finding marks in the document is what it marks in the spec alone."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.diagnostics import Sink, Source, Span
from cnnspec.documents.compose import fence_text
from cnnspec.documents.fence import Document
from cnnspec.documents.read import document_of
from cnnspec.language import parse

LINES = st.sampled_from(
    [
        "input 3x8x8",
        "conv F3 K4",
        "  conv f3 K4 -> relux",
        "\tconv F9 K4",
        "",
        "  ",
        'model A "é → ü"',
        "x: conv ) F3",
    ]
)  # fmt: skip
SPECS = st.lists(LINES, min_size=1, max_size=5)
PROSE = st.sampled_from(
    ["", "text", "- item", "> quoted", "# head", "`code` *x*", "\\section{A}", "1. a\n\n2. b"]
)
CONTAINERS = st.lists(
    st.sampled_from(
        [
            ("", "> "), ("- ", "  "), ("1. ", "   "), ("!!! note\n", "    "),
            ('=== "Tab"\n', "\t"), ('??? tip "x"\n\n', "    "),
        ]
    ),
    max_size=3,
)  # fmt: skip
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def nested(lines: list[str], containers: list[tuple[str, str]]) -> list[str]:
    """Lines inside list items, quotes, admonitions and tabs."""
    for first, rest in reversed(containers):
        if first in ("- ", "1. "):
            lines = [first + lines[0], *(rest + line for line in lines[1:])]
        else:
            lines = [*first.split("\n")[:-1], *(rest + line for line in lines)]
    return lines


def text_of(spec: list[str]) -> str:
    return "".join(f"{line}\n" for line in spec)


def same_places(document: Document, specs: list[list[str]]) -> None:
    """Every character and every finding of each spec stands in the document where it should."""
    texts = [fence.text.split("\n") for fence in document.fences]
    assert [[line.lstrip() for line in text] for text in texts] == [
        [line.lstrip() for line in [*spec, ""]] for spec in specs
    ]
    for fence in document.fences:
        inside, alone = fence_text(document.source, fence), Source("alone.cnn", fence.text)
        found = [Sink(), Sink()]
        parse(inside, found[0])
        parse(alone, found[1])
        assert [*found[0]] == [*found[1]]
        for one in found[0]:
            (start, end), (low, high) = inside.extent(one.span), alone.extent(one.span)
            assert (start.line - low.line, end.line) == (
                start.line - low.line,
                high.line + start.line - low.line,
            )
            assert (
                inside.line(start.line)[start.column - 1 : end.column - 1]
                == (alone.line(low.line)[low.column - 1 : high.column - 1])
                or start.line != end.line
            )
        for at, char in enumerate(fence.text):
            there = inside.written(Span(at, at + 1))
            shown = document.source.text[there.start : there.end]
            assert (
                shown == char
                or (char, shown) == (" ", "\t")
                or (char == "\n" and not shown.strip("\r\n>- \t"))
            )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(PROSE, CONTAINERS, SPECS), min_size=1, max_size=3), ENDS)
def test_in_markdown(parts: list[tuple[str, list[tuple[str, str]], list[str]]], end: str) -> None:
    lines: list[str] = []
    specs = []
    for prose, containers, spec in parts:
        lines += [prose, "", "<!-- between -->", "", *nested(["```cnn", *spec, "```"], containers), "", ""]
        specs.append(spec)
    text = "\n".join(lines).replace("\n", end)
    same_places(document_of(Source("a.md", text)), specs)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(PROSE, st.sampled_from(["cnn", "minted", "lstlisting"]), SPECS), min_size=1, max_size=3
    ),
    ENDS,
)
def test_in_latex(parts: list[tuple[str, str, list[str]]], end: str) -> None:
    lines: list[str] = []
    opens = {"cnn": "\\begin{cnn}[caption=x]", "minted": "\\begin{minted}{cnn}",
             "lstlisting": "\\begin{lstlisting}[language=cnn]"}  # fmt: skip
    specs = []
    for prose, kind, spec in parts:
        lines += [
            prose,
            f"  {opens[kind]}",
            *(f"\t{line}" for line in ("relu", *spec)),
            f"  \\end{{{kind}}}",
            "% end",
        ]
        specs.append(["relu", *spec])
    same_places(document_of(Source("a.tex", "\n".join(lines).replace("\n", end))), specs)


@settings(max_examples=100, deadline=None)
@given(st.lists(SPECS, min_size=1, max_size=3), st.sampled_from([None, 1]), st.booleans(), st.booleans())
def test_in_notebooks(specs: list[list[str]], indent: int | None, single: bool, ascii: bool) -> None:
    sources = [f"%%cnn\n{text_of(spec)}" for spec in specs]
    cells = [
        {"cell_type": "code", "source": source if single else source.splitlines(True)} for source in sources
    ]
    text = json.dumps({"cells": cells}, indent=indent, ensure_ascii=ascii)
    document = document_of(Source("a.ipynb", text))
    assert [fence.text for fence in document.fences] == [text_of(spec) for spec in specs]
    for fence in document.fences:
        inside = fence_text(document.source, fence)
        for at, char in enumerate(fence.text):
            there = inside.written(Span(at, at + 1))
            shown = document.source.text[there.start : there.end]
            assert json.loads(f'"{shown}"' if char != "\n" else f'"{shown[:2]}"') == char
