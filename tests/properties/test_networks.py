"""Networks grown from the layers' own declarations: accepted, and the same in whatever words."""

# ruff: noqa: E501 (tables, a case a line)
from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.diagnostics import Sink, Source
from cnnspec.ir.serialize import graph_from_json, graph_to_json
from cnnspec.ir.verify import verify
from cnnspec.language import parse, tree
from cnnspec.ops import lookup
from cnnspec.ops.base import arguments_of
from cnnspec.targets.numpy import emit as emit_numpy
from cnnspec.targets.torch import emit as emit_torch
from tests.properties.conftest import LONG
from tests.properties.grower import WORDS, grown
from tests.properties.mutants import layers_in
from tests.properties.oracles import ends_well, figures, graph_of, well_behaved
from tests.properties.rewrites import inlined, listed, named, renamed, unrolled, varied

seeds = st.integers(0, 2**32)


@given(seeds)
def test_property_a_grown_network_is_valid(seed: int) -> None:
    text = grown(seed)
    graph = graph_of(text)
    assert verify(graph) == []
    assert graph_from_json(graph_to_json(graph)) == graph
    ends_well(text)


REWRITES = {
    renamed: r"\bl\d+\b|\b[bs]\d+\(",
    unrolled: r"\]\*",
    inlined: r"^block ",
    named: r"\b[FSPKGD]\d+(?=[ \n])",
    listed: r"\b[FSPKGD]\d+(?=[ \n])",
    varied: r"\b[FSPKGD]\d+(?=[ \n])",
}
"""Each, and what of a grown network it leaves nowhere: one that changed nothing would change no number."""


@given(seeds)
def test_property_other_words_give_the_same_numbers(seed: int) -> None:
    text = grown(seed)
    wanted = figures(text)
    for rewrite, gone in REWRITES.items():
        other = rewrite(text)
        assert not re.search(gone, other, re.MULTILINE), f"{rewrite.__name__}\n{text}\n{other}"
        assert figures(other) == wanted, f"{rewrite.__name__}\n{text}\n{other}"


def test_every_rewrite_has_something_to_rewrite() -> None:
    texts = [grown(seed) for seed in range(40)]
    for rewrite, gone in REWRITES.items():
        assert sum(bool(re.search(gone, text, re.MULTILINE)) for text in texts) >= 10, rewrite.__name__


@given(seeds)
def test_property_programs_compile_and_import_only_their_target(seed: int) -> None:
    graph = graph_of(grown(seed))
    for target, emit in (("torch", emit_torch), ("numpy", emit_numpy)):
        text = emit(graph)
        if not isinstance(text, str):
            assert {one.code for one in text} == {"E801"}
            continue
        well_behaved(text, target)
        assert emit(graph_from_json(graph_to_json(graph))) == text


@given(seeds)
def test_property_blocks_with_layer_parameters_have_programs(seed: int) -> None:
    graph = graph_of(grown(seed, layers=True))
    assert verify(graph) == []
    for target, emit in (("torch", emit_torch), ("numpy", emit_numpy)):
        text = emit(graph)
        assert isinstance(text, str) or {one.code for one in text} == {"E801"}
        if isinstance(text, str):
            well_behaved(text, target)
            assert emit(graph_from_json(graph_to_json(graph))) == text


@given(seeds)
def test_property_torch_gives_the_predicted_shapes_and_weights(seed: int) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: the shapes have no second witness")
    text = grown(seed)
    graph = graph_of(text)
    program = emit_torch(graph)
    if not isinstance(program, str):
        assert {one.code for one in program} == {"E801"}
        return
    names: dict[str, object] = {"__name__": "emitted"}
    exec(compile(program, "emitted", "exec"), names)
    classes = [
        one
        for one in names.values()
        if isinstance(one, type) and issubclass(one, torch.nn.Module) and one.__module__ == "emitted"
    ]
    with torch.device("meta"):
        model = classes[-1]().eval()
        result = model(*(torch.empty(2, *shape) for shape in _shapes(graph, range(graph.root.inputs))))
    results = result if isinstance(result, tuple) else (result,)
    assert [tuple(one.shape[1:]) for one in results] == _shapes(graph, graph.root.outputs), text
    assert sum(one.numel() for one in model.parameters()) == figures(text)["params"], text


@given(seeds)
@settings(max_examples=2000 if LONG else 100)
def test_property_numpy_equals_torch_with_gradients(seed: int) -> None:
    pytest.importorskip("torch", reason="torch is not installed: the values have no second witness")
    import numpy

    from tests.targets.numpy import support

    def difference(ours, theirs, least: float = 1e-4) -> float:
        """What is nothing but rounding (a map of one channel less its own mean, again and again normalised) has
        no relative difference."""
        theirs = numpy.asarray(theirs)
        assert ours.shape == theirs.shape
        return float(numpy.abs(ours - theirs).max(initial=0) / max(numpy.abs(theirs).max(initial=0), least))

    text = grown(seed, 4)
    graph = graph_of(text)
    program = emit_numpy(graph)
    if not isinstance(program, str):
        assert {one.code for one in program} == {"E801"}
        return
    with pytest.MonkeyPatch.context() as patch, numpy.errstate(all="ignore"):
        patch.setattr(support, "difference", difference)
        beside = support.Beside(graph, text=program)
        differences = beside.differences(training=False)
        wrong = {name: value for name, value in differences.items() if not value < 1e-6}
        assert not wrong or _amplifies(beside, difference) > 1e-7 or not _stays(wrong, graph, program), (
            f"{wrong}\n{text}"
        )


def _amplifies(beside, difference) -> float:
    """How far a network's numbers move where its inputs and weights do by 1e-14: one that divides rounding by
    rounding (a constant map, normalised), or asks whether it is above 0, gives no two programs the same
    numbers. The NumPy program beside itself.
    """
    import numpy

    random_ = numpy.random.default_rng(0)
    found = []
    for moved in (0, 1e-14, 1e-14, 1e-14):

        def near(one, moved=moved):
            return one * (1 + moved * random_.standard_normal(one.shape))

        given_, weights = map(near, beside.inputs), {key: near(one) for key, one in beside.params.items()}
        y, net = beside.module.record(weights, *given_, training=False)
        outputs = y if isinstance(y, tuple) else (y,)
        ones = tuple(numpy.cos(numpy.arange(one.size)).reshape(one.shape) for one in outputs)
        dx, grads = beside.module.backward(ones if isinstance(y, tuple) else ones[0], net)
        found.append([*outputs, *(dx if isinstance(dx, tuple) else (dx,)), *grads.values()])
    first, *others = found
    return max(
        difference(ours, theirs) for other in others for ours, theirs in zip(other, first, strict=True)
    )


def _stays(wrong, graph, program) -> bool:
    """Whether what differs is as far apart wherever the inputs are moved by 1e-14: a mistake is, and rounding is
    not (torch's, of a gradient that is 0, before an `l2norm` of nothing, whose slope is 1e12)."""
    import numpy

    from tests.targets.numpy import support

    for seed in range(10):
        beside, random_ = support.Beside(graph, text=program), numpy.random.default_rng(seed)
        beside.inputs = [one * (1 + 1e-14 * random_.standard_normal(one.shape)) for one in beside.inputs]
        again = beside.differences(training=False)
        if any(abs(again[name] - value) > 1e-3 * value for name, value in wrong.items()):
            return False
    return True


def _shapes(graph, values):
    return [graph.root.values[value] for value in values]


def test_every_layer_is_grown_with_every_argument() -> None:
    """What is never drawn is never fuzzed: each layer, each way to write an argument, each flag. `none` and the
    merges are the grower's own; pow, exp and log need an input that suits them. The tensors of a deformable
    convolution are left to its case file: at whole offsets its slopes jump, and random layers give such ones.
    """
    ops = {word: op for word in WORDS if (op := lookup(word)) is not None}
    chance = random.Random(0)
    shapes = [(4, 8, 8), (3, 9, 7), (2,), (2, 1, 1), (4, 5, 6, 5), (6, 9)]
    drawn = [op.draw(chance, shape) for op in ops.values() for shape in shapes for _ in range(80)]
    texts = ["\n".join(one for one in drawn if one is not None), *map(grown, range(80))]
    seen: set[tuple[str, str]] = set()
    for text in texts:
        for step in layers_in(parse(Source("grown", text), Sink())):
            seen.add((step.word, ""))
            seen |= {(step.word, name) for argument in step.arguments for name in spelled(argument)}
    wanted = {(word, "") for word in WORDS}
    for word, op in ops.items():
        for _, one in arguments_of(op):
            if one.kind == "tensor" and op.weighted:
                continue
            names = [flag for flag, _ in one.flags]
            wanted |= {(word, name) for name in names or [one.letter or one.keyword or "a value"]}
    elsewhere = {word for word, op in ops.items() if op.merges} | {"none", "pow", "exp", "log", "coords"}
    assert {word for word, _ in wanted - seen} <= elsewhere


def spelled(argument: tree.Argument) -> tuple[str, ...]:
    """How an argument is told from the others; a bare word may be a flag or a value."""
    match argument:
        case tree.LetterArgument():
            return (argument.letter,)
        case tree.NamedArgument():
            return (argument.name,)
        case tree.PositionalArgument(tree.Name(name)):
            return name, "a value"
    return ("a value",)


SCRIPT = """
import hashlib, sys
from cnnspec.ir.serialize import graph_to_json
from cnnspec.targets.numpy import emit as numpy
from cnnspec.targets.torch import emit as torch
from tests.properties.grower import grown
from tests.properties.oracles import graph_of
for seed in range(int(sys.argv[1])):
    graph = graph_of(grown(seed))
    made = [graph_to_json(graph), str(numpy(graph)), str(torch(graph))]
    print(seed, *(hashlib.sha256(one.encode()).hexdigest() for one in made))
"""


def test_the_same_bytes_whatever_the_hash_seed() -> None:
    count = "40" if LONG else "6"
    printed = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, count],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(printed) == 1
    assert hashlib.sha256(b"").hexdigest() not in printed.pop()
