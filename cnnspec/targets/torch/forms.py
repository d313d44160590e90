"""The form of class that a plan becomes, and the names of its inputs."""

from __future__ import annotations

from cnnspec.lower.call import Call, Diverges
from cnnspec.lower.names import Namer
from cnnspec.targets.torch.library import reserved
from cnnspec.targets.torch.plan import ClassPlan, Parameter, Plan, PlanStep, inline


def as_class(
    plan: Plan, name: str, parameters: list[Parameter], tensors: list[str], in_loop: bool = False
) -> ClassPlan:
    """The class for a plan. Its `forward` takes the tensors that it reads; in a loop also the first ones,
    which every pass passes on to the next."""
    used, read = set(plan.used()), plan.reads()
    kept = [parameter for parameter in parameters if parameter.variable in used]
    handed = len(plan.outputs) if in_loop else 0
    takes = tuple(n for n, tensor in enumerate(plan.inputs) if tensor in read or n < handed)
    result = ClassPlan(name, plan, "module", kept, takes, tensors)
    single = plan.single
    if single is not None:
        if single.loop:
            result.form = "list"
            return result
        result.takes = taken(plan, single)
        result.form = "layer" if inline(single.piece) else "chain"
        if isinstance(single.piece, Call):
            function, suffix = single.piece.function, single.piece.suffix
            made_by = function.form == "function" if isinstance(function, ClassPlan) else _lower(function)
            if made_by or suffix:  # a class cannot derive from a function
                result.form = "function"
    elif plan.optional is not None:
        result.form, result.takes = "function", (0,)
    elif any(step.name == "" and step.piece is not None for step in plan.steps):
        raise Diverges("a step without a level of its own, under a condition")
    elif (head := plan.head) is not None:
        result.form, result.takes = "chain", (head,)
    return result


def _lower(function: str) -> bool:
    """Whether it is a function of an emitted file, not a class."""
    return function.rpartition(".")[2][0].islower()


def tensor_names(plan: Plan) -> list[str]:
    """A name for each input: its label, or else x, y or z. Labels are assigned first, and inputs that are not
    read last."""
    namer, read = Namer(reserved()), plan.reads()
    named = {tensor: namer.take(tensor.label) for tensor in plan.inputs if tensor.label}
    letters = iter([letter for letter in ("x", "y", "z") if namer.free(letter)])
    for tensor in sorted(plan.inputs, key=lambda tensor: tensor not in read):
        if tensor not in named:
            named[tensor] = namer.take(next(letters, "x"))
    return [named[tensor] for tensor in plan.inputs]


def taken(plan: Plan, step: PlanStep) -> tuple[int, ...]:
    """The indices of the plan's inputs that a step reads."""
    return tuple(plan.inputs.index(tensor) for tensor in step.reads)
