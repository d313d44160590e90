"""How weights start where it is not torch's default: `init=`, literals, `frozen`."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any

from cnnspec.lower.call import Built, Slot, W, build, opt
from cnnspec.lower.writer import Code, listed, literal
from cnnspec.ops.normalised import unnormalised

if TYPE_CHECKING:
    from cnnspec.ops import Op
    from cnnspec.ops.base import Init, Initial, Shape

SCHEMES = frozenset({"he", "xavier", "normal", "truncated", "uniform", "constant", "bilinear"})
"""The functions that start a layer's weights and need nothing but the weights' shape."""
NUMBERS = {"normal": "std", "truncated": "std", "uniform": "bound", "constant": "value"}
"""The parameter's name for the number of a scheme."""
NORMALISED = (
    "spectral_norm",
    "weight_norm",
    "standardized",
    "scaled",
    "frozen_spectral_norm",
)
"""The functions that normalise the weight of a layer before it is used."""


def started(op: Op, inputs: tuple[Shape, ...], layer: Built) -> Built:
    """The call, wrapped in the start of its weights: `he(nn.Conv2d(…))`, `literal(…, weight=[…])`, which
    rules.py moves to `init_weights`. Frozen layers end in `.requires_grad_(False)`; those with running
    statistics, which must not change either, have classes of their own."""
    own, op = op, unnormalised(op)
    weights = op.weights(*inputs)
    frozen = getattr(op, "frozen", False)
    stays = frozen and any(weight.role == "buffer" for weight in weights)
    if stays:
        layer = replace(layer, function=layer.function.replace("nn.", "Frozen"))
    init = getattr(op, "init", None)
    if init is not None:
        layer = _by_scheme(op, inputs, init, layer)
    literals = {
        field: _array(weight.initial)
        for weight in weights
        if (field := weight.name) in ("weight", "bias") and weight.initial.distribution == "values"
    }
    if literals:
        layer = Built("literal", (Slot(None, layer), *(Slot(name, text) for name, text in literals.items())))
    if stays:
        return layer
    if frozen and getattr(own, "normalised", None) == "spectral":
        return build("frozen_spectral_norm", layer)
    layer = _normalised(own, layer)
    if frozen and any(weight.role == "frozen" for weight in own.weights(*inputs)):
        layer = replace(layer, suffix=".requires_grad_(False)")
    return layer


def _normalised(op: Any, layer: Built) -> Built:
    """The call, wrapped in the parametrization of its weight."""
    how = getattr(op, "normalised", None)
    if how in (None, "plain"):
        return layer
    if how in ("spectral", "weight"):
        return build(f"{how}_norm", layer)
    more = {"eps": opt(float(op.weight_eps), 1e-6, W("weight_eps")), "dim": opt(int(op.word == "deconv"), 0)}
    if how == "standardized":
        return build("standardized", layer, **more)
    return build("scaled", layer, gamma=opt(float(op.gamma), 1.0, W("gamma")), **more)


def _by_scheme(op: Op, inputs: tuple[Shape, ...], init: Init, layer: Built) -> Built:
    scheme, value, mean = init
    if scheme in ("he", "xavier") and (op.word == "local" or getattr(op, "connect", None) is not None):
        # torch counts fans on the weight's shape, which does not give the number of inputs of a filter
        start = op.weights(*inputs)[0].initial
        return build(start.distribution, layer, **{NUMBERS[start.distribution]: start.value})
    if isinstance(value, Fraction):
        named = {NUMBERS[scheme]: number(value)}
        return build(scheme, layer, **named, mean=opt(number(mean or 0), 0))
    if scheme in ("zeros", "ones"):
        return build("constant", layer, value=int(scheme == "ones"))
    if value == "fan_out":
        return build(scheme, layer, fan_out=True)
    return build(scheme, layer)


def number(exact: Fraction | int) -> int | float:
    """An exact number as Python writes it."""
    value = Fraction(exact)
    small = value.denominator == 1 and abs(value) < 2**53
    return value.numerator if small else float(value)


def _array(start: Initial) -> Code:
    """The numbers as nested lists; leading axes of length 1 are left out (torch broadcasts)."""
    shape = list(start.shape)
    while len(shape) > 1 and shape[0] == 1:
        shape.pop(0)
    numbers = [int(x) if x == int(x) else x for x in start.values]
    if prod(shape) == 1:
        return literal(numbers[0])

    def nested(values: list[float], sizes: list[int]) -> Code:
        if len(sizes) == 1:
            return listed([literal(value) for value in values])
        step = len(values) // sizes[0]
        return listed(
            [nested(values[place * step : (place + 1) * step], sizes[1:]) for place in range(sizes[0])]
        )

    return nested(numbers, shape)
