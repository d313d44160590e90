"""Running an emitted program beside the reference."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import torch

from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph
from cnnspec.targets.numpy import emit
from tests.targets.numpy import reference

torch.set_num_threads(1)  # several threads wait for each other where tests share a machine


def program(text: str) -> Any:
    """The emitted text as a module."""
    module = types.ModuleType("emitted")
    exec(compile(text, "<emitted>", "exec"), module.__dict__)
    return module


def difference(ours: Any, theirs: Any, least: float = 1e-30) -> float:
    """The largest difference over the largest value (over `least`, where all values are next to nothing)."""
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    if theirs.size == 0:
        return 0.0
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), least))


def compare(
    graph: Graph, training: bool, batch: int = 2, seed: int = 0, text: str | None = None
) -> dict[str, float]:
    """The emitted program against torch in float64: outputs, running statistics, all gradients, by name."""
    if text is None:
        made = emit(graph)
        assert isinstance(made, str), made
        text = made
    module = program(text)
    rng = np.random.default_rng(seed)
    params = module.init(seed, np.float64)
    for key, value in params.items():  # statistics and affine weights that are not 0 and 1
        if key.endswith("running_var"):
            params[key] = rng.uniform(0.5, 2, value.shape)
        elif value.ndim == 1 and value.dtype == float:
            params[key] = value + rng.normal(0, 0.1, value.shape)
    roles = {key: weight for entry in flat(graph) for key, weight in entry.weights}
    assert set(roles) == set(params)
    for key, weight in roles.items():
        assert params[key].shape == weight.shape, key
    inputs = [rng.standard_normal((batch, *(graph.root.values[n] or ()))) for n in range(len(graph.inputs))]
    masks = {}
    for entry in flat(graph):
        if entry.op is not None and entry.op.word in ("dropout", "droppath"):
            shape = (batch, *(entry.out or ())) if entry.op.word == "dropout" else (batch,)
            masks[entry.attribute] = rng.random(shape) >= float(entry.op.p)
    before = {key: value.copy() for key, value in params.items()}
    y, net = module.record(params, *inputs, training=training, masks=masks)
    ys = y if isinstance(y, tuple) else (y,)

    theirs = {key: torch.from_numpy(value.copy()) for key, value in params.items()}
    for key, weight in roles.items():
        theirs[key].requires_grad_(weight.role == "trainable")
    x = [torch.from_numpy(one.copy()).requires_grad_() for one in inputs]
    ty = reference.run(graph, theirs, x, training, {k: torch.from_numpy(m) for k, m in masks.items()})
    found = {f"output{n}": difference(a, b.detach()) for n, (a, b) in enumerate(zip(ys, ty, strict=True))}
    plain = module.forward(params, *inputs, training=training, masks=masks)
    for n, one in enumerate(plain if isinstance(plain, tuple) else (plain,)):
        found[f"forward{n}"] = difference(one, ys[n])

    dys = [rng.standard_normal(one.shape) for one in ys]
    dx, grads = module.backward(tuple(dys) if len(dys) > 1 else dys[0], net)
    torch.autograd.backward(ty, [torch.from_numpy(one) for one in dys])
    for n, (a, b) in enumerate(zip(dx if isinstance(dx, tuple) else (dx,), x, strict=True)):
        expected_dx = b.grad if b.grad is not None else torch.zeros_like(b)
        found[f"dinput{n}"] = difference(a, expected_dx, 1e-6)
    wanted = {key for key, weight in roles.items() if weight.role == "trainable"}
    assert set(grads) == wanted, set(grads) ^ wanted
    zero = {key: torch.zeros_like(theirs[key]) for key in wanted}
    expected = {key: theirs[key].grad if theirs[key].grad is not None else zero[key] for key in wanted}
    # A bias right before a batch norm has the gradient 0, and both sides only have rounding there.
    least = max([1e-4, *(1e-3 * float(grad.abs().max()) for grad in expected.values())])
    for key, grad in expected.items():
        found[f"d {key}"] = difference(grads[key], grad, least)
    for key, weight in roles.items():
        if weight.role == "buffer" and training:
            found[f"stat {key}"] = difference(net.stats[key], theirs[key].detach())
    for key, value in before.items():
        assert np.array_equal(value, params[key]), f"{key} was changed"
    return found
