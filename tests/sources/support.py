"""A torch module beside the program of its import, with the module's weights: outputs and gradients."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cnnspec import pipeline
from cnnspec.diagnostics import Source
from cnnspec.sources.calls.trace import Trace, read
from cnnspec.sources.calls.translate import layers_of
from cnnspec.sources.findings import unused_of
from cnnspec.sources.layers import Hole, LayerList
from cnnspec.sources.torch.export import traced
from cnnspec.structure import Spec, spec
from tests.targets.torch.support import executed, model_class

RANDOM = ("Dropout", "Dropout2d", "Dropout3d", "DropPath", "StochasticDepth", "DropBlock2d", "DropConnect")
LIMIT = 1e-10


class Differences(NamedTuple):
    """The largest relative differences; trained: outputs and gradients in train mode, running statistics."""

    outputs: float
    trained: float


class Imported(NamedTuple):
    """A module, its layer list and its spec."""

    module: nn.Module
    trace: Trace
    layers: LayerList
    spec: Spec

    @property
    def unused(self) -> list[str]:
        return unused_of(self.trace, self.spec.keys, self.layers.rearranged)


def listed(module: nn.Module, *inputs: Any) -> tuple[Trace, LayerList]:
    """The layer list of a module, through JSON, as from the worker."""
    trace = read(json.loads(json.dumps(traced(module, inputs))))
    return trace, layers_of(trace)


def imported(module: nn.Module, *inputs: Any) -> Imported:
    trace, layers = listed(module, *inputs)
    holes = [f"{one.what}: {one.why} ({one.place})" for one in layers.layers if isinstance(one, Hole)]
    assert not holes, holes
    return Imported(module, trace, layers, spec(layers))


def beside(found: Imported, *inputs: Tensor, train: bool = True) -> Differences:
    """The emitted program with the module's weights, and the module itself, on the same input in float64."""
    theirs = found.module.double()
    ours = program_of(found)
    for one in (*ours.modules(), *theirs.modules()):
        if type(one).__name__ in RANDOM:
            for rate in ("p", "drop_prob"):
                if hasattr(one, rate):
                    setattr(one, rate, 0.0)
    for one in theirs.modules():  # of dropout as a function
        if isinstance(getattr(one, "drop_rate", None), float):
            one.drop_rate = 0.0  # type: ignore[assignment]
    for model in (ours, theirs):
        model.eval()
    for path in found.trace.training:
        theirs.get_submodule(path).training = True
    with torch.no_grad():
        outputs = relative(results(ours(*inputs)), results(theirs(*inputs)))
    return Differences(outputs, _trained(ours, theirs, found, inputs) if train else 0.0)


def program_of(found: Imported) -> nn.Module:
    """The emitted module in float64 with the module's own weights, and copies of its statistics."""
    graph = pipeline.models(Source("model.cnn", found.spec.text), lints=False)[0].graph
    assert graph is not None
    text = pipeline.program(graph, "torch")
    assert isinstance(text, str)
    with float64():
        ours = model_class(executed(text))()
    theirs, own = with_rearranged(found.module.state_dict(), found.layers), ours.state_dict()
    statistics = dict(ours.named_buffers()).keys()
    literal = {key for key, weight in ours.named_parameters() if not weight.requires_grad}
    assert set(found.spec.keys) | literal == set(own)
    moved = {our: theirs[its].reshape(own[our].shape) for our, its in found.spec.keys.items()}
    moved |= {our: moved[our].clone() for our in moved.keys() & statistics}
    ours.load_state_dict(own | moved, assign=True)
    return ours


def with_rearranged(weights: dict[str, Tensor], layers: LayerList) -> dict[str, Tensor]:
    """The weights of a module, and those of them that the spec has in another order."""
    there = {text: one for text, one in layers.rearranged.items() if one.key in weights}
    return weights | {
        text: torch.from_numpy(one.of(weights[one.key].numpy()).copy()) for text, one in there.items()
    }


@contextmanager
def float64() -> Iterator[None]:
    """New tensors are float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _trained(ours: nn.Module, theirs: nn.Module, found: Imported, inputs: Sequence[Tensor]) -> float:
    sides = []
    for model in (ours.train(), theirs.train()):
        model.zero_grad()
        given = [one.clone().requires_grad_() for one in inputs]
        outputs = results(model(*given))
        sum((one.flatten() * torch.linspace(-1, 1, one.numel()).to(one)).sum() for one in outputs).backward()  # type: ignore[union-attr]
        sides.append(([one.detach() for one in outputs], [one.grad for one in given]))
    gradients: dict[str, Any] = {}
    mine = dict(ours.named_parameters())
    its = {key: one.grad for key, one in theirs.named_parameters() if one.grad is not None}
    its = with_rearranged(its, found.layers)
    for our, key in found.spec.keys.items():
        if our in mine and key in its:
            grad = mine[our].grad
            assert grad is not None
            gradients[key] = gradients.get(key, 0) + grad.reshape(its[key].shape)
    largest = max((float(one.abs().max()) for one in gradients.values()), default=0.0)
    weights = [relative([g], [its[key]], 1e-5 * largest) for key, g in gradients.items()]
    now, then = ours.state_dict(), theirs.state_dict()
    statistics = [relative([now[a]], [then[b]]) for a, b in found.spec.keys.items() if "running_" in b]
    return max(
        relative(sides[0][0], sides[1][0]), relative(sides[0][1], sides[1][1]), *weights, *statistics, 0.0
    )


def results(output: Any) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    values: Iterable[Any] = output.values() if isinstance(output, dict) else output
    return [tensor for one in values if one is not None for tensor in results(one)]


def relative(ours: Sequence[Any], theirs: Sequence[Any], floor: float = 1e-30) -> float:
    pairs = zip(ours, theirs, strict=True)
    return max(
        (
            float((a - b.reshape(a.shape)).abs().max()) / max(float(b.abs().max()), floor, 1e-30)
            for a, b in pairs
        ),
        default=0.0,
    )


def with_numbers(module: nn.Module) -> nn.Module:
    """Random weights and statistics, none of them a mere 0 or 1."""
    torch.manual_seed(0)
    with torch.no_grad():
        for key, weight in module.named_parameters():
            if key.endswith("bias"):
                weight.normal_(0, 0.1)
            elif weight.numel() == max(weight.shape, default=1):
                weight.uniform_(0.7, 1.3)
            else:
                weight.normal_(0, weight[0].numel() ** -0.5)
        for key, buffer in module.named_buffers():
            if key.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            elif key.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return module.double()
