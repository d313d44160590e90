"""Steps as text: a function's forward pass, and its backward pass, which is the same steps from the last to
the first."""

from __future__ import annotations

import re

from cnnspec.lower.call import Call as LoweredCall
from cnnspec.lower.over import clause, value_code
from cnnspec.lower.program import Tensor
from cnnspec.lower.symbolic import Apply, Const, Node, Var, python, replaced, variables
from cnnspec.lower.writer import Code, Group, Writer, flat, prefixed, put_targets
from cnnspec.ops.base import written_shape
from cnnspec.targets.numpy.statements import (
    Argument,
    Call,
    Function,
    If,
    Layers,
    Let,
    Loop,
    Step,
    differentiated,
    every,
    made_in,
    numbers_of,
)

_SIZES = {"": "", "C": ".shape[-1]", "axes": ".shape[1:-1]"}


def _size(tensor: Tensor, letter: str) -> str:
    """The size of (N, …, C) along an axis: H is `.shape[1]` of (N, H, W, C)."""
    rank = len(tensor.dims) or len(tensor.shape or ())
    return f".shape[{rank - 'WHT'.index(letter) - 1 if rank else -2 - 'WHT'.index(letter)}]"


class Forward:
    """Writes the forward pass of a function."""

    def __init__(self, writer: Writer, function: Function) -> None:
        self.writer, self.names = writer, function.names
        self.tensors = function.source.tensors

    def function(self, function: Function, title: str) -> None:
        items = [self.names[tensor] for tensor in function.inputs]
        layers = [layer.forward for layer in function.layers.values()]
        items[1:1] = ["net", *(need.variable for need in function.source.needs), *layers]
        for parameter in function.source.parameters:
            if parameter.used:
                default = "" if parameter.default is None else f"={python(parameter.default)}"
                items.append(f"{parameter.variable}{default}")
        with self.writer.block(Group(f"def {function.name}(", tuple(items)), ":"):
            self.writer.doc(title)
            self.steps(function.steps)
            outputs = ", ".join(self.names[tensor] for tensor in function.outputs)
            if function.partial:
                self.writer.line(f"net.keep({outputs})")
            self.writer.line(f"return {outputs}")

    def steps(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case Call():
                    self._call(step)
                case Let():
                    self.writer.put(f"{step.variable} = ", value_code(step.node, self._text(step.node)))
                    if step.place:
                        self.writer.line(f"{step.place}.keep({step.variable})")
                case If():
                    self._if(step)
                case Loop():
                    self._loop(step)

    def _call(self, step: Call) -> None:
        names = ", ".join(self.names[tensor] for tensor in step.outputs)
        inputs = [self.names[tensor] for tensor in step.inputs]
        place = step.place + step.suffix
        if step.around:
            place = step.around.format(place)
        layers = map(self._layers, step.layers)
        items: list[Code] = [*inputs[:1], place, *step.places, *layers, *inputs[1:]]
        if step.form == "merge":
            items = [place, *inputs]
        items += [self._argument(argument) for argument in step.arguments]
        shape = step.outputs[0].shape
        note = "" if shape is None else written_shape(shape)
        self.writer.put(f"{names} = ", Group(f"{step.function}(", tuple(items)), comment=note)

    def _layers(self, layers: Layers) -> str:
        """The argument for a layer parameter: a function of the tensor and the place."""
        arguments = (flat(self._argument(argument)) for argument in layers.arguments)
        inner = ", ".join([*map(self._layers, layers.layers), *arguments])
        if not inner:
            return layers.forward
        numbers = " ".join(map(self._text, numbers_of(layers)))
        x = next(name for name in ("x", "y", "z", "tensor") if not re.search(rf"\b{name}\b", numbers))
        return f"lambda {x}, net: {layers.forward}({x}, net, {inner})"

    def _argument(self, argument: Argument) -> Code:
        name, code = argument
        if isinstance(code, LoweredCall):
            code = Group(f"{code.function}(", tuple(map(self._argument, code.arguments)))
        elif isinstance(code, Const | Var | Apply):
            code = self._text(code)
        return prefixed("" if name is None else f"{name}=", code)

    def _text(self, node: Node) -> str:
        """The expression, with the variables of tensors: `§12.C` is `x.shape[-1]`."""
        spelled: dict[str, Node] = {}
        for name in variables(node):
            if name.startswith("§"):
                number, _, size = name[1:].partition(".")
                tensor = self.tensors[int(number)]
                spelled[name] = Var(
                    self.names[tensor] + (_SIZES[size] if size in _SIZES else _size(tensor, size))
                )
        return python(replaced(node, spelled) if spelled else node)

    def _if(self, step: If) -> None:
        writer = self.writer
        sides = []
        for place, steps in ((1, step.then), (2, step.otherwise)):
            self.writer = Writer(writer.level + 1, writer.width)
            self.steps(steps)
            self._copies([join[0] for join in step.joins], [join[place] for join in step.joins])
            sides.append(self.writer.written)
        self.writer = writer
        put_sides(writer, step.variable, *sides)

    def _loop(self, step: Loop) -> None:
        self._copies(step.inside, step.initial)
        if not isinstance(step.stop, Const):
            self.writer.line(f"{step.place}.keep({self._text(step.stop)})")
        for one in step.collected:
            self.writer.line(f"{one.variable} = []")
        header = f"for {step.variable} in range({self._text(step.stop)})"
        if step.over:
            header = clause(step.variable, step.stop, step.over)
        with self.writer.block(f"{header}:"):
            put_places(self.writer, step)
            lines = len(self.writer.written)
            self.steps(step.body)
            for one in step.collected:
                self.writer.line(f"{one.variable}.append({self.names[one.tensor]})")
            self._copies(step.inside, step.last)
            if len(self.writer.written) == lines:
                self.writer.line("pass")
        self._copies(step.outputs, step.inside)
        if step.unused:
            self.writer.line(f"{step.place}.keep({', '.join(self.names[tensor] for tensor in step.unused)})")
        for one in step.collected:
            put_targets(self.writer, [self.names[tensor] for tensor in one.outputs], one.variable)

    def _copies(self, to: list[Tensor], sources: list[Tensor]) -> None:
        """Assigns each tensor to the variable of another, all at once."""
        pairs = zip(to, sources, strict=True)
        assign(self.writer, [(self.names[one], self.names[other]) for one, other in pairs])


class Backward:
    """Writes the backward pass of a function: every step from the last to the first. The gradient of a tensor
    is the sum of the gradients from its readers."""

    def __init__(self, writer: Writer, function: Function) -> None:
        self.writer, self.names = writer, function.names
        self.namer = function.source.namer.child()
        self.own: dict[str, str] = {}
        self.having: set[Tensor] = set()
        self.nothing: set[Tensor] = set()
        """Those of which no pass of a loop reads what it is given: their gradient may be 0."""

    def gradient(self, tensor: Tensor) -> str:
        """`dx` for x."""
        name = self.names[tensor]
        if name not in self.own:
            self.own[name] = self.namer.take(f"d{name}")
        return self.own[name]

    def function(self, function: Function) -> None:
        items, again = [], []
        for tensor in function.outputs:
            items.append(self.gradient(tensor))
            if tensor in self.having:  # one tensor with two names: each name has a gradient of its own
                items[-1] = self.namer.take("more")
                again.append((tensor, items[-1]))
            self.having.add(tensor)
        layers = [layer.backward for layer in function.layers.values()]
        items[1:1] = ["net", *(need.variable for need in function.source.needs), *layers]
        with self.writer.block(Group(f"def {function.name}_backward(", tuple(items)), ":"):
            self.writer.doc("The chain rule, from the last step to the first.")
            if function.partial:
                own = ", ".join([items[0], *items[len(items) - len(function.outputs) + 1 :]])
                self.writer.line(f"{own} = filled(net, {own})")
            for tensor, more in again:
                self._receive(tensor, more)
            self.steps(function.steps)
            inputs = function.differentiable(function.inputs)
            names = [self.gradient(tensor) if tensor in self.having else "0" for tensor in inputs]
            self.writer.line(f"return {', '.join(names) if names else '()'}")

    def steps(self, steps: list[Step]) -> None:
        for step in steps:
            if isinstance(step, Let) and step.place:
                self.writer.line(f"({step.variable},) = {step.place}.take()")
        for step in reversed(steps):
            match step:
                case Call():
                    self._call(step)
                case If():
                    self._if(step)
                case Loop():
                    self._loop(step)

    def _receive(self, tensor: Tensor, value: str) -> None:
        """Adds to a tensor's gradient; the first time, assigns it."""
        name = self.gradient(tensor)
        if tensor not in self.having:
            self.having.add(tensor)
            if name != value:
                self.writer.line(f"{name} = {value}")
            return
        self.writer.line(f"{name} = {name} + {value}")

    def _call(self, step: Call) -> None:
        if not self.having.intersection(step.outputs):
            return  # the output is never used
        values = [self.gradient(tensor) if tensor in self.having else "0" for tensor in step.outputs]
        if step.callee is not None:
            step.callee.partial |= "0" in values or not self.nothing.isdisjoint(step.outputs)
        place = step.around.format(step.place) if step.around else step.place
        items = [*values[:1], place, *step.places, *map(backward_of, step.layers), *values[1:]]
        call = Group(f"{step.backward or f'{step.function}_backward'}(", tuple(items))
        inputs = step.with_gradient
        fresh = [tensor not in self.having and inputs.count(tensor) == 1 for tensor in inputs]
        if len(inputs) == 1 and step.form != "merge":
            name = self.gradient(inputs[0])
            self.writer.put(f"{name} = " if fresh[0] else f"{name} = {name} + ", call)
            self.having.add(inputs[0])
            return
        targets = [
            self.gradient(tensor) if new else self.own.setdefault(f" more{place}", self.namer.take("more"))
            for place, (tensor, new) in enumerate(zip(inputs, fresh, strict=True))
        ]
        self.having.update(tensor for tensor, new in zip(inputs, fresh, strict=True) if new)
        names = ", ".join(targets) + ("," if len(targets) == 1 else "")
        if not inputs:
            self.writer.put("", call)
        elif len(names) <= self.writer.room // 2:
            self.writer.put(f"{names} = ", call)
        else:
            self.writer.put("", Group("(", tuple(targets), ") = "), flat(call))
        for tensor, new, more in zip(inputs, fresh, targets, strict=True):
            if not new:
                self._receive(tensor, more)

    def _if(self, step: If) -> None:
        before = set(self.having)
        behind = [joined for joined, _, _ in step.joins if joined in before]
        sides: list[tuple[list[str], set[Tensor]]] = []
        writer = self.writer
        for place, steps in ((1, step.then), (2, step.otherwise)):
            self.having = before - set(behind)
            self.writer = Writer(writer.level + 1, writer.width)
            joins = [(join[0], join[place]) for join in step.joins if join[0] in before]
            for joined, tensor in sorted(
                joins, key=lambda join: self.gradient(join[0]) == self.gradient(join[1])
            ):
                self._receive(tensor, self.gradient(joined))
            self.steps(steps)
            sides.append((self.writer.written, self.having))
        self.writer = writer
        either = (sides[0][1] | sides[1][1]) - set(made_in([*step.then, *step.otherwise]))
        for place, holds in ((0, True), (1, False)):
            lines, having = sides[place]
            for tensor in sorted(either - having, key=lambda tensor: tensor.number):
                if (step.condition, not holds) not in tensor.sides:
                    lines.append("    " * (writer.level + 1) + f"{self.gradient(tensor)} = 0")
        self.having = either
        put_sides(writer, step.variable, *(lines for lines, _ in sides))

    def _loop(self, step: Loop) -> None:
        if self.having.isdisjoint([*step.outputs, *step.entries]):
            return
        lists = []
        for one in step.collected:
            lists.append(self.own.setdefault(f" {one.variable}", self.namer.take(f"d{one.variable}")))
            entries = (
                self.gradient(gathered) if gathered in self.having else "0" for gathered in one.outputs
            )
            self.writer.put(f"{lists[-1]} = ", Group("[", tuple(entries), "]"))
        inside = [self.gradient(tensor) for tensor in step.inside]
        self._unused(step)
        stop = python(step.stop)
        if not isinstance(step.stop, Const):
            stop = self.own.setdefault(" count", self.namer.take("count"))
            self.writer.line(f"({stop},) = {step.place}.take()")
        gets = differentiated(step.body) & step.body_reads  # from the passes
        for tensor in sorted(gets - self.having, key=lambda tensor: tensor.number):
            self.writer.line(f"{self.gradient(tensor)} = 0")
            self.having.add(tensor)
        with self.writer.block(f"for {step.variable} in reversed(range({stop})):"):
            put_places(self.writer, step)
            if step.last != step.inside or lists:
                self.having.difference_update(step.ends, step.inside)
                self._receive_all(step.last, inside)
                for gradients, one in zip(lists, step.collected, strict=True):
                    self._receive(one.tensor, f"{gradients}.pop()")
                self.steps(step.body)
                for before, tensor in zip(step.initial, step.inside, strict=True):
                    if tensor not in self.having:
                        self.writer.line(f"{self.gradient(tensor)} = 0")
                        self.nothing.add(before)
            else:
                self.writer.line("pass")
        for call in every(step.body):  # a gradient of 0: calls in the loop may have outputs that are not used
            if (
                not self.nothing.isdisjoint(step.initial)
                and isinstance(call, Call)
                and call.callee is not None
            ):
                call.callee.partial |= len(call.outputs) > 1
        self.having.update(step.inside)
        self._receive_all(step.initial, inside)

    def _unused(self, step: Loop) -> None:
        """The gradients with which the last pass begins; of an output that is not used, zeros, unless the
        last pass's tensor is used by another name."""
        gathered = {
            one.tensor for one in step.collected if one.outputs[-1:] and one.outputs[-1] in self.having
        }
        pairs, step.unused, empty = [], [], []
        for output, inside, last in zip(step.outputs, step.inside, step.last, strict=True):
            if output in self.having or last in gathered:
                value = self.gradient(output) if output in self.having else "0"
                pairs.append((self.gradient(inside), value))
            else:
                step.unused.append(output)
                empty.append(self.gradient(inside))
        assign(self.writer, pairs)
        if empty:
            names = ", ".join(empty) if len(empty) > 1 else f"({empty[0]},)"
            self.writer.line(f"{names} = filled({step.place}, {', '.join('0' for _ in empty)})")

    def _receive_all(self, tensors: list[Tensor], values: list[str]) -> None:
        """Adds to the gradients of several tensors, all at once."""
        sums: dict[str, list[str]] = {}
        for tensor, value in zip(tensors, values, strict=True):
            name = self.gradient(tensor)
            sums.setdefault(name, [name] if tensor in self.having and name != value else []).append(value)
        self.having.update(tensors)
        assign(self.writer, [(name, " + ".join(parts)) for name, parts in sums.items()])


def backward_of(layers: Layers) -> str:
    """The backward pass of an argument for a layer parameter."""
    arguments = ", ".join(map(backward_of, layers.layers))
    return f"lambda dy, net: {layers.backward}(dy, net, {arguments})" if arguments else layers.backward


def assign(writer: Writer, pairs: list[tuple[str, str]]) -> None:
    """`x, y = a, b`, without pairs that are equal."""
    changed = [(name, value) for name, value in pairs if name != value]
    if changed:
        writer.line(" = ".join(", ".join(side) for side in zip(*changed, strict=True)))


def put_sides(writer: Writer, variable: str, then: list[str], otherwise: list[str]) -> None:
    """The lines of both sides of an `if`."""
    if then or otherwise:
        with writer.under(variable if then else f"not {variable}"):
            writer.extend(then or otherwise)
    if then and otherwise:
        writer.line("else:")
        writer.extend(otherwise)


def put_places(writer: Writer, step: Loop) -> None:
    """Assigns the places of the shared blocks in this pass."""
    for variable, places in step.places:
        writer.put(f"{variable} = ", Group("(", tuple(places), f")[{step.variable}]"))
