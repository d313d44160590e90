"""The boxes of layers and of blocks in use, with their texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnspec.drawing.colors import kind_of
from cnnspec.drawing.flow.diagram import Node, Runs, words
from cnnspec.drawing.flow.names import SIGNS, is_small, title_of
from cnnspec.drawing.flow.symbols import joined, plain, spelled, substituted, symbol
from cnnspec.drawing.scene import Run
from cnnspec.ir import expr
from cnnspec.ir.expr import Const, Expr
from cnnspec.ir.graph import Block, Graph, Layer, Region
from cnnspec.ir.template import LayerSite, RegionSite

IN_HEAD = 2
"""The most arguments of a block that are written after its name; more of them become a smaller line."""
SHORT = 14
"""The most characters of these arguments."""


def layer_node(site: LayerSite, layers: Sequence[Layer], names: Mapping[str, Expr], symbolic: bool) -> Node:
    """The box of a layer; `layers` are the layer in each of the bodies that are drawn."""
    op = layers[0].op
    fields: dict[str, Expr] = {}
    for field, node in site.written.items():
        equal = all(getattr(layer.op, field, None) == getattr(op, field, None) for layer in layers)
        value = substituted(node, names)
        if not isinstance(value, Const) and (symbolic or not equal):
            fields[field] = value
    kind = "small" if is_small(op) else "layer"
    text = title_of(op, fields)
    if op.merges and len(site.inputs) > 1:
        kind = "sign" if op.word in SIGNS else "merge"
        text = plain(SIGNS[op.word]) if op.word in SIGNS else text
    below = [plain(op.word)] if kind == "sign" else []
    return Node(kind, layers[0].name, text, below, fill=kind_of(op), tooltip=_tooltip(layers[0]))  # type: ignore[arg-type]


def _tooltip(layer: Layer) -> str:
    return f"{layer.op.word} {layer.op.written()}".strip()


def block_node(
    graph: Graph,
    block: Block,
    site: RegionSite,
    regions: Sequence[Region],
    arguments: Mapping[str, Expr],
    in_order: bool,
) -> Node:
    """The box of a use of a block; `given` are the arguments that are expressions here. `in_order`: the
    regions are passes one after another."""
    shown: list[Runs] = []
    changing: list[Runs] = []
    left_out = False
    for parameter in block.parameters:
        values = [region.arguments.get(parameter.name) for region in regions]
        text: Runs = ()
        if parameter.kind == "layer":
            layers = _layers(graph, site, parameter.name)
            text = layers if words(layers) != parameter.default else ()
        elif parameter.name in arguments:
            text = spelled(arguments[parameter.name])
        elif len(set(values)) == 1:
            text = _number(values[0]) if values[0] != parameter.default else ()
        elif in_order and len(set(values[1:])) == 1:
            numbers = joined(", then ", [_number(value) for value in values[:2]])
            changing.append(joined(" = ", [symbol(parameter.name), numbers]))
        if text and parameter.kind == "letter":
            text = joined("", [plain(parameter.name), text if len(text) == 1 else (Run("="), *text)])
        elif text and left_out and parameter.kind == "value":
            text = joined(" = ", [symbol(parameter.name), text])
        left_out |= not text and parameter.kind == "value"
        shown += [text] if text else []
    inside = joined(", ", shown)
    short = len(shown) <= IN_HEAD and sum(len(run.text) for run in inside) <= SHORT
    text = joined("", [plain(f"{block.name}("), inside, plain(")")]) if shown and short else plain(block.name)
    below = [inside] if shown and not short else []
    below += [joined(", ", changing)] if changing else []
    below += [plain("shared weights")] if site.kind == "shared" else []
    name = regions[0].name or block.name
    return Node("block", name, text, below, fill="block", tooltip=_call(block, regions[0]))


def _number(value: str | None) -> Runs:
    return () if value is None else spelled(Const(expr.parsed(value)))


def _layers(graph: Graph, site: RegionSite, parameter: str) -> Runs:
    """The layer passed for a layer parameter; empty where there are several."""
    argument = site.layers.get(parameter)
    if argument is None:
        return ()
    if argument.parameter is not None:
        return symbol(argument.parameter)
    sites = graph.templates[argument.template].sites if argument.template is not None else ()
    return plain(sites[0].word) if len(sites) == 1 and isinstance(sites[0], LayerSite) else ()


def _call(block: Block, region: Region) -> str:
    return f"{block.name}({', '.join(f'{name}={value}' for name, value in region.arguments.items())})"


def passes(node: Node) -> Runs:
    """The number of times that a box is repeated."""
    return joined("", [plain("×"), node.times]) if node.times else ()


def head_of(node: Node) -> Runs:
    """The first line of a box. For a block it includes the number of repetitions; other boxes have that
    beside them."""
    return joined(" ", [node.text, passes(node)]) if node.kind == "block" else node.text
