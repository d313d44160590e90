"""The layer list: the result of every folder of `sources`, and the input of `structure`.

A network is a list of layers in an order in which they can be computed. Values are numbered: the inputs come
first, then the output of each layer, in the list's order. Every layer is an op of the language with its
arguments bound (`Conv(F=(3, 3), K=64, P=(1, 1))`), so its shape, its weights and its text are the op's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cnnspec.ops.base import Op, Shape


class Scope(NamedTuple):
    """A module that was being called when a layer ran.

    path: where the module is in the model, as in a state_dict (`layer1.0`); empty for the model. class_name:
    the class of the module (`BasicBlock`); empty where the format does not say. call: which call of this
    module it is, from 0: a module that is called twice has the same weights in both calls.
    """

    path: str
    class_name: str = ""
    call: int = 0


class Layer(NamedTuple):
    """One layer: an op, the values that it reads, and its place in the source.

    name: the last part of the path of the layer's own module (`conv1`, `0`), or empty (a function, an
    operator). scopes: the modules around it, outermost first, without the layer's own. weights: the name of
    each of the op's weights (`weight`, `running_mean`) → its key in the source's file of weights. place: the
    source's line, for findings (`models/net.py:41`, `node Conv_12`).
    """

    op: Op
    inputs: tuple[int, ...]
    shape: Shape
    name: str = ""
    scopes: tuple[Scope, ...] = ()
    weights: Mapping[str, str] = {}
    place: str = ""


class Hole(NamedTuple):
    """A layer that the language does not have: a name, the values that it reads, and the shape of the output.

    what: the source's name for it (`torch.ops.aten.grid_sampler_2d`). why: why it cannot be translated, a
    clause.
    """

    what: str
    inputs: tuple[int, ...]
    shape: Shape
    name: str = ""
    scopes: tuple[Scope, ...] = ()
    weights: Mapping[str, str] = {}
    place: str = ""
    why: str = ""


class Input(NamedTuple):
    """An input of the network: its shape, without the batch axis, and its name, empty where it is alone."""

    shape: Shape
    name: str = ""


class Output(NamedTuple):
    """An output: a value, and its name in the source (`out`, `aux1`), or an empty one."""

    value: int
    name: str = ""


class Rearranged(NamedTuple):
    """A weight of the source whose numbers the language has in another order: viewed with the sizes `sizes`,
    its axes are put in this order, and those in `reversed` run backwards."""

    key: str
    sizes: tuple[int, ...]
    order: tuple[int, ...]
    reversed: tuple[int, ...] = ()

    def __str__(self) -> str:
        """As torch writes it."""
        text = f"{self.key}.view{self.sizes}"
        if self.order != tuple(range(len(self.order))):
            text += f".permute{self.order}"
        return text + (f".flip({self.reversed})" if self.reversed else "")

    def of(self, weights: Any) -> Any:
        """The rearranged array."""
        seen = weights.reshape(self.sizes).transpose(self.order)
        return seen[tuple(slice(None, None, -1 if axis in self.reversed else 1) for axis in range(seen.ndim))]


class LayerList(NamedTuple):
    """A network from one of the sources. name: the model's, as a word; notes: changes made during the import,
    a sentence each (`batch norm was folded into conv by the exporter`).
    """

    name: str
    inputs: tuple[Input, ...]
    layers: tuple[Layer | Hole, ...]
    outputs: tuple[Output, ...]
    notes: tuple[str, ...] = ()
    rearranged: Mapping[str, Rearranged] = {}

    def shape(self, value: int) -> Shape:
        """The shape of a value, without the batch axis."""
        first = len(self.inputs)
        return self.inputs[value].shape if value < first else self.layers[value - first].shape

    def misfits(self) -> Iterator[str]:
        """The errors of the list itself, a sentence for each layer: the list is untrusted where it comes from
        a file or from a worker.
        """
        for number, layer in enumerate(self.layers, len(self.inputs)):
            if not all(0 <= value < number for value in layer.inputs):
                yield f"layer {number} reads a value that is not there yet: {layer.inputs}"
            elif isinstance(layer, Layer):
                inputs = tuple(self.shape(value) for value in layer.inputs)
                if layer.op.out(*inputs) != layer.shape:
                    yield f"layer {number}, {layer.op.word}, does not give the shape {layer.shape}"
        last = len(self.inputs) + len(self.layers)
        yield from (
            f"output {output.value} is not there" for output in self.outputs if not 0 <= output.value < last
        )
