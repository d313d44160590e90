"""What is left where something is wrong: the graph with its holes, the claims that could be read."""

from __future__ import annotations

import ast
from pathlib import Path

import cnnspec
from cnnspec.ir.graph import Hole
from tests.support import check_text, findings

IN = "input 3x8x8\n"


def test_a_let_that_could_not_be_read_is_told_once() -> None:
    for text in (
        "let k = 3 +\n" + IN + "conv F1 K=k -> conv F1 K=2*k\n",
        "let k = 3 +\nvariant A: k = 4\n" + IN + "conv F1 K=k\n",
        "block f() { let k = 3 +\nconv F1 K=k }\n" + IN + "f()\n",
    ):
        assert [f.code[:2] for f in findings(text) if f.code[0] == "E"] == ["E1"], text


def test_a_claim_that_could_not_be_read_leaves_the_others() -> None:
    text = IN + "conv F1 K2 => 2x8x8, params q, macs 384\nexpect layers q, weighted 2\n"
    (model,) = check_text(text)
    assert [finding.code for finding in model.findings] == ["E206", "E501"]
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
