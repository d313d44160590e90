"""The IR made ready for torch: what torch wants said and the language leaves out.

`fc` takes a C x 1 x 1 volume as the vector that it is; nn.Linear does not, so a flatten is put before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from cnnspec.ir.graph import Body, Graph, Layer, Region, Step
from cnnspec.ops import load_op
from cnnspec.targets.torch.renumber import renumbered


def prepared(graph: Graph) -> Graph:
    """The graph with a flatten before each `fc` that gets a volume and has a place before it."""
    bodies = tuple(_flattened(body) for body in graph.bodies)
    return graph.model_copy(update={"bodies": bodies})


def _flattened(body: Body) -> Body:
    if not any(_wants(body, step) for step in body.steps):
        return body
    taken = {step.name for step in body.steps}
    names = (name for name in _flatten_names() if name not in taken)
    number: dict[int, int] = {value: value for value in range(body.inputs)}
    values = list(body.values[: body.inputs])
    steps: list[Step] = []
    old = body.inputs
    where: dict[int, int] = {}
    for index, step in enumerate(body.steps):
        where[index] = len(steps)
        inputs = tuple(number[value] for value in step.inputs)
        update: dict[str, object] = {"inputs": inputs}
        if isinstance(step, Layer):
            if step.arms:
                update["arms"] = tuple(
                    arm.model_copy(update={"value": None if arm.value is None else number[arm.value]})
                    for arm in step.arms
                )
            if _wants(body, step):
                shape = body.values[step.inputs[0]]
                assert shape is not None
                flatten = Layer(
                    name=next(names),
                    op=load_op({"op": "flatten"}),
                    inputs=inputs,
                    guards=step.guards,
                    span=step.span,
                )
                steps.append(flatten)
                update["inputs"] = (len(values),)
                values.append((shape[0],))
        steps.append(step.model_copy(update=update))
        for _ in range(step.outputs if isinstance(step, Region) else 1):
            number[old] = len(values)
            values.append(body.values[old])
            old += 1
    where[len(body.steps)] = len(steps)
    return renumbered(body, steps, values, number, where)


def _flatten_names() -> Iterator[str]:
    yield "flatten"
    yield from (f"flatten{number}" for number in count(2))


def _wants(body: Body, step: object) -> bool:
    if not isinstance(step, Layer) or step.op.word != "fc" or not step.name:
        return False
    shape = body.values[step.inputs[0]]
    return shape is not None and len(shape) == 3
