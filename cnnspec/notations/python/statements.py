"""Statements: the values that they give to names, and the layers that they add to the network."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from cnnspec.diagnostics import Span
from cnnspec.notations.calls import is_known, statement
from cnnspec.notations.classes import FLAT
from cnnspec.notations.network import INPUT, Node
from cnnspec.notations.python.called import returned
from cnnspec.notations.python.expressions import called, constant, tensors, value
from cnnspec.notations.python.layers import apply
from cnnspec.notations.python.state import NOT_FOLLOWED, Module, State, Value
from cnnspec.notations.words import LAYERS

_PRINTED = re.compile(r"(?<![^\n ])\((?:(\w+)|([0-9]+)-([0-9]+))\): (?:[0-9]+ x )?(?=[A-Za-z])")
_HEADER = re.compile(r"(?:class|def|for|if|elif|else|while|with|try|except|finally|async)\b")
OWN_WORDS = re.compile(
    r"(\w+)[ \t]*=[ \t]*([a-z]\w*(?:[ \t]+[\w.=]+)+)(?:[ \t]*\([ \t]*(\w+(?:[ \t]*,[ \t]*\w+)*)[ \t]*\))?"
)
"""`x = conv F3 K8(x)`: a layer in this language, called on a tensor or not."""
_APART = re.compile(r"(?<=[0-9])[ \t](?=[0-9])")


def read_statement(c: State, text: str, begin: int) -> bool:
    """Reads a statement that begins at a place; False where it is not Python."""
    text = text.rstrip(" \t,;")
    if text.startswith("@"):
        return True
    own = OWN_WORDS.fullmatch(text)
    if own is not None and own[2].split()[0] in LAYERS.values():
        inputs = tensors(c, [ast.Name(name) for name in re.findall(r"\w+", own[3] or "")])
        span = Span(begin + own.start(2), begin + len(text))
        c.names[own[1]] = apply(c, Module(Node(own[2], span)), inputs)
        return True
    plain = _as_call(text) if _PRINTED.search(text) else text
    parsed = statement(f"{plain} pass" if _HEADER.match(text) and text.endswith(":") else plain)
    if parsed is None:  # a list of MATLAB, separated by lines and blanks
        plain = _APART.sub(",", re.sub(r"(?<![\[(,;])\n", ",", plain))
        parsed = statement(plain)
    if parsed is None:
        return False
    c.text, c.begin = plain, begin
    c.starts = [0, *(one.end() for one in re.finditer(r"\r\n|\r|\n", plain))]
    try:
        _run(c, parsed)
    except RecursionError:
        return False
    return True


def _as_call(text: str) -> str:
    """A line of print(model) as a call of Python, with each character in its place: `(conv1): Conv2d(…)` is
    `_conv1 = Conv2d(…)`.
    """
    text = _PRINTED.sub(lambda match: f"_{match[1]} = ".ljust(len(match.group())), text)
    return re.sub(r"(?<![(\n])\n", ",", text).replace("\n", " ")


def _run(c: State, statement_node: ast.stmt) -> None:
    match statement_node:
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            _assign(c, statement_node)
        case ast.Return(value=ast.expr() as node):
            result = value(c, node)
            if isinstance(result, Module) and c.function:
                apply(c, result, [INPUT])
            else:
                returned(c, result)
        case ast.FunctionDef(name=name, args=arguments):
            _enter(c, name, arguments)
        case ast.ClassDef(name=name):
            c.classes.append(name)
        case ast.For() | ast.While() | ast.If() if "__name__" not in c.text:
            c.doubt(NOT_FOLLOWED)
        case ast.With() if "arg_scope" in c.text:
            c.doubt("the defaults that `arg_scope` sets are not in its layers")
        case ast.Expr(value=ast.Tuple(elts=elements)):
            for one in elements:
                _append(c, value(c, one))
        case ast.Expr(value=ast.Name(id=name) as node) if is_known(name, "", c.tool):  # MATLAB
            _append(c, value(c, called(node)))
        case ast.Expr(value=node):
            _append(c, value(c, node))


def _assign(c: State, assignment: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
    match assignment:
        case (
            ast.Assign(targets=[ast.Name() | ast.Attribute() as target], value=node)
            | ast.AnnAssign(target=ast.Name() | ast.Attribute() as target, value=ast.expr() as node)
        ):
            _name(c, ast.unparse(target), value(c, node))
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=nodes)):
            for one, result in zip(targets, [value(c, side) for side in nodes], strict=False):
                _name(c, ast.unparse(one), result)
        case ast.Assign(targets=targets, value=node):
            value(c, node)
            names = [one.id for one in ast.walk(ast.Tuple([*targets])) if isinstance(one, ast.Name)]
            c.names |= dict.fromkeys(names)
        case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=ast.List(elts=elements)):
            _extend(c, name, [value(c, element) for element in elements])
        case ast.AugAssign(target=ast.Name() as target, op=op, value=node):
            sum_of = ast.copy_location(ast.BinOp(target, op, node), assignment)
            _name(c, target.id, value(c, sum_of))


def _name(c: State, name: str, result: Value) -> None:
    last = name.rpartition(".")[2]
    modules = [one for one in result if isinstance(one, Module)] if isinstance(result, list) else []
    if isinstance(result, list) and modules and not any(one is None for one in result):
        result = Module(modules[0].node._replace(name=""), tuple(modules))
    if isinstance(result, Module) and not result.parts and not result.node.name:
        result = result._replace(node=result.node._replace(name=last))
    elif type(result) is int and result != INPUT and len(last) > 1:
        c.nodes[result] = c.nodes[result]._replace(hint=last)
    c.names[name] = result


def _extend(c: State, name: str, values: Sequence[Value]) -> None:
    """Adds modules to a list, or to an nn.Sequential."""
    owner = c.names.get(name)
    modules = tuple(one for one in values if isinstance(one, Module))
    if not isinstance(owner, Module):
        owner = Module(Node("", modules[0].node.span)) if modules else None
    if owner is None or len(modules) < len(values):
        c.doubt("what is added to a list is not known")
        return
    c.names[name] = owner._replace(node=owner.node._replace(text=""), parts=(*owner.parts, *modules))


def _append(c: State, result: Value) -> None:
    """Adds a layer that is alone on its line after the one before it."""
    if isinstance(result, Module) and result.parts:
        c.names[f"{len(c.names)}"] = result
    elif isinstance(result, Module):
        apply(c, result, [c.current])


def _enter(c: State, name: str, arguments: ast.arguments) -> None:
    """Takes the parameters of a function whose statements follow."""
    names = [argument.arg for argument in arguments.args]
    free = names[: len(names) - len(arguments.defaults)]
    values = [constant(c, default) for default in arguments.defaults]
    defaults = dict(zip(names[len(free) :], values, strict=True))
    free = [one for one in free if one not in ("self", "cls")]
    if c.takes_tensor and name == c.function and free:
        c.names[free.pop(0)] = INPUT
    if c.is_block and name in ("__init__", c.function):
        numbers = {one: repr(default.value) if default else "" for one, default in defaults.items()}
        c.parameters = dict.fromkeys(free, "") | numbers
        c.lets = c.lets.union(c.parameters)
    else:
        c.names |= defaults
    if name == c.function:
        return
    if free and name not in FLAT:
        c.doubt(f"`{name}(…)` makes several layers, and is not followed")
    for one in free:
        c.names.pop(one, None)
    c.input_name, c.current = "", INPUT
    if name != "__init__" and len(free) == 1:
        c.names[free[0]] = INPUT
