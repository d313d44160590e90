"""Steps as text: a function's forward pass, and its backward pass, the same steps from
the last to the first."""

from __future__ import annotations

from cnnspec.lower.call import Call as LoweredCall
from cnnspec.lower.names import Namer
from cnnspec.lower.symbolic import Apply, Const, Node, Var, python, replaced, variables
from cnnspec.lower.writer import Code, Group, Writer, flat, prefixed
from cnnspec.targets.numpy.statements import (
    Argument,
    Call,
    Function,
    If,
    Let,
    Loop,
    Step,
    Tensor,
    Value,
    made_in,
)

_SHAPE = {"": "", "C": ".shape[-1]", "H": ".shape[1]", "W": ".shape[2]", "HW": ".shape[1:3]"}


class Forward:
    """Writes the forward pass of a function."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.tensors: list[Tensor | None] = []

    def function(self, function: Function, title: str) -> None:
        self.tensors = function.numbered
        items = [tensor.name for tensor in function.inputs]
        items[1:1] = ["net", *function.places]
        for variable, _, default in function.parameters:
            items.append(variable if default is None else f"{variable}={python(default)}")
        with self.writer.block(Group(f"def {function.name}(", tuple(items)), ":"):
            self.writer.doc(title)
            self.steps(function.steps)
            self.writer.line(f"return {', '.join(tensor.name for tensor in function.outputs)}")

    def steps(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case Call():
                    self._call(step)
                case Let():
                    self.writer.put(f"{step.variable} = ", self._text(step.node))
                    if step.place:
                        self.writer.line(f"{step.place}.keep({step.variable})")
                case If():
                    self._if(step)
                case Loop():
                    self._loop(step)

    def _call(self, step: Call) -> None:
        names = ", ".join(tensor.name for tensor in step.outputs)
        inputs = [tensor.name for tensor in step.inputs]
        place = step.place + step.suffix
        items: list[Code] = [*inputs[:1], place, *step.places, *inputs[1:]]
        if step.form == "merge":
            items = [place, *inputs]
        items += [self._argument(argument) for argument in step.arguments]
        self.writer.put(f"{names} = ", Group(f"{step.function}(", tuple(items)), comment=step.outputs[0].note)

    def _argument(self, argument: Argument) -> Code:
        name, value = argument
        code = self._code(value)
        return code if name is None else prefixed(f"{name}=", code)

    def _code(self, value: Value) -> Code:
        if isinstance(value, LoweredCall):
            return Group(f"{value.function}(", tuple(map(self._argument, value.arguments)))
        return self._text(value) if isinstance(value, Const | Var | Apply) else value

    def _text(self, node: Node) -> str:
        """The expression with tensors' names: `§12.C` is `x.shape[-1]`."""
        spelled: dict[str, Node] = {}
        for name in variables(node):
            if name.startswith("§"):
                number, _, size = name[1:].partition(".")
                tensor = self.tensors[int(number)]
                assert tensor is not None
                spelled[name] = Var(tensor.name + _SHAPE[size])
        return python(replaced(node, spelled) if spelled else node)

    def _if(self, step: If) -> None:
        sides = []
        for place, steps in ((1, step.then), (2, step.otherwise)):
            copies = [(join[0].name, join[place].name) for join in step.joins]
            sides.append((steps, [(to, name) for to, name in copies if to != name]))
        (then, then_copies), (otherwise, other_copies) = sides
        if not then and not then_copies:
            if not otherwise and not other_copies:
                return
            with self.writer.under(f"not {step.variable}"):
                self._side(otherwise, other_copies)
            return
        with self.writer.under(step.variable):
            self._side(then, then_copies)
        if otherwise or other_copies:
            with self.writer.block("else:"):
                self._side(otherwise, other_copies)

    def _side(self, steps: list[Step], copies: list[tuple[str, str]]) -> None:
        self.steps(steps)
        for to, name in copies:
            self.writer.line(f"{to} = {name}")

    def _loop(self, step: Loop) -> None:
        if step.inside.name != step.given.name:
            self.writer.line(f"{step.inside.name} = {step.given.name}")
        if not isinstance(step.stop, Const):
            self.writer.line(f"{step.place}.keep({self._text(step.stop)})")
        with self.writer.block(f"for {step.variable} in range({self._text(step.stop)}):"):
            put_places(self.writer, step)
            lines = len(self.writer.written)
            self.steps(step.body)
            if step.last.name != step.inside.name:
                self.writer.line(f"{step.inside.name} = {step.last.name}")
            if len(self.writer.written) == lines:
                self.writer.line("pass")
        if step.output.name != step.inside.name:
            self.writer.line(f"{step.output.name} = {step.inside.name}")


class Backward:
    """Writes the backward pass of a function: every step from the last to the first,
    each tensor's gradient the sum of what its readers give back."""

    def __init__(self, writer: Writer, namer: Namer) -> None:
        self.writer, self.namer = writer, namer
        self.names: dict[str, str] = {}
        self.having: set[Tensor] = set()

    def gradient(self, tensor: Tensor) -> str:
        """`dx` for x."""
        if tensor.name not in self.names:
            self.names[tensor.name] = self.namer.take(f"d{tensor.name}")
        return self.names[tensor.name]

    def function(self, function: Function) -> None:
        items, again = [], []
        for tensor in function.outputs:
            items.append(self.gradient(tensor))
            if tensor in self.having:  # one tensor under two names: each has a gradient of its own
                items[-1] = self.namer.take("more")
                again.append((tensor, items[-1]))
            self.having.add(tensor)
        items[1:1] = ["net", *function.places]
        with self.writer.block(Group(f"def {function.name}_backward(", tuple(items)), ":"):
            self.writer.doc("The chain rule, from the last step to the first.")
            for tensor, more in again:
                self._receive(tensor, more)
            self.steps(function.steps)
            given = [
                tensor
                for tensor, wanted in zip(function.inputs, function.differentiable, strict=True)
                if wanted
            ]
            names = [self.gradient(tensor) if tensor in self.having else "0" for tensor in given]
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
        """Adds to a tensor's gradient; the first time, that is it."""
        name = self.gradient(tensor)
        if tensor not in self.having:
            self.having.add(tensor)
            if name != value:
                self.writer.line(f"{name} = {value}")
            return
        self.writer.line(f"{name} = {name} + {value}")

    def _call(self, step: Call) -> None:
        given = [tensor for tensor in step.outputs if tensor in self.having]
        if not given:
            return  # nobody has used what comes out
        values = [self.gradient(tensor) if tensor in self.having else "0" for tensor in step.outputs]
        items = [*values[:1], step.place, *step.places, *values[1:]]
        wanted = step.inputs
        if step.callee is not None:
            wanted = [t for t, has in zip(step.inputs, step.callee.differentiable, strict=True) if has]
        call = Group(f"{step.function}_backward(", tuple(items))
        if step.callee is not None and not wanted:
            self.writer.put("", call)
            return
        fresh = [tensor not in self.having and wanted.count(tensor) == 1 for tensor in wanted]
        if len(wanted) == 1 and step.form != "merge":
            if fresh[0]:
                self.writer.put(f"{self.gradient(wanted[0])} = ", call)
                self.having.add(wanted[0])
            else:
                name = self.gradient(wanted[0])
                self.writer.put(f"{name} = {name} + ", call)
            return
        targets = []
        later = []
        for place, tensor in enumerate(wanted):
            if fresh[place]:
                targets.append(self.gradient(tensor))
                self.having.add(tensor)
            else:
                more = self.names.setdefault(f" more{place}", self.namer.take("more"))
                targets.append(more)
                later.append((tensor, more))
        names = ", ".join(targets) + ("," if len(targets) == 1 else "")
        if len(names) <= self.writer.room // 2:
            self.writer.put(f"{names} = ", call)
        else:
            self.writer.put("", Group("(", tuple(targets), ") = "), flat(call))
        for tensor, more in later:
            self._receive(tensor, more)

    def _if(self, step: If) -> None:
        before = set(self.having)
        behind = [made for made, _, _ in step.joins if made in before]
        sides: list[tuple[list[str], set[Tensor]]] = []
        writer = self.writer
        for place, steps in ((1, step.then), (2, step.otherwise)):
            self.having = before - set(behind)
            self.writer = inner = Writer()
            inner.level = writer.level + 1
            joins = [(join[0], join[place]) for join in step.joins if join[0] in before]
            for made, tensor in sorted(
                joins, key=lambda join: self.gradient(join[0]) == self.gradient(join[1])
            ):
                self._receive(tensor, self.gradient(made))
            self.steps(steps)
            sides.append((inner.written, self.having - set(made_in(steps))))
        self.writer = writer
        either = (sides[0][1] | sides[1][1]) - set(made_in(step.then)) - set(made_in(step.otherwise))
        for place, holds in ((0, True), (1, False)):
            lines, having = sides[place]
            for tensor in sorted(either - having, key=lambda tensor: tensor.number):
                if (step.condition, not holds) not in tensor.sides:
                    lines.append("    " * (writer.level + 1) + f"{self.gradient(tensor)} = 0")
        self.having = either
        (then, _), (otherwise, _) = sides
        if then or otherwise:
            writer.line(f"if {step.variable}:" if then else f"if not {step.variable}:")
            writer.extend(then or otherwise)
        if then and otherwise:
            writer.line("else:")
            writer.extend(otherwise)

    def _loop(self, step: Loop) -> None:
        if step.output not in self.having:
            return
        if step.inside.name != step.output.name:
            self.writer.line(f"{self.gradient(step.inside)} = {self.gradient(step.output)}")
        stop = python(step.stop)
        if not isinstance(step.stop, Const):
            stop = self.names.setdefault(" count", self.namer.take("count"))
            self.writer.line(f"({stop},) = {step.place}.take()")
        for tensor in sorted(_gets(step) - self.having, key=lambda tensor: tensor.number):
            self.writer.line(f"{self.gradient(tensor)} = 0")
            self.having.add(tensor)
        with self.writer.block(f"for {step.variable} in reversed(range({stop})):"):
            put_places(self.writer, step)
            if step.last is not step.inside:
                self.having.discard(step.last)
                self.having.discard(step.inside)
                self._receive(step.last, self.gradient(step.inside))
                self.steps(step.body)
                if step.inside not in self.having:
                    self.writer.line(f"{self.gradient(step.inside)} = 0")
            else:
                self.writer.line("pass")
        self.having.add(step.inside)
        if step.given in self.having or step.given.name != step.inside.name:
            self._receive(step.given, self.gradient(step.inside))
        self.having.add(step.given)


def put_places(writer: Writer, step: Loop) -> None:
    """Where the shared blocks of this pass are."""
    for variable, places in step.places:
        writer.put(f"{variable} = ", Group("(", tuple(places), f")[{step.variable}]"))


def _gets(loop: Loop) -> set[Tensor]:
    """What was there before a loop and gets a gradient from its passes."""
    return {tensor for tensor in differentiated(loop.body) if tensor in loop.body_reads}


def differentiated(steps: list[Step]) -> set[Tensor]:
    """The tensors that the steps give a gradient back to."""
    found: set[Tensor] = set()
    for step in steps:
        match step:
            case Call():
                for place, tensor in enumerate(step.inputs):
                    if step.callee is None or step.callee.differentiable[place]:
                        found.add(tensor)
            case If():
                found |= differentiated(step.then) | differentiated(step.otherwise)
                for _, then, otherwise in step.joins:
                    found |= {then, otherwise}
            case Loop():
                found |= differentiated(step.body)
                found.add(step.given)
    return found
