"""Translates a trace to a layer list: each call by its rule. A call without a rule becomes a hole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from cnnspec.sources.calls.items import Affine, Cannot, Computed, Item, Kept, Laid, Unknown
from cnnspec.sources.calls.reader import Reader
from cnnspec.sources.calls.rules import RULES
from cnnspec.sources.calls.trace import Call, Other, Tensor, Trace, Untrue
from cnnspec.sources.layers import Hole, Input, Layer, LayerList, Output

FAMILIES = ("activations", "arithmetic", "attention", "convolutions", "norms", "pools", "shapes", "weights")


class NeedsValues(Exception):
    """The trace was made on the meta device, but the numbers of a constant are needed."""


def layers_of(trace: Trace) -> LayerList:
    """The layer list of a trace."""
    for family in FAMILIES:
        import_module(f"cnnspec.sources.calls.{family}")
    reader = Reader(trace)
    number = len(trace.held)
    names: dict[int, list[int]] = defaultdict(list)
    for first, item in reader.items.items():
        names[id(item)].append(first)
    for call in trace.calls:
        items = _read(reader, call)
        for item in items[: len(call.shapes)]:
            reader.items[number] = item
            if isinstance(item, Affine | Laid) and reader.call is not None:
                reader.origins.setdefault(id(item), (item, reader.call))
            names[id(item)].append(number)
            number += 1
        if call.op.endswith("_") and not call.op.startswith("__"):
            _rebound(reader, call, items[0], names)
    outputs: list[Output] = []
    for name, tensor in trace.outputs:
        item = reader.items[tensor.number]
        try:
            outputs.append(Output(reader.settled(reader.laid(item)), name if len(trace.outputs) > 1 else ""))
        except Cannot as error:
            reader.notes.append(f"the output {name or len(outputs)} was left out: {error}")
    if not outputs:
        raise Untrue("; ".join(reader.notes) or "it has no output")
    return _pruned(reader, outputs)


def _read(reader: Reader, call: Call) -> Sequence[Item]:
    """The meaning of a call's tensors."""
    name = call.op.rstrip("_") if not call.op.startswith("__") else call.op
    rule = RULES.get(call.op) or RULES.get(name)
    reader.call = call._replace(op=name)
    before = len(reader.layers)
    arguments = {key: _item(reader, value) for key, value in call.arguments.items()}
    try:
        if rule is None or call.why:
            raise Cannot(call.why or "the language has no such layer")
        result = rule(reader, arguments)
        first: list[Any] = list(result) if type(result) is tuple else [result]
        return [*first, *[Computed(call.op)] * len(call.shapes)]
    except Unknown as error:
        if reader.trace.device == "meta":
            raise NeedsValues(str(error)) from None
        why = str(error)
    except Cannot as error:
        why = str(error)
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ):
        why = "its arguments are not those that the language knows"
    reader.taken_back(before)
    if not reader.laid_of(call.arguments.values()) and not _computes(reader, call):
        return [Computed(name, arguments, place) for place in range(max(1, len(call.shapes)))]
    return reader.hole(call, why)


def _computes(reader: Reader, call: Call) -> bool:
    """Whether a call depends on the network's input."""
    from cnnspec.sources.calls.items import Distances, Linear, Padded, Scores, WithOnes

    def any_of(items: Sequence[Any]) -> bool:
        return any(
            isinstance(item, Laid | Affine | Distances | Linear | Padded | Scores | WithOnes)
            or (type(item) is tuple and any_of(item))
            for item in items
        )

    return any_of([_item(reader, argument) for argument in call.arguments.values()])


def _item(reader: Reader, argument: object) -> Item:
    if isinstance(argument, Tensor):
        return reader.items[argument.number]
    if argument == Other("tensor"):
        return Computed("an op with other results than tensors")
    if type(argument) is tuple:
        return tuple(_item(reader, one) for one in argument)
    return argument if isinstance(argument, bool | int | float | str) else None


def _rebound(reader: Reader, call: Call, item: Item, names: dict[int, list[int]]) -> None:
    """After an in-place op, every name of the tensor refers to the new one."""
    first = next(iter(call.arguments.values()), None)
    if not isinstance(first, Tensor):
        return
    old = reader.items[first.number]
    if old is None or isinstance(old, Kept):
        return
    for number in names.pop(id(old), ()):
        if reader.items[number] is old:
            reader.items[number] = item
            names[id(item)].append(number)


def _pruned(reader: Reader, outputs: list[Output]) -> LayerList:
    """The list without unused layers and inputs, renumbered; each output once."""
    first = len(reader.inputs)
    apart: dict[int, Output] = {}
    for place, output in enumerate(outputs):
        if apart.setdefault(output.value, output) is not output:
            reader.notes.append(f"the output {output.name or place} is the same as another one, and left out")
    used = {*apart}
    for number in range(len(reader.layers) - 1, -1, -1):
        if number + first in used:
            used |= set(reader.layers[number].inputs)
    inputs = [number for number in range(first) if number in used]
    for number in set(range(first)) - used:
        reader.notes.append(f"the input {reader.inputs[number].key} is not used, and left out")
    new = {number: place for place, number in enumerate(inputs)}
    layers: list[Layer | Hole] = []
    for number, layer in enumerate(reader.layers, first):
        if number in used:
            new[number] = len(inputs) + len(layers)
            layers.append(layer._replace(inputs=tuple(new[value] for value in layer.inputs)))
    several = len(inputs) > 1
    inputs_ = ((reader.inputs[number].shape[1:], reader.inputs[number].key) for number in inputs)
    return LayerList(
        reader.trace.name,
        tuple(Input(shape, key if several else "") for shape, key in inputs_),
        tuple(layers),
        tuple(one._replace(value=new[one.value]) for one in apart.values()),
        tuple(dict.fromkeys(reader.notes)),
        reader.rearranged,
    )
