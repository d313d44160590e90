"""Slices that cut a tensor into parts become one call: `a, b = x.chunk(2, dim=1)`, or `split` with sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from cnnspec.lower.call import Call
from cnnspec.lower.program import Tensor
from cnnspec.lower.symbolic import Const, Unclear, apply, value
from cnnspec.targets.torch.plan import If, Item, PlanStep


def split(items: list[Item], envs: Sequence[Mapping[str, Any]]) -> list[Item]:
    """The items with one step for slices that are all parts of their input, in every use."""
    slices: dict[Tensor, list[PlanStep]] = {}
    for item in items:
        if isinstance(item, If):
            item.then, item.otherwise = split(item.then, envs), split(item.otherwise, envs)
        elif item.word == "slice":
            slices.setdefault(item.sources[0], []).append(item)
    for source, parts in slices.items():
        if len(parts) < 2 or not source.dims:
            continue
        bounds = [
            tuple(node for _, node in part.piece.arguments) for part in parts if isinstance(part.piece, Call)
        ]
        call = None
        if all(_equal(source, parts, env) for env in envs):
            call = Call("chunk", ((None, Const(len(parts))),))
        elif bounds[0][0] == Const(0) and bounds[-1][1] == source.dims[0]:
            if all(one[1] == other[0] for one, other in pairwise(bounds)):
                call = Call("split", tuple((None, apply("-", high, low)) for low, high in bounds))
        if call is not None:
            outputs = [part.outputs[0] for part in parts]
            step = PlanStep(parts[0].name, [source], outputs, parts[0].op, call)
            items[items.index(parts[0])] = step
            items = [item for item in items if item not in parts]
    return items


def _equal(source: Tensor, parts: Sequence[PlanStep], env: Mapping[str, Any]) -> bool:
    """Whether the slices are the source's channels in equal parts, in order."""
    channels = source.dims[0] if source.dims else None
    try:
        total = None if channels is None else value(channels, env)
        bounds = [
            [value(node, env) for _, node in part.piece.arguments]
            for part in parts
            if isinstance(part.piece, Call)
        ]
    except Unclear:
        return False
    size = bounds[0][-1]
    return total == size * len(parts) and bounds == [
        [number * size, (number + 1) * size] for number in range(len(parts))
    ]
