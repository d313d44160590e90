"""Names for the tensors of a function.

A chain of layers is one variable that changes, `x = conv(x, …)`, as a person writes it.
A tensor that is read more than once keeps a name of its own: its label, or the next
letter. Two tensors may have one name where the one is not needed any more when the
other is made; then the same holds for their gradients on the way back.
"""

from __future__ import annotations

from cnnspec.targets.names import Namer, identifier
from cnnspec.targets.numpy.statements import (
    Call,
    Function,
    If,
    Let,
    Loop,
    Step,
    Tensor,
    made_in,
    used_before,
)

LETTERS = "abdefghmopqruvyz"


def name_tensors(function: Function) -> None:
    """Gives every tensor of a function its name."""
    readers: dict[Tensor, int] = {}
    for tensor in [*used_before(function.steps), *function.outputs]:
        readers[tensor] = readers.get(tensor, 0) + 1
    _live(function.steps, set(function.outputs))
    names = _Names(function.namer, readers)
    for place, tensor in enumerate(function.inputs):
        names.input(tensor, first=place == 0)
    names.steps(function.steps)


def _live(steps: list[Step], after: set[Tensor]) -> set[Tensor]:
    """Notes at each step what is needed behind it; gives what is needed before the
    first."""
    for step in reversed(steps):
        step.alive = set(after)
        match step:
            case Call():
                after = (after - set(step.outputs)) | set(step.inputs) | set(step.reads)
            case Let():
                after = after | set(step.reads)
            case If():
                after = after - {made for made, _, _ in step.joins}
                then = _live(step.then, after | {one for _, one, _ in step.joins})
                otherwise = _live(step.otherwise, after | {other for _, _, other in step.joins})
                after = then | otherwise
            case Loop():
                outside = step.body_reads = (set(used_before(step.body)) - {step.inside}) - set(
                    made_in(step.body)
                )
                after = (after - {step.output}) | outside | set(step.reads)
                _live(step.body, after | {step.last})
                after = after | {step.given}
    return after


class _Names:
    def __init__(self, namer: Namer, readers: dict[Tensor, int]) -> None:
        self.namer, self.readers = namer, readers
        self.main = "x"
        self.taken: dict[str, str] = {}
        self.around: list[If] = []

    def input(self, tensor: Tensor, first: bool) -> None:
        if first and tensor.label is None:
            tensor.name = self.main = self._own("x")
        else:
            tensor.name = self._own(tensor.label or "skip")

    def _own(self, wanted: str) -> str:
        """The name of a label, the same for all tensors that have it."""
        if wanted not in self.taken:
            self.taken[wanted] = self.namer.take(identifier(wanted))
        return self.taken[wanted]

    def _choose(self, tensor: Tensor, alive: set[Tensor], wishes: list[str]) -> None:
        if tensor.name:
            return
        used = {other.name for other in alive if other is not tensor}
        for decided in self.around:  # what is needed behind an `if` stays clear of what comes out of it
            if tensor in decided.alive:
                used |= {made.name for made, _, _ in decided.joins}
        if tensor.label is not None and self.readers.get(tensor, 0) > 1:
            wishes = [self._own(tensor.label), *wishes]
        for wish in wishes:
            if wish and wish not in used:
                tensor.name = wish
                return
        for letter in LETTERS:
            name = self.taken.get(letter)
            if name is None:
                if not self.namer.free(letter):
                    continue
                name = self._own(letter)
            if name not in used:
                tensor.name = name
                return
        tensor.name = self._own(f"branch{tensor.number}")

    def steps(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case Call():
                    wishes = [step.inputs[0].name] if step.inputs else []
                    if step.form != "layer" and step.form != "block":
                        wishes = [self.main, *wishes, *(tensor.name for tensor in step.inputs)]
                    for output in step.outputs:
                        self._choose(output, step.alive | set(step.outputs), wishes)
                case If():
                    # What comes out is named first, so that both sides may end in its name.
                    behind = step.alive | {made for made, _, _ in step.joins}
                    for made, then, otherwise in step.joins:
                        known = [one.name for one in (otherwise, then) if one.name]
                        self._choose(made, behind, [*known, self.main])
                        for side, steps_ in ((then, step.then), (otherwise, step.otherwise)):
                            if not side.name and steps_:
                                self._last(side, made.name, steps_, step)
                    self.around.append(step)
                    self.steps(step.then)
                    self.steps(step.otherwise)
                    self.around.pop()
                case Loop():
                    dies = step.given not in step.alive and step.given not in step.body_reads
                    wishes = [step.given.name] if dies else []
                    self._choose(step.inside, step.alive | step.body_reads, [*wishes, self.main])
                    self.steps(step.body)
                    self._choose(step.output, step.alive, [step.inside.name])

    def _last(self, tensor: Tensor, name: str, steps: list[Step], around: If) -> None:
        """Names what a side ends with as what comes out, where nothing on that side
        stands in its way."""
        for step in reversed(steps):
            if isinstance(step, Call) and tensor in step.outputs:
                others = {other.name for other in step.alive if other is not tensor}
                if "" not in others and name not in others:
                    tensor.name = name
                return
