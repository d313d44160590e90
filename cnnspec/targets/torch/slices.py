"""Slices as `forward` writes them. A number of theirs that is no constant is kept in an attribute:
`x[:, : self.high]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnnspec.elaborate.reserved import MODULE_ATTRIBUTES
from cnnspec.lower.call import Call
from cnnspec.lower.names import Namer
from cnnspec.lower.symbolic import Apply, Const, Node, Var, python
from cnnspec.lower.writer import Group
from cnnspec.targets.torch.plan import Plan, PlanStep


class Cut(NamedTuple):
    """A slice or split with numbers that depend on the constructor's arguments: `text` is what `forward` has
    for them, `names` and `values` are the attributes."""

    text: str
    names: tuple[str, ...]
    values: tuple[str | Group, ...]


def cuts(plan: Plan) -> dict[PlanStep, Cut]:
    """Those of a plan that becomes a class with a forward of its own."""
    namer = Namer(MODULE_ATTRIBUTES | {step.name for step in plan.steps})
    cuts_: dict[PlanStep, Cut] = {}
    held: dict[Node, str] = {}
    for step in plan.steps:
        if not isinstance(step.piece, Call) or step.piece.function not in ("Slice", "split"):
            continue
        numbers = [node for _, node in step.piece.arguments if isinstance(node, Const | Apply | Var)]
        if all(isinstance(node, Const) for node in numbers):
            continue
        if step.piece.function == "split":
            name = namer.take("sizes")
            cuts_[step] = Cut(f"self.{name}", (name,), (Group("[", tuple(map(python, numbers)), "]"),))
        else:
            cuts_[step] = _bounds(step, numbers, namer, held)
    return cuts_


def _bounds(step: PlanStep, numbers: Sequence[Node], namer: Namer, held: dict[Node, str]) -> Cut:
    """The bounds of a slice; `held` are the attributes that there are, by their values."""
    dims = step.sources[0].dims
    open_ends = (Const(0), dims[0] if dims else None)
    texts: list[str] = []
    own: list[Node] = []
    for word, node, end in zip(("low", "high"), numbers, open_ends, strict=True):
        if node == end:
            texts.append("")
        elif isinstance(node, Const):
            texts.append(python(node))
        else:
            if node not in held:
                held[node] = namer.take(node.name if isinstance(node, Var) else word)
                own.append(node)
            texts.append(f"self.{held[node]}")
    return Cut(" : ".join(texts).strip(), tuple(held[node] for node in own), tuple(map(python, own)))
