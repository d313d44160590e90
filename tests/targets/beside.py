"""The two programs of a spec beside each other: outputs and all gradients, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from cnnspec.ir.graph import Graph
from tests.targets.numpy.support import difference, program
from tests.targets.numpy.support import emit as emit_numpy
from tests.targets.torch.support import built


def differences(graph: Graph, training: bool = False, seed: int = 0) -> dict[str, float]:
    """Of outputs, running statistics and gradients, by name. Dropout is left out: its masks would differ."""
    text = emit_numpy(graph)
    assert isinstance(text, str), text
    module, rng = program(text), np.random.default_rng(seed)
    params = module.init(seed, np.float64)
    model = built(graph).double().train(training)
    assert set(model.state_dict()) == set(params)
    for key, value in params.items():
        if value.dtype == float:
            drawn = rng.standard_normal(value.shape) * 0.5
            params[key] = np.abs(drawn) + 0.5 if key.endswith("running_var") else drawn
        assert model.state_dict()[key].shape == value.shape, key
    model.load_state_dict({key: torch.tensor(value) for key, value in params.items()})
    root = graph.root
    xs = [rng.standard_normal((2, *(root.values[n] or ()))) for n in range(root.inputs)]
    ys, net = module.record(params, *xs, training=training)
    tensors = [torch.tensor(x, requires_grad=True) for x in xs]
    theirs: Any = model(*tensors)
    several = isinstance(ys, tuple)
    ours, theirs = (ys, tuple(theirs)) if several else ((ys,), (theirs,))
    found = {
        f"output {n}": difference(a, b.detach()) for n, (a, b) in enumerate(zip(ours, theirs, strict=True))
    }
    dys = [rng.standard_normal(y.shape) for y in ours]
    dx, grads = module.backward(tuple(dys) if several else dys[0], net)
    reached = [(y, torch.tensor(dy)) for y, dy in zip(theirs, dys, strict=True) if y.requires_grad]
    torch.autograd.backward([y for y, _ in reached], [dy for _, dy in reached])
    slopes = [
        (f"input {n}", a, t.grad)
        for n, (a, t) in enumerate(zip(dx if len(xs) > 1 else [dx], tensors, strict=True))
    ]
    trained = dict(model.named_parameters())
    assert {key for key, one in trained.items() if one.requires_grad} == set(grads)
    slopes += [(key, grads[key], trained[key].grad) for key in grads]
    largest = max((float(abs(b).max()) for _, _, b in slopes if b is not None and b.numel()), default=0)
    for key, a, b in slopes:
        found[f"d {key}"] = difference(a, np.zeros(a.shape) if b is None else b, max(1e-3 * largest, 1e-4))
    for key, value in net.stats.items():
        found[key] = difference(value, model.state_dict()[key])
    return found
