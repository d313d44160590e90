"""The invariants of the IR, which every stage may assume and must guarantee.

`verify` is for tests and for graphs read from JSON; it describes each fault in a sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from keyword import iskeyword

from cnnspec.ir.graph import (
    Body,
    Claim,
    Graph,
    Hole,
    Layer,
    Region,
    Step,
    collected,
    handed,
    handed_on,
    outputs_of,
    places,
    region_outputs,
)
from cnnspec.ir.verify_templates import MOST, template_faults
from cnnspec.ops.base import AXES, Misfit, Shape


def verify(graph: Graph, most: int = MOST) -> list[str]:
    """The faults of a graph, one sentence each; empty if there are none. Raises `TooMuch` if the uses of its
    templates have more than `most` steps."""
    faults: list[str] = []
    if not graph.bodies:
        return ["there is no body"]
    if len(graph.inputs) != graph.root.inputs:
        faults.append(f"{len(graph.inputs)} names for {graph.root.inputs} inputs of the model")
    if len(graph.outputs) != len(graph.root.outputs):
        faults.append(f"{len(graph.outputs)} names for {len(graph.root.outputs)} outputs of the model")
    for kind, names in (("input", graph.inputs), ("output", graph.outputs)):
        faults += (f"two {kind}s are named {name!r}" for name in _twice(names))
    for number, body in enumerate(graph.bodies):
        faults += (f"body {number}: {fault}" for fault in _body(graph, number, body))
    faults += (f"{fault}" for claim in graph.claims for fault in _claim(graph.root, claim))
    faults += _unreached(graph)
    if not faults:  # bodies come before those that run them, values before the steps that read them
        faults += _shared(graph)
    if not faults and not any(isinstance(step, Hole) for body in graph.bodies for step in body.steps):
        faults += template_faults(graph, most)
    return faults


def _body(graph: Graph, number: int, body: Body) -> Iterator[str]:
    values = body.inputs + sum(outputs_of(step) for step in body.steps)
    if values != len(body.values):
        yield f"{len(body.values)} shapes for {values} values"
        return
    for value, shape in enumerate(body.values):
        if shape is not None and not _is_volume(shape):
            yield f"value {value} has no shape of a volume: {shape}"
    for value in (*body.outputs, *body.labels.values()):
        if not 0 <= value < values:
            yield f"there is no value {value} to give"
    for name in _twice([step.name for step in body.steps if step.name]):
        yield f"two steps are named {name!r}"
    if words := [step.name for step in body.steps if iskeyword(step.name)]:
        yield f"steps have words of Python's own for names: {words}"
    if len(body.steps) > 1 and any(not step.name for step in body.steps):
        yield "a step without a name has others beside it"
    for place in places(body):
        for fault in _step(graph, number, body, place.step, place.output):
            yield f"step {place.index} ({place.step.name or place.step.kind}): {fault}"
    for claim in body.claims:
        yield from _claim(body, claim)


def _is_volume(shape: Shape) -> bool:
    return 1 <= len(shape) <= 1 + len(AXES) and min(shape) >= 1


def _step(graph: Graph, number: int, body: Body, step: Step, output: int) -> Iterator[str]:
    if early := [value for value in step.inputs if not 0 <= value < output]:
        yield f"reads {early} before they are made"
        return
    inputs = [body.values[value] for value in step.inputs]
    if isinstance(step, Region):
        yield from _region(graph, number, step, inputs, body.values[output : output + step.outputs])
    elif isinstance(step, Layer):
        yield from _layer(body, step, inputs, output)
    elif body.values[output] is not None and not _claimed(body, output):
        yield "a hole has a shape"


def _layer(body: Body, layer: Layer, inputs: Sequence[Shape | None], output: int) -> Iterator[str]:
    out = body.values[output]
    required = max(len(layer.inputs), 1) if layer.op.merges else _inputs(layer)
    if len(layer.inputs) != required:
        yield f"{len(layer.inputs)} inputs where {required} belong"
        return
    known = tuple(shape for shape in inputs if shape is not None)
    if len(known) < len(inputs):
        if out is not None and not _claimed(body, output):
            yield "gives a known shape for an input of unknown shape"
        return
    if not all(map(_is_volume, known)):
        return  # reported at its origin; a layer's rules need known shapes
    answer = layer.op.out(*known)
    if not isinstance(answer, Misfit) and answer != out:
        yield f"puts out {answer}, but its value is {out}"
    if isinstance(answer, Misfit) and out is not None and not _claimed(body, output):
        yield f"has the shape {out}, but {answer.message}"


def _inputs(layer: Layer) -> int:
    """The number of tensors that a layer (not a merge) reads: its input, and those that it names."""
    return 1 + sum(bool(getattr(layer.op, field)) for field in layer.op.tensors)


def _region(
    graph: Graph, number: int, region: Region, inputs: Sequence[Shape | None], outs: Sequence[Shape | None]
) -> Iterator[str]:
    if region.kind != "repeat" and [one.count for one in region.passes] != [1]:
        yield f"a {region.kind} has one pass, not {[one.count for one in region.passes]}"
        return
    if (region.kind == "shared") != (region.shared is not None):
        yield "only uses of shared blocks, and all of them, name their common attribute"
    if not region.passes:
        yield "has no pass"
        return
    if region.inner and region.block is None:
        yield f"a {region.kind} is not a block that is defined in another"
    if (region.kind in ("block", "shared")) != (region.block is not None):
        yield f"a {region.kind} names {region.block or 'no block'}"
    if region.block is not None:
        heads = [block for block in graph.blocks if block.name == region.block]
        if len(heads) != 1:
            yield f"{len(heads)} blocks are named {region.block!r}"
        elif heads[0].inner != region.inner or heads[0].shared != (region.shared is not None):
            yield f"uses block {region.block!r} as what it is not"
        elif wrong := set(region.arguments) ^ {
            p.name for p in heads[0].parameters if p.kind not in _NO_VALUES
        }:
            yield f"gives block {region.block!r} too much or too little: {sorted(wrong)}"
    if region.each and (region.kind != "repeat" or handed(region) < 1 or region.outputs > MOST_OUTPUTS):
        yield f"a {region.kind} with {region.outputs} values collects {region.each} a pass"
        return
    passed, gathered = list(inputs), list[Sequence[Shape | None]]()
    for place, one in enumerate(region.passes):
        if one.count < 1:
            yield f"pass {place} is done {one.count} times"
        if not 0 <= one.body < number:
            yield f"runs body {one.body}, which does not come before"
            return
        body = graph.bodies[one.body]
        takes, gives = body.values[: body.inputs], len(body.outputs)
        required = handed(region) + region.each
        if len(takes) != len(passed) or gives != required or not _agree(passed, takes):
            yield (
                f"runs body {one.body} on {passed} for {required} values; it takes {list(takes)} and "
                f"gives {gives}"
            )
            return
        results = [body.values[value] if value < len(body.values) else None for value in body.outputs]
        if region.kind == "repeat" and handed(region) > len(passed):
            yield f"a pass gives {handed(region)} values to one that takes {len(passed)}"
            return
        if one.count > 1 and not _agree(results[: handed(region)], passed[: handed(region)]):
            yield f"body {one.body} cannot follow itself: it takes {passed} and gives {results}"
        passed = handed_on(region, passed, results)
        for _ in range(one.count if region.each else 1):
            gathered = collected(region, gathered, results)
    if not _agree(region_outputs(region, gathered), outs):
        yield f"gives {region_outputs(region, gathered)}, but its values are {list(outs)}"


_NO_VALUES = ("tensor", "layer")
MOST_OUTPUTS = 2_000


def _agree(one: Sequence[Shape | None], other: Sequence[Shape | None]) -> bool:
    """Whether the shapes are equal, as far as they are known."""
    return all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))


def _claim(body: Body, claim: Claim) -> Iterator[str]:
    if not (0 <= claim.first <= claim.last <= len(body.steps) and 0 <= claim.value < len(body.values)):
        yield f"claim {claim.text!r} is about nothing"
    if (claim.shape is None) == (claim.number is None):
        yield f"claim {claim.text!r} has no value, or two"


def _claimed(body: Body, value: int) -> bool:
    """After a line in error the check continues from the shape that the line claims."""
    return any(claim.value == value and claim.shape == body.values[value] for claim in body.claims)


def _unreached(graph: Graph) -> Iterator[str]:
    regions = [step for body in graph.bodies for step in body.steps if isinstance(step, Region)]
    unused = set(range(len(graph.bodies) - 1)).difference(one.body for step in regions for one in step.passes)
    yield from (f"body {number} is used nowhere" for number in sorted(unused))


def _shared(graph: Graph) -> Iterator[str]:
    """Uses of one shared block have the same steps with the same weights, if not the same H and W."""
    numbers: dict[object, int] = {}
    held: list[int] = []  # by body: a number for its content, the same for equal content
    for body in graph.bodies:
        held.append(numbers.setdefault(_weights(body, held), len(numbers)))
    first: dict[str, int] = {}
    uses: list[dict[str, int]] = []  # for each body, the weights that belong to the use of a block around it
    blocks = {one.body for step in _regions(graph.bodies) if step.block is not None for one in step.passes}
    for number, body in enumerate(graph.bodies):
        inner: dict[str, int] = {}
        for step in _regions([body]):
            content = held[step.passes[0].body]
            if (
                step.shared is not None
                and (inner if step.inner else first).setdefault(step.shared, content) != content
            ):
                yield f"two uses of the shared {step.shared!r} have different weights"
            for name, one in () if step.block is not None else _inside(step, uses):
                if inner.setdefault(name, one) != one:
                    yield f"two uses of the shared {name!r} have different weights"
        uses.append(inner)
        if number in blocks:
            yield from _beside(body, inner)
    yield from _beside(graph.root, first)
    yield from (f"the shared {name!r} is in no use of a block" for name in uses[-1])


def _regions(bodies: Iterable[Body]) -> Iterator[Region]:
    return (step for body in bodies for step in body.steps if isinstance(step, Region))


def _inside(region: Region, uses: Sequence[dict[str, int]]) -> Iterator[tuple[str, int]]:
    for body in {one.body for one in region.passes}:
        yield from uses[body].items()


def _beside(body: Body, shared: Container[str]) -> Iterator[str]:
    """Steps beside a shared block's weights have other names; those that are uses of one have none there."""
    for step in body.steps:
        if step.kind != "shared" and step.name in shared:
            yield f"the shared {step.name!r} has the name of a step beside it"


def _weights(body: Body, held: Sequence[int]) -> tuple[object, ...]:
    """Names and shapes of the weights in a body, as far as they are known; `held`: the bodies before it."""
    weights: list[object] = []
    for step in body.steps:
        if isinstance(step, Region):
            weights.append((step.name, step.shared, *((held[one.body], one.count) for one in step.passes)))
        elif isinstance(step, Layer):
            known = [shape for value in step.inputs if (shape := body.values[value]) is not None]
            if len(known) == len(step.inputs) and not isinstance(step.op.out(*known), Misfit):
                weights.append((step.name, *((w.name, w.shape) for w in step.op.weights(*known))))
    return tuple(weights)


def _twice(names: Sequence[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
