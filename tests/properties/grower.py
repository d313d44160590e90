"""Valid networks, grown forward: every step asks its layer which arguments the shape of its input allows
(`Op.draw`).

A new layer is grown the day it is declared. What the shape is after a step is asked of the elaborator itself,
and of torch by the tests.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from cnnspec.diagnostics import Sink, Source
from cnnspec.elaborate import Request, elaborate
from cnnspec.language import parse
from cnnspec.ops import lookup, words
from cnnspec.ops.base import Misfit, Shape

WORDS = tuple(sorted(words()))
_OPS = [op for word in WORDS if (op := lookup(word)) is not None]
LIKE = [
    op
    for op in _OPS
    if op.tensors
    and op.undoes is None
    and not any(field.is_required() for name, field in op.model_fields.items() if name not in op.tensors)
]
UNDOING = [op for op in _OPS if op.undoes is not None]
LARGEST = 40_000
"""Numbers in a tensor: small enough to run."""


IMAGES: tuple[Shape, ...] = ((1, 9, 9), (2, 8, 6), (3, 12, 12), (4, 7, 5), (6, 16, 16), (8, 4, 4), (5, 1, 1))
SIGNALS_AND_VOLUMES: tuple[Shape, ...] = ((1, 25), (4, 12), (6, 8), (1, 6, 7, 5), (4, 3, 4, 6), (3, 4, 4, 4))


def shape_after(shape: Shape, steps: str) -> Shape | None:
    """What comes out of `steps`; None where they do not fit."""
    text = f"input {'x'.join(map(str, shape))}\n{steps}\nrelu\n"  # `id` alone would be nothing to compute
    source, sink = Source("grown", text), Sink()
    graph = elaborate(Request(parse(source, sink), source), sink)
    if graph is None or sink.has_errors:
        return None
    return graph.root.values[graph.root.outputs[0]]


@dataclass
class Grower:
    """Grows one spec; the same seed gives the same one."""

    seed: int
    steps: int = 8
    shapes: tuple[Shape, ...] = IMAGES + SIGNALS_AND_VOLUMES
    lines: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    labels: list[tuple[str, Shape]] = field(default_factory=list)
    layers: bool = False
    """Whether blocks may have layer parameters."""
    layered: int = 0
    """Blocks with a layer parameter."""
    inside: int = 0
    """Of how many such uses a step is grown: no target can express a shared block there."""

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def text(self) -> str:
        chance = self.chance
        shape: Shape = chance.choice(self.shapes)
        head = f"input {'x'.join(map(str, shape))}\n"
        for number in range(self.steps):
            if chance.random() < 0.04 and self.undone(shape, number):
                continue
            step, out = self.step(shape, 2)
            label = f"l{number}: " if chance.random() < 0.3 else ""
            self.lines.append(f"{label}{step}")
            if label:
                self.labels.append((f"l{number}", out))
            shape = out
        read = "\n".join(self.lines)
        tail = ""
        unread = [label for label, _ in self.labels if f"@{label}" not in read]
        if unread and not self.lines[-1].startswith(f"{unread[-1]}:") and chance.random() < 0.3:
            self.lines[-1] = "last: " + self.lines[-1].split(": ", 1)[-1]
            tail = f"output @last, @{unread[0]}\n"
        return "".join(f"{block}\n" for block in self.blocks) + head + "\n".join(self.lines) + "\n" + tail

    def undone(self, shape: Shape, number: int) -> bool:
        """Lines with a layer and with the one that undoes it; what comes out has the shape that arrived."""
        op = self.chance.choice(UNDOING)
        assert op.undoes is not None
        there = lookup(op.undoes)
        assert there is not None
        drawn = there.draw(self.chance, shape)
        out = None if drawn is None else shape_after(shape, drawn)
        if out is None:
            return False
        self.lines.append(f"l{number}: {drawn}")
        self.lines.append(f"{self.kept(out, 1)} -> {op.word} {op.tensors[0]}=@l{number}")
        self.labels.append((f"l{number}", out))
        return True

    def like(self, shape: Shape) -> tuple[str, Shape] | None:
        """A layer that takes its size from a tensor with a label, where one fits."""
        op = self.chance.choice(LIKE)
        fits: list[tuple[str, Shape]] = []
        for label, other in self.labels:
            out = op.model_validate({op.tensors[0]: True}).out(shape, other)
            if not isinstance(out, Misfit) and _size(out) <= LARGEST:
                fits.append((f"{op.word} {op.tensors[0]}=@{label}", out))
        return self.chance.choice(fits) if fits else None

    def layer(self, shape: Shape) -> tuple[str, Shape]:
        """One layer that fits, in the arguments that it drew itself."""
        for _ in range(60):
            word = self.chance.choice(WORDS)
            op = lookup(word)
            assert op is not None
            drawn = op.draw(self.chance, shape)
            if drawn is None:
                continue
            out = shape_after(shape, drawn)
            assert out is not None, f"{word} drew {drawn!r} for {shape}, and it does not fit"
            if _size(out) <= LARGEST and max(out) <= 4000:
                return drawn, out
        return "relu", shape

    def chain(self, shape: Shape, depth: int) -> tuple[str, Shape]:
        steps = []
        for _ in range(self.chance.randint(1, 3)):
            step, shape = self.step(shape, depth)
            steps.append(step)
        return " -> ".join(steps), shape

    def kept(self, shape: Shape, depth: int) -> str:
        """A chain that gives back the shape it gets."""
        for _ in range(8):
            chain, out = self.chain(shape, depth)
            if out == shape:
                return chain
        return self.chance.choice(["relu", "bn", "id"]) if len(shape) > 1 else "relu"

    def step(self, shape: Shape, depth: int) -> tuple[str, Shape]:
        chance = self.chance
        if depth == 0 or chance.random() < 0.55:
            return self.layer(shape)
        match chance.randrange(11 if self.layers else 10):
            case 0:
                body, times = self.kept(shape, depth - 1), chance.randint(1, 4)
                if chance.random() < 0.3:
                    other = self.kept(shape, depth - 1)
                    first = f"i {chance.choice(['==', '<'])} {chance.randrange(times)}"
                    body = f"if {first} [ {body} ] else [ {other} ]"
                return f"[ {body} ]*{times}", shape
            case 1:
                word = chance.choice(["add", "sub", "max"])
                return f"{word} [ {' | '.join(self.arms(shape, depth))} ]", shape
            case 2:
                arms = self.arms(shape, depth)
                return f"concat [ {' | '.join(arms)} ]", (shape[0] * len(arms), *shape[1:])
            case 3 if len(shape) > 1:
                gate = chance.choice(
                    [f"gap -> fc {shape[0]}", f"gap -> conv F1 K{shape[0]}", "cmean", "cmax"]
                )
                return f"mul [ {self.kept(shape, depth - 1)} | {gate} -> sigmoid ]", shape
            case 4:
                seen, self.labels = self.labels, []  # a block does not see the file's labels
                kind = "block" if self.inside else chance.choice(["block", "block", "shared"])
                if kind == "shared":  # which is for being used twice
                    body, out = self.kept(shape, depth - 1), shape
                else:
                    body, out = self.chain(shape, depth - 1)
                self.labels = seen
                name = f"b{len(self.blocks)}"
                self.blocks.append(f"{kind} {name}(k=1) {{ {body} }}")
                if kind == "shared":  # other arguments are other weights
                    return f"{name}() -> {name}({chance.choice(['', '', 'k=2'])})", out
                if out == shape and chance.random() < 0.5:
                    return f"{name}() -> {name}(k=2)", out
                return f"{name}()", out
            case 5:
                then, out = self.chain(shape, depth - 1)
                condition = chance.choice([f"C == {shape[0]}", f"C >= {shape[0]} and 1 < 2", "not C == 0"])
                if chance.random() < 0.5:
                    return f"if {condition} [ {then} ] else [ {self.chain(shape, 0)[0]} ]", out
                return f"if C != {shape[0]} [ {self.chain(shape, 0)[0]} ] else [ {then} ]", out
            case 6:
                body, out = self.chain(shape, depth - 1)
                return f"[ {body} ]", out
            case 7:
                equal = [label for label, other in self.labels if other == shape]
                if equal:
                    return f"add [ id | @{chance.choice(equal)} ]", shape
                return self.layer(shape)
            case 8:
                return self.like(shape) or self.layer(shape)
            case 10:
                return self.given(shape, depth), shape
            case _:
                if len(shape) == 1:
                    return self.layer(shape)
                name = f"s{len(self.blocks)}"
                self.blocks.append(f"block {name}(@other, K) {{ concat [ id | @other ] -> conv F1 K=K }}")
                equal = [label for label, other in self.labels if other[1:] == shape[1:] and len(other) > 1]
                if equal:
                    K = chance.randint(1, 8)
                    return f"{name}(@{chance.choice(equal)}, K={K})", (K, *shape[1:])
                self.blocks.pop()
                return self.layer(shape)

    def given(self, shape: Shape, depth: int) -> str:
        """A block with a layer parameter, used with several layers, among them a use of itself."""
        seen, self.labels = self.labels, []
        chance, self.layered = self.chance, self.layered + 1
        self.inside += 1
        name = f"g{self.layered}"
        layers = [*(f"[{self.kept(shape, depth - 1)}]" for _ in range(3)), "relu", "id", f"[{name}()]"]
        default = chance.choice(layers[:-1])
        body = self.kept(shape, depth - 1)
        self.labels, self.inside = seen, self.inside - 1
        steps = chance.choice(
            ["act -> {} -> act", "add [ act | {} ]", "[ {} -> act ]*2", "{} -> if n == 1 [ act ]"]
        )
        self.blocks.append(f"block {name}(act={default}, n=1) {{ {steps.format(body)} }}")
        if chance.random() < 0.5:  # given on
            self.blocks.append(
                f"block {name}b(norm, k) {{ {name}([norm -> [ norm ]*2]) -> {name}(norm, k) }}"
            )
            return f"{name}b({chance.choice(layers)}, 1) -> {name}b({chance.choice(layers)}, 2)"
        return f"{name}({chance.choice(layers)}) -> {name}(n=2, act={chance.choice(layers)}) -> {name}()"

    def arms(self, shape: Shape, depth: int) -> list[str]:
        arms = [self.kept(shape, depth - 1) for _ in range(self.chance.randint(1, 2))]
        arms.append(self.chance.choice(["id", "id", "relu"]))
        self.chance.shuffle(arms)
        return arms


def _size(shape: Shape) -> int:
    size = 1
    for number in shape:
        size *= number
    return size


def grown(
    seed: int,
    steps: int = 8,
    shapes: tuple[Shape, ...] = IMAGES + SIGNALS_AND_VOLUMES,
    *,
    layers: bool = False,
) -> str:
    """A valid spec; with blocks that have layer parameters where `layers` says so."""
    return Grower(seed, steps, shapes, layers=layers).text()
