"""Layers, merges and arguments under other words, met when layers are looked up: what is said, the fix."""

from __future__ import annotations

import pytest

from cnnspec.diagnostics import Diagnostic, Edit
from tests.support import findings

IN = "input 3x32x32\n"


def errors(text: str) -> list[Diagnostic]:
    return [finding for finding in findings(text) if not finding.code.startswith("W")]


def mended(text: str, fix: tuple[Edit, ...]) -> str:
    for edit in sorted(fix, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


WORDS = [
    # what is written behind `input 3x32x32`; its code, and what is said; what the fix makes of it
    ("skip [ conv F3 P1 K3 ]", "E201", "`add [ conv F3 P1 K3 | id ]`", "add [ conv F3 P1 K3 | id ]"),
    ("residual [relu -> bn]", "E201", "`add [relu -> bn | id]`", "add [relu -> bn | id]"),
    ("shortcut [ relu | bn ]", "E201", "`add`", "add [ relu | bn ]"),
    ("shortcut [\n relu # what\n ]", "E201", "`add [ … | id ]`", "add [\n relu # what\n | id ]"),
    ("lrn 5, 1e-4, 0.75", "E102", "`lrn size=5 alpha=1e-4 beta=0.75`", "lrn size=5 alpha=1e-4 beta=0.75"),
    ("lrn 5", "E102", "`lrn size=5`", "lrn size=5"),
    ("lrn n=5 k=2", "E202", "size=5", "lrn size=5 k=2"),
    ("adaptiveavgpool 7x7", "E102", "`avgpool out=7x7`", "avgpool out=7x7"),
    ("batchnorm2d 3", "E102", "`bn`", "bn"),
    ("bn 3", "E202", "the number of input channels is known", "bn"),
    ("gap -> groupnorm 3 3", "E102", "`gn G3`", "gap -> gn G3"),
    ("conv F3 K8 same", "E202", "`Psame`", "conv F3 K8 Psame"),
    ("conv F3 K8 valid", "E202", "`P0`", "conv F3 K8 P0"),
    ("conv F3 out=8", "E202", "K8", "conv F3 K8"),
    ("conv F3 K8 in_channels=3", "E202", "leave it out", "conv F3 K8"),
    ("gap -> fc(512 -> 10)", "E102", "`fc 10`", "gap -> fc 10"),
    ("C-1: conv F3 K8", "E101", "`C1:`", "C1: conv F3 K8"),
    ("upsample 2×", "E106", "`2`", "upsample 2"),
    ("dropout p=50%", "E202", "0.5", "dropout 0.5"),
    ("softmax dim=1", "E202", "leave it out", "softmax"),
    ("upsample 2 mode=bilinear", "E202", "`bilinear`", "upsample 2 bilinear"),
    ("conv F3 K8 nobais", "E202", "`nobias`", "conv F3 K8 nobias"),
    ("relu -> activation tanh", "E201", "`tanh`", "relu -> tanh"),
    ("C1 conv F3 K8", "E101", "`C1: conv F3 K8`", "C1: conv F3 K8"),
    ("Layer 1: conv F3 K8", "E101", "`Layer1:`", "Layer1: conv F3 K8"),
    ("conv 1: conv F3 K8", "E101", "`conv1:`", "conv1: conv F3 K8"),
    ("const n = 8\nconv F3 K=n", "E201", "`let`", "let n = 8\nconv F3 K=n"),
    ("gap -> fc 4.096", "E212", "`4096`", "gap -> fc 4096"),
    ("default conv bias=false\nconv F3 K8", "E202", "`nobias`", "default conv nobias\nconv F3 K8"),
    ("default conv bias=True\nconv F3 K8", "E202", "`bias`", "default conv bias\nconv F3 K8"),
    ("default conv stride=2\nconv F3 K8", "E202", "S2", "default conv S2\nconv F3 K8"),
    ("relu\noutput(@x)", "E102", "`output @x`", None),
    ("let n = True\nif n [ relu ]", "E206", "write `true`", "let n = true\nif n [ relu ]"),
    ("conv F3 Kn", "E202", "`K=n`, defined above by `let n = …`", None),
    ("inception [ relu | id ]", "E201", "`concat [ … | … ]` joins", None),
    ("pixelshuffle(a=3)", "E102", "as in `pixelshuffle 2`", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "said", "right"), WORDS, ids=[text[:40] for text, *_ in WORDS])
def test_one_finding_says_it_and_its_fix_writes_it(
    text: str, code: str, said: str, right: str | None
) -> None:
    (one,) = errors(IN + text + "\n")
    assert one.code == code
    assert said in one.message + "\n" + one.help
    if right is None:
        assert text.startswith("relu\noutput") or one.fix == ()
    else:
        assert mended(IN + text + "\n", one.fix) == IN + right + "\n"
        assert errors(IN + right + "\n") == []


UNUSED = """
block f(k, @s) {{
  {}
}}
block inner(k) {{ maxpool K=k }}
conv F3 K8
"""


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("cnov F3 K=k", "cnov"),
        ("conv F3 K=k nobais", "nobais"),
        ("if k > 3 [ rleu ]", "rleu"),
        ("[ bn esp=3 ]*k", "esp"),
        ("addd [ relu | id ]", "addd"),
        ("g(k)", "g"),
        ("maxpool G=k", "G=k"),
        ("conv F3 K=m", "m"),
        ("add [ id | @t ]", "@t"),
        ("conv F0 K=k -> conv F0 K8", "F0"),
        ("if k > 3 [ conv F=j K8 ] else [ relu ]", "j"),
    ],
)
def test_a_block_that_nothing_uses_is_looked_into(line: str, at: str) -> None:
    text = IN + UNUSED.format(line).lstrip("\n")
    marked = [text[slice(*one.span)] for one in errors(text)]
    assert marked == [at, "K=k"]


def test_a_block_that_only_an_unused_one_uses_is_looked_into() -> None:
    text = IN + UNUSED.format("inner(k)").lstrip("\n")
    assert [text[slice(*one.span)] for one in errors(text)] == ["K=k"]


def test_what_only_a_use_can_say_is_not_asked_of_an_unused_block() -> None:
    line = "x: conv F3 K=k*C init=normal(0.1) frozen\nleaky k -> add [ @x | crop like=@s | id ] -> fc 10"
    assert errors(IN + UNUSED.format(line).replace("K=k }", "F=k }")) == []


@pytest.mark.parametrize(
    ("step", "plain"),
    [("gap -> fc 1.000", "1000"), ("conv F3 K=2.000", "2000"), ("gap -> fc (1) -> fc 1.000", "1000")],
)
def test_a_count_with_three_decimals_is_warned_of(step: str, plain: str) -> None:
    (one,) = [one for one in findings(IN + step + "\n") if one.code == "W106"]
    assert one.fix[0].text == plain
    assert not one.safe


@pytest.mark.parametrize("step", ["dropout 1.000", "leaky 2.000", "fc 10 # 1.000", "times 1.000", "fc 10"])
def test_other_decimals_are_none_of_its_business(step: str) -> None:
    assert "W106" not in {one.code for one in findings(f"{IN}gap -> {step}\n")}


def test_a_claim_with_a_point_between_its_thousands_is_told_of_the_comma() -> None:
    (one,) = errors(IN + "gap -> fc 1000\nexpect params 4.000\n")
    assert (one.code, one.help) == (
        "E501",
        "correct the layer, or the claim: `params 4,000`; commas separate thousands: `4,000`",
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("route -1, 61", "`concat [ @label | id ]`"),
        ("shortcut -3", "`add [ @label | id ]`"),
        ("scale 0.17", "`times 0.17`, a trained one that starts there `scale init=0.17`"),
    ],
)
def test_what_has_two_meanings_is_told_without_a_fix(line: str, said: str) -> None:
    (found,) = errors(IN + line)
    assert said in found.help
    assert not found.fix
