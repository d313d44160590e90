"""`init_weights` starts a network that was built on the meta device and emptied, bit for bit as one that was
built directly; and every classifier of the zoo starts so that it can be trained."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph
from tests.targets.torch.support import executed, graph_of, listed, model_class, program, spec, zoo

HEAVY = 20_000_000
"""From so many weights on, a network is started in `make zoo` only."""
SLOW = 600_000_000
"""From so many MACs on, a classifier is tried in `make zoo` only; and so are all variants but the first."""


def marked(path: str, variant: str | None, heavy: bool) -> Any:
    return pytest.param(path, variant, marks=[pytest.mark.heavy] if heavy else [], id=f"{path}-{variant}")


def weights_of(graph: Graph) -> int:
    shapes = {key: weight.shape for entry in flat(graph) for key, weight in entry.weights}
    return sum(map(math.prod, shapes.values()))


class NoneOnCpu(TorchDispatchMode):
    """Refuses floats on the CPU, but for the few that a spec has as literals."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **kwargs or {})
        for one in made if isinstance(made, (tuple, list)) else [made]:
            if isinstance(one, torch.Tensor) and one.is_floating_point() and one.numel() > 100:
                assert one.is_meta, f"{func} made {tuple(one.shape)} on {one.device}"
        return made


def on_meta(cls: Any) -> list[nn.Module]:
    """The model on the meta device, as FSDP builds it and by the constructor's argument."""
    with NoneOnCpu():
        found = [cls(device="meta", dtype=torch.float64).to(torch.float32)]
        with torch.device("meta"):
            found.append(cls())
    return found


def started(graph: Graph) -> None:
    cls: Any = model_class(executed(program(graph)))
    if not hasattr(cls, "init_weights"):
        assert not weights_of(graph)
        return
    own = cls.init_weights

    def seeded(model: nn.Module) -> None:
        torch.manual_seed(7)
        own(model)

    cls.init_weights = seeded
    direct = cls()
    for late in on_meta(cls):
        assert all(tensor.is_meta for tensor in (*late.parameters(), *late.buffers()))
    late.to_empty(device="cpu")
    for tensor in (*late.parameters(), *late.buffers()):
        tensor.data.fill_(float("nan") if tensor.is_floating_point() else -77)
    late.init_weights()
    frozen = [{key for key, one in net.named_parameters() if not one.requires_grad} for net in (direct, late)]
    assert frozen[0] == frozen[1]
    wanted = dict(direct.named_parameters()) | dict(direct.named_buffers())
    found = dict(late.named_parameters()) | dict(late.named_buffers())
    assert wanted.keys() == found.keys()
    assert not [key for key in wanted if not torch.equal(wanted[key], found[key])]


@pytest.mark.parametrize(
    ("path", "variant"),
    [marked(path, variant, listed()[path, variant].weights > HEAVY) for path, variant in zoo()],
)
def test_after_to_empty(path: str, variant: str | None) -> None:
    started(spec(path, variant))


@pytest.mark.parametrize(
    "layers",
    [
        "conv F3 K4 init=truncated(0.02) bias=-4.6 -> conv F3 K4 -> bn init=zeros",
        "conv F3 K4 connect=[0; 1; 2; 0 1] -> conv F3 K4 connect=[0; 1; 2; 0 1] init=he frozen",
        "conv F3 K4 spectral -> conv F3 K4 weightnorm -> deconv F2 S2 K4 spectral init=he -> bn frozen",
        "conv F3 K4 scaled -> conv F3 K4 standardized init=he(fan_out) -> conv F3 K6 spectral frozen",
        "local F3 K4 -> prelu positions -> blur F3 -> subsample F2 -> grn -> scale init=0.1 bias -> prelu",
        "add weighted [ id | conv F1 K3 ] -> flatten -> rbf 10 -> fc 4 weight=[1 2 3 4 5 6 7 8 9 10; "
        + "; ".join(["0 0 0 0 0 0 0 0 0 1"] * 3)
        + "]",
        "x: conv F3 P1 K4\no: conv F3 P1 K18\n@x -> conv F3 P1 K4 offsets=@o -> conv F3 P1 K4 init=he",
        "attention relative heads=2 [ conv F1 K4 | conv F1 K4 | conv F1 K4 ]",
        "attention relative=query heads=2 [ conv F1 K4 | conv F1 K4 | conv F1 K4 ]",
        "conv F3 K4 weight=[1 0 -1; 1 0 -1; 1 0 -1] frozen -> deconv F4 S2 P1 K4 nobias init=bilinear frozen",
    ],
)
def test_layers_after_to_empty(layers: str) -> None:
    started(graph_of(f"input 3x12x12\n{layers}\n"))


def classifiers() -> list[Any]:
    """The zoo's networks whose outputs are all scores."""
    found = []
    for (path, variant), model in listed().items():
        if not any("x" in shape for shape in model.outputs):
            heavy = model.weights > HEAVY or model.macs > SLOW or (path, variant) not in zoo()
            found.append(marked(path, variant, heavy))
    return found


@pytest.mark.parametrize(("path", "variant"), classifiers())
def test_a_classifier_can_be_trained_as_it_starts(path: str, variant: str | None) -> None:
    """Two images have scores that differ by more than 1e-3, and the first layer a gradient above 1e-6."""
    graph = spec(path, variant)
    torch.manual_seed(0)
    model = model_class(executed(program(graph)))().train()
    for part in model.modules():
        if "Drop" in type(part).__name__:
            part.eval()
    images = [torch.randn(2, *(graph.root.values[place] or ())) for place in range(len(graph.inputs))]
    scores = model(*images)
    scores = scores if isinstance(scores, torch.Tensor) else scores[0]
    spread = float((scores - scores.mean(0)).detach().square().mean().sqrt())
    assert spread > 1e-3
    if scores.shape[1] > 1:
        nn.functional.cross_entropy(scores, torch.tensor([0, 1])).backward()
    else:
        scores.square().mean().backward()
    first = next(weight for weight in model.parameters() if weight.requires_grad)
    assert first.grad is not None
    assert float(first.grad.norm()) > 1e-6
