"""One mistake is one message: what depends on it stays silent, and all else is still looked at."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import cnnspec
from cnnspec.ir.graph import Hole
from tests.support import check_text, findings

IN = "input 3x8x8\n"


SILENT = [
    # the lines behind a first mistake that depend on it: no finding of their own
    ("convv F3", "E201", "conv F9 K=C*2 -> [relu]*C -> if C > 3 [ conv F99 K3 ]"),
    ("convv F3", "E201", "let c = C\nconv F9 K=c -> add [ conv F1 K=c | if c > 1 [ id ] ]"),
    ("convv F3", "E201", "f(C, 1) -> f(2, C)"),
    ("convv F3", "E201", "crop 99x99 -> fc 3 -> flatten"),
    ("[convv F3]*2", "E201", "conv F99 K2"),
    ("[convv F3]", "E201", "conv F99 K2"),
    ("add [ convv F3 | id ]", "E201", "conv F99 K2"),
    ("add [ convv F3 ]", "E201", "conv F99 K2"),
    ("[relu]*q", "E206", "conv F99 K2"),
    ("[relu]*(1/2)", "E212", "conv F99 K2"),
    ("if q > 1 [ relu ]", "E206", "conv F99 K2"),
    ("add [ if q > 1 [ relu ] | id ]", "E206", "conv F99 K2"),
    ("y: if q > 1 [ relu ]", "E206", "@y -> conv F99 K2"),
    ("f(1, j=q)", "E206", "conv F99 K2"),
    ("f(1)", "E211", "conv F99 K2"),
    ("g(1)", "E208", "conv F99 K2"),
    ("@y -> relu", "E207", "conv F99 K2"),
    ("x: convv F3 -> relu", "E201", "@x -> conv F99 K2"),
    ("crop like=@y", "E207", "conv F99 K2"),
    ("unpool like=@y", "E207", "conv F99 K2"),
    ("x: relu\nunpool like=@x", "E308", "conv F99 K2"),
    ("relu [ id | bn ]", "E202", "conv F99 K2"),
    ("add", "E205", "conv F99 K2"),
    ("conv F1 K2 -> none", "E404", "conv F1 K2"),
    ("conv F1 K2 -> 5x5 -> relu", "E101", "conv F99 K2"),
    ("add [ none | none ]", "E406", "conv F99 K2"),
    ("conv F1 K=q => 4x8x8", "E206", "conv F8 K2 => 2x1x1, params 514"),
]


@pytest.mark.parametrize(("first", "code", "behind"), SILENT, ids=[row[0] for row in SILENT])
def test_one_mistake_is_one_message(first: str, code: str, behind: str) -> None:
    blocks = "block f(k, j) { conv F1 K=k*j }\n" if "f(" in first + behind else ""
    text = f"{blocks}{IN}{first}\n{behind}\n"
    assert [f.code for f in findings(text) if f.code[0] == "E"] == [code]


def test_a_let_that_could_not_be_read_is_told_once() -> None:
    for text in (
        "let k = 3 +\n" + IN + "conv F1 K=k -> conv F1 K=2*k\n",
        "let k = 3 +\nvariant A: k = 4\n" + IN + "conv F1 K=k\n",
        "block f() { let k = 3 +\nconv F1 K=k }\n" + IN + "f()\n",
    ):
        assert [f.code[:2] for f in findings(text) if f.code[0] == "E"] == ["E1"], text


def test_a_block_that_is_not_closed_does_not_reach_itself() -> None:
    """The use below stands inside it only because of the missing `}`."""
    assert [f.code for f in findings(IN + "block a() { relu -> bn\na() -> gap\n") if f.code[0] == "E"] == [
        "E105"
    ]


def test_nothing_is_called_unused_behind_a_line_that_could_not_be_read() -> None:
    text = "let k = 3\nblock f() { relu }\n" + IN + "conv F3 K4 ]\nrelu\n"
    assert [finding.code for finding in findings(text)] == ["E101"]
    text = "let k = 3\nblock f() { relu }\n" + IN + "conv F1 K=k*] -> f(\nrelu\n"
    assert "W105" not in {finding.code for finding in findings(text)}
    text = "let k = 3\nblock f() { relu }\n" + IN + "conv F1 K=kk\nff()\n"
    assert "W105" not in {finding.code for finding in findings(text)}


def test_what_nothing_uses() -> None:
    text = "let k = 3\nlet j = 4\nblock f() { relu }\nblock g() { bn }\n" + IN + "conv F1 K=j -> g()\n"
    found = [finding for finding in findings(text) if finding.code == "W105"]
    assert [text[slice(*finding.span)] for finding in found] == ["k", "f"]
    assert {finding.help for finding in found} == {"use it, or leave it out"}


def test_a_claim_that_could_not_be_read_leaves_the_others() -> None:
    text = IN + "conv F1 K2 => 2x8x8, params q, macs 384\nexpect layers q, weighted 2\n"
    (model,) = check_text(text)
    assert [finding.code for finding in model.findings] == ["E206", "E206", "E501"]
    assert model.report is not None
    assert [claim.text for claim in model.report.claims] == ["=> 2x8x8", "macs 384", "weighted 2"]


def test_without_an_input_the_rest_is_looked_through() -> None:
    (model,) = check_text("conv F3 K4 -> convv\nmaxpool F2 P2\n")
    assert model.graph is not None
    assert (model.graph.inputs, model.graph.root.inputs) == (("input",), 1)
    assert [f.code for f in model.findings if f.code.startswith("E")] == ["E401", "E201", "E306"]


def test_a_step_that_could_not_be_made_out_keeps_its_words() -> None:
    text = IN + "x: conv F1 K4\nif C > 1 [ y: convv F3 ]\n"
    graph = check_text(text)[0].graph
    assert graph is not None
    hole = graph.root.steps[-1]
    assert isinstance(hole, Hole)
    assert (hole.name, hole.text, hole.label, hole.inputs) == ("y", "convv", "y", (1,))
    assert [(guard.condition, guard.side) for guard in hole.guards] == [(0, True)]
    assert text[slice(*hole.span)] == "convv F3"


def test_no_decision_reads_the_english_of_a_finding() -> None:
    """A message is printed, never compared, searched or cut: what silences what is a typed cause."""
    for path in Path(cnnspec.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Compare():
                    asked: list[ast.expr] = [node.left, *node.comparators]
                case ast.Call(ast.Attribute(ast.Name("re"))):
                    asked = node.args
                case ast.Call(ast.Attribute(value)):
                    asked = [value]
                case _:
                    continue
            read = [one for one in asked if isinstance(one, ast.Attribute) and one.attr == "message"]
            assert not read, f"{path}:{node.lineno}"
