"""Names for the tensors of a function.

A chain of layers is one variable that changes, `x = conv(x, …)`, as a person writes it. A tensor that is read
more than once, and one of several outputs, keeps a name of its own: its label, or the next letter. The label
of one tensor is never the name of another. Else two tensors may have the same name
where the first is not needed any more when the second is made; this also holds for their gradients in the
backward pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from cnnspec.lower.names import Namer, identifier
from cnnspec.lower.program import Tensor
from cnnspec.targets.numpy.statements import (
    Call,
    Function,
    If,
    Let,
    Loop,
    Step,
    every,
    made_in,
    read_in,
    touched,
)

LETTERS = "abdefghmopqruvyz"


def name_tensors(function: Function) -> None:
    """Gives every tensor of a function its name."""
    readers = Counter(function.outputs)
    for step in every(function.steps):
        read = touched(step)[0]
        if isinstance(step, Call):  # one that reads a tensor and its size is one reader
            read = [*step.inputs, *(one for one in step.reads if one not in step.inputs)]
        readers.update(read)
    if len(function.outputs) > 1:  # labelled outputs are returned under their labels
        readers.update(function.outputs)
    names = _Names(function.source.namer, readers, function.names)
    # the author's names first
    for tensor in sorted(function.inputs, key=lambda tensor: tensor.label is None):
        names.input(tensor, first=tensor is function.inputs[0])
    if function.inputs[0].label is not None:
        names.main = names.own("x")
    names.steps(function.steps, set(function.outputs))


Change = tuple[list[Tensor], list[Tensor]]
"""For a step: the tensors that it makes and later steps need, and the tensors that no step after it needs."""


def _alive(steps: list[Step], after: set[Tensor]) -> Iterator[set[Tensor]]:
    """For each step in turn, the tensors that are needed after it: one set, which is updated from step to
    step."""
    live = set(after)
    changes = _back(steps, live)
    for outputs, last_read in reversed(changes):
        live.difference_update(last_read)
        live.update(outputs)
        yield live


def _back(steps: list[Step], live: set[Tensor]) -> list[Change]:
    """Changes `live` from the tensors needed after the steps to those needed before them. Returns the
    changes, the last step's first."""
    changes = []
    for step in reversed(steps):
        match step:
            case Call() | Let():
                read, written = touched(step)
                outputs = [one for one in written if one in live]
                live.difference_update(outputs)
                last_read = [one for one in {*read} if one not in live]
            case _:
                before = _before(step, live)
                outputs, last_read = list(live - before), list(before - live)
                live.difference_update(outputs)
        live.update(last_read)
        changes.append((outputs, last_read))
    return changes


def _before(step: If | Loop, after: set[Tensor]) -> set[Tensor]:
    """The tensors that are needed before an `if` or a loop."""
    if isinstance(step, Loop):
        inside = set(read_in(step.body)).difference(step.inside, made_in(step.body))
        step.body_reads = inside
        return after.difference(step.outputs, step.entries).union(inside, step.reads, step.initial)
    sides = [_behind(step, side, after) for side in (True, False)]
    for side, live in zip((True, False), sides, strict=True):
        _back(step.side(side), live)
    return sides[0] | sides[1]


def _behind(step: If, side: bool, after: set[Tensor]) -> set[Tensor]:
    """The tensors that are needed after one side of an `if`."""
    ends = {then if side else otherwise for _, then, otherwise in step.joins}
    return (after - {joined for joined, _, _ in step.joins}) | ends


class _Names:
    def __init__(self, namer: Namer, readers: Counter[Tensor], names: dict[Tensor, str]) -> None:
        self.namer, self.readers, self.names = namer, readers, names
        self.main = "x"
        self.taken: dict[str, str] = {}
        self.around: list[tuple[If, set[Tensor]]] = []
        self.holders: dict[str, set[Tensor]] = {}
        self.labels: dict[str, str] = {}
        """The names that are labels of the author's, with the label: no other tensor gets one."""

    def input(self, tensor: Tensor, first: bool) -> None:
        if first and tensor.label is None:
            self.main = self.namer.take("x") if "x" in self.taken else self.own("x")
            self._call(tensor, self.main)
        else:
            name = self.own(tensor.label or "skip")
            if tensor.label is not None:
                self.labels[name] = tensor.label
            self._call(tensor, name)

    def own(self, label: str) -> str:
        """The name for a label, the same for all tensors that have this label."""
        if label not in self.taken:
            self.taken[label] = self.namer.take(identifier(label))
        return self.taken[label]

    def _choose(
        self, tensor: Tensor, alive: set[Tensor], wishes: list[str], beside: Collection[Tensor] = ()
    ) -> None:
        """Chooses a name that none of the tensors in `alive` and `beside` has."""
        if tensor in self.names:
            return
        # a tensor that is needed after an `if` must not share the name of its output
        joins = [join for decided, behind in self.around if tensor in behind for join in decided.joins]
        kept = {self.names[joined] for joined, _, _ in joins}

        def free(name: str) -> bool:
            others = self.holders.get(name, ())
            return name not in kept and not any(
                other is not tensor and (other in alive or other in beside) for other in others
            )

        if tensor.label is not None and self.readers[tensor] > 1:
            wishes = [self.own(tensor.label), *wishes]
            self.labels[wishes[0]] = tensor.label
        for wish in [*wishes, self.main]:
            if free(wish) and self.labels.get(wish, tensor.label) == tensor.label:
                self._call(tensor, wish)
                return
        for letter in LETTERS:
            if letter in self.taken or self.namer.free(letter):
                name = self.own(letter)
                if free(name):
                    self._call(tensor, name)
                    return
        self._call(tensor, self.own(f"branch{tensor.number}"))

    def _call(self, tensor: Tensor, name: str) -> None:
        self.names[tensor] = name
        self.holders.setdefault(name, set()).add(tensor)

    def steps(self, steps: list[Step], after: set[Tensor], inside: bool = False) -> None:
        for step, alive in zip(steps, _alive(steps, after), strict=True):
            match step:
                case Call():
                    if len(step.outputs) > 1:  # each has its label, even if it is read only once
                        self.readers.update(step.outputs)
                    wishes = [self.names[tensor] for tensor in step.inputs]
                    wishes = [self.main, *wishes] if step.form == "merge" else wishes[:1]
                    for output in step.outputs:
                        self._choose(output, alive, wishes, beside=step.outputs)
                    if not inside:  # a tensor that is not needed here is not needed anywhere later
                        for output in step.outputs:
                            name = self.names[output]
                            held = self.holders[name]
                            self.holders[name] = (held & alive) | held.intersection(step.outputs)
                case If():
                    # The output is named first, so that both sides may end in its name.
                    behind = alive | {joined for joined, _, _ in step.joins}
                    for joined, then, otherwise in step.joins:
                        known = [self.names[one] for one in (otherwise, then) if one in self.names]
                        self._choose(joined, behind, [*known, self.main])
                        for holds, side in ((True, then), (False, otherwise)):
                            if side not in self.names and side not in alive:
                                behind_side = _behind(step, holds, alive)
                                self._last(side, self.names[joined], step.side(holds), behind_side)
                    self.around.append((step, alive))
                    self.steps(step.then, _behind(step, True, alive), inside=True)
                    self.steps(step.otherwise, _behind(step, False, alive), inside=True)
                    self.around.pop()
                case Loop():
                    for before, begins in zip(step.initial, step.inside, strict=True):
                        dies = before not in alive and before not in step.body_reads
                        wishes = [self.names[before]] if dies else []
                        self._choose(begins, alive | step.body_reads, [*wishes, self.main], step.inside)
                    behind = alive.difference(step.outputs, step.entries).union(
                        step.body_reads, step.reads, step.ends
                    )
                    self.steps(step.body, behind, inside=True)
                    for output, begins in zip(step.outputs, step.inside, strict=True):
                        self._choose(output, alive, [self.names[begins]], step.outputs)
                    for entry in step.entries:
                        wishes = [self.own(entry.label)] if entry.label else []
                        self._choose(entry, alive, wishes, [*step.outputs, *step.entries])

    def _last(self, tensor: Tensor, name: str, steps: list[Step], after: set[Tensor]) -> None:
        """Gives the last tensor of a side the name of the output, where no other tensor on that side has
        it."""
        for step in reversed(steps):
            if isinstance(step, Call) and tensor in step.outputs:
                others = {self.names.get(other) for other in after if other is not tensor}
                if None not in others and name not in others:
                    self._call(tensor, name)
                return
            _back([step], after)
