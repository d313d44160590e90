"""The layers of a body as calls: one call for all uses, whose numbers are the author's
expressions or plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnspec.ir.graph import Layer
from cnnspec.targets.numpy.calls import EMITTERS, Said, Use
from cnnspec.targets.numpy.frame import Env, Frame
from cnnspec.targets.numpy.statements import Argument, Call, If, Step, Tensor
from cnnspec.targets.symbolic import Const, Var, replaced, single, variables
from cnnspec.targets.unify import Diverges, unify_number
from cnnspec.targets.union import Source, UnionStep
from cnnspec.targets.writer import Code, Group
from cnnspec.targets.writer import flat as flat_code


class Unsupported(Exception):
    """A layer that this target cannot say."""

    def __init__(self, step: Layer, why: str) -> None:
        super().__init__(why)
        self.step, self.why = step, why


class Layers(Frame):
    """Says layers and merges."""

    def _sources(self, step: UnionStep) -> list[Source]:
        if len({len(step.steps[use].inputs) for use in step.present}) != 1:  # type: ignore[union-attr]
            raise Diverges("different numbers of inputs")
        return [
            self.laid.source(
                {use: step.steps[use].inputs[place] for use in step.present},  # type: ignore[union-attr]
                step.guards,
            )
            for place in range(len(step.first.inputs))
        ]

    def _layer(self, step: UnionStep, first: Layer) -> None:
        if first.op.word not in EMITTERS:
            raise Unsupported(first, f"the NumPy target cannot say `{first.op.word}` yet")
        if first.op.merges:
            self._merge(step, first)
            return
        sources = self._sources(step)
        layers = {use: layer for use in step.present if isinstance(layer := step.steps[use], Layer)}
        said = self._said(step, layers, sources)
        inputs = [self._tensor(source) for source in sources]
        if said[0].form == "alias":
            self.tensors[step.outputs[0]] = inputs[0]
            return
        arguments, reads = self._unified(said, list(layers), inputs)
        self.here.append(
            Call(
                "layer",
                said[0].function,
                self._at(first.name),
                inputs[:1],
                [self._new(step.outputs[0])],
                arguments,
                reads,
            )
        )

    def _at(self, name: str) -> str:
        return f'{self.place}["{name}"]' if name else self.place

    def _said(self, step: UnionStep, layers: Mapping[int, Layer], sources: Sequence[Source]) -> list[Said]:
        """How each use says the layer."""
        written = self._written(layers, sources[0] if sources else None)
        found = []
        for use, layer in layers.items():
            arriving = tuple(self.laid.shape(use, source) for source in sources)
            out = self.laid.shape(use, step.outputs[0]) if step.outputs[0] in self.laid.values[use] else ()
            try:
                found.append(EMITTERS[layer.op.word](Use(layer.op, arriving, out, written)))
            except NotImplementedError as why:
                raise Unsupported(layer, f"the NumPy target cannot say {why}") from None
        return found

    def _unified(
        self, said: Sequence[Said], uses: Sequence[int], inputs: Sequence[Tensor]
    ) -> tuple[list[Argument], list[Tensor]]:
        """One list of arguments for all uses: numbers that differ must come from the
        author's expression."""
        if any(one.function != said[0].function for one in said):
            raise Diverges("different layers")
        if any([a.name for a in one.arguments] != [a.name for a in said[0].arguments] for one in said):
            raise Diverges("different arguments")
        by = {}
        for number, tensor in enumerate(inputs):
            for letter in "CHW":
                by[f"§in{number}.{letter}"] = Var(f"§{tensor.number}.{letter}")
        envs = [self.envs[use] for use in uses]
        found: list[Argument] = []
        reads: dict[Tensor, None] = {}
        for place, given in enumerate(said[0].arguments):
            values = [one.arguments[place].value for one in said]
            if isinstance(given.value, str | Group):
                if any(value != given.value for value in values):
                    raise Diverges("different code")
                code = _named(given.value, inputs)
                for tensor in inputs:
                    if f"§{tensor.number}" in flat_code(code):
                        reads[tensor] = None
                found.append((given.name, code))
                continue
            if given.value is None or isinstance(given.value, bool):
                if any(value is not given.value for value in values):
                    raise Diverges("different arguments")
                if given.value is not given.default:
                    found.append((given.name, repr(given.value)))
                continue
            source = None if given.source is None else replaced(given.source, by)
            if source is not None and any(name.startswith("§") for name in variables(source)):
                self._know_shapes(inputs, said, envs, uses)
            node = unify_number(values, source, envs)
            if isinstance(node, Const) and all(
                single(node.value) == single(one.arguments[place].default) for one in said
            ):
                continue
            for tensor in self._reads(node):
                reads[tensor] = None
            found.append((given.name, node))
        return found, list(reads)

    def _know_shapes(
        self, inputs: Sequence[Tensor], said: Sequence[Said], envs: Sequence[Env], uses: Sequence[int]
    ) -> None:
        for value, tensor in self.tensors.items():
            if tensor in inputs:
                for use in uses:
                    if value in self.laid.values[use]:
                        shape = self.laid.bodies[use].values[self.laid.values[use][value]] or ()
                        for letter, size in zip("CHW", shape, strict=False):
                            self.envs[use].setdefault(f"§{tensor.number}.{letter}", size)

    def _merge(self, step: UnionStep, first: Layer) -> None:
        """`add [ … ]`. A branch that is only there under an `if` makes the merge an
        `if` of two."""
        branches: list[tuple[Tensor, tuple[int, bool] | None]] = []
        counts = {len(_arms(step.steps[use])) for use in step.present}
        if len(counts) != 1:
            raise Diverges("different numbers of branches")
        for place in range(counts.pop()):
            values = {use: _arms(step.steps[use])[place] for use in step.present}
            there = {use: value for use, value in values.items() if value is not None}
            if not there:
                continue
            when = self.laid.deciding({use: value is not None for use, value in values.items()})
            if when is not None:
                self._decide(when[0])
            branches.append((self._tensor(self.laid.source(there)), when))
        said = EMITTERS[first.op.word](Use(first.op, (), (), {}))
        made = self._merged(branches, said, self._at(first.name), self.here, step.outputs[0])
        self.tensors[step.outputs[0]] = made

    def _merged(
        self,
        branches: list[tuple[Tensor, tuple[int, bool] | None]],
        said: Said,
        place: str,
        here: list[Step],
        number: int,
    ) -> Tensor:
        condition = next((when[0] for _, when in branches if when is not None), None)
        if condition is None:
            inputs = [tensor for tensor, _ in branches]
            if len(inputs) == 1:
                return inputs[0]
            made = self._new(number)
            here.append(Call(said.form, said.function, place, inputs, [made]))  # type: ignore[arg-type]
            return made
        decided = If(self._number(condition), self.variables[condition])
        sides = []
        for holds in (True, False):
            left = [
                (tensor, None if when is not None and when[0] == condition else when)
                for tensor, when in branches
                if when is None or when[0] != condition or when[1] is holds
            ]
            sides.append(self._merged(left, said, place, decided.side(holds), number))
        here.append(decided)
        made = self._new(number)
        decided.joins.append((made, sides[0], sides[1]))
        return made


def _arms(step: object) -> list[int | None]:
    assert isinstance(step, Layer)
    return [arm.value for arm in step.arms] if step.arms else list(step.inputs)


def _named(code: Code, inputs: Sequence[Tensor]) -> Code:
    """The code with the tensors' numbers in place of `§in0`."""
    if isinstance(code, str):
        for number, tensor in enumerate(inputs):
            code = code.replace(f"§in{number}", f"§{tensor.number}")
        return code
    assert isinstance(code, Group)
    return Group(code.open, tuple(_named(item, inputs) for item in code.items), code.close)
