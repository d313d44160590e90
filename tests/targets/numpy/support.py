"""Running an emitted program beside the oracle."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest
import torch

from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph
from cnnspec.targets.numpy import emit
from tests.oracle.network import run

torch.set_num_threads(1)  # several threads wait for each other where tests share a machine


def program(text: str) -> Any:
    """The emitted text as a module."""
    module = types.ModuleType("emitted")
    exec(compile(text, "<emitted>", "exec"), module.__dict__)
    return module


def difference(ours: Any, theirs: Any, least: float = 1e-30) -> float:
    """The largest difference over the largest value (over `least`, where all values are next to nothing)."""
    worst, largest = extremes(ours, theirs)
    return worst / max(largest, least)


def extremes(ours: Any, theirs: Any) -> tuple[float, float]:
    """The largest difference, and the largest of their values."""
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    if theirs.size == 0:
        return 0.0, 0.0
    return float(np.abs(ours - theirs).max()), float(np.abs(theirs).max())


class Beside:
    """An emitted program and the oracle, with the same weights, inputs and dropout masks, in float64.

    Both work on the same memory for what is trained (the largest network of the zoo has 5 GB of it): the
    program could not write there, and the oracle does not.
    """

    def __init__(self, graph: Graph, batch: int = 2, seed: int = 0, text: str | None = None) -> None:
        if text is None:
            made = emit(graph)
            assert isinstance(made, str), made
            text = made
        self.graph, self.module, self.rng = graph, program(text), np.random.default_rng(seed)
        self.params = self.module.init(seed, np.float64)
        self.roles = {key: weight for entry in flat(graph) for key, weight in entry.weights}
        assert set(self.roles) == set(self.params)
        for key, value in self.params.items():  # statistics and affine weights that are not 0 and 1
            assert value.shape == self.roles[key].shape, key
            if key.endswith("running_var"):
                self.params[key] = self.rng.uniform(0.5, 2, value.shape)
            elif value.ndim == 1 and value.dtype == float:
                self.params[key] = value + self.rng.normal(0, 0.1, value.shape)
        self.tensors = {key: torch.from_numpy(value) for key, value in self.params.items()}
        for value in self.params.values():
            value.setflags(write=False)
        shapes = [graph.root.values[number] or () for number in range(len(graph.inputs))]
        self.inputs = [self.rng.standard_normal((batch, *shape)) for shape in shapes]
        self.masks = _masks(graph, batch, self.rng)

    def differences(self, training: bool) -> dict[str, float]:
        """Outputs, running statistics, all gradients, by name."""
        before = dict(self.params)
        y, net = self.module.record(self.params, *self.inputs, training=training, masks=self.masks)
        ys = y if isinstance(y, tuple) else (y,)
        plain = self.module.forward(self.params, *self.inputs, training=training, masks=self.masks)
        found = {
            f"forward{n}": difference(one, ys[n])
            for n, one in enumerate(plain if isinstance(plain, tuple) else (plain,))
        }
        theirs, x = self._tensors(), [torch.from_numpy(one).requires_grad_() for one in self.inputs]
        masks = {key: torch.from_numpy(mask) for key, mask in self.masks.items()}
        ty = run(self.graph, theirs, x, training, masks)
        for n, (a, b) in enumerate(zip(ys, ty, strict=True)):
            found[f"output{n}"] = difference(a, b.detach())

        dys = [self.rng.standard_normal(one.shape) for one in ys]
        dx, grads = self.module.backward(tuple(dys) if len(dys) > 1 else dys[0], net)
        stats = net.stats
        del net
        slopes = self._gradients(grads, theirs, ty, dys)
        for n, (a, b) in enumerate(zip(dx if isinstance(dx, tuple) else (dx,), x, strict=True)):
            slopes[f"dinput{n}"] = extremes(a, torch.zeros_like(b) if b.grad is None else b.grad)
        # A bias right before a batch norm has the gradient 0, and both sides only have rounding there.
        least = max([1e-4, *(1e-3 * largest for _, largest in slopes.values())])
        found |= {key: worst / max(largest, least) for key, (worst, largest) in slopes.items()}
        for key, weight in self.roles.items():
            if weight.role == "buffer" and training:
                found[f"stat {key}"] = difference(stats.get(key, before[key]), theirs[key])
        assert before.keys() == self.params.keys()
        assert all(self.params[key] is value for key, value in before.items())
        return found

    def rounding(self, training: bool) -> float:
        """How far the program's own gradients move, of the largest value, if the inputs are rounded in their
        last digit: the least difference that two right programs have."""
        moved = [one * (1 + 2e-16 * self.rng.choice([-1, 1], one.shape)) for one in self.inputs]
        sides, dys = [], None
        for inputs in (self.inputs, moved):
            y, net = self.module.record(self.params, *inputs, training=training, masks=self.masks)
            dys = dys or [
                self.rng.standard_normal(one.shape) for one in (y if isinstance(y, tuple) else (y,))
            ]
            sides.append(self.module.backward(tuple(dys) if len(dys) > 1 else dys[0], net)[1])
        pairs = [extremes(sides[0][key], sides[1][key]) for key in sides[0]]
        least = max([1e-4, *(1e-3 * largest for _, largest in pairs)])
        return max((worst / max(largest, least) for worst, largest in pairs), default=0.0)

    def _tensors(self) -> dict[str, torch.Tensor]:
        """The weights as torch leaves; running statistics, which torch changes in place, as copies."""
        found = {}
        for key, tensor in self.tensors.items():
            role = self.roles[key].role
            found[key] = tensor.clone() if role == "buffer" else tensor.detach()
            found[key].requires_grad_(role == "trainable")
        return found

    def _gradients(
        self, ours: dict[str, Any], theirs: dict[str, torch.Tensor], ty: list[torch.Tensor], dys: list[Any]
    ) -> dict[str, tuple[float, float]]:
        """Each weight's two gradients are compared as soon as torch has its own, and then dropped."""
        wanted = {key for key, weight in self.roles.items() if weight.role == "trainable"}
        assert set(ours) == wanted, set(ours) ^ wanted
        found: dict[str, tuple[float, float]] = {}

        def compared(key: str) -> Any:
            def hook(tensor: torch.Tensor) -> None:
                found[key] = extremes(ours.pop(key), tensor.grad)
                tensor.grad = None

            return hook

        for key in wanted:
            theirs[key].register_post_accumulate_grad_hook(compared(key))
        reached = [(y, torch.from_numpy(d)) for y, d in zip(ty, dys, strict=True) if y.requires_grad]
        torch.autograd.backward([y for y, _ in reached], [d for _, d in reached])
        for key, grad in ours.items():  # weights that no output depends on
            found[key] = extremes(grad, np.zeros(grad.shape))
        return {f"d {key}": pair for key, pair in found.items()}


def compare(
    graph: Graph, training: bool, batch: int = 2, seed: int = 0, text: str | None = None
) -> dict[str, float]:
    """The emitted program against torch in float64: outputs, running statistics, all gradients, by name."""
    return Beside(graph, batch, seed, text).differences(training)


def check_slopes(graph: Graph, places: int, seed: int = 3, text: str | None = None) -> None:
    """Gradients against finite differences, which owe torch nothing: (L(v + h·e) − L(v − h·e))/2h for some
    numbers of each input and each weight, where L = Σ y·r with a random r; in training, but for
    the singular vectors of `spectral`, which count as constants and change there."""
    module = program(text or str(emit(graph)))
    rng = np.random.default_rng(seed)
    params = module.init(seed, np.float64)
    inputs = [rng.standard_normal((2, *(graph.root.values[n] or ()))) for n in range(len(graph.inputs))]
    masks = _masks(graph, 2, rng)
    training = not any(key.endswith("._u") for key in params)
    y, net = module.record(params, *inputs, training=training, masks=masks)
    several = isinstance(y, tuple)
    r = [rng.standard_normal(one.shape) for one in (y if several else (y,))]
    dx, grads = module.backward(tuple(r) if several else r[0], net)
    slopes = [*zip(inputs, dx if isinstance(dx, tuple) else (dx,), strict=True)]
    slopes += [(params[key], grad) for key, grad in grads.items()]
    assert all(value.flags.c_contiguous for value, _ in slopes)
    h = 1e-6
    for value, slope in slopes:
        numbers = value.reshape(-1)
        for place in rng.choice(numbers.size, min(numbers.size, places), replace=False):
            kept, sides = numbers[place], []
            for numbers[place] in (kept + h, kept - h):
                made = module.forward(params, *inputs, training=training, masks=masks)
                ys = made if several else (made,)
                sides.append(sum(float((a * b).sum()) for a, b in zip(ys, r, strict=True)))
            numbers[place] = kept
            expected = (sides[0] - sides[1]) / (2 * h)
            assert slope.reshape(-1)[place] == pytest.approx(expected, rel=1e-5, abs=2e-6)


def _masks(graph: Graph, batch: int, rng: np.random.Generator) -> dict[str, Any]:
    """For each layer that drops: of single numbers (N, C, H, W), or of whole images (N); 1 stays."""
    masks = {}
    for entry in flat(graph):
        if entry.op is not None and entry.op.word in ("dropout", "droppath"):
            shape = (batch, *(entry.out or ())) if entry.op.word == "dropout" else (batch,)
            if getattr(entry.op, "maps", False):
                shape = (*shape[:2], *[1] * (len(shape) - 2))
            masks[entry.attribute] = rng.random(shape) >= float(entry.op.p)
    return masks
