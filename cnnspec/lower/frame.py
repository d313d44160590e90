"""Lowers a template for all its uses: the walk over its sites."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cnnspec.ir import expr
from cnnspec.ir import graph as ir
from cnnspec.ir.expr import single
from cnnspec.ir.template import IfSite, LayerSite, LetSite, RegionSite, Site, SlotSite, Template
from cnnspec.ir.uses import TemplateUse, use_of
from cnnspec.lower import calls, layers, passed_layers, repeats
from cnnspec.lower.call import Diverges
from cnnspec.lower.ifs import decide
from cnnspec.lower.over import Entry, with_entries
from cnnspec.lower.program import (
    Condition,
    Function,
    Let,
    Module,
    Need,
    Parameter,
    Part,
    Region,
    Statement,
    Tensor,
    letters_of,
)
from cnnspec.lower.symbolic import (
    Apply,
    Const,
    List,
    Node,
    Unclear,
    Var,
    from_expr,
    gives,
    plain,
    variables,
)
from cnnspec.lower.symbolic import (
    value as value_of,
)
from cnnspec.ops.base import Shape

if TYPE_CHECKING:
    from cnnspec.lower.lowering import Lowering


@dataclass(eq=False)
class Frame:
    """A template that is being lowered into statements of one function.

    `outer` is the frame around it (None for a function's own template). `origins` gives for each use the
    number of the use of the outer frame that it is in and, in a repeat, the number of the pass.
    """

    lowering: Lowering
    function: Function
    template: Template
    uses: list[TemplateUse]
    scope: dict[str, Node]
    inputs: list[Tensor]
    outer: Frame | None = None
    origins: list[tuple[int, int | None]] = field(default_factory=list)
    index: str | None = None
    passes: dict[int, int] = field(default_factory=dict)
    """In a repeat: the number of passes of each use of the outer frame, for those whose passes are all among
    `uses`.
    """
    per_pass: list[tuple[str, list[Module]]] = field(default_factory=list)
    count: Node | None = None
    """In a repeat: the number of passes, as a node; `counts` has it for each use."""
    counts: tuple[int, ...] = ()
    entries: dict[str, Entry] = field(default_factory=dict)
    """In a repeat over lists: the variables of the lists' entries, by the list's text."""
    strict: bool = False
    depth: int = 0
    tensors: dict[int, Tensor] = field(default_factory=dict)
    optional: dict[int, Node] = field(default_factory=dict)
    """For a value that not every use has: a truth value over the conditions `?number`, true where the value
    exists.
    """
    here: list[Statement] = field(default_factory=list)
    open: list[tuple[Condition, bool]] = field(default_factory=list)
    labels: dict[int, str] = field(default_factory=dict)
    conditions: list[tuple[Condition, list[tuple[Condition, bool]]]] = field(default_factory=list)
    """The conditions that this frame and its parts made, each with the conditions that it is nested in."""

    def region(self) -> Region:
        """The statements of the template, for these uses."""
        for label, number in sorted(self.template.labels.items(), key=lambda entry: "'" in entry[0]):
            self.labels.setdefault(number, label)
        for number, tensor in enumerate(self.inputs):
            self.tensors[number] = tensor
            self.know(tensor, number)
        self.sites(self.template.sites)
        outputs = [self.tensors[value] for value in self.template.outputs if value in self.tensors]
        return Region(self.inputs, self.here, outputs)

    def sites(self, sites: Iterable[Site]) -> None:
        for site in sites:
            if isinstance(site, IfSite):
                decide(self, site)
            elif isinstance(site, LetSite):
                self.let(site)
            elif any(site.site in use.steps for use in self.uses):
                if isinstance(site, LayerSite):
                    layers.layer(self, site)
                elif isinstance(site, SlotSite):
                    passed_layers.slot(self, site)
                elif site.kind == "repeat":
                    repeats.repeat(self, site)
                elif site.kind in ("block", "shared"):
                    calls.invoke(self, site)
                else:
                    self.part(site)
            elif isinstance(site, RegionSite) and site.kind == "repeat" and site.inputs[0] in self.tensors:
                for output, value in zip(site.outputs, site.inputs, strict=False):
                    self.tensors[output] = self.tensors[value]

    def around(self) -> Iterator[Frame]:
        """From the inside out: this frame and the frames around it."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.outer

    @property
    def number_of_template(self) -> int:
        return self.lowering.graph.bodies[self.uses[0].body].template

    def present(self, site: LayerSite | RegionSite | SlotSite) -> list[int]:
        """The numbers of the uses in which a site has a step."""
        return [number for number, use in enumerate(self.uses) if site.site in use.steps]

    def regions(self, site: RegionSite) -> dict[int, ir.Region]:
        """The region that a site is in each use; uses without it are left out."""
        steps = {number: self.uses[number].steps[site.site] for number in self.present(site)}
        return {number: step for number, step in steps.items() if isinstance(step, ir.Region)}

    def inside(
        self,
        site: RegionSite,
        uses: list[TemplateUse],
        origins: list[tuple[int, int | None]],
        inputs: list[Tensor],
    ) -> Frame:
        """A frame for the template of a part or a repeat in this one."""
        return Frame(
            self.lowering,
            self.function,
            self.lowering.graph.templates[site.template],
            uses,
            self.scope,
            inputs,
            outer=self,
            origins=origins,
            strict=self.strict,
            depth=self.depth,
            open=list(self.open) if self.lowering.runtime_shapes else [],
        )

    # --- numbers ------------------------------------------------------------------------------------------

    def number(self, values: Mapping[int, Any], source: Node | None) -> Node:
        """The node for a number, given by use: the author's expression if it has the right value in each use,
        else a constant, else a further parameter of the function.
        """
        first = single(next(iter(values.values())))
        if source is not None and self.right(source, values):
            if isinstance(source, Const):
                return Const(first)
            whole = all(isinstance(value, int) for value in values.values())
            if whole and any(isinstance(value_of(source, self.uses[use].env), float) for use in values):
                return Apply("int", (source,))  # even of a quotient: 4.0 // 4 is 1.0
            return source
        if all(single(value) == first and type(single(value)) is type(first) for value in values.values()):
            return Const(first)
        return self.lifted(values)

    def lifted(self, values: Mapping[int, Any]) -> Node:
        """A number without an expression, as a further parameter of the function; inside a repeat, as a table
        that is indexed by the number of the pass.
        """
        if self.strict or self.function.recursive:
            raise Diverges("a number that no expression gives")
        if self.outer is None:
            return self.parameter(values)
        if self.index is None:
            node = self.outer.number({self.origins[use][0]: value for use, value in values.items()}, None)
        else:
            tables: dict[int, dict[int, Any]] = {}
            for use, value in values.items():
                around, number = self.origins[use]
                assert number is not None
                tables.setdefault(around, {})[number] = value
            if any(around not in self.passes for around in tables):
                raise Diverges("a number of a pass that no expression gives")
            filled = {
                around: List(
                    table.get(number, next(iter(table.values()))) for number in range(self.passes[around])
                )
                for around, table in tables.items()
            }
            if all(len(set(table)) == 1 for table in filled.values()):
                node = self.outer.number({around: table[0] for around, table in filled.items()}, None)
            else:
                node = Apply("at", (self.outer.number(filled, None), Var(self.index)))
        for use, value in values.items():
            around = self.origins[use][0]
            for name in variables(node):
                if name not in self.uses[use].env and name in self.outer.uses[around].env:
                    self.uses[use].env[name] = self.outer.uses[around].env[name]
            assert gives(node, self.uses[use].env, value)
        return node

    def known(self, values: Mapping[int, Any], source: Node | None) -> Node | None:
        """As `number`, but None where a further parameter would be needed."""
        strict, self.strict = self.strict, True
        try:
            return self.number(values, source)
        except Diverges:
            return None
        finally:
            self.strict = strict

    def parameter(self, values: Mapping[int, Any]) -> Node:
        """A further parameter of the function with these values, by use; an existing one where the values are
        equal.
        """
        first = next(iter(values.values()))
        filled = [values.get(use, first) for use in range(len(self.uses))]
        for existing in self.function.parameters:
            if existing.source is None and list(map(repr, existing.values)) == list(map(repr, filled)):
                return Var(existing.variable)
        variable = self.function.namer.take("value" if not isinstance(first, str) else "name")
        parameters = self.function.parameters  # the author's parameters come last
        place = sum(not isinstance(other.source, str) for other in parameters)
        parameters.insert(place, Parameter(variable, None, values=filled))
        for use, value in zip(self.uses, filled, strict=True):
            use.env[variable] = value
        return Var(variable)

    def module(self, keys: Mapping[int, str], own: bool = False) -> Module:
        """The shared block with this key in each use. The keys are attributes of the model or, with `own`, of
        the surrounding block.
        """
        if self.outer is None and own:
            if len(names := set(keys.values())) > 1:
                raise Diverges("uses of a block with other shared blocks in them")
            shared = self.function.own[names.pop()]
            return Module(variable=shared.variable, own=shared.name)
        if self.outer is None:
            if self.template.kind == "network":
                return Module(key=next(iter(keys.values())))
            first = next(iter(keys.values()))
            needed = tuple(keys.get(use, first) for use in range(len(self.uses)))
            for need in self.function.needs:
                if all(need.keys[use] == key for use, key in keys.items()):
                    return Module(variable=need.variable)
            need = Need(self.function.namer.take(first), needed)
            self.function.needs.append(need)
            return Module(variable=need.variable)
        if self.index is None:
            return self.outer.module({self.origins[use][0]: key for use, key in keys.items()}, own)
        by_pass: dict[int, dict[int, str]] = {}
        for use, key in keys.items():
            around, number = self.origins[use]
            assert number is not None
            by_pass.setdefault(number, {})[around] = key
        modules = [self.outer.module(by_pass[number], own) for number in sorted(by_pass)]
        if len(set(modules)) == 1:
            return modules[0]
        if len(set(self.passes.values())) != 1 or sorted(by_pass) != list(
            range(next(iter(self.passes.values())))
        ):
            raise Diverges("passes that use different shared blocks")
        for variable, loop_modules in self.per_pass:
            if loop_modules == modules:
                return Module(variable=variable)
        variable = self.function.namer.take(next(iter(keys.values())))
        while self.function.template.kind == "network" and variable in self.lowering.keys:
            variable = self.function.namer.take(variable)
        self.per_pass.append((variable, modules))
        return Module(variable=variable)

    def names(self, at: int | None) -> dict[str, Node]:
        """The nodes for the names in an expression; `at` is the number of the first input of the step that it
        belongs to.
        """
        scope = dict(self.scope)
        tensor = None if at is None else self.tensors.get(at)
        if tensor is not None:
            sizes = zip(letters_of(len(tensor.dims)), tensor.dims, strict=True)
            scope |= {letter: node for letter, node in sizes if node is not None}
        return scope

    def expression(self, node: expr.Expr | None, at: int | None, values: Mapping[int, Any]) -> Node | None:
        """The author's expression in Python, with `//` or `/` for a division, whichever gives these values;
        None where neither does.
        """
        if node is None:
            return None
        names = self.names(at)
        try:
            for whole in (True, False):
                result = with_entries(self, from_expr(node, names, whole=whole))
                if self.right(result, values):
                    return result
        except Unclear:
            pass
        return None

    def let(self, site: LetSite) -> None:
        """Lowers a `let`: to a variable of the program, or to the expression itself."""
        values = {n: plain(use.lets[id(site)]) for n, use in enumerate(self.uses) if id(site) in use.lets}
        if not values:
            return
        node = self.number(values, self.expression(site.value, site.at, values))
        statement = self.lowering.runtime_shapes or (self.outer is None and not self.open)
        if statement and isinstance(node, Apply | Var if self.lowering.runtime_shapes else Apply):
            variable = self.function.namer.take(site.name)
            for use, value in values.items():
                self.uses[use].env[variable] = value
            self.here.append(Let(variable, node))
            self.function.lets.append((variable, node))
            node = Var(variable)
        self.scope[site.name] = node

    # --- tensors ------------------------------------------------------------------------------------------

    def tensor(self, number: int, dims: Sequence[Node | None] = ()) -> Tensor:
        """A new tensor for one of the template's values; `dims` are expressions that its sizes may have."""
        new = Tensor(len(self.function.tensors), self.labels.get(number), sides=tuple(self.open))
        self.function.tensors.append(new)
        self.tensors[number] = new
        shapes = self.know(new, number)
        new.dims = self.own_sizes(new, len(next(iter(shapes.values())))) or self.checked(shapes, dims)
        own = {shape for use, shape in shapes.items() if not self.lowering.others or self.outermost(use) == 0}
        new.shape = own.pop() if len(own) == 1 else None
        return new

    def outermost(self, use: int) -> int:
        """Which use of the function a use of this frame is in. Of the network, the first is the one with the
        spec's own numbers."""
        frame = self
        while frame.outer is not None:
            use, frame = frame.origins[use][0], frame.outer
        return use

    def own_sizes(self, tensor: Tensor, rank: int) -> tuple[Node, ...]:
        """The variables for a tensor's sizes, where the program reads them at run time; else ()."""
        if not self.lowering.runtime_shapes:
            return ()
        return tuple(Var(size_name(tensor, letter)) for letter in letters_of(rank))

    def know(self, tensor: Tensor, number: int) -> dict[int, Shape]:
        """Stores a tensor's sizes as variables of each use; returns its shape by use."""
        shapes = {n: use.shape(number) for n, use in enumerate(self.uses) if number in use.values}
        for use, shape in shapes.items():
            for letter, size in zip(letters_of(len(shape)), shape, strict=True):
                self.uses[use].env[size_name(tensor, letter)] = size
        return shapes

    def checked(self, shapes: Mapping[int, Shape], dims: Sequence[Node | None]) -> tuple[Node | None, ...]:
        """Nodes for the sizes of a tensor, each right in every use; None for a size without such a node."""
        nodes: list[Node | None] = []
        if len(set(map(len, shapes.values()))) > 1:
            raise Diverges("a tensor with another number of axes in each use")
        for axis in range(len(next(iter(shapes.values())))):
            sizes = {use: shape[axis] for use, shape in shapes.items()}
            node = dims[axis] if axis < len(dims) else None
            same = len(set(sizes.values())) == 1
            if node is None or (axis and same) or not self.right(node, sizes):
                node = Const(next(iter(sizes.values()))) if same else None
            nodes.append(node)
        return tuple(nodes)

    def right(self, node: Node, sizes: Mapping[int, Any]) -> bool:
        """Whether a node has this value in each use."""
        return all(gives(node, self.uses[use].env, size) for use, size in sizes.items())

    # --- groups and lines ---------------------------------------------------------------------------------

    def part(self, site: RegionSite) -> None:
        """Lowers a group, or a labelled line."""
        uses = []
        for number, region in self.regions(site).items():
            use = self.uses[number]
            template = self.lowering.graph.templates[site.template]
            inner = use_of(self.lowering.graph, template, region.passes[0].body, use.numbers)
            inner.env = use.env
            uses.append(inner)
        inputs = [self.tensors[value] for value in site.inputs if value in self.tensors]
        frame = self.inside(site, uses, [(use, None) for use in self.present(site)], [])
        frame.inputs = self.copies(inputs, frame.template)
        statements = frame.region()
        around = [] if self.lowering.runtime_shapes else self.open
        self.conditions += [(condition, [*around, *under]) for condition, under in frame.conditions]
        outputs = []
        for number, value in zip(site.outputs, frame.template.outputs, strict=True):
            if (tensor := frame.tensors.get(value)) is not None:
                outputs.append(self.tensor(number, tensor.dims))
        self.here.append(Part(site.name, statements, inputs, outputs, [use.env for use in uses]))

    def copies(self, tensors: Sequence[Tensor], template: Template) -> list[Tensor]:
        """The inputs of a region, with the sizes of the outer tensors."""
        inputs = []
        for tensor, label in zip(tensors, template.inputs, strict=True):
            copy = Tensor(len(self.function.tensors), label, shape=tensor.shape)
            self.function.tensors.append(copy)
            copy.dims = self.own_sizes(copy, len(tensor.dims)) or tensor.dims
            inputs.append(copy)
        return inputs


def size_name(tensor: Tensor, letter: str) -> str:
    """The variable for a tensor's size along an axis, or for its number of channels."""
    return f"§{tensor.number}.{letter}"
