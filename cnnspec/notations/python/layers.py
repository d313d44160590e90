"""Layers as nodes of the network: a layer that is created, one that is applied to a tensor, and the whole
network."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Span
from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.calls import Call, read_call
from cnnspec.notations.classes import Block
from cnnspec.notations.merges import MERGES
from cnnspec.notations.network import MOST, WEIGHTED, Network, Node, dense
from cnnspec.notations.python.state import Module, State
from cnnspec.notations.words import MISSING

OWN_LAYER = "no layer `{name}` is known; a layer made of others is a block here, `block name(k) {{ … }}`"
NAME = re.compile(r"(?<!\w)[A-Za-z_]\w*")
_VALUE = re.compile(r"[=(](?!same|true|false)([A-Za-z_0-9*/+-]+)")
_NO_ORDER = "in which order its layers are used, and what is done between them, is not in this text"
_SHARED = "it is used again, with the same weights: a `shared` block does that here"


def layer(c: State, call: Call, span: Span) -> Module:
    """The layer that a call creates."""
    reading = read_call(call, c.tool)
    if reading is None or not (reading.text or reading.why):
        missing = MISSING.get(fold(call.name))
        why = f"the language has no {missing}" if missing else OWN_LAYER.format(name=call.name)
        return Module(Node("", span, why=why))
    name = call.named.get("name", "").strip("'\"")
    node = Node(reading.text, span, why=reading.why, takes=reading.takes, name=name)
    unknown = [one for one in NAME.findall(" ".join(_VALUE.findall(node.text))) if one not in c.lets]
    if unknown:
        node = node._replace(why=node.why or f"what `{unknown[0]}` is, is not in this text", open=True)
    return Module(node)


def use(c: State, block: Block, call: Call, span: Span) -> Node:
    """A layer that is a class of the program."""
    text = None if block.why else block.call(call.positional, call.named)
    if text is None:
        return Node("", span, why=f"in `{block.name}`, {block.why or 'a parameter has no value'}")
    strange = [one for one in NAME.findall(text.partition("(")[2]) if one not in c.lets]
    why = f"what `{strange[0]}` is, is not in this text" if strange else ""
    return Node(text, span, why=why, open=bool(strange))


def apply(c: State, module: Module, inputs: list[int]) -> int:
    """The output of a layer applied to inputs: a new node."""
    if len(c.nodes) >= MOST:  # nested modules can double with each line
        c.doubt(f"it has more than {MOST:,} layers")
        return c.current
    if module.parts:
        if not module.ordered:
            c.doubt(_NO_ORDER)
        for part in module.parts:
            inputs = [apply(c, part, inputs)]
        return inputs[0]
    node = module.node._replace(inputs=tuple(inputs) or (c.current,))
    if node.text in MERGES and len(inputs) < 2:
        node = node._replace(text="", why="only one of the tensors that it merges is known")
    if node.text.startswith("fc ") and dense(node.text, c.nodes, node.inputs) != node.text:
        # a map: MATLAB's is flattened first, Keras's Dense is a layer for each position
        at_each = f"conv F1 K{node.text[3:]}"
        flat = f"flatten -> {node.text}"
        text = {
            "MATLAB": flat,
            "MXNet": flat,
            "Keras": at_each,
            "TF-slim": at_each,
            "Flax": at_each,
            "Haiku": at_each,
        }.get(c.tool)
        node = node._replace(text=text or node.text)
    word = node.text.partition(" ")[0].partition("(")[0]
    weighted = word in WEIGHTED or any(word == block.named for block in c.blocks.values())
    if weighted and node.span in c.used:
        node = node._replace(name="", why=node.why or _SHARED)
    elif not weighted:
        node = node._replace(name="", hint=node.name)
    c.used.add(node.span)
    c.nodes.append(node)
    c.current = len(c.nodes) - 1
    return c.current


def network(c: State) -> Network:
    """The network; where no tensor passes through the layers, the layers in the order of the text."""
    if not any(node.inputs for node in c.nodes):
        every = [name for name in c.names.values() if isinstance(name, Module) and name.node.text != "id"]
        modules = [one for one in every if one.parts or one.node.text] or every
        last = modules[-1:] if modules and modules[-1].parts else []
        if len(modules) > 1 and not last:
            c.doubt(_NO_ORDER)
        try:
            for module in last or modules:
                apply(c, module, [c.current])
        except RecursionError:
            c.why = "its modules are nested too deeply"
    return Network(c.nodes, c.outputs, c.why)
