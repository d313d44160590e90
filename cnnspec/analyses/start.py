"""How far apart the outputs for two different images are, with a network's initial weights.

With random weights the numbers of a wide layer are Gaussian over the draws of the weights, and two images are
a pair of correlated Gaussians: their second moment m and their correlation c follow from layer to layer
(Poole et al., 2016). A layer with weights of variance σ² that reads n numbers gives

    m' = n·σ²·m + σ_b²,    m'·c' = n·σ²·m·c + σ_b²

and ReLU (Cho and Saul, 2009)

    m' = m/2,    m'·c' = m·(√(1 − c²) + c·(π − arccos c))/(2π).

Images are noise of variance 1: m = 1 and c = 0 at the input. Normalisations reset the scale; a network with
one of them is not analysed, and neither is one with a layer that is not in this file's table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from math import acos, exp, isfinite, pi, prod, sqrt, tanh
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph, Layer
from cnnspec.ops.base import Initial, Weight

if TYPE_CHECKING:
    from cnnspec.ir.flat import Entry

MOST_LAYERS = 1_000
"""A network with more layers is not analysed."""


class Signal(NamedTuple):
    """The mean square of a tensor's numbers, the mean product of two images' numbers, and their mean."""

    moment: float
    shared: float
    mean: float = 0.0

    @property
    def apart(self) -> float:
        """The standard deviation of a number over images."""
        return sqrt(max(self.moment - self.shared, 0.0))


class Start(NamedTuple):
    """The effect of the start on images: how far apart outputs are (inputs: 1), and the number of layers with
    weights on the longest path."""

    apart: float
    layers: int


def start(graph: Graph) -> Start | None:
    """The effect of a network's initial weights; None where it cannot be computed."""
    if any(
        isinstance(step, Layer) and step.op.word not in KNOWN for body in graph.bodies for step in body.steps
    ):
        return None
    signals: dict[int, tuple[Signal, int]] = {n: (Signal(1.0, 0.0), 0) for n in range(graph.root.inputs)}
    last = None
    for entry in islice(flat(graph), MOST_LAYERS + 1):
        if entry.op is None or entry.out is None or any(input_ not in signals for input_ in entry.inputs):
            return None
        inputs = [signals[number][0] for number in entry.inputs]
        signal = _after(entry, inputs)
        if signal is None or not isfinite(signal.moment):
            return None
        depth = max(signals[number][1] for number in entry.inputs) + bool(entry.op.weighted)
        last = signals[entry.output] = signal, depth
    if last is None or len(signals) - graph.root.inputs > MOST_LAYERS:
        return None
    return Start(last[0].apart, last[1])


def _after(entry: Entry, inputs: Sequence[Signal]) -> Signal | None:
    op, spread = entry.op, inputs[0]
    assert op is not None
    rule = KNOWN[op.word]
    if rule is None:
        return spread
    return rule(op, entry, inputs)


def _linear(op: Any, entry: Entry, inputs: Sequence[Signal]) -> Signal | None:
    """A layer with weights; the later uses of a shared block count as a layer with weights of its own."""
    spread, (shape, *_) = inputs[0], entry.input_shapes
    if getattr(op, "normalised", None) not in (None, "plain") or shape is None or entry.out is None:
        return None
    weights = {weight.name: weight for weight in op.weights(shape)}
    weight, bias = weights["weight"], weights.get("bias")
    reads = prod(weight.shape) / entry.out[0]
    if op.word == "deconv":
        reads = prod(weight.shape) * prod(shape[1:]) / prod(entry.out)
    of_weights, of_bias = _square(weight), 0.0 if bias is None else _square(bias)
    if of_weights is None or of_bias is None:
        return None
    return Signal(reads * of_weights * spread.moment + of_bias, reads * of_weights * spread.shared + of_bias)


def _square(weight: Weight) -> float | None:
    """The mean square of a weight at its start; None where it does not have mean 0."""
    match weight.initial:
        case Initial("uniform", bound):
            return bound**2 / 3
        case Initial("normal", std, mean=0.0):
            return std**2
        case Initial("truncated", std):
            return (0.8796256610342398 * std) ** 2
        case Initial("constant", value) if weight.name == "bias" or value == 0:
            return value**2
        case Initial("values", values=values) if weight.name == "bias":
            return sum(value * value for value in values) / len(values)
    return None


def _rectified(op: Any, entry: Entry, inputs: Sequence[Signal]) -> Signal:
    """relu, and leaky with a slope a below 0: a·x + (1 − a)·relu(x)."""
    slope = float(getattr(op, "slope", 0))
    spread = inputs[0]
    c = min(max(spread.shared / spread.moment, -1.0), 1.0) if spread.moment else 0.0
    product = spread.moment * (sqrt(1 - c * c) + c * (pi - acos(c))) / (2 * pi)
    mixed, own = slope * (1 - slope), (1 - slope) ** 2
    # the mean of x·relu(y) is m·c/2
    return Signal(
        spread.moment * (slope**2 + mixed + own / 2),
        spread.shared * (slope**2 + mixed) + own * product,
        (1 - slope) * sqrt(spread.moment / (2 * pi)),
    )


_SMOOTH: Mapping[str, Callable[[float], float]] = {
    "tanh": tanh,
    "sigmoid": lambda x: 1 / (1 + exp(-x)) if x > -700 else 0.0,
}


def _smooth(op: Any, entry: Entry, inputs: Sequence[Signal]) -> Signal:
    """A smooth activation, integrated over 24 steps from −4σ to 4σ along each of two independent
    Gaussians."""
    function = _SMOOTH[op.word]
    amp, gain = float(getattr(op, "amp", 1)), float(getattr(op, "gain", 1))
    spread = inputs[0]
    sigma = sqrt(spread.moment)
    c = min(max(spread.shared / spread.moment, 0.0), 1.0) if spread.moment else 0.0
    points = [-4 + (n + 0.5) / 3 for n in range(24)]
    shares = [exp(-x * x / 2) for x in points]
    total = sum(shares)
    moment = sum(p * function(gain * sigma * x) ** 2 for p, x in zip(shares, points, strict=True)) / total
    # two images have √c of their deviation in common
    means = [
        sum(
            q * function(gain * sigma * (sqrt(c) * x + sqrt(1 - c) * y))
            for q, y in zip(shares, points, strict=True)
        )
        / total
        for x in points
    ]
    product = sum(p * mean**2 for p, mean in zip(shares, means, strict=True)) / total
    mean = sum(p * mean for p, mean in zip(shares, means, strict=True)) / total
    return Signal(amp**2 * moment, amp**2 * product, amp * mean)


def _added(op: Any, entry: Entry, inputs: Sequence[Signal]) -> Signal:
    """Branches have different weights: the means are all that they have in common."""
    means = [
        input_.mean if not number or op.word == "add" else -input_.mean
        for number, input_ in enumerate(inputs)
    ]
    across = sum(means) ** 2 - sum(mean**2 for mean in means)
    moment, shared = sum(input_.moment for input_ in inputs), sum(input_.shared for input_ in inputs)
    return Signal(moment + across, shared + across, sum(means))


def _joined(op: Any, entry: Entry, inputs: Sequence[Signal]) -> Signal:
    counts = [shape[0] if shape else 1 for shape in entry.input_shapes]
    weighed = list(zip(counts, inputs, strict=True))
    means = (sum(n * one[place] for n, one in weighed) / sum(counts) for place in range(3))
    return Signal(*means)


def _scaled(op: Any, entry: Entry, inputs: Sequence[Signal]) -> Signal:
    spread, factor = inputs[0], float(op.factor)
    return Signal(spread.moment * factor**2, spread.shared * factor**2, spread.mean * factor)


Rule = Callable[[Any, "Entry", Sequence[Signal]], "Signal | None"]
KNOWN: Mapping[str, Rule | None] = {
    **dict.fromkeys(("conv", "dwconv", "deconv", "fc"), _linear),
    **dict.fromkeys(("relu", "relu6", "leaky"), _rectified),
    **dict.fromkeys(_SMOOTH, _smooth),
    **dict.fromkeys(("add", "sub"), _added),
    "concat": _joined,
    "times": _scaled,
    # layers that pass numbers on: the mean over positions counts as the mean of equal numbers,
    # a maximum as any one of them
    **dict.fromkeys(
        (
            "id",
            "flatten",
            "reshape",
            "dropout",
            "droppath",
            "maxpool",
            "avgpool",
            "gap",
            "gmp",
            "crop",
            "slice",
            "pad",
        ),
        None,
    ),
    **dict.fromkeys(("shuffle", "pixelshuffle", "pixelunshuffle", "upsample", "softmax", "logsoftmax"), None),
}
"""How each layer changes a signal, by its word; None: not at all. Other layers are unknown."""
