"""From the IR to functions: blocks stay functions, repeats stay loops, the author's
`if`s stay where uses of a block differ by them.

All uses of a block are laid over each other; a number is the author's expression where
that gives the right number in every use. Where one function cannot serve all uses, the
block becomes several.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cnnspec.ir.graph import Block, Graph, Region
from cnnspec.ops.base import written_shape
from cnnspec.targets.names import Namer
from cnnspec.targets.numpy.body import BodyBuilder
from cnnspec.targets.numpy.frame import UseOf
from cnnspec.targets.numpy.statements import (
    Call,
    Function,
    If,
    Let,
    Loop,
    Parameter,
    Step,
    Tensor,
    numbers_in,
)
from cnnspec.targets.symbolic import Const, Node, Unclear, Var, from_text
from cnnspec.targets.unify import Diverges
from cnnspec.targets.values import parsed


class Builder:
    """Makes the functions of one graph; `functions` has them with the called before the
    calling."""

    def __init__(self, graph: Graph, namer: Namer) -> None:
        self.graph, self.namer = graph, namer
        self.functions: list[Function] = []
        self.tensors: list[Tensor] = []
        self.knobs: dict[str, Node] = {name: Const(parsed(text)) for name, text in graph.knobs.items()}
        self._uses: dict[str, dict[tuple[int, tuple[tuple[str, str], ...]], Region]] = {}
        self._made: dict[str, dict[tuple[int, tuple[tuple[str, str], ...]], Function]] = {}
        self._collect()

    def _collect(self) -> None:
        """Every use of every block, its body and its arguments, in the order of the forward pass."""
        seen = {len(self.graph.bodies) - 1}
        ways = [iter(self.graph.root.steps)]
        while ways:
            step = next(ways[-1], None)
            if step is None:
                ways.pop()
            elif isinstance(step, Region):
                if step.block is not None:
                    self._uses.setdefault(step.block, {}).setdefault(_key(step), step)
                bodies = dict.fromkeys(one.body for one in step.passes if one.body not in seen)
                seen |= bodies.keys()
                ways += [iter(self.graph.bodies[body].steps) for body in reversed(bodies)]

    def tensor(self, label: str | None = None, sides: tuple[tuple[int, bool], ...] = ()) -> Tensor:
        made = Tensor(len(self.tensors), label, sides)
        self.tensors.append(made)
        return made

    def network(self) -> Function:
        """The whole network as a function."""
        scope = FunctionScope(self, self.namer.child())
        inputs = [self.tensor(name) for name in self.graph.inputs]
        if len(inputs) == 1:
            inputs[0].label = None
        steps, outputs = scope.body([UseOf(len(self.graph.bodies) - 1, {})], inputs, "net", self.knobs)
        for place, tensor in enumerate(outputs):
            if tensor in outputs[:place]:  # one tensor under two names: each has a gradient of its own
                outputs[place] = self.tensor()
                steps.append(Call("sum", "+", "", [tensor], [outputs[place]]))
        made = Function(self.namer.take("network"), inputs, outputs, scope.swept(steps), scope.namer)
        self.functions.append(made)
        return made

    def function_of(self, region: Region) -> Function:
        """The function that serves a use of a block."""
        assert region.block is not None
        if region.block not in self._made:
            self._made[region.block] = self._serve(region.block)
        return self._made[region.block][_key(region)]

    def _serve(self, block: str) -> dict[tuple[int, tuple[tuple[str, str], ...]], Function]:
        """As few functions as serve all uses of a block."""
        uses = list(self._uses[block].items())
        try:
            groups = [(uses, self._function(block, [region for _, region in uses]))]
        except Diverges:
            groups = []
            for use in uses:
                for place, (members, _) in enumerate(groups):
                    try:
                        made = self._function(block, [region for _, region in [*members, use]])
                    except Diverges:
                        continue
                    groups[place] = ([*members, use], made)
                    break
                else:
                    groups.append(([use], self._function(block, [use[1]])))
        found = {}
        for members, made in groups:
            made.name = self.namer.take(block)
            self.functions.append(made)
            for key, _ in members:
                found[key] = made
        return found

    def _function(self, block: str, regions: Sequence[Region]) -> Function:
        head = next(one for one in self.graph.blocks if one.name == block)
        scope = FunctionScope(self, self.namer.child())
        names = {
            parameter.name: scope.namer.take(parameter.name)
            for parameter in head.parameters
            if parameter.kind != "tensor"
        }
        uses = []
        for region in regions:
            given = {names[name]: parsed(text) for name, text in region.arguments.items() if name in names}
            uses.append(UseOf(region.passes[0].body, given))
        bodies = [self.graph.bodies[use.body] for use in uses]
        inputs = [self.tensor() for _ in range(bodies[0].inputs)]
        tensors = [parameter.name for parameter in head.parameters if parameter.kind == "tensor"]
        for made, name in zip(inputs[len(inputs) - len(tensors) :], tensors, strict=False):
            made.label = name
        known: dict[str, Node] = {name: Var(variable) for name, variable in names.items()}
        steps, outputs = scope.body(uses, inputs, "net", self.knobs | known)
        steps = scope.swept(steps)
        needed = set(numbers_in(steps))
        parameters = self._parameters(head, {name: names[name] for name in names if names[name] in needed})
        shapes = [bodies[0].values[0], *(bodies[0].values[value] for value in bodies[0].outputs[:1])]
        sizes = " -> ".join(written_shape(shape) for shape in shapes if shape is not None)
        return Function(block, inputs, outputs, steps, scope.namer, parameters, doc=sizes)

    def _parameters(self, head: Block, names: dict[str, str]) -> list[Parameter]:
        """With the author's defaults, as far as nothing without one stands behind them."""
        found: list[Parameter] = []
        optional = True
        for parameter in reversed(head.parameters):
            if parameter.name in names:
                default = None if parameter.default is None else self._constant(parameter.default)
                optional = optional and default is not None
                letter = parameter.kind == "letter"
                given = default if optional else None
                found.append(Parameter(names[parameter.name], parameter.name, letter, given))
        return found[::-1]

    def _constant(self, text: str) -> Const | None:
        """A default, where it is a number."""
        try:
            number = parsed(text)
        except ValueError:
            try:
                node = from_text(text, self.knobs)
            except Unclear:
                return None
            return node if isinstance(node, Const) else None
        return None if isinstance(number, str) else Const(number)


def _key(region: Region) -> tuple[int, tuple[tuple[str, str], ...]]:
    return region.passes[0].body, tuple(region.arguments.items())


@dataclass
class FunctionScope:
    """What a function's bodies share: its variables for numbers."""

    builder: Builder
    namer: Namer
    conditions: int = 0
    lets: set[str] = field(default_factory=set)

    def body(
        self, uses: Sequence[UseOf], inputs: list[Tensor], place: str, scope: Mapping[str, Node]
    ) -> tuple[list[Step], list[Tensor]]:
        return BodyBuilder(self, uses, inputs, place, dict(scope)).build()

    def swept(self, steps: list[Step]) -> list[Step]:
        """Without the author's `let`s that nothing reads."""
        while True:
            needed = set(numbers_in(steps))
            kept = _without(steps, needed)
            if len(set(numbers_in(kept))) == len(needed):
                return kept
            steps = kept


def _without(steps: list[Step], needed: set[str]) -> list[Step]:
    kept: list[Step] = []
    for step in steps:
        match step:
            case Let() if step.variable not in needed:
                continue
            case If():
                step.then, step.otherwise = _without(step.then, needed), _without(step.otherwise, needed)
            case Loop():
                step.body = _without(step.body, needed)
        kept.append(step)
    return kept
