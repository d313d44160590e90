"""Graphs for the tests: of a text, of the zoo, and random ones with everything in them that repeats and
branches.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

from cnnspec.diagnostics import Sink, Source
from cnnspec.elaborate import Request, elaborate, variants
from cnnspec.ir.graph import Graph
from cnnspec.language import parse

ZOO = Path(__file__).parents[2] / "specs"


def graph(text: str, *, variant: str | None = None, settings: dict[str, str] | None = None) -> Graph:
    """Of a text without errors."""
    made, sink = elaborated(text, variant=variant, settings=settings)
    assert not sink.has_errors, [(finding.code, finding.message) for finding in sink]
    return made


def elaborated(
    text: str, *, variant: str | None = None, settings: dict[str, str] | None = None
) -> tuple[Graph, Sink]:
    source, sink = Source("test.cnn", text), Sink()
    made = elaborate(Request(parse(source, sink), source, variant, settings or {}), sink)
    assert made is not None
    return made, sink


def of_zoo(name: str, variant: str | None = None) -> Graph:
    (path,) = ZOO.glob(f"*/{name}.cnn")
    return graph(path.read_text(encoding="utf-8"), variant=variant)


@cache
def zoo() -> tuple[tuple[str, str | None], ...]:
    """Every spec and variant."""
    found: list[tuple[str, str | None]] = []
    for path in sorted(ZOO.glob("*/*.cnn")):
        source = Source(path.name, path.read_text(encoding="utf-8"))
        found += ((path.stem, variant) for variant in [*variants(parse(source, Sink()))] or [None])
    return tuple(found)


class Drawing:
    """A random spec. Every step takes and gives 8x16x16, so that any of them may follow any other."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.blocks: list[str] = []
        self.labels: list[str] = []
        self.text = self.file()

    def file(self) -> str:
        lines: list[str] = []
        for number in range(self.chance.randint(0, 4)):
            lines.append(self.block(number))
        lines += ["input 3x16x16", "conv F3 P1 K8"]
        for number in range(self.chance.randint(1, 6)):
            line = self.chain(2)
            if self.chance.random() < 0.5:
                lines.append(f"l{number}: {line}")
                self.labels.append(f"l{number}")
            else:
                lines.append(line)
        if self.chance.random() < 0.5:
            lines.append(
                self.chance.choice(["gap -> fc 10", "flatten -> fc 10 -> relu -> fc 5", "gap -> conv F1 K5"])
            )
        if self.labels and self.chance.random() < 0.3:
            lines[-1] = f"end: {lines[-1]}" if ":" not in lines[-1] else lines[-1]
            label = lines[-1].split(":")[0]
            others = [one for one in self.labels if one != label]
            lines.append(f"output @{label}" + "".join(f", @{one}" for one in others[:1]))
        return "\n".join(lines) + "\n"

    def block(self, number: int) -> str:
        kind = self.chance.choice(["block", "block", "shared", "skip"])
        name = f"b{number}"
        self.labels = ["skip"] if kind == "skip" else []
        body = self.chain(2)
        if kind == "skip":
            body += " -> add [ id | @skip ]" if self.chance.random() < 0.5 else " -> crop like=@skip"
        self.labels = []
        if kind == "skip":
            self.blocks.append(f"{name}(@)")
            return f"block {name}(@skip) {{ {body} }}"
        self.blocks.append(f"{name}()")
        return f"{kind} {name}() {{ {body} }}"

    def chain(self, depth: int) -> str:
        return " -> ".join(self.step(depth) for _ in range(self.chance.randint(1, 4)))

    def step(self, depth: int) -> str:
        chance = self.chance
        if depth == 0 or chance.random() < 0.5:
            return chance.choice(
                [
                    "conv F3 P1 K8",
                    "conv F5 P2 K8 G2 nobias",
                    "conv F1 K8 frozen",
                    "conv F1x3 P0x1 K8",
                    "conv F3 P2 D2 K8",
                    "dwconv F3 P1",
                    "deconv F3 P1 K8",
                    "relu",
                    "bn",
                    "prelu",
                    "avgpool F3 S1 P1",
                    "maxpool F2 -> upsample 2",
                    "avgpool F2 -> conv F3 P1 K8 -> upsample 2 bilinear",
                    "conv F3 S2 P1 K8 -> deconv F4 S2 P1 K8",
                    "conv F3 S2 P1 K8 -> deconv F2 S2 K8",
                    "conv F3 P1 K32 -> pixelshuffle 2 -> avgpool F2",
                    "pad left=1 right=0 top=0 bottom=1 -> crop 16x16 offset=1x0",
                    "conv F3 K8 -> pad 1",
                ]
            )
        match chance.choice(["repeat", "repeat", "add", "concat", "gate", "block", "block", "group"]):
            case "repeat":
                return f"[ {self.chain(depth - 1)} ]*{chance.choice([1, 2, 3, 4, 6])}"
            case "group":
                return f"[ {self.chain(depth - 1)} ]"
            case "add":
                return f"{chance.choice(['add', 'max'])} [ {self.arms(depth - 1)} ]"
            case "concat":
                return f"concat [ {self.arms(depth - 1)} ] -> conv F1 K8"
            case "gate":
                gate = chance.choice(
                    ["gap -> fc 8", "gap -> conv F1 K4 -> relu -> conv F1 K8", "conv F7 P3 K1"]
                )
                return f"mul [ {chance.choice(['id', self.chain(depth - 1)])} | {gate} -> sigmoid ]"
            case _:
                if not self.blocks:
                    return "relu"
                block = chance.choice(self.blocks)
                if "@" not in block:
                    return block
                return block.replace("@", f"@{chance.choice(self.labels)}") if self.labels else "relu"

    def arms(self, depth: int) -> str:
        arms = [self.chain(depth) for _ in range(self.chance.randint(1, 3))]
        arms.append("id")
        if self.labels and self.chance.random() < 0.4:
            arms.append(f"@{self.chance.choice(self.labels)} -> {self.chain(0)}")
        self.chance.shuffle(arms)
        return " | ".join(arms)


def drawn(seed: int) -> str:
    return Drawing(seed).text
