"""Every construct of the language: the emitted classes compute what the flat list of layers computes."""

from __future__ import annotations

import pytest
import torch

from tests.oracle.network import run
from tests.targets.torch.constructs import CONSTRUCTS
from tests.targets.torch.support import built, disturb, graph_of, inputs_of, keys_of, outputs_of, shapes_of


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_the_emitted_forward_is_the_flat_list(name: str) -> None:
    graph = graph_of(CONSTRUCTS[name])
    torch.manual_seed(0)
    model = built(graph).double()
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == keys_of(graph)
    disturb(model)
    inputs = inputs_of(graph, dtype=torch.float64)
    for training in (False, True):
        model.train(training)
        state = {key: value.detach().clone() for key, value in model.state_dict().items()}
        with torch.no_grad():
            outputs = outputs_of(model(*(x.clone() for x in inputs)))
            expected = run(graph, state, inputs, training=training)
        assert [tuple(y.shape[1:]) for y in outputs] == shapes_of(graph)
        for output, other in zip(outputs, expected, strict=True):
            torch.testing.assert_close(output, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_gradients_go_back_through_it(name: str) -> None:
    """What an activation overwrites is nothing that the way back needs: torch refuses otherwise."""
    graph = graph_of(CONSTRUCTS[name])
    model = built(graph).double()
    disturb(model)
    inputs = [x.requires_grad_() for x in inputs_of(graph, dtype=torch.float64)]
    trained = dict(model.named_parameters())
    state = {
        key: value.detach().clone().requires_grad_(key in trained)
        for key, value in model.state_dict().items()
    }
    sum(y.square().sum() for y in outputs_of(model.eval()(*inputs))).backward()  # type: ignore[union-attr]
    first = [x.grad for x in inputs]
    again = [x.detach().clone().requires_grad_() for x in inputs]
    sum(y.square().sum() for y in run(graph, state, again)).backward()  # type: ignore[union-attr]
    for gradient, x in zip(first, again, strict=True):
        torch.testing.assert_close(gradient, x.grad, rtol=1e-8, atol=1e-8)
    for key, parameter in model.named_parameters():
        torch.testing.assert_close(
            parameter.grad, state[key].grad, rtol=1e-7, atol=1e-7, msg=lambda text, key=key: f"{key}: {text}"
        )
