"""Bodies → text, which the parser reads and the formatter lays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnspec.ops.base import Op, in_order, is_default, spelled, written_shape
from cnnspec.sources.layers import LayerList
from cnnspec.structure import names
from cnnspec.structure.layout import rows
from cnnspec.structure.parts import Body, Chain, Leaf, Line, Merge, Step

Labels = Mapping[int, str]
"""The names of values."""


def written(network: LayerList, body: Body) -> str:
    """The text of a whole network."""
    labels = labelled(network, body)
    title = names.cleaned(network.name) or "Net"
    lines = [f"model {title}", ""]
    several = len(network.inputs) > 1
    for value, one in enumerate(network.inputs):
        name = f"{labels[value]}: " if several or value in labels else ""
        lines.append(f"input {name}{written_shape(one.shape)}")
    lines += ["", *lines_of(body.lines, labels)]
    if not body.lines:
        lines.append("id")
    if body.outputs and all(value in labels for value in body.outputs):
        lines.append(f"output {', '.join(f'@{labels[value]}' for value in body.outputs)}")
    return "\n".join(lines) + "\n"


def labelled(network: LayerList, body: Body) -> dict[int, str]:
    """A name for each value that needs one: the source's, or the layer's word."""
    taken: set[str] = set()
    found: dict[int, str] = {}
    given = {one.value: names.cleaned(one.name) for one in network.outputs}
    several = len(network.inputs) > 1
    for value in (*(range(len(network.inputs)) if several else ()), *body.named):
        if value in found:
            continue
        wanted = [given.get(value, "")]
        if value < len(network.inputs):
            wanted += [names.cleaned(network.inputs[value].name), "x"]
        else:
            layer = network.layers[value - len(network.inputs)]
            word = layer.op.word if hasattr(layer, "op") else "hole"
            wanted += [names.cleaned(layer.name), word]
        found[value] = names.free([one for one in wanted if one], taken)
        taken.add(found[value])
    return found


def lines_of(lines: Sequence[Line], labels: Labels) -> list[str]:
    return [row for line in lines for row in _rows(line, labels)]


def _rows(line: Line, labels: Labels) -> list[str]:
    """A line, or the lines that a long one is laid out in."""
    start, steps = line.chain
    texts = [step_text(step, labels) for step in steps]
    breaks = [isinstance(step, Merge) for step in (*steps[1:], None)]
    found = [" -> ".join(row) for row in rows(texts, [False, *breaks[:-1]])]
    if start is not None:
        found = [f"@{labels[start]} -> {found[0]}", *found[1:]] if found else [f"@{labels[start]}"]
    label = _label(line, labels)
    if label and len(found) > 1:
        return [*found[:-1], label + found[-1]]
    return [label + found[0], *found[1:]]


def _label(line: Line, labels: Labels) -> str:
    here = [labels[end] for end in line.ends if end in labels]
    return f"{', '.join(here)}: " if here else ""


def chain_text(chain: Chain, labels: Labels) -> str:
    start = [] if chain.start is None else [f"@{labels[chain.start]}"]
    return " -> ".join([*start, *(step_text(step, labels) for step in chain.steps)])


def step_text(step: Step, labels: Labels) -> str:
    match step:
        case Leaf(_, op, tensors):
            return layer_text(op, [labels[value] for value in tensors])
        case Merge(_, op, branches):
            inside = " | ".join(chain_text(one, labels) or "id" for one in branches)
            return f"{layer_text(op)} [ {inside} ]"


def layer_text(op: Op, tensors: Sequence[str] = ()) -> str:
    """`conv F3 P1 K64`."""
    parts = [op.word]
    referred = iter(tensors)
    for name, argument, default in in_order(type(op)):
        if is_default(default, value := getattr(op, name)):
            continue
        if argument.kind == "tensor":
            parts.append(f"{argument.keyword}=@{next(referred)}")
        else:
            parts.append(spelled(argument, value))
    return " ".join(parts)
