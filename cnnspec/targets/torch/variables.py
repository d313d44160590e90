"""The variable of each tensor in a `forward`: the author's name, its role in a merge, else x, y or z."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, count

from cnnspec.lower.call import Call
from cnnspec.lower.names import Namer
from cnnspec.lower.program import Tensor
from cnnspec.lower.symbolic import Const
from cnnspec.targets.torch.plan import ClassPlan, If, Plan, PlanStep, ifs_of, made_in, ordered

FARTHEST = 100
"""The largest number of steps from a tensor to the end of its branch."""

ATTENDED = "qkv"
"""The names of the three inputs of an attention."""


class Variables:
    """`of` maps tensors to variables, `held` variables to the tensor that they hold. A `blocked` variable is
    not used for another tensor. `inputs` names the input tensors."""

    def __init__(self, plan: Plan, inputs: Mapping[Tensor, str], namer: Namer) -> None:
        self.plan, self.namer = plan, namer
        self.of: dict[Tensor, str] = {}
        self.held: dict[str, Tensor] = {}
        self.blocked: set[str] = set()
        self.readers: dict[Tensor, list[PlanStep]] = {}
        self.joined: dict[Tensor, Tensor] = {}
        """By tensor: the first that an `if` gives where it may be this one."""
        self.joins: set[Tensor] = set()
        """What `if`s give."""
        for tensor, name in inputs.items():
            self.hold(tensor, name)
            if name != "x":
                self.blocked.add(name)
        for step in plan.steps:
            for source in step.reads:
                self.readers.setdefault(source, []).append(step)
        for item in ifs_of(plan.items):
            for joined, *sides in item.joins:
                self.joins.add(joined)
                for side in sides:
                    self.joined.setdefault(side, joined)
        self.labelled = {
            tensor: namer.take(tensor.label)
            for tensor in ordered(made_in(plan.items))
            if tensor.label and self._lasts(tensor)
        }
        self.blocked.update(self.labelled.values())
        inside = dict(self._labels_inside())
        labels = dict.fromkeys(inside.values())
        free = {label: namer.take(label) for label in labels if namer.free(label)}
        self.blocked.update(free.values())
        self.inside = {output: free[label] for output, label in inside.items() if label in free}
        """What the blocks that give tensors call these."""

    def _lasts(self, tensor: Tensor) -> bool:
        """Whether a tensor is read more than once, or with others, or later than by the next step: then it
        gets the author's name, which no other tensor has."""
        outputs, items, readers = self.plan.outputs, self.plan.items, self.readers.get(tensor, [])
        looped = (step.outputs for step in self.plan.steps if step.loop and len(step.outputs) > 1)
        if (
            len(readers) > 1
            or (tensor in outputs and len(outputs) > 1)
            or any(tensor in passed for passed in looped)
        ):
            return True
        if "'" in (tensor.label or ""):  # a tensor inside the line, not the line's own
            return False
        if any(len(step.reads) > 1 for step in readers):
            return True
        made_at = next((n for n, item in enumerate(items) if tensor in item.outputs), None)
        read = [n for n, item in enumerate(items) if tensor in item.reads]
        return made_at is not None and any(n > made_at + 1 for n in read)

    def _labels_inside(self) -> Iterator[tuple[Tensor, str]]:
        """For uses of blocks with several outputs: the names that the use gives these, else the names inside
        the block: `p3, p4, p5 = self.backbone(x)`."""
        for step in self.plan.steps:
            called = step.piece.function if isinstance(step.piece, Call) else None
            if len(step.outputs) > 1 and isinstance(called, ClassPlan):
                pairs = [*zip(step.outputs, called.plan.outputs, strict=False)]
                labels = [outer.label or inner.label for outer, inner in pairs]
                if len(labels) == len(step.outputs) and all(labels):
                    yield from zip(step.outputs, map(str, labels), strict=True)

    def hold(self, source: Tensor, name: str) -> None:
        self.of[source] = name
        self.held[name] = source

    def name(self, output: Tensor, read: list[Tensor], after: set[Tensor], wish: dict[Tensor, str]) -> str:
        """A variable for an output. `read` are the tensors that it is made from, `after` those that are read
        later, `wish` the variables that are decided already."""
        if output in wish and self.held.get(wish[output]) not in after:
            return wish[output]
        if output in self.labelled:
            return self.labelled[output]
        if output in self.inside and self.held.get(self.inside[output]) not in after:
            return self.inside[output]
        role = self.role(output)
        if role is not None and not any(self.of.get(source) == role for source in read):
            holder = self.held.get(role)
            if holder is None or holder not in after:
                return role
        for source in read:
            name = self.of.get(source)
            if name is None or source in after or name in self.blocked:
                continue
            if self.held.get(name) is source and not _is_role(name):
                return name
        if role is not None and any(self.of.get(source) == role and source not in after for source in read):
            return role
        return self.free(after)

    def of_if(self, joined: Tensor, sides: list[Tensor], item: If, after: set[Tensor]) -> str:
        """The variable of a tensor that an `if` decides: the variable of a side that exists already, or of
        the common input of both sides, where no later step reads it."""
        begin = [items[0] for items in (item.then, item.otherwise) if items]
        first = [one.reads[0] for one in begin if isinstance(one, PlanStep)]
        for source in (*reversed(sides), *first):
            name = self.of.get(source)
            if name is not None and source not in after and name not in self.blocked:
                return name
        return self.role(joined) or self.free(set(self.held.values()))

    def free(self, after: set[Tensor]) -> str:
        """The first of x, y, z, … that no later step needs."""
        names = chain("xyz", (f"x{number}" for number in count(2)))
        return next(name for name in names if name not in self.blocked and self.held.get(name) not in after)

    def role(self, output: Tensor) -> str | None:
        """`branch2` where a tensor becomes, through single readers, the second of several branches; `gate` in
        a `mul`; `q`, `k` and `v` in an attention."""
        for _ in range(FARTHEST):
            readers = self.readers.get(output, [])
            if output in self.joined and not readers:
                output = self.joined[output]
                readers = self.readers.get(output, [])
            if len(readers) != 1:
                return None
            (step,) = readers
            if step.arms:
                place = next((n for n, (tensor, _, _) in enumerate(step.arms) if tensor is output), None)
                return None if place is None else self._role_in_merge(step, place)
            if step.word == "attention" and len(step.takes) == len(ATTENDED):
                return self._unless_blocked(ATTENDED[step.reads.index(output)])
            if len(step.outputs) != 1:
                return None
            (output,) = step.outputs
        return None

    def _role_in_merge(self, step: PlanStep, place: int) -> str | None:
        own = [
            tensor
            for tensor, _, _ in step.arms
            if len(self.readers.get(tensor, ())) == 1 and tensor not in self.plan.inputs
        ]
        if step.word == "mul" and len(step.arms) == 2:
            points = [all(size == Const(1) for size in tensor.dims[1:]) for tensor, _, _ in step.arms]
            if len(own) == 1 or (points[place] and not all(points)):
                return self._unless_blocked("gate")
            if any(points):
                return None
        pair = len(step.arms) == 2 and any(tensor in self.labelled for tensor, _, _ in step.arms)
        if len(own) >= 2 and not self.joins.intersection(own) and not pair:
            whole = self.role(step.outputs[0]) if step.word == "concat" else None
            name = whole if whole is not None and whole in ATTENDED else "branch"
            return self._unless_blocked(f"{name}{place + 1}")
        if place and step.arms[place][0] in self.joins and len(step.arms) == 2 and step.word == "add":
            return self._unless_blocked("shortcut")
        return None

    def _unless_blocked(self, name: str) -> str | None:
        return name if name not in self.blocked else None


def _is_role(name: str) -> bool:
    """Whether a name is reserved for a branch of a merge, so that no other tensor gets it."""
    return name.rstrip("0123456789") in ("branch", "gate", "shortcut", *ATTENDED)
