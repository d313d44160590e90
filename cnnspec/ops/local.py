"""Locally connected layers: filters of their own for each position."""

from collections.abc import Iterable
from math import prod
from typing import Annotated

from cnnspec.ops.base import Argument, Misfit, Op, Remark, Shape, Weight, Window, axes_of, flag
from cnnspec.ops.conv import window_symbols
from cnnspec.ops.fields import Dilation, Filters, FilterSize, Flag, Frozen, Padding, Scheme, Stride
from cnnspec.ops.formula import Formula
from cnnspec.ops.sliding import Slide, needs_map
from cnnspec.ops.start import ZERO, by_scheme, role_of


class Local(Op):
    """A convolution whose filters are not shared: each position of the output has K filters and K biases of
    its own (LeCun, 1989; DeepFace, Taigman et al., 2014; Keras's LocallyConnected2D).

        W' = (W − F + 2P)/S + 1
        weights (F·F·C + 1)·K·W'·H'

    The output costs what a convolution's costs. Its size belongs to the weights: a network with such a layer
    accepts images of one size only.
    """

    word = "local"
    title = "a convolution with filters of its own for each position"
    example = "input 3x32x32\nconv F5 K16 -> maxpool F2 => 16x14x14\nlocal F3 K32 -> relu => 32x12x12\n"
    weighted = True
    linear = True

    F: FilterSize
    K: Filters
    S: Stride = (1, 1)
    P: Padding = (0, 0)
    D: Dilation = (1, 1)
    bias: Annotated[Flag, flag("a bias per filter and position, or none", bias=True, nobias=False)] = True
    init: Annotated[
        Scheme | None,
        Argument("init", "how weights start: he, xavier, normal(σ), uniform(b), zeros, ones", keyword="init"),
    ] = None
    frozen: Frozen = False

    @property
    def slide(self) -> Slide:
        return Slide(self.F, self.S, self.P, self.D)

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """K x H' x W' with W' = ⌊(W + 2P − D(F − 1) − 1)/S⌋ + 1."""
        input_shape = inputs[0]
        if wrong := needs_map(self, input_shape) or self.unfit():
            return wrong
        size = self.slide.size(input_shape)
        return (self.K, *size) if min(size) >= 1 else self.slide.too_large(input_shape)

    def unfit(self) -> Misfit | None:
        if self.init is None or self.init.scheme != "bilinear":
            return None
        return Misfit(
            "E205", "init=bilinear is for conv and deconv", argument="init", help="for instance init=he"
        )

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        """(K, C, F, F, H', W') and (K, H', W')."""
        size, role = self.slide.size(inputs[0]), role_of(self.frozen)
        fans = prod(self.F) * inputs[0][0], prod(self.F) * self.K
        start = by_scheme(self.init, *fans)
        weight = Weight("weight", (self.K, inputs[0][0], *self.F, *size), start, role)
        first = by_scheme(None, *fans) if self.init is None else ZERO
        return (weight, Weight("bias", (self.K, *size), first, role)) if self.bias else (weight,)

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> int:
        """F·F·C·K·W'·H', as a convolution's."""
        return prod(self.F) * inputs[0][0] * prod(out)

    def connections(self, inputs: tuple[Shape, ...], out: Shape) -> int:
        """(F·F·C + 1) × outputs."""
        return self.macs(inputs, out) + self.bias * prod(out)

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        return self.slide.windows(inputs[0])

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        window, values = window_symbols(self.F)
        at = {f"{axis}'": size for axis, size in reversed([*zip(axes_of(out), out[1:], strict=True)])}
        values |= {"C": inputs[0][0], "K": self.K, **at}
        each = f"({window}·C + 1)" if self.bias else f"{window}·C"
        positions = "·".join(at)
        return (
            *self.slide.formulas(inputs[0], out),
            Formula("weights", f"{each}·K·{positions}", values, self.connections(inputs, out)),
            Formula("MACs", f"{window}·C·K·{positions}", values, self.macs(inputs, out)),
        )

    def remark(self, inputs: tuple[Shape, ...], out: Shape) -> Iterable[Remark]:
        from cnnspec.ops.remarks import lost_border

        return lost_border(self.slide, inputs[0], out)
