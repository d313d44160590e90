"""Dense layers: flatten, fc, rbf.

A fully connected layer has one weight for each pair of an input and an output number, C·K of them, and K
biases. It reads a vector; `flatten` makes one of a volume.
"""

from math import prod
from typing import TYPE_CHECKING, Annotated

from cnnspec.ops.base import (
    POINT,
    Argument,
    Initial,
    Matrix,
    Misfit,
    Op,
    Shape,
    Weight,
    Window,
    written_shape,
)
from cnnspec.ops.draw import draw_words
from cnnspec.ops.fields import BiasValues, Frozen, HasBias, Positive, Start, WeightValues
from cnnspec.ops.formula import Formula
from cnnspec.ops.start import bias_start, literal_misfit, role_of, weight_start

if TYPE_CHECKING:
    import random


class Flatten(Op):
    """A volume C x H x W as a vector of C·H·W numbers: map by map, row by row. Nothing to train."""

    word = "flatten"
    title = "a volume as a vector"
    example = "input 512x7x7\nflatten => 25088\nfc 4096\n"
    ends_map = True

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """C·H·W."""
        return (prod(arriving[0]),)

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        if len(arriving[0]) == 1:
            return POINT, POINT
        _, H, W = arriving[0]
        return Window(H, H, 0), Window(W, W, 0)

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        if len(arriving[0]) == 1:
            return ()
        C, H, W = arriving[0]
        return (Formula("size", "C·H·W", {"C": C, "H": H, "W": W}, out[0]),)

    @classmethod
    def draw(cls, chance: "random.Random", arriving: Shape) -> str | None:
        return "flatten"


class Dense(Op):
    """fc and rbf: K numbers, each from all C that arrive."""

    weighted = True

    K: Annotated[
        Positive, Argument("integer", "how many numbers come out (fc 1000)", letter="K", positional=0)
    ]
    frozen: Frozen = False
    init: Start = None
    weight_values: WeightValues = None

    @property
    def bias_literal(self) -> Matrix | None:
        return None

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """K."""
        here = arriving[0]
        if len(here) == 3 and (here[1], here[2]) != (1, 1):
            C, H, W = here
            return Misfit(
                "E302",
                f"{self.word} reads a vector; what arrives is {written_shape(here)}",
                note=f"C·H·W = {C}·{H}·{W} = {C * H * W:,}",
                help=f"flatten -> {self.word} {self.K} reads all {C * H * W:,} numbers; "
                f"gap -> {self.word} {self.K} reads the mean of each of the {C} maps",
                replacement=f"flatten -> {self.word}",
            )
        if self.init is not None and self.weight_values is not None:
            return Misfit("E204", "init= and weight= exclude each other", argument="init")
        if self.init is not None and self.init.scheme == "bilinear":
            return Misfit(
                "E205",
                f"init=bilinear is for filters that slide; {self.word} has none",
                argument="init",
                help="conv, dwconv and deconv have them; init=xavier is made for layers like this one",
            )
        wrong = literal_misfit(
            self.weight_values, self.bias_literal, 1, (self.K, here[0]), self.K, of="a row for each output"
        )
        return wrong or (self.K,)

    def connections(self, arriving: tuple[Shape, ...], out: Shape) -> int:
        """(weights + bias of one output) × outputs: each of them once."""
        return sum(prod(weight.shape) for weight in self.weights(*arriving))

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        return POINT, POINT


class Fc(Dense):
    """A fully connected layer: each of the K numbers that come out is the sum of all C that arrive, each
    times a weight of its own, plus a bias.

    Weights: C·K + K. `fc` takes a vector, or a C x 1 x 1 volume as the vector that it is. On anything
    larger it is an error: write `flatten -> fc`, for the weights then grow with the map (VGG's first `fc`
    has 512·7·7·4096 = 102,760,448 of them, three quarters of the network).

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

    @property
    def bias_literal(self) -> Matrix | None:
        return self.bias_values

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """K."""
        if not self.bias and self.bias_values is not None:
            return Misfit("E204", "nobias and bias= exclude each other", argument="bias_values")
        return super().out(*arriving)

    def weights(self, *arriving: Shape) -> tuple[Weight, ...]:
        C = arriving[0][0]
        role = role_of(self.frozen)
        start = weight_start((self.K, C), self.init, self.weight_values)
        weight = Weight("weight", (self.K, C), start, role)
        if not self.has_bias:
            return (weight,)
        first = bias_start(C, self.init, self.bias_values)
        return weight, Weight("bias", (self.K,), first, role)

    def macs(self, arriving: tuple[Shape, ...], out: Shape) -> int:
        """C·K."""
        return arriving[0][0] * self.K

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C, K = arriving[0][0], self.K
        text, count = ("C·K + K", C * K + K) if self.has_bias else ("C·K", C * K)
        return Formula("weights", text, {"C": C, "K": K}, count), Formula(
            "MACs", "C·K", {"C": C, "K": K}, C * K
        )

    @classmethod
    def draw(cls, chance: "random.Random", arriving: Shape) -> str | None:
        if len(arriving) == 3 and arriving[1:] != (1, 1):
            return None
        K = chance.randint(1, 24)
        return f"fc {chance.choice(['', '', 'K'])}{K}{draw_words(chance, (K, arriving[0]))}"


class Rbf(Dense):
    """LeNet-5's output: how far what arrives is from K prototypes, y = Σ (x − w)²; the smallest wins.

    Weights: C·K, no bias. LeNet's prototypes are bitmaps of the digits, 7 x 12 pixels of +1 and −1, drawn
    by hand and held fixed: give them with `weight=[…]` (K rows of C numbers) and `frozen`. Where nothing is
    given they start as +1 and −1 with equal chances, which the paper names as the other way to choose them.
    """

    word = "rbf"
    title = "LeNet-5's output: distance from K prototypes"
    example = "input 84\nrbf 10 frozen => 10, params 840\n"
    smallest_wins = True

    def weights(self, *arriving: Shape) -> tuple[Weight, ...]:
        shape = (self.K, arriving[0][0])
        role = role_of(self.frozen)
        if self.init is None and self.weight_values is None:
            return (Weight("weight", shape, Initial("signs", 1.0), role),)
        return (Weight("weight", shape, weight_start(shape, self.init, self.weight_values), role),)

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C, K = arriving[0][0], self.K
        return (Formula("weights", "C·K", {"C": C, "K": K}, C * K),)

    @classmethod
    def draw(cls, chance: "random.Random", arriving: Shape) -> str | None:
        if len(arriving) == 3 and arriving[1:] != (1, 1):
            return None
        K = chance.randint(1, 12)
        return f"rbf {chance.choice(['', '', 'K'])}{K}{draw_words(chance, (K, arriving[0]), biased=False)}"
