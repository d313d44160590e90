"""Every translation of a Keras layer, executed: the original on Keras's torch backend, and the translation
with the same weights. It is skipped where Keras is not installed; `make keras` installs it and runs this.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="Keras is not installed: `make keras`")

import numpy as np  # noqa: E402
import torch  # noqa: E402

from cnnspec.notations import translate  # noqa: E402
from cnnspec.notations.entry import Entry  # noqa: E402
from cnnspec.notations.keras import KERAS  # noqa: E402
from cnnspec.notations.meanings import ACTIVATIONS  # noqa: E402
from tests.notations.drawn import calls  # noqa: E402
from tests.notations.test_programs import PROGRAMS  # noqa: E402
from tests.support import findings  # noqa: E402
from tests.targets.torch.support import built, graph_of, single_threaded  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
in_numpy = keras.ops.convert_to_numpy
LAYERS = vars(keras.layers)
EXECUTED = [entry for entry in KERAS if entry.here and not entry.why and not entry.here.startswith("input ")]


@pytest.fixture(autouse=True)
def _in_float64() -> Any:
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def same(written: str, here: str, takes: str, original: Any) -> None:
    """The output's shape, the weights' shapes and the numbers are those of the original."""
    numbers = np.random.default_rng(0)
    shape = tuple(map(int, takes.split("x")))
    data = numbers.uniform(-3, 3, (4, *shape))
    original(np.moveaxis(data, 1, -1), training=False)  # its weights have their shapes now
    for weight in original.weights:
        low = 0.5 if "variance" in weight.name else -1
        weight.assign(numbers.uniform(low, 1.5, weight.shape))
    model = built(graph_of(f"input {takes}\n{here}\n")).double()
    state = model.state_dict()
    own = [key for key in state if not key.endswith("num_batches_tracked")]
    given = [torch.tensor(in_our_layout(weight)) for weight in original.weights]
    if "conv F1" in here:  # a Dense at each position
        given = [one.reshape(*one.shape, *(1,) * (state[key].ndim - 2)) if one.ndim == 2 else one
                 for key, one in zip(own, given, strict=True)]  # fmt: skip
    assert [state[key].shape for key in own] == [one.shape for one in given], f"{written} is not {here}"
    model.load_state_dict({**state, **dict(zip(own, given, strict=True))})
    for training in (False, True):
        if training and "Dropout" in written:
            continue
        model.train(training)
        theirs = in_numpy(original(np.moveaxis(data, 1, -1), training=training))
        ours = model(torch.tensor(data)).detach().numpy()
        if "flatten" in here:  # the order of the numbers of a map
            theirs = theirs.reshape(4, *shape[1:], shape[0])
            ours = ours.reshape(4, *shape)
        theirs = np.moveaxis(theirs, -1, 1)
        if here in ("gap", "gmp") and theirs.ndim == 2:  # a vector there
            ours = ours.reshape(ours.shape[:2])
        assert ours.shape == theirs.shape, f"{written} is not {here}"
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, err_msg=f"{written} is not {here}")
    means = [key for key in own if key.endswith("running_mean")]
    for key, weight in zip(own, original.weights, strict=True):
        if key in means:
            np.testing.assert_allclose(model.state_dict()[key], in_numpy(weight.value), rtol=1e-6, atol=1e-9)


def in_our_layout(weight: Any) -> Any:
    """A kernel is (height, width, in, out) there, and (out, in, height, width) here."""
    value = in_numpy(weight.value)
    axes = value.ndim - 2
    if axes > 0 and "kernel" in weight.path:
        if "depthwise" in weight.path:
            turned = np.transpose(value, (axes, axes + 1, *range(axes)))
            return turned.reshape(-1, 1, *value.shape[:axes])
        return np.transpose(value, (axes + 1, axes, *range(axes)))
    if "alpha" in weight.path:
        return np.moveaxis(value, -1, 0) if value.shape[0] > 1 else value.reshape(-1)
    return value.T if value.ndim == 2 else value.reshape(-1)


@pytest.mark.parametrize("entry", EXECUTED, ids=[entry.example for entry in EXECUTED])
@single_threaded
def test_a_layer_of_keras_and_its_translation_compute_the_same(entry: Entry) -> None:
    same(entry.example, entry.here, entry.takes, eval(entry.example, {**LAYERS}))


@pytest.mark.parametrize("entry", EXECUTED, ids=[entry.example for entry in EXECUTED])
@single_threaded
def test_a_layer_with_any_arguments_and_its_translation_compute_the_same(entry: Entry) -> None:
    shape = tuple(map(int, entry.takes.split("x")))

    def takes(original: Any) -> None:
        original(np.zeros((4, *shape[1:], shape[0])), training=False)

    for written, original in calls(entry, LAYERS, takes, random.Random(entry.example)):
        found = translate(f"layers.{written}", 0)
        assert found is not None, written
        if not found.sure:
            continue
        if any(one.code.startswith("E") for one in findings(f"input {entry.takes}\n{found.text}\n")):
            continue
        same(written, found.text, entry.takes, original)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_spatial_dropout_sets_whole_maps_to_0(axes: int) -> None:
    original = LAYERS[f"SpatialDropout{axes}D"](0.5, seed=0)
    dropped = in_numpy(original(np.ones((4, *(5,) * axes, 16)), training=True)).reshape(4, -1, 16)
    assert ((dropped == 0).all(1) | (dropped == 2).all(1)).all()
    assert (dropped == 0).any()


@single_threaded
def test_a_functional_program_and_its_translation_compute_the_same() -> None:
    for case in ("Keras, functional", "Keras, at each position"):
        program_is_the_same(case)


def program_is_the_same(case: str) -> None:
    program, _, here = PROGRAMS[case]
    names: dict[str, Any] = {"keras": keras, "layers": keras.layers}
    exec(program, names)
    same(program, here, "3x32x32", names["model"])


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_an_activation_that_is_named_is_the_same(name: str) -> None:
    if name in ("none", "hardsilu", "hardswish", "logsoftmax"):
        pytest.skip("Keras writes it otherwise")
    found = translate(f"layers.Activation('{name}')", 0)
    assert found is not None
    if found.text != "id":
        same(name, found.text, "8x6x6", keras.layers.Activation(name))
