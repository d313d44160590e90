"""Each syntax error: its code, its characters, its mending; and that parsing goes on."""

from __future__ import annotations

import pytest

from cnnspec.diagnostics import Diagnostic, Sink, Source
from cnnspec.language import parse, tree


def check(text: str) -> tuple[tree.File, list[Diagnostic]]:
    sink = Sink()
    return parse(Source("a.cnn", text), sink), list(sink)


def apply(text: str, findings: list[Diagnostic]) -> str:
    edits = sorted({edit for finding in findings if finding.safe for edit in finding.fix}, reverse=True)
    for span, new in edits:
        text = text[: span.start] + new + text[span.end :]
    return text


CASES = [
    ("conv F3 $ K4", "E101", "$"),
    ("conv F3 ==> 3x4x5", "E101", "==>"),
    ("conv F3 > relu", "E101", ">"),
    ("conv F3 - > relu", "E101", "- >"),
    ("conv F3, K64", "E101", ","),
    ("conv F3, relu", "E101", ","),
    ("add [@a, @b]", "E101", ","),
    ("add [relu, bn]", "E101", ","),
    ('model "Net"', "E101", '"Net"'),
    ("let k 3", "E101", "3"),
    ("k = 3", "E101", "="),
    ("if C > 3 conv F3", "E101", "conv"),
    ("import torch", "E102", "import"),
    ("return", "E102", "return"),
    ("conv F3; \nrelu", "E101", ";"),
    ("conv F3 // why", "E101", "//"),
    ("relu )", "E101", ")"),
    ("relu -> @a", "E101", "@a"),
    ("[a | b]", "E101", "|"),
    ("[a]x2", "E101", "x2"),
    ("F3 K4", "E101", "F3"),
    ("if s = 2 [a]", "E101", "="),
    ("let a = 2**3", "E101", "*"),
    ("relu => bn", "E101", ""),
    ("f(1 2)", "E101", "2"),
    ("Conv2d(3, 64, 3)", "E102", "Conv2d(3, 64, 3)"),
    ("nn.Conv2d(3, 64, 3, stride=2)", "E102", "nn.Conv2d(3, 64, 3, stride=2)"),
    ("x = layers.Dense(10)", "E102", "layers.Dense(10)"),
    ("conv 3x3, 64", "E102", "conv 3x3, 64"),
    ("conv3x3", "E102", "conv3x3"),
    ("conv3-64", "E102", "conv3-64"),
    ("input (3, 224, 224)", "E102", "(3, 224, 224)"),
    ("input 3 x 224 x 224", "E102", "3 x 224 x 224"),
    ("[convolutional]\nfilters=64", "E102", "filters=64"),
    ("layer { }", "E102", "layer { }"),
    ("input 3×224x224", "E103", "×"),
    ("conv F3→relu", "E103", "→"),
    ("model A “x”", "E103", "“x”"),
    ("conv\u00a0F3", "E103", "\u00a0"),
    ("conv Ｆ３", "E103", "Ｆ３"),
    ("conv f3", "E104", "f3"),
    ("conv F 3", "E104", "F 3"),
    ("conv F(3)", "E104", "F(3)"),
    ("c(f1x7)", "E104", "f1x7"),
    ("add [ relu", "E105", "["),
    ("f(1\nrelu", "E105", "("),
    ('model A "x', "E105", '"x'),
    ("let a = 1_000", "E106", "1_000"),
    ("let a = .5", "E106", ".5"),
    ("expect params 60K", "E106", "60K"),
    ("expect params 1,5163", "E106", "1,5163"),
    ("fc 64k", "E106", "64k"),
    ("input 3x4.5", "E106", "4.5"),
    ("let C = 1", "E107", "C"),
    ("let K2 = 1", "E107", "K2"),
    ("let if = 1", "E107", "if"),
    ("let _a = 1", "E107", "_a"),
    ("let größe = 1", "E107", "größe"),
    ("input: relu", "E107", "input"),
    ("leaky -0.1", "E108", "-0.1"),
    ("[" * 65 + "relu" + "]" * 65, "E602", "["),
    ("let a = " + "(" * 1000 + "1" + ")" * 1000, "E602", "("),
    ("fc " + "1" * 41, "E603", "1" * 41),
    ("let a = 1e41", "E603", "1e41"),
]


@pytest.mark.parametrize(("text", "code", "at"), CASES, ids=[text[:30] for text, _, _ in CASES])
def test_code_and_span(text: str, code: str, at: str) -> None:
    file, findings = check(text)
    assert [finding.code for finding in findings] == [code]
    span = findings[0].span
    assert text[span.start : span.end] == at
    # the rest of the file is still read
    more, others = check(f"{text}\nlet z = 1\nrelu -> $") if code != "E105" else (file, findings)
    if code != "E105":
        assert any(isinstance(item, tree.Let) and item.name == "z" for item in more.statements), more
        assert others[-1].span.start == len(text) + 19


@pytest.mark.parametrize(("text", "code", "at"), CASES, ids=[text[:30] for text, _, _ in CASES])
def test_safe_fixes_mend(text: str, code: str, at: str) -> None:
    _, findings = check(text)
    if findings[0].safe:
        assert check(apply(text, findings))[1] == []


def test_all_lines_are_told() -> None:
    _, findings = check("conv F3 K= -> relu )\nfc 1 $\nblock f(k,) { relu ! }\nexpect params\n")
    assert [finding.span.start for finding in findings] == [11, 19, 26, 38, 64]


def test_a_broken_step_stays_with_its_claim() -> None:
    file, _ = check("x: conv F3 $ 3 -> relu => 3x4x5\nbn")
    line = file.statements[0]
    assert isinstance(line, tree.Line)
    assert line.label == "x"
    assert [type(step).__name__ for step in line.steps] == ["ErrorStep", "LayerStep", "ClaimStep"]
    assert len(file.statements) == 2


def test_a_broken_statement_stays_with_its_name() -> None:
    file, _ = check("let a = 1 +\nblock f(k,) { relu }\ninput 3x$")
    assert [(s.word, s.name) for s in file.statements if isinstance(s, tree.ErrorStatement)] == [
        ("let", "a"), ("block", "f"), ("input", None),
    ]  # fmt: skip


def test_unclosed_brackets_end_at_statements() -> None:
    file, findings = check("block f(k) {\n add [ relu\ninput 3x4x5\nbn")
    assert [(f.code, f.span.start) for f in findings] == [("E105", 11), ("E105", 18)]
    assert [type(s).__name__ for s in file.statements] == ["Block", "Input", "Line"]


def test_small_names_that_are_bound_are_names() -> None:
    assert check("let k2 = 3\nfc k2\nblock f(s1) { conv K=s1 s1 }")[1] == []
    assert check("f(k, 1)")[1] == []


WAYS = [
    ("conv F3, relu", "write `->`"),
    ("add [relu, bn]", "write `|`"),
    ('model "Net"', 'model Net "Net"'),
    ("let k 3", "let k = 64"),
    ("k = 3", "let name = …"),
    ("if C > 3 conv F3", "`[`"),
    ("import torch", "leave the line out"),
    ("variant B w = 2", "`variant B: …`"),
    ("variant", "a name"),
    ("input 3x8x8; relu", "`->`"),
    ("let C = 3", "another name"),
    ("block if(k) { relu }", "another name"),
]


@pytest.mark.parametrize(("text", "way"), WAYS, ids=[text for text, _ in WAYS])
def test_the_help_is_the_way_out(text: str, way: str) -> None:
    _, findings = check(text)
    assert way in findings[0].help


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("conv F3 K=8*(i+1) -> relu", "conv F3 K=8*(i+1)"),
        ("fc (4*k)", "fc (4*k)"),
        ("slice (C):(2*C)", "slice (C):(2*C)"),
        ("[relu]*(n) -> bn", "[relu]*(n)"),
    ],
)
def test_brackets_belong_to_the_step_that_they_end(text: str, whole: str) -> None:
    file, findings = check(text)
    assert findings == []
    line = file.statements[0]
    assert isinstance(line, tree.Line)
    span = line.steps[0].span
    assert text[span.start : span.end] == whole
