"""Names for the attributes that hold conditions for `forward`."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.lower.call import Call
from cnnspec.lower.program import Condition, Tensor
from cnnspec.lower.symbolic import Const, Node, Var, python, variables
from cnnspec.targets.torch.pieces import used_in
from cnnspec.targets.torch.plan import If, Item, Plan, PlanStep, asked, ifs_of, steps_of

POOLS = frozenset({"maxpool", "avgpool", "subsample", "blur"})


def condition_name(plan: Plan, condition: Condition) -> str:
    """The author's name for the condition, if there is one. Else the role of the layers under it: a
    `residual` that is added, the `projection` of a shortcut, the `expansion` before a depthwise convolution,
    a `pooling`. Else `has_conv4`, after the first of these layers."""
    if isinstance(condition.node, Var):
        return condition.node.name
    for item in ifs_of(plan.items):
        if item.condition is condition:
            if any(step.word == "add" for step in steps_of(item.then)):
                both = any(step.word == "add" for step in steps_of(item.otherwise))
                return "projection" if both and "!=" in python(condition.node) else "residual"
            for holds, word in ((True, "has"), (False, "without")):
                steps = [step for step in steps_of(item.side(holds)) if step.piece is not None and step.name]
                if steps:
                    role = _role(plan, item, steps) if holds else None
                    return role or f"{word}_{steps[0].name}"
    for step in plan.steps:
        sides = {when[1] for _, when, _ in step.arms if when is not None and when[0] is condition}
        if sides:
            name = "residual" if step.word == "add" else f"full_{step.word}"
            return name if True in sides else f"without_{name.removeprefix('full_')}"
    return "chosen"


def only_conditions(plan: Plan) -> dict[str, Node]:
    """The `let`s that are used as one condition and nowhere else: the attribute replaces the variable."""
    pieces = [step.piece for step in plan.steps if step.piece is not None]
    nodes = [condition.node for condition in asked(plan.items)]
    reads = [name for piece in (*pieces, *nodes) for name in used_in(piece)]
    reads += [name for _, node in plan.lets for name in variables(node)]
    own = {node.name for node in nodes if isinstance(node, Var) and reads.count(node.name) == 1}
    return {name: node for name, node in plan.lets if name in own}


def _role(plan: Plan, item: If, steps: Sequence[PlanStep]) -> str | None:
    """The role of the layers that are under a condition, where no other layers take their place; else
    None."""
    if item.otherwise or len(item.joins) != 1:
        return None
    ((joined, _, skipped),) = item.joins
    readers = [step for step in plan.steps if joined in step.reads]
    if any(step.word == "add" for step in readers) and _reads_elsewhere(plan.items, item, skipped):
        return "projection" if any(step.starts_line for step in steps) else None
    if steps[0].word in POOLS and len(steps) == 1:
        return "pooling"
    if steps[0].word == "conv" and _is_pointwise(steps[0]) and any(step.word == "dwconv" for step in readers):
        return "expansion"
    return None


def _reads_elsewhere(items: Sequence[Item], item: If, tensor: Tensor) -> bool:
    """Whether another step reads a tensor that an `if` may leave unchanged: it is the input of another
    branch."""
    own = set(map(id, steps_of((*item.then, *item.otherwise))))
    return any(tensor in step.reads for step in steps_of(items) if id(step) not in own)


def _is_pointwise(step: PlanStep) -> bool:
    piece = step.piece
    return isinstance(piece, Call) and ("kernel_size", Const(1)) in piece.arguments
