"""Which sizes of the input fit a network: axis by axis, with the output's size as a formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from cnnspec.analyses.sizes.find import Along, along, far_of, one_by_one
from cnnspec.analyses.sizes.replay import Failure, Growth, Outcome, OverWork, Replay, written_from_size
from cnnspec.analyses.sizes.rule import formula
from cnnspec.ir.graph import Graph
from cnnspec.ops.base import Shape, axes_of

WORK = 4_000_000
"""The largest number of shape rules that are computed for one network: some ten seconds."""
LONGEST = 2_048
"""The longest period that is tried completely."""
APART = 2**20 * 3**8 * 5**4 * 7**2 * 11

_NUMBERS = "a number or a condition in the spec depends on the size"

Tried = Callable[[Shape], "Graph | None"]
"""Evaluates the spec with another shape of its input; None where it does not fit. Raises OverWork where the
work for all such sizes is done."""


class Output(NamedTuple):
    """An output's shape, a text for each number: a constant or a formula of the input's sizes, None where
    there is no simple one."""

    name: str
    shape: tuple[str | None, ...]


class Sizes(NamedTuple):
    """Which sizes fit a network. `inputs` are the inputs that vary, all with the same sizes; `base` is the
    shape of the first one that fits. Where the axes depend on each other, or sizes were only tried, `axes`
    has one entry for all of them: equal sizes."""

    inputs: tuple[str, ...]
    base: Shape
    axes: tuple[Along, ...]
    outputs: tuple[Output, ...]
    why: str = ""
    """The reason why only some sizes were tried, not a whole period."""

    @property
    def exact(self) -> bool:
        """Whether this holds for every size, not only for those that were tried."""
        return all(axis.exact for axis in self.axes)

    def has(self, shape: Shape) -> bool:
        """Whether this shape of the input fits."""
        axes = self.axes if len(self.axes) == len(shape) - 1 else self.axes * (len(shape) - 1)
        return all(axis.has(size) for axis, size in zip(axes, shape[1:], strict=True))


@dataclass(eq=False, repr=False)
class _Network:
    """Computes the shapes of a network whose inputs `varying` get other sizes than their own `shapes`."""

    replay: Replay
    shapes: tuple[Shape, ...]
    varying: tuple[int, ...]
    base: tuple[int, ...]

    def inputs(self, sizes: tuple[int, ...]) -> tuple[Shape, ...]:
        return tuple(
            (shape[0], *sizes) if number in self.varying else shape
            for number, shape in enumerate(self.shapes)
        )

    def run(self, sizes: tuple[int, ...]) -> Outcome:
        return self.replay.run(self.inputs(sizes))

    def at(self, axis: int, size: int) -> tuple[int, ...]:
        """The sizes of the input, with another size along one axis."""
        return (*self.base[:axis], size, *self.base[axis + 1 :])

    def period(self, axis: int) -> int:
        """The number of sizes along an axis after which the shapes repeat; 0 where this axis is mixed with
        others."""
        larger = self.inputs(self.at(axis, self.base[axis] + APART))
        growth = Growth(self.replay.graph, APART, self.replay.written)
        period = growth.run(self.inputs(self.base), larger)
        return 0 if growth.mixes else period


def sizes_of(graph: Graph, tried: Tried) -> Sizes | None:
    """Which sizes of the input fit a network that has no error; None where no input is a map. `tried` decides
    where the replay of shape rules cannot."""
    shapes = tuple(shape for shape in graph.root.values[: graph.root.inputs] if shape is not None)
    first = next((shape for shape in shapes if len(shape) > 1), None)
    if first is None:
        return None
    varying = tuple(number for number, shape in enumerate(shapes) if shape[1:] == first[1:])
    names = tuple(graph.inputs[number] for number in varying)
    letters = axes_of(first)
    written = written_from_size(graph)
    network = _Network(Replay(graph, written or {}, WORK), shapes, varying, first[1:])
    why = _NUMBERS if written is None else ""
    try:
        axes = _axes(network, letters) if not why else None
        if axes is not None and _agrees(network, axes, tried):
            return Sizes(names, first, axes, _outputs(network, axes, graph.outputs))
        if not why:
            why = _NUMBERS if axes is not None else "which size of an axis fits depends on the others"
    except OverWork:
        why = "the network is too large to go through all sizes of a period"

    def equal(size: int) -> Outcome:
        result = tried((first[0], *(size,) * len(letters)))
        return Failure(None, ()) if result is None else ()

    return Sizes(names, first, (one_by_one(" = ".join(letters), equal, max(first[1:])),), (), why)


def _axes(network: _Network, letters: str) -> tuple[Along, ...] | None:
    """The sizes that fit along each axis, with the others as they are. None where the axes depend on each
    other: then equal sizes fit that do not fit along each axis, or the other way round."""
    axes = []
    for axis, letter in enumerate(letters):
        period = network.period(axis)
        if not period:
            return None
        if period > LONGEST:
            raise OverWork

        def fit(size: int, axis: int = axis) -> Outcome:
            return network.run(network.at(axis, size))

        axes.append(along(letter, fit, network.base[axis], period))
    for size in range(1, axes[0].tried + 1):
        fits = not isinstance(network.run((size,) * len(letters)), Failure)
        if fits != all(axis.has(size) for axis in axes):
            return None
    return tuple(axes)


def _agrees(network: _Network, axes: tuple[Along, ...], tried: Tried) -> bool:
    """Whether evaluating the spec at some sizes gives the shapes that the replay gives."""
    channels = network.shapes[network.varying[0]][0]
    for step in range(4):
        sizes = tuple(_some(axis, step + number) for number, axis in enumerate(axes))
        result = tried((channels, *sizes))
        outcome = network.run(sizes)
        if result is None or result.root.values is None:
            if not isinstance(outcome, Failure):
                return False
        elif tuple(result.root.values[value] for value in result.root.outputs) != outcome:
            return False
    return True


def _some(axis: Along, step: int) -> int:
    """A size near the first ones that fit; some fit, some don't."""
    return max(
        1, (axis.start if axis.residues else max(axis.also, default=1)) + step * (axis.modulus + 1) // 2
    )


def _outputs(network: _Network, axes: tuple[Along, ...], names: tuple[str, ...]) -> tuple[Output, ...]:
    """The sizes of the outputs as formulas."""
    base_outputs = network.run(network.base)
    assert not isinstance(base_outputs, Failure)
    shapes: list[list[str | None]] = [[str(size) for size in shape] for shape in base_outputs]
    for number, axis in enumerate(axes):
        period = axis.period
        residues = [r for r in range(period) if r % axis.modulus in axis.residues]
        if not residues:
            continue
        fitting = [far_of(period) + residue for residue in residues]
        outcomes: dict[int, tuple[Shape, ...]] = {}
        for size in (*fitting, *(one + period for one in fitting)):
            other_outputs = network.run(network.at(number, size))
            assert not isinstance(other_outputs, Failure)
            outcomes[size] = other_outputs
        for place, (output, shape) in enumerate(zip(base_outputs, shapes, strict=True)):
            for position in range(len(output)):
                values = {
                    size: outputs_at_size[place][position] for size, outputs_at_size in outcomes.items()
                }
                if set(values.values()) != {output[position]}:
                    text = formula(axis.name, fitting, period, values.__getitem__)
                    base_size = shape[position]
                    coupled = base_size is not None and not base_size.isdecimal()
                    shape[position] = None if coupled else text
    return tuple(Output(name, tuple(shape)) for name, shape in zip(names, shapes, strict=True))
