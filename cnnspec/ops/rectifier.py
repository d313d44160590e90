"""Rectifiers: relu, max(x, 0), and its variants. Without an activation between them, two linear layers are
one linear layer. Only prelu has weights.
"""

from fractions import Fraction
from math import prod
from typing import Annotated, Literal

from cnnspec.ops.base import Activation, Argument, Initial, Shape, Weight, axes_of, flag
from cnnspec.ops.fields import Exact, Frozen
from cnnspec.ops.formula import Formula
from cnnspec.ops.start import role_of


class Relu(Activation):
    """max(x, 0): negative numbers become 0. It does not saturate for positive numbers, so that deep networks
    train well with it (Krizhevsky et al., 2012).
    """

    word = "relu"
    title = "max(x, 0)"
    example = "input 3x32x32\nconv F3 P1 K16 -> relu\n"


class Relu6(Activation):
    """min(max(x, 0), 6): relu with an upper limit, for arithmetic with few bits (MobileNet)."""

    word = "relu6"
    title = "min(max(x, 0), 6)"
    example = "input 3x32x32\nconv F3 P1 K16 -> relu6\n"


class Leaky(Activation):
    """x where x > 0, else slope·x: relu with a slope for negative numbers. `leaky 0.1` is Darknet's."""

    word = "leaky"
    title = "x, or slope·x where x is negative"
    example = "input 3x416x416\nconv F3 P1 K16 nobias -> bn -> leaky 0.1\n"

    slope: Annotated[Exact, Argument("number", "slope for negative x", positional=0)] = Fraction(1, 100)


class Prelu(Activation):
    """x where x > 0, else a·x with a trained a, one per channel; `prelu one`: one for all; `prelu
    positions`: one per channel and position, as Keras's PReLU. Its initial value is 0.25 (He et al., 2015).
    Weights: C, 1 or C·H·W.
    """

    word = "prelu"
    title = "leaky with a trained slope"
    example = "input 3x32x32\nconv F3 P1 K16 -> prelu => 16x32x32, params 464\n"

    slopes: Annotated[
        Literal["channels", "one", "positions"],
        flag(
            "one slope for all channels, or for each channel and position", one="one", positions="positions"
        ),
    ] = "channels"
    frozen: Frozen = False

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        shapes: dict[str, Shape] = {"one": (1,), "channels": inputs[0][:1], "positions": inputs[0]}
        return (Weight("weight", shapes[self.slopes], Initial("constant", 0.25), role_of(self.frozen)),)

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        (weight,) = self.weights(*inputs)
        letters = (
            {} if self.slopes == "one" else dict(zip("C" + axes_of(inputs[0]), weight.shape, strict=False))
        )
        return (Formula("weights", "·".join(letters) or "1", letters, prod(weight.shape)),)


class Elu(Activation):
    """x where x > 0, else alpha·(eˣ − 1): smooth, and bounded below by −alpha (Clevert et al., 2015)."""

    word = "elu"
    title = "x, or alpha·(eˣ − 1) where x is negative"
    example = "input 3x32x32\nconv F3 P1 K16 -> elu\n"

    alpha: Annotated[Exact, Argument("number", "the limit for large negative x is −alpha", positional=0)] = (
        Fraction(1)
    )


class Selu(Activation):
    """1.0507·elu with alpha 1.6733: keeps mean 0 and variance 1 from layer to layer (Klambauer et al.,
    2017).
    """

    word = "selu"
    title = "elu, scaled so that variance stays 1"
    example = "input 3x32x32\nconv F3 P1 K16 -> selu\n"


class Abs(Activation):
    """|x|: the size of each number without its sign."""

    word = "abs"
    title = "|x|"
    example = "input 1x28x28\nconv F3 K8 -> abs\n"
