"""From a layer list to the text of a spec, and whose weights its weights are.

Each form is checked: its text is elaborated and compared with the list. The first that is right is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cnnspec.diagnostics import Sink, Source
from cnnspec.language import parse
from cnnspec.sources.layers import Layer, LayerList
from cnnspec.structure.check import Differs, keys_of
from cnnspec.structure.lines import Node, woven
from cnnspec.structure.parts import Body
from cnnspec.structure.text import written
from cnnspec.structure.tidy import tidied


class UnfitList(ValueError):
    """A layer list that is no network."""


class Spec(NamedTuple):
    """text: of the spec, as the formatter writes it. keys: the key of each weight in the emitted program's
    state_dict → its key in the source. form: how the text was made: `blocks` or `flat`."""

    text: str
    keys: Mapping[str, str]
    form: str


def spec(network: LayerList) -> Spec:
    """The spec of a network. UnfitList says what is wrong with a list that is none."""
    for misfit in network.misfits():
        raise UnfitList(misfit)
    ready = tidied(network)
    wrong = ""
    for name, form in FORMS:
        body = form(ready)
        text = formatted(written(ready, body))
        try:
            return Spec(text, keys_of(ready, body, text), name)
        except Differs as difference:
            wrong = wrong or str(difference)
    raise UnfitList(wrong)


def flat(network: LayerList) -> Body:
    """Without blocks."""
    first = len(network.inputs)
    nodes = [
        Node(number, layer.op, _read(network, number, layer), first + number)
        for number, layer in enumerate(network.layers)
        if isinstance(layer, Layer)
    ]
    outputs = tuple(one.value for one in network.outputs)
    return woven(nodes, tuple(range(first)), outputs, network.shape)


FORMS: tuple[tuple[str, Callable[[LayerList], Body]], ...] = (("flat", flat),)


def _read(network: LayerList, number: int, layer: Layer) -> tuple[int, ...]:
    """The values that a layer's text refers to. `unpool like=@pool` names the pooling, whose input it
    reads."""
    if layer.op.undoes is None:
        return layer.inputs
    undone = getattr(layer.op, layer.op.undoes)
    for earlier in range(number - 1, -1, -1):
        one = network.layers[earlier]
        if isinstance(one, Layer) and one.op == undone and one.inputs[0] == layer.inputs[1]:
            return layer.inputs[0], len(network.inputs) + earlier
    return layer.inputs


def formatted(text: str) -> str:
    from cnnspec.language.formatter import format_file

    source = Source("model.cnn", text)
    return format_file(source, parse(source, Sink()))
