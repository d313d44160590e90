"""Keras's own networks beside the calls that their configurations become: equal outputs, the same weights."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="keras is not installed: make keras")

from cnnspec.sources.keras.config import load  # noqa: E402
from cnnspec.sources.keras.convert import convert  # noqa: E402
from tests.sources.built import Array, run  # noqa: E402

NETWORKS = ("MobileNet", "MobileNetV2", "MobileNetV3Small", "ResNet50", "ResNet50V2", "VGG16", "DenseNet121",
            "EfficientNetB0", "EfficientNetV2B0", "InceptionV3", "Xception", "InceptionResNetV2")  # fmt: skip


def _in_torch(weight: Any, depthwise: bool) -> Array:
    """A weight of Keras's in torch's layout: filters first."""
    value = np.asarray(weight.detach().cpu().numpy() if hasattr(weight, "detach") else weight)
    axes = value.ndim - 2
    if depthwise:
        return value.transpose(axes, axes + 1, *range(axes)).reshape(-1, 1, *value.shape[:axes])
    return value.transpose(axes + 1, axes, *range(axes)) if axes >= 0 and value.ndim > 1 else value


def _weights(model: Any) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for layer in model.layers:
        for weight in layer.weights:
            apart = weight.name == "depthwise_kernel" or (
                weight.name == "kernel" and type(layer).__name__.startswith("Depthwise")
            )
            found[f"{layer.name}/{weight.name}"] = _in_torch(weight.value, apart)
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_an_application_gives_the_same_output(name: str) -> None:
    size = 75 if "ception" in name else 64
    made = getattr(keras.applications, name)(
        weights=None, input_shape=(size, size, 3), include_top=False, pooling="avg"
    )
    trace = convert(load(made.to_json().encode()))
    weights = _weights(made)
    for one in trace.held:  # what has no weight in Keras: numbers of the file, and a `gamma` that is left out
        if one.kind == "constant":
            weights[one.key] = np.asarray(one.values, np.float32)
        elif one.kind == "weight" and one.key.endswith("/gamma"):
            weights.setdefault(one.key, np.ones(one.shape, np.float32))
    x = np.random.default_rng(0).random((1, 3, size, size), dtype=np.float32)
    (out,) = run(trace, weights, [x])
    expected = made(x.transpose(0, 2, 3, 1), training=False).detach().cpu().numpy()
    assert np.abs(out - expected).max() <= 1e-5 * np.abs(expected).max()
