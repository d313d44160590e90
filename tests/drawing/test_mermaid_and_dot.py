"""The writers of a folded network as text: Mermaid and Graphviz."""

from __future__ import annotations

import re

import pytest

from cnnspec import resources
from cnnspec.diagnostics import Source
from cnnspec.drawing.draw import draw
from cnnspec.drawing.flow.diagram import TooLarge
from cnnspec.drawing.options import Options
from cnnspec.pipeline import models
from tests.drawing.checks import graph_of

SPEC = """\
model M "A title"
block unit(k) { add [ conv F3 P1 K=k -> bn -> relu | if C != k [ conv F1 K=k ] ] -> relu }
input 3x8x8
unit(4) -> unit(4) -> [unit(4) -> maxpool F1]*2
gap -> fc 2
"""


def test_mermaid() -> None:
    text = draw(graph_of(SPEC), Options(), "mermaid")
    assert isinstance(text, str)
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "flowchart TB"
    assert 'n1["unit(4)"]:::block' in lines
    assert 'subgraph f_0["×2"]' in lines
    assert 'subgraph p0["unit(k)"]' in lines
    assert any(re.fullmatch(r'n\d+ -\.->\|"if C ≠ k"\| n\d+', line) for line in lines)


def test_each_output_of_a_repeat_leaves_its_own_box() -> None:
    """Of what every pass gives, each tensor from the box that makes it; and no line twice."""
    text = draw(
        graph_of(
            "input 3x8x8\ns: conv F3 P1 K4\n"
            "[ x: conv F3 P1 K4\nside: gap -> fc 3\n@x -> relu ]*2\noutput @s, each @side\n"
        ),
        Options(),
        "mermaid",
    )
    assert isinstance(text, str)
    edges = re.findall(r"n(\d+) -->(?:\|[^|]*\|)? n(\d+)", text)
    assert len(edges) == len(set(edges))
    (layer,) = re.findall(r'n(\d+)\["fc 3"\]', text)
    outputs = re.findall(r'n(\d+)\(\["side\d"\]\)', text)
    assert [source for source, target in edges if target in outputs] == [layer, layer]


def test_dot() -> None:
    text = draw(graph_of(SPEC), Options(panels=False), "dot")
    assert isinstance(text, str)
    assert text.startswith('digraph "M" {\n')
    assert '  n1 [label="unit(4)", fillcolor="#dfe7f2"]\n' in text
    assert "  subgraph cluster_f_0 {\n" in text
    assert "cluster_p0" not in text


@pytest.mark.parametrize("form", ["mermaid", "dot"])
def test_names_are_escaped(form: str) -> None:
    graph = graph_of("input 3x8x8\nconv F3 K4 -> relu\n")
    named = graph.model_copy(update={"name": 'a"b\\<c>&`d`\x1b;end', "blocks": ()})
    text = draw(named, Options(), form)
    assert isinstance(text, str)
    assert "\x1b" not in text
    if form == "dot":
        assert text.startswith('digraph "a\\"b\\\\<c>&amp;`d`␛;end" {\n')


@pytest.mark.parametrize("name", resources.zoo())
def test_every_box_of_a_line_is_there(name: str) -> None:
    with open(resources.zoo()[name], encoding="utf-8") as file:
        (model,) = models(Source(name, file.read()), first=True, lints=False)
    assert model.graph is not None
    for form, box, line in (
        ("mermaid", r"^ +n(\d+)[\[(].*:::", r"^ +n(\d+) -\.?->?.* n(\d+)$"),
        ("dot", r"^ +n(\d+) \[", r"^ +n(\d+) -> n(\d+)"),
    ):
        text = draw(model.graph, Options(levels=1), form)
        assert isinstance(text, str)
        boxes = re.findall(box, text, re.M)
        read = {number for pair in re.findall(line, text, re.M) for number in pair}
        assert len(boxes) == len(set(boxes))
        assert read == set(boxes)


def test_mermaid_draws_no_more_than_it_can() -> None:
    lines = "\n".join(f"conv F3 P1 K{4 + number % 2}" for number in range(600))
    with pytest.raises(TooLarge):
        draw(graph_of(f"input 4x8x8\n{lines}\n"), Options(), "mermaid")
