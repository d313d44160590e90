"""How weights start: torch's own defaults, the schemes of `init=`, and literals of the spec."""

from __future__ import annotations

from fractions import Fraction
from math import prod, sqrt

from cnnspec.ops.base import Init, Initial, Matrix, Misfit, Role, Shape

ZERO = Initial("constant", 0.0)
ONE = Initial("constant", 1.0)


def role_of(frozen: bool) -> Role:
    return "frozen" if frozen else "trainable"


def torch_default(fan_in: int | Fraction) -> Initial:
    """U(−b, b) with b = 1/√fan_in: what torch gives conv, deconv and fc, for weights and biases alike
    (Kaiming's uniform with a = √5).
    """
    return Initial("uniform", 1 / sqrt(fan_in))


def by_scheme(init: Init | None, fan_in: int | Fraction, fan_out: int | Fraction) -> Initial:
    """The weights' start. he: N(0, 2/fan_in) (He et al., 2015). xavier: U(±√(6/(fan_in + fan_out))) (Glorot
    and Bengio, 2010). Fans are counted as torch counts them, on the weight's own shape: axis 1 times the
    window, and axis 0 times the window. bilinear: filter k reads channel k alone, with the plane

        (1 − |y − (F − 1)/2| / f) · (1 − |x − (F − 1)/2| / f),    f = ⌈F/2⌉

    so that a deconv of F2·S (or 2·S − 1) enlarges S times by bilinear interpolation (Long et al., 2015).
    """
    if init is None:
        return torch_default(fan_in)
    match init.scheme:
        case "he":
            return Initial("normal", sqrt(2 / fan_in))
        case "xavier":
            return Initial("uniform", sqrt(6 / (fan_in + fan_out)))
        case "normal" | "uniform":
            return Initial("normal" if init.scheme == "normal" else "uniform", float(init.value or 0))
        case "ones":
            return ONE
        case "bilinear":
            return Initial("bilinear")
    return ZERO


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (a, b, window…), as torch.nn.init counts them."""
    window = prod(shape[2:])
    return shape[1] * window, shape[0] * window


def weight_start(shape: Shape, init: Init | None, literal: Matrix | None) -> Initial:
    """The start of a weight of shape (…, rows, columns): a literal of one plane, or of all of them."""
    if literal is None:
        return by_scheme(init, *fans(shape))
    window = shape[-2:]
    outer = shape[:-2] if len(literal) > 1 else (1,) * (len(shape) - 2)
    return Initial("values", values=flat(literal), shape=outer + window)


def bias_start(fan_in: int | Fraction, init: Init | None, literal: Matrix | None) -> Initial:
    """A literal; 0 where `init=` is written, as He and Glorot have it; else torch's default."""
    if literal is not None:
        values = flat(literal)
        return Initial("values", values=values, shape=(len(values),))
    return torch_default(fan_in) if init is None else ZERO


def flat(literal: Matrix) -> tuple[float, ...]:
    return tuple(float(cell) for plane in literal for row in plane for cell in row)


def literal_misfit(
    weight: Matrix | None, bias: Matrix | None, planes: int, plane: tuple[int, int], filters: int, *, of: str
) -> Misfit | None:
    """E215 where a literal has not one plane of rows × columns, nor `planes`; `of` says what those are."""
    rows, columns = plane
    if weight is not None:
        if len(weight) not in (1, planes):
            wants = f"1 serves all, or {planes:,} are needed, {of}" if planes > 1 else f"1 is needed, {of}"
            return Misfit("E215", f"weight= has {len(weight)} planes; {wants}", argument="weight_values")
        for number, grid in enumerate(weight, 1):
            wide = sorted({len(row) for row in grid}) or [0]  # from JSON: a plane without rows
            if len(grid) != rows or wide != [columns]:
                which = f"plane {number} of weight=" if len(weight) > 1 else "weight="
                has = f"{len(grid)}x{wide[0]}"
                if len(wide) > 1:
                    has = f"rows of {wide[0]} to {wide[-1]} numbers"
                return Misfit(
                    "E215",
                    f"{which} is {has}, the weights are {rows}x{columns}",
                    argument="weight_values",
                    help=f"{rows} rows of {columns} numbers; rows end at `;` or a new line",
                )
    if bias is not None and (count := sum(len(row) for grid in bias for row in grid)) not in (1, filters):
        return Misfit(
            "E215",
            f"bias= has {count} numbers; 1 serves every filter, or {filters:,} are needed, one for each",
            argument="bias_values",
        )
    return None
