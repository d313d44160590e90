"""What is shown beside a finding: the first of two, the step that made a size, a fix that leaves no error."""

from __future__ import annotations

import pytest

from tests.support import findings

IN = "input 3x8x8\n"


RELATED = [
    # the spec, the code, the characters, the places beside it with what is said there
    ("model A\nmodel B\n" + IN + "relu", "E405", "model B", [("model A", "the first stands here")]),
    (IN + "x: relu\noutput @x\noutput @x", "E405", "output @x", [("output @x", "the first stands here")]),
    ("input a: 3\ninput a: 4\n@a -> relu", "E209", "a", [("input a: 3", "the first stands here")]),
    ("let k = 1\nlet k = 2\n" + IN + "conv F1 K=k", "E209", "k", [("k", "first here")]),
    ("let k = 1\nvariant A: k = 1\nvariant A: k = 2\ninput 3\nfc (k)", "E209", "A", [("A", "first here")]),
    ("block f() { relu }\nblock f() { bn }\n" + IN + "f()", "E209", "f", [("f", "first here")]),
    ("block f(k) { let k = 3\nconv F1 K=k }\n" + IN + "f(3)", "E209", "k", [("k", "first here")]),
    ("block f() { let j = 3\nlet j = 4\nconv F1 K=j }\n" + IN + "f()", "E209", "j", [("j", "first here")]),
    ("block f(@s) { s: relu\nadd [ id | @s ] }\n" + IN + "x: bn\nf(@x)", "E209", "s", [("@s", "first here")]),
    ("block f() { x: relu\nx: bn }\n" + IN + "f()", "E209", "x", [("x", "first here")]),
    ("input x: 3x8x8\nx: relu", "E209", "x", [("x", "first here")]),
    ("input x: 3x8x8\n[ x: relu\n bn ]", "E209", "x", [("x", "first here")]),
    (IN + "[ x: relu\n bn ]\nx: bn", "E209", "x", [("x", "first here")]),
    (IN + "[ x: relu\n x: bn ]*2", "E209", "x", [("x", "first here")]),
    (IN + "if C == 3 [ x: relu ]\nx: bn", "E209", "x", [("x", "first here")]),
    (IN + "if C == 4 [ id ] else [ x: relu ]\nx: bn", "E209", "x", [("x", "first here")]),
    (IN + "add [ x: relu | id ]\nx: bn", "E209", "x", [("x", "first here")]),
    (IN + "conv F3 F5 K4", "E204", "F5", [("F3", "first here")]),
    (IN + "gn G2 G3", "E204", "G3", [("G2", "first here")]),
    ("block f(k, j) { conv F1 K=k*j }\n" + IN + "f(1, k=2)", "E211", "k=2", [("1", "first here")]),
    ("block f(k) { conv F1 K=k }\n" + IN + "f(3, 4)", "E211", "4", [("f", "f(k) stands here")]),
    ("block f(k) { conv F1 K=k }\n" + IN + "f(3, j=4)", "E211", "j=4", [("f", "f(k) stands here")]),
    ("block f(k) { conv F1 K=k }\n" + IN + "f()", "E211", "f()", [("k", "this parameter has no default")]),
    ("block a() { a() }\n" + IN + "a()", "E213", "a()", []),
    (
        "block a() { b() }\nblock b() { relu -> c() }\nblock c() { a() }\n" + IN + "a()",
        "E213", "a()", [("b()", "`a` uses `b`"), ("c()", "`b` uses `c`")],
    ),
    (IN + "add [ conv F1 K4 | id ]", "E304", "id", [("conv F1 K4", "this branch brings 4x8x8")]),
    (IN + "mul [ id | conv F1 K4 ]", "E304", "id", []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "at", "beside"),
    RELATED,
    ids=[f"{row[1]} {row[2]} {number}" for number, row in enumerate(RELATED)],
)
def test_what_is_shown_beside_it(text: str, code: str, at: str, beside: list[tuple[str, str]]) -> None:
    (found,) = [finding for finding in findings(text + "\n") if finding.code.startswith("E")]
    assert (found.code, text[slice(*found.span)]) == (code, at)
    assert [(text[slice(*one.span)], one.message) for one in found.related] == beside
    assert all(one.span.start < found.span.start for one in found.related[:1]) or code == "E213"
    assert found.help


def test_every_way_round_is_told_once() -> None:
    text = "block a() { a() -> b() }\nblock b() { b() }\nblock c() { a() }\n" + IN + "a() -> b() -> c()\n"
    found = [finding for finding in findings(text) if finding.code == "E213"]
    assert [finding.message.split(": ")[1] for finding in found] == ["a → a", "b → b"]


def test_what_arrives_at_a_pass_was_made_by_the_pass_before() -> None:
    text = IN + "[ if i == 0 [ maxpool F2 ] else [ if i == 1 [ conv F2 K3 ] else [ conv F9 K4 ] ] ]*3\n"
    (found,) = [finding for finding in findings(text) if finding.code == "E301"]
    (related,) = found.related
    assert (text[slice(*related.span)], related.message) == ("conv F2 K3", "3x3x3 comes from here")


def test_what_comes_out_of_a_group_was_made_by_its_own_tensors_maker() -> None:
    text = IN + "[ e: conv F3 P1 K4\n maxpool F2 ]\nconv F9 K4\n@e -> relu\n"
    (found,) = [finding for finding in findings(text) if finding.code == "E301"]
    (related,) = found.related
    assert (text[slice(*related.span)], related.message) == ("maxpool F2", "4x4x4 comes from here")


@pytest.mark.parametrize("F", range(2, 14))
def test_a_branch_that_lost_its_padding(F: int) -> None:
    (found,) = [
        f for f in findings(f"input 3x32x32\nadd [ conv F{F} K3 -> relu | id ]\n") if f.code[0] == "E"
    ]
    keeps = f"P{F // 2} on `conv F{F} K3` keeps it at 32x32"
    assert (found.help == keeps) is (F % 2 == 1)


FIXES = [
    ("fc 10", "flatten -> fc 10"),
    ("conv F9 K4", "conv F8 K4"),
    ("conv K4 F9x3", "conv K4 F8x3"),
    ("maxpool F2 P2", "maxpool F2 P1"),
    ("crop 9x4", "crop 8x4"),
    ("dwconv F3 K4", "dwconv F3 K3"),
    ("slice 1:5", "slice 1:3"),
    ("gap -> in", "gap -> ln"),
    ("stag()", "stage()"),
    ("ad [ id | relu ]", "add [ id | relu ]"),
    ("convv F1 K2", "conv F1 K2"),
    ("skip: relu -> bn\nadd [ id | @skp ]", "skip: relu -> bn\nadd [ id | @skip ]"),
    ("add [ conv F1 K2 | id ]", None),  # which branch is wrong, nobody knows
    ("[conv F3 P1 K=C*2 G4]", "[conv F3 P1 K=C*2 G3]"),
    ("gap -> conv F3 K2", "gap -> conv F1 K2"),
]


@pytest.mark.parametrize(("line", "mended"), FIXES)
def test_a_fix_leaves_no_error(line: str, mended: str | None) -> None:
    blocks = "block stage() { relu -> bn }\n" if "stag" in line else ""
    text = f"{blocks}{IN}{line}\n"
    (found,) = [finding for finding in findings(text) if finding.code.startswith("E")]
    fixed = text
    for edit in sorted(found.fix, key=lambda edit: -edit.span.start):
        fixed = fixed[: edit.span.start] + edit.text + fixed[edit.span.end :]
    assert fixed == (text if mended is None else f"{blocks}{IN}{mended}\n")
    assert mended is None or not [f for f in findings(fixed) if f.code.startswith("E")]
