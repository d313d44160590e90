"""torchvision's weights give torchvision's numbers: emitted torch programs beside torchvision's own modules.

    make parity                                           all of torchvision.toml
    python tests/parity/against_torchvision.py resnet18   some of it

A network's program is built from its spec and given the weights of torchvision's module, layer by layer in
the order in which both call their layers. In float64, what the two give must then be equal but for rounding:
the outputs in eval mode and in train mode, the gradients of the image and of every weight, the running
statistics that a training step leaves. All weights are random; those that torchvision starts at 0 or 1, where
a mistake would not show, are drawn anew. Dropout and stochastic depth are off; their rates are compared as
numbers.

The images are smaller than torchvision's, where the network allows it, to save time: the layers are the same.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from math import inf, isclose, isnan
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch
import torchvision
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from cnnspec import pipeline
from cnnspec.diagnostics import Source

HERE = Path(__file__).parent
SPECS = HERE.parents[1] / "specs"
NETWORKS: dict[str, dict[str, Any]] = tomllib.loads((HERE / "torchvision.toml").read_text("utf-8"))

LIMIT = 1e-9
"""Relative. Rounding gives 1e-14; an epsilon or a rate of decay wrong by a tenth gives 1e-6 and more."""

SIDE = 96
SIDES = {"classic/alexnet.cnn": 224, "classic/vgg.cnn": 224, "deep/inception_v3.cnn": 299}
"""The image's side where it is not SIDE: AlexNet and VGG flatten a map of the size that it has in the paper,
and Inception's head has room on no smaller one.
"""
VIDEO = (3, 8, 48, 48)
"""Channels, frames, rows and columns."""
BATCHES = {"classic/vgg.cnn": 1}
"""Two images, but for VGG: eight networks, at full size, to save time and memory."""
MOST_WEIGHTS = 300_000_000
"""Networks with more are compared in eval mode only: gradients would take two times their memory on top."""


class Mismatch(Exception):
    """The two networks do not have the same weights in the same order."""


class Differences(NamedTuple):
    """The largest relative differences, each over the largest value of its tensor; None: not compared."""

    outputs: float
    trained_outputs: float | None = None
    image_gradient: float | None = None
    weight_gradients: float | None = None
    statistics: float | None = None

    @property
    def largest(self) -> float:
        return max(value for value in self if value is not None)


def compare(name: str) -> Differences:
    """The emitted program of a network beside torchvision's module."""
    network = NETWORKS[name]
    knobs: dict[str, str] = {}
    side = SIDES.get(network["spec"], SIDE)
    if is_segmentation(name):
        knobs["r"] = str(side)
    return beside(module_of(program(network, knobs)), torchvision_module(name, network), network, side)


def beside(ours: nn.Module, theirs: nn.Module, network: Mapping[str, Any], side: int) -> Differences:
    """Two modules on the same image with the same weights; `ours` comes without."""
    # training takes another image than the statistics, or batch norm's momentum would not show
    shape = (3, side, side) if len(network["input"]) == 3 else VIDEO
    image, other = torch.randn(2, BATCHES.get(network["spec"], 2), *shape, dtype=torch.float64)
    theirs.eval()
    theirs.training = bool(network.get("heads", False))  # only the module itself asks: with it, its heads run
    with torch.no_grad():
        measure_statistics(theirs, image)
        layers = share_weights(ours.eval(), theirs, image)
        outputs = relative(results(ours(image)), results(theirs(image)))
    if network["params"] > MOST_WEIGHTS:
        return Differences(outputs)

    got = training_step(ours, [layer for layer, _ in layers], other)
    expected = training_step(theirs, [layer for _, layer in layers], other)
    # a gradient that is 0 but for rounding (of a bias before batch norm) is measured against the largest
    floor = 1e-6 * max(float(gradient.abs().max()) for gradient in expected.weights)
    return Differences(
        outputs,
        relative(got.outputs, expected.outputs),
        relative([got.image], [expected.image]),
        relative(got.weights, expected.weights, floor),
        relative(got.statistics, expected.statistics) if expected.statistics else None,
    )


# The two modules


def is_segmentation(name: str) -> bool:
    return name.startswith(("fcn", "deeplab", "lraspp"))


def torchvision_module(name: str, network: Mapping[str, Any]) -> nn.Module:
    """torchvision's module with random weights, none of them a mere 0 or 1."""
    torch.manual_seed(0)
    arguments = {"weights": None, **network.get("arguments", {})}
    if is_segmentation(name):
        arguments["weights_backbone"] = None
    if name.startswith(("googlenet", "inception")):
        arguments["init_weights"] = False  # torch's own start: theirs takes minutes
    model: nn.Module = torchvision.models.get_model(network.get("model", name), **arguments).double()
    with torch.no_grad():
        for key, weight in model.named_parameters():
            if key.endswith("bias"):
                weight.normal_(0, 0.1)
            elif weight.ndim == 1 or key.endswith("layer_scale"):  # factors
                weight.uniform_(0.7, 1.3)
    return model


def measure_statistics(model: nn.Module, image: Tensor) -> None:
    """Give batch norm the statistics of an image, in a model that is in eval mode.

    With others, the signal of random weights dies out from layer to layer, and eval mode compares biases.
    """
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d)]
    rates = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train().momentum = 1.0
    model(image)
    for norm, rate in zip(norms, rates, strict=True):
        norm.eval().momentum = rate


def program(network: Mapping[str, Any], knobs: Mapping[str, str]) -> str:
    """What `cnnspec build --target torch` writes."""
    source = Source(network["spec"], (SPECS / network["spec"]).read_text("utf-8"))
    (model,) = pipeline.models(source, variant=network.get("variant"), settings=knobs, lints=False)
    text = pipeline.program(model.graph, "torch")
    if not isinstance(text, str):
        raise Mismatch("; ".join(finding.message for finding in text))
    return text


def module_of(text: str, device: str = "meta") -> nn.Module:
    """The model of a program, its last class; without memory for its weights, unless a device is named."""
    namespace = vars(ModuleType("program"))
    exec(compile(text, "program.py", "exec"), namespace)
    made = [value for value in namespace.values() if getattr(value, "__module__", "") == "program"]
    models = [value for value in made if isinstance(value, type) and issubclass(value, nn.Module)]
    with torch.device(device):
        module = models[-1]().double()
    assert isinstance(module, nn.Module)
    return module


# Their weights


def own(module: nn.Module) -> list[tuple[str, Tensor]]:
    """A module's weights and statistics, without those of the modules in it."""
    return [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]


def calls(model: nn.Module, image: Tensor) -> tuple[list[nn.Module], list[float]]:
    """The modules that hold weights, and the rates of dropout and stochastic depth, in the order in which a
    forward pass ends them."""
    called: list[nn.Module] = []
    rates: list[float] = []

    def note(module: nn.Module, _: Any, __: Any) -> None:
        if own(module):
            called.append(module)
        if drops(module) and module.p > 0:
            rates.append(module.p)

    hooks = [module.register_forward_hook(note) for module in model.modules()]
    model(image)
    for hook in hooks:
        hook.remove()
    return called, rates


def drops(module: nn.Module) -> bool:
    """Whether a module leaves something out in training, at a rate `p`; DropPath is our StochasticDepth."""
    return isinstance(module, nn.Dropout | StochasticDepth) or type(module).__name__ == "DropPath"


def share_weights(ours: nn.Module, theirs: nn.Module, image: Tensor) -> list[tuple[nn.Module, nn.Module]]:
    """Give our module their weights, by the order of calls: the same memory, for two sets of VGG's are much.

    Statistics are copied, for training changes them. Returns the layers that belong together.
    """
    our_calls, our_rates = calls(ours, image.to("meta"))
    their_calls, their_rates = calls(theirs, image)
    if len(our_calls) != len(their_calls):
        raise Mismatch(f"{len(our_calls)} layers with weights, torchvision has {len(their_calls)}")
    if len(our_rates) != len(their_rates) or not all(map(isclose, our_rates, their_rates)):
        raise Mismatch(f"dropout {our_rates}, torchvision has {their_rates}")
    layers = list(zip(our_calls, their_calls, strict=True))
    for place, (mine, its) in enumerate(layers):
        if shapes(mine) != shapes(its):
            raise Mismatch(f"call {place}: {mine} where torchvision has {its}")
        for (key, tensor), (_, source) in zip(own(mine), own(its), strict=True):
            value = source.detach().view(tensor.shape)
            setattr(mine, key, nn.Parameter(value) if isinstance(tensor, nn.Parameter) else value.clone())
    if any(tensor.is_meta for tensor in [*ours.parameters(), *ours.buffers()]):
        raise Mismatch("a layer with weights is never called")
    return layers


def shapes(layer: nn.Module) -> list[tuple[int, ...]]:
    """Of a layer's weights; a 1x1 convolution may be a linear layer, and a factor per channel Cx1x1."""
    return [tuple(size for size in tensor.shape if size > 1) for _, tensor in own(layer)]


# What they give


class Step(NamedTuple):
    """A forward and a backward pass in train mode; gradients and statistics in the order of the layers."""

    outputs: list[Tensor]
    image: Tensor
    weights: list[Tensor]
    statistics: list[Tensor]


def training_step(model: nn.Module, layers: Sequence[nn.Module], image: Tensor) -> Step:
    """The gradients are those of a fixed random mixture of all outputs."""
    model.train()
    for module in model.modules():
        if drops(module):
            module.p = 0.0
    image = image.clone().requires_grad_()
    outputs = results(model(image))
    generator = torch.Generator().manual_seed(1)
    mixture = torch.zeros((), dtype=torch.float64)
    for output in outputs:
        mixture = (
            mixture + (output * torch.randn(output.shape, generator=generator, dtype=torch.float64)).sum()
        )
    weights = [weight for layer in layers for weight in layer.parameters(recurse=False)]
    of_image, *of_weights = torch.autograd.grad(mixture, [image, *weights])
    statistics = [buffer.double() for layer in layers for buffer in layer.buffers(recurse=False)]
    return Step([output.detach() for output in outputs], of_image, of_weights, statistics)


def results(returned: Any) -> list[Tensor]:
    """torchvision hands several outputs back as a dict or a named tuple, a program as a tuple."""
    if isinstance(returned, Tensor):
        return [returned]
    return list(returned.values() if isinstance(returned, dict) else returned)


def relative(got: Sequence[Tensor], expected: Sequence[Tensor], floor: float = 0.0) -> float:
    """The largest of max |a − b| / max |b|, tensor by tensor; shapes may differ in sizes of 1."""
    sizes = [[tensor.numel() for tensor in tensors] for tensors in (got, expected)]
    if sizes[0] != sizes[1]:
        raise Mismatch(f"{sizes[0]} elements, torchvision has {sizes[1]}")
    largest = 0.0
    for a, b in zip(got, expected, strict=True):
        difference = float((a.reshape(b.shape) - b).abs().max())
        scale = max(float(b.abs().max()), floor)
        if difference != 0:
            ratio = difference / scale if scale > 0 else inf
            largest = max(largest, inf if isnan(ratio) else ratio)
    return largest


# The table

COLUMNS = ("outputs", "in training", "d image", "d weights", "statistics")


def main() -> int:
    parser = argparse.ArgumentParser(description="Emitted programs beside torchvision's modules.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="networks of torchvision.toml; default: all")
    parser.add_argument("--threads", type=int, default=1, help="of torch (default 1)")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NETWORKS)
    if unknown:
        parser.error(f"torchvision.toml has no {', '.join(sorted(unknown))}")
    torch.set_num_threads(arguments.threads)
    return table(arguments.names or list(NETWORKS), compare, f"torchvision {torchvision.__version__}", LIMIT)


def table(names: Sequence[str], compare: Callable[[str], Differences], beside: str, limit: float) -> int:
    """One line per network; 1 where one of them differs by more than the limit."""
    width = max(map(len, names))
    print(f"torch {torch.__version__}, {beside}: largest relative differences")
    print(f"{'':{width}}  {''.join(f'{column:>12}' for column in COLUMNS)}  seconds")
    begin = time.perf_counter()
    failed, largest = 0, 0.0
    for name in names:
        start = time.perf_counter()
        try:
            differences = compare(name)
        except Exception as problem:  # a program that does not even run is one that failed
            failed += 1
            print(f"{name:{width}}  ✗ {type(problem).__name__}: {problem}", flush=True)
            continue
        cells = "".join(f"{'–' if value is None else f'{value:.1e}':>12}" for value in differences)
        well = differences.largest <= limit
        failed += not well
        largest = max(largest, differences.largest)
        seconds = time.perf_counter() - start
        print(f"{name:{width}}  {cells}  {seconds:7.1f}{'' if well else '  ✗'}", flush=True)
    print(
        f"{len(names) - failed} of {len(names)} networks agree to {limit:g}, the largest difference "
        f"is {largest:.1e}; {time.perf_counter() - begin:.0f} s"
    )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
