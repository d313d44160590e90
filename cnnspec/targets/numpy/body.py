"""A body of the IR as steps: its layers, the blocks that it uses, its groups inlined,
its repeats as loops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnspec.ir.graph import Layer, Region
from cnnspec.targets.numpy.frame import UseOf
from cnnspec.targets.numpy.layered import Layers
from cnnspec.targets.numpy.statements import Argument, Call, Loop, Step, Tensor
from cnnspec.targets.symbolic import Apply, Const, Node, Var
from cnnspec.targets.unify import Diverges, unify_number
from cnnspec.targets.union import Source, UnionStep
from cnnspec.targets.values import parsed


class BodyBuilder(Layers):
    """Lays the uses of a body over each other and writes them down as steps."""

    def build(self) -> tuple[list[Step], list[Tensor]]:
        for step in self.laid.steps:
            self._take_lets(step)
            self._move_to(step.guards)
            first = step.first
            if isinstance(first, Layer):
                self._layer(step, first)
            else:
                self._region(step, first)
        self._move_to(())
        bodies = self.laid.bodies
        if len({len(body.outputs) for body in bodies}) != 1:
            raise Diverges("different numbers of outputs")
        outputs = [
            self._tensor(self.laid.source({use: body.outputs[place] for use, body in enumerate(bodies)}))
            for place in range(len(bodies[0].outputs))
        ]
        return self.steps, outputs

    def _region(self, step: UnionStep, first: Region) -> None:
        regions = {use: region for use in step.present if isinstance(region := step.steps[use], Region)}
        sources = self._sources(step)
        if first.block is not None:
            self._block(step, first, regions, sources)
        elif first.kind == "repeat":
            self._repeat(step, first, regions, sources)
        else:
            uses = [UseOf(region.passes[0].body, self.envs[use]) for use, region in regions.items()]
            inputs = [self._tensor(source) for source in sources]
            steps, outputs = self.function.body(uses, inputs, self._at(first.name), self.scope)
            self.here.extend(steps)
            self._give(step, outputs)

    def _give(self, step: UnionStep, outputs: Sequence[Tensor]) -> None:
        for number, tensor in zip(step.outputs, outputs, strict=False):
            self.tensors[number] = tensor
            if tensor.label is None and number in self.labels:
                tensor.label = self.labels[number]

    def _block(
        self, step: UnionStep, first: Region, regions: Mapping[int, Region], sources: Sequence[Source]
    ) -> None:
        functions = [self.builder.function_of(region) for region in regions.values()]
        made = functions[0]
        if any(other is not made for other in functions):
            raise Diverges("uses of a block that became different functions")
        written = self._written(regions, sources[0])
        arguments: list[Argument] = []
        reads: dict[Tensor, None] = {}
        by_name = False
        for variable, name, letter, default in made.parameters:
            by_name = by_name or letter or default is not None
            keyword = variable if by_name else None
            values = [parsed(region.arguments[name]) for region in regions.values()]
            nodes = written.get(name)
            source = None
            if nodes is not None:
                source = nodes[0] if len(nodes) == 1 else Apply("pair", nodes)
            if any(isinstance(value, str) for value in values):
                if any(value != values[0] for value in values):
                    raise Diverges("different code")
                arguments.append((keyword, values[0]))
                continue
            node = unify_number(values, source, [self.envs[use] for use in regions])
            if default is None or node != default:
                reads |= dict.fromkeys(self._reads(node))
                arguments.append((keyword, node))
        place = self._at(first.name)
        if first.shared is not None:
            names = {region.shared for region in regions.values()}
            if len(names) != 1:
                raise Diverges("different shared blocks")
            place = f'net.go("{first.shared}.")'
        inputs = [self._tensor(source) for source in sources]
        outputs = [self._new(number) for number in step.outputs]
        while len(outputs) < len(made.outputs):
            outputs.append(self.builder.tensor())
        self.here.append(Call("block", made.name, place, inputs, outputs, arguments, list(reads), made))

    def _repeat(
        self, step: UnionStep, first: Region, regions: Mapping[int, Region], sources: Sequence[Source]
    ) -> None:
        """A loop; where one loop cannot serve all passes, several, or the first pass by
        itself."""
        inputs = [self._tensor(source) for source in sources]
        counts = {use: sum(one.count for one in region.passes) for use, region in regions.items()}
        written = self._written(regions, sources[0])
        times = written.get("times", (None,))[0]
        stop = unify_number(list(counts.values()), times, [self.envs[use] for use in regions])
        mark = len(self.here), len(self.builder.tensors)
        for cuts in self._cuts(regions, counts):
            try:
                self._loops(first, regions, counts, inputs, stop, cuts, step)
                return
            except Diverges:
                del self.here[mark[0] :]
                reason = cuts
        raise Diverges(f"passes that differ ({reason})")

    def _cuts(self, regions: Mapping[int, Region], counts: Mapping[int, int]) -> list[list[int]]:
        """Where a repeat may be cut into loops, the simplest first."""
        found: list[list[int]] = [[]]
        if min(counts.values()) > 1:
            found.append([1])
        runs = set()
        for region in regions.values():
            starts, at = [], 0
            for one in region.passes:
                starts.append(at)
                at += one.count
            runs.add(tuple(starts[1:]))
        if len(runs) == 1 and (cuts := list(runs.pop())) and cuts != [1]:
            found.append(cuts)
        return found

    def _loops(
        self,
        first: Region,
        regions: Mapping[int, Region],
        counts: Mapping[int, int],
        inputs: list[Tensor],
        stop: Node,
        cuts: list[int],
        step: UnionStep,
    ) -> None:
        bounds: list[tuple[int, int | None]] = list(zip([0, *cuts], [*cuts, None], strict=True))
        place = self._at(first.name)
        tensor = inputs[0]
        for low, high in bounds:
            passes = [
                (use, number, body)
                for use, region in regions.items()
                for number, body in _passes(region, low, counts[use] if high is None else high)
            ]
            if not passes:
                continue
            alone = all((counts[use] if high is None else high) - low == 1 for use in regions)
            if alone:
                scope = self.scope | {"i": Const(low)}
                uses = [UseOf(body, self.envs[use]) for use, _, body in passes]
                steps, outputs = self.function.body(uses, [tensor, *inputs[1:]], f"{place}[{low}]", scope)
                self.here.extend(steps)
                tensor = outputs[0]
                continue
            variable = self.function.namer.child().take("i")
            if f"[{variable}]" in place or any(
                isinstance(node, Var) and node.name == variable for node in self.scope.values()
            ):
                variable = self.function.namer.take("j")
            scope = self.scope | {"i": Var(variable)}
            uses = [UseOf(body, self.envs[use] | {variable: number}) for use, number, body in passes]
            inside = self.builder.tensor()
            steps, outputs = self.function.body(uses, [inside, *inputs[1:]], f"{place}[{variable}]", scope)
            made = self.builder.tensor(None, tuple((one.condition, side) for one, side in self.open))
            end = stop if high is None else Const(high)
            self.here.append(
                Loop(
                    variable,
                    Const(low),
                    end,
                    place,
                    tensor,
                    inside,
                    steps,
                    outputs[0],
                    made,
                    self._reads(end),
                )
            )
            tensor = made
        self._give(step, [tensor])


def _passes(region: Region, low: int, high: int) -> list[tuple[int, int]]:
    """Passes from low to high with their bodies; of a long run of one body the first
    two and the last."""
    found, at = [], 0
    for one in region.passes:
        start, end = max(at, low), min(at + one.count, high)
        if start < end:
            found += [(number, one.body) for number in sorted({start, min(start + 1, end - 1), end - 1})]
        at += one.count
    return found
