"""The weights and biases of filters, and how they start: torch's own defaults, the schemes of `init=`, and
literals of the spec.
"""

from __future__ import annotations

from fractions import Fraction
from math import prod, sqrt
from typing import Any

from cnnspec.ops.base import Init, Initial, Matrix, Misfit, Role, Shape, Weight

ZERO = Initial("constant", 0.0)
ONE = Initial("constant", 1.0)


def role_of(frozen: bool) -> Role:
    return "frozen" if frozen else "trainable"


def weight_and_bias(
    op: Any, shape: Shape, K: int, fans: tuple[int | Fraction, int | Fraction] | None = None
) -> tuple[Weight, ...]:
    """A weight of this shape and, with a bias, K biases. They start as a literal gives them; a bias is 0
    where `init=` is written, as He and Glorot have it; else both start as torch does by default. `fans` is
    (fan_in, fan_out) where they do not follow from the shape.
    """
    fans = fans or fans_of(shape)
    role = role_of(op.frozen)
    start = by_scheme(op.init, *fans)
    if op.weight_values is not None:
        start = literal_start(shape, op.weight_values, len(getattr(op, "F", shape)))
    weight = Weight("weight", shape, start, role)
    if not op.has_bias:
        return (weight,)
    if op.bias_values is not None:
        values = flat(op.bias_values)
        first = Initial("values", values=values, shape=(len(values),))
    else:
        first = by_scheme(None, *fans) if op.init is None else ZERO
    return weight, Weight("bias", (K,), first, role)


def by_scheme(init: Init | None, fan_in: int | Fraction, fan_out: int | Fraction) -> Initial:
    """The weights' start. None: torch's default, U(−b, b) with b = 1/√fan_in (Kaiming's uniform, a = √5), for
    biases as well. he: N(0, 2/fan_in), `he(fan_out)`: N(0, 2/fan_out) (He et al., 2015). xavier:
    U(±√(6/(fan_in + fan_out))) (Glorot and Bengio, 2010). truncated: normal, drawn again beyond 2σ. Fans are
    counted as torch counts them, on the weight's own shape: axis 1 times the window, and axis 0 times the
    window. bilinear: filter k reads channel k alone, with the plane

        (1 − |y − (F − 1)/2| / f) · (1 − |x − (F − 1)/2| / f),    f = ⌈F/2⌉

    so that a deconv of F2·S (or 2·S − 1) enlarges S times by bilinear interpolation (Long et al., 2015).
    Along one axis or three it is linear or trilinear, with a factor for each axis.
    """
    if init is None:
        return Initial("uniform", 1 / sqrt(fan_in))
    match init.scheme:
        case "he":
            return Initial("normal", sqrt(2 / (fan_out if init.value == "fan_out" else fan_in)))
        case "xavier":
            return Initial("uniform", sqrt(6 / (fan_in + fan_out)))
        case "bilinear":
            return Initial("bilinear")
    return of_numbers(init)


def of_numbers(init: Init | None) -> Initial:
    """How weights start by a scheme that does not depend on their shape; None: 1, for a normalisation's
    weights.
    """
    match init:
        case Init("normal" | "truncated" | "uniform" | "constant" as scheme, Fraction() as value, mean):
            return Initial(scheme, float(value), mean=float(mean or 0))
        case Init("zeros"):
            return ZERO
    return ONE


def fans_of(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (a, b, window…), as torch.nn.init counts them."""
    window = prod(shape[2:])
    return shape[1] * window, shape[0] * window


def literal_start(shape: Shape, literal: Matrix, axes: int) -> Initial:
    """How a weight of shape (…, rows, columns) starts: as a literal for one filter on one channel, or for all
    of them. The shape ends in (columns) on a signal and in (planes, rows, columns) on a volume.
    """
    one = prod(shape[-axes:-2])
    outer = shape[:-axes] if len(literal) > one else (1,) * (len(shape) - axes)
    return Initial("values", values=flat(literal), shape=outer + shape[-axes:])


def flat(literal: Matrix) -> tuple[float, ...]:
    return tuple(float(cell) for plane in literal for row in plane for cell in row)


def literal_misfit(op: Any, count: int, sizes: tuple[int, ...], K: int, *, of: str) -> Misfit | None:
    """E204 where two arguments exclude each other; E215 where a literal has neither the planes of one filter
    on one channel, of `sizes` (planes ×) rows × columns, nor `count` planes; `of` names these.
    """
    if op.bias_values is not None and not op.bias:
        return Misfit("E204", "nobias and bias= exclude each other", argument="bias_values")
    if op.init is not None and op.weight_values is not None:
        return Misfit("E204", "init= and weight= exclude each other", argument="init")
    weight, (*_, rows, columns) = op.weight_values or (), sizes
    one = prod(sizes[:-2])
    if weight and len(weight) not in (one, one * count):
        required = f"{one} for all, or {one * count:,}, {of}" if count > 1 else f"{one}, {of}"
        has = f"{len(weight)} plane{'s' if len(weight) > 1 else ''}"
        return Misfit("E215", f"weight= has {has}; expected {required}", argument="weight_values")
    for number, grid in enumerate(weight, 1):
        wide = sorted({len(row) for row in grid}) or [0]  # from JSON: a plane without rows
        if len(grid) == rows and wide == [columns]:
            continue
        plane_text = f"plane {number} of weight=" if len(weight) > 1 else "weight="
        has = f"{len(grid)}x{wide[0]}"
        if len(wide) > 1:
            odd, length = next((n, len(row)) for n, row in enumerate(grid, 1) if len(row) != columns)
            has = f"{len(grid)} rows, and row {odd} has {length} number{'s' if length > 1 else ''}"
        return Misfit(
            "E215",
            f"{plane_text} is {has}; the weights are {rows}x{columns}",
            argument="weight_values",
            help=f"{rows} row{'s' if rows > 1 else ''} of {columns} numbers; rows end at `;` or a new line",
        )
    if op.bias_values is not None and (count := len(flat(op.bias_values))) not in (1, K):
        return Misfit(
            "E215",
            f"bias= has {count} numbers; expected 1 for all filters, or {K:,}, one per filter",
            argument="bias_values",
        )
    return None
