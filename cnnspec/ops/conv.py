"""Convolution: conv and dwconv (deconv builds on it).

Four hyperparameters say what a convolution does: K filters, their size F, the stride S, the padding P. A
volume W x H x C becomes a volume W' x H' x K, with

    W' = (W − F + 2P)/S + 1        H' = (H − F + 2P)/S + 1

and each filter is as deep as the input, so that the layer has (F·F·C)·K weights and K biases.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import prod
from typing import Annotated

from cnnspec.ops.base import (
    AXES,
    Argument,
    Misfit,
    Remark,
    Shape,
    Sizes,
    Slip,
    Weight,
    Window,
    axes_of,
    whole,
)
from cnnspec.ops.fields import (
    BiasValues,
    Dilation,
    Filters,
    FilterSize,
    Flag,
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
from cnnspec.ops.formula import Formula, Values
from cnnspec.ops.groups import groups_misfit
from cnnspec.ops.normalised import NormalisedWeights
from cnnspec.ops.sliding import Ends, Slide, needs_map
from cnnspec.ops.start import literal_misfit, weight_and_bias


class Convolution(NormalisedWeights):
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

    def filters(self, input_shape: Shape) -> int:
        """K: the number of output maps."""
        raise NotImplementedError

    def groups(self, input_shape: Shape) -> int:
        """G: each filter reads C/G maps."""
        return 1

    def weight_shape(self, input_shape: Shape) -> Shape:
        """(K, C/G, F, F)."""
        return self.filters(input_shape), input_shape[0] // self.groups(input_shape), *self.F

    @property
    def has_bias(self) -> bool:
        return self.bias or self.bias_values is not None

    @property
    def slide(self) -> Slide:
        return Slide(self.F, self.S, self.P, self.D)

    def padding(self, input_shape: Shape) -> tuple[Ends, ...]:
        """The zeros of each axis: of a map ((top, bottom), (left, right))."""
        return self.slide.ends(input_shape)

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """K x H' x W' with W' = ⌊(W + 2P − D(F − 1) − 1)/S⌋ + 1."""
        input_shape = inputs[0]
        if wrong := needs_map(self, input_shape) or self.misfit(input_shape):
            return wrong
        size = self.slide.size(input_shape)
        return (self.filters(input_shape), *size) if min(size) >= 1 else self.slide.too_large(input_shape)

    def misfit(self, input_shape: Shape) -> Misfit | None:
        """What is wrong with groups, tables and literals for an input of this shape."""
        if wrong := self.normalised_misfit():
            return wrong
        C, K, shape = input_shape[0], self.filters(input_shape), self.weight_shape(input_shape)
        bilinear = self.init is not None and self.init.scheme == "bilinear"
        if bilinear and self.weight_values is None and shape[1] != 1 and C != K:
            return Misfit(
                "E205",
                f"init=bilinear needs one filter per channel: {C:,} channels, {K:,} filters",
                argument="K",
                help=f"K{C} gives one filter per channel",
                replacement=f"K{C}",
            )
        count, sizes = prod(shape[: -len(self.F)]), (1, *self.F)
        of = "filter by filter, channel by channel" + (", plane by plane" if len(self.F) == 3 else "")
        return literal_misfit(self, count, sizes, K, of=of)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return self.normalise(
            weight_and_bias(self, self.weight_shape(inputs[0]), self.filters(inputs[0])), self.filter_axis
        )

    @property
    def filter_axis(self) -> int:
        """The axis of the weight along which the filters are."""
        return 0

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> int:
        """Every weight is used once at every position."""
        return prod((*self.weight_shape(inputs[0]), *self.positions(inputs[0], out).values()))

    def positions(self, input_shape: Shape, out: Shape) -> dict[str, int]:
        """The number of positions at which every weight is used, by symbol: the sizes of the output."""
        return {f"{axis}'": size for axis, size in reversed([*zip(axes_of(out), out[1:], strict=True)])}

    def connections(self, inputs: tuple[Shape, ...], out: Shape) -> int:
        """(weights + bias of one output) × outputs: as many as MACs, and one for each output's bias."""
        return self.macs(inputs, out) + (prod(out) if self.has_bias else 0)

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        return self.slide.windows(inputs[0])

    def size_formulas(self, input_shape: Shape, out: Shape) -> tuple[Formula, ...]:
        return self.slide.formulas(input_shape, out)

    def count(self, input_shape: Shape) -> tuple[str, Values]:
        """How many weights, without the biases: `(F·F·C/G)·K`."""
        window, values = window_symbols(self.F)
        groups = self.groups(input_shape)
        values |= {"K": self.filters(input_shape), "C": input_shape[0]}
        return f"({window}·C{'/G' if groups != 1 else ''})·K", values | ({"G": groups} if groups != 1 else {})

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        input_shape = inputs[0]
        text, values = self.count(input_shape)
        total = sum(prod(weight.shape) for weight in self.weights(input_shape) if weight.role != "buffer")
        more, counts = self.more_weights(self.weight_shape(input_shape))
        biases: Values = {"K": self.filters(input_shape)} if self.has_bias else {}
        at = self.positions(input_shape, out)
        return (
            *self.size_formulas(input_shape, out),
            Formula("weights", text + (" + K" if biases else "") + more, values | biases | counts, total),
            Formula("MACs", "·".join([text, *at]), values | at, self.macs(inputs, out)),
        )

    def slips(self, inputs: tuple[Shape, ...], out: Shape, claimed: int) -> Iterable[Slip]:
        from cnnspec.ops import slips

        yield from slips.convolution(self, inputs[0], out, claimed)
        yield Slip(
            "out", (inputs[0][0], *out[1:]), "with the input's depth; each filter gives one map, C' = K"
        )
        yield from self.size_slips(inputs[0], out)

    def size_slips(self, input_shape: Shape, out: Shape) -> Iterable[Slip]:
        from cnnspec.ops.slips import sliding

        return sliding(self.slide, input_shape, out[0])

    def remark(self, inputs: tuple[Shape, ...], out: Shape) -> Iterable[Remark]:
        from cnnspec.ops.remarks import convolution_remarks

        return convolution_remarks(self, inputs[0], out)


class Conv(Convolution):
    """Slides K filters over its input. A filter is F x F and as deep as the input; at each position, its
    weights are multiplied with the numbers under it, the products are summed over the whole depth, and the
    filter's bias is added: one number of one output map. K filters give K maps; a filter has the same weights
    at every position.

    Volume W x H x C, hyperparameters K, F, S, P:

        W' = (W − F + 2P)/S + 1      H' = (H − F + 2P)/S + 1      C' = K

    rounded down where S does not divide. With dilation D the taps of a filter are D apart and F becomes
    D(F − 1) + 1. P = (F − 1)/2 keeps the size at stride 1 (F3 P1, F5 P2); `Psame` gives ⌈W/S⌉, with the odd
    column of zeros on the right and the odd row at the bottom.

    Weights: (F·F·C)·K + K; with G groups each filter reads only C/G of the maps: (F·F·C/G)·K + K.

    A 1x1 filter is meaningful, because it is 1 x 1 x C: a fully connected layer over the channels at each
    position. It reduces the number of maps (`conv F1 K64` on 256 maps: 256·64 weights) without reading
    neighbouring positions.

    The weights may be normalised before they are used: W/σ with the largest singular value σ (`spectral`,
    Miyato et al., 2018), g·V/‖V‖ with a trained length g per filter (`weightnorm`, Salimans and Kingma,
    2016), (W − μ)/√(σ² + eps) with the mean and variance of each filter (`standardized`, Qiao et al., 2019),
    or that times gain·gamma/√fan_in with a trained gain per filter (`scaled`, Brock et al., 2021). These have
    K more weights (`weightnorm`, `scaled`), or buffers (`spectral`: a vector for each side of W).

    `connect=[0 1 2; 1 2 3; …]` lists for each filter, in order, the maps that it reads, counted from 0; there
    is one plane of F x F weights for each entry. They are stored as (connections, F, F), in the order of the
    table. By default they start as a convolution's do, with the mean number of maps per filter as the depth.

    `offsets=@o` moves the taps (deformable convolution, Dai et al., 2017): `o` has 2·F·F channels, for each
    tap, row by row, how far it is moved down and then right, at each position of the output; what is read
    between four numbers is interpolated, and 0 outside the map. 2·F·F·g channels move the taps of g groups
    of maps apart. `mask=@m` also multiplies what each tap reads, with F·F·g channels (Zhu et al., 2019). A
    position may then read the whole map, which its receptive field is.
    """

    word = "conv"
    title = "convolution: K filters slide over the maps"
    example = "input 3x32x32\nconv F5 P2 K64 => 64x32x32, params 4,864\n"

    G: Groups = 1
    K: Filters
    connect: Annotated[
        tuple[tuple[NotNegative, ...], ...] | None,
        Argument("connections", "the maps that each filter reads, counted from 0", keyword="connect"),
    ] = None
    offsets: Annotated[
        Flag, Argument("tensor", "how far each tap is moved, down and right", keyword="offsets")
    ] = False
    mask: Annotated[Flag, Argument("tensor", "a factor for each tap, with `offsets`", keyword="mask")] = False
    tensors = ("offsets", "mask")

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """K x H' x W'; also checks the shapes of `offsets` and `mask`."""
        out = super().out(inputs[0])
        if isinstance(out, Misfit) or not (self.offsets or self.mask):
            return out
        from cnnspec.ops.deformable import deformable_misfit

        return deformable_misfit(self, inputs, out) or out

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        return whole(inputs[0]) if self.offsets else super().window(inputs, out)

    def filters(self, input_shape: Shape) -> int:
        return self.K

    def groups(self, input_shape: Shape) -> int:
        return self.G

    def weight_shape(self, input_shape: Shape) -> Shape:
        """(K, C/G, F, F); with a table (connections, F, F)."""
        if self.connect is not None:
            return sum(map(len, self.connect)), *self.F
        return super().weight_shape(input_shape)

    def misfit(self, input_shape: Shape) -> Misfit | None:
        wrong = groups_misfit(self.G, input_shape[0], self.K)
        if self.connect is not None:
            wrong = wrong or self._table_misfit(input_shape[0], self.connect)
        return wrong or super().misfit(input_shape)

    def _table_misfit(self, C: int, table: tuple[tuple[int, ...], ...]) -> Misfit | None:
        if self.normalised not in (None, "plain"):
            return Misfit("E204", "connect= and normalised weights exclude each other", argument="normalised")
        if self.G != 1:
            return Misfit("E204", "connect= and groups exclude each other", argument="connect")
        if self.init is not None and self.init.scheme == "bilinear":
            return Misfit("E204", "connect= and init=bilinear exclude each other", argument="init")
        if len(table) != self.K:
            return Misfit(
                "E215",
                f"connect= has {len(table)} rows, one per filter, but K is {self.K}",
                argument="connect",
                help=f"K{len(table)} has as many filters as the table has rows",
            )
        for number, row in enumerate(table):
            if not row or len(set(row)) != len(row):
                fault = "is empty" if not row else "names a map twice"
                return Misfit("E215", f"row {number} of connect= {fault}", argument="connect")
            if max(row) >= C:
                return Misfit(
                    "E215",
                    f"row {number} of connect= names map {max(row)}; the input has maps 0 to {C - 1}",
                    argument="connect",
                )
        return None

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        if self.connect is None:
            return super().weights(*inputs)
        # The depth is a mean: C where every filter reads every map, which then starts as without a table.
        shape = self.weight_shape(inputs[0])
        fans = Fraction(prod(shape), self.K), Fraction(prod(shape), inputs[0][0])
        return weight_and_bias(self, shape, self.K, fans)

    def count(self, input_shape: Shape) -> tuple[str, Values]:
        if self.connect is None:
            return super().count(input_shape)
        window, values = window_symbols(self.F)
        return f"({window})·N", values | {"N": self.weight_shape(input_shape)[0]}


class DwConv(Convolution):
    """Depthwise convolution: each map has filters of its own, one map deep. It is `conv` with as many groups
    as the input has channels, G = C. Without K there is one filter per map; K may be any multiple of C.

    Weights: F·F·K + K. On 32 maps, 3x3: 3·3·32 + 32 = 320, where a dense convolution to 32 maps has 9,248. A
    1x1 convolution after it mixes the channels: the separable convolution of MobileNet.
    """

    word = "dwconv"
    title = "depthwise convolution: each map has its own filter"
    example = "input 32x112x112\ndwconv F3 P1 nobias => 32x112x112, params 288\n"

    K: Annotated[
        Positive | None, Argument("integer", "number of filters, a multiple of C (default: C)", letter="K")
    ] = None

    def filters(self, input_shape: Shape) -> int:
        return input_shape[0] if self.K is None else self.K

    def groups(self, input_shape: Shape) -> int:
        return input_shape[0]

    def misfit(self, input_shape: Shape) -> Misfit | None:
        C, K = input_shape[0], self.filters(input_shape)
        if K % C:
            near = max(K // C, 1) * C
            return Misfit(
                "E305",
                f"K must be a multiple of the number of channels: {K} filters, {C} channels",
                argument="K",
                note=f"K/C = {K}/{C}",
                help=f"K{near} is a multiple of {C}; without K there is one filter per channel",
                replacement=f"K{near}",
            )
        return super().misfit(input_shape)

    def count(self, input_shape: Shape) -> tuple[str, Values]:
        window, values = window_symbols(self.F)
        return f"({window})·K", values | {"K": self.filters(input_shape)}


def window_symbols(F: Sizes) -> tuple[str, Values]:
    """`F·F` with its value; `Fh·Fw` where the two differ."""
    if len(set(F)) == 1:
        return "·".join("F" * len(F)), {"F": F[0]}
    symbols = {f"F{axis.lower()}": size for axis, size in zip(AXES[-len(F) :], F, strict=True)}
    return "·".join(symbols), dict(symbols)
