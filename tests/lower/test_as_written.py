"""What the author wrote is what is emitted: a block is one class, however it is used, with the author's names
and numbers; and the programs compute what the network says."""

from __future__ import annotations

import ast

import pytest

from cnnspec.diagnostics import Diagnostic
from cnnspec.ir.graph import Graph
from cnnspec.targets.numpy import emit as numpy
from cnnspec.targets.torch import emit as torch
from tests.analyses.specs import ZOO, graph
from tests.cases.programs import torch_program
from tests.targets.numpy.support import compare

SE_RESNET = """\
model SEResNet50
default conv nobias
block se(r=16) {
  let c = C
  mul [ id | gap -> fc K=c//r -> relu -> fc K=c -> sigmoid ]
}
block bottleneck(k, s=1) {
  add [
      conv F1 S=s K=k -> bn -> relu -> conv F3 P1 K=k -> bn -> relu -> conv F1 K=4*k -> bn -> se()
    | if s > 1 or C != 4*k [ conv F1 S=s K=4*k -> bn ]
  ] -> relu
}
input 3x96x96
conv F7 S2 P3 K64 -> bn -> relu -> maxpool F3 S2 P1
[bottleneck(64)]*3
bottleneck(128, s=2) -> [bottleneck(128)]*3
bottleneck(256, s=2) -> [bottleneck(256)]*5
bottleneck(512, s=2) -> [bottleneck(512)]*2
gap -> flatten -> fc 1000
"""
STEM = """\
block stem(k) { conv F3 P1 K=k -> relu }
input 3x8x8
stem: stem(4)
conv F3 P1 K4
add [ id | @stem ]
"""
PARAMETER = """\
block se(r) { mul [ id | gap -> conv F1 K=C//r -> relu -> conv F1 K=C*r -> sigmoid ] }
block unit(k, se) { conv F3 P1 K=k -> if se > 1 [ se(2) ] else [ relu ] }
input 3x8x8
unit(4, 1) -> unit(8, 2) -> unit(8, se=4)
"""
SHARED = """\
shared s(p) { conv F1 K8 }
block b(p) { relu -> s(p) }
input 8x4x4
[b(i)]*2 -> [b(2+i)]*2
"""
CONTEXT = """\
block context() {
  let h = H
  let w = W
  mul [ id | conv F1 K1 -> reshape (h*w)x1x1 -> softmax -> reshape 1x(h)x(w) ]
}
block bottleneck(k, s=1) {
  add [ conv F1 K=k -> relu -> conv F3 S=s P1 K=k -> relu -> conv F1 K=2*k -> context()
    | if s > 1 or C != 2*k [ conv F1 S=s K=2*k ] ] -> relu
}
input 3x32x32
conv F3 S2 P1 K8
[bottleneck(4)]*2
bottleneck(8, s=2) -> [bottleneck(8)]*2
bottleneck(12, s=2) -> bottleneck(12)
bottleneck(16, s=2) -> bottleneck(16)
"""
P = """\
block p(k) { maxpool F=k -> conv F3 P1 K8 -> relu }
input 3x36x36
p(2) -> p(3) -> p(2)
"""
FIVES = """\
block dense(k) {
  concat [ id | conv F3 P1 K=k | conv F1 K=k | conv F1 K=k | conv F1 K=k | conv F1 K=k ]
  conv F1 K=C
}
input 4x6x6
dense(2) -> dense(3)
"""
LABELLED = """\
block two(@x, k) { conv F3 P1 K=k -> add [ id | @x -> conv F1 K=k ] }
input 3x6x6
e: conv F3 P1 K4 -> relu
two(@e, 4) -> two(@e, 8)
"""
EVAL = """\
block eval(k) {
  let compile = C + k
  conv F1 K=compile -> relu
}
input 3x6x6
eval: eval(2)
forward: relu
add [ @eval | @forward -> conv F1 K5 ]
eval(3)
"""
LINES = """\
block smooth() { relu -> conv F1 K4 }
block cell(@p, @q, @r) {
  m: add [ @q | @p -> upsample like=@q ] -> smooth()
  n: add [ @r | @m -> upsample like=@r ] -> smooth()
  output @m, @n
}
block head() {
  part: add [ id | conv F1 K4 ]
  other: add [ id | conv F1 K4 ]
}
input 4x4x4
p: id
q: upsample 2
r: upsample 2
m, n: cell(@p, @q, @r)
x: head()
add [ @x | @m -> upsample like=@x ]
"""
GIVEN = """\
block unit(k, act) { conv F3 P1 K=k -> act -> bn }
block gate(k) { mul [ id | gap -> conv F1 K=k -> sigmoid ] }
block stage(k) { unit(k, [gate(k)]) -> unit(k, [relu -> gate(k)]) -> unit(k, [relu -> gate(k)]) }
input 3x8x8
stage(4) -> stage(6) -> unit(4, [gate(4)]) -> unit(4, [relu -> gate(4)])
"""
UNDONE = """\
block b(k) {
  p: if k > 1 [ conv F1 K4 -> maxpool F2 ] else [ maxpool F2 ]
  relu
  unpool like=@p
}
block level(n, k) {
  let w = C
  inner: conv F2 S2 K=k -> if n > 1 [ level(n - 1, 2*k) ] else [ conv F3 P1 K=k -> relu ]
  deconv F2 S2 K=w
}
input 4x8x8
b(1) -> b(2) -> level(3, 3)
"""
SIZES = """\
let a = 4
block lateral(k) { conv F5x1x1 S=(a)x1x1 P2x0x0 K=2*k -> bn }
block wide(k) {
  let c = C
  add [ conv F1 K=k -> relu -> conv F1 K=k | if c != k [ none ] ]
}
input 3x16x4x4
lateral(2) -> upsample 4x1x1 -> lateral(4) -> wide(8) -> wide(4)
"""
POOLED = """\
block gate(r=4) {
  let c = C
  shared mlp() { relu -> fc K=c//r -> relu -> fc K=c }
  mul [ id | add [ gap -> mlp() | maxpool F=H -> flatten -> mlp() ] -> sigmoid -> reshape (c)x1x1 ]
}
input 16x8x8
gate() -> conv F3 P1 K32 -> gate(r=8)
"""
TUNED = """\
block bottle(k, s=1, pre=false) {
  let c = C
  if pre [ bn ]
  add [ conv F1 K=k -> bn -> relu -> conv F3 S=s P1 K=c | if s > 1 [ conv F1 S=s K=c ] ]
}
input 3x8x8
conv F3 P1 K4 frozen
frozen [ bottle(2) -> [bottle(3, pre=i == 1)]*3 -> bottle(4, s=2) ]
bottle(2) -> [bottle(3, pre=i == 1)]*3 -> bottle(4, pre=true)
"""


def ifs(count: int) -> str:
    """A block with so many `if`s that change the channels, used 16 times, each time another way."""
    sides = "\n".join(f"  if k//{2**n} % 2 == 1 [ conv F1 K=C+{n + 1} ]" for n in range(count))
    uses = " -> ".join(f"b({number})" for number in range(16))
    return f"block b(k) {{\n  conv F1 K4\n{sides}\n}}\ninput 3x4x4\n{uses}\n"


def torch_classes(network: Graph) -> dict[str, list[str]]:
    """The classes of the torch program with the parameters of their constructors."""
    found = {}
    for node in ast.parse(str(torch(network))).body:
        if isinstance(node, ast.ClassDef):
            init = method(node, "__init__")
            names = [] if init is None else [one.arg for one in init.args.args[1:]]
            found[node.name] = [] if names == ["device", "dtype"] else names
    return found


def method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    found = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == name]
    return found[0] if found else None


def numpy_blocks(network: Graph) -> list[str]:
    """The blocks that the NumPy program has functions for: what comes after the layers."""
    text = str(numpy(network))
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return [one.name for one in functions if (ast.get_docstring(one) or "").startswith("The block ")]


TEXTS = {
    # the torch program's classes with their parameters, and the NumPy program's blocks
    "SE-ResNet-50, with se(r) in bottleneck(k, s)": (
        SE_RESNET,
        {"Se": ["in_channels", "r"], "Bottleneck": ["in_channels", "k", "s"], "SEResNet50": []},
        ["se", "bottleneck"],
    ),
    "a label with its block's name": (STEM, {"Stem": ["k"], "Test": []}, ["stem"]),
    "a parameter with a block's name": (
        PARAMETER,
        {"Se": ["r"], "Unit": ["in_channels", "k", "se"], "Test": []},
        ["se", "unit"],
    ),
    "shared weights by the number of the pass": (SHARED, {"B": [], "S": [], "Test": []}, ["s", "b"]),
    "a context block at four sizes": (
        CONTEXT,
        {
            "Reshape": [],
            "Context": ["in_channels", "in_height", "in_width"],
            "Bottleneck": ["in_channels", "in_height", "in_width", "k", "s"],
            "Test": [],
        },
        ["context", "bottleneck"],
    ),
    "one pooling block with two sizes": (P, {"P": ["in_channels", "k"], "Test": []}, ["p"]),
    "five times k": (FIVES, {"Dense": ["in_channels", "k"], "Test": []}, ["dense"]),
    "the author's tensor x": (LABELLED, {"Two": ["k"], "Test": []}, ["two"]),
    "names that are Python's": (EVAL, {"Eval": ["in_channels", "k"], "Test": []}, ["eval_"]),
    "lines that differ in their labels": (
        LINES,
        {"Smooth": [], "CellAdd": [], "Cell": [], "HeadAdd": [], "Head": [], "Test": []},
        ["smooth", "cell", "head"],
    ),
    "layers that are calls of a block": (
        GIVEN,
        {
            "Gate": ["in_channels", "k"],
            "Unit": ["in_channels", "k", "act"],
            "Stage": ["in_channels", "k"],
            "Test": [],
        },
        ["unit", "gate", "stage"],
    ),
    "a pool that an if chose, undone; a part of a block that calls the block": (
        UNDONE,
        {
            "BP": ["k"],
            "B": ["k"],
            "LevelInner": ["in_channels", "k", "n"],
            "Level": ["in_channels", "n", "k"],
            "Test": [],
        },
        ["b", "level"],
    ),
    "sizes with a let of the file, a branch that is left out": (
        SIZES,
        {"Lateral": ["in_channels", "k", "a"], "Wide": ["k"], "Test": ["a", "device", "dtype"]},
        ["lateral", "wide"],
    ),
    "a shared block on C x 1 x 1 and on a vector": (
        POOLED,
        {
            "Reshape": [],
            "Mlp": ["in_channels", "r", "c"],
            "Gate": ["in_channels", "r"],
            "Test": [],
        },
        ["mlp", "gate"],
    ),
    "the first blocks frozen, those behind them trained": (
        TUNED,
        {
            "Frozen": [],
            "FrozenBatchNorm2d": [],
            "FrozenBottle": ["k", "s", "pre"],
            "Bottle": ["k", "s", "pre"],
            "Test": [],
        },
        ["bottle", "frozen_bottle"],
    ),
    **{
        f"{count} ifs": (ifs(count), {"B": ["in_channels", "k"], "Test": []}, ["b"])
        for count in (2, 4, 6)
    },
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_a_block_is_one_class_and_one_function(name: str) -> None:
    text, classes, blocks = TEXTS[name]
    network = graph(text)
    assert torch_classes(network) == classes
    assert numpy_blocks(network) == blocks


@pytest.mark.parametrize("name", TEXTS)
def test_no_two_functions_have_the_same_lines(name: str) -> None:
    network = graph(TEXTS[name][0])
    for program in (torch(network), numpy(network)):
        bodies = [
            ast.dump(ast.Module(one.body[1:] if ast.get_docstring(one) else one.body, []))
            for one in ast.parse(str(program)).body
            if isinstance(one, ast.ClassDef | ast.FunctionDef)
        ]
        assert len(set(bodies)) == len(bodies)


@pytest.mark.parametrize("name", TEXTS)
def test_both_programs_compute_the_network(name: str) -> None:
    text = TEXTS[name][0]
    for many, few in (("1000", "10"), ("512", "16"), ("256", "12"), ("128", "8"), ("64", "4")):
        text = text.replace(many, few)
    network = graph(text)
    for training in (False, True):
        assert max(compare(network, training).values()) < 1e-8
    torch_program(network)


def test_a_residual_block_with_a_crop_is_one_class() -> None:
    classes = torch_classes(graph((ZOO / "tasks" / "style_transfer.cnn").read_text(encoding="utf-8")))
    assert [name for name in classes if name.startswith("Residual")] == ["Residual"]


def test_no_variable_is_called_as_what_runs_code() -> None:
    for program in (torch(graph(EVAL)), numpy(graph(EVAL))):
        nodes = list(ast.walk(ast.parse(str(program))))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        names |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        names |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        assert not names & {"eval", "exec", "compile"}


def test_equal_terms_of_a_sum_are_counted() -> None:
    text = str(torch(graph(FIVES)))
    assert "in_channels + 5 * k" in text
    assert "k + k" not in text


def test_forward_has_the_authors_names() -> None:
    (two,) = [
        node for node in ast.parse(str(torch(graph(LABELLED)))).body if getattr(node, "name", "") == "Two"
    ]
    assert isinstance(two, ast.ClassDef)
    forward = method(two, "forward")
    assert forward is not None
    assert [one.arg for one in forward.args.args] == ["self", "y", "x"]


def test_what_the_constructor_does_not_need_is_not_computed() -> None:
    unused = (
        "block f(k) { let a = 3*k + C\n  let b = a + 1\n  conv F1 K=a -> relu }\ninput 3x4x4\nf(2) -> f(3)\n"
    )
    (f,) = [node for node in ast.parse(str(torch(graph(unused)))).body if getattr(node, "name", "") == "F"]
    assert "a = " in ast.unparse(f)
    assert "b = " not in ast.unparse(f)


def test_a_shared_block_that_does_different_things_is_refused_at_its_use() -> None:
    text = "input 16x8x8\nshared s(k) { bn -> fc K=k }\nadd [ gap -> s(4) | maxpool F8 -> flatten -> s(4) ]\n"
    for emit in (torch, numpy):
        (refused,) = emit(graph(text))
        assert isinstance(refused, Diagnostic)
        assert refused.code == "E801"
        assert text[slice(*refused.span)] == "s(4)"
        assert refused.span.start == text.rindex("s(4)")
        assert "a vector" in refused.help
