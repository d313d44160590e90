"""An activation that depends on an `if` is chosen once, in the constructor: `self.activation = …`."""

from __future__ import annotations

from collections.abc import Collection

from cnnspec.elaborate.reserved import MODULE_ATTRIBUTES
from cnnspec.lower.call import Call
from cnnspec.lower.names import Namer
from cnnspec.lower.program import Tensor
from cnnspec.lower.writer import WIDTH, flat
from cnnspec.targets.torch.pieces import Choice, Piece, code
from cnnspec.targets.torch.plan import If, Item, Plan, PlanStep

IDENTITY = Call("nn.Identity")
LONGEST = WIDTH - len("        self.activation10 = ")


def chosen(plan: Plan) -> None:
    """Replaces each `if` that only chooses an activation by one step. Where one side has no activation, the
    step is left out there in a chain, and the identity in a class with a `forward`."""
    taken = MODULE_ATTRIBUTES.union(step.name for step in plan.steps)
    read = {tensor for step in plan.steps for tensor in step.reads}.union(plan.outputs)
    plan.items = _chosen(plan.items, read)
    if plan.head is None:
        plan.items = [_or_identity(item, read) if isinstance(item, If) else item for item in plan.items]
    choices = [step for step in plan.steps if step.name == "?"]
    namer = Namer(taken)
    for number, step in enumerate(choices, 1):
        step.name = namer.take("activation" if len(choices) == 1 else f"activation{number}")


def _chosen(items: list[Item], read: Collection[Tensor]) -> list[Item]:
    return [_choice(item, read) if isinstance(item, If) else item for item in items]


def _choice(item: If, read: Collection[Tensor]) -> Item:
    item.then, item.otherwise = (_chosen(side, read) for side in (item.then, item.otherwise))
    match item.then, item.otherwise, item.joins:
        case [PlanStep() as one], [PlanStep() as other], [(joined, then, otherwise)]:
            alike = one.reads == other.reads and [then, otherwise] == one.outputs + other.outputs
            first, second = _activation(one), _activation(other)
            if alike and first and second and then not in read and otherwise not in read:
                piece = Choice(item.condition.node, first, second)
                if len(flat(code(piece))) <= LONGEST:
                    return PlanStep("?", one.sources, [joined], one.op, piece)
    return item


def _or_identity(item: If, read: Collection[Tensor]) -> Item:
    """One step for an activation that one side of an `if` does not have."""
    match [*item.then, *item.otherwise], item.joins:
        case [PlanStep() as step], [(joined, then, otherwise)]:
            activated, past = (then, otherwise) if item.then else (otherwise, then)
            piece = _activation(step)
            if piece and [activated] == step.outputs and [past] == step.reads and activated not in read:
                sides = (piece, IDENTITY) if item.then else (IDENTITY, piece)
                piece = Choice(item.condition.node, *sides)
                if len(flat(code(piece))) <= LONGEST:
                    return PlanStep(step.name, step.sources, [joined], step.op, piece)
    return item


def _activation(step: PlanStep) -> Piece | None:
    """The call of an activation without weights, which has no names in the state_dict."""
    if step.name == "" or step.op is None or not step.op.activation or step.op.weights((1, 1, 1)):
        return None
    return step.piece
