"""The values of expressions: numbers, tensors, layers, lists of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import replace
from operator import add, floordiv, mul, sub

from cnnspec.diagnostics import Span
from cnnspec.notations.calls import is_known, source_of
from cnnspec.notations.network import INPUT, Node
from cnnspec.notations.python.layers import apply
from cnnspec.notations.python.state import Module, State, Value

_OPERATORS = {ast.Add: "add", ast.Mult: "mul", ast.Sub: "sub"}
_ARITHMETIC = {ast.Add: add, ast.Mult: mul, ast.Sub: sub, ast.FloorDiv: floordiv}
_LARGEST = 10**9


def value(c: State, node: ast.expr) -> Value:
    match node:
        case ast.Name() | ast.Attribute():
            return c.names.get(ast.unparse(node))
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [value(c, as_layer(c, element)) for element in elements if not _is_loss(element)]
        case ast.BinOp(left=left, op=ast.Add() | ast.Mult() | ast.Sub() as op, right=right):
            if (number := constant(c, node)) is not None:
                return number
            sides = tensors(c, [left, right], known=True)
            if isinstance(op, ast.Add) and len(sides) == 1 and (biased := with_bias(c, sides[0])) is not None:
                return biased
            return apply(c, Module(Node(_OPERATORS[type(op)], c.span(node))), sides) if sides else None
        case ast.Call():
            from cnnspec.notations.python.called import value_of_call

            return value_of_call(c, node)
        case ast.Lambda(args=ast.arguments(args=[ast.arg(arg=name)]), body=body):
            return _function(c, name, body, c.span(node))
        case ast.Lambda():
            return None
    inside = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
    return constant(c, node) or unknown(c, node, tensors(c, inside, known=True))


def _function(c: State, name: str, body: ast.expr, span: Span) -> Module | None:
    """`lambda x: x.flatten(1)`: the layers in a row that it calls."""
    inner = replace(c, names=c.names | {name: INPUT}, nodes=[], current=INPUT, outputs=())
    result = value(inner, body)
    straight = [node.inputs for node in inner.nodes] == [(place - 1,) for place in range(len(inner.nodes))]
    if type(result) is not int or result != len(inner.nodes) - 1 or not straight:
        return None
    return Module(Node("" if inner.nodes else "id", span), tuple(map(Module, inner.nodes)))


def with_bias(c: State, place: int) -> int | None:
    """TensorFlow's layer to whose output a bias is added; None for any other tensor."""
    text = c.nodes[place].text if c.tool == "TensorFlow" and place != INPUT else "id"
    if text and not text.endswith(" nobias"):
        return None
    c.nodes[place] = c.nodes[place]._replace(text=text.removesuffix(" nobias"))
    return place


def constant(c: State, node: ast.expr) -> ast.Constant | None:
    """The value of a number, of a name for a number, or of a sum or product of these."""
    match node:
        case ast.Constant():
            return node
        case ast.Name() | ast.Attribute():
            name = ast.unparse(node)
            known_value = c.names.get(name, c.names.get(name.removeprefix("self.")))
            return known_value if isinstance(known_value, ast.Constant) else None
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            values = [side and side.value for side in (constant(c, left), constant(c, right))]
            if all(type(one) is int and 0 <= one < _LARGEST for one in values) and values[1]:
                return ast.Constant(_ARITHMETIC[type(op)](*values))
    return None


def written(c: State, node: ast.expr) -> str:
    """An argument as it is written, with numbers in place of their names."""
    if isinstance(node, ast.List | ast.Tuple):
        return f"({', '.join(written(c, elt) for elt in node.elts)})"
    number = constant(c, node)
    if number is not None and not isinstance(node, ast.Constant):
        return repr(number.value)
    source = source_of(c.text, node)
    name = re.findall(r"\w+", source)[-1:]
    source = source.removeprefix("self.") if isinstance(node, ast.Attribute) else source
    return c.shapes.get(name[0], source) if name else source


def unknown(c: State, node: ast.expr, inputs: list[int]) -> int | None:
    """An operation on tensors that has no counterpart here."""
    if not inputs:
        return None
    return apply(c, Module(Node("", c.span(node), why="what this computes is not known")), inputs)


def tensors(c: State, arguments: Iterable[ast.expr], known: bool = False) -> list[int]:
    """The tensors among arguments. Unless they have to be `known`, a name without a value is the input
    tensor.
    """
    found: list[int] = []
    for one in arguments:
        result: Value = None
        one = one.value if isinstance(one, ast.Starred) else one
        if isinstance(one, ast.List | ast.Tuple):
            result = [*tensors(c, one.elts, known)]
        elif isinstance(one, ast.Name) and one.id not in c.names and not known:
            result = _input(c, one.id)
        elif not isinstance(one, ast.Constant):
            result = value(c, one)
        found += [
            tensor for tensor in (result if isinstance(result, list) else [result]) if type(tensor) is int
        ]
    return found


def _input(c: State, name: str) -> int:
    c.input_name = c.input_name or name
    if name != c.input_name:
        c.doubt(f"what `{name}` is, is not in this text")
    return INPUT


def as_layer(c: State, one: ast.expr) -> ast.expr:
    """An element of a list that is the name of a layer, `reluLayer`, `nn.relu`, as a call."""
    match one:
        case ast.Name(id=name) | ast.Attribute(attr=name) if ast.unparse(one) not in c.names:
            return called(one) if is_known(name, "", c.tool) else one
    return one


def called(name: ast.expr) -> ast.Call:
    """A layer without brackets as a call."""
    return ast.copy_location(ast.Call(name, [], []), name)


def _is_loss(node: ast.expr) -> bool:
    return re.match(r"(?:classification|regression)Layer\b", ast.unparse(node)) is not None
