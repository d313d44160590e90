"""Keras's configurations, of versions 2 and 3, as calls: built and run, or refused with a reason."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from cnnspec.sources.calls.trace import Trace
from cnnspec.sources.calls.translate import layers_of
from cnnspec.sources.keras.config import Refused, load
from cnnspec.sources.keras.convert import convert
from cnnspec.structure import spec
from tests.sources.built import run

CONV = {"filters": 4, "kernel_size": [3, 3], "strides": [2, 2], "padding": "same", "use_bias": False}


def layer(kind: str, name: str, inputs: list[Any] | None = None, **config: Any) -> dict[str, Any]:
    """A layer of version 3; inputs are names of layers, or numbers."""

    def one(value: Any) -> Any:
        history = {"shape": [None], "dtype": "float32", "keras_history": [value, 0, 0]}
        return {"class_name": "__keras_tensor__", "config": history} if isinstance(value, str) else value

    args = [one(value) for value in inputs or ()]
    nodes = [{"args": [args] if kind in ("Concatenate", "Average") else args, "kwargs": {}}] if args else []
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def model(*layers: dict[str, Any], last: str = "") -> bytes:
    end = last or layers[-1]["name"]
    config = {"name": "m", "layers": layers, "input_layers": ["x", 0, 0], "output_layers": [end, 0, 0]}
    return json.dumps({"class_name": "Functional", "config": config}).encode()


def ops_of(trace: Trace) -> list[str]:
    return [call.op for call in trace.calls]


def entering(*shape: int) -> dict[str, Any]:
    return layer("InputLayer", "x", batch_shape=[None, *shape])


def test_same_padding_is_uneven_behind() -> None:
    """Of 8 positions at a stride of 2, "same" pads one, behind."""
    trace = convert(load(model(entering(8, 8, 3), layer("Conv2D", "c", ["x"], **CONV))))
    x = np.random.default_rng(0).standard_normal((1, 3, 8, 8), dtype=np.float32)
    weight = np.random.default_rng(1).standard_normal((4, 3, 3, 3), dtype=np.float32)
    padded = functional.pad(torch.from_numpy(x), (0, 1, 0, 1))
    expected = functional.conv2d(padded, torch.from_numpy(weight), stride=2)
    (out,) = run(trace, {"c/kernel": weight}, [x])
    assert np.allclose(out, expected.numpy(), atol=1e-5)


def test_flattening_goes_row_by_row_with_the_channels_last() -> None:
    trace = convert(load(model(entering(2, 2, 3), layer("Flatten", "f", ["x"]))))
    x = np.arange(12, dtype=np.float32).reshape(1, 3, 2, 2)
    (out,) = run(trace, {}, [x])
    assert out.tolist() == [x.transpose(0, 2, 3, 1).ravel().tolist()]


def test_numbers_among_the_operands() -> None:
    """`x + 3` and `2 · x`, as operations of version 3."""
    trace = convert(
        load(model(entering(4), layer("Add", "a", ["x", 3.0]), layer("Multiply", "m", [2.0, "a"])))
    )
    (out,) = run(trace, {}, [np.ones((1, 4), np.float32)])
    assert out.tolist() == [[8.0] * 4]


def test_version_2() -> None:
    """Nodes as lists, an activation by name, `batch_input_shape`."""
    layers = [
        {
            "class_name": "InputLayer",
            "name": "x",
            "config": {"batch_input_shape": [None, 6], "name": "x"},
            "inbound_nodes": [],
        },
        {
            "class_name": "Dense",
            "name": "d",
            "config": {"name": "d", "units": 3, "activation": "relu", "use_bias": True},
            "inbound_nodes": [[["x", 0, 0, {}]]],
        },
        {
            "class_name": "Concatenate",
            "name": "c",
            "config": {"name": "c", "axis": -1},
            "inbound_nodes": [[["x", 0, 0, {}], ["d", 0, 0, {}]]],
        },
    ]
    config = {"name": "m", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["c", 0, 0]]}
    trace = convert(load(json.dumps({"class_name": "Model", "config": config}).encode()))
    assert ops_of(trace) == ["linear", "relu", "cat"]
    assert trace.keys == {"d/kernel": (3, 6), "d/bias": (3,)}
    assert trace.calls[-1].shapes == ((1, 9),)


def test_a_sequential_model_in_another() -> None:
    inner = {
        "class_name": "Sequential",
        "name": "head",
        "inbound_nodes": layer("Dense", "", ["x"])["inbound_nodes"],
        "config": {"name": "head", "layers": [layer("Dense", "d", units=3), layer("Softmax", "s", axis=-1)]},
    }
    trace = convert(load(model(entering(6), inner, last="head")))
    assert ops_of(trace) == ["linear", "softmax"]
    assert [scope.path for scope in trace.calls[0].scopes] == ["", "head"]
    assert list(trace.keys) == ["head/d/kernel", "head/d/bias"]


def test_a_layer_that_is_called_twice_has_one_weight() -> None:
    twice = layer("Dense", "d", ["x"], units=6)
    twice["inbound_nodes"] += layer("Dense", "d", ["d"], units=6)["inbound_nodes"]
    trace = convert(load(model(entering(6), twice)))
    assert ops_of(trace) == ["linear", "linear"]
    assert len(trace.keys) == 2


def test_a_keras_file_is_a_zip_with_the_configuration() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("config.json", model(entering(6), layer("Dense", "d", ["x"], units=3)))
        archive.writestr("model.weights.h5", b"")
    assert ops_of(convert(load(data.getvalue()))) == ["linear"]


def bomb() -> bytes:
    """A configuration of 100 MB in a file of 100 KB."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * 100_000_000)
    return data.getvalue()


def nested(depth: int) -> bytes:
    inner: dict[str, Any] = layer("Dense", "d", units=3)
    for place in range(depth):
        inner = {
            "class_name": "Sequential",
            "name": f"s{place}",
            "config": {"name": f"s{place}", "layers": [inner]},
        }
    return json.dumps(inner | {"build_config": {"input_shape": [None, 6]}}).encode()


WAITING = model(entering(6), layer("Dense", "a", ["b"], units=3), layer("Dense", "b", ["a"], units=3))
LAMBDA = model(
    entering(6),
    layer("Lambda", "f", ["x"], function={"class_name": "__lambda__", "config": {"code": "4wEA"}}),
)
REFUSED = {
    "no json": (b"{", "not JSON"),
    "deep json": (b"[" * 100_000, "not JSON"),
    "a list": (b"[]", "subclassed"),
    "subclassed": (b'{"class_name": "MyModel", "config": {}}', "subclassed"),
    "no config": (b'{"class_name": "Functional", "config": {"layers": []}}', "not the configuration"),
    "no zip": (b"PK\x03\x04 and so on", "not a .keras file"),
    "bomb": (bomb(), "bytes"),
    "deep": (nested(30), "deep"),
    "waiting": (WAITING, "waits for itself"),
    "lambda": (LAMBDA, "Lambda"),
    "open size": (model(layer("InputLayer", "x", batch_shape=[None, None, None, 3])), "say it"),
    "huge": (model(entering(2**40)), "size"),
    "unfit": (
        model(entering(4, 4, 3), layer("Reshape", "r", ["x"], target_shape=[5, 5])),
        "cannot be reshaped",
    ),
    "words for numbers": (
        model(entering(4, 4, 3), layer("Conv2D", "c", ["x"], **CONV | {"filters": "x"})),
        "Conv2D",
    ),
    "unknown": (model(entering(4), layer("MultiHeadAttention", "a", ["x"])), "no layer of the language"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_why(name: str) -> None:
    data, says = REFUSED[name]
    with pytest.raises(Refused, match=says):
        convert(load(data))


def test_an_output_that_is_a_map_has_its_channels_first() -> None:
    trace = convert(load(model(entering(8, 8, 3), layer("Conv2D", "c", ["x"], **CONV))))
    assert "conv F3 S2 Psame K4 nobias" in spec(layers_of(trace)).text
    assert layers_of(trace).layers[-1].shape == (4, 4, 4)


def test_an_average_counts_no_padding() -> None:
    pool = layer("AveragePooling2D", "p", ["x"], pool_size=[2, 2], strides=[2, 2], padding="same")
    trace = convert(load(model(entering(3, 3, 1), pool)))
    assert "avgpool F2 Psame exclude_pad" in spec(layers_of(trace)).text
    (out,) = run(trace, {}, [np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)])
    assert out.tolist() == [[[[2.0, 3.5], [6.5, 8.0]]]]


def test_a_transposed_convolution_that_is_cut_unlike() -> None:
    """Of a filter of 3 at a stride of 2, "same" cuts one position, behind."""
    options = CONV | {"filters": 2}
    trace = convert(load(model(entering(3, 3, 4), layer("Conv2DTranspose", "d", ["x"], **options))))
    x = np.random.default_rng(0).standard_normal((1, 4, 3, 3), dtype=np.float32)
    weight = np.random.default_rng(1).standard_normal((4, 2, 3, 3), dtype=np.float32)
    (out,) = run(trace, {"d/kernel": weight}, [x])
    whole = functional.conv_transpose2d(torch.from_numpy(x), torch.from_numpy(weight), stride=2)
    assert np.allclose(out, whole[:, :, :6, :6].numpy(), atol=1e-5)
