"""A spec run by torch alone: from the syntax tree to torch.nn, nothing checked by us on the way.

This is the second opinion on whether a network is one: it takes arguments as they are written, a stride of 0
and a padding of −1 with them, and runs the layers on the meta device. It knows what random networks and the
layers' examples are made of, not the whole language.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Any

import torch

from cnnspec.diagnostics import Sink, Source
from cnnspec.language import parse, tree
from cnnspec.language.write import write_expr
from cnnspec.ops import Op, lookup
from cnnspec.ops.base import Init, arguments_of, axes_of
from cnnspec.ops.sliding import ENDS
from tests.oracle.layers import layer
from tests.oracle.weights import fresh

Shape = tuple[int, ...]
TWICE = "only one of size or scale_factor should be defined"  # as torch puts it


@dataclass
class Flow:
    """A tensor, and for a maxpool what arrived at it."""

    x: torch.Tensor | None
    pooled: tuple[Op, torch.Tensor] | None = None


@dataclass
class Scope:
    names: dict[str, Any] = field(default_factory=dict)
    letters: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, Flow] = field(default_factory=dict)


@dataclass
class Done:
    """A step that ran: its layer as written (None for a merge), what it got and what it gave."""

    step: tree.LayerStep | tree.BranchStep
    op: Any
    shapes: tuple[Shape, ...]
    out: Shape


@dataclass
class Refused(Exception):
    """torch does not run this step; `steps` are those before it."""

    step: tree.LayerStep | tree.BranchStep
    why: Exception
    steps: list[Done]


@dataclass
class Ran:
    """What came out, and every step that ran, in order."""

    outputs: list[Shape]
    steps: list[Done]


class ByTorch:
    """One run. `device` is cpu where the meta device would not notice what is wrong."""

    def __init__(self, file: tree.File, device: str) -> None:
        self.device = device
        self.blocks = {one.name: one for one in file.statements if isinstance(one, tree.Block)}
        self.defaults = [one for one in file.statements if isinstance(one, tree.Default)]
        self.file = file
        self.steps: list[Done] = []

    def run(self) -> Ran:
        scope = Scope()
        for one in self.file.statements:
            if isinstance(one, tree.Let):
                scope.names[one.name] = self.value(one.value, scope, Flow(None))
        start = Flow(None)
        for one in self.file.statements:
            if isinstance(one, tree.Input):
                shape = [int(self.value(dim, scope, start)) for dim in one.shape.dims]
                start = Flow(torch.zeros(2, *shape, device=self.device))
                if one.name is not None:
                    scope.labels[one.name] = start
        last = self.lines([one for one in self.file.statements if isinstance(one, tree.Line)], start, scope)
        outputs = [one for one in self.file.statements if isinstance(one, tree.Output)]
        flows = [scope.labels[one.name] for out in outputs for one in out.references] or [last]
        return Ran([shape_of(one) for one in flows], self.steps)

    # --- structure ------------------------------------------------------------------------------------

    def lines(self, lines: Iterable[Any], flow: Flow, scope: Scope) -> Flow:
        for line in lines:
            if isinstance(line, tree.Let):
                scope.names[line.name] = self.value(line.value, scope, flow)
                continue
            for step in line.steps:
                flow = self.step(step, flow, scope)
            if line.label is not None:
                scope.labels[line.label] = flow
        return flow

    def step(self, step: tree.Step, flow: Flow, scope: Scope) -> Flow:
        match step:
            case tree.LayerStep():
                return self.layer(step, flow, scope)
            case tree.ClaimStep():
                return flow
            case tree.StartStep():
                return scope.labels[step.reference.name]
            case tree.GroupStep():
                times = 1 if step.times is None else int(self.value(step.times, scope, flow))
                for number in range(times):
                    inner = Scope({**scope.names, "i": number}, scope.letters, dict(scope.labels))
                    flow = self.lines(step.body.items, flow, inner)
                return flow
            case tree.IfStep():
                side = step.then if self.value(step.condition, scope, flow) else step.otherwise
                return flow if side is None else self.lines(side.items, flow, scope)
            case tree.BranchStep():
                arms = [self.lines(branch.items, flow, scope) for branch in step.branches]
                return self.merge(step, [arm.x for arm in arms if arm.x is not None])
            case tree.CallStep():
                return self.call(step, flow, scope)
        raise AssertionError(f"no way to run {step}")

    def call(self, step: tree.CallStep, flow: Flow, scope: Scope) -> Flow:
        block = self.blocks[step.name]
        inner = Scope(dict.fromkeys(()), {}, {})
        places = iter(block.parameters)
        for parameter in block.parameters:
            if parameter.default is not None:
                target = inner.letters if parameter.kind == "letter" else inner.names
                target[parameter.name] = self.value(parameter.default, scope, flow)
        for argument in step.arguments:
            match argument:
                case tree.PositionalArgument(tree.Reference(name)):
                    inner.labels[next(places).name] = scope.labels[name]
                case tree.PositionalArgument():
                    inner.names[next(places).name] = self.value(argument.value, scope, flow)
                case tree.LetterArgument():
                    inner.letters[argument.letter] = self.value(argument.value, scope, flow)
                case tree.NamedArgument():
                    inner.names[argument.name] = self.value(argument.value, scope, flow)
        return self.lines(block.body.items, flow, inner)

    def merge(self, step: tree.BranchStep, arms: list[torch.Tensor]) -> Flow:
        shapes = tuple(tuple(arm.shape[1:]) for arm in arms)
        try:
            made = lookup(step.word)
            assert made is not None
            x = layer(made.model_construct(), arms, {})
            self.steps.append(Done(step, None, shapes, tuple(x.shape[1:])))
            return Flow(x)
        except (RuntimeError, IndexError) as problem:
            raise Refused(step, problem, self.steps) from None

    # --- layers ---------------------------------------------------------------------------------------

    def layer(self, step: tree.LayerStep, flow: Flow, scope: Scope) -> Flow:
        if step.word == "none":
            return Flow(None)
        assert flow.x is not None
        x = flow.x
        made = lookup(step.word)
        assert made is not None
        shapes = (tuple(x.shape[1:]),)
        try:
            values, like = self.bound(made, step, flow, scope)
            op = made.model_construct(**values)
            missing = [
                name for name, one in made.model_fields.items() if one.is_required() and name not in values
            ]
            if missing:
                raise TypeError(f"{missing} missing")
            if like is not None:
                shapes = (*shapes, shape_of(like))
                y = self.like(op, x, like)
            else:
                y = self.apply(op, x)
        except (RuntimeError, ValueError, TypeError, IndexError, ZeroDivisionError, OverflowError) as problem:
            raise Refused(step, problem, self.steps) from None
        self.steps.append(Done(step, op, shapes, tuple(y.shape[1:])))
        return Flow(y, (op, x) if step.word == "maxpool" else None)

    def bound(
        self, made: type[Op], step: tree.LayerStep, flow: Flow, scope: Scope
    ) -> tuple[dict[str, Any], Any]:
        declared = list(arguments_of(made))
        values: dict[str, Any] = {}
        like: Flow | None = None
        given: list[tree.Argument] = []
        for default in self.defaults:
            if step.word in [word.name for word in default.words]:
                words = [tree.PositionalArgument(word, word.span) for word in default.words]
                given += [word for word in words if _flag(declared, word.value)]
                given += default.arguments
        places = iter(sorted((one.positional, name) for name, one in declared if one.positional is not None))
        for argument in (*given, *step.arguments):
            flag = _flag(declared, argument.value) if isinstance(argument, tree.PositionalArgument) else None
            if flag is not None:
                values[flag[0]] = flag[1]
                continue
            match argument:
                case tree.LetterArgument():
                    name, one = next((n, d) for n, d in declared if d.letter == argument.letter)
                case tree.NamedArgument():
                    name, one = next((n, d) for n, d in declared if d.keyword == argument.name)
                case _:
                    wanted = next(places)[1]
                    name, one = next((n, d) for n, d in declared if n == wanted and d.positional is not None)
            if isinstance(argument.value, tree.Reference):
                if argument.value.name not in scope.labels:
                    raise ValueError(f"no tensor @{argument.value.name} yet")
                like = scope.labels[argument.value.name]
                values[name] = True
                continue
            value = self.value(argument.value, scope, flow)
            match one.kind:
                case "sizes" if not isinstance(value, str):
                    value = value if isinstance(value, tuple) else (value, value)
                case "shape":
                    value = value if isinstance(value, tuple) else (value,)
                case "range":
                    value = value if isinstance(value, tuple) else (0, value)
                case "matrix":
                    value = value if isinstance(value, tuple) else (((value,),),)
                case "connections":
                    value = tuple(tuple(int(cell) for cell in row) for row in value[0])
                case "number":
                    value = Fraction(value)
            values[name] = value
        return values, like

    def apply(self, op: Any, x: torch.Tensor) -> torch.Tensor:
        shape = tuple(x.shape[1:])
        match op.word:
            case "maxpool" | "avgpool" if op.size_out is not None:
                fields = type(op).model_fields
                if any(getattr(op, name) != fields[name].default for name in fields if name != "size_out"):
                    raise TypeError("an adaptive pool takes a size and nothing else")
            case "maxpool" | "avgpool" if op.F is None:
                raise TypeError("a window has a size")
            case "upsample" if op.factor is not None and op.size_out is not None:
                raise ValueError(TWICE)
            case "unpool":
                raise ValueError("no maxpool")
            case "pad" if any(
                getattr(op, end) is not None for axis in {*ENDS} - {*axes_of(shape)} for end in ENDS[axis]
            ):
                raise ValueError("an end of an axis that the input does not have")
            case "conv" if op.connect is not None and (len(op.connect) != op.K or op.G != 1):
                raise ValueError("a table has a row for each of K filters")
        own = fresh(op, shape, self.device)
        if "weight" in own:
            self.literals(op, own["weight"], own.get("bias"))
        return layer(op, [x], own)

    def literals(self, op: Any, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        """`weight=` and `bias=` copied into the layer's own."""
        planes = getattr(op, "weight_values", None)
        if planes is not None:
            numbers = torch.tensor([[[float(cell) for cell in row] for row in plane] for plane in planes])
            whole = numbers[0] if len(planes) == 1 else numbers.view(*weight.shape[:-2], *numbers.shape[1:])
            torch.broadcast_to(whole, weight.shape)
        row = getattr(op, "bias_values", None)
        if row is not None and bias is not None:
            torch.broadcast_to(
                torch.tensor([float(cell) for plane in row for line in plane for cell in line]), bias.shape
            )

    def like(self, op: Any, x: torch.Tensor, like: Flow) -> torch.Tensor:
        assert like.x is not None
        if getattr(op, "factor", None) or getattr(op, "size_out", None) or getattr(op, "size", None):
            raise ValueError(TWICE)
        if op.word == "unpool":
            if like.pooled is None:
                raise ValueError("no maxpool")
            op.__dict__["maxpool"], before = like.pooled
            return layer(op, [x, before], {})
        return layer(op, [x, like.x], {})

    # --- values ---------------------------------------------------------------------------------------

    def value(self, value: tree.Value, scope: Scope, flow: Flow) -> Any:
        match value:
            case tree.Same():
                return "same"
            case tree.Matrix():
                return value.planes
            case tree.Dims():
                dims = tuple(self.value(dim, scope, flow) for dim in value.dims)
                return dims if len(dims) > 1 else dims[0]
            case tree.Range():
                return self.value(value.low, scope, flow), self.value(value.high, scope, flow)
            case tree.Number():
                return value.value.numerator if value.value.denominator == 1 else value.value
            case tree.Name(("he" | "xavier" | "zeros" | "ones" | "bilinear") as name):
                return Init(name)
            case tree.Function(("normal" | "truncated" | "uniform" | "constant") as name, (number,)):
                return Init(name, self.value(number, scope, flow))
            case tree.Binary("/", left, right):
                return Fraction(self.value(left, scope, flow)) / self.value(right, scope, flow)
        names: dict[str, Any] = {"min": min, "max": max, "round": round, "floor": floor, "ceil": ceil}
        if flow.x is not None:
            sizes = flow.x.shape[1:]
            names |= dict(zip(("C", *axes_of(sizes)), sizes, strict=True))
        return eval(write_expr(value), names | scope.names | scope.letters)


def _flag(declared: list[Any], value: Any) -> tuple[str, Any] | None:
    if isinstance(value, tree.Name):
        for name, one in declared:
            for word, meaning in one.flags:
                if word == value.name:
                    return name, meaning
    return None


def shape_of(flow: Flow) -> Shape:
    assert flow.x is not None
    return tuple(flow.x.shape[1:])


def by_torch(text: str, device: str = "meta") -> Ran:
    """What torch makes of a spec; raises Refused."""
    source, sink = Source("grown.cnn", text), Sink()
    file = parse(source, sink)
    assert not sink.has_errors, f"{[one.message for one in sink]}\n{text}"
    return ByTorch(file, device).run()
