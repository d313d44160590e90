"""Activations that an `if` chooses are chosen once, by the constructor: `self.activation = …`."""

from __future__ import annotations

from collections.abc import Collection

from cnnspec.lower.names import Namer
from cnnspec.lower.program import Tensor
from cnnspec.lower.writer import WIDTH, flat
from cnnspec.targets.torch.pieces import Choice, Piece, code
from cnnspec.targets.torch.plan import If, Item, PlanStep, steps_of

LONGEST = WIDTH - len("        self.activation10 = ")


def chosen(items: list[Item], outputs: Collection[Tensor], taken: Collection[str]) -> list[Item]:
    """The items with one step for each `if` that does nothing else. `taken` are the names of attributes."""
    read = {tensor for step in steps_of(items) for tensor in step.reads}.union(outputs)
    items = _chosen(items, read)
    found = [step for step in steps_of(items) if isinstance(step.piece, Choice)]
    namer = Namer(taken)
    for number, step in enumerate(found, 1):
        step.name = namer.take("activation" if len(found) == 1 else f"activation{number}")
    return items


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


def _activation(step: PlanStep) -> Piece | None:
    """The call of an activation without weights: no name in a state_dict depends on what it is called."""
    if step.name == "" or step.op is None or not step.op.activation or step.op.weights((1, 1, 1)):
        return None
    return step.piece
