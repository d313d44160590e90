"""Lines in a form that the language has not: one finding says what is meant, and its fix writes it."""

from __future__ import annotations

import pytest

from cnnspec.diagnostics import Diagnostic, Edit, Sink, Source
from cnnspec.language import parse
from tests.support import check_text, findings

IN = "input 3x32x32\n"


def errors(text: str) -> list[Diagnostic]:
    return [finding for finding in findings(text) if not finding.code.startswith("W")]


def mended(text: str, fix: tuple[Edit, ...]) -> str:
    for edit in sorted(fix, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


FORMS = [
    # what is written behind `input 3x32x32`; what is said of it; what the fix makes of it
    # --- branches: their word behind them, in braces, with arguments before them
    ("[ conv F3 P1 K3 | id ] add", "comes before them", "add [ conv F3 P1 K3 | id ]"),
    ("[ conv F3 P1 K3 | id ] -> add", "comes before them", "add [ conv F3 P1 K3 | id ]"),
    ("[ conv F3 P1 K3 ] add", "comes before them", "add [ conv F3 P1 K3 | id ]"),
    ("x: [ relu # a\n | id ] concat() -> bn", "comes before them", "x: concat [ relu # a\n | id ] -> bn"),
    ("parallel [ conv F1 K8 | id ] concat", "comes before them", "concat [ conv F1 K8 | id ]"),
    ("parallel [ conv F1 K8 | id ] -> concat", "comes before them", "concat [ conv F1 K8 | id ]"),
    ("branch { conv F3 P1 K3 } add { id }", "square brackets", "add [ conv F3 P1 K3 | id ]"),
    ("{ conv F3 P1 K3 } concat { id }", "square brackets", "concat [ conv F3 P1 K3 | id ]"),
    ("add { conv F3 P1 K3 }, { id }", "square brackets", "add [ conv F3 P1 K3 | id ]"),
    ("branch {\n conv F3 P1 K3\n relu\n} add {\n id\n}", "square", "add [ conv F3 P1 K3 -> relu | id ]"),
    # --- repetitions
    ("repeat 3 { conv F3 P1 K3 }", "`[ conv F3 P1 K3 ]*3`", "[ conv F3 P1 K3 ]*3"),
    ("for i in range(3) { relu }", "`[ relu ]*3`", "[ relu ]*3"),
    ("x: repeat(3) [ relu ]", "`[ relu ]*3`", "x: [ relu ]*3"),
    ("{ relu } * 3", "`[ relu ]*3`", "[ relu ]*3"),
    ("(relu -> bn)x3", "`[relu -> bn]*3`", "[relu -> bn]*3"),
    ("{\n relu\n}", "square brackets", "[\n relu\n]"),
    ("[ relu ]^3", "`*3`", "[ relu ]*3"),
    ("[ relu ] 3 times", "`*3`", "[ relu ]*3"),
    ("[ relu ] times 3", "`*3`", "[ relu ]*3"),
    ("[ relu ] ** 3", "`*3`", "[ relu ]*3"),
    # --- blocks
    ("block f(k): conv F3 K=k\nf(3)", "in braces", "block f(k) { conv F3 K=k }\nf(3)"),
    ("block f():\n  bn\n  relu\nf()", "in braces", "block f() {\n  bn\n  relu\n}\nf()"),
    ("block f() [ relu ]\nf()", "in braces", "block f() { relu }\nf()"),
    ("block f() = [ relu ]\nf()", "in braces", "block f() { relu }\nf()"),
    ("block f() -> relu\nf()", "in braces", "block f() { relu }\nf()"),
    ("def f() { relu }\nf()", "the word `block`", "block f() { relu }\nf()"),
    ("f() { relu }\nf()", "the word `block`", "block f() { relu }\nf()"),
    # --- matrices
    ("conv F2 K1 weight=[[1,0],[0,1]]", "`[1 0; 0 1]`", "conv F2 K1 weight=[1 0; 0 1]"),
    ("conv F2 K2 connect=[[0, 1], [1, 2]]", "`[0 1; 1 2]`", "conv F2 K2 connect=[0 1; 1 2]"),
    ("conv F2 K1 weight=[\n [1, 0],\n [0, 1] ]", "not a list of lists", "conv F2 K1 weight=[1 0; 0 1]"),
    ("conv F1 K1 weight=[[[1]],[[2]],[[3]]]", "`[1 | 2 | 3]`", "conv F1 K1 weight=[1 | 2 | 3]"),
    ("conv F2 K1 weight=[1 0, 0 1]", "rows of a matrix", "conv F2 K1 weight=[1 0; 0 1]"),
    ("conv F2 K1 weight=[1,0;0,1]", "separated by spaces", "conv F2 K1 weight=[1 0;0 1]"),
    (r"conv F2 K1 weight=[1 & 0 \\ 0 & 1]", "this is LaTeX", "conv F2 K1 weight=[1 0; 0 1]"),
    ("conv F2 K1 weight={1 0; 0 1}", "square brackets", "conv F2 K1 weight=[1 0; 0 1]"),
    ("conv F2 K1 weight=1/4*[1 2; 2 1]", "no factor", "conv F2 K1 weight=[1/4 1/2; 1/2 1/4]"),
    # --- sizes
    ("reshape (3, 32, 32)", "`reshape 3x32x32`", "reshape 3x32x32"),
    ("reshape [3, 32, 32]", "`reshape 3x32x32`", "reshape 3x32x32"),
    ("crop (28,28)", "`crop 28x28`", "crop 28x28"),
    ("maxpool out=7,7", "`out=7x7`", "maxpool out=7x7"),
    ("maxpool out=(7,7)", "`out=7x7`", "maxpool out=7x7"),
    ("conv F3 P1 K3 S=2,2", "`S=2x2`", "conv F3 P1 K3 S=2x2"),
    ("conv F=3,5 K3 -> relu", "`F=3x5`", "conv F=3x5 K3 -> relu"),
    ("upsample 2x bilinear", "`2`", "upsample 2 bilinear"),
    ("dwconv F3,K3", "spaces, not by commas", "dwconv F3 K3"),
    # --- percentages and points
    ("dropout 50%  # half\nconv F3 K8", "`0.5`", "dropout 0.5  # half\nconv F3 K8"),
    ("dropout 50%\nx: relu", "`0.5`", "dropout 0.5\nx: relu"),
    ("dropout 12.5 % -> relu", "`0.125`", "dropout 0.125 -> relu"),
    ("let p = 50%\ndropout p", "`0.5`", "let p = 0.5\ndropout p"),
    ("[ dropout 5% ]*2", "`0.05`", "[ dropout 0.05 ]*2"),
    ("gap -> fc 1000\nexpect params 4'000", "`4,000`", "gap -> fc 1000\nexpect params 4,000"),
    ("gap -> fc 1000000 => params 4.000.000", "`4,000,000`", "gap -> fc 1000000 => params 4,000,000"),
    # --- values by name behind a letter
    ("let n = 8\nconv F3 Kn", "`K=n`", "let n = 8\nconv F3 K=n"),
    ("let n = 8\nconv F3P1Kn", "`F3P1 K=n`", "let n = 8\nconv F3P1 K=n"),
    ("let n = 8\nconv F3 K4n", "`K=4*n`", "let n = 8\nconv F3 K=4*n"),
    ("block c(f) { conv Ff K8 }\nc(3)", "`F=f`", "block c(f) { conv F=f K8 }\nc(3)"),
    ("maxpool k3 S2", "`F3`", "maxpool F3 S2"),
    # --- lets and variants
    ("n = 8\nconv F3 K=n", "`let n = …`", "let n = 8\nconv F3 K=n"),
    ("n := 8\nconv F3 K=n", "`let n = …`", "let n = 8\nconv F3 K=n"),
    ("let n: 8\nconv F3 K=n", "expected `=`, found `:`", "let n = 8\nconv F3 K=n"),
    ("let n = 1, m = 2\nconv F3 K=n*m", "names one value", "let n = 1\nlet m = 2\nconv F3 K=n*m"),
    ("let n = 1; let m = 2\nconv F3 K=n*m", "names one value", "let n = 1\nlet m = 2\nconv F3 K=n*m"),
    ("let n = 1\nvariant A: n = 2; expect out 2x30x30\nconv F3 K=n", "separated by commas",
     "let n = 1\nvariant A: n = 2, expect out 2x30x30\nconv F3 K=n"),
    ("let n = 1\nvariant A: n = 2 expect params 56\nconv F3 K=n", "expected `,` before `expect`",
     "let n = 1\nvariant A: n = 2, expect params 56\nconv F3 K=n"),
    ("let n = 1\nvariant A { n = 2 }\nconv F3 K=n", "`variant A: n = 2`",
     "let n = 1\nvariant A: n = 2\nconv F3 K=n"),
    ("let n = 1\nvariant R-50: let n: 2, expect params 56\nconv F3 K=n", "R50: n = 2, expect params 56`",
     "let n = 1\nvariant R50: n = 2, expect params 56\nconv F3 K=n"),
    # --- lists, tables, LaTeX
    ("- conv F3 K8\n* relu", "leave `-` out", "conv F3 K8\nrelu"),
    ("• conv F3 K8", "leave `*` out", "conv F3 K8"),
    (r"conv $3\times3$, $K_{64}$", "`conv F3 K64`", "conv F3 K64"),
    ("conv 3->64 F3", "`conv F3 K64`", "conv F3 K64"),
    ("conv F3 K8 + relu", "`->`", "conv F3 K8 -> relu"),
    ("cat([relu, id], dim=1)", "`concat [ relu | id ]`", "concat [ relu | id ]"),
    # --- Darknet
    ("[convolutional]\nbatch_normalize=1\nfilters=8\nsize=3\nstride=1\npad=1\nactivation=leaky",
     "`conv F3 P1 K8 nobias -> bn -> leaky 0.1`", "conv F3 P1 K8 nobias -> bn -> leaky 0.1"),
    ("relu\n\n[maxpool]\nsize=3\nstride=2", "`maxpool F3 S2 P1`", "relu\n\nmaxpool F3 S2 P1"),
    ("gap\n[connected]\noutput=10\nactivation=linear", "`fc 10`", "gap\nfc 10"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said", "right"), FORMS, ids=[text[:40] for text, _, _ in FORMS])
def test_one_finding_says_it_and_its_fix_writes_it(text: str, said: str, right: str) -> None:
    (one,) = errors(IN + text + "\n")
    assert said in one.message + "\n" + one.help
    assert mended(IN + text + "\n", one.fix) == IN + right + "\n"
    assert errors(IN + right + "\n") == []


INPUTS = [
    ("input Nx3x32x32", "no batch axis", "input 3x32x32"),
    ("input (None, 3, 32, 32)", "no batch axis", "input 3x32x32"),
    ("input 32x32 RGB", "`input 3x32x32`", "input 3x32x32"),
    ("input 28x28 grayscale", "`input 1x28x28`", "input 1x28x28"),
    ("input 3 channels 32x32", "`input 3x32x32`", "input 3x32x32"),
    ("input shape=3x32x32", "`input 3x32x32`", "input 3x32x32"),
    ("INPUT 3X32X32", "`input 3x32x32`", "input 3x32x32"),
    ("input(3x32x32)", "has no brackets", "input 3x32x32"),
    ("[net]\nwidth=32\nheight=24\nchannels=3", "`input 3x24x32`", "input 3x24x32"),
]


@pytest.mark.parametrize(("text", "said", "right"), INPUTS, ids=[text for text, _, _ in INPUTS])
def test_an_input_in_another_form(text: str, said: str, right: str) -> None:
    rest = "\nconv F3 P1 K8\n"
    (one,) = errors(text + rest)
    assert said in one.message + "\n" + one.help
    assert mended(text + rest, one.fix) == right + rest
    assert errors(right + rest) == []


def test_what_follows_a_mended_form_is_still_checked() -> None:
    for line in (
        "[ conv F3 P1 K3 | id ] add",
        "parallel [ conv F3 P1 K3 | id ] add",
        "reshape 3,32,32",
        "upsample 1x",
        "dropout 50%",
        "[ relu ] 2 times",
        "conv F3 P1 K3 S=1,1",
        "crop (32, 32)",
        "reshape [3, 32, 32]",
    ):
        codes = [
            one.code
            for one in errors(f"{IN}{line} => 3x9x9\nconv F40 K8\n".replace("50% =>", "50% -> bn =>"))
        ]
        assert "E501" in codes, line
        assert codes[-1] == "E301", line


def test_sizes_with_commas_are_read() -> None:
    assert [one.code for one in errors(f"{IN}conv F3 P1 K3 S=2,1 => 3x16x32\n")] == ["E106"]


def test_a_remainder_may_end_its_line_unless_it_looks_like_a_percentage() -> None:
    assert errors("let k = 65\nlet n = k %\n  64\n" + IN + "conv F3 K=n\n") == []
    (one,) = errors("let n = 50%\n" + IN + "gap -> dropout (n)\n")
    assert (one.code, one.safe) == ("E106", True)


@pytest.mark.parametrize(
    ("other", "right"),
    [
        ("[1,2;3,4]", "[1 2; 3 4]"),
        ("[1 2, 3 4]", "[1 2; 3 4]"),
        ("[[1, -2], [3, 1/4]]", "[1 -2; 3 1/4]"),
        ("[[[1], [2]], [[3], [4]]]", "[1; 2 | 3; 4]"),
        (r"[1 & 2 \\ 3 & 4]", "[1 2; 3 4]"),
    ],
)
def test_a_matrix_in_another_form_is_read_as_what_it_means(other: str, right: str) -> None:
    read = [parse(Source("", f"conv F2 K1 weight={text}"), Sink()).statements[0] for text in (other, right)]
    found = [line.steps[0].arguments[2].value.planes for line in read]  # type: ignore[union-attr]
    assert found[0] == found[1]


def test_a_long_matrix_with_commas_is_read_in_one_go() -> None:
    numbers = ",".join("1" for _ in range(3000))
    (one,) = [one for one in errors(f"{IN}conv F1 K1000 nobias weight=[{numbers}]\n") if one.code == "E101"]
    assert len(one.fix) == 2999


def test_groups_merged_behind_one_another() -> None:
    text = IN + "[ [ [ relu | id ] add | bn ] add | tanh ] add\n"
    found = errors(text)
    assert [one.message for one in found] == ["the word that merges branches comes before them"]
    assert all(one.safe for one in found)
    everything = tuple(edit for one in found for edit in one.fix)
    assert mended(text, everything) == IN + "add [ add [ add [ relu | id ] | bn ] | tanh ]\n"
    assert check_text(mended(text, everything))[0].buildable
