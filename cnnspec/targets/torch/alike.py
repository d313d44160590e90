"""Classes that have the same code.

Groups, lines and passes have no name of their own: those that differ only in the names of their tensors
become one class. A block is one class for all numbers of axes for which its lines are the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
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
MERGES = frozenset({"add", "concat", "div", "max", "mul", "sub"})
"""The words that name a part which merges branches: `CellAdd`."""


def put(writer: Writer, namer: Namer, plans: Sequence[ClassPlan]) -> None:
    """Writes the classes, inner ones first, and sets the names of their plans."""
    blocks = {plan.preferred for plan in plans if not plan.unnamed}
    groups = merged(plans, {name for plan in plans for name in (plan.preferred, snake(plan.preferred))})
    variables = {parameter.variable for plan in plans for parameter in plan.parameters}
    variables |= {name for plan in plans for name, _ in plan.plan.lets}
    names_wanted = [_preferred(group, blocks) for group in groups]
    ranks: dict[str, set[int]] = {}
    for group, preferred in zip(groups, names_wanted, strict=True):
        ranks.setdefault(preferred, set()).add(_axes(group[0]))
    for group, preferred in zip(groups, names_wanted, strict=True):
        if len(ranks[preferred]) > 1 and (axes := _axes(group[0])):
            preferred += f"{axes}d"  # as torch's own: Conv1d, Conv2d
        if group[0].form == "function":
            preferred = snake(preferred)
            if preferred in variables:
                preferred = f"make_{preferred}"
        elif not namer.free(preferred):
            preferred += "Block"
        name = namer.take(preferred)
        for plan in group:
            plan.name = name
    names = {plan.name for plan in plans}
    for group in groups:
        block = next((plan for plan in group if not plan.unnamed), None)
        with _without_labels(plan := block or group[0], () if block else _called_otherwise(group)):
            writer.put("", classes.head(plan))
            writer.extend(classes.body(plan, names))
        writer.gap(2)


def merged(plans: Sequence[ClassPlan], taken: Iterable[str]) -> list[list[ClassPlan]]:
    """The plans of each class, inner ones first. `taken` are names that the file uses."""
    merged_groups: list[list[ClassPlan]] = []
    alike: dict[str, list[list[ClassPlan]]] = {}
    for plan in plans:
        plan.name = MARK + plan.preferred  # for those that call it before it is written
    for plan in plans:
        plan.name = MARK
        head = str(classes.head(plan))
        plan.name += plan.preferred
        with _without_labels(plan, _tensors(plan)):
            lines = [head, *classes.body(plan, taken)]
        groups = alike.setdefault(_without_names(lines, plan), [])
        group = next((group for group in groups if plan.unnamed or _takes_in(group, plan)), None)
        if group is None:
            group = []
            groups.append(group)
            merged_groups.append(group)
        group.append(plan)
        plan.name = group[0].name if group[1:] else f"{MARK}{len(merged_groups)}"
    return merged_groups


def _takes_in(group: list[ClassPlan], block: ClassPlan) -> bool:
    """Whether the group contains no other block: two blocks remain two classes."""
    own = block.preferred, _names(block)
    return all(one.unnamed or (one.preferred, _names(one)) == own for one in group)


def _names(plan: ClassPlan) -> list[str]:
    return [parameter.variable for parameter in plan.parameters]


def _without_names(lines: list[str], plan: ClassPlan) -> str:
    """The class with numbers for the names of its parameters: parts are called by position."""
    numbers = {name: f"{MARK}{number}" for number, name in enumerate(_names(plan))}
    variable = re.compile(r"""(?<![\w."'])[A-Za-z_]\w*\b(?!=[^=])""")
    return variable.sub(lambda match: numbers.get(match[0], match[0]), "\n".join(lines))


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


def _preferred(group: Sequence[ClassPlan], blocks: Collection[str]) -> str:
    """The name of a class: the block's, or what its parts' names have in common."""
    block = next((plan for plan in group if not plan.unnamed), None)
    if block is not None:
        return block.preferred
    stem = _stem([plan.preferred for plan in group])
    if stem not in blocks:
        return stem
    merge = next((step.word for step in group[0].plan.steps if step.word in MERGES), "part")
    return f"{stem}{merge.capitalize()}"


def _axes(plan: ClassPlan) -> int:
    """The number of axes of a class's input, without the channels."""
    return len(plan.plan.inputs[0].dims) - 1 if plan.plan.inputs else 0


def _stem(names: Sequence[str]) -> str:
    """One name for parts with these names: `CellM` for `CellM5` and `CellM6`."""
    if len(set(names)) == 1:
        return names[0]
    words = zip(*(re.findall("[A-Z]+[a-z_]*|[a-z_]+|[0-9]+", name) for name in names), strict=False)
    same = takewhile(lambda at: len(set(at)) == 1, words)
    return "".join(first for first, *_ in same) or names[0]
