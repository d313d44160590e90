"""What an argument, a block's call, a knob or a claim cannot be: the characters, and what is said of them."""

from __future__ import annotations

import pytest

from tests.support import findings

IN = "input 3x8x8\n"


def block(head: str, body: str, call: str) -> str:
    return f"block {head} {{ {body} }}\n{IN}{call}"


ARGUMENTS = [
    # the spec, the code, the characters underlined, what the message or the way out says of them
    (IN + "crop 4x4 offset=@x", "E205", "@x", "this wants a whole number, not the tensor @x"),
    (IN + "conv F3 K=[1 2]", "E205", "[1 2]", "this wants a whole number, not a matrix"),
    (IN + "conv F3 K=0:4", "E205", "0:4", "this wants a whole number, not a range"),
    (IN + "conv F3 K=same", "E205", "same", "this wants a whole number, not `same`"),
    (IN + "conv F3 K=2x2", "E205", "2x2", "this wants a whole number, not a size"),
    (IN + "times 1x2", "E205", "1x2", "this wants a number, not a size"),
    (IN + "crop like=3", "E205", "3", "`@name`"),
    (IN + "conv Fsame K2", "E205", "same", "F3, S2, D1"),
    (block("f(F)", "conv F=F K2", "f(Fsame)"), "E212", "F", "`same` is a padding"),
    (block("f(K)", "conv F1 K=K", "f(K1x2)"), "E212", "K", "1x2 is a size in two directions, not one number"),
    (IN + "conv F1 K2 connect=[0 1|2]", "E215", "[0 1|2]", "one table"),
    (IN + "conv F1 K2 connect=[0 -1; 1]", "E215", "[0 -1; 1]", "from 0, not -1"),
    (IN + "conv F1 K2 connect=[0 1/2; 1]", "E215", "[0 1/2; 1]", "from 0, not 1/2"),
    (IN + "conv F1 K2 connect=3", "E205", "3", "connect=[0 1 2; 1 2 3]"),
    (IN + "conv F1 K2 init=3", "E205", "3", "he, xavier, normal(0.01)"),
    (IN + "conv F1 K2 init=normal", "E205", "init=normal", "cannot be normal: normal needs its standard"),
    (IN + "conv F1 K2 init=he(2)", "E205", "init=he(2)", "cannot be he(2): he needs no number"),
    (IN + "conv F2 K4 weight=[1 0;0 1] init=he", "E204", "init=he", "init= and weight= exclude each other"),
    (IN + "conv F3 K4 nobias bias=1", "E204", "bias=1", "nobias and bias= exclude each other"),
    (IN + "conv F3 K4 relu", "E202", "relu", "does not take `relu` here\n"),
    (IN + "leaky 0.1 0.2", "E202", "0.2", "the value 0.2"),
    (IN + "slice 0:2 4:5", "E202", "4:5", "a range"),
    (IN + "fc out_features=3", "E202", "out_features", "write 3"),
    (IN + "fc units=3", "E202", "units", ""),
    (IN + "bn num_features=3", "E202", "num_features", "the depth of what arrives is known"),
    (IN + "conv F3 K4 frozen=1", "E202", "frozen", ""),
    (IN + "conv F99999999999 K2", "E604", "99999999999", "more than the largest size allowed, 2,147,483,647"),
    (IN + "conv F1 K2147483648", "E604", "2147483648", "2,147,483,648 is more than"),
    (IN + "x: relu\nconv F1 K=x", "E206", "x", "is a tensor, and this wants a value\na tensor is given by"),
    ("let depth = 3\n" + block("f(width)", "conv F1 K=widht*depth", "f(2)"), "E206", "widht", "`width`?"),
    ("let depth = 3\n" + block("f(width)", "conv F1 K=width*dept", "f(2)"), "E206", "dept", "`depth`?"),
    ("let depth = 3\n" + IN + "[conv F1 K=dept]*2 -> fc (depth)", "E206", "dept", "`depth`?"),
    (IN + "conv F3 K=round(1, 2)", "E212", "round(1, 2)", "takes 1 number, not 2"),
    (IN + "conv F3 K=multiple(3, 0)", "E212", "0", "multiple(x, 0) wants a step above 0"),
    (IN + "conv F3 K=multiple(1)", "E212", "multiple(1)", "takes 2 numbers, not 1"),
    (IN + "conv F3 K=maxi(2)", "E206", "maxi", "did you mean `max`?"),
    (IN + "conv F3 K=wobble(2)", "E206", "wobble", "min, max, round, floor, ceil, multiple"),
    (IN + "conv F3 K=(3 if C else 2)", "E212", "C", "`k > 1`, `C == k`"),
    (IN + "conv F3 K=(1 > 0)", "E212", "1 > 0", "`a if condition else b`"),
    (IN + "conv F3 K=1/0", "E212", "1/0", "division by zero: 1 / 0"),
    (IN + "[relu]*(7/2)", "E212", "7/2", "floor(…) gives 3, ceil(…) 4"),
    (IN + "id 3", "E202", "3", "write `id` alone"),
    (IN + "x: conv F1 K2 -> maxpool F2 -> relu\nunpool like=@x", "E308", "@x", "a maxpool made"),
    (IN + "x: relu\nunpool like=@y", "E207", "@y", "the labels here are @x"),
]  # fmt: skip

DEFAULTS = [
    ("default conv stride=2\n" + IN + "conv F1 K2", "E202", "stride=2", "`stride` that could be a default"),
    ("default conv 3\n" + IN + "conv F1 K2", "E202", "3", "no `value` that could be a default"),
    ("default conv nobia\n" + IN + "conv F1 K2", "E202", "nobia", "did you mean `nobias`?"),
    ("default nobias\n" + IN + "conv F1 K2", "E201", "nobias", "as in `default conv nobias`"),
    ("default cnv nobias\n" + IN + "conv F1 K2", "E201", "cnv", "did you mean `conv`?"),
    ("default G1\n" + IN + "conv F1 K2", "E201", "default G1", "`default` names no layer"),
    ("default relu P1\n" + IN + "relu", "E202", "P1", "`relu` takes nothing"),
]  # fmt: skip

CALLS = [
    (block("f(k)", "conv F1 K=k", "f(@x)"), "E211", "@x", "f(k) takes 1 argument\n"),
    (block("f(@s)", "add [ id | @s ]", "f(3)"), "E211", "3", "f(@s) takes 1 argument\n"),
    (block("f()", "relu", "f(3)"), "E211", "3", "f() takes no argument"),
    (block("f(k, j=1)", "conv F1 K=k*j", "f(1, 2, 3)"), "E211", "3", "f(k, j=1) takes 2 arguments"),
    (block("f(@s)", "add [ id | @s ]", "f(s=3)"), "E211", "3", "write `@label`"),
    (block("f(k)", "conv F1 K=k", "f(k=1x2x3)"), "E211", "1x2x3", "a number or a size in two directions"),
    (block("f(k)", "conv F1 K=k", "f(k=1x(7/2))"), "E212", "7/2", "whole number and is 7/2"),
    (block("f(k)", "conv F1 K=k", "f(k=1x(2 > 1))"), "E212", "2 > 1", "whole number and is true"),
    (block("f(k)", "conv F1 K=k", "f(k=[1 2])"), "E211", "[1 2]", "a parameter of a block is a number"),
    (block("f(k)", "conv F1 K=k", "f(k=0:3)"), "E211", "0:3", "a parameter of a block is a number"),
    (block("f(K)", "conv F1 K=K", "f(F3)"), "E211", "F3", "it is f(K)"),
    (block("f(kernel)", "conv F1 K=kernel", "f(kernal=3)"), "E211", "kernal=3", "did you mean `kernel`?"),
    (block("f(k, n=2, @s)", "conv F1 K=k*n -> add [ id | @s ]", "f(1, 2)"), "E211", "f(1, 2)", "wants `@s`"),
    (block("f(P=same)", "conv F3 P=P K2", "f(q=3)"), "E211", "q=3", "f(P=same)"),
    (IN + "nothing_like_it(3)", "E208", "nothing_like_it", "`block nothing_like_it(…) { … }`"),
    (block("stage()", "relu", "stag()"), "E208", "stag", "did you mean `stage`?"),
]  # fmt: skip

KNOBS = [
    ("let k = 1\nlet j = 2\nvariant A: k = j\n" + IN + "conv F1 K=k*j", "E206", "j", "none\nwrite the"),
    ("let k = 1\nvariant A: k = 2, k = 3\n" + IN + "conv F1 K=k", "E204", "k = 3", "keep one of the two"),
    ("let width = 1\nvariant A: widht = 2\n" + IN + "conv F1 K=width", "E210", "widht", "`width`"),
    ("let k = 1\nvariant A: xyz = 2\n" + IN + "conv F1 K=k", "E210", "xyz", "its knobs: k"),
    ("variant A: xyz = 2\n" + IN + "conv F1 K2", "E210", "xyz", "make it one: `let xyz = …`"),
]  # fmt: skip

CLAIMS = [
    (IN + "conv F1 K2 => 2x8x8, params 2x2", "E216", "2x2", "a claim about `params` is a number"),
    (IN + "conv F1 K2 => 2x8x8, field 1x1x1", "E216", "1x1x1", "a claim about `field` is one number or HxW"),
    (IN + "conv F1 K2 => 2x8", "E216", "2x8", "a claim about `out` is CxHxW or one number"),
    ("input 8\nfc 10\nexpect size 3", "E216", "size", "claims are about out, params, trainable, macs"),
    ("input 8\nfc 10\nexpect layer 3", "E216", "layer", "did you mean `layers`?"),
    (IN + "conv F1 K2 => (C)x8x(q)", "E206", "q", "let q"),
]  # fmt: skip

INPUTS = [
    ("input 0x3x3\nrelu", "E205", "0", "at least 1, not 0"),
    ("input 3x8x8x8\nrelu", "E205", "3x8x8x8", "leave the batch axis out"),
    ("input 3x8\nrelu", "E205", "3x8", "`input 1x3x8` for one channel"),
    ("input 3x8x8", "E403", "input 3x8x8", "add a line such as `conv F3 P1 K64 -> relu`"),
    (IN + "x: relu\noutput @x, @x", "E204", "@x", "name it once"),
    ("let k = 7/2\ninput 3x(k)x8\nrelu", "E212", "k", "floor(…) gives 3, ceil(…) 4"),
    ("input 3x2147483648x8\nrelu", "E604", "2147483648", "the largest size allowed, 2,147,483,647"),
    ("input a: 3x8x8\ninput a: 3x8x8\n@a -> relu", "E209", "a", "name each: `input left: 1x105x105`"),
    ("input a: 3x8x8\ninput 3x8x8\n@a -> relu", "E402", "input 3x8x8", "use it, or leave it out"),
    ("input a: 3x8x8\ninput b: 3x8x8\n@a -> relu", "E402", "input b: 3x8x8", "go on from it: `@b -> …`"),
    ("input 3x8x8\n@input -> relu", "E207", "@input", "`input x: …`, and then `@x`"),
    (IN + "a: conv F1 K2\nc: @a -> relu\nb: @a -> bn\noutput @b", "E402", "relu", "`@c` to the `output`"),
    (IN + "a: conv F1 K2\nc: @a -> relu\nb: @a -> bn", "E402", "relu", "`output @c, @b`"),
    (IN + "a: conv F1 K2\n@a -> relu\nb: @a -> bn", "E402", "relu", "`output @label, …`"),
    (IN + "a: if C > 3 [ relu ] else [ none ]\noutput @a", "E403", "output @a", "one at least must be there"),
]  # fmt: skip

TWO = "input a: 3x8x8\ninput b: 3x8x8\n"
ABSENT = "aux: if C > 3 [ relu ] else [ none ]"

ENDS = [
    (TWO + "relu", "E407", "relu", "begins with the tensor"),
    (TWO + "[relu]", "E407", "relu", "begins with the tensor"),
    (TWO + "[relu]*2", "E407", "[relu]*2", "begins with the tensor"),
    (TWO + "[ id ]", "E407", "[ id ]", "begins with the tensor"),
    (TWO + "add [ id | @b ]", "E407", "id", "begins with the tensor"),
    (TWO + "crop like=@a", "E407", "crop like=@a", "begins with the tensor"),
    ("block f() { relu }\n" + TWO + "f() -> bn", "E407", "f()", "begins with the tensor"),
    (TWO + "[relu]*2 -> bn", "E407", "[relu]*2", "begins with the tensor"),
    (TWO + "relu -> bn", "E407", "relu", "begins with the tensor"),
    ("block f(@s) { id }\n" + TWO + "f(@a)", "E407", "f(@a)", "begins with the tensor"),
    ("conv F3 K2\ninput x: 3x8x8", "E407", "conv F3 K2", "begin the network with `input 3x224x224`"),
    (IN + ABSENT, "E404", ABSENT, "`else [ id ]`"),
    (IN + f"[ {ABSENT} ]\nconv F3 K2", "E404", f"[ {ABSENT} ]", "`else [ id ]`"),
    (IN + f"[ {ABSENT} ]*2\nconv F3 K2", "E404", f"[ {ABSENT} ]*2", "`else [ id ]`"),
    (f"block f() {{ {ABSENT} }}\n" + IN + "f()\nconv F3 K2", "E404", "f()", "`else [ id ]`"),
    (IN + f"add [ {ABSENT} | id ]", "E404", ABSENT, "`else [ id ]`"),
    (IN + f"if C > 2 [ {ABSENT} ]", "E404", f"if C > 2 [ {ABSENT} ]", "`else [ id ]`"),
]  # fmt: skip

BRANCHES = [
    (IN + "relu [ id ]", "E202", "relu", "add, mul, sub, max, concat"),
    (IN + "ad [ id | relu ]", "E201", "ad", ""),
    (IN + "add [ if q > 1 [ relu ] | id ]", "E206", "q", "let q"),
    (IN + "y: if q > 1 [ relu ]", "E206", "q", "let q"),
    (IN + "if C [ relu ]", "E212", "C", "this must be a comparison (true or false) and is 3"),
    (TWO + "add [ relu | @b ]", "E407", "relu", "begins with the tensor"),
    (IN + ABSENT + "\nrelu", "E407", "relu", "the line before is `none` here"),
    (IN + ABSENT + "\n@aux -> relu", "E404", "@aux", "under the same `if`"),
]  # fmt: skip

TABLE = ARGUMENTS + DEFAULTS + CALLS + KNOBS + CLAIMS + INPUTS + ENDS + BRANCHES


@pytest.mark.parametrize(("text", "code", "at", "says"), TABLE, ids=[f"{row[1]} {row[2]}" for row in TABLE])
def test_what_is_said_of_it(text: str, code: str, at: str, says: str) -> None:
    found = [finding for finding in findings(text + "\n") if finding.code.startswith("E")]
    assert code in [finding.code for finding in found]
    one = next(finding for finding in found if finding.code == code)
    assert text[one.span.start : one.span.end] == at
    assert says in f"{one.message}\n{one.help}\n"


@pytest.mark.parametrize("lines", [row[0] for row in ENDS])
def test_a_tensor_that_is_not_there_is_one_message(lines: str) -> None:
    """Nothing is told of what would read it, nor of the inputs."""
    told = [finding.code for finding in findings(lines + "\n") if finding.code.startswith("E")]
    assert len(told) == 1


@pytest.mark.parametrize(("value", "fixed"), [("1", True), ("true", True), ("0", False), ("16", False)])
def test_a_flag_with_a_value_stays_the_flag(value: str, fixed: bool) -> None:
    (found,) = findings(f"input 3x8x8\nconv F3 K4 nobias={value}\n")
    assert (found.code, found.help) == ("E202", "`nobias` is a word by itself, without `=`")
    assert [edit.text for edit in found.fix] == (["nobias"] if fixed else [])


def test_a_refused_number_is_shown_as_it_is_written() -> None:
    (found,) = findings("input 3x8x8\ndropout 1.5\n")
    assert found.message == "a value of `dropout` cannot be 1.5: it is at most 1"
