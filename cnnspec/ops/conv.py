"""Convolution: conv and dwconv (deconv builds on it).

Four hyperparameters say what a convolution does: K filters, their size F, the stride S, the padding P. A
volume W x H x C goes in, a volume W' x H' x K comes out, with

    W' = (W − F + 2P)/S + 1        H' = (H − F + 2P)/S + 1

and each filter is as deep as what arrives, so that the layer has (F·F·C)·K weights and K biases.
"""

from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Annotated

from cnnspec.ops.base import (
    Argument,
    Misfit,
    Op,
    Remark,
    Shape,
    Weight,
    Window,
)
from cnnspec.ops.draw import draw_window, draw_words, plane_of
from cnnspec.ops.fields import (
    BiasValues,
    Dilation,
    Filters,
    FilterSize,
    Frozen,
    Groups,
    HasBias,
    NotNegative,
    Padding,
    Positive,
    Start,
    Stride,
    WeightValues,
)
from cnnspec.ops.formula import Formula
from cnnspec.ops.groups import divisors, groups_misfit
from cnnspec.ops.sliding import (
    Ends,
    needs_map,
    padding_of,
    places,
    size_formulas,
    sliding_window,
    too_large,
)
from cnnspec.ops.start import bias_start, by_scheme, fans, literal_misfit, role_of, weight_start

if TYPE_CHECKING:
    import random


class Convolution(Op):
    """What conv, dwconv and deconv have in common: filters that slide, with their weights and biases."""

    weighted = True
    linear = True

    F: FilterSize
    S: Stride = (1, 1)
    P: Padding = (0, 0)
    D: Dilation = (1, 1)
    bias: HasBias = True
    bias_values: BiasValues = None
    weight_values: WeightValues = None
    frozen: Frozen = False
    init: Start = None

    def filters(self, arriving: Shape) -> int:
        """K: how many maps come out."""
        raise NotImplementedError

    def weight_shape(self, arriving: Shape) -> Shape:
        raise NotImplementedError

    @property
    def has_bias(self) -> bool:
        return self.bias or self.bias_values is not None

    def padding(self, arriving: Shape) -> tuple[Ends, Ends]:
        """Zeros ((top, bottom), (left, right))."""
        return padding_of(arriving, self.F, self.S, self.P, self.D)

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """K x H' x W' with W' = ⌊(W + 2P − D(F − 1) − 1)/S⌋ + 1."""
        here = arriving[0]
        if wrong := needs_map(self.word, here) or self.misfit(here):
            return wrong
        ends = self.padding(here)
        H, W = (places(here[1 + a], self.F[a], self.S[a], ends[a], self.D[a]) for a in (0, 1))
        if min(H, W) < 1:
            assert not isinstance(self.P, str)  # Psame always fits
            return too_large(here, self.F, self.S, self.P, self.D)
        return self.filters(here), H, W

    def misfit(self, arriving: Shape) -> Misfit | None:
        """What is wrong with groups, tables and literals on these maps."""
        if not self.bias and self.bias_values is not None:
            return Misfit("E204", "nobias and bias= exclude each other", argument="bias_values")
        if self.init is not None and self.weight_values is not None:
            return Misfit("E204", "init= and weight= exclude each other", argument="init")
        shape = self.weight_shape(arriving)
        planes, K = prod(shape[:-2]), self.filters(arriving)
        C = arriving[0]
        if self.init is not None and self.init.scheme == "bilinear" and shape[1] != 1 and C != K:
            return Misfit(
                "E205",
                f"init=bilinear makes a filter of each channel alone: {C:,} channels, {K:,} filters",
                argument="K",
                help=f"K{C} gives each channel its filter",
                replacement=f"K{C}",
            )
        return literal_misfit(
            self.weight_values, self.bias_values, planes, self.F, K, of="filter by filter, channel by channel"
        )

    def weights(self, *arriving: Shape) -> tuple[Weight, ...]:
        shape = self.weight_shape(arriving[0])
        role = role_of(self.frozen)
        start = weight_start(shape, self.init, self.weight_values)
        weight = Weight("weight", shape, start, role)
        if not self.has_bias:
            return (weight,)
        first = bias_start(fans(shape)[0], self.init, self.bias_values)
        return weight, Weight("bias", (self.filters(arriving[0]),), first, role)

    def macs(self, arriving: tuple[Shape, ...], out: Shape) -> int:
        """Every weight is used once at every output position."""
        return prod(self.weight_shape(arriving[0])) * out[1] * out[2]

    def connections(self, arriving: tuple[Shape, ...], out: Shape) -> int:
        """(weights + bias of one output) × outputs: as many as MACs, and one for each output's bias."""
        biases = out[0] * out[1] * out[2] if self.has_bias else 0
        return self.macs(arriving, out) + biases

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        top, left = (ends[0] for ends in self.padding(arriving[0]))
        return (
            sliding_window(self.F[0], self.S[0], top, self.D[0]),
            sliding_window(self.F[1], self.S[1], left, self.D[1]),
        )

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        return self.size_formulas(arriving[0], out) + self.cost_formulas(arriving[0], out)

    def size_formulas(self, arriving: Shape, out: Shape) -> tuple[Formula, ...]:
        return size_formulas(arriving, out, self.F, self.S, self.P, self.D)

    def cost_formulas(self, arriving: Shape, out: Shape) -> tuple[Formula, ...]:
        """Weights `(F·F·C/G)·K + K` and MACs."""
        window, values = _window_symbols(self.F)
        K, groups = self.filters(arriving), self.groups(arriving)
        values |= {"K": K}
        if self.depth_symbol(arriving):
            values["C"] = arriving[0]
            window += "·C"
            if groups != 1:
                values["G"] = groups
                window += "/G"
        plus = " + K" if self.has_bias else ""
        count = sum(prod(weight.shape) for weight in self.weights(arriving))
        weights = Formula("weights", f"({window})·K{plus}", dict(values), count)
        at = self.positions(arriving, out)
        macs = Formula("MACs", f"({window})·K·{'·'.join(at)}", values | at, self.macs((arriving,), out))
        return weights, macs

    def groups(self, arriving: Shape) -> int:
        return 1

    def depth_symbol(self, arriving: Shape) -> bool:
        """Whether C stands in the formula for the weights."""
        return True

    def positions(self, arriving: Shape, out: Shape) -> dict[str, int | str]:
        """At how many positions every weight is used."""
        return {"W'": out[2], "H'": out[1]}

    def remark(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Remark, ...]:
        from cnnspec.ops.remarks import convolution_remarks

        return convolution_remarks(self, arriving[0], out)


class Conv(Convolution):
    """Slides K filters over what arrives. A filter is F x F and as deep as the input; at each place, the
    products of its weights with the numbers under it are added up, over the whole depth, and the filter's
    bias to them: one number of one output map. K filters give K maps, and each map's weights are the same
    at every place.

    Volume W x H x C, hyperparameters K, F, S, P:

        W' = (W − F + 2P)/S + 1      H' = (H − F + 2P)/S + 1      C' = K

    rounded down where S does not divide. With dilation D the taps of a filter stand D apart and F becomes
    D(F − 1) + 1. `P` of (F − 1)/2 keeps the size at stride 1 (F3 P1, F5 P2); `Psame` gives ⌈W/S⌉ and puts
    the odd column of zeros on the right, the odd row at the bottom.

    Weights: (F·F·C)·K + K; with G groups each filter sees only C/G of the maps: (F·F·C/G)·K + K.

    A filter of 1x1 is meaningful, for it is 1 x 1 x C: at each place a fully connected layer over the
    channels. It makes few maps of many (`conv F1 K64` on 256 maps: 256·64 weights) without looking
    sideways.

    `connect=[0 1 2; 1 2 3; …]` says for each filter, in order, which maps it sees, counted from 0; there is
    one plane of F x F weights for each entry. They are stored as (connections, F, F), in the order of the
    table. Where nothing else is said they start as a convolution's do, with the mean number of maps that a
    filter sees as its depth.
    """

    word = "conv"
    title = "convolution: K filters slide over the maps"
    example = "input 3x32x32\nconv F5 P2 K64 => 64x32x32, params 4,864\n"

    G: Groups = 1
    K: Filters
    connect: Annotated[
        tuple[tuple[NotNegative, ...], ...] | None,
        Argument("connections", "which maps each filter sees, counted from 0", keyword="connect"),
    ] = None

    def filters(self, arriving: Shape) -> int:
        return self.K

    def groups(self, arriving: Shape) -> int:
        return self.G

    def weight_shape(self, arriving: Shape) -> Shape:
        """(K, C/G, F, F); with a table (connections, F, F)."""
        if self.connect is not None:
            return sum(len(row) for row in self.connect), *self.F
        return self.K, arriving[0] // self.G, *self.F

    def misfit(self, arriving: Shape) -> Misfit | None:
        if wrong := groups_misfit(self.G, arriving[0], self.K):
            return wrong
        if self.connect is not None and (wrong := self._table_misfit(arriving[0])):
            return wrong
        return super().misfit(arriving)

    def _table_misfit(self, C: int) -> Misfit | None:
        table = self.connect or ()
        if self.G != 1:
            return Misfit("E204", "connect= and groups exclude each other", argument="connect")
        if self.init is not None and self.init.scheme == "bilinear":
            return Misfit("E204", "connect= and init=bilinear exclude each other", argument="init")
        if len(table) != self.K:
            return Misfit(
                "E215",
                f"connect= has {len(table)} rows, one for each filter, and K is {self.K}",
                argument="connect",
                help=f"K{len(table)} has as many filters as the table has rows",
            )
        for number, row in enumerate(table):
            if not row or len(set(row)) != len(row):
                what = "is empty" if not row else "names a map twice"
                return Misfit("E215", f"row {number} of connect= {what}", argument="connect")
            if max(row) >= C:
                return Misfit(
                    "E215",
                    f"row {number} of connect= names map {max(row)}; {C} arrive, numbered 0 to {C - 1}",
                    argument="connect",
                )
        return None

    def weights(self, *arriving: Shape) -> tuple[Weight, ...]:
        if self.connect is None:
            return super().weights(*arriving)
        # A mean depth, which is C where every filter sees every map: the same start as the dense layer's.
        shape = self.weight_shape(arriving[0])
        taps = shape[0] * self.F[0] * self.F[1]
        fan_in, fan_out = Fraction(taps, self.K), Fraction(taps, arriving[0][0])
        start = (
            by_scheme(self.init, fan_in, fan_out)
            if self.weight_values is None
            else weight_start(shape, None, self.weight_values)
        )
        role = role_of(self.frozen)
        weight = Weight("weight", shape, start, role)
        if not self.has_bias:
            return (weight,)
        first = bias_start(fan_in, self.init, self.bias_values)
        return weight, Weight("bias", (self.K,), first, role)

    def cost_formulas(self, arriving: Shape, out: Shape) -> tuple[Formula, ...]:
        if self.connect is None:
            return super().cost_formulas(arriving, out)
        window, values = _window_symbols(self.F)
        values["N"] = self.weight_shape(arriving)[0]
        count = sum(prod(weight.shape) for weight in self.weights(arriving))
        plus = " + K" if self.has_bias else ""
        biases: dict[str, int | str] = {"K": self.K} if self.has_bias else {}
        at: dict[str, int | str] = {"W'": out[2], "H'": out[1]}
        return (
            Formula("weights", f"({window})·N{plus}", values | biases, count),
            Formula("MACs", f"({window})·N·W'·H'", values | at, self.macs((arriving,), out)),
        )

    @classmethod
    def draw(cls, chance: "random.Random", arriving: Shape) -> str | None:
        if len(arriving) != 3:
            return None
        C, H, W = arriving
        G = chance.choice([1, 1, 1, *divisors(C, 8)])
        K = G * chance.randint(1, max(1, 12 // G))
        window = draw_window(chance, H, W)
        text = f"conv {window} {f'G{G} ' if G > 1 else ''}K{K}"
        if G == 1 and chance.random() < 0.1:
            rows = (sorted(chance.sample(range(C), chance.randint(1, min(C, 4)))) for _ in range(K))
            text += f" connect=[{'; '.join(' '.join(map(str, row)) for row in rows)}]"
        return text + draw_words(chance, plane_of(window))


class DwConv(Convolution):
    """Depthwise convolution: each map has filters of its own, one map deep. It is `conv` with as many
    groups as maps arrive, G = C. Without K there is one filter for each map; K may be any multiple of C.

    Weights: F·F·K + K. On 32 maps, 3x3: 3·3·32 + 32 = 320, where an ordinary convolution to 32 maps has
    9,248. A 1x1 convolution behind it mixes the channels: the separable convolution of MobileNet.
    """

    word = "dwconv"
    title = "depthwise convolution: each map has its own filter"
    example = "input 32x112x112\ndwconv F3 P1 nobias => 32x112x112, params 288\n"

    K: Annotated[
        Positive | None, Argument("integer", "number of filters, a multiple of C; left out: C", letter="K")
    ] = None

    def filters(self, arriving: Shape) -> int:
        return arriving[0] if self.K is None else self.K

    def groups(self, arriving: Shape) -> int:
        return arriving[0]

    def depth_symbol(self, arriving: Shape) -> bool:
        return False

    def weight_shape(self, arriving: Shape) -> Shape:
        """(K, 1, F, F)."""
        return self.filters(arriving), 1, *self.F

    def misfit(self, arriving: Shape) -> Misfit | None:
        C, K = arriving[0], self.filters(arriving)
        if K % C:
            near = max(K // C, 1) * C
            return Misfit(
                "E305",
                f"{K} filters cannot be shared out among {C} maps",
                argument="K",
                note=f"K/C = {K}/{C}",
                help=f"K is a multiple of C: K{near}, or no K at all for K{C}",
                replacement=f"K{near}",
            )
        return super().misfit(arriving)

    @classmethod
    def draw(cls, chance: "random.Random", arriving: Shape) -> str | None:
        if len(arriving) != 3:
            return None
        K = f" K{arriving[0] * chance.randint(1, 3)}" if chance.random() < 0.4 else ""
        window = draw_window(chance, *arriving[1:])
        return f"dwconv {window}{K}{draw_words(chance, plane_of(window))}"


def _window_symbols(F: tuple[int, int]) -> tuple[str, dict[str, int | str]]:
    """`F·F` with its value; `Fh·Fw` where the two differ."""
    if F[0] == F[1]:
        return "F·F", {"F": F[0]}
    return "Fh·Fw", {"Fh": F[0], "Fw": F[1]}
