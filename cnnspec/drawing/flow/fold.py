"""From templates to diagrams: blocks and repeats stay folded, layers keep the author's expressions.

A walk over the sites of a template handles all its bodies at once. A number that is equal in all of them is
shown as a number, any other as the author's expression; a panel shows expressions throughout. A block that is
a single box (`conv -> bn -> relu`, a repeat of another block) is replaced by that box."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cnnspec.drawing.flow.arguments import call_arguments, parameters, same, short
from cnnspec.drawing.flow.bodies import Bodies, dimensions, values_of
from cnnspec.drawing.flow.chains import compacted
from cnnspec.drawing.flow.diagram import Diagram, Edge, Figure, Node, Runs, TooLarge
from cnnspec.drawing.flow.labels import block_node, layer_node
from cnnspec.drawing.flow.names import shape_text
from cnnspec.drawing.flow.reads import Reads, steps
from cnnspec.drawing.flow.scope import Scope, Value
from cnnspec.drawing.flow.single import Single
from cnnspec.drawing.flow.symbols import joined, negated, plain, spelled, substituted, symbol
from cnnspec.drawing.options import Options
from cnnspec.ir.expr import Const, Expr
from cnnspec.ir.graph import Block, Graph, Layer, Region
from cnnspec.ir.template import IfSite, LayerSite, LetSite, RegionSite, Site, SlotSite, Template
from cnnspec.ir.uses import Mismatch, input_places

MOST_BOXES = 3_000
"""The most boxes of a figure: a larger one could be neither read nor printed."""


def folded(graph: Graph, options: Options) -> Figure:
    """The network's diagram and the diagrams of its blocks, in the order in which they first occur."""
    return _Folder(graph, options).figure()


class _Folder:
    def __init__(self, graph: Graph, options: Options) -> None:
        self.graph = graph
        self.options = options
        self.bodies = Bodies(graph)
        self.blocks = {block.name: block for block in graph.blocks}
        self.single = Single(graph, frozenset(options.collapse))
        self.panels: dict[int, None] = {}
        self.boxes = 0
        self.reads = Reads(graph)

    # --- diagrams ---------------------------------------------------------------------------------------

    def figure(self) -> Figure:
        graph = self.graph
        root = len(graph.bodies) - 1
        scope = self.scope(graph.root.template, (root,), {}, Diagram(plain(graph.name)), symbolic=False)
        for place, name in enumerate(graph.inputs):
            shape = shape_text(graph.root.values[place])
            text = plain(f"{name if len(graph.inputs) > 1 else 'input'} {shape}")
            node = Node("input", name, text, fill="input", shapes=(shape,))
            scope.values[place] = Value(self.add(scope, node), (place,))
        self.walk(scope.template.sites, scope)
        network = self.finished(scope, graph.outputs)
        done: list[Diagram] = []
        while self.options.panels and len(done) < len(self.panels):  # a panel may add further panels
            done.append(self.panel([*self.panels][len(done)]))
        return Figure(graph.name, graph.title, network, done)

    def panel(self, number: int) -> Diagram:
        template = self.graph.templates[number]
        block = self.blocks[template.block or ""]
        parameters = joined(
            ", ", [symbol(parameter.name) for parameter in block.parameters if parameter.kind != "tensor"]
        )
        title = joined("", [plain(f"{block.name}("), parameters, plain(")")])
        scope = self.scope(number, self.bodies.of(number), {}, Diagram(title), symbolic=True)
        self.ports(scope)
        self.walk(scope.template.sites, scope)
        return self.finished(scope, [*scope.template.exported])

    def scope(
        self, number: int, bodies: tuple[int, ...], names: dict[str, Expr], diagram: Diagram, *,
        symbolic: bool, path: str = "", depth: int = 0,
    ) -> Scope:  # fmt: skip
        return Scope(self.graph.templates[number], bodies, names, diagram, symbolic, path, depth)

    def finished(self, scope: Scope, names: Sequence[str]) -> Diagram:
        """The diagram with its outputs; several outputs are boxes with their names."""
        _template, diagram = scope.template, scope.diagram
        results = scope.results()
        diagram.outputs = [edge for edge in results if edge is not None]
        if len(results) > 1:
            for place, edge in enumerate(results):
                if edge is not None:
                    label = diagram.nodes[edge.source].labels.get(edge.port, f"output {place + 1}")
                    name = names[place] if len(names) == len(results) else label
                    self.add(scope, Node("output", name, plain(name), inputs=[edge], fill="input"))
            diagram.outputs = []
        return compacted(diagram)

    def ports(self, scope: Scope) -> None:
        """Adds the inputs of a diagram inside another."""
        places = self.places(scope.template, scope.bodies)
        several = len(scope.template.inputs) > 1
        for place, name in enumerate(scope.template.inputs):
            node = Node("port", name or "x", symbol(name or "x"), fill="input")
            there = place in self.reads.of(scope.template) or not several
            scope.values[place] = Value(self.add(scope, node) if there else None, places[place])

    def places(self, template: Template, bodies: tuple[int, ...]) -> list[tuple[int | None, ...]]:
        """The number of each input in each body."""
        maps = []
        for number in bodies:
            try:
                maps.append(input_places(template, self.graph.bodies[number]))
            except Mismatch:
                maps.append({})
        return [tuple(map_.get(place) for map_ in maps) for place in range(len(template.inputs))]

    def add(self, scope: Scope, node: Node) -> Edge:
        self.boxes += 1
        if self.boxes > MOST_BOXES:
            raise TooLarge(f"more than {MOST_BOXES:,} boxes")
        scope.diagram.nodes.append(node)
        return Edge(len(scope.diagram.nodes) - 1)

    # --- sites ------------------------------------------------------------------------------------------

    def walk(self, sites: Iterable[Site], scope: Scope) -> None:
        for site in sites:
            match site:
                case LetSite():
                    scope.names[site.name] = short(self.number(site.value, scope, site.at), site.name)
                case LayerSite():
                    self.layer(site, scope)
                case RegionSite():
                    self.region(site, scope)
                case SlotSite():
                    self.slot(site, scope)
                case IfSite():
                    self.decide(site, scope)
        for label, value in scope.template.labels.items():
            if (
                not label.endswith("'")
                and value in scope.values
                and (edge := scope.values[value].edge) is not None
            ):
                scope.diagram.nodes[edge.source].labels.setdefault(edge.port, label)

    def number(self, node: Expr, scope: Scope, at: int | None) -> Expr:
        """An expression with all names replaced whose value is known here."""
        names: dict[str, Expr] = dict(scope.names)
        if at is not None and at in scope.values and not scope.symbolic:
            shape = self.bodies.shape(scope.bodies, scope.values[at].at)
            names |= {name: Const(size) for name, size in dimensions(shape).items()} if shape else {}
        return substituted(node, names)

    def give(self, scope: Scope, value: int, edge: Edge | None, at: dict[int, int]) -> None:
        places = tuple(at.get(place) for place in range(len(scope.bodies)))
        scope.values[value] = Value(edge, places)
        if edge is None or scope.symbolic:
            return
        node, shape = scope.diagram.nodes[edge.source], self.bodies.shape(scope.bodies, places)
        if len(node.shapes) == edge.port:
            node.shapes = (*node.shapes, shape_text(shape))

    def layer(self, site: LayerSite, scope: Scope) -> None:
        uses = list(self.bodies.at(scope.bodies, site.site))
        layers = [use.step for use in uses if isinstance(use.step, Layer)]
        if not layers:
            return None
        at = {use.place: use.output for use in uses}
        inputs = scope.read(site.inputs)
        if len(inputs) == 1 and (layers[0].op.word == "id" or layers[0].op.operator):
            return self.give(scope, site.output, inputs[0], at)
        names = dict(scope.names)
        node = layer_node(site, layers, names, scope.symbolic)
        node.inputs = inputs
        node.name = scope.path + node.name
        self.give(scope, site.output, self.add(scope, node), at)
        return None

    def decide(self, site: IfSite, scope: Scope) -> None:
        condition = self.number(site.condition, scope, site.at)
        sides = {True: site.then, False: site.otherwise}
        taken = [side for side, sites in sides.items() if self.runs(sites, scope)]
        if isinstance(condition, Const):
            taken = [bool(condition.value)]
        for side in taken:
            self.walk(sides[side], scope)
        nothing = Value(None, (None,) * len(scope.bodies))
        for value, join in site.joins.items():
            both = {True: join.then, False: join.otherwise}
            by_side = {
                side: scope.values.get(-1 if (inner := both[side]) is None else inner, nothing)
                for side in taken
            }
            scope.values[value] = self.joined(scope, condition, by_side)

    def joined(self, scope: Scope, condition: Expr, sides: dict[bool, Value]) -> Value:
        """The value after an `if`."""
        if len(sides) == 1:
            return next(iter(sides.values()))
        then, otherwise = sides[True], sides[False]
        at = tuple(a if a is not None else b for a, b in zip(then.at, otherwise.at, strict=True))
        yes, no = _if(condition), _if(negated(condition))
        if then.edge is None or otherwise.edge is None or then.edge == otherwise.edge:
            there, when = (then, yes) if then.edge is not None else (otherwise, no)
            edge = there.edge
            if edge is None or then.edge == otherwise.edge:
                return Value(edge, at)
            return Value(edge._replace(condition=edge.condition or when), at)
        inputs = [then.edge._replace(condition=yes), otherwise.edge._replace(condition=plain("otherwise"))]
        return Value(self.add(scope, Node("choice", "if", inputs=inputs)), at)

    def runs(self, sites: Iterable[Site], scope: Scope) -> bool:
        """Whether some body takes this side; a side without layers counts as possible."""
        numbers = [site.site for site in steps(sites)]
        return not numbers or any(any(self.bodies.at(scope.bodies, site)) for site in numbers)

    # --- regions ----------------------------------------------------------------------------------------

    def region(self, site: RegionSite, scope: Scope) -> None:
        uses = list(self.bodies.at(scope.bodies, site.site))
        regions = [one.step for one in uses if isinstance(one.step, Region)]
        if not regions:
            edges = scope.read(site.inputs[:1])
            if site.times is not None and edges:  # without a pass the input is the output
                for value, input_value in zip(site.outputs, site.inputs, strict=False):
                    scope.values[value] = scope.values[input_value]
            return
        if site.kind in ("block", "shared"):
            edges_out = self.use(site, scope, regions)
        elif site.kind == "repeat" and {sum(one.count for one in region.passes) for region in regions} != {1}:
            edges_out = self.repeat(site, scope, regions)
        else:
            names = scope.names | ({"i": Const(0)} if site.kind == "repeat" else {})
            edges_out = self.inlined(site, scope, regions, names)
        inner = self.graph.templates[site.template]
        if site.each:  # the outputs of every pass leave the one pass that is drawn
            first = len(inner.outputs) - site.each
            edges_out = edges_out[:first] + edges_out[first:] * ((len(site.outputs) - first) // site.each)
        for place, (value, edge) in enumerate(zip(site.outputs, edges_out, strict=False)):
            at: dict[int, int] = {}
            for use in uses:
                outputs = values_of(use.step, use.output)
                if place and inner.exported:
                    body = self.graph.bodies[use.step.passes[-1].body]  # type: ignore[union-attr]
                    label = inner.exported[place - 1]
                    outputs = (
                        outputs[1 + body.exported.index(label) :] if label in body.exported else outputs[:0]
                    )
                    at |= {use.place: outputs[0]} if outputs else {}
                elif place < len(outputs):
                    at[use.place] = outputs[place]
            self.give(scope, value, edge, at)

    def inlined(
        self, site: RegionSite, scope: Scope, regions: list[Region], names: dict[str, Expr]
    ) -> list[Edge | None]:
        """The region's boxes, in the diagram around it."""
        inner = self.inside(site, scope, regions, names, scope.diagram)
        places = self.places(inner.template, inner.bodies)
        for place, value in enumerate(site.inputs):
            inner.values[place] = Value(scope.edge(value), places[place])
        self.walk(inner.template.sites, inner)
        return inner.results()

    def inside(
        self, site: RegionSite, scope: Scope, regions: list[Region], names: dict[str, Expr], into: Diagram
    ) -> Scope:
        path = f"{scope.path}{regions[0].name}." if regions[0].name else scope.path
        depth = scope.depth + (site.kind in ("block", "shared"))
        inner = self.scope(
            site.template, Bodies.passes(regions), dict(names), into,
            symbolic=scope.symbolic, path=path, depth=depth,
        )  # fmt: skip
        one = len(regions) == 1 and len(inner.bodies) == len(regions[0].passes)
        return replace(inner, in_order=one if site.kind == "repeat" else scope.in_order)

    def repeat(self, site: RegionSite, scope: Scope, regions: list[Region]) -> list[Edge | None]:
        """One pass with the number of passes: a box, or a frame around several boxes."""
        counts = {sum(one.count for one in region.passes) for region in regions}
        times = self.number(site.times or Const(1), scope, site.inputs[0] if site.inputs else None)
        if len(counts) == 1 and not (scope.symbolic and not isinstance(times, Const)):
            times = Const(counts.pop())
        names = {name: node for name, node in scope.names.items() if name != "i"}
        return self.framed(site, scope, self.inside(site, scope, regions, names, Diagram(())), spelled(times))

    def framed(self, site: RegionSite, scope: Scope, inner: Scope, times: Runs) -> list[Edge | None]:
        self.ports(inner)
        self.walk(inner.template.sites, inner)
        results = inner.results()
        diagram = inner.diagram
        diagram.outputs = [edge for edge in results if edge is not None]
        diagram = compacted(diagram)
        boxes = [node for node in diagram.nodes if node.kind != "port"]
        inputs = scope.read(self.reads.by(site))
        if len(boxes) == 1 and not boxes[0].times and len(boxes[0].inputs) == len(inputs) == 1:
            node = _of_all(boxes[0], inputs, times)
        else:
            node = Node(
                "frame", inner.path.rstrip("."), diagram.title, inputs=inputs, times=times, inner=diagram
            )
        edge = self.add(scope, node)
        return [None if result is None else edge._replace(port=place) for place, result in enumerate(results)]

    def use(self, site: RegionSite, scope: Scope, regions: list[Region]) -> list[Edge | None]:
        """A block: its box, or its contents."""
        block = self.blocks[self.graph.templates[site.template].block or ""]
        options = self.options
        expanded = block.name in options.expand or (scope.depth < options.levels and not scope.symbolic)
        if block.name not in options.collapse and (expanded or self.single.block(site.template)):
            names = parameters(block, site, scope, regions)
            if not expanded:
                return self.inlined(site, scope, regions, names)
            inner = self.inside(site, scope, regions, names, Diagram(self.title(block, site, scope, regions)))
            if len(site.inputs) > 1 or len(site.outputs) > 1 or self.single.chain(site.template):
                return self.inlined(site, scope, regions, names)
            return self.framed(site, scope, inner, ())
        self.panels[site.template] = None
        node = block_node(self.graph, block, site, regions, call_arguments(site, scope), scope.in_order)
        node.inputs = scope.read(self.reads.by(site))
        node.name = scope.path + node.name
        edge = self.add(scope, node)
        return [edge._replace(port=place) for place in range(len(site.outputs))]

    def title(self, block: Block, site: RegionSite, scope: Scope, regions: list[Region]) -> Runs:
        return block_node(self.graph, block, site, regions, call_arguments(site, scope), scope.in_order).text

    def slot(self, site: SlotSite, scope: Scope) -> None:
        """A layer parameter: the layers passed for it where these are always the same, else its name."""
        uses = list(self.bodies.at(scope.bodies, site.site))
        regions = [use.step for use in uses if isinstance(use.step, Region)]
        at = {use.place: use.output for use in uses}
        bodies = Bodies.passes(regions)
        templates = {self.graph.bodies[number].template for number in bodies}
        inputs = scope.read(site.inputs)
        if scope.symbolic or len(templates) != 1:
            node = Node("small", scope.path + site.name, symbol(site.parameter), inputs=inputs, fill="norm")
            return self.give(scope, site.output, self.add(scope, node), at)
        argument_names = dict.fromkeys(name for region in regions for name in region.arguments)
        names = {name: same(regions, name) for name in argument_names}
        inner = self.scope(
            templates.pop(), bodies, names, scope.diagram,
            symbolic=False, path=f"{scope.path}{site.name}.", depth=scope.depth,
        )  # fmt: skip
        edge = inputs[0] if inputs else None
        for place, places in enumerate(self.places(inner.template, bodies)):
            inner.values[place] = Value(edge, places)
        self.walk(inner.template.sites, inner)
        self.give(scope, site.output, inner.results()[0], at)
        return None


def _of_all(node: Node, inputs: list[Edge], times: Runs) -> Node:
    """The box of a pass as the box of all passes."""
    return replace(node, inputs=inputs, times=times, shapes=(), labels={})


def _if(condition: Expr) -> Runs:
    return joined("", [plain("if "), spelled(condition)])
