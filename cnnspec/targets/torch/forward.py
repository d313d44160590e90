"""The body of a `forward`: statements in the order of the text, with as few variables as a person would
use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby, takewhile

from cnnspec.lower.names import Namer
from cnnspec.lower.program import Condition, Tensor, When
from cnnspec.lower.writer import Code, Group, Writer, flat, put_targets
from cnnspec.targets.torch.expressions import ATONCE, NAMES_ONLY, SIGNS, is_short, lending, merged, short
from cnnspec.targets.torch.plan import If, Item, Plan, PlanStep, liveness, made_in, ordered
from cnnspec.targets.torch.slices import Cut, cuts
from cnnspec.targets.torch.variables import Variables

DEEPEST = 4
"""The largest number of nested calls on a line."""
NORMS = frozenset({"bn", "gn", "ln", "in"})


@dataclass(slots=True)
class Waiting:
    """An expression that the next statement may contain: its code, its depth of nested calls, the tensors
    that it reads; whether a layer with weights (or a block) is in it, and whether it begins with a
    normalisation."""

    code: Code
    depth: int
    read: list[Tensor]
    heavy: bool
    normed: bool


@dataclass(slots=True)
class Forward:
    """Writes one `forward`. `inputs` names the input tensors, `modules` the modules of shared blocks by
    block, `condition` returns the attribute that holds a condition."""

    plan: Plan
    writer: Writer
    inputs: Mapping[Tensor, str]
    modules: Mapping[str, str]
    condition: Mapping[Condition, str]
    namer: Namer
    comments: bool = False
    several: str = ""
    pending: dict[Tensor, Waiting] = field(default_factory=dict)
    elifs: set[If] = field(default_factory=set)
    """The `if`s that are the whole of an `else`."""
    spread: set[Tensor] = field(default_factory=set)
    """Vectors that are enlarged to the size of a map."""
    cuts: dict[PlanStep, Cut] = field(init=False)
    names: Variables = field(init=False)

    def write(self) -> None:
        self.names = Variables(self.plan, self.inputs, self.namer)
        self.cuts = cuts(self.plan)
        for step in self.plan.steps:
            if step.word == "upsample" and step.rank == 1:
                self.spread.update(step.outputs)
        self._items(self.plan.items, set(self.plan.outputs), {}, last=True)
        if self.plan.outputs:
            self._return()

    def _return(self) -> None:
        outputs = self.plan.outputs
        if len(outputs) == 1:
            source = outputs[0]
            code = self.pending.pop(source).code if source in self.pending else self.names.of[source]
            self.writer.put("return ", code)
            return
        names = [flat(self._operand(source, [])) for source in outputs]
        if self.several:
            self.writer.put("return ", Group(f"{self.several}(", tuple(names)))
            return
        fits = len(", ".join(names)) + 11 <= self.writer.room
        self.writer.put("return ", Group("", tuple(names), "") if fits else Group("(", tuple(names)))

    # --- statements -----------------------------------------------------------------------------------

    def _items(
        self, items: list[Item], after: set[Tensor], wish: dict[Tensor, str], last: bool = False
    ) -> None:
        for number, (item, live) in enumerate(zip(items, liveness(items, after), strict=True)):
            following = items[number + 1] if number + 1 < len(items) else None
            if isinstance(item, If):
                self._if(item, live, wish, last and following is None)
            else:
                self._step(item, live, following, wish, last and following is None)

    def _if(self, item: If, after: set[Tensor], wish: dict[Tensor, str], last: bool) -> None:
        targets: dict[Tensor, str] = {}
        named = set(self.names.blocked)
        self.names.blocked |= {wish[joined] for joined in item.outputs if joined in wish}
        for joined, *sides in item.joins:
            targets[joined] = wish.get(joined) or self.names.of_if(joined, sides, item, after)
            self.names.blocked.add(targets[joined])
        self.names.blocked = named
        written: dict[bool, Writer] = {}
        kept: dict[Tensor, str] = {}  # made on one side, and read later under the same condition
        missing: dict[bool, list[str]] = {True: [], False: []}
        for holds in (True, False):
            items = item.side(holds)
            if not holds and item.then and len(items) == 1:
                self.elifs.update(one for one in items if isinstance(one, If))
            inner = Writer(self.writer.level + 1)
            outer = self.writer, dict(self.names.of), dict(self.names.held)
            self.writer = inner
            ends = [((then if holds else other), targets[joined]) for joined, then, other in item.joins]
            wishes = dict(reversed(ends))
            alive = {source for source in after if source not in targets} | set(wishes)
            beside = ordered(made_in(items) & after)
            blocked = set(targets.values()) - self.names.blocked if beside else set()
            self.names.blocked |= blocked
            self._items(items, alive, {one: name for one, name in wishes.items() if one not in beside})
            changed = [(name, self.names.of[one]) for one, name in ends if self.names.of[one] != name]
            if changed:
                self.writer.line(" = ".join(", ".join(side) for side in zip(*changed, strict=True)))
            kept.update({source: self.names.of[source] for source in beside})
            missing[not holds] = [self.names.of[one] for one in beside if self._handed_on(one)]
            self.names.blocked = (self.names.blocked - blocked) | {self.names.of[source] for source in beside}
            self.writer, self.names.of, self.names.held = outer
            written[holds] = inner
        spare = next(iter(self.inputs.values()))
        for holds, names in missing.items():
            for name in sorted(set(names) - {spare}):
                written[holds].line(f"{name} = {spare}  # not used")
        condition = self.condition[item.condition]
        then, otherwise = written[True].written, written[False].written
        short = None if item in self.elifs else self._either(condition, then, otherwise)
        if short is not None:
            if last and self.plan.outputs == item.outputs:
                self.pending[item.outputs[0]] = Waiting(short.partition(" = ")[2], 1, [], False, False)
                return
            self.writer.line(short)
        elif then:
            with self.writer.under(condition):
                self.writer.extend(then)
            if otherwise:
                self.writer.otherwise(otherwise)
        elif otherwise:
            with self.writer.under(f"not {condition}"):
                self.writer.extend(otherwise)
        for source, name in (*kept.items(), *targets.items()):
            self.names.hold(source, name)

    def _either(self, condition: str, then: list[str], otherwise: list[str]) -> str | None:
        """`y = a if condition else b`, where both sides are short and assign the same variable."""
        if len(then) != 1 or len(otherwise) != 1 or "#" in then[0] + otherwise[0]:
            return None
        (name, _, one), (other_name, _, other) = (line.strip().partition(" = ") for line in then + otherwise)
        text = f"{name} = {one} if {condition} else {other}"
        plain = name == other_name and name.isidentifier() and " if " not in one + other
        return text if plain and other and len(text) <= self.writer.room else None

    def _handed_on(self, source: Tensor) -> bool:
        """Whether a tensor that may not exist is passed to a part, which tests the condition itself."""
        return source in self.plan.outputs or any(
            step.op is None and not step.arms for step in self.names.readers.get(source, ())
        )

    def _step(
        self, step: PlanStep, after: set[Tensor], following: Item | None, wish: dict[Tensor, str], last: bool
    ) -> None:
        if step.defines is not None:
            return
        if step.loop:
            self._loop(step, after, wish)
            return
        if any(when for _, when, _ in step.arms) or (len(step.arms) > ATONCE and step.word in SIGNS):
            self._optional(step, after, wish, last)
            return
        read: list[Tensor] = []
        earlier = [self.pending[source] for source in step.reads if source in self.pending]
        depth = 1 + max((one.depth for one in earlier), default=0)
        heavy = step.starts_line or any(one.heavy for one in earlier)
        normed = earlier[0].normed if earlier else step.word in NORMS
        code = self._expression(step, read)
        if len(step.outputs) > 1:
            names = []
            for number, output in enumerate(step.outputs):
                names.append(self.names.name(output, [] if number else read, after, wish))
                self.names.hold(output, names[-1])
            self.writer.put(f"{', '.join(names)} = ", code)
            return
        (output,) = step.outputs
        waiting = Waiting(code, depth, read, heavy, normed)
        if self._nests(output, waiting, step, following, last and output in self.plan.outputs):
            self.pending[output] = waiting
            return
        self._assign(output, code, read, after, wish)

    def _nests(
        self, output: Tensor, waiting: Waiting, step: PlanStep, following: Item | None, returned: bool
    ) -> bool:
        """Whether an expression may wait for the next statement. A convolution, its norm and its activation
        share a line. A layer with weights begins a new one, unless only layers without weights (or, in a
        small class, other blocks) come before it."""
        if returned:
            return self.plan.outputs == [output]
        if not isinstance(following, PlanStep) or waiting.depth >= DEEPEST:
            return False
        if following.reads != [output] and not following.arms:
            return False
        if following.loop or following.shared or following.needs:
            return False
        if following.arms and not self._beside_a_skip(output, waiting, step, following):
            return False
        if len(following.outputs) > 1 or len(self.names.readers.get(output, ())) != 1:
            return False
        if following.starts_line and waiting.heavy:
            blocks = following.op is None and step.op is None
            if self.comments or not blocks or waiting.depth >= 2:
                return False
        if (
            (step.starts_line and waiting.normed)
            or output in self.names.joined
            or output in self.plan.outputs
        ):
            return False
        if is_short(following.piece) and following.piece.function in NAMES_ONLY:
            return False
        room = self.writer.room - len("return ") - len(following.name) - len("self.()")
        return isinstance(waiting.code, str) and len(waiting.code) <= room

    def _beside_a_skip(self, output: Tensor, waiting: Waiting, step: PlanStep, merge: PlanStep) -> bool:
        """Whether the merge adds one call and an earlier tensor: `self.attend(x) + x`."""
        others = [tensor for tensor, _, _ in merge.arms if tensor is not output]
        unconditional = (
            len(others) == 1 and len(merge.arms) == 2 and all(when is None for _, when, _ in merge.arms)
        )
        skips = unconditional and others[0] in step.reads and others[0] in self.names.of
        return skips and merge.word in SIGNS and waiting.depth == 1 and not is_short(step.piece)

    def _assign(
        self, output: Tensor, code: Code, read: list[Tensor], after: set[Tensor], wish: dict[Tensor, str]
    ) -> None:
        name = self.names.name(output, read, after, wish)
        comment = "x".join(map(str, output.shape)) if self.comments and output.shape else ""
        self.writer.put(f"{name} = ", code, comment=comment)
        self.names.hold(output, name)

    def _loop(self, step: PlanStep, after: set[Tensor], wish: dict[Tensor, str]) -> None:
        handed = step.handed
        read: dict[int, list[Tensor]] = {place: [] for place in (*range(handed), *step.takes)}
        operands = {
            place: flat(self._operand(step.sources[place], tensors)) for place, tensors in read.items()
        }
        names: list[str] = []
        for place, output in enumerate(step.outputs[:handed]):
            first, *others = read[place]
            others += [one for other, tensors in read.items() if other != place for one in tensors]
            names.append(self.names.name(output, [first], after.union(others, step.outputs), wish))
            self.names.hold(output, names[-1])
        changed = [(name, operands[n]) for n, name in enumerate(names) if name != operands[n]]
        if changed:
            self.writer.line(" = ".join(", ".join(side) for side in zip(*changed, strict=True)))
        inner = self.namer.child()
        layer = inner.take("layer")
        lists = [inner.take(f"{one.word}s") for one in step.collected]
        for name in lists:
            self.writer.line(f"{name} = []")
        needs = [key if key in step.zipped else self.modules[key] for key in step.needs]
        target = f"self.{step.name}" if step.name else "self"
        if step.zipped:
            rows = [f"({', '.join(self.modules[key] for key in keys)})" for keys in step.zipped.values()]
            self.writer.put(
                f"for {', '.join((layer, *step.zipped))} in ",
                Group("zip(", (target, *rows, "strict=True")),
                ":",
            )
        else:
            self.writer.line(f"for {layer} in {target}:")
        with self.writer.indented():
            arguments = [names[place] if place < handed else operands[place] for place in step.takes]
            own = {one.place: inner.take(one.word) for one in step.collected if one.place >= handed}
            targets = [*names, *(own[place] for place in sorted(own))]
            self.writer.put(f"{', '.join(targets)} = ", Group(f"{layer}(", (*arguments, *needs)))
            for name, one in zip(lists, step.collected, strict=True):
                self.writer.line(f"{name}.append({targets[one.place]})")
        for name, one in zip(lists, step.collected, strict=True):
            for tensor in one.tensors:
                self.names.hold(tensor, self.names.name(tensor, [], after.union(step.outputs), wish))
            put_targets(self.writer, [self.names.of[tensor] for tensor in one.tensors], name)

    def _optional(self, step: PlanStep, after: set[Tensor], wish: dict[Tensor, str], last: bool) -> None:
        """A merge in which some branches exist only under a condition, or one with very many branches."""
        (output,) = step.outputs
        read: list[Tensor] = []
        operands = [(tensor, when, self._arm(step, tensor, rank, read)) for tensor, when, rank in step.arms]
        if step.word == "concat":
            parts = self.namer.child().take("parts")
            start = list(takewhile(lambda operand: operand[1] is None, operands))
            self.writer.put(f"{parts} = ", Group("[", tuple(text for _, _, text in start), "]"))
            for when, together in groupby(operands[len(start) :], key=lambda operand: operand[1]):
                texts = [text for _, _, text in together]
                added = f".append({texts[0]})" if len(texts) == 1 else f" += [{', '.join(texts)}]"
                self._under(when, f"{parts}{added}")
            code = f"torch.cat({parts}, dim=1)"
            if last and self.plan.outputs == [output]:
                self.pending[output] = Waiting(code, 1, read, False, False)
            else:
                self._assign(output, code, read, after, wish)
            return
        first = [operand for operand in operands if operand[1] is None]
        start = first[:ATONCE]
        later = [*first[ATONCE:], *(operand for operand in operands if operand[1] is not None)]
        # a tensor that is added later must not be overwritten by an earlier addition
        needed = after | {tensor for tensor, _, _ in (*start[1:], *later)}
        name = self.names.name(output, [start[0][0]], needed, wish)
        texts = [text for _, _, text in start]
        if texts != [name]:
            self.writer.put(f"{name} = ", merged(step.word, texts))
        for _, when, text in later:
            self._under(when, f"{name} = {flat(merged(step.word, [name, text]))}")
        self.names.hold(output, name)

    def _under(self, when: When, statement: str) -> None:
        if when is None:
            self.writer.line(statement)
            return
        condition, side = when
        with self.writer.under(f"{'' if side else 'not '}{self.condition[condition]}"):
            self.writer.line(statement)

    # --- expressions ----------------------------------------------------------------------------------

    def _expression(self, step: PlanStep, read: list[Tensor]) -> Code:
        if step.arms:
            return merged(step.word, [self._arm(step, one, rank, read) for one, _, rank in step.arms])
        operands = [self._operand(step.sources[place], read) for place in step.takes]
        if step.piece is None and step.shared is None:
            names = [flat(operand) for operand in operands]
            return lending(step, names, broadcasts=self._broadcasts(step.outputs[0]))
        if is_short(step.piece):
            cut = self.cuts.get(step)
            return short(step.piece, flat(operands[0]), None if cut is None else cut.text)
        extra = [self.modules[key] for key in step.needs]
        function = self.modules[step.shared] if step.shared is not None else f"self.{step.name}"
        arguments = (*operands, *extra)
        if all(isinstance(argument, str) for argument in arguments) and len(arguments) == 1:
            return f"{function}({arguments[0]})"
        return Group(f"{function}(", arguments)

    def _broadcasts(self, output: Tensor) -> bool:
        """Whether every reader broadcasts it to the size of a map."""
        readers = self.names.readers.get(output, [])
        return output not in self.plan.outputs and all(
            reader.word in ("add", "sub", "mul", "div")
            and len(reader.arms) > 1
            and all(
                when is None and (tensor is output) is (tensor in self.spread)
                for tensor, when, _ in reader.arms
            )
            for reader in readers
        )

    def _arm(self, step: PlanStep, tensor: Tensor, rank: int, read: list[Tensor]) -> str:
        text = flat(self._operand(tensor, read))
        missing = max(rank for _, _, rank in step.arms) - rank
        if step.word in ("mul", "div") and missing:
            return f"{text}[:, :{', None' * missing}]"
        return text

    def _operand(self, source: Tensor, read: list[Tensor]) -> Code:
        if source in self.pending:
            waiting = self.pending.pop(source)
            read += waiting.read
            return waiting.code
        read.append(source)
        return self.names.of[source]
