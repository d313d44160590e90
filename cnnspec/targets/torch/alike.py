"""Classes that have the same code.

Groups, lines and passes have no name of their own: those that differ only in the names of their tensors
become one class. A block is one class for all numbers of axes for which its lines are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile

from cnnspec.lower.names import Namer, snake
from cnnspec.lower.program import Tensor
from cnnspec.lower.writer import Writer
from cnnspec.targets.torch import classes
from cnnspec.targets.torch.forms import tensor_names
from cnnspec.targets.torch.plan import ClassPlan, made_in, ordered

MARK = "\N{SECTION SIGN}"
"""The name of a class until it gets its own: no spec can contain this one."""


def put(writer: Writer, namer: Namer, plans: Sequence[ClassPlan]) -> None:
    """Writes the classes, inner ones first, and sets the names of their plans."""
    blocks = {plan.wanted for plan in plans if not plan.unnamed}
    made = merged(plans, {name for plan in plans for name in (plan.wanted, snake(plan.wanted))})
    variables = {parameter.variable for plan in plans for parameter in plan.parameters}
    variables |= {name for plan in plans for name, _ in plan.plan.lets}
    taken: list[str] = []
    for group in made:
        block = next((plan for plan in group if not plan.unnamed), None)
        plan = block or group[0]
        wanted = plan.wanted if block is not None else _stem([one.wanted for one in group], blocks)
        if plan.form == "function":
            wanted = snake(wanted)
            if wanted in variables:
                wanted = f"make_{wanted}"
        elif not namer.free(wanted):
            wanted += "Block"
        taken.append(namer.take(wanted))
        for one in group:
            one.name = taken[-1]
        with _without_labels(plan, _called_otherwise(group) if block is None else ()):
            writer.put("", classes.head(plan))
            writer.extend(classes.body(plan, taken))
        writer.gap(2)


def merged(plans: Sequence[ClassPlan], taken: Iterable[str]) -> list[list[ClassPlan]]:
    """The plans of each class, inner ones first. `taken` are names that the file uses."""
    found: list[list[ClassPlan]] = []
    alike: dict[tuple[str, ...], list[list[ClassPlan]]] = {}
    for plan in plans:
        plan.name = MARK
        with _without_labels(plan, _tensors(plan)):
            groups = alike.setdefault((str(classes.head(plan)), *classes.body(plan, taken)), [])
        group = next((group for group in groups if plan.unnamed or _takes_in(group, plan)), None)
        if group is None:
            group = []
            groups.append(group)
            found.append(group)
        group.append(plan)
        plan.name = group[0].name if group[1:] else f"{MARK}{len(found)}"
    return found


def _takes_in(group: list[ClassPlan], block: ClassPlan) -> bool:
    """Whether the group contains no other block: two blocks remain two classes."""
    return all(one.unnamed or one.wanted == block.wanted for one in group)


def _tensors(plan: ClassPlan) -> list[Tensor]:
    """The tensors of a plan, in the order in which they are made."""
    return ordered({*plan.plan.inputs, *made_in(plan.plan.items)})


def _called_otherwise(group: list[ClassPlan]) -> list[Tensor]:
    """The tensors of the first plan whose labels differ in another plan."""
    tensors = [_tensors(plan) for plan in group]
    if len({*map(len, tensors)}) > 1:
        return tensors[0]
    return [
        first
        for first, *others in zip(*tensors, strict=True)
        if any(other.label != first.label for other in others)
    ]


@contextmanager
def _without_labels(plan: ClassPlan, unnamed: Iterable[Tensor]) -> Iterator[None]:
    """Removes the labels of these tensors of the plan for a while."""
    labels, names = {tensor: tensor.label for tensor in unnamed}, plan.tensors
    for tensor in labels:
        tensor.label = None
    plan.tensors = tensor_names(plan.plan)
    try:
        yield
    finally:
        plan.tensors = names
        for tensor, label in labels.items():
            tensor.label = label


def _stem(names: list[str], blocks: Iterable[str]) -> str:
    """One name for parts with these names: `CellM` for `CellM5` and `CellM6`."""
    if len(set(names)) == 1:
        return names[0]
    words = zip(*(re.findall("[A-Z]+[a-z_]*|[a-z_]+|[0-9]+", name) for name in names), strict=False)
    same = takewhile(lambda at: len(set(at)) == 1, words)
    stem = "".join(first for first, *_ in same) or names[0]
    return f"{stem}Part" if stem in blocks else stem
