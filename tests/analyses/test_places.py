"""Where findings of the analyses point, and the numbers in what they say."""

from __future__ import annotations

import pytest

from cnnspec.analyses import analyse
from cnnspec.diagnostics import Diagnostic
from cnnspec.elaborate.limits import Limits
from tests.analyses.specs import elaborated, graph
from tests.support import findings


def found(text: str, code: str) -> Diagnostic:
    """The one finding of this code; the same place in two uses of a block is one."""
    of_code = {f.span: f for f in analyse(graph(text)).findings if f.code == code}
    (finding,) = of_code.values()
    return finding


LINTS = [
    # the network, the code, where it points, the words there and at the place beside it, what it says
    ("input 8\nfc 8 -> softmax -> fc 4\n", "W104", "softmax", "fc 4", "`softmax` in the middle of a network"),
    ("input 8\nfc 8 -> bn -> fc 4\n", "W206", "fc 4", "fc 8", "`fc` and this `fc` have no activation"),
    ("input 8x4x4\nconv F1 K2 -> bn\n", "W207", "conv F1 K2", "bn", "the 2 biases have no effect"),
    ("input 8x4x4\nconv F1 K1 -> bn\n", "W207", "conv F1 K1", "bn", "the 1 bias has no effect"),
    ("input 8x4x4\nconv F1 K8 -> dropout\n", "W208", "dropout", "conv F1 K8", "right after a `conv`"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "at", "beside", "says"), LINTS, ids=[row[1] for row in LINTS])
def test_a_pair_of_layers(text: str, code: str, at: str, beside: str, says: str) -> None:
    finding = found(text, code)
    assert text[slice(*finding.span)] == at
    assert [text[slice(*related.span)] for related in finding.related] == [beside]
    assert says in finding.message
    assert finding.help
    assert (finding.note == "a linear map of a linear map is one linear map") is (code == "W206")


def test_a_map_that_shrinks_too_fast_in_numbers() -> None:
    finding = found("input 3x40x65\nconv F5 S1x5 K4\n", "W205")
    assert finding.message == "the map shrinks from 40x65 to 36x13 in one layer"
    assert finding.help.startswith("halve it a few times")


@pytest.mark.parametrize(
    "step",
    [
        "conv F4 S4 K4",  # AlexNet's stride
        "crop 4x4",
        "slice 0:1",
        "gap",
        "flatten -> fc 4",
        "reshape 64x8x6",
    ],
)
def test_what_does_not_shrink_too_fast(step: str) -> None:
    codes = {finding.code for finding in analyse(graph(f"input 3x32x32\n{step}\n")).findings}
    assert "W205" not in codes


FIELDS = [
    ("input 3x32x40\nconv F3 P1 K8 -> relu -> gap\n", "relu", "3x3, less than the 32x40 input"),
    ("input 3x32x40\nconv F41x3 P20x1 K8 -> gap\n", "conv F41x3 P20x1 K8", "41x3, less than the 32x40 input"),
    ("input 3x32x40\nconv F3x41 P1x20 K8 -> gap\n", "conv F3x41 P1x20 K8", "3x41, less than the 32x40 input"),
    ("input a: 3x8x3\ninput b: 3x3x9\n@a -> concat [ gap | @b -> gap ] -> fc 4\n", "", "than the 8x9 input"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "at", "says"), FIELDS)
def test_a_field_smaller_than_the_picture(text: str, at: str, says: str) -> None:
    finding = found(text, "W209")
    assert says in finding.message
    assert at in text[slice(*finding.span)]


def test_a_field_as_large_as_the_picture() -> None:
    a_map_too = "a: conv F3 P1 K8\nb: gap -> fc 4\noutput @a, @b"
    for text in ("conv F3 K8 -> gap", "conv F3 P1 K8 -> conv F3 K8 -> gap", a_map_too):
        assert "W209" not in {f.code for f in analyse(graph(f"input 3x3x3\n{text}\n")).findings}


FIXES = [
    ("conv F3 P3 K4", ["P1"]),
    ("conv F3 K4 P3", ["P1"]),
    ("let p = 3\nconv F3 P=p K4", []),  # another P elsewhere may be right
    ("default conv P3\nconv F3 K4", []),  # the text is the default's, not this layer's
]


@pytest.mark.parametrize(("lines", "fixes"), FIXES)
def test_a_fix_is_of_the_layers_own_text(lines: str, fixes: list[str]) -> None:
    finding = found(f"input 3x8x8\n{lines}\n", "W102")
    assert [edit.text for edit in finding.fix] == fixes


def test_what_a_layer_says_of_itself_comes_whole() -> None:
    finding = found("input 3x8x9\nconv F3 S2 K4\n", "W201")
    assert finding.message == "the stride does not divide: 1 row of the map is never read"
    assert finding.note == "⌊(H − F + 2P)/S⌋ + 1 = ⌊(8 − 3 + 0)/2⌋ + 1 = 3"
    assert "7x9 or 9x9 would fit" in finding.help


PLUS_MINUS = [
    ("conv F3 K=9-1 P=1 -0", ["1 -0"]),
    ("conv F3 K=9 -1", ["9 -1"]),
    ("conv F3 K=8 +1", ["8 +1"]),
    ("conv F3 K=9 - 1", []),
    ("conv F3 K=9- 1", []),
    ("conv F3 K=(9) *1", []),
]


@pytest.mark.parametrize(("step", "at"), PLUS_MINUS)
def test_a_sign_that_stands_apart(step: str, at: list[str]) -> None:
    text = f"input 3x8x8\n{step}\n"
    told = [finding for finding in findings(text) if finding.code == "W103"]
    assert [text[slice(*finding.span)] for finding in told] == at
    assert [finding.fix[0].text for finding in told] == [one.replace(" ", "") for one in at]


@pytest.mark.parametrize(
    ("shape", "turned"),
    [
        ("32x32x3", "3x32x32"),
        ("9x5x4", "4x9x5"),
        ("5x6x1", "1x5x6"),
        ("4x32x3", None),
        ("32x4x3", None),
        ("32x32x2", None),
    ],
)
def test_channels_last(shape: str, turned: str | None) -> None:
    told = [finding for finding in findings(f"input {shape}\nrelu\n") if finding.code == "W101"]
    assert [finding.fix[0].text for finding in told] == ([turned] if turned else [])
    assert [finding.fix[0].span for finding in told] == [finding.span for finding in told]
    assert all(finding.note == "shapes are CxHxW: channels, rows, columns" for finding in told)
    assert [finding.help for finding in told] == ([f"write {turned}"] if turned else [])


def test_dropout_of_what_is_no_map_any_more() -> None:
    for text in ("conv F4 K8 -> dropout", "gap -> fc 8 -> dropout", "gap -> conv F1 K8 -> dropout"):
        assert "W208" not in {f.code for f in analyse(graph(f"input 8x4x4\n{text}\n")).findings}


BUDGETS = [  # at most 100 weights: the layer that has the most
    ("conv F1 K30 -> conv F1 K2", "conv F1 K30"),
    ("conv F1 K4 -> conv F1 K30", "conv F1 K30"),
    ("conv F1 K4\nf()", "conv F1 K40"),
    ("conv F1 K4\n[[conv F1 K20 -> conv F1 K4]*2]*3", "conv F1 K20"),
    ("[conv F1 K=40+i -> conv F1 K=60+i]*2", "conv F1 K=60+i"),
    ("[conv F1 K3 -> bn]*2 -> conv F1 K40", "conv F1 K40"),
]


@pytest.mark.parametrize(("lines", "at"), BUDGETS)
def test_the_most_of_the_weights(lines: str, at: str) -> None:
    block = "block f() { relu -> conv F1 K40 }\n" if "f()" in lines else ""
    text = f"{block}input 3x8x8\n{lines}\n"
    (finding,) = [f for f in findings(text, limits=Limits(weights=100)) if f.code == "E606"]
    assert text[slice(*finding.span)] == at
    assert "more than the 100 allowed" in finding.message


def test_as_many_weights_as_allowed() -> None:
    text = "input 3x8x8\nconv F1 K8\n"
    assert "E606" not in {f.code for f in findings(text, limits=Limits(weights=32))}
    assert "E606" in {f.code for f in findings(text, limits=Limits(weights=31))}


@pytest.mark.parametrize(
    ("claimed", "note"),
    [
        ("39", "40 − 39 = +1 (+2.56%)"),
        ("41", "40 − 41 = −1 (−2.44%)"),
        ("~30", "40 − 30 = +10 (+33.33%); ~ allows 5 %"),
        ("0", "40 − 0 = +40"),
        ("(1/2)", "40 − 0.500 = +39.500 (+7900.00%)"),
    ],
)
def test_the_difference_to_what_is_claimed(claimed: str, note: str) -> None:
    assert found(f"input 1x8x8\nconv F3 K4 => 4x6x6, params {claimed}\n", "E501").note == note


ORIGINS = [  # a shape claimed wrongly: the step that made the size
    ("conv F3 K8 -> relu -> bn => 8x9x9", "conv F3 K8"),
    ("[conv F3 K8 -> relu] -> bn => 8x9x9", "conv F3 K8"),
    ("[conv F3 K8 -> relu]*2 -> bn => 8x9x9", "conv F3 K8"),
    ("[conv F3 K8]*2 -> bn => 8x9x9", "conv F3 K8"),
    ("[conv F3 K8 -> relu] -> bn\nexpect out 8x9x9", "conv F3 K8"),
    ("a: conv F3 K8\nb: conv F1 K3\noutput @a, @b\nexpect out 8x9x9", "conv F3 K8"),
    ("maxpool F2 -> add [ relu | id ] => 3x9x9", "maxpool F2"),
    ("[if i == 0 [ conv F3 K8 ] else [ maxpool F2 -> relu ]]*2 => 8x9x9", "maxpool F2"),
    ("concat [ conv F3 P1 K2 | id ] -> relu => 3x9x9", "concat [ conv F3 P1 K2 | id ]"),
]


@pytest.mark.parametrize(("line", "at"), ORIGINS)
def test_the_step_that_made_a_size_that_was_not_claimed(line: str, at: str) -> None:
    text = f"input 3x8x8\n{line}\n"
    (related,) = found(text, "E501").related
    assert text[slice(*related.span)] == at


def test_the_inputs_own_size_comes_from_no_step() -> None:
    assert found("input 3x8x8\nrelu -> bn => 3x9x9\n", "E501").related == ()


def test_claims_of_the_file_are_about_the_first_output() -> None:
    text = "input 3x8x8\na: conv F1 K4\nb: @a -> conv F3 K6\noutput @a, @b\nexpect out 4x8x8, field 3\n"
    assert {claim.text: claim.holds for claim in analyse(graph(text)).claims} == {
        "=> 4x8x8": True,
        "field 3": True,
    }


def test_what_no_step_is_known_to_make_is_not_held_against_a_claim() -> None:
    claims = "4x8x8, params 3, macs 5, field 1, layers 1, weighted 1, connections 2"
    made, _ = elaborated(f"input 3x8x8\nconvv F1 K4 => {claims}\nexpect layers 2\n")
    held = {claim.text: claim.holds for claim in analyse(made).claims}
    assert len(held) == 8
    assert set(held.values()) == {None}
