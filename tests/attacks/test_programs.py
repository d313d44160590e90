"""Hostile text in a spec that is no mistake: the programs are harmless, and they work."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.attack import ATTACKS, Attack
from tests.attacks.conftest import Snapshot, guarded
from tests.cli.conftest import Command

BUILDS = [attack for attack in ATTACKS if attack.builds]
CALLED = {
    "exec",
    "eval",
    "compile",
    "open",
    "__import__",
    "setattr",
    "globals",
    "input",
    "breakpoint",
}


def asked_for(tree: ast.AST) -> list[ast.expr]:
    """The names of attributes that a program asks for by `getattr`."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [one.args[1] for one in calls if isinstance(one.func, ast.Name) and one.func.id == "getattr"]


def built(attack: Attack, target: str, cnnspec: Command, out: Path) -> str:
    with guarded():
        ran = cnnspec("build", "--target", target, "-o", out, attack.path)
    assert ran.status == 0, ran.err
    return out.read_text("utf-8")


@pytest.mark.parametrize("target", ["torch", "numpy"])
@pytest.mark.parametrize("attack", BUILDS, ids=lambda attack: attack.name)
def test_the_program_only_defines_layers(
    attack: Attack, target: str, cnnspec: Command, unchanged: Snapshot, tmp_path: Path
) -> None:
    text = built(attack, target, cnnspec, tmp_path / "out.py")
    assert set(unchanged()) == {"out.py"}
    assert text.replace("\n", "").isprintable()
    tree = ast.parse(text)
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [n.name for n in node.names]
        )
    }
    assert imported <= {target, "__future__", "collections", "contextlib", "functools"}
    assert all(isinstance(name, ast.Constant) for name in asked_for(tree))
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    assert not (called - defined) & CALLED
    for statement in tree.body:  # nothing runs when it is imported
        assert isinstance(
            statement,
            ast.Import
            | ast.ImportFrom
            | ast.ClassDef
            | ast.FunctionDef
            | ast.If
            | ast.Assign
            | ast.AnnAssign
            | ast.Expr,
        )
        if isinstance(statement, ast.Expr):
            assert isinstance(statement.value, ast.Constant)
    comments = [
        one.string
        for one in tokenize.generate_tokens(io.StringIO(text).readline)
        if one.type == tokenize.COMMENT
    ]
    assert not any("import os" in comment or "coding" in comment for comment in comments)


@pytest.mark.parametrize("attack", BUILDS, ids=lambda attack: attack.name)
def test_the_numpy_program_works(
    attack: Attack, cnnspec: Command, unchanged: Snapshot, tmp_path: Path
) -> None:
    numpy = pytest.importorskip("numpy")
    names: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(built(attack, "numpy", cnnspec, tmp_path / "out.py"), "emitted", "exec"), names)
    inputs = [numpy.zeros((1, 3, 8, 8))] * (5 if attack.path.stem == "input_names" else 1)
    params = names["init"](0, numpy.float64)
    with numpy.errstate(all="ignore"):
        y = names["forward"](params, *inputs)
    assert y.shape[0] == 1
    assert set(unchanged()) == {"out.py"}


@pytest.mark.parametrize("attack", BUILDS, ids=lambda attack: attack.name)
def test_the_torch_program_works(
    attack: Attack, cnnspec: Command, unchanged: Snapshot, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    names: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(built(attack, "torch", cnnspec, tmp_path / "out.py"), "emitted", "exec"), names)
    model = [
        value for value in names.values()
        if isinstance(value, type) and issubclass(value, torch.nn.Module) and value.__module__ == "emitted"
    ][-1]()  # fmt: skip
    inputs = [torch.zeros(1, 3, 8, 8)] * (5 if attack.path.stem == "input_names" else 1)
    model.eval()
    model.train()
    y = model(*inputs)
    assert y.shape[0] == 1
    assert len(model.state_dict()) == len({id(value) for value in model.state_dict().values()})
    assert set(unchanged()) == {"out.py"}
