"""Whole programs: every spec and variant of the zoo, what they import, that they are the same each time, the
matrix of layers, random networks."""

from __future__ import annotations

import ast
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec.api import SpecError, load
from cnnspec.diagnostics import Source
from cnnspec.ir.graph import Graph
from cnnspec.ops import lookup, words
from cnnspec.targets.numpy import emit
from cnnspec.targets.numpy.calls import EMITTERS
from cnnspec.targets.numpy.layers import pieces
from tests.support import sampled
from tests.targets.numpy.support import Beside, compare, program
from tests.targets.numpy.zoo import SPECS, ZOO, smaller, variants

QUICK = (
    *("lenet5", "lenet5_modern", "resnet_cifar", "mobilenet_v3", "shufflenet_v2", "squeezenet"),
    *("lraspp_mobilenet_v3", "dcgan_generator", "srcnn"),
)
"""What the ordinary run holds against torch; `make zoo` takes every spec and variant."""

SLOW = (
    *("deeplabv3_resnet50", "fcn_resnet50", "efficientnet", "efficientnet_v2", "convnext", "resnext"),
    *("wide_resnet_imagenet", "segnet", "unet", "fcn8s", "inception_v3", "inception_v4"),
    *("inception_resnet_v2", "densenet_bc", "regnet_x", "regnet_y"),
)
"""What `make zoo` leaves for the end, so that a mistake is seen soon."""


def check(graph: Graph, training: tuple[bool, ...] = (False, True)) -> None:
    beside = Beside(graph)
    for one in training:
        found = beside.differences(one)
        name = max(found, key=found.__getitem__)
        if found[name] >= 1e-10:  # an attention without a scale takes the last digit of its input a long way
            assert found[name] < 10 * beside.rounding(one), (name, found[name], one)


@pytest.mark.parametrize(
    "path",
    [path for path in ZOO if path.stem in QUICK or path.parent.name == "notes"],
    ids=lambda path: path.stem,
)
def test_zoo_equals_torch(path: Path) -> None:
    first = variants(path)[0]
    check(load(text=smaller(path, first), variant=first))


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("path", "variant"),
    [
        (path, variant)
        for path in sorted(ZOO, key=lambda path: SLOW.index(path.stem) + 1 if path.stem in SLOW else 0)
        for variant in variants(path)
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else str(value),
)
def test_every_variant_equals_torch(path: Path, variant: str | None) -> None:
    check(load(text=smaller(path, variant), variant=variant))


@pytest.mark.parametrize("path", sampled(ZOO, 2), ids=lambda path: path.stem)
def test_program_imports_only_numpy_and_is_the_same_each_time(path: Path) -> None:
    for variant in variants(path)[:2]:
        graph = load(path, variant=variant)
        text = emit(graph)
        assert isinstance(text, str)
        assert text == emit(graph)
        assert "cnnspec" not in text
        assert "§" not in text
        tree = ast.parse(text)
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        assert [ast.unparse(node) for node in imports] == ["import numpy as np"]
        defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        assert len(set(defined)) == len(defined)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        called = {"init", "forward", "record", "backward", "loss_and_grads", "step"}
        assert set(defined) <= used | called, "a function that nothing uses"


def test_a_block_on_images_and_on_vectors_is_one_function() -> None:
    """Where it comes out alike; one that does not stays, and so do two blocks that the author wrote alike."""
    spec = """
    block act(k) { relu -> times k }
    block lin(k) { bn -> [ relu6 -> times i ]*k }
    block other(k) { relu -> times k }
    input 4x8x8
    act(2) -> other(3) -> lin(2) -> gap -> fc 6 -> act(3) -> lin(3) -> other(1)
    """
    graph = load(text=spec)
    functions = [node.name for node in ast.parse(emit(graph)).body if isinstance(node, ast.FunctionDef)]
    assert [name for name in functions if name.strip("2") in ("act", "other", "lin")] == [
        "act",
        "other",
        "lin",
    ]
    check(graph)


def test_every_layer_has_an_emitter() -> None:
    assert set(words()) <= set(EMITTERS)


def test_unknown_layer_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = load(text="input 3x8x8\nconv F3 K4\nrelu")
    monkeypatch.delitem(EMITTERS, "relu")
    made = emit(graph)
    assert not isinstance(made, str)
    (finding,) = made
    assert finding.code == "E801"
    assert "relu" in finding.message
    assert Source("", "input 3x8x8\nconv F3 K4\nrelu").text[slice(*finding.span)] == "relu"


def test_nothing_given_is_changed() -> None:
    module = program(
        emit(load(text="input 3x8x8\nconv F3 P1 K4 -> bn -> relu -> maxpool F2 -> flatten -> fc 3"))
    )  # type: ignore[arg-type]
    params = module.init(0, np.float64)
    x = np.random.default_rng(0).standard_normal((4, 3, 8, 8))
    for value in (*params.values(), x):
        value.setflags(write=False)
    loss, grads, dx, stats = module.loss_and_grads(params, x, np.array([0, 1, 2, 0]))
    assert loss > 0
    assert dx.shape == x.shape
    assert set(stats) == {"bn.running_mean", "bn.running_var", "bn.num_batches_tracked"}
    assert set(grads) == {key for key in params if key not in stats}


def test_a_few_steps_lower_the_loss() -> None:
    module = program(emit(load(SPECS / "classic/lenet5_modern.cnn")))  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    graph = load(SPECS / "classic/lenet5_modern.cnn")
    params = module.init(0)
    x, labels = (
        rng.standard_normal((16, *(graph.root.values[0] or ()))).astype(np.float32),
        rng.integers(0, 10, 16),
    )
    losses = []
    for _ in range(60):
        loss, grads, _, stats = module.loss_and_grads(params, x, labels, rng=rng)
        losses.append(loss)
        params = {
            key: value - 0.3 * grads[key] if key in grads else stats.get(key, value)
            for key, value in params.items()
        }
    assert losses[-1] < 0.5 * losses[0]
    assert all(value.dtype == np.float32 for value in params.values())


PIXEL = np.zeros((6, 6))
PIXEL[2, 2] = 1
BY_HAND = {
    "edge_detector": [
        # left half 10, right half 0: the answer of the notes
        ([[10, 10, 10, 0, 0, 0]] * 6, [[0, 30, 30, 0]] * 4),
        # the other way round the edge is dark to bright
        ([[0, 0, 0, 10, 10, 10]] * 6, [[0, -30, -30, 0]] * 4),
        # one bright pixel meets the filter's last number first: it slides, it is not turned round
        (PIXEL, [[-1, 0, 1, 0], [-1, 0, 1, 0], [-1, 0, 1, 0], [0, 0, 0, 0]]),
    ],
    "threshold_5x5": [
        # 3·255 - 500 = 265, 2·255 - 500 = 10, and what is below 0 does not pass
        (255 * np.diag([1, 1, 1, 1, 0]), [[265, 0, 0], [0, 265, 0], [0, 0, 10]]),
        (255 * np.diag([1, 1, 1, 1, 0])[:, ::-1], np.zeros((3, 3))),
    ],
}


@pytest.mark.parametrize(
    ("name", "image", "answer"), [(name, *pair) for name in BY_HAND for pair in BY_HAND[name]]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_that_are_written_down_give_what_comes_out_by_hand(
    name: str, image: Any, answer: Any, dtype: Any
) -> None:
    module = program(emit(load(SPECS / f"notes/{name}.cnn")))  # type: ignore[arg-type]
    made = module.forward(module.init(dtype=dtype), np.array(image, dtype)[None, None])
    assert np.array_equal(made, np.array(answer, dtype)[None, None])


def test_the_gradient_of_an_edge_by_hand() -> None:
    """One place of the output has seen nine numbers, each through its own weight."""
    module = program(emit(load(SPECS / "notes/edge_detector.cnn")))  # type: ignore[arg-type]
    _, net = module.record(module.init(dtype=np.float64), np.zeros((1, 1, 6, 6)))
    dy = np.zeros((1, 1, 4, 4))
    dy[0, 0, 1, 2] = 1
    dx, grads = module.backward(dy, net)
    expected = np.zeros((6, 6))
    expected[1:4, 2:5] = [[1, 0, -1]] * 3
    assert np.array_equal(dx[0, 0], expected)
    assert grads == {}, "the filter is frozen"


def test_every_spec_of_the_notes_with_weights_written_down_is_worked_out_by_hand() -> None:
    written = {path.stem for path in ZOO if "weight=" in path.read_text(encoding="utf-8")}
    assert written == set(BY_HAND)


HOSTILE = ['""" + exit() + """', "a\\rb = 1", "\\\\", "'''", "end\\"]


@pytest.mark.parametrize("title", HOSTILE)
def test_title_stays_in_the_docstring(title: str) -> None:
    graph = load(text="input 3x8x8\nconv F3 K4").model_copy(update={"title": title, "name": "Net"})
    text = emit(graph)
    assert isinstance(text, str)
    assert title.replace("\\", "") in (ast.get_docstring(ast.parse(text)) or "").replace("\\", "")
    program(text)


@pytest.mark.parametrize(("merge", "factor"), [("add", 3000), ("sub", -2998)])
def test_a_sum_of_very_many_is_short_lines(merge: str, factor: int) -> None:
    text = emit(load(text=f"input 1x1x2\n{merge} [ {' | '.join(['id'] * 3000)} ]"))
    assert isinstance(text, str)
    assert max(map(len, text.splitlines())) <= 110
    module = program(text)
    x = np.array([[[[1.0, -2.0]]]])
    y, net = module.record({}, x)
    assert np.array_equal(y, factor * x)
    assert np.array_equal(module.backward(np.ones_like(y), net)[0], np.full_like(x, factor))


def grown(seed: int) -> str:
    """A random valid network: each step draws its arguments from what the shape before allows."""
    chance = random.Random(seed)
    shape: tuple[int, ...] = (chance.randint(1, 8), chance.randint(4, 10), chance.randint(4, 10))
    lines = [f"input {'x'.join(map(str, shape))}"]
    for _ in range(chance.randint(1, 5)):
        for _ in range(20):
            op = lookup(chance.choice(words()))
            assert op is not None
            text = op.draw(chance, shape)
            if text is None or "init=zeros" in text:  # a norm of a constant has gradients of rounding alone
                continue
            if chance.random() < 0.3:
                text = chance.choice(
                    [f"add [ {text} | {text} ]", f"concat [ {text} | {text} ]", f"[{text}]*1"]
                )
            try:
                graph = load(text="\n".join([*lines, text]))
            except SpecError:
                continue
            out = graph.root.values[graph.root.outputs[0]]
            if out is None or int(np.prod(out)) > 20_000:
                continue
            lines.append(text)
            shape = out
            break
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(80))
def test_random_network_equals_torch(seed: int) -> None:
    text = grown(seed)
    for training in (False, True):
        found = compare(load(text=text), training, batch=3, seed=seed)
        worst = max(found, key=lambda name: found[name])
        assert found[worst] < 1e-9, (text, worst, found[worst])


def test_pieces_are_found_once_and_say_what_they_do() -> None:
    for name, piece in pieces().items():
        assert '"""' in piece.text or name.isupper() or piece.text.split(" = ")[1] in pieces(), name
        compile(piece.text, name, "exec")


def test_what_is_trained_follows_from_the_role_and_not_from_the_name() -> None:
    module = program(emit(load(text="input 3x4x4\nrelu")))  # type: ignore[arg-type]
    net = module.Net({}, rng=np.random.default_rng(0), draw=np.float64)
    for place in (net["a"], net["b"].frozen(), net["b"]["c"]):
        place.weight("table", (2, 3), lambda rng, shape, dtype: rng.random(shape, dtype))
        place.buffer("running_bias", (2,), lambda rng, shape, dtype: rng.random(shape, dtype))
    assert set(net.params) == {
        f"{place}.{name}" for place in ("a", "b", "b.c") for name in ("table", "running_bias")
    }
    assert set(net.trained) == {"a.table", "b.c.table"}


def test_pooling_with_same_padding_is_one_function_for_all_windows() -> None:
    graph = load(text="block p(k, s) { maxpool F=k S=s Psame }\ninput 3x12x12\np(2, 1) -> p(3, 2) -> p(2, 3)")
    text = str(emit(graph))
    assert "P=same(x, k, S=s)" in text
    assert "def p2(" not in text
    check(graph)


def test_what_is_trained_keeps_its_types_and_can_be_saved(tmp_path: Path) -> None:
    """A rate of NumPy's own type is float64; counters are arrays as weights are."""
    from safetensors.numpy import load_file, save_file

    module = program(emit(load(text="input 2x4x4\nconv F3 K3 -> bn -> relu\nflatten -> fc 2\n")))  # type: ignore[arg-type]
    params = module.init(0)
    before = {key: (value.dtype, value.shape) for key, value in params.items()}
    x = np.random.default_rng(1).standard_normal((8, 2, 4, 4)).astype(np.float32)
    labels = np.arange(8) % 2
    losses = []
    for _ in range(20):
        value, grads, _, stats = module.loss_and_grads(params, x, labels)
        losses.append(value)
        params = module.step(params, grads, stats, rate=np.float64(0.1))
    assert losses[-1] < losses[0] / 2
    assert {key: (value.dtype, value.shape) for key, value in params.items()} == before
    assert int(params["bn.num_batches_tracked"]) == 20
    assert module.forward(params, x).dtype == np.float32
    save_file(params, tmp_path / "trained.safetensors")
    for key, value in load_file(tmp_path / "trained.safetensors").items():
        np.testing.assert_array_equal(value, params[key])


def test_a_label_names_its_tensor_alone() -> None:
    """Two octave convolutions: high and low are read by both branches, and each tensor has its label."""
    text = """
block oct(@high, @low, k) {
  h: add [ @high -> conv F3 P1 K=k | @low -> conv F3 P1 K=k -> upsample 2 ] -> relu
  l: add [ @low -> conv F3 P1 K=k | @high -> avgpool F2 -> conv F3 P1 K=k ] -> relu
  output @h, @l
}
input 3x8x8
start: conv F3 P1 K4
half: @start -> avgpool F2
h1, l1: oct(@start, @half, 4)
h2, l2: oct(@h1, @l1, 4)
side: @start -> conv F1 K2
deep: @h2 -> conv F1 K2
output @side, @deep, @l2
"""
    graph = load(text=text)
    made = str(emit(graph))
    for line in ("h1, l1 = oct(", "h2, l2 = oct(", "return h, l_", "return side, deep, l2"):
        assert line in made
    for label in ("h1", "l1", "h2", "l2", "start"):
        assert len(re.findall(rf"^    (?:\w+, )*{label}(?:, \w+)* = ", made, re.M)) == 1, label
    check(graph)


TENSORS = """\
input 2x8x8
block mix(@high, @low, k, s=1) {
  a: @high -> if s > 1 [ avgpool F2 ] -> conv F3 P1 K=k
  b: @low -> if s > 1 [ avgpool F2 ] -> conv F3 P1 K=k -> upsample 2
  add [ @a | @b ]
}
h: conv F1 K3
l: avgpool F2
x: mix(@h, @l, 4)
y: avgpool F2
mix(@x, @y, 4, s=2)
"""


def test_a_block_takes_what_it_reads_and_decides_once() -> None:
    graph = load(text=TENSORS)
    text = emit(graph)
    assert isinstance(text, str)
    assert "\ndef mix(high, net, low, k, s=1):\n" in text
    assert text.count("when = s > 1\n") == 1
    assert "when2" not in text
    # the size of the tensor that a layer reads anyway gives it no name
    assert 'a = upsample(a, net["b"]["upsample"], out=(2 * a.shape[1], 2 * a.shape[2]))' in text
    assert max(compare(graph, training=True).values()) < 1e-9
