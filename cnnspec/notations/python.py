"""Programs in PyTorch and Keras: their layers, read off Python's syntax tree. Nothing is executed.

Statements are read one by one, in whatever class or function they are: the value of each name is kept,
and each layer that a tensor passes through is a node of the network.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import add, floordiv, mul, sub
from typing import NamedTuple, TypeAlias

from cnnspec.diagnostics import Span
from cnnspec.notations.calls import Call, call_of, is_known, read_call, source_of, statement, tool_of
from cnnspec.notations.classes import FLAT, Block, Statement
from cnnspec.notations.merges import MERGES
from cnnspec.notations.network import ARRIVING, MERGED, MOST, WEIGHTED, Network, Node, dense
from cnnspec.notations.rows import called as in_words
from cnnspec.notations.words import LAYERS

_PRINTED = re.compile(r"(?<![^\n ])\((?:(\w+)|([0-9]+)-([0-9]+))\): (?:[0-9]+ x )?(?=[A-Za-z])")
_HEADER = re.compile(r"(?:class|def|for|if|elif|else|while|with|try|except|finally|async)\b")
_CHAINS = ("Sequential",)
_MODELS = ("Model", "Functional")
_OF_TENSOR = ("flatten", "mean")
"""Functions in the tables with the tensor as their first argument."""
_NO_TENSOR = re.compile("size|dim|numel|get_shape|print|len|int|float|str|super|range|type|isinstance")
_SAME = ("contiguous", "to", "cuda", "cpu", "clone", "detach")
"""Methods that return the same tensor."""
_FUNCTIONS = ("F", "functional", "torch", "nn", "activations", "tf", "ops", "layers", "slim", "")
_OPERATORS = {ast.Add: "add", ast.Mult: "mul", ast.Sub: "sub"}
_ARITHMETIC = {ast.Add: add, ast.Mult: mul, ast.Sub: sub, ast.FloorDiv: floordiv}
_LARGEST = 10**9
_WIDEST = 60
_VALUE = re.compile(r"[=(](?!same|true|false)([A-Za-z_0-9*/+-]+)")
_NAME = re.compile(r"(?<!\w)[A-Za-z_]\w*")
_APART = re.compile(r"(?<=[0-9])[ \t](?=[0-9])")
_CLASS = re.compile(r"[A-Z]\w*[a-z]")
_TORCH = re.compile(r"\bnn\.|\btorch\b|\bforward\b|\bF\.")
_KERAS = re.compile(r"\bkeras\b|\blayers\.|\btf\.|\.add\(|\binput_shape\b")
_SLIM = re.compile(r"\bslim\.")
_NO_ORDER = "in which order its layers are used, and what is done between them, is not in this text"
NOT_FOLLOWED = "a loop or a condition in it is not followed; steps that come n times are `[ … ]*n` here"
_OWN_LAYER = "no layer `{name}` is known; a layer made of others is a block here, `block name(k) {{ … }}`"
_SHARED = "it is used again, with the same weights: a `shared` block does that here"


class _Module(NamedTuple):
    """A layer (a node with inputs still to come), a merge, or modules in a row."""

    node: Node
    parts: tuple[_Module, ...] = ()
    ordered: bool = True


_Value: TypeAlias = "_Module | int | ast.Constant | Sequence[_Value] | None"


class Reader:
    """The state of reading one program."""

    def __init__(
        self,
        text: str,
        lets: Iterable[str] = (),
        blocks: Mapping[str, Block] | None = None,
        is_block: bool = False,
        function: str = "",
        takes_tensor: bool = False,
    ) -> None:
        self.lets = frozenset(lets)
        """Names that the spec gives a value."""
        self.blocks = blocks or {}
        self.is_block = is_block
        self.function, self.takes_tensor = function, takes_tensor
        self.parameters: dict[str, str] = {}
        """Of a class that is a block: the parameters of `__init__`, with their defaults."""
        votes = Counter(filter(None, map(tool_of, re.findall(r"\b(\w+)\(", text))))
        votes["torch"] += len(_TORCH.findall(text))
        votes["Keras"] += len(_KERAS.findall(text))
        votes["TF-slim"] += 3 * len(_SLIM.findall(text))
        self.tool = votes.most_common(1)[0][0] if votes.total() else ""
        self.names: dict[str, _Value] = {}
        self.nodes: list[Node] = []
        self.current = ARRIVING
        self.outputs: tuple[int, ...] = ()
        self.used: set[Span] = set()
        self.classes: list[str] = []
        self.arriving = ""
        self.why = ""
        self.text = ""
        self.begin = 0
        self.starts: list[int] = []

    # --- statements -------------------------------------------------------------------------------

    def statement(self, text: str, begin: int) -> bool:
        """Reads a statement that begins at a place; False where it is not Python."""
        text = text.rstrip(" \t,;")
        plain = _as_call(text) if _PRINTED.search(text) else text
        found = statement(f"{plain} pass" if _HEADER.match(text) and text.endswith(":") else plain)
        if found is None:  # a list of MATLAB, separated by lines and blanks
            plain = _APART.sub(",", re.sub(r"(?<![\[(,;])\n", ",", plain))
            found = statement(plain)
        if found is None:
            return False
        self.text, self.begin = plain, begin
        self.starts = [0, *(one.end() for one in re.finditer(r"\r\n|\r|\n", plain))]
        try:
            self._run(found)
        except RecursionError:
            return False
        return True

    def _run(self, found: ast.stmt) -> None:
        match found:
            case (
                ast.Assign(targets=[ast.Name() | ast.Attribute() as target], value=value)
                | ast.AnnAssign(target=ast.Name() | ast.Attribute() as target, value=ast.expr() as value)
            ):
                self._name(ast.unparse(target), self._value(value))
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                for one, given in zip(targets, [self._value(side) for side in values], strict=False):
                    self._name(ast.unparse(one), given)
            case ast.Assign(targets=targets, value=value):
                self._value(value)
                names = [one.id for one in ast.walk(ast.Tuple([*targets])) if isinstance(one, ast.Name)]
                self.names |= dict.fromkeys(names)
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=ast.List(elts=elements)):
                self._extend(name, [self._value(one) for one in elements])
            case ast.AugAssign(target=ast.Name() as target, op=op, value=value):
                sum_of = ast.copy_location(ast.BinOp(target, op, value), found)
                self._name(target.id, self._value(sum_of))
            case ast.Return(value=ast.expr() as value):
                given = self._value(value)
                if isinstance(given, _Module) and self.function:
                    self._apply(given, [ARRIVING])
                else:
                    self._return(given)
            case ast.FunctionDef(name=name, args=arguments):
                self._parameters(name, arguments)
            case ast.ClassDef(name=name):
                self.classes.append(name)
            case ast.For() | ast.While() | ast.If() if "__name__" not in self.text:
                self.why = self.why or NOT_FOLLOWED
            case ast.With() if "arg_scope" in self.text:
                self.why = self.why or "the defaults that `arg_scope` sets are not in its layers"
            case ast.Expr(value=ast.Tuple(elts=elements)):
                for one in elements:
                    self._append(self._value(one))
            case ast.Expr(value=ast.Name(id=name) as value) if is_known(name):  # MATLAB
                self._append(self._value(_called(value)))
            case ast.Expr(value=value):
                self._append(self._value(value))

    def _name(self, name: str, value: _Value) -> None:
        last = name.rpartition(".")[2]
        modules = [one for one in value if isinstance(one, _Module)] if isinstance(value, list) else []
        if isinstance(value, list) and modules and not any(one is None for one in value):
            value = _Module(modules[0].node._replace(name=""), tuple(modules))
        if isinstance(value, _Module) and not value.parts and not value.node.name:
            value = value._replace(node=value.node._replace(name=last))
        elif type(value) is int and value != ARRIVING and len(last) > 1:
            self.nodes[value] = self.nodes[value]._replace(hint=last)
        self.names[name] = value

    def _extend(self, name: str, values: Sequence[_Value]) -> None:
        """Modules that are added to a list, or to an nn.Sequential."""
        before = self.names.get(name)
        modules = tuple(one for one in values if isinstance(one, _Module))
        owner = (
            before
            if isinstance(before, _Module)
            else _Module(Node("", modules[0].node.span))
            if modules
            else None
        )
        if owner is None or len(modules) < len(values):
            self.why = self.why or "what is added to a list is not known"
            return
        self.names[name] = owner._replace(node=owner.node._replace(text=""), parts=(*owner.parts, *modules))

    def repeat(self, header: str, body: Sequence[Statement]) -> bool:
        """`for _ in range(3):` around statements, where they add steps in a row; False for another loop."""
        loop = statement(f"{header} pass")
        match loop:
            case ast.For(target=ast.Name(id=counter), iter=ast.Call(func=ast.Name(id="range"), args=bounds)):
                count = self._count(header, bounds)
            case _:
                return False
        start, lists = len(self.nodes), {name: len(one.parts) for name, one in self._lists()}
        if not count or not body or not self._all_of(body):
            return False
        added, end = self.nodes[start:], len(self.nodes) - 1
        rows = [(name, one.parts[lists.get(name, 0) :]) for name, one in self._lists()]
        rows = [(name, parts) for name, parts in rows if parts]
        made_here = Span(
            body[0].span.start, body[-1].span.end
        )  # what is made before the loop is the same layer
        spans = [node.span for node in added] + [one.node.span for _, parts in rows for one in parts]
        if not all(made_here.start <= span.start and span.end <= made_here.end for span in spans):
            return False
        inputs = [node.inputs for node in added[1:]]
        if added and not rows and inputs == [(place,) for place in range(start, end)]:
            self.used.difference_update(spans)
            again = self.nodes[end + 1 :] if self._all_of(body) else []
            if [node.text for node in again] != [node.text for node in added] or again[0].inputs != (end,):
                return False  # the next pass does not continue from this one
            last = len(self.nodes) - 1
            self.nodes[start:] = [_repeated(added, count, counter)._replace(inputs=added[0].inputs)]
            self.names |= {name: start for name, one in self.names.items() if one in (end, last)}
            self.current = start
            return bool(self.nodes[-1].text)
        if added or len(rows) != 1 or any(one.parts for one in rows[0][1]):
            return False
        name, parts = rows[0]
        owner = self.names[name]
        assert isinstance(owner, _Module)
        row = _Module(_repeated([one.node for one in parts], count, counter))
        self.names[name] = owner._replace(parts=(*owner.parts[: len(owner.parts) - len(parts)], row))
        return bool(row.node.text)

    def _all_of(self, body: Sequence[Statement]) -> bool:
        return all(self.statement(one.text.strip(), one.span.start) for one in body)

    def _lists(self) -> list[tuple[str, _Module]]:
        return [(name, one) for name, one in self.names.items() if isinstance(one, _Module)]

    def _count(self, header: str, bounds: Sequence[ast.expr]) -> str:
        """`n` of `range(n)`, `n - 1` of `range(1, n)`; nothing for another range."""
        self.text = header
        written = [self._written(one) for one in bounds]
        if len(written) == 2 and all(one.isdecimal() for one in written):
            return str(int(written[1]) - int(written[0]))
        known = all(one.isdecimal() or one in self.lets for one in written)
        if not known or len(written) not in (1, 2):
            return ""
        return written[0] if len(written) == 1 else f"({written[1]} - {written[0]})"

    def _append(self, value: _Value) -> None:
        """A layer alone on its line follows the one before it."""
        if isinstance(value, _Module) and value.parts:
            self.names[f"{len(self.names)}"] = value
        elif isinstance(value, _Module):
            self._apply(value, [self.current])

    def _return(self, value: _Value) -> None:
        values = value if isinstance(value, list) else [value]
        self.outputs = tuple(one for one in values if type(one) is int)
        if len(self.outputs) < len(values):
            self.why = self.why or "what it returns cannot be followed"

    def _parameters(self, name: str, arguments: ast.arguments) -> None:
        names = [one.arg for one in arguments.args]
        free = names[: len(names) - len(arguments.defaults)]
        defaults = dict(zip(names[len(free) :], map(self._constant, arguments.defaults), strict=True))
        free = [one for one in free if one not in ("self", "cls")]
        if self.takes_tensor and name == self.function and free:
            self.names[free.pop(0)] = ARRIVING
        if self.is_block and name in ("__init__", self.function):
            numbers = {one: repr(given.value) if given else "" for one, given in defaults.items()}
            self.parameters = dict.fromkeys(free, "") | numbers
            self.lets = self.lets.union(self.parameters)
        else:
            self.names |= defaults
        if name == self.function:
            return
        if free and name not in FLAT:
            self.why = self.why or f"`{name}(…)` makes several layers, and is not followed"
        for one in free:
            self.names.pop(one, None)
        self.arriving, self.current = "", ARRIVING
        if name != "__init__" and len(free) == 1:
            self.names[free[0]] = ARRIVING

    # --- expressions ------------------------------------------------------------------------------

    def _value(self, node: ast.expr) -> _Value:
        match node:
            case ast.Name() | ast.Attribute():
                return self.names.get(ast.unparse(node))
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                elements = [
                    _called(one) if isinstance(one, ast.Name) and is_known(one.id) else one
                    for one in elements
                ]
                return [self._value(one) for one in elements if not _is_loss(one)]
            case ast.BinOp(left=left, op=ast.Add() | ast.Mult() | ast.Sub() as op, right=right):
                if (constant := self._constant(node)) is not None:
                    return constant
                sides = self._tensors([left, right], known=True)
                return (
                    self._apply(_Module(Node(_OPERATORS[type(op)], self._span(node))), sides)
                    if sides
                    else None
                )
            case ast.Call():
                return self._call(node)
            case ast.Lambda():
                return None
        return self._constant(node) or self._unknown(node, self._tensors(_inside(node), known=True))

    def _constant(self, node: ast.expr) -> ast.Constant | None:
        """A number, a name with a number as its value, or a sum or product of these."""
        match node:
            case ast.Constant():
                return node
            case ast.Name() | ast.Attribute():
                name = ast.unparse(node)
                found = self.names.get(name, self.names.get(name.removeprefix("self.")))
                return found if isinstance(found, ast.Constant) else None
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                values = [side and side.value for side in (self._constant(left), self._constant(right))]
                if all(type(one) is int and 0 <= one < _LARGEST for one in values) and values[1]:
                    return ast.Constant(_ARITHMETIC[type(op)](*values))
        return None

    def _written(self, node: ast.expr) -> str:
        """An argument as it is written, with numbers in place of their names."""
        if isinstance(node, ast.List | ast.Tuple):
            return f"({', '.join(map(self._written, node.elts))})"
        constant = self._constant(node)
        if constant is not None and not isinstance(node, ast.Constant):
            return repr(constant.value)
        return source_of(self.text, node)

    def _unknown(self, node: ast.expr, tensors: list[int]) -> int | None:
        """An operation on tensors that has no counterpart here."""
        if not tensors:
            return None
        return self._apply(
            _Module(Node("", self._span(node), why="what this computes is not known")), tensors
        )

    def _call(self, node: ast.Call) -> _Value:
        called = self._value(node.func)
        if isinstance(called, _Module):
            tensors = self._tensors(node.args)
            if not tensors and node.args:
                called = _Module(called.node._replace(text="", why="what its input is, is not in this text"))
            return self._apply(called, tensors)
        call, span = call_of(node, self._written), self._span(node)
        if call is not None and call.name in self.blocks and call.prefix in ("", "self"):
            block = self.blocks[call.name]
            if not block.takes_tensor:
                return _Module(self._use(block, call, span))
            rest = call._replace(positional=call.positional[1:])
            return self._apply(_Module(self._use(block, rest, span)), self._tensors(node.args[:1]))
        if call is None or call.name in self.classes or call.name == "super" or call.name.endswith("Loss"):
            return None
        owner = self._value(node.func.value) if isinstance(node.func, ast.Attribute) else None
        if owner is None and call.name in ("add", "append") and call.prefix not in _FUNCTIONS:
            owner = _Module(Node("", span))
        if owner == [] and call.name in ("append", "extend"):
            owner = _Module(Node("", span))
        if isinstance(owner, _Module):
            added = self._value(node.args[0]) if call.name in ("add", "append") and node.args else None
            if isinstance(added, _Module) and isinstance(node.func, ast.Attribute):
                self.names[ast.unparse(node.func.value)] = owner._replace(
                    node=owner.node._replace(text=""), parts=(*owner.parts, added)
                )
            return None
        if call.prefix == "self" and (tensors := self._tensors(node.args, known=bool(self.classes))):
            why = f"`self.{call.name}` is not defined in this text"
            return self._apply(_Module(Node("", span, why=why)), tensors)
        if type(owner) is int:  # `x.view(-1, 400)`
            call = call._replace(
                positional=["x", *call.positional] if call.name in _OF_TENSOR else call.positional
            )
            if is_known(call.name):
                return self._apply(self._layer(call, span), [owner])
            return (
                None
                if _NO_TENSOR.fullmatch(call.name)
                else owner
                if call.name in _SAME
                else self._unknown(node, [owner])
            )
        children = [one for one in node.keywords if (one.arg or "").startswith("_")]
        if call.name in _CHAINS or (children and len(children) == len(node.keywords) and not node.args):
            parts = [*self._chain(node.args), *(self._part(one.arg or "", one.value) for one in children)]
            return _Module(Node("" if parts else "id", span), tuple(parts), ordered=call.name in _CHAINS)
        if call.name in _MODELS:
            outputs = [one.value for one in node.keywords if one.arg == "outputs"] or node.args[1:2]
            self._return(self._value(outputs[0]) if outputs else None)
            return None
        functional = call.name.islower() and call.prefix in _FUNCTIONS
        tensors = self._tensors(node.args, known=not functional)
        if (word := MERGED.get(call.name)) and (functional or call.name[0].isupper() or len(tensors) > 1):
            module = _Module(Node(word, span, why=_axis(word, call)))
            return self._apply(module, tensors) if tensors else module
        slim = call.prefix == "slim"
        if functional and (slim or call.name not in _OF_TENSOR):
            call = call._replace(prefix=call.prefix if slim else "", positional=call.positional[1:])
        own = [*call.positional, *(f"{key}={value}" for key, value in call.named.items())]
        if not call.prefix and call.name in LAYERS.values() and (found := in_words(call.name, own)):
            return _Module(Node(found.text, span, takes=found.takes))
        if not (is_known(call.name, call.prefix) or _CLASS.match(call.name)):
            return (
                None
                if _NO_TENSOR.fullmatch(call.name)
                else self._unknown(node, tensors[:1] if slim else self._tensors(node.args, known=True))
            )
        layer = self._layer(call, span)
        if layer.node.text.startswith("input "):
            self.nodes.append(layer.node._replace(inputs=()))
            self.current = len(self.nodes) - 1
            return self.current
        return self._apply(layer, tensors[:1]) if functional and tensors else layer

    def _layer(self, call: Call, span: Span) -> _Module:
        reading = read_call(call, self.tool)
        if reading is None or not (reading.text or reading.why):
            return _Module(Node("", span, why=_OWN_LAYER.format(name=call.name)))
        name = call.named.get("name", "").strip("'\"")
        node = Node(reading.text, span, why=reading.why, takes=reading.takes, name=name)
        named = _NAME.findall(" ".join(_VALUE.findall(node.text)))
        unknown = [one for one in named if one not in self.lets]
        if unknown:
            node = node._replace(why=node.why or f"what `{unknown[0]}` is, is not in this text", open=True)
        return _Module(node)

    def _use(self, block: Block, call: Call, span: Span) -> Node:
        """A layer that is a class of the program."""
        text = None if block.why else block.call(call.positional, call.named)
        if text is None:
            return Node("", span, why=f"in `{block.name}`, {block.why or 'a parameter has no value'}")
        strange = [one for one in _NAME.findall(text.partition("(")[2]) if one not in self.lets]
        why = f"what `{strange[0]}` is, is not in this text" if strange else ""
        return Node(text, span, why=why, open=bool(strange))

    def _part(self, name: str, node: ast.expr) -> _Module:
        value = self._value(node)
        if not isinstance(value, _Module):
            return _Module(Node("", self._span(node), why=_OWN_LAYER.format(name=source_of(self.text, node))))
        name = name.removeprefix("_")
        return value._replace(node=value.node._replace(name="" if name[:1].isdecimal() else name))

    def _chain(self, arguments: Iterable[ast.expr]) -> Iterator[_Module]:
        """The modules of an nn.Sequential: in a row, in a list, or in pairs with their names."""
        for one in arguments:
            match one:
                case ast.Starred(value=inner):
                    yield from self._chain([inner])
                case ast.Tuple(elts=[ast.Constant(value=str(name)), inner]):
                    yield self._part(name, inner)
                case ast.List(elts=elements) | ast.Tuple(elts=elements):
                    yield from self._chain(elements)
                case ast.Call(func=ast.Attribute(attr="Input") | ast.Name(id="Input" | "InputLayer")):
                    self._value(one)
                case ast.Call(func=ast.Name(id="OrderedDict") | ast.Attribute(attr="OrderedDict")):
                    yield from self._chain(one.args)
                case _:
                    value = self._value(one)
                    if value != []:
                        yield value if isinstance(value, _Module) else self._part("", one)

    def _tensors(self, arguments: Iterable[ast.expr], known: bool = False) -> list[int]:
        """The tensors among arguments. Unless they have to be `known`, a name without a value is
        the input tensor.
        """
        found: list[int] = []
        for one in arguments:
            value: _Value = None
            if isinstance(one, ast.List | ast.Tuple):
                value = [*self._tensors(one.elts, known)]
            elif isinstance(one, ast.Name) and one.id not in self.names and not known:
                value = self._arrives(one.id)
            elif not isinstance(one, ast.Constant):
                value = self._value(one)
            found += [
                tensor for tensor in (value if isinstance(value, list) else [value]) if type(tensor) is int
            ]
        return found

    def _arrives(self, name: str) -> int:
        self.arriving = self.arriving or name
        if name != self.arriving:
            self.why = self.why or f"what `{name}` is, is not in this text"
        return ARRIVING

    def _apply(self, module: _Module, inputs: list[int]) -> int:
        if len(self.nodes) >= MOST:  # modules of modules of modules double with each line
            self.why = self.why or f"it has more than {MOST:,} layers"
            return self.current
        if module.parts:
            if not module.ordered:
                self.why = self.why or _NO_ORDER
            for part in module.parts:
                inputs = [self._apply(part, inputs)]
            return inputs[0]
        node = module.node._replace(inputs=tuple(inputs) or (self.current,))
        if node.text in MERGES and len(inputs) < 2:
            node = node._replace(text="", why="only one of the tensors that it merges is known")
        if node.text.startswith("fc ") and dense(node.text, self.nodes, node.inputs) != node.text:
            # a map: MATLAB's is flattened first, Keras's Dense is a layer for each position
            at_each = f"conv F1 K{node.text[3:]}"
            text = {"MATLAB": f"flatten -> {node.text}", "Keras": at_each, "TF-slim": at_each}.get(self.tool)
            node = node._replace(text=text or node.text)
        word = node.text.partition(" ")[0].partition("(")[0]
        weighted = word in WEIGHTED or any(word == block.named for block in self.blocks.values())
        if weighted and node.span in self.used:
            node = node._replace(name="", why=node.why or _SHARED)
        elif not weighted:
            node = node._replace(name="", hint=node.name)
        self.used.add(node.span)
        self.nodes.append(node)
        self.current = len(self.nodes) - 1
        return self.current

    # --- the whole --------------------------------------------------------------------------------

    def network(self) -> Network:
        """The network; where no tensor passes through the layers, the layers in the order of the text."""
        if not any(node.inputs for node in self.nodes):
            every = [one for one in self.names.values() if isinstance(one, _Module) and one.node.text != "id"]
            modules = [one for one in every if one.parts or one.node.text] or every
            last = modules[-1:] if modules and modules[-1].parts else []
            if len(modules) > 1 and not last:
                self.why = self.why or _NO_ORDER
            try:
                for module in last or modules:
                    self._apply(module, [self.current])
            except RecursionError:
                self.why = "its modules are nested too deeply"
        return Network(self.nodes, self.outputs, self.why)

    def _span(self, node: ast.expr) -> Span:
        return Span(
            self._offset(node.lineno, node.col_offset),
            self._offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset),
        )

    def _offset(self, line: int, column: int) -> int:
        start = self.starts[min(line, len(self.starts)) - 1]
        if not self.text.isascii():  # columns count bytes
            column = len(self.text[start:].encode()[:column].decode("utf-8", "ignore"))
        return self.begin + start + column


def _repeated(nodes: Sequence[Node], count: str, counter: str) -> Node:
    """Steps in a row as a repetition; without a text where one of them is not certain."""
    steps = [node.text for node in nodes]
    sure = all(node.text and not node.why for node in nodes)
    names = _NAME.findall(" ".join(steps))
    why = "" if sure and counter not in names else NOT_FOLLOWED
    return Node("" if why else f"[{' -> '.join(steps)}]*{count}", nodes[0].span, why=why)


def _called(name: ast.Name) -> ast.Call:
    """A layer of MATLAB without brackets as a call."""
    return ast.copy_location(ast.Call(name, [], []), name)


def _is_loss(node: ast.expr) -> bool:
    return re.match(r"(?:classification|regression)Layer\b", ast.unparse(node)) is not None


def _inside(node: ast.expr) -> list[ast.expr]:
    return [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]


def _axis(word: str, call: Call) -> str:
    """Why a merge is not certain: it joins along another axis than the channels."""
    if word != "concat":
        return ""
    torch = call.name == "cat"
    last = next((one for one in call.positional if re.fullmatch(r"-?[0-9]", one)), "0" if torch else "-1")
    axis = call.named.get("dim", call.named.get("axis", last))
    if axis in (("1", "-3") if torch else ("-1", "3")):
        return ""
    return f"it joins along the axis {axis}, and `concat` along the channels"


def _as_call(text: str) -> str:
    """What print(model) shows as a call of Python, each character in its place: `(conv1): Conv2d(…)` is
    `_conv1 = Conv2d(…)`.
    """
    text = _PRINTED.sub(lambda found: f"_{found[1]} = ".ljust(len(found.group())), text)
    return re.sub(r"(?<![(\n])\n", ",", text).replace("\n", " ")
