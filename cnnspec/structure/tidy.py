"""Simplifies a layer list. Layers without an effect or without a reader are left out, a sum of sums becomes
one sum, the longer of two branches comes first in a sum and last in a product, a pooling over the whole map
is written as such, and numbers that differ from a simple one by rounding become simple.

The numbers of layers and values change; the layers themselves stay equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from cnnspec.ops.base import Op, arguments_of
from cnnspec.ops.dropout import Dropping
from cnnspec.sources.layers import Hole, Layer, LayerList, Scope
from cnnspec.structure.pools import with_global_pools
from cnnspec.structure.prefixes import with_prefixes

MOST_TERMS = 32
MOST_COMPARED = 2_000_000
"""How many layers of branches are counted, at most."""
CLEARLY = 2
"""How many times as many layers a branch needs to be put first."""
NEAR = Fraction(1, 10**14)
"""The largest relative difference from a simple number: the rounding of a double. Fractions with denominators
up to PLAIN are 10⁻¹⁰ apart, so that one is hardly ever matched by chance."""
NEARER = Fraction(1, 10**12)
"""The same for the difference from a decimal number of DIGITS: `1 - 0.9997` is 0.0003."""
DIGITS = 5
PLAIN = 10**5
"""The largest denominator of a simple number."""
RATE = Fraction(1, 2**22)
"""The same for a rate of dropping, which only matters in training: `torch.linspace` gives float32."""
PLAIN_RATE = 1000
"""The largest denominator of a simple rate."""


def tidied(network: LayerList) -> LayerList:
    return with_prefixes(_ordered(_needed(_flattened(with_global_pools(network)))))


def _flattened(network: LayerList) -> LayerList:
    """A sum with another sum as a branch becomes one sum, if one module computes both."""
    first = len(network.inputs)
    uses = Counter(value for layer in network.layers for value in layer.inputs)
    uses.update(output.value for output in network.outputs)
    layers = [*network.layers]
    for number, layer in enumerate(layers):
        inner = layers[layer.inputs[0] - first] if layer.inputs and layer.inputs[0] >= first else None
        if _sums(layer) and inner is not None and _sums(inner) and uses[layer.inputs[0]] == 1:
            if inner.scopes == layer.scopes and len(inner.inputs) < MOST_TERMS:
                layers[number] = layer._replace(inputs=(*inner.inputs, *layer.inputs[1:]))
    return network._replace(layers=tuple(layers))


def _sums(layer: Layer | Hole) -> bool:
    return isinstance(layer, Layer) and layer.op.word == "add" and not layer.weights


def _needed(network: LayerList) -> LayerList:
    """The list without layers that have no effect or no reader."""
    first = len(network.inputs)
    read = {output.value for output in network.outputs}
    for number in range(len(network.layers) - 1, -1, -1):
        if first + number in read:
            read.update(network.layers[number].inputs)
    now = list(range(first))  # the new number of each value
    layers: list[Layer | Hole] = []
    ops: dict[Op, Op] = {}  # equal ops become one object, so that comparing them is fast
    for number, layer in enumerate(network.layers):
        if first + number not in read:
            now.append(-1)
        elif does_nothing(layer):
            now.append(now[layer.inputs[0]])
        else:
            now.append(first + len(layers))
            inputs = tuple(now[value] for value in layer.inputs)
            if not inputs:  # an unknown layer without inputs reads what the layer before it reads
                inputs = layers[-1].inputs[:1] if layers else (0,)
            if isinstance(layer, Layer):
                op = _plain(layer.op)
                layer = layer._replace(op=ops.setdefault(op, op))
            layers.append(layer._replace(inputs=inputs))
    outputs = tuple(output._replace(value=now[output.value]) for output in network.outputs)
    return network._replace(layers=tuple(layers), outputs=outputs)


def does_nothing(layer: Layer | Hole) -> bool:
    """Whether a layer has no effect: `id`, or a merge of one branch."""
    if isinstance(layer, Hole):
        return False
    op = layer.op
    if op.word == "id":
        return True
    return op.merges and getattr(op, "operator", False) and len(layer.inputs) == 1 and not layer.weights


def _plain(op: Op) -> Op:
    """Replaces numbers by simple ones: `droppath 0.017647058823529415` by `droppath 3/170`."""
    changed = {}
    if isinstance(op, Dropping):
        rate = op.p.limit_denominator(PLAIN_RATE)
        return op if abs(rate - op.p) > RATE * op.p else op.model_copy(update={"p": rate})
    for name, argument in arguments_of(type(op)):
        value = getattr(op, name)
        if argument.kind == "number" and isinstance(value, Fraction):
            plain, short = value.limit_denominator(PLAIN), Fraction(f"{float(value):.{DIGITS}g}")
            if short != value and abs(short - value) <= NEARER * abs(value):
                changed[name] = short
            elif plain != value and abs(plain - value) <= NEAR * abs(value):
                changed[name] = plain
    return op.model_copy(update=changed) if changed else op


def _ordered(network: LayerList) -> LayerList:
    """Puts a branch with clearly more layers first in a sum and last in a product (a gate), where the order
    of two branches has no effect. Only the layers of each branch in the module that merges them count, and
    branches of similar length keep the order of the source, so that all calls of a module have the same
    order."""
    first = len(network.inputs)
    layers: list[Layer | Hole] = []
    work = MOST_COMPARED
    for layer in network.layers:
        if isinstance(layer, Layer) and _commutes(layer.op) and len(layer.inputs) == 2 and work > 0:
            one, other = (_before(layers, first, value, layer.scopes) for value in layer.inputs)
            work -= len(one) + len(other)
            lengths = [_longest(layers, first, each) for each in (one - other, other - one)]
            clear = max(lengths) >= CLEARLY * min(lengths) and lengths[0] != lengths[1]
            if clear and (lengths[0] < lengths[1]) == (layer.op.word == "add"):
                layer = layer._replace(inputs=layer.inputs[::-1])
        layers.append(layer)
    return network._replace(layers=tuple(layers))


def _before(layers: Sequence[Layer | Hole], first: int, value: int, scopes: tuple[Scope, ...]) -> set[int]:
    """The values of a module that a value is computed from, and itself."""
    inside: set[int] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if one >= first and one not in inside and layers[one - first].scopes[: len(scopes)] == scopes:
            inside.add(one)
            waiting += layers[one - first].inputs
    return inside


def _longest(layers: Sequence[Layer | Hole], first: int, values: set[int]) -> int:
    """The number of values on the longest path through these."""
    length: dict[int, int] = {}
    for value in sorted(values):
        length[value] = 1 + max(length.get(before, 0) for before in layers[value - first].inputs)
    return max(length.values(), default=0)


def _commutes(op: Op) -> bool:
    return op.word in ("add", "mul") and not getattr(op, "weighted_branches", False)
