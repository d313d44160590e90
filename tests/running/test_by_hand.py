"""Sums written out, gradients and matrix products: each number against torch, or against the program."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch
from torch.nn import functional

from cnnspec.api import build, load
from cnnspec.cli.by_hand import asked, find
from cnnspec.ir.flat import flat
from cnnspec.ops import lookup, words
from cnnspec.report.gradients import gradients_as_text
from cnnspec.report.pages import page
from cnnspec.running.job import network, operation
from cnnspec.running.worker import messages, number
from cnnspec.running.worker.forward import doubled, ready
from cnnspec.running.worker.gradients import gradients
from cnnspec.running.worker.im2col import im2col

EXAMPLES = {word: op.example for word in words() if (op := lookup(word)) is not None and word != "none"}
ONE_LAYER = """
conv F3 K2 ~ conv F3x2 S2x1 P1x0 D1x2 K4 ~ conv F3 Psame S2 K4 G2 nobias
conv F3 K3 connect=[0 1; 1 2 3; 3] ~ dwconv F3 P1 ~ dwconv F3 S2 K8 nobias ~ deconv F3 S2 P1 K6 extra=1
deconv F2 S3 K4 G2 ~ deconv F4 S2 Psame K2 ~ maxpool F3 S2 P1 ~ maxpool F2 ceil ~ maxpool F2 S1 D2
maxpool Psame F3 S2 ~ maxpool out=3x2 ~ gmp ~ gap ~ avgpool F2 ~ avgpool F3 S2 P1
avgpool F3 S2 P1 ceil exclude_pad ~ avgpool F3 S2 ceil ~ avgpool out=3 ~ subsample F2 ~ cmean ~ cmax
softmax ~ logsoftmax ~ l2norm ~ lrn size=3 ~ lrn size=4 k=2 alpha=0.1 ~ bn ~ bn noaffine eps=0.1 ~ in
ln ~ gn G2 ~ relu ~ relu6 ~ leaky 0.2 ~ elu 0.5 ~ selu ~ gelu ~ silu ~ mish ~ hswish ~ hsigmoid
sigmoid ~ tanh amp=2 gain=0.5 ~ softplus ~ abs ~ prelu ~ prelu one ~ scale init=2 ~ times 0.3 ~ dropout
droppath ~ flatten ~ reshape 2x4x21 ~ upsample 2 ~ upsample 9x5 bilinear ~ pixelshuffle 2 ~ shuffle G2
slice 1:3 ~ crop 3x4 ~ crop 3x4 offset=1x2 ~ pad 1 ~ pad left=1 right=2 top=0 bottom=1 ~ pad 2 reflect
pad 1 replicate ~ pad channels=2 ~ flatten -> fc 5 ~ flatten -> rbf 4 ~ add [ id | times 2 ]
sub [ id | times 2 | id ] ~ mul [ id | gap ] ~ mul [ id | cmean ] ~ max [ id | times 2 ]
concat [ times 2 | id | times 3 ] ~ p: maxpool F3 S2 / times 2 / unpool like=@p
local F3 K2 P1 ~ local F2 K3 S2 nobias ~ exp ~ abs -> log ~ abs -> pow 1.5 ~ div [ id | exp ]
rms ~ grn ~ blur F3 P1 ~ coords ~ ln all ~ transpose ~ add weighted [ id | times 2 | exp ]
attention [ id | maxpool F2 | avgpool F2 ] ~ attention heads=2 relative [ id | times 2 | exp ]
attention heads=2 unscaled relative=query [ id | times 2 | exp ] ~ attention linear heads=2 [ id | exp | id ]
o: conv F3 S2 P1 K2 / o2: conv F1 K8 / conv F2 K3 S1 P1 D2 offsets=@o2
o: conv F1 K6 / conv F1x3 P0x1 K4 G2 offsets=@o
o: conv F1 K36 / m: conv F1 K18 -> sigmoid / conv F3 P1 K4 offsets=@o mask=@m
ln nobias ~ in running ~ softmax G2 ~ softmax positions ~ prelu positions ~ scale bias ~ upsample 9x5 bicubic
"""
"""Layers on 4x6x7, separated by ~."""
SIGNAL_LAYERS = """
conv F3 S2 P1 K2 ~ conv F1 K3 ~ conv F3 Psame D2 K4 G2 ~ dwconv F3 K8 ~ deconv F3 S2 P1 K4 extra=1
local F3 S2 K2
maxpool F3 S2 P1 ~ maxpool out=3 ~ gmp ~ gap ~ avgpool F3 S2 P1 ceil exclude_pad ~ avgpool out=4
subsample F2
cmean ~ softmax positions ~ bn ~ in ~ ln ~ ln all ~ gn G2 ~ grn ~ prelu positions ~ upsample 13 linear
attention relative [ id | times 2 | exp ] ~ attention relative=query [ id | times 2 | exp ]
blur F3 P1
crop 5 ~ pad left=1 right=2 reflect ~ pixelshuffle 2 ~ shuffle G2 ~ coords ~ mul [ id | gap ]
flatten -> fc 3
p: maxpool F2 / times 2 / unpool like=@p ~ conv F3 K3 connect=[0 1; 1 2 3; 3]
"""
"""Layers on 4x9."""
VOLUME_LAYERS = """
conv F3x2x1 S2x1x1 P1x0x0 K2 ~ conv F1 K3 ~ dwconv F3 P1 ~ deconv F2 S2 K4 G2 ~ deconv F3 S2 Psame K2
local F2 K2
maxpool F2 ~ maxpool out=2x3x1 ~ gmp ~ gap ~ avgpool F3 S2 P1 ceil ~ avgpool out=2 ~ subsample F2 ~ cmax
attention heads=2 relative=query [ id | times 2 | exp ]
softmax positions ~ bn ~ in ~ ln ~ gn G2 ~ upsample 2 trilinear ~ crop 2x3x3 ~ pad 1 replicate ~ coords
transpose
pad front=1 back=0 top=0 bottom=0 left=0 right=2 ~ pixelshuffle 1x2x2 ~ mul [ id | gap ] ~ flatten -> fc 3
"""
"""Layers on 4x3x4x5."""
ON = [
    (shape, one.strip())
    for shape, layers in (("4x6x7", ONE_LAYER), ("4x9", SIGNAL_LAYERS), ("4x3x4x5", VOLUME_LAYERS))
    for one in re.split("[~\n]", layers.strip())
]


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "report", lambda event, **what: None)


SYMBOL = re.compile(r"(?<![\w.'])([A-Za-zΑ-Ωα-ω]\u0302?)(?![\w\u0302'])")
"""A single letter in a formula: `x`, `x̂`, `Σ`."""


def undefined(lines: list[str]) -> set[str]:
    """The symbols in the formulas of a sheet that it does not define itself, `g = √(Σ x²)`."""
    formulas = [line for line in lines if " = " in line]
    defined = {name for line in formulas for name in re.findall(r"(?:^|; )(\w) = ", line)} - {"y"}
    used = {symbol for line in formulas for symbol in SYMBOL.findall(line.partition(": ")[0])}
    return used - defined - {"a", "e"}


def job_of(folder: Path, spec: str, **more: Any) -> dict[str, Any]:
    """A job as the child reads it, with the NumPy program in its folder."""
    (folder / "program_numpy.py").write_text(build(text=spec, target="numpy"), encoding="utf-8")
    options = {"files": {}, "weights_file": None, "seed": 3, "batch": 1, "resize": False, "scale": 1.0}
    job = {**network(load(text=spec)), **options, "mean": [], "std": [], **more}
    read: dict[str, Any] = json.loads(json.dumps(job))
    return read


def torch_model(spec: str, job: dict[str, Any], folder: Path) -> tuple[Any, list[torch.Tensor]]:
    """The torch program with the NumPy program's weights, and the input, in float64."""
    names: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(build(text=spec, target="torch"), "program_torch.py", "exec"), names)
    model = [one for one in names.values() if isinstance(one, type) and issubclass(one, torch.nn.Module)][
        -1
    ]().double()
    given = ready(job, str(folder))
    model.load_state_dict({key: torch.from_numpy(value) for key, value in doubled(given.params).items()})
    return model.eval(), [torch.from_numpy(one) for one in doubled(given.inputs).values()]


@pytest.mark.parametrize(("shape", "layer"), ON)
def test_one_number_is_torchs(tmp_path: Path, shape: str, layer: str) -> None:
    spec = f"input {shape} / {layer} / ".replace(" / ", "\n")
    *_, entry = flat(load(text=spec))
    assert entry.op is not None
    assert entry.out is not None
    row = len(list(flat(load(text=spec)))) - 1
    op = operation(entry.op, *(shape for shape in entry.input_shapes if shape is not None))
    chance = random.Random(layer)
    for _ in range(3):
        at = [chance.randrange(size) for size in entry.out]
        job = job_of(tmp_path, spec, row=row, op=op, at=at)
        model, inputs = torch_model(spec, job, tmp_path)
        with torch.no_grad():
            expected = float(model(*inputs)[0][tuple(at)])
        made = number.work(job, str(tmp_path))
        assert made["value"] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert made["program"] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert made["lines"][-1].startswith("y = ")
        titles = [
            part["title"] for part in made["parts"]
        ]  # a part may define its numbers: `g = √(Σ x²) of …`
        for symbol in undefined([*titles, *made["lines"]]):
            assert page(symbol), (symbol, made["lines"])


@pytest.mark.parametrize("word", EXAMPLES)
def test_every_layer_has_a_sheet(tmp_path: Path, word: str) -> None:
    spec = EXAMPLES[word]
    graph = load(text=spec)
    rows = [
        (row, entry)
        for row, entry in enumerate(flat(graph))
        if entry.op is not None and entry.op.word == word
    ]
    for row, entry in rows[-1:]:
        assert entry.op is not None
        assert entry.out is not None
        op = operation(entry.op, *(shape for shape in entry.input_shapes if shape is not None))
        job = job_of(tmp_path, spec, row=row, op=op, at=[0] * len(entry.out))
        made = number.work(job, str(tmp_path))
        assert made["value"] == pytest.approx(made["program"], rel=1e-9, abs=1e-12)


def test_a_shared_layers_own_use_is_shown(tmp_path: Path) -> None:
    spec = "shared s(k) { conv F1 K=k -> flatten }\ninput a: 2x2x2\ninput b: 2x2x2\n"
    spec += "concat [ @a -> s(2) | @b -> s(2) ]\n"
    graph = load(text=spec)
    for row, entry in enumerate(flat(graph)):
        assert entry.op is not None
        assert entry.out is not None
        op = operation(entry.op, *(shape for shape in entry.input_shapes if shape is not None))
        for at in ([0] * len(entry.out), [size - 1 for size in entry.out]):
            made = number.work(job_of(tmp_path, spec, row=row, op=op, at=at), str(tmp_path))
            assert made["value"] == pytest.approx(made["program"])


def test_a_sheet_has_an_end(tmp_path: Path) -> None:
    job = job_of(tmp_path, "input 100000\nfc 1\n", row=0, op={"word": "fc"}, at=[0])
    made = number.work(job, str(tmp_path))
    assert made["parts"][0]["grids"] == {}
    assert made["value"] == pytest.approx(made["program"])


# --- matrix products --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer", ["conv F3 K2", "conv F3x2 S2x1 P1x0 D1x2 K4", "conv F3 Psame S2 K4 G2", "dwconv F3 P1 K8"]
)
def test_patches_are_those_of_unfold(tmp_path: Path, layer: str) -> None:
    made, (x,), (y,) = product(tmp_path, f"input 4x6x7\n{layer}\n")
    op = made["op"]
    (top, bottom), (left, right) = op["padding"]
    wide = functional.pad(x, (left, right, top, bottom))
    patches = functional.unfold(wide, op["F"], op["D"], 0, op["S"])[0].numpy()
    found = np.concatenate([one["patches"]["values"] for one in made["matrices"]])
    np.testing.assert_allclose(found, patches, rtol=0, atol=0)
    products = np.concatenate([one["product"]["values"] for one in made["matrices"]])
    bias = np.zeros(len(y)) if made["bias"] is None else np.array(made["bias"])
    np.testing.assert_allclose(products + bias[:, None], y.reshape(len(y), -1).numpy(), atol=1e-12)


def test_the_patches_of_a_deconv_are_folded(tmp_path: Path) -> None:
    made, _, (y,) = product(tmp_path, "input 4x5x6\ndeconv F3 S2 P1 K2 nobias\n")
    patches = torch.tensor(made["matrices"][0]["product"]["values"], dtype=torch.float64)[None]
    folded = functional.fold(patches, tuple(y.shape[1:]), 3, 1, 1, 2)[0]
    np.testing.assert_allclose(folded.numpy(), y.numpy(), atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "layer"), [("4x9", "conv F3 S2 P1 D2 K2"), ("2x3x4x5", "conv F2x3x1 P1x0x0 K3")]
)
def test_signals_and_volumes_are_products_too(tmp_path: Path, shape: str, layer: str) -> None:
    made, _, (y,) = product(tmp_path, f"input {shape}\n{layer} nobias\n")
    found = np.array(made["matrices"][0]["product"]["values"])
    np.testing.assert_allclose(found, y.reshape(len(y), -1).numpy(), atol=1e-12)


def test_tables_and_vectors_are_products_too(tmp_path: Path) -> None:
    made, _, (y,) = product(tmp_path, "input 4x5x5\nconv F3 K3 nobias connect=[0 1; 1 2 3; 3]\n")
    np.testing.assert_allclose(
        np.ravel(made["matrices"][0]["product"]["values"]), y.ravel().numpy(), atol=1e-12
    )
    made, _, (y,) = product(tmp_path, "input 7\nfc 3 nobias\n")
    np.testing.assert_allclose(np.ravel(made["matrices"][0]["product"]["values"]), y.numpy(), atol=1e-12)


def test_a_locally_connected_layer_is_one_product_for_each_position(tmp_path: Path) -> None:
    made, _, (y,) = product(tmp_path, "input 2x5x4\nlocal F3 S2 P1 K3\n")
    assert made["products"] == 6
    products = np.concatenate([one["product"]["values"] for one in made["matrices"]], axis=1)
    bias = np.reshape(made["bias"], (3, -1))
    np.testing.assert_allclose(products + bias, y.reshape(3, -1).numpy(), atol=1e-12)


def test_large_matrices_are_shapes_only(tmp_path: Path) -> None:
    made, _, _ = product(tmp_path, "input 64x80x80\nconv F3 P1 K2\n")
    assert made["matrices"][0]["patches"] == {"shape": (576, 6400), "values": None}


def product(folder: Path, spec: str) -> tuple[dict[str, Any], list[torch.Tensor], list[torch.Tensor]]:
    graph = load(text=spec)
    _, entry, _ = find(graph, next(flat(graph)).path)
    assert entry is not None
    more = asked(none_of() | {"im2col": entry.path}, graph, "x.cnn")
    job = job_of(folder, spec, **more)
    model, inputs = torch_model(spec, job, folder)
    with torch.no_grad():
        y = model(*inputs)
    return im2col(job, ready(job, str(folder))) | {"op": job["im2col"]["op"]}, inputs, [y[0]]


def none_of() -> dict[str, Any]:
    nothing = dict.fromkeys(("loss", "loss_of", "target", "im2col"))
    return {"grad": False, "train": False, "label": [], **nothing}


# --- gradients --------------------------------------------------------------------------------------------

NETWORK = (
    "input 2x6x6\nc: conv F3 P1 K4 -> bn -> relu\npool: maxpool F2\n"
    "body: conv F3 P1 K4 -> tanh\nflat: flatten -> fc 5"
)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("last", "labels"), [("", [3]), (" -> softmax", [1]), (" -> logsoftmax", [0, 4])])
def test_gradients_are_torchs(tmp_path: Path, training: bool, last: str, labels: list[int]) -> None:
    spec = NETWORK + last + "\n"
    graph = load(text=spec)
    more = asked(none_of() | {"label": labels, "train": training}, graph, "x.cnn")
    job = job_of(tmp_path, spec, **more) | {"batch": len(labels)}
    found = gradients(job, ready(job, str(tmp_path)))
    model, (x,) = torch_model(spec, job, tmp_path)
    model.train(training)
    seen: dict[str, tuple[Any, Any]] = {}
    for name, module in model.named_modules():
        if hasattr(module, "inplace"):
            module.inplace = False  # else hooks see overwritten numbers
        module.register_full_backward_hook(
            lambda module, dx, dy, name=name: seen.__setitem__(name, (dy[0], dx[0]))
        )
    x.requires_grad_()
    made = model(x)
    logs = {"": lambda y: y.log_softmax(1), " -> softmax": torch.log, " -> logsoftmax": lambda y: y}[last](
        made
    )
    loss = functional.nll_loss(logs, torch.tensor(labels))
    loss.backward()
    assert found["loss"]["value"] == pytest.approx(float(loss.detach()))
    for key, weight in model.named_parameters():
        assert found["weights"][key]["norm"] == pytest.approx(float(weight.grad.norm()), rel=1e-9)
    names = [job["rows"][one["row"]]["attribute"] for one in found["layers"]]
    assert names[::-1] == [row["attribute"] for row in job["rows"]]
    compared = 0
    for one, name in zip(found["layers"], names, strict=True):
        if name in seen:
            compared += 1
            for own, theirs in zip((one["arrives"], one["leaves"][0]), seen[name], strict=True):
                assert own["shape"] == list(theirs.shape[1:])
                assert own["norm"] == pytest.approx(float(theirs.norm()), rel=1e-9)
                assert own["min"] == pytest.approx(float(theirs.min()), rel=1e-9)
    assert compared >= 8
    assert found["inputs"][0]["norm"] == pytest.approx(float(x.grad.norm()), rel=1e-9)


@pytest.mark.parametrize(("name", "factor"), [(None, 1.0), ("b", 3.0)])
def test_the_loss_is_of_one_output(tmp_path: Path, name: str | None, factor: float) -> None:
    spec = "input 2x2x2\na: id\nb: @a -> times 3\noutput @a, @b\n"
    more = asked(none_of() | {"grad": True, "loss_of": name}, load(text=spec), "x.cnn")
    job = job_of(tmp_path, spec, **more)
    found = gradients(job, ready(job, str(tmp_path)))
    assert np.ravel(found["inputs"][0]["values"]).tolist() == [factor] * 8
    shown = "".join(map(str, gradients_as_text(job, found)))
    own, other = ("b", "a") if name else ("a", "b")
    assert f"L depends on the output {own} only, not on {other}" in shown


def test_an_output_that_there_is_not_is_named() -> None:
    with pytest.raises(click.UsageError, match="no output is named c; the outputs are output"):
        asked(none_of() | {"loss_of": "c"}, load(text="input 2x2x2\nrelu\n"), "x.cnn")


def test_maxima_have_their_places(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,5,2,2\n3,4,2,2\n0,0,9,8\n0,0,7,9\n")
    spec = "input 1x4x4\nmaxpool F2\n"
    more = asked(none_of() | {"grad": True}, load(text=spec), "x.cnn")
    job = job_of(tmp_path, spec, **more) | {"files": {"input": str(tmp_path / "x.csv")}}
    (pool,) = gradients(job, ready(job, str(tmp_path)))["layers"]
    assert pool["maxima"] == [[[[0, 1], [0, 2]], [[2, 0], [2, 2]]]]
    assert pool["leaves"][0]["values"] == [[[0, 1, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]]


def test_maxima_of_a_volume_have_their_places(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,5\n3,4\n\n0,0\n7,0\n")
    spec = "input 1x2x2x2\nmaxpool F2\n"
    more = asked(none_of() | {"grad": True}, load(text=spec), "x.cnn")
    job = job_of(tmp_path, spec, **more) | {"files": {"input": str(tmp_path / "x.csv")}}
    (pool,) = gradients(job, ready(job, str(tmp_path)))["layers"]
    assert pool["maxima"] == [[[[[1, 1, 0]]]]]
    assert pool["leaves"][0]["values"] == [[[0, 0], [0, 0], [0, 0], [1, 0]]]


def test_squared_error_has_a_target(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1,2\n")
    (tmp_path / "x.csv").write_text("3,5\n")
    spec = "input 2\ntimes 1\n"
    more = asked(none_of() | {"target": str(tmp_path / "t.csv")}, load(text=spec), "x.cnn")
    job = job_of(tmp_path, spec, **more) | {"files": {"input": str(tmp_path / "x.csv")}}
    found = gradients(job, ready(job, str(tmp_path)))
    assert found["loss"] == {"name": "squared_error", "value": 6.5}
    assert found["inputs"][0]["values"] == [2, 3]
