"""Every mistake that elaborating finds: its code, and exactly the characters that it points at."""

from __future__ import annotations

import pytest

from tests.support import findings

IN = "input 3x8x8\n"

CASES = [
    # the spec, the code, the characters underlined
    (IN + "convv F3 K4", "E201", "convv"),
    (IN + "maxpol F2", "E201", "maxpol"),
    (IN + "foo [ id | relu ]", "E201", "foo"),
    (IN + "default cnov nobias\nconv F1 K2", "E201", "cnov"),
    ("block f() { relu }\n" + IN + "f() -> f", "E201", "f"),
    (IN + "relu [ id | relu ]", "E202", "relu"),
    (IN + "conv F3 K4 G1 ceil", "E202", "ceil"),
    (IN + "conv F3 K4 stride=2", "E202", "stride"),
    (IN + "conv F3 filters=4", "E202", "filters"),
    (IN + "maxpool F2 K3", "E202", "K3"),
    (IN + "conv F3 K4 relu", "E202", "relu"),
    (IN + "conv F3 K4 stride 2", "E202", "stride 2"),
    (IN + "conv 64 3", "E102", "conv 64 3"),
    (IN + "conv 3x3 64 -> relu", "E102", "conv 3x3 64"),
    (IN + "conv 8 5", "E202", "8"),
    (IN + "conv3x3", "E201", "conv3x3"),
    (IN + "max pool 2x2", "E102", "max pool 2x2"),
    (IN + "Conv2d(3, 64, 3)", "E102", "Conv2d(3, 64, 3)"),
    (IN + "relu() -> bn", "E102", "relu()"),
    (IN + "relu -> bn()", "E102", "bn()"),
    (IN + "import torch", "E102", "import torch"),
    (IN + "return", "E102", "return"),
    (IN + "dropout p=0.5", "E202", "p"),
    ("Input 3x8x8\nrelu", "E201", "Input"),
    (IN + "relu 0.1", "E202", "0.1"),
    (IN + "id 3", "E202", "3"),
    (IN + "default conv nobia\nconv F1 K2", "E202", "nobia"),
    (IN + "conv K4", "E203", "conv"),
    (IN + "conv F3", "E203", "conv"),
    (IN + "gap -> fc", "E203", "fc"),
    (IN + "conv F3 K4 F5", "E204", "F5"),
    (IN + "x: conv F3 K4\noutput @x, @x", "E204", "@x"),
    (IN + "conv F3 K4 S0", "E205", "S0"),
    (IN + "conv F3 K0", "E205", "K0"),
    (IN + "conv F3 K=-4", "E205", "K=-4"),
    (IN + "conv F3 D0 K2", "E205", "D0"),
    (IN + "dropout 1.5", "E205", "1.5"),
    (IN + "conv F3 K4 init=best", "E205", "init=best"),
    (IN + "conv F3 K4 connect=3", "E205", "3"),
    (IN + "add", "E205", "add"),
    ("input 3x8\nconv F1 K2", "E205", "3x8"),
    (IN + "[relu]*-1", "E205", "-1"),
    (IN + "conv F3 K=k", "E206", "k"),
    (IN + "conv F3 K=sqrt(4)", "E206", "sqrt"),
    (IN + "conv F3 K=k\nlet k = 4", "E206", "k"),
    (IN + "x: relu\ncrop like=@y", "E207", "@y"),
    (IN + "@nowhere -> relu", "E207", "@nowhere"),
    (IN + "relu\noutput @y", "E207", "@y"),
    (IN + "blok(3)", "E208", "blok"),
    (IN + "x: relu\nx: bn", "E209", "x"),
    ("let k = 1\nlet k = 2\n" + IN + "conv F1 K=k", "E209", "k"),
    ("block f(k, k) { conv F1 K=k }\n" + IN + "f(1, 2)", "E209", "k"),
    ("let k = 4\nvariant A: j = 3\n" + IN + "conv F1 K=k", "E210", "j"),
    ("block f(k) { conv F1 K=k }\n" + IN + "f()", "E211", "f()"),
    ("block f(k) { conv F1 K=k }\n" + IN + "f(3, 4)", "E211", "4"),
    ("block f(k) { conv F1 K=k }\n" + IN + "f(k=3, j=4)", "E211", "j=4"),
    ("block g(K, F=1) { conv F=F K=K }\n" + IN + "g(8)", "E211", "8"),
    (IN + "conv F3 K=7/2", "E212", "7/2"),
    (IN + "conv F3 K=-(4)", "E205", "K=-(4)"),
    (IN + "conv F3 K=(1)*(7/2)", "E212", "(1)*(7/2)"),
    (IN + "conv F3 K=4//0", "E212", "4//0"),
    (IN + "if C [ relu ]", "E212", "C"),
    ("block f() { f() }\n" + IN + "f()", "E213", "f()"),
    ("let k = C\n" + IN + "conv F1 K=k", "E214", "C"),
    (IN + "conv F1 K=i", "E214", "i"),
    (IN + "gap -> flatten -> fc (H)", "E214", "H"),
    (IN + "conv F3 K4 => 4x6x6, speed 3", "E216", "speed"),
    (IN + "conv F9 K4", "E301", "F9"),
    (IN + "fc 10", "E302", "fc"),
    (IN + "flatten -> conv F1 K4", "E303", "conv"),
    (IN + "add [ conv F3 K3 | id ]", "E304", "id"),
    (IN + "conv F3 K8 G2", "E305", "G2"),
    (IN + "maxpool F2 P2", "E306", "P2"),
    (IN + "crop 9x9", "E307", "9x9"),
    (IN + "x: relu\nunpool like=@x", "E308", "@x"),
    ("conv F3 K4", "E401", "conv F3 K4"),
    (IN + "a: conv F1 K2\n@a -> relu\n@a -> bn", "E402", "relu"),
    ("input a: 3x8x8\ninput b: 3x8x8\n@a -> relu", "E402", "input b: 3x8x8"),
    ("input 3x8x8", "E403", "input 3x8x8"),
    (IN + "relu -> none", "E404", "none"),
    ("model A\nmodel B\n" + IN + "relu", "E405", "model B"),
    (IN + "x: relu\noutput @x\noutput @x", "E405", "output @x"),
    (IN + "add [ none | none ]", "E406", "add [ none | none ]"),
    ("input a: 3x8x8\ninput b: 3x8x8\nrelu", "E407", "relu"),
    ("input 3x8x8\ninput 3x9x9\nrelu", "E209", "input 3x9x9"),
    ("let a = " + "9" * 30 + "\nlet b = a*a\n" + IN + "conv F1 K=b", "E603", "a*a"),
    ("input 3x9999999999x8\nrelu", "E604", "9999999999"),
    (IN + "conv F1 K99999999999", "E604", "99999999999"),
    (IN + "[[relu]*10000]*10000", "E605", "[[relu]*10000]*10000"),
    ("let k = 3\n" + IN + "relu", "W105", "k"),
    ("block f() { relu }\n" + IN + "relu", "W105", "f"),
    (IN + "conv F1 K=4 -1", "W103", "4 -1"),
    (IN + "pad -1", "E108", "-1"),
    (IN + "reshape -1 -> fc 10", "E108", "reshape -1"),
    (IN + "conv F3 P-1 K8", "E205", "P-1"),
    (IN + "conv F3 K8 S-2", "E205", "S-2"),
    (IN + "conv F K8", "E202", "F"),
    (IN + "conv F3 N8", "E202", "N8"),
    (IN + "conv", "E203", "conv"),
    (IN + "conv F3 K8 bias=False", "E202", "bias=False"),
    (IN + "conv F3 K8 use_bias=True", "E202", "use_bias=True"),
    (IN + "conv F3 K8 activation=relu", "E202", "activation=relu"),
    (IN + "conv F3x3x3 K8", "E106", "F3x3x3"),
    (IN + "conv F3 K1k", "E106", "K1k"),
    (IN + "conv F3 K8 => fc 10", "E216", "fc"),
    (IN + "a: relu\nadd [ a | id ]", "E201", "a"),
    (IN + "vairant A", "E201", "vairant"),
    ("lte k = 8\n" + IN + "conv F3 K=k", "E201", "lte"),
    ("blcok f(k) { relu }\n" + IN + "f(3)", "E101", "blcok"),
    ("input: 3x8x8\nrelu", "E102", ": "),
    (IN + "expect: params 0\nrelu", "E102", ": "),
    ("model = Sequential()\nrelu", "E102", "model = Sequential()"),
    ("block up(@s, k) { add [ @s | id ] -> conv F1 K=k }\n" + IN + "a: relu\nbn\nup(a, 8)", "E211", "a"),
    ("input 224x224x3\nconv F7 K8 => 8x218x218\nmaxpool F2 => 8x109x109", "E301", "F7"),
    ("input 32x32x3\nconv F1 K8 => 8x32x32\nconv F1 K8 => 8x32x32", "E501", "8x32x32"),
    ("input 32x32x3\nrelu", "W101", "32x32x3"),
    (IN + "conv F3 K8 => 8x6x6, params 22 4", "E106", "22 4"),
    (IN + "conv F3 K8\nexpect params 1,24", "E106", "1,24"),
    (IN + "conv F3 K8\nexpect params 25.6m", "E106", "25.6m"),
    (IN + "conv F3 K8 padding=‘same’", "E102", "padding=‘same’"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "at"), CASES, ids=[f"{code} {at}" for _, code, at in CASES])
def test_one_mistake_is_one_message_at_its_characters(text: str, code: str, at: str) -> None:
    found = [finding for finding in findings(text + "\n") if not finding.code.startswith("W2")]
    assert [finding.code for finding in found] == [code]
    span = found[0].span
    assert text[span.start : span.end] == at


HELPS = [
    (IN + "conv F3 P-1 K8", "`P0` adds none"),
    (IN + "conv F3 P=-1 K8", "`P0` adds none"),
    (IN + "conv F3 S-2 K8", "`S2`"),
    (IN + "conv F3 P1", "`conv F3 P1 K64`"),
    (IN + "conv", "`conv F3 K64`"),
    (IN + "gap -> fc", "`fc 64`"),
    (IN + "conv F K8", "`F3`"),
    (IN + "conv F3 N8", "K filters"),
    (IN + "conv 6@28x28", "`=> 6x28x28`"),
    (IN + "conv F3 K8 bias=False", "`nobias`"),
    (IN + "conv F3 K8 activation=softmax", "`-> softmax`"),
    (IN + "conv F3 K8 kernel_initializer=he_normal", "init=he"),
    (IN + "upsample scale=2", "write 2"),
    (IN + "conv F3 K8 => fc 10", "`-> fc"),
    (IN + "a: relu\nadd [ a | id ]", "`@a`"),
    ("lte k = 8\n" + IN + "conv F3 K=k", "`let`"),
    ("input 224x224x3\nconv F7 K8", "write 3x224x224"),
    (IN + "block f() { x: relu }\nf()\nadd [ @x | id ]", "there too"),
    (IN + "add [ @x | id ]\nx: relu", "move the line `x: …` up"),
    ("block up(@skip) { concat [ @skip | id ] }\n" + IN + "a: relu\nbn\nup(a)", "`@a`"),
    ("block f() { relu }\n" + IN + "f", "`f()`"),
    (IN + "Conv2D(8, 3, padding='odd')", "`padding='odd'` has no counterpart here"),
    (IN + "convv F3 K4", "conv"),
    (IN + "Linear 3", "fc"),
    (IN + "conv F3 K4 stride=2", "S2"),
    (IN + "conv F3 K4 stride 2", "S2"),
    (IN + "conv F3 K4 padding=same", "Psame"),
    (IN + "conv F3 K4 relu", "-> relu"),
    (IN + "conv 64 3", "`conv F3 K64`"),
    (IN + "conv 64 3x3", "`conv F3 K64`"),
    (IN + "conv 3x3 64 stride=2", "`conv F3 S2 K64`"),
    (IN + "maxpool 2", "`maxpool F2`"),
    (IN + "fc(120)", "`fc 120`"),
    (IN + "conv(8, 5)", "`conv F3 K64`"),
    (IN + "conv(F3, P1, K8)", "`conv F3 P1 K8`"),
    (IN + "SeparableConv2D(32, 3)", "`dwconv F3 nobias -> conv F1 K32`"),
    (IN + "leaky 3 4", "`leaky` takes a value"),
    (IN + "dropout p=0.5", "write 0.5"),
    ("Input 3x8x8", "`input`"),
    ("block g(K, F=1) { conv F=F K=K }\n" + IN + "g(8)", "g(K64)"),
    (IN + "foo", "explain layers"),
    ("input 3x8x8\nrelu\n@input -> relu", "input x: …"),
    (IN + "xy: relu\ncrop like=@xz", "@xy"),
    ("block stage(k) { conv F1 K=k }\n" + IN + "stag(3)", "stage"),
    ("let width = 4\nvariant A: widht = 3\n" + IN + "conv F1 K=width", "width"),
    (IN + "conv F3 K4 => 4x6x6, parms 3", "params"),
    (IN + "conv F3 K=width2\n", "let width2"),
]


@pytest.mark.parametrize(("text", "way"), HELPS)
def test_the_way_out_names_what_was_meant(text: str, way: str) -> None:
    found = [finding for finding in findings(text + "\n") if finding.code.startswith("E")]
    assert way in found[0].help


def test_python_that_can_be_read_is_told_at_its_first_line() -> None:
    text = "import os\nos.system('x')\nimport sys\n"
    assert [text[one.span.start : one.span.end] for one in findings(text)] == ["import os", "os.system('x')"]


def test_a_label_is_put_in_only_where_one_may_stand() -> None:
    for text, fixes in ((IN + "a: relu\nadd [ a | id ]", 1), (IN + "a: relu\nbn -> a", 0)):
        (found,) = [finding for finding in findings(text) if finding.code.startswith("E")]
        assert (found.code, len(found.fix)) == ("E201", fixes)


def test_the_line_that_the_wrong_size_came_from_is_shown() -> None:
    text = "input 1x32x32\nconv F5 K6 -> relu\npool: maxpool F8 -> relu\nbn\nconv F5 K120\n"
    (found,) = [finding for finding in findings(text) if finding.code == "E301"]
    (related,) = found.related
    assert text[related.span.start : related.span.end] == "maxpool F8"
    assert related.message == "6x3x3 comes from here"


def test_a_label_out_of_sight_is_shown() -> None:
    text = IN + "[seen: relu -> bn]*2\nadd [ @seen | id ]\n"
    (found,) = findings(text)
    assert found.code == "E207"
    (related,) = found.related
    assert text[related.span.start : related.span.end + 1] == "seen:"


def test_a_claimed_expression_is_told_as_it_is_written() -> None:
    (found,) = findings(IN + "conv F3 K4 => 4x6x6, params (2*C)\n")
    assert "it is 112, not (2*C)" in found.message
    assert found.note.startswith("112 − 8")


def test_what_no_shape_would_mend_is_told_behind_a_mistake_too() -> None:
    text = "input 3x8x8\nconvv F3 K4\nmaxpool S2\nmaxpool F2 P2\nmaxpool F99\n"
    assert [finding.code for finding in findings(text)] == ["E201", "E203", "E306"]


def test_all_independent_mistakes_in_one_run() -> None:
    text = "input 3x8x8\nconvv F3 K4 => 4x6x6\nconv F3 K4 stride=1 => 4x4x4\nblok(3)\nconv F1 K=q\n"
    assert [finding.code for finding in findings(text)] == ["E201", "E202", "E208", "E206"]


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("conv F3 K4 stride=(2)", "conv F3 K4 S2"),
        ("conv F3 K4 stride 2", "conv F3 K4 S2"),
        ("conv F3 K4 kernel_initializer=he_normal", "conv F3 K4 init=he"),
        ("maxpool F2 ceil_mode=True", "maxpool F2 ceil"),
        ("conv F3 K4 relu", "conv F3 K4 -> relu"),
        ("dropout p=0.5", "dropout 0.5"),
    ],
)
def test_a_fix_takes_all_of_what_is_wrong(text: str, mended: str) -> None:
    (found,) = [finding for finding in findings(IN + text + "\n") if finding.code == "E202"]
    (edit,) = found.fix
    written = IN + text
    assert written[: edit.span.start] + edit.text + written[edit.span.end :] == IN + mended


MAKERS = [
    (IN + "conv F3 P1 K4 -> relu\npixelshuffle 3\n", "E307", "conv F3 P1 K4", "4x8x8 comes from here"),
    (IN + "conv F3 P1 K4 -> relu\nfc 10\n", "E302", "conv F3 P1 K4", "4x8x8 comes from here"),
    ("input 9x8x8\nmaxpool F2\nconv F3 G2 K4\n", "E305", "9x8x8", "9 channels come from here"),
    (IN + "maxpool F2\nconv F1 K4\nconv F9 K4\n", "E301", "maxpool F2", "4x4 comes from here"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "at", "message"), MAKERS, ids=[case[1] for case in MAKERS])
def test_the_step_shown_gave_what_does_not_fit(text: str, code: str, at: str, message: str) -> None:
    (found,) = [finding for finding in findings(text) if finding.code == code]
    (related,) = found.related
    assert (text[related.span.start : related.span.end], related.message) == (at, message)


def test_a_residual_that_lost_its_padding_is_told_which() -> None:
    text = "input 3x32x32\nconv F3 P1 K32 -> relu\nadd [ conv F3 K32 -> relu | id ]\n"
    (found,) = [finding for finding in findings(text) if finding.code == "E304"]
    assert found.help == "P1 on `conv F3 K32` keeps it at 32x32"
