"""Dense layers: flatten, fc, rbf.

A fully connected layer has one weight for each pair of an input and an output, C·K of them, and K biases. Its
input is a vector; `flatten` turns a volume into one.
"""

from collections.abc import Iterable
from math import prod
from typing import Annotated, Any, ClassVar

from cnnspec.ops.base import (
    Argument,
    Initial,
    Misfit,
    Op,
    Shape,
    Slip,
    Weight,
    Window,
    axes_of,
    whole,
    written_shape,
)
from cnnspec.ops.fields import BiasValues, Frozen, HasBias, Positive, Start, WeightValues
from cnnspec.ops.formula import Formula
from cnnspec.ops.normalised import NormalisedWeights
from cnnspec.ops.start import literal_misfit, weight_and_bias


class Flatten(Op):
    """Turns a volume C x H x W into a vector of C·H·W numbers: map by map, row by row. It has no weights."""

    word = "flatten"
    title = "turns a volume into a vector"
    example = "input 512x7x7\nflatten => 25088\nfc 4096\n"
    ends_map = True

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """C·H·W."""
        return (prod(inputs[0]),)

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        return whole(inputs[0])

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        if len(inputs[0]) == 1:
            return ()
        letters = dict(zip("C" + axes_of(inputs[0]), inputs[0], strict=True))
        return (Formula("size", "·".join(letters), letters, out[0]),)


class Dense(Op):
    """fc and rbf: K outputs, each computed from all C inputs."""

    weighted = True

    K: Annotated[Positive, Argument("integer", "number of outputs (fc 1000)", letter="K", positional=0)]
    frozen: Frozen = False
    init: Start = None
    weight_values: WeightValues = None

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """K."""
        input_shape = inputs[0]
        if prod(input_shape[1:]) != 1:
            letters, sizes = "·".join("C" + axes_of(input_shape)), "·".join(map(str, input_shape))
            return Misfit(
                "E302",
                f"{self.word} needs a vector; its input is {written_shape(input_shape)}",
                note=f"{letters} = {sizes} = {prod(input_shape):,}",
                help=f"flatten -> {self.word} {self.K} reads all {prod(input_shape):,} numbers; "
                f"gap -> {self.word} {self.K} reads the mean of each of the {input_shape[0]} maps",
                replacement=f"flatten -> {self.word}",
            )
        if self.init is not None and self.init.scheme == "bilinear" and self.weight_values is None:
            return Misfit(
                "E205",
                f"init=bilinear is for convolution filters; {self.word} has none",
                argument="init",
                help="init=xavier is the usual choice for a fully connected layer",
            )
        return literal_misfit(self, 1, (self.K, input_shape[0]), self.K, of="a row for each output") or (
            self.K,
        )

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return weight_and_bias(self, (self.K, inputs[0][0]), self.K)

    def connections(self, inputs: tuple[Shape, ...], out: Shape) -> int:
        """(weights + bias of one output) × outputs: each weight and bias counts once."""
        return sum(prod(weight.shape) for weight in self.weights(*inputs))


class Fc(Dense, NormalisedWeights):
    """A fully connected layer: each of the K outputs is the sum of all C inputs, each times a weight of its
    own, plus a bias.

    Weights: C·K + K. The input is a vector, or a C x 1 x 1 volume, which counts as one. A larger volume is an
    error: write `flatten -> fc`; the number of weights then grows with the map (VGG's first `fc` has
    512·7·7·4096 = 102,760,448 of them, three quarters of the network).

    A literal `weight=` has K rows of C numbers.
    """

    word = "fc"
    title = "fully connected layer"
    example = "input 120x1x1\nfc 84 => 84, params 10,164\n"
    linear = True

    bias: HasBias = True
    bias_values: BiasValues = None

    @property
    def has_bias(self) -> bool:
        return self.bias or self.bias_values is not None

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """K."""
        return self.normalised_misfit() or super().out(*inputs)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return self.normalise(super().weights(*inputs))

    def connections(self, inputs: tuple[Shape, ...], out: Shape) -> int:
        """C·K + K."""
        return (inputs[0][0] + self.has_bias) * self.K

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> int:
        """C·K."""
        return inputs[0][0] * self.K

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C, K = inputs[0][0], self.K
        text, count = ("C·K + K", C * K + K) if self.has_bias else ("C·K", C * K)
        values = {"C": C, "K": K}
        more, counts = self.more_weights((K, C))
        text, count = text + more, count + (K if counts else 0)
        return Formula("weights", text, values, count), Formula("MACs", "C·K", values, C * K)

    def slips(self, inputs: tuple[Shape, ...], out: Shape, claimed: int) -> Iterable[Slip]:
        from cnnspec.ops import slips

        return slips.fc(self, inputs[0], claimed)


class Rbf(Dense):
    """LeNet-5's output: the squared distance of the input from K prototypes, y = Σ (x − w)²; the smallest
    wins.

    Weights: C·K, no bias. LeNet's prototypes are bitmaps of the digits, 7 x 12 pixels of +1 and −1, drawn
    by hand and not trained: give them with `weight=[…]` (K rows of C numbers) and `frozen`. By default they
    start as +1 and −1 with equal probability, the other choice that the paper names.
    """

    word = "rbf"
    title = "LeNet-5's output: distance from K prototypes"
    example = "input 84\nrbf 10 frozen => 10, params 840\n"
    smallest_wins = True

    has_bias: ClassVar[bool] = False
    bias_values: ClassVar[Any] = None

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        (weight,) = super().weights(*inputs)
        explicit = self.init is not None or self.weight_values is not None
        return (weight if explicit else weight._replace(initial=Initial("signs", 1.0)),)

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C, K = inputs[0][0], self.K
        return (Formula("weights", "C·K", {"C": C, "K": K}, C * K),)
