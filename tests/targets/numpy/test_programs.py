"""Whole programs: every spec and variant of the zoo, what they import, that they are the same each time, the
matrix of layers, random networks."""

from __future__ import annotations

import ast
import random
import re
from pathlib import Path

import numpy as np
import pytest

from cnnspec.api import SpecError, load
from cnnspec.diagnostics import Source
from cnnspec.ops import lookup, words
from cnnspec.targets.numpy import emit
from cnnspec.targets.numpy.calls import EMITTERS
from cnnspec.targets.numpy.library import pieces
from tests.targets.numpy.support import compare, program

SPECS = Path(__file__).resolve().parents[3] / "specs"
ZOO = sorted(SPECS.rglob("*.cnn"))
WIDE = {"inception_v3": 139, "inception_v4": 139, "inception_resnet_v2": 139, "fcn8s": 64, "unet": 188}
"""The smallest inputs of networks that do not fit on 64x64."""
QUICK = (
    *("lenet5", "lenet5_modern", "googlenet", "densenet", "resnet_cifar", "mobilenet_v2", "mobilenet_v3"),
    *("shufflenet_v2", "squeezenet", "regnet_x", "lraspp_mobilenet_v3", "dcgan_generator", "srcnn"),
)
"""What the ordinary run holds against torch; `make zoo` takes every spec and variant."""


def variants(path: Path) -> list[str | None]:
    found = re.findall(r"^variant\s+(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [*found] or [None]


def smaller(path: Path) -> str:
    """The spec on a smaller input, where it has a large one; claims about it do not hold then."""
    text = path.read_text(encoding="utf-8")
    size = WIDE.get(path.stem, 64)
    text = re.sub(r"\br = \d{3,}", f"r = {size}", text)
    text = re.sub(
        r"^(input .*?\d)x(2\d\d|3\d\d|4\d\d|5\d\d)x\2", rf"\1x{size}x{size}", text, flags=re.MULTILINE
    )
    return re.sub(r"\s*=>.*$", "", text, flags=re.MULTILINE)


def check(text: str, variant: str | None, training: bool, batch: int = 2) -> None:
    try:
        graph = load(text=text, variant=variant)
    except SpecError as error:
        pytest.skip(f"does not fit a small input: {error}")
    for name, error_ in compare(graph, training, batch).items():
        assert error_ < 1e-10, (name, error_)


@pytest.mark.parametrize(
    "path",
    [path for path in ZOO if path.stem in QUICK or path.parent.name == "notes"],
    ids=lambda path: path.stem,
)
@pytest.mark.parametrize("training", [False, True])
def test_zoo_equals_torch(path: Path, training: bool) -> None:
    check(smaller(path), variants(path)[0], training)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("path", "variant"),
    [(path, variant) for path in ZOO for variant in variants(path)],
    ids=lambda value: value.stem if isinstance(value, Path) else str(value),
)
def test_every_variant_equals_torch(path: Path, variant: str | None) -> None:
    for training in (False, True):
        check(smaller(path), variant, training)


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_program_imports_only_numpy_and_is_the_same_each_time(path: Path) -> None:
    for variant in variants(path):
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
        called = {"init", "forward", "record", "backward", "loss_and_grads"}
        assert set(defined) <= used | called, "a function that nothing uses"


def test_every_layer_has_an_emitter() -> None:
    assert set(EMITTERS) == set(words())


@pytest.mark.parametrize("word", [word for word in words() if word != "none"])
@pytest.mark.parametrize("training", [False, True])
def test_example_of_every_layer(word: str, training: bool) -> None:
    op = lookup(word)
    assert op is not None
    text = re.sub(
        r"x(224|256|416|112|104|208|300|448)x\1",
        "x24x24",
        re.sub(r"\s*=>.*$", "", op.example, flags=re.MULTILINE),
    )
    check(text.replace("25088", "50").replace("4096", "16").replace("512x7x7", "32x7x7"), None, training)


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


NOTES = {
    # the vertical edges of a 6x6 image, left half 10, right half 0: the answer of the notes
    "edge_detector": (
        np.repeat([[10.0, 10, 10, 0, 0, 0]], 6, axis=0),
        np.repeat([[0.0, 30, 30, 0]], 4, axis=0),
    ),
}


def test_edge_detector_gives_the_matrix_of_the_notes() -> None:
    module = program(emit(load(SPECS / "notes/edge_detector.cnn")))  # type: ignore[arg-type]
    image, edges = NOTES["edge_detector"]
    assert np.array_equal(module.forward(module.init(), image[None, None])[0, 0], edges)


HOSTILE = ['""" + exit() + """', "a\\rb = 1", "\\\\", "'''", "end\\"]


@pytest.mark.parametrize("title", HOSTILE)
def test_title_stays_in_the_docstring(title: str) -> None:
    graph = load(text="input 3x8x8\nconv F3 K4").model_copy(update={"title": title, "name": "Net"})
    text = emit(graph)
    assert isinstance(text, str)
    assert title.replace("\\", "") in (ast.get_docstring(ast.parse(text)) or "").replace("\\", "")
    program(text)


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
            if text is None or text.startswith("none"):
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
    for piece in pieces().values():
        assert '"""' in piece.text, piece.name
        assert "type: ignore" not in piece.text
        compile(piece.text, piece.name, "exec")
