"""Layers that merge branches: add, sub, mul, div, max, concat; and what stands for a branch: id, none."""

from collections.abc import Iterable
from fractions import Fraction
from math import prod
from typing import Annotated

from cnnspec.ops.base import Argument, Misfit, Op, Shape, Slip, Weight, axes_of, flag, written_shape
from cnnspec.ops.fields import AboveZero, Flag, Frozen
from cnnspec.ops.formula import Formula
from cnnspec.ops.sliding import ENDS
from cnnspec.ops.start import ONE, role_of


class Merge(Op):
    """Merges its branches; a branch that is `none` is not among its inputs."""

    merges = True
    branches = "[ conv F3 P1 K64 | id ]"
    operator = True


class EqualShapes(Merge):
    """add, sub, max: elementwise, so the shapes must be equal."""

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The shape that all branches have."""
        first = inputs[0]
        for number, shape in enumerate(inputs):
            if shape != first:
                return Misfit(
                    "E304",
                    f"branch {number + 1} is {written_shape(shape)}, branch 1 is {written_shape(first)}; "
                    f"{self.word} needs equal shapes",
                    input=number,
                    help=_way_out(first, shape, number + 1),
                    cause="equal shapes",
                )
        return first


class Add(EqualShapes):
    """The elementwise sum of its branches. With one branch that does nothing, `add [ … | id ]`, it is
    ResNet's shortcut: the other branch only has to learn the difference (He et al., 2015). All shapes must
    be equal.

    `add weighted` gives each branch a trained weight w, initially 1, and divides by their sum, BiFPN's fast
    normalised fusion (Tan et al., 2020):

        y = Σ relu(wᵢ)·xᵢ / (eps + Σ relu(wⱼ))      weights: one per branch
    """

    word = "add"
    title = "the sum of branches"
    example = "input 64x56x56\nadd [ conv F3 P1 K64 -> relu -> conv F3 P1 K64 | id ] -> relu\n"

    weighted_branches: Annotated[
        Flag, flag("one trained weight per branch, divided by their sum", weighted=True)
    ] = False
    eps: Annotated[AboveZero, Argument("number", "with `weighted`: added to the sum", keyword="eps")] = (
        Fraction(1, 10**4)
    )
    frozen: Frozen = False

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The shape that all branches have."""
        return self.unfit() or super().out(*inputs)

    def unfit(self) -> Misfit | None:
        if self.weighted_branches:
            return None
        if self.eps != Fraction(1, 10**4):
            return Misfit(
                "E204",
                "eps= belongs to `weighted`",
                "eps",
                help="leave it out, or write `weighted` too",
            )
        if self.frozen:
            return Misfit(
                "E204",
                "`add` has weights only with `weighted`",
                "frozen",
                help="leave `frozen` out, or write `weighted` too",
            )
        return None

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return (
            (Weight("weight", (len(inputs),), ONE, role_of(self.frozen)),) if self.weighted_branches else ()
        )

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        n = len(inputs)
        return (Formula("weights", "branches", {"branches": n}, n),) if self.weighted_branches else ()


class Sub(EqualShapes):
    """The first branch minus all the others, elementwise. All shapes must be equal."""

    word = "sub"
    title = "the first branch minus the others"
    example = "input 3x64x64\nsub [ id | avgpool F3 S1 P1 ] => 3x64x64\n"


class Max(EqualShapes):
    """The elementwise maximum of its branches (maxout). All shapes must be equal."""

    word = "max"
    title = "the largest of branches"
    example = "input 3x64x64\nmax [ conv F3 P1 K16 | conv F3 P1 K16 ] => 16x64x64\n"


class Gate(Merge):
    """mul and div: each branch is repeated along the axes where it has size 1."""

    gate = True

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """Along each axis the largest size; a vector C is C x 1 x 1 beside maps."""
        rank = max(map(len, inputs))
        maps = [shape + (1,) * (rank - len(shape)) for shape in inputs]
        whole = tuple(map(max, zip(*maps, strict=True)))
        for over in (max(maps, key=prod), whole):
            for number, shape in enumerate(maps):
                if any(size != out and 1 not in (size, out) for size, out in zip(shape, over, strict=True)):
                    more = f", where any size may be 1, or a vector of {over[0]}" if rank > 1 else ""
                    return Misfit(
                        "E304",
                        f"branch {number + 1} is {written_shape(inputs[number])}, which {self.word} cannot "
                        f"broadcast over {written_shape(over)}",
                        input=number,
                        help=f"what fits is {written_shape(over)}{more}",
                        cause="broadcast",
                    )
        return whole


class Mul(Gate):
    """The elementwise product of its branches. Each branch is repeated along the axes where its size is 1: C
    numbers (a vector, or C x 1 x 1) over every position of C x H x W, 1 x H x W over every channel, C x H x 1
    over the columns (squeeze-and-excitation, Hu et al., 2018; coordinate attention, Hou et al., 2021); C x 1
    x 1 and 1 x H x W give C x H x W. A branch that is smaller than the output is a gate, which does not widen
    the receptive field.
    """

    word = "mul"
    title = "the product of branches; broadcasts gates"
    example = "input 64x56x56\nmul [ id | gap -> fc 4 -> relu -> fc 64 -> sigmoid ] => 64x56x56\n"


class Div(Gate):
    """The first branch divided by the others, number by number. A smaller branch is broadcast as in `mul`.
    Nothing guards against a 0 in a divisor: the result is then infinite or NaN, as in torch.
    """

    word = "div"
    title = "the first branch divided by the others"
    example = "input 64x8x8\nexp -> div [ id | cmean -> times C ] => 64x8x8\n"


class Concat(Merge):
    """Stacks its branches along the channels: C' = C₁ + C₂ + …; heights and widths must be equal (GoogLeNet,
    DenseNet, U-Net). Vectors are joined end to end.
    """

    word = "concat"
    title = "branches stacked along the channels"
    example = "input 192x28x28\nconcat [ conv F1 K64 | conv F3 P1 K128 ] => 192x28x28\n"

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """ΣC x H x W."""
        first = inputs[0]
        for number, shape in enumerate(inputs):
            if shape[1:] != first[1:]:
                return Misfit(
                    "E304",
                    f"branch {number + 1} is {written_shape(shape)}, branch 1 is {written_shape(first)}; "
                    f"concat needs equal {_EQUAL[max(len(first), len(shape)) - 1]}",
                    input=number,
                    help=_way_out(first, (first[0], *shape[1:]), number + 1),
                )
        return sum(shape[0] for shape in inputs), *first[1:]

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        names = [f"C{number}" for number in range(1, len(inputs) + 1)]
        values = {name: shape[0] for name, shape in zip(names, inputs, strict=True)}
        return (Formula("C'", " + ".join(names), values, out[0]),)

    def slips(self, inputs: tuple[Shape, ...], out: Shape, claimed: int) -> Iterable[Slip]:
        yield Slip("out", inputs[0], "with the branches added; concat stacks their channels")


class Id(Op):
    """The tensor itself: a branch that does nothing, as in `add [ conv … | id ]`."""

    word = "id"
    title = "the tensor itself"
    example = "input 64x56x56\nadd [ conv F3 P1 K64 | id ]\n"


class Nothing(Op):
    """A branch that is left out: with `if s == 1 [ id ] else [ none ]`, an `add` has this branch only where
    s is 1.
    """

    word = "none"
    title = "a branch that is left out"
    example = "input 64x56x56\nadd [ conv F3 P1 K64 | if C == 64 [ id ] else [ none ] ]\n"


_EQUAL = ("numbers of axes", "lengths", "heights and widths", "sizes along T, H and W")
"""What the branches of `concat` must have equal, by the number of axes."""


def _way_out(first: Shape, other: Shape, number: int) -> str:
    """What would make branch `number` fit the first one."""
    if len(first) != len(other):
        if 1 not in (len(first), len(other)):
            return f"`reshape` in branch {number} gives it the axes of branch 1"
        flat = "branch 1" if len(first) > 1 else f"branch {number}"
        return f"flatten on {flat} makes a vector of it"
    if len(first) == 1 or first[1:] == other[1:]:
        layer = "fc " if len(first) == 1 else "conv F1 K"
        return f"`{layer}{first[0]}` at the end of branch {number} gives it {first[0]} channels"
    steps = []
    for a, b in zip(first[1:], other[1:], strict=True):
        large, small = max(a, b), min(a, b)
        steps.append(large // small if large % small == 0 else 0)
    if len(set(steps)) == 1 and steps[0] > 1:
        larger, smaller = (1, number) if first[1] > other[1] else (number, 1)
        factor = steps[0]
        return (
            f"`maxpool F{factor}` at the end of branch {larger}, or `upsample {factor}` at the end of branch "
            f"{smaller}, makes them equal"
        )
    more = [a - b for a, b in zip(first[1:], other[1:], strict=True)]
    if max(more) <= 0 or min(more) >= 0:
        larger, smaller = (1, number) if max(more) > 0 else (number, 1)
        least = other if max(more) > 0 else first
        way = f"`crop {written_shape(least[1:])}` at the end of branch {larger}"
        if max(map(abs, more)) == 1:
            ends = [ENDS[axis][1] for axis in axes_of(first)]
            sides = " ".join(f"{end}=1" for end, by in reversed([*zip(ends, more, strict=True)]) if by)
            return f"{way}, or `pad {sides}` at the end of branch {smaller}, makes them equal"
        if min(least[1:]) * 2 > max(max(first[1:]), max(other[1:])):
            return f"{way} makes them equal"
    return f"P and S decide the size: look at branch {number}"
