"""Lowers a graph: one function for each block, for all its uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

from cnnspec.ir import graph as ir
from cnnspec.ir.expr import parsed
from cnnspec.ir.graph import BlockParameter, places
from cnnspec.ir.uses import Numbers, TemplateUse, use_of
from cnnspec.lower.call import Built, Diverges, LayerUse, Unsupported, other_program
from cnnspec.lower.calls import settle_own
from cnnspec.lower.frame import Frame, size_name
from cnnspec.lower.names import Namer
from cnnspec.lower.over import lists_of
from cnnspec.lower.passed_layers import PassedLayers, Place
from cnnspec.lower.program import (
    SIZES,
    Function,
    LayerParameter,
    LayersArgument,
    Let,
    Need,
    Parameter,
    Tensor,
    letters_of,
)
from cnnspec.lower.symbolic import Const, Node, Unclear, Var, from_expr, gives, plain
from cnnspec.lower.vectors import as_maps

Emit: TypeAlias = Callable[[LayerUse, ir.Layer], Built]
"""Returns the target's call of a layer in one use."""


@dataclass(eq=False)
class Lowering:
    """One graph for one target. `runtime_shapes`: the target reads a tensor's sizes at run time; otherwise
    sizes are parameters. `letters`: the variable names of a block's letters. `reserved`: names that no
    variable may have. `finish` builds the target's form of a function as soon as it is complete, and returns
    the parameters that it uses."""

    graph: ir.Graph
    emit: Emit
    finish: Callable[[Function], None]
    runtime_shapes: bool = False
    letters: Mapping[str, str] = field(default_factory=dict)
    reserved: Iterable[str] = ()
    functions: list[Function] = field(default_factory=list)
    shared: dict[str, tuple[Function, int, list[LayersArgument]]] = field(default_factory=dict)
    overwrites: frozenset[str] = frozenset()
    folds: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """Batch norms (template and site) that are left out, with the site of the layer that each is folded
    into."""
    axes: Mapping[Place, tuple[int, ...]] = field(default_factory=dict)
    """For a layer parameter, where it is known: the axes whose sizes the passed layers use."""
    arguments: Sequence[str] = ()
    """The knobs that are parameters of the network."""
    others: Sequence[tuple[int, Numbers]] = ()
    """Further uses of the network, by their bodies: the values of its knobs."""
    keys: set[str] = field(default_factory=set)
    """The attributes of the model that hold shared blocks."""
    _uses: dict[Any, dict[tuple[int, str], ir.Region]] = field(default_factory=dict)
    _served: dict[tuple[int, str], Function] = field(default_factory=dict)
    _begun: list[Function] = field(default_factory=list)
    """All functions that were begun. They are kept because other tables refer to them by `id`."""
    _vectors: set[int] = field(default_factory=set)
    """The templates of blocks that some use gives a vector."""
    _apart: set[object] = field(default_factory=set)
    """Blocks that have one function for each use."""
    _roles: dict[int, set[str]] = field(default_factory=dict)
    """The roles of the weights in each body."""
    _loops: dict[tuple[int, int], dict[tuple[str, str], str]] = field(default_factory=dict)
    _reads: dict[int, tuple[Counter[int], dict[int, ir.Step]]] = field(default_factory=dict)

    @cached_property
    def lists(self) -> dict[str, str]:
        """The names of the spec's lists, by their text in Python."""
        return lists_of(self.graph.knobs)

    @cached_property
    def passed(self) -> PassedLayers:
        """The layers that are passed to blocks."""
        layers = PassedLayers(self)
        layers.collect()
        return layers

    @cached_property
    def takers(self) -> frozenset[tuple[int, int]]:
        """The layers (template and site) that a batch norm is folded into."""
        return frozenset((template, taker) for (template, _), taker in self.folds.items())

    def network(self) -> Function:
        """Lowers the whole network. Afterwards `functions` has the functions that it calls, each before its
        callers."""
        self._collect()
        template, numbers = self.graph.templates[self.graph.root.template], self.graph.numbers
        bodies = [(len(self.graph.bodies) - 1, numbers), *self.others]
        uses = [use_of(self.graph, template, body, settings) for body, settings in bodies]
        function = Function("network", template, Namer(self.reserved), uses, {})
        scope: dict[str, Node] = {name: Const(plain(value)) for name, value in numbers.items()}
        for name in self.arguments:
            variable, values = function.namer.take(name), [plain(settings[name]) for _, settings in bodies]
            for use, value in zip(uses, values, strict=True):
                use.env[variable] = value
            scope[name] = Var(variable)
            function.parameters.append(Parameter(variable, name, default=Const(values[0]), values=values))
        self._fill(function, scope)
        if self.others and any(parameter.source is None for parameter in function.parameters):
            raise Diverges("a number of the network that no expression gives")
        self.finish(function)
        return function

    def _collect(self) -> None:
        """Collects every use of every block, with its body and its arguments, in the order of the forward
        pass."""
        seen = {len(self.graph.bodies) - 1, *(body for body, _ in self.others)}
        ways = [iter(self.graph.bodies[body].steps) for body in sorted(seen)]
        found: list[ir.Region] = []
        while ways:
            step = next(ways[-1], None)
            if step is None:
                ways.pop()
            elif isinstance(step, ir.Region):
                if step.shared is not None:
                    self.keys.add(step.shared)
                if step.block is not None or step.kind == "layers":
                    found.append(step)
                    inner = self.graph.bodies[step.passes[0].body]
                    if any(len(shape or ()) == 1 for shape in inner.values[: inner.inputs]):
                        self._vectors.add(inner.template)
                bodies = dict.fromkeys(run.body for run in step.passes if run.body not in seen)
                seen |= bodies.keys()
                ways += [iter(self.graph.bodies[body].steps) for body in reversed(bodies)]
        for region in found:
            self._uses.setdefault(self._group(region), {}).setdefault(self.key(region), region)

    def _group(self, region: ir.Region) -> object:
        """The uses that one function may serve have equal groups: one block with inputs of equal ranks, or
        passed layers of one template."""
        body = self.graph.bodies[region.passes[0].body]
        if region.kind == "layers":
            return body.template
        shapes = [shape or () for shape in body.values[: body.inputs]]
        if region.kind == "shared" and body.template in self._vectors:
            # its weights are one, whether C x 1 x 1 or a vector arrives
            return body.template, tuple(1 if set(shape[1:]) <= {1} else len(shape) for shape in shapes)
        return body.template, tuple(map(len, shapes))

    @staticmethod
    def key(region: ir.Region) -> tuple[int, str]:
        """What distinguishes uses of a block: the body and the arguments."""
        return region.passes[0].body, repr(tuple(region.arguments.items()))

    def function_of(self, region: ir.Region) -> Function:
        """The function that serves a use of a block."""
        key, group = self.key(region), self._group(region)
        if key in self._served:
            return self._served[key]
        failure: Diverges | None = None
        for parts in self._partitions(group, region):
            served, shared, count = dict(self._served), dict(self.shared), len(self.functions)
            try:
                for regions in parts:
                    if self.key(regions[0]) not in self._served:
                        self._serve(regions)
                return self._served[key]
            except Diverges as why:
                failure = why
                self._served, self.shared = served, shared
                del self.functions[count:]
        assert failure is not None
        raise failure

    def _partitions(self, group: object, region: ir.Region) -> Iterator[list[list[ir.Region]]]:
        """The ways to divide the uses of a block between functions, each tried where the one before it raises
        `Diverges`: one function; for passed layers, one for each number of axes; one for the trained uses and
        one for the frozen ones; one for each use."""
        if group in self._apart:
            yield [[region]]
            return
        uses = list(self._uses[group].values())
        yield [uses]
        ranks: dict[int, list[ir.Region]] = {}
        for use in uses:
            shape = self.graph.bodies[use.passes[0].body].values[0] or ()
            ranks.setdefault(len(shape), []).append(use)
        if len(ranks) > 1:
            yield [*ranks.values()]
        frozen = [self._frozen(use.passes[0].body) for use in uses]
        if len(set(frozen)) > 1:
            yield [
                [one for one, is_frozen in zip(uses, frozen, strict=True) if is_frozen is side]
                for side in (False, True)
            ]
        self._apart.add(group)
        yield [[one] for one in uses]

    def _frozen(self, body: int) -> bool:
        """Whether all weights of a body that could be trained are frozen, and there is at least one."""
        roles = self._roles.get(body)
        if roles is None:
            roles = self._roles[body] = set()
            body_ = self.graph.bodies[body]
            for step in body_.steps:
                if isinstance(step, ir.Region):
                    for inner in {run.body for run in step.passes}:
                        self._frozen(inner)
                        roles |= self._roles[inner]
                elif isinstance(step, ir.Layer):
                    shapes = [body_.values[value] or () for value in step.inputs]
                    roles |= {weight.role for weight in step.op.weights(*shapes)} - {"buffer"}
        return roles == {"frozen"}

    def _serve(self, regions: list[ir.Region], needs: Iterable[Need] = ()) -> None:
        """Lowers the function for these uses of a block; calls of the block inside its own text find this
        function. `needs` are the shared blocks that it takes as arguments, as far as they are known
        before."""
        served, shared, count = dict(self._served), dict(self.shared), len(self.functions)
        function = self._function(regions)
        self._begun.append(function)
        function.needs = [Need(function.namer.take(need.variable), need.keys) for need in needs]
        known = len(function.needs)
        self._served |= dict.fromkeys(map(self.key, regions), function)
        self._fill(function, *self._head(function, regions[0]))
        if function.recursive and len(function.needs) > known:
            if known:
                raise Diverges("a block that calls itself and needs other shared blocks each time")
            self._served, self.shared = served, shared
            del self.functions[count:]
            self._serve(regions, function.needs)
            return
        self.finish(function)
        self.functions.append(function)

    def _function(self, regions: list[ir.Region]) -> Function:
        number = self.graph.bodies[regions[0].passes[0].body].template
        template = self.graph.templates[number]
        name = self.passed.names[number] if template.kind == "layers" else regions[0].block or ""
        if template.kind == "block" and len(self._uses[self._group(regions[0])]) > len(regions):
            whole = f"frozen_{name}"
            if self._frozen(regions[0].passes[0].body) and whole not in {
                block.name for block in self.graph.blocks
            }:
                name = whole
        if template.kind == "layers":  # maps first: a vector does not give the sizes of a map
            regions = sorted(
                regions, key=lambda one: len(self.graph.bodies[one.passes[0].body].values[0] or ())
            )
        uses = []
        for region in regions:
            numbers = {name: parsed(text) for name, text in region.arguments.items()}
            uses.append(use_of(self.graph, template, region.passes[0].body, numbers))
        if regions[0].kind == "shared":
            as_maps(self.graph, uses)
        keys = {self.key(region): number for number, region in enumerate(regions)}
        return Function(name, template, Namer(self.reserved), uses, keys, number=number)

    def _head(self, function: Function, region: ir.Region) -> tuple[dict[str, Node], list[Tensor]]:
        """Begins a function: the nodes for the names of its parameters, and its inputs."""
        uses = function.uses
        inputs = self._sized_inputs(function)
        scope: dict[str, Node] = {}
        for parameter in self._parameters(region, function.number):
            if parameter.kind == "tensor":
                continue
            if parameter.kind == "layer":
                variable_of_layers = function.namer.take(parameter.name)
                function.layers[parameter.name] = LayerParameter(
                    variable_of_layers,
                    sum(isinstance(one.source, str) for one in function.parameters),
                    self._default(parameter),
                )
                continue
            letter = parameter.kind == "letter"
            variable = function.namer.take(
                self.letters.get(parameter.name, parameter.name) if letter else parameter.name
            )
            scope[parameter.name] = Var(variable)
            values = [plain(use.numbers[parameter.name]) for use in uses]
            formula = _formula(parameter, scope, uses, values)
            for use, value in zip(uses, values, strict=True):
                use.env[variable] = value
            if isinstance(formula, Var):
                scope[parameter.name] = formula
                continue
            if formula is not None:
                function.first.append(Let(variable, formula))
                continue
            default = None if parameter.default is None else self._constant(parameter.default)
            made = Parameter(variable, parameter.name, letter, default, values, knob=parameter.kind == "knob")
            function.parameters.append(made)
        return scope, inputs

    def _parameters(self, region: ir.Region, number: int) -> tuple[ir.BlockParameter, ...]:
        """The parameters of a block; for passed layers, the names that they use from the block around
        them."""
        if region.kind != "layers":
            return next(block.parameters for block in self.graph.blocks if block.name == region.block)
        construct = ir.BlockParameter.model_construct
        values = (construct(name=name, kind="value") for name in region.arguments)
        return *values, *(construct(name=name, kind="layer") for name in self.passed.layers[number])

    def _default(self, parameter: ir.BlockParameter) -> LayersArgument | None:
        """The default of a layer parameter, where these layers need no arguments themselves."""
        regions = self._uses.get(parameter.layers)
        if parameter.layers is None or not regions:
            return None
        function = self.function_of(next(iter(regions.values())))
        plain = not any(one.used and not isinstance(one.source, tuple) for one in function.parameters)
        if not plain or function.layers or function.needs:
            return None
        return LayersArgument(function, sizes=list(self.passed.size_names(function.number).values()))

    def _sized_inputs(self, function: Function) -> list[Tensor]:
        """The function's inputs. A size that differs between uses becomes a parameter."""
        inputs = []
        for place, name in enumerate(function.template.inputs):
            tensor = Tensor(len(function.tensors), name)
            function.tensors.append(tensor)
            inputs.append(tensor)
            shapes = [use.shape(place) for use in function.uses]
            layers = function.template.kind == "layers"
            needed = self.passed.sizes(function.number) if layers else ()
            tensor.shape = shapes[0] if len(set(shapes)) == 1 else None
            if self.runtime_shapes:
                tensor.dims = tuple(Var(size_name(tensor, letter)) for letter in letters_of(len(shapes[0])))
                continue
            dims: list[Node | None] = []
            for axis in range(len(shapes[0])):
                sizes = [shape[axis] if axis < len(shape) else 0 for shape in shapes]
                if len(set(sizes)) == 1 and axis not in needed:
                    dims.append(Const(sizes[0]))
                    continue
                if layers and axis not in needed:
                    dims.append(None)
                    continue
                kind = SIZES[letters_of(len(shapes[0]))[axis]]
                if not layers:
                    kind = f"{name or 'in'}_{'features' if len(shapes[0]) == 1 else kind}"
                variable = function.namer.take(kind)
                dims.append(Var(variable))
                function.parameters.append(Parameter(variable, (place, axis), values=sizes))
                for use, size in zip(function.uses, sizes, strict=True):
                    use.env[variable] = size
            tensor.dims = tuple(dims)
        return inputs

    def _fill(self, function: Function, scope: dict[str, Node], inputs: list[Tensor] | None = None) -> None:
        """Lowers the function's template into its statements."""
        if inputs is None:
            inputs = self._sized_inputs(function)
        frame = Frame(self, function, function.template, function.uses, scope, inputs)
        function.region = frame.region()
        if not self.runtime_shapes:
            settle_own(frame)
        lists = [Let(*named) for named in function.lists.values()]
        function.region.statements[:0] = [*function.first, *lists]
        function.lets = [
            (statement.variable, statement.node)
            for statement in function.region.statements
            if isinstance(statement, Let)
        ]
        for one, other in pairwise(reversed(function.parameters)):
            if one.default is None:  # a default needs a default for every later parameter
                other.default = None
        function.whole = True

    def _constant(self, text: str) -> Const | None:
        """A default as a constant, where it is a number or a top-level `let`; else None."""
        if text in self.graph.knobs:
            text = self.graph.knobs[text]
        try:
            return Const(plain(parsed(text)))
        except (ValueError, ZeroDivisionError):
            return None

    def loop_variable(self, function: Function, depth: int, name: str, of: str = "") -> str:
        """A variable of a loop: the number of the pass (`i`), a size that changes, or an entry of the list
        `of`. Loops that are not nested share their variables."""
        variables = self._loops.setdefault((id(function), depth), {})
        if (of, name) not in variables:
            letter = "ijkl"[depth] if name == "i" and depth < 4 and not of else name
            variables[of, name] = function.namer.take(letter)
        return variables[of, name]

    def overwritable(self, use: TemplateUse, value: int) -> bool:
        """Whether a tensor may be overwritten: only one layer reads it, and the layer that computed it does
        not need it any more."""
        body = self.graph.bodies[use.body]
        if use.body not in self._reads:
            reads: Counter[int] = Counter(body.outputs)
            for step in body.steps:
                reads.update(step.inputs)
            self._reads[use.body] = reads, {place.output: place.step for place in places(body)}
        reads, makers = self._reads[use.body]
        maker = makers.get(use.values[value])
        if not isinstance(maker, ir.Layer) or reads[use.values[value]] != 1:
            return False
        return maker.op.word in self.overwrites and (not maker.op.merges or len(maker.inputs) > 1)

    def note_shared(
        self,
        function: Function,
        keys: Mapping[int, int],
        regions: Mapping[int, ir.Region],
        arguments: list[LayersArgument],
    ) -> None:
        """Records the function, with the numbers and layers of these uses, for shared blocks of the model."""
        if any(
            argument.variable is not None or argument.arguments or argument.layers for argument in arguments
        ):
            raise Unsupported(
                f"the shared block `{function.name}`, whose layers depend on the block around it"
            )
        for use, region in regions.items():
            number = keys[use]
            served, other, _ = self.shared.setdefault(region.shared or "", (function, number, arguments))
            if served is not function or any(
                one.used and not one.knob and one.values and one.values[number] != one.values[other]
                for one in function.parameters
            ):
                raise other_program(function.name, region)


def _formula(
    parameter: BlockParameter, scope: Mapping[str, Node], uses: Sequence[TemplateUse], values: Sequence[Any]
) -> Node | None:
    """The author's expression for a parameter's default, over the parameters before it, where it gives the
    parameter's value in every use; else None."""
    if parameter.formula is None:
        return None
    for whole in (True, False):
        try:
            expression = from_expr(parameter.formula, scope, whole=whole)
        except Unclear:
            return None
        if all(gives(expression, use.env, value) for use, value in zip(uses, values, strict=True)):
            return expression
    return None
