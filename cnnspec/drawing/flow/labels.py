"""The boxes of layers and of blocks in use, with their texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnspec.drawing.colors import kind_of
from cnnspec.drawing.flow.diagram import Node, Runs, words
from cnnspec.drawing.flow.names import SIGNS, is_small, title_of
from cnnspec.drawing.flow.symbols import joined, plain, spelled, substituted, symbol
from cnnspec.ir import expr
from cnnspec.ir.expr import Const, Expr
from cnnspec.ir.graph import Block, Graph, Layer, Region
from cnnspec.ir.template import LayerSite, RegionSite

IN_HEAD = 2
"""Arguments of a block that are written behind its name; more of them are a smaller line."""
SHORT = 14
"""Characters of them, at most."""


def layer_node(site: LayerSite, layers: Sequence[Layer], names: Mapping[str, Expr], symbolic: bool) -> Node:
    """The box of a layer; `layers` are what it is in the bodies that are drawn."""
    op = layers[0].op
    fields: dict[str, Expr] = {}
    for field, node in site.written.items():
        equal = all(getattr(layer.op, field, None) == getattr(op, field, None) for layer in layers)
        found = substituted(node, names)
        if not isinstance(found, Const) and (symbolic or not equal):
            fields[field] = found
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
    graph: Graph, block: Block, site: RegionSite, regions: Sequence[Region], given: Mapping[str, Expr]
) -> Node:
    """The box of a block in use; `given` are the arguments that are expressions here."""
    shown: list[Runs] = []
    changing: list[Runs] = []
    for parameter in block.parameters:
        if parameter.kind == "tensor":
            continue
        if parameter.kind == "layer":
            text = _layers(graph, site, parameter.name)
            shown += [text] if text and words(text) != parameter.default else []
        elif parameter.name in given:
            shown.append(spelled(given[parameter.name]))
        else:
            values = [region.arguments.get(parameter.name) for region in regions]
            if len(set(values)) == 1 and values[0] is not None and values[0] != parameter.default:
                shown.append(spelled(Const(expr.parsed(values[0]))))
            elif len(values) > 1 and len(set(values[1:])) == 1 and None not in values[:2]:
                first, then = (spelled(Const(expr.parsed(value or "0"))) for value in values[:2])
                changing.append(
                    joined("", [symbol(parameter.name), plain(" = "), first, plain(", then "), then])
                )
    text, inside = plain(block.name), joined(", ", shown)
    below: list[Runs] = []
    if shown and (len(shown) > IN_HEAD or sum(len(run.text) for run in inside) > SHORT):
        below.append(inside)
    elif shown:
        text = joined("", [text, plain("("), inside, plain(")")])
    if changing:
        below.append(joined(", ", changing))
    if site.kind == "shared":
        below.append(plain("shared weights"))
    return Node(
        "block", regions[0].name or block.name, text, below, fill="block", tooltip=_call(block, regions[0])
    )


def _layers(graph: Graph, site: RegionSite, parameter: str) -> Runs:
    """What a use gives for a layer parameter, where that is one layer."""
    given = site.layers.get(parameter)
    if given is None:
        return ()
    if given.parameter is not None:
        return symbol(given.parameter)
    sites = graph.templates[given.template].sites if given.template is not None else ()
    return plain(sites[0].word) if len(sites) == 1 and isinstance(sites[0], LayerSite) else ()


def _call(block: Block, region: Region) -> str:
    return f"{block.name}({', '.join(f'{name}={value}' for name, value in region.arguments.items())})"


def passes(node: Node) -> Runs:
    """How often a box is repeated."""
    return joined("", [plain("×"), node.times]) if node.times else ()


def head_of(node: Node) -> Runs:
    """The first line of a box; a block's has how often it is repeated, other boxes have that beside them."""
    return joined(" ", [node.text, passes(node)]) if node.kind == "block" else node.text
