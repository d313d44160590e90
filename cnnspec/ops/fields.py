"""The types of arguments that several layers share: their ranges, and how each is written.

A value out of range is refused by pydantic when the op is made, with the field's name in the error's `loc`.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

from cnnspec.ops.base import Argument, Init, flag

SCHEMES = {
    "he": "no number; it may have fan_out: he(fan_out)",
    "xavier": "no number",
    "normal": "its standard deviation: normal(0.01); or the mean before it: normal(1, 0.02)",
    "truncated": "its standard deviation: truncated(0.02)",
    "uniform": "its bound: uniform(0.1)",
    "constant": "its number: constant(0.1)",
    "zeros": "no number",
    "ones": "no number",
    "bilinear": "no number",
}
"""The schemes of `init=`, with a description of the value in brackets after them."""
SPREADS = ("normal", "truncated", "uniform")
OF_FACTORS = ("normal", "truncated", "uniform", "constant", "zeros", "ones")
"""The schemes for the weights of a normalisation. These are factors, one per channel, without fan-in or
fan-out."""
_NUMBER = r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3}|/[0-9]{1,400})?"


def exact(value: Any) -> Fraction:
    """A number as an exact fraction: from int, float, Fraction, or text like `0.1`, `1e-6`, `2/3`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Fraction):
        raise PydanticCustomError("number", "must be a number")
    text = repr(value) if isinstance(value, float) else value
    if isinstance(text, str) and not re.fullmatch(_NUMBER, text):
        raise PydanticCustomError("number", "must be a finite number")
    try:
        number = text if type(text) is Fraction else Fraction(text)
    except ZeroDivisionError:
        raise PydanticCustomError("number", "must be a finite number") from None
    if abs(number.numerator) > 10**38 * number.denominator:  # float32 ends at 3.4e38
        raise PydanticCustomError("number", "must be no larger than 1e38, where float32 ends")
    return number


def _init(value: Any) -> Init:
    """`he`, or a list with what the scheme needs: `["normal", 1, "0.02"]`, `["he", "fan_out"]`."""
    if isinstance(value, Init):
        value = (value.scheme, *value.arguments)
    scheme, *numbers = value if isinstance(value, list | tuple) else (value,)
    if scheme not in SCHEMES:
        *most, last = (name + "(…)" * (name in (*SPREADS, "constant")) for name in SCHEMES)
        raise PydanticCustomError("init", f"must be {', '.join(most)} or {last}")
    if scheme == "he" and numbers in (["fan_in"], ["fan_out"]):
        return Init(scheme, "fan_out") if numbers == ["fan_out"] else Init(scheme)
    least = scheme in (*SPREADS, "constant")
    if not least <= len(numbers) <= least + (scheme == "normal"):
        raise PydanticCustomError("init", f"{scheme} needs {SCHEMES[scheme]}")
    if not numbers:
        return Init(scheme)
    *mean, number = map(exact, numbers)
    if scheme in SPREADS and number <= 0:
        kind = "standard deviation" if mean else "number"
        raise PydanticCustomError("init", f"the {kind} of {scheme} must be greater than 0")
    return Init(scheme, number, mean[0] if mean and mean[0] else None)


def _init_of_factors(value: Any) -> Init:
    """As `_init`, for the weights of a normalisation, which have no fan-in or fan-out."""
    init = _init(value)
    if init.scheme not in OF_FACTORS:
        raise PydanticCustomError(
            "init", f"must be {', '.join(OF_FACTORS[:-1])} or ones: a norm has one weight for each channel"
        )
    return init


Positive: TypeAlias = Annotated[int, Field(ge=1, strict=True)]
NotNegative: TypeAlias = Annotated[int, Field(ge=0, strict=True)]
Flag: TypeAlias = Annotated[bool, Field(strict=True)]
Sizes: TypeAlias = tuple[Positive, ...]
"""One for each axis, each at least 1."""
Corner: TypeAlias = tuple[NotNegative, ...]
"""One for each axis, each at least 0."""
Exact: TypeAlias = Annotated[Fraction, PlainValidator(exact)]
AboveZero: TypeAlias = Annotated[Fraction, PlainValidator(exact), Field(gt=0)]
Probability: TypeAlias = Annotated[Fraction, PlainValidator(exact), Field(ge=0, le=1)]
Planes: TypeAlias = tuple[tuple[tuple[Exact, ...], ...], ...]

FilterSize: TypeAlias = Annotated[Sizes, Argument("sizes", "filter size (F5, F1x7)", letter="F")]
Stride: TypeAlias = Annotated[
    Sizes, Argument("sizes", "stride: the step from one window to the next", letter="S")
]
Padding: TypeAlias = Annotated[
    Corner | Literal["same"],
    Argument("sizes", "zero padding on every side; Psame: ⌈N/S⌉ outputs", letter="P", same=True),
]
Dilation: TypeAlias = Annotated[Sizes, Argument("sizes", "dilation: the step within a window", letter="D")]
Groups: TypeAlias = Annotated[Positive, Argument("integer", "groups of channels", letter="G")]
Filters: TypeAlias = Annotated[
    Positive, Argument("integer", "number of filters, the output channels", letter="K")
]
Like: TypeAlias = Annotated[Flag, Argument("tensor", "a tensor that has the size", keyword="like")]

HasBias: TypeAlias = Annotated[
    Flag, flag("one bias per filter, or none", bias=True, nobias=False, replaces=("bias_values",))
]
BiasValues: TypeAlias = Annotated[
    Planes | None,
    Argument(
        "matrix", "literal biases: one number for all, or one per filter", keyword="bias", replaces=("bias",)
    ),
]
WeightValues: TypeAlias = Annotated[
    Planes | None,
    Argument(
        "matrix",
        "literal weights: one filter for all filters and channels, or all of them",
        keyword="weight",
        replaces=("init",),
    ),
]
Frozen: TypeAlias = Annotated[Flag, flag("the weights are not trained", frozen=True)]
One: TypeAlias = Annotated[Flag, flag("one weight for all channels", one=True)]
Scheme: TypeAlias = Annotated[Init, PlainValidator(_init)]
Start: TypeAlias = Annotated[
    Scheme | None,
    Argument(
        "init",
        "how weights start: he, he(fan_out), xavier, normal(σ), truncated(σ), uniform(b), constant(x), "
        "zeros, ones, bilinear",
        keyword="init",
        replaces=("weight_values",),
    ),
]
FactorStart: TypeAlias = Annotated[
    Annotated[Init, PlainValidator(_init_of_factors)] | None,
    Argument(
        "init",
        "how the weights start, where not at 1: zeros, constant(x), normal(μ, σ), truncated(σ), uniform(b)",
        keyword="init",
    ),
]
