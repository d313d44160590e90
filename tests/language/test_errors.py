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
    ("conv F3 > relu", "E101", ">"),
    ("add [relu, bn]", "E101", ","),
    ("k = 3", "E101", "="),
    ("if C > 3 conv F3", "E101", "conv"),
    ("let a = 2^3", "E101", "^"),
    ("relu => bn", "E101", "=>"),
    ("nn.Conv2d(3, 64, 3, stride=2)", "E102", "nn.Conv2d(3, 64, 3, stride=2)"),
    ("x = layers.Dense(10)", "E102", "x = layers.Dense(10)"),
    ("conv 3x3, 64", "E102", "conv 3x3, 64"),
    ("conv3-64", "E102", "conv3-64"),
    ("input (3, 224, 224)", "E102", "(3, 224, 224)"),
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
    ("expect params 1,5163", "E106", "1,5163"),
    ("input 3x4.5", "E106", "4.5"),
    ("let C = 1", "E107", "C"),
    ("let K2 = 1", "E107", "K2"),
    ("let größe = 1", "E107", "größe"),
    ("input: relu", "E107", "input"),
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


def test_a_file_of_python_is_said_to_be_once() -> None:
    text = "import torch.nn as nn\nclass Net(nn.Module):\n  def __init__(self):\n    super().__init__()\n"
    _, findings = check(text + "    self.a = nn.Conv2d(3, 8, 3)\n    return x.relu()\n")
    assert [(one.code, one.message) for one in findings] == [
        ("E102", "this is Python; a spec only describes")
    ] * 2
    assert [finding.help for finding in findings[1:]] == ["here it is `a: conv F3 K8`"]


def test_the_same_pasted_character_of_a_line_is_one_finding() -> None:
    text = "input 3×8×8\ninput 3×8×8\n"
    _, findings = check(text)
    assert [len(finding.fix) for finding in findings] == [2, 2]
    assert [text[related.span.start] for related in findings[0].related] == ["×"]
    assert apply(text, findings) == "input 3x8x8\ninput 3x8x8\n"


@pytest.mark.parametrize("word", ["input", "expect", "model"])
def test_a_statement_inside_a_block_is_one_message(word: str) -> None:
    rest = {"input": "3x8x8", "expect": "params 3", "model": "A"}[word]
    for text in (f"block f() {{ {word} {rest} }}\nrelu", f"block f() {{\n relu\n {word} {rest}\n}}\nrelu"):
        file, findings = check(text)
        assert [(one.code, text[one.span.start : one.span.end]) for one in findings] == [("E405", word)]
        assert [type(statement).__name__ for statement in file.statements] == ["Block", "Line"]


def test_all_lines_are_told() -> None:
    _, findings = check("conv F3 K= -> relu )\nfc 1 $\nblock f(k,) { relu ! }\nexpect params\n")
    assert [finding.span.start for finding in findings] == [11, 19, 26, 37, 47, 64]


def test_a_broken_step_stays_with_its_claim() -> None:
    file, _ = check("x: conv F3 $ 3 -> relu => 3x4x5\nbn")
    line = file.statements[0]
    assert isinstance(line, tree.Line)
    assert line.label == "x"
    assert [type(step).__name__ for step in line.steps] == ["ErrorStep", "LayerStep", "ClaimStep"]
    assert len(file.statements) == 2


def test_a_broken_statement_stays_with_its_name() -> None:
    file, _ = check("let a = 1 +\nblock f(k,,) { relu }\ninput 3x$")
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
    ("add [relu, bn]", "write `|`"),
    ("k = 3", "`let k = …`"),
    ("if C > 3 conv F3", "`if C > 3 [ … ] else [ … ]`"),
    ("relu => bn", "`->`"),
    ('conv F3 K8 padding="valid"', "`P0`"),
    ("add @a @b", "`add [ @a | @b ]`"),
    ("blcok f(k) { relu }", "`block`"),
    ("input: 3x8x8", "`input` and a space"),
    ("input = 3x8x8", "`input 3x224x224`"),
    ("input 1,3,8,8", "`3x8x8`"),
    ("relu -- what", "`#`"),
    ("conv F3 К8", "`K8`"),
    ("relu — bn", "`->`"),
    ("model A « x »", '"x"'),
    ("conv 7x7, 64, stride 2", "`conv F7 S2 K64`"),
    ("maxpool 3x3, stride 2", "`maxpool F3 S2`"),
    ("Conv2D(32, (3, 3), padding='same', activation='relu')", "`conv F3 Psame K32 -> relu`"),
    ("x = nn.Conv2d(3, 64, 3)(x)", "`conv F3 K64`"),
    ("add [ 3x3, 64 | id ]", "`conv F3 K64`"),
    ("variant B w = 2", "`variant B: w = 2`"),
    ("input 3x8x8; relu", "`->`"),
    ("let C = 3", "another name"),
]


@pytest.mark.parametrize(("text", "way"), WAYS, ids=[text for text, _ in WAYS])
def test_the_help_is_the_way_out(text: str, way: str) -> None:
    _, findings = check(text)
    assert way in findings[0].help


SAID = [
    # the text, the characters marked, what is said of them
    ("conv F3 K8 == 8x6x6", "==", "expected `=>`, found `==`"),
    ("if C => 3 [ relu ] else [ bn ]", "=>", "expected `>=`, found `=>`"),
    ("@a + conv F3 K3", "+", "tensors are not added with `+`"),
    ("conv F1 K1 weight=[1,0; 0, 1]", ",", "the numbers of a matrix are separated by spaces"),
    ("input 3x8x8\n-> -> ->", "->", "the input is a separate statement; the first step begins a new line"),
    ('import "other.cnn"', 'import "other.cnn"', "a spec is one file, and includes no other"),
    ("conv F3 K8, relu,", ",", "a line does not end with a comma"),
]


@pytest.mark.parametrize(("text", "at", "message"), SAID, ids=[text for text, _, _ in SAID])
def test_what_is_said(text: str, at: str, message: str) -> None:
    found = check(text)[1][-1]
    assert (text[found.span.start : found.span.end], found.message) == (at, message)
    if text != "conv F3 K8, relu,":
        assert len(check(text)[1]) == 1
        assert not found.safe or check(apply(text, [found]))[1] == []


HOW = [
    ("expect params 2k ± 5", "`~2k` holds within 5 %"),
    ("expect params 1.8e3", "`1,800`"),
]


@pytest.mark.parametrize(("text", "way"), HOW)
def test_how_a_claim_is_written(text: str, way: str) -> None:
    (found,) = check(text)[1]
    assert way in found.help


@pytest.mark.parametrize(("text", "way"), WAYS, ids=[text for text, _ in WAYS])
def test_one_mistake_is_one_message(text: str, way: str) -> None:
    assert len(check(text)[1]) == 1


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


def test_a_bracket_that_was_closed_stays_closed() -> None:
    """What is read again may begin before a bracket that was closed for want of a `]`."""
    found = check("co[v F3 * 5 K8\nbn\nrelu]*2\nrepeat 3 { relu }")[1]
    assert {one.code for one in found} >= {"E105"}
