"""A layer's programs put to work: beside torch's own functions, and beside finite differences."""

from __future__ import annotations

import torch

from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph
from tests.oracle.network import run
from tests.targets.numpy.support import check_slopes, compare
from tests.targets.torch.support import (
    built,
    disturb,
    inputs_of,
    keys_of,
    outputs_of,
    shapes_of,
    single_threaded,
)


@single_threaded
def check(graph: Graph) -> None:
    """Every program of this network computes what its layers say."""
    numpy_program(graph)
    torch_program(graph)


def numpy_program(graph: Graph) -> None:
    for training in (False, True):
        for name, error in compare(graph, training).items():
            assert error < 1e-10, f"numpy, {'training' if training else 'evaluation'}: {name} is {error} off"
    check_slopes(graph, places=4)


def torch_program(graph: Graph) -> None:
    torch.manual_seed(1)
    model = built(graph).double().eval()
    state = model.state_dict()
    assert {key: tuple(value.shape) for key, value in state.items()} == keys_of(graph), "torch: state_dict"
    weights = {key: weight for entry in flat(graph) for key, weight in entry.weights}
    for key, parameter in model.named_parameters():
        assert parameter.requires_grad == (weights[key].role == "trainable"), f"torch: {key} is not frozen"
    if not any(weight.initial.values for weight in weights.values()):
        disturb(model)
    inputs = inputs_of(graph, dtype=torch.float64)
    with torch.no_grad():
        outputs = outputs_of(model(*(x.clone() for x in inputs)))
        expected = run(graph, model.state_dict(), inputs)
    assert [tuple(y.shape[1:]) for y in outputs] == shapes_of(graph)
    for output, other in zip(outputs, expected, strict=True):
        torch.testing.assert_close(output, other, rtol=1e-8, atol=3e-9, msg=lambda text: f"torch: {text}")
