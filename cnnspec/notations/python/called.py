"""The value of a call: a layer, the output of a layer, a chain of modules, the network itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import partial

from cnnspec.diagnostics import Span
from cnnspec.notations.calls import Call, call_of, is_known, source_of
from cnnspec.notations.network import INPUT, MERGED, Node
from cnnspec.notations.python.expressions import as_layer, tensors, unknown, value, with_bias, written
from cnnspec.notations.python.layers import OWN_LAYER, apply, layer, use
from cnnspec.notations.python.state import Module, State, Value
from cnnspec.notations.rows import called as in_words
from cnnspec.notations.words import LAYERS

_CHAINS = ("Sequential", "HybridSequential")
_MODELS = ("Model", "Functional")
_OF_TENSOR = ("flatten", "mean")
"""Functions in the tables whose first argument is the tensor."""
_NO_TENSOR = re.compile("size|dim|numel|get_shape|print|len|int|float|str|super|range|type|isinstance")
_SAME = ("contiguous", "to", "cuda", "cpu", "clone", "detach")
"""Methods that return the same tensor."""
_FUNCTIONS = (
    *("F", "functional", "torch", "nn", "activations", "tf", "ops", "layers", "slim", ""),
    *("nnx", "jnp", "jax", "mx", "nd", "paddle"),
)
_SYMBOLS = ("sym", "symbol")
_TENSOR = ("input", "inputs", "x", "data", "value")
"""Names of the argument that is the tensor."""
_CLASS = re.compile(r"[A-Z]\w*[a-z]|[A-Z]{2,}(?![a-z_])")
"""A class: `Conv2d`, `LSTM`."""


def value_of_call(c: State, node: ast.Call) -> Value:
    module = value(c, node.func)
    if isinstance(module, Module):
        inputs = tensors(c, node.args)
        if not inputs and node.args:
            module = Module(module.node._replace(text="", why="what its input is, is not in this text"))
        return apply(c, module, inputs)
    call, span = call_of(node, partial(written, c)), c.span(node)
    if call is not None and call.name in c.blocks and call.prefix in ("", "self"):
        return _of_block(c, node, call, span)
    if call is None or call.name in c.classes or call.name == "super" or call.name.endswith("Loss"):
        return None
    owner = value(c, node.func.value) if isinstance(node.func, ast.Attribute) else None
    if _adds(c, node, call, owner):
        return None
    if call.prefix == "self" and (inputs := tensors(c, node.args, known=bool(c.classes))):
        why = f"`self.{call.name}` is not defined in this text"
        return apply(c, Module(Node("", span, why=why)), inputs)
    if type(owner) is int:
        return _method(c, node, call, owner)
    children = [keyword for keyword in node.keywords if (keyword.arg or "").startswith("_")]
    if call.prefix in _SYMBOLS and c.tool == "MXNet":
        return _symbol(c, node, call)
    if call.name == "partial" and node.args:
        return layer(c, call._replace(name=call.positional[0].rpartition(".")[2], positional=()), span)
    if call.name == "Lambda" and len(node.args) == 1 and isinstance(made := value(c, node.args[0]), Module):
        return made
    if call.name in _CHAINS or (children and len(children) == len(node.keywords) and not node.args):
        parts = [*_chain(c, node.args), *(part(c, child.arg or "", child.value) for child in children)]
        return Module(Node("" if parts else "id", span), tuple(parts), ordered=call.name in _CHAINS)
    if call.name in _MODELS:
        outputs = [keyword.value for keyword in node.keywords if keyword.arg == "outputs"] or node.args[1:2]
        returned(c, value(c, outputs[0]) if outputs else None)
        return None
    return _layer_or_function(c, node, call)


def _of_block(c: State, node: ast.Call, call: Call, span: Span) -> Value:
    block = c.blocks[call.name]
    if not block.takes_tensor:
        return Module(use(c, block, call, span))
    rest = call._replace(positional=call.positional[1:])
    return apply(c, Module(use(c, block, rest, span)), tensors(c, node.args[:1]))


def _adds(c: State, node: ast.Call, call: Call, owner: Value) -> bool:
    """Whether a call is a method of modules; `model.add(layer)` and `layers.append(layer)` add to them."""
    appends = call.name in ("add", "append") and call.prefix not in _FUNCTIONS
    if (owner is None and appends) or (owner == [] and call.name in ("append", "extend")):
        owner = Module(Node("", c.span(node)))
    if not isinstance(owner, Module):
        return False
    added = [value(c, argument) for argument in node.args] if call.name in ("add", "append") else []
    modules = tuple(one for one in added if isinstance(one, Module))
    if modules and isinstance(node.func, ast.Attribute):
        longer = owner._replace(node=owner.node._replace(text=""), parts=(*owner.parts, *modules))
        c.names[ast.unparse(node.func.value)] = longer
    return True


def _method(c: State, node: ast.Call, call: Call, tensor: int) -> Value:
    """`x.view(-1, 400)`."""
    if is_known(call.name, "", c.tool):
        first = ["x"] if call.name in _OF_TENSOR else []
        return apply(
            c, layer(c, call._replace(positional=[*first, *call.positional]), c.span(node)), [tensor]
        )
    if call.name == "sequential" and node.args and isinstance(chain := value(c, node.args[0]), Module):
        return apply(c, chain, [tensor])
    if _NO_TENSOR.fullmatch(call.name):
        return None
    return tensor if call.name in _SAME else unknown(c, node, [tensor])


def _layer_or_function(c: State, node: ast.Call, call: Call) -> Value:
    """`Conv2d(3, 64, 3)`, `F.relu(x)`, `torch.cat([x, y], 1)`, `conv F3 K64` in brackets, an input."""
    span, functional = c.span(node), call.name.islower() and call.prefix in _FUNCTIONS
    word = MERGED.get(call.name)
    operands = [keyword.value for keyword in node.keywords if keyword.arg in _TENSOR] if functional else []
    operands = (
        operands if operands and not node.args else node.args[:1] if functional and not word else node.args
    )
    inputs = tensors(c, operands, known=not functional or bool(word and c.tool == "TensorFlow"))
    if (
        len(inputs) == 1
        and call.name in ("add", "bias_add")
        and (biased := with_bias(c, inputs[0])) is not None
    ):
        return biased
    if word and (functional or call.name[0].isupper() or len(inputs) > 1):
        module = Module(Node(word, span, why=_axis(word, call, c.tool)))
        return apply(c, module, inputs) if inputs else module
    slim = call.prefix == "slim"
    if functional and (slim or call.name not in _OF_TENSOR):
        named = {key: text for key, text in call.named.items() if node.args or key not in _TENSOR}
        call = call._replace(prefix=call.prefix if slim else "", positional=call.positional[1:], named=named)
    own = [*call.positional, *(f"{key}={text}" for key, text in call.named.items())]
    if not call.prefix and call.name in LAYERS.values() and (found := in_words(call.name, own)):
        return Module(Node(found.text, span, takes=found.takes))
    if not (is_known(call.name, call.prefix, c.tool) or _CLASS.match(call.name)):
        if _NO_TENSOR.fullmatch(call.name):
            return None
        if inputs and not own and call.name in LAYERS.values():  # `gap(x)`
            return apply(c, Module(Node(call.name, span)), inputs[:1])
        return unknown(c, node, inputs[:1] if slim else tensors(c, node.args, known=True))
    module = layer(c, call, span)
    if module.node.text.startswith("input "):
        c.nodes.append(module.node._replace(inputs=()))
        c.current = len(c.nodes) - 1
        return c.current
    return apply(c, module, inputs[:1]) if functional and inputs else module


def _symbol(c: State, node: ast.Call, call: Call) -> Value:
    """`mx.sym.Convolution(data=x, kernel=(3, 3), num_filter=64)`."""
    if call.name in ("Variable", "var"):
        return INPUT
    span = c.span(node)
    inputs = tensors(
        c,
        [
            *node.args,
            *(keyword.value for keyword in node.keywords if keyword.arg in (*_TENSOR, "lhs", "rhs")),
        ],
    )
    if word := MERGED.get(call.name):
        return apply(c, Module(Node(word, span)), inputs)
    named = {key: text for key, text in call.named.items() if key not in _TENSOR}
    return apply(c, layer(c, Call("sym", call.name, (), named), span), inputs[:1])


def returned(c: State, result: Value) -> None:
    """Takes a value as the output of the network."""
    values = result if isinstance(result, list) else [result]
    c.outputs = tuple(one for one in values if type(one) is int)
    if len(c.outputs) < len(values):
        c.doubt("what it returns cannot be followed")


def part(c: State, name: str, node: ast.expr) -> Module:
    """A module of a chain, with its name there."""
    module = value(c, node)
    if not isinstance(module, Module):
        return Module(Node("", c.span(node), why=OWN_LAYER.format(name=source_of(c.text, node))))
    name = name.removeprefix("_")
    return module._replace(node=module.node._replace(name="" if name[:1].isdecimal() else name))


def _chain(c: State, arguments: Iterable[ast.expr]) -> Iterator[Module]:
    """The modules of an nn.Sequential: in a row, in a list, or in pairs with their names."""
    for argument in arguments:
        match argument:
            case ast.Starred(value=inner):
                yield from _chain(c, [inner])
            case ast.Tuple(elts=[ast.Constant(value=str(name)), inner]):
                yield part(c, name, inner)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                yield from _chain(c, elements)
            case ast.Call(func=ast.Attribute(attr="Input") | ast.Name(id="Input" | "InputLayer")):
                value(c, argument)
            case ast.Call(func=ast.Name(id="OrderedDict") | ast.Attribute(attr="OrderedDict")):
                yield from _chain(c, argument.args)
            case _:
                result = value(c, as_layer(c, argument))
                if result != []:
                    yield result if isinstance(result, Module) else part(c, "", argument)


def _axis(word: str, call: Call, tool: str) -> str:
    """The reason why a merge is not certain: it joins along another axis than the channels."""
    if word != "concat":
        return ""
    torch = call.name == "cat" or tool in ("PaddlePaddle", "MXNet")
    last = next((one for one in call.positional if re.fullmatch(r"-?[0-9]", one)), "0" if torch else "-1")
    axis = call.named.get("dim", call.named.get("axis", last))
    if axis in (("1", "-3") if torch else ("-1", "3")):
        return ""
    return f"it joins along the axis {axis}, and `concat` along the channels"
