"""What a trace or a layer list computes: its spec as a NumPy program, with the weights of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cnnspec import pipeline
from cnnspec.diagnostics import Source
from cnnspec.sources.calls.trace import Trace
from cnnspec.sources.calls.translate import layers_of
from cnnspec.sources.layers import Hole, LayerList
from cnnspec.structure import Spec, spec
from tests.targets.numpy.support import program

Array = np.ndarray[Any, Any]


def run(trace: Trace, weights: Mapping[str, Array], inputs: Sequence[Array]) -> tuple[Array, ...]:
    """The outputs of a trace that has no holes."""
    layers = layers_of(trace)
    assert not holes(layers), holes(layers)
    return computed(spec(layers), weights, inputs)


def holes(layers: LayerList) -> list[str]:
    return [f"{one.what}: {one.why}" for one in layers.layers if isinstance(one, Hole)]


def computed(made: Spec, weights: Mapping[str, Array], inputs: Sequence[Array]) -> tuple[Array, ...]:
    (model, *_) = pipeline.models(Source("model.cnn", made.text), lints=False)
    assert model.graph is not None, (made.text, model.findings)
    text = pipeline.program(model.graph, "numpy")
    assert isinstance(text, str), made.text
    emitted = program(text)
    params = emitted.init(0, np.float32)
    for key, its in made.keys.items():
        params[key] = np.asarray(weights[its]).reshape(params[key].shape)
    found = emitted.forward(params, *inputs)
    return found if isinstance(found, tuple) else (found,)
