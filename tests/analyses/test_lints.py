"""Each lint: a network that gets it, and its neighbour that does not."""

from __future__ import annotations

import pytest

from cnnspec.analyses import analyse
from cnnspec.analyses.lints.text import lint_text
from cnnspec.diagnostics import Severity, Sink, Source
from cnnspec.language import parse
from tests.analyses.specs import graph, of_zoo, zoo

CASES = [  # code, what gets it, what does not
    ("W104", "input 8\nfc 8 -> softmax -> fc 8", "input 8\nfc 8 -> relu -> fc 8 -> softmax"),
    (
        "W104",
        "block f() { fc 8 -> softmax }\ninput 8\n[f()]*2",
        "block f() { fc 8 -> softmax }\ninput 8\nf()",
    ),
    (
        "W104",
        "input 8\nfc 8 -> softmax -> relu -> fc 8",
        "input 8x4x4\nmul [ id | conv F1 K8 -> softmax ] -> conv F1 K8",
    ),
    ("W205", "input 3x64x64\nconv F8 S8 K16 -> relu", "input 3x64x64\nconv F8 S4 K16 -> relu"),
    ("W205", "input 3x64x64\nmaxpool F5 -> relu", "input 3x64x64\ngap"),
    ("W206", "input 8\nfc 8 -> fc 4", "input 8\nfc 8 -> relu -> fc 4"),
    ("W206", "input 8\n[fc 8]*2", "input 8\n[fc 8 -> relu]*2"),
    ("W206", "input 8\nfc 8 -> dropout -> [fc 4 -> relu]", "input 8\nfc 8 -> dropout -> [relu -> fc 4]"),
    (
        "W206",
        "input 8x4x4\nconv F1 K8 -> gap -> fc 4",
        "input 8x4x4\nconv F3 P1 K8 -> maxpool F2 -> conv F1 K8",
    ),
    ("W207", "input 8x4x4\nconv F1 K8 -> bn", "input 8x4x4\nconv F1 K8 nobias -> bn"),
    (
        "W207",
        "block c() { conv F1 K8 }\ninput 8x4x4\nc() -> [bn -> relu]",
        "input 8x4x4\nconv F1 K8 -> relu -> bn",
    ),
    ("W208", "input 8x4x4\nconv F1 K8 -> dropout", "input 8x4x4\nconv F1 K8 -> relu -> dropout"),
    ("W208", "input 8x4x4\n[conv F1 K8] -> [dropout -> relu]", "input 8\nfc 8 -> dropout"),
    ("W209", "input 3x32x32\nconv F3 P1 K8 -> relu -> gap", "input 3x32x32\nconv F3 P1 K8 -> relu"),
    ("W201", "input 3x8x8\nconv F3 S2 K8", "input 3x9x9\nconv F3 S2 K8"),
    ("W204", "input 3x8x8\nconv F3 K9", "input 3x8x8\nconv F3 K8"),
]


def codes(text: str) -> set[str]:
    return {finding.code for finding in analyse(graph(text + "\n")).findings}


@pytest.mark.parametrize(("code", "wrong", "right"), CASES)
def test_lint(code: str, wrong: str, right: str) -> None:
    assert code in codes(wrong)
    assert code not in codes(right)


@pytest.mark.parametrize(
    ("code", "wrong", "right"),
    [
        ("W101", "input 32x32x3\ngap\n", "input 3x32x32\ngap\n"),
        ("W101", "input 224x224x1\ngap\n", "input 64x8x3\ngap\n"),
        ("W103", "input 3x8x8\nconv F3 K=9 -1\n", "input 3x8x8\nconv F3 K=9-1\n"),
        ("W103", "input 3x8x8\nconv F3 K=9 -1\n", "input 3x8x8\nconv F3 K=9 - 1\n"),
    ],
)
def test_lint_of_the_text(code: str, wrong: str, right: str) -> None:
    def found(text: str) -> list[str]:
        source = Source("test.cnn", text)
        return [finding.code for finding in lint_text(parse(source, Sink()), source)]

    assert found(wrong) == [code]
    assert found(right) == [] or right == "input 64x8x3\ngap\n"


def test_a_pair_is_told_where_it_stands() -> None:
    text = "input 8\n[fc 8]*3\n"
    (finding,) = {f for f in analyse(graph(text)).findings if f.code == "W206"}
    assert text[finding.span.start : finding.span.end] == "fc 8"


def test_the_zoo_gets_no_warning() -> None:
    for name, variant in zoo():
        findings = list(analyse(of_zoo(name, variant)).findings)
        assert [f for f in findings if f.severity is Severity.WARNING] == [], (name, variant)
