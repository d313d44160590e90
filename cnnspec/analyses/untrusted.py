"""Checks an untrusted graph from JSON: is it a valid network, and within the limits for specs?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cnnspec.analyses.shapes import shapes
from cnnspec.analyses.weights import too_many_weights, weights
from cnnspec.diagnostics import Diagnostic, Span
from cnnspec.elaborate.limits import PASSES, Limits
from cnnspec.elaborate.reserved import attribute_name
from cnnspec.ir.graph import Graph, Hole, Layer, Region
from cnnspec.ir.template import IfSite, LetSite, Site, Template
from cnnspec.ir.verify import verify
from cnnspec.ir.verify_templates import TooMuch
from cnnspec.ops.base import written_shape

NOWHERE = Span(0, 0)
MOST_FAULTS = 20
STEPS = 8
"""Steps that may be compared for each step that a spec may have: of a run of equal passes, three are
compared."""


def refusals(graph: Graph, limits: Limits) -> list[Diagnostic]:
    """Why no program can be made from a graph; empty where it is valid and within the limits."""
    for check in (_sizes, _ifs, _faults, _depth, _layers, _handed, _weights):
        if findings := list(check(graph, limits)):
            return findings
    return []


def _sizes(graph: Graph, limits: Limits) -> Iterator[Diagnostic]:
    """E604 for a tensor or an argument that is too large."""
    most = limits.dimension
    shapes = (shape for body in graph.bodies for shape in body.values if shape)
    layers = (step for body in graph.bodies for step in body.steps if isinstance(step, Layer))
    large = [(f"a tensor of {written_shape(shape)}", NOWHERE) for shape in shapes if max(shape) > most]
    large += [
        (f"an argument of {layer.op.word}", layer.span) for layer in layers if _largest(dict(layer.op)) > most
    ]
    for what, span in large[:1]:
        message = f"{what} is larger than the {most:,} allowed"
        yield Diagnostic("E604", message, span, help="no tensor can be so large")


def _largest(value: Any) -> int:
    """The largest whole number in the fields of a layer."""
    if isinstance(value, dict):
        return _largest(tuple(value.values()))
    if isinstance(value, tuple):
        return max(map(_largest, value), default=0)
    return abs(value) if isinstance(value, int) else 0


def _ifs(graph: Graph, limits: Limits) -> Iterator[Diagnostic]:
    """E602, before any other function recurses into the `if`s of a template."""
    if any(depth > limits.depth for template in graph.templates for depth in _if_depths(template).values()):
        yield _too_deep(limits)


def _too_deep(limits: Limits) -> Diagnostic:
    return Diagnostic(
        "E602",
        f"blocks, groups and `if`s are more than {limits.depth} deep in one another",
        NOWHERE,
        help="flatten the nesting, or raise `depth` in `limits`, to 200 at most",
    )


def _if_depths(template: Template) -> dict[int, int]:
    """The nesting depth of each site in `if`s; under -1, the largest depth."""
    depths = {-1: 0}
    waiting: list[tuple[Iterable[Site], int]] = [(template.sites, 0)]
    while waiting:
        sites, depth = waiting.pop()
        depths[-1] = max(depths[-1], depth)
        for site in sites:
            if isinstance(site, IfSite):
                waiting += [(site.then, depth + 1), (site.otherwise, depth + 1)]
            elif not isinstance(site, LetSite):
                depths[site.site] = depth
    return depths


def _faults(graph: Graph, limits: Limits) -> Iterator[Diagnostic]:
    """E802 for everything that is invalid; E607 where checking would take too long."""
    try:
        faults = verify(graph, most=STEPS * limits.work)
    except TooMuch:
        yield Diagnostic(
            "E607",
            f"the uses of this graph's templates have more than {STEPS * limits.work:,} steps",
            NOWHERE,
            help="raise `work` in `limits`",
        )
        return
    holes = [step for body in graph.bodies for step in body.steps if isinstance(step, Hole)]
    faults += [f"the step {hole.text!r} could not be evaluated" for hole in holes]
    if not holes:
        faults += [
            f"body {n} has unknown shapes" for n, body in enumerate(graph.bodies) if None in body.values
        ]
    faults += [f"a step is named {name!r}, which is PyTorch's own" for name in sorted(_reserved(graph))]
    for fault in faults[:MOST_FAULTS]:
        yield Diagnostic("E802", f"this graph is not a network: {fault}", NOWHERE)


def _reserved(graph: Graph) -> set[str]:
    """Names that the elaborator never gives to a step, because they have a meaning in programs."""
    steps = [step for body in graph.bodies for step in body.steps]
    names = {step.name for step in steps} | {getattr(step, "shared", None) for step in steps}
    return {name for name in names if name and attribute_name(name) != name}


def _depth(graph: Graph, limits: Limits) -> Iterator[Diagnostic]:
    """E602 for bodies that are nested too deeply; inner bodies come first."""
    ifs = [_if_depths(template) for template in graph.templates]
    depths: list[int] = []
    for body in graph.bodies:
        within = ifs[body.template]
        regions = [step for step in body.steps if isinstance(step, Region)]
        inner = [within[step.site] + 1 + depths[one.body] for step in regions for one in step.passes]
        depths.append(max(within[-1], *inner, 0))
    if depths[-1] > limits.depth:
        yield _too_deep(limits)


def _layers(graph: Graph, limits: Limits) -> Iterator[Diagnostic]:
    """E605 for too many layers after all repeats."""
    layers: list[int] = []
    passes: list[int] = []
    together = PASSES * limits.layers
    for body in graph.bodies:
        regions = [one for step in body.steps if isinstance(step, Region) for one in step.passes]
        own_layers = sum(isinstance(step, Layer) for step in body.steps)
        own_layers += sum(region.count * layers[region.body] for region in regions)
        layers.append(min(own_layers, limits.layers + 1))
        passes.append(min(sum(region.count * (passes[region.body] + 1) for region in regions), together + 1))
    for count, most, unit in (
        (layers[-1], limits.layers, "layers"),
        (layers[-1] + passes[-1], together, "layers and passes"),
    ):
        if count > most:
            yield Diagnostic(
                "E605",
                f"this graph has more than the {most:,} {unit} allowed",
                NOWHERE,
                help="raise `layers` in `limits` if the network is meant to be so deep",
            )
            return


def _handed(graph: Graph, limits: Limits) -> Iterator[Diagnostic]:
    """E607 for too many passes with several tensors: such passes are processed one by one."""
    regions = [step for body in graph.bodies for step in body.steps if isinstance(step, Region)]
    several = [region for region in regions if region.kind == "repeat" and region.outputs > 1]
    if sum(one.count for region in several for one in region.passes) > limits.work:
        yield Diagnostic(
            "E607",
            f"this graph has more than {limits.work:,} passes with several tensors",
            NOWHERE,
            help="raise `work` in `limits`",
        )


def _weights(graph: Graph, limits: Limits) -> Iterator[Diagnostic]:
    over = too_many_weights(graph, weights(graph, shapes(graph)), limits.weights)
    if over is not None:
        yield over
