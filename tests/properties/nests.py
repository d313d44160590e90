"""Specs that ask for as much as they can: repeats in repeats with counts of 0, 1 and 100,000, empty groups,
blocks that double, many labels, long names."""

from __future__ import annotations

import random

COUNTS = ["0", "0", "0", "1", "1", "2", "3", "7", "100", "1000", "100000", "n", "n*n", "C", "C//2", "H-1"]
IN_A_REPEAT = ["i", "i+1", "0*i", "i%2"]
SAME = ("relu", "id", "bn", "conv F1 K=C", "dropout", "conv F3 P1 K=C")
LAYERS = (*SAME * 4, "conv F1 K=C+1", "maxpool F2", "upsample 2", "conv F1 K=2*C", "gap", "slice 0:C//2")
CONDITIONS = ("C > 3", "n == 0", "H > 1 and C < 9", "n > 2")


class _Nest:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.blocks: list[str] = []
        self.repeats = 0

    def text(self) -> str:
        chance = self.chance
        lines = [
            f"model {chance.choice(('Nest', 'N' * 300))}",
            f"let n = {chance.choice((0, 1, 3, 50, 1000))}",
        ]
        for number in range(chance.choice((0, 0, 1, 2, 6, 25))):
            name = chance.choice(("f", "block_with_a_long_name_" + "x" * 80)) + str(number)
            head = chance.choice(("block", "block", "block", "shared"))
            inside = self.sequence(chance.randint(1, 2))
            if self.blocks and chance.random() < 0.4:  # doubling
                inside = f"{self.blocks[-1]} -> {self.blocks[-1]}"
            lines.append(f"{head} {name}(k=2) {{ {inside} }}")
            self.blocks.append(f"{name}()")
        lines.append(f"input {chance.choice(('4x8x8', 'x: 4x8x8', '1x1x1', '64x64x64'))}")
        for number in range(chance.choice((1, 2, 3, 8, 300))):
            label = chance.choice(("", f"a{number}: ", f"{'long_label_' * 12}{number}: "))
            few = chance.choice((0, 1, 2, 3)) if number < 8 else 0
            lines.append(f"{label}{self.sequence(few)}{self.claims()}")
        return "\n".join(lines) + "\n"

    def claims(self) -> str:
        if self.chance.random() < 0.95:
            return ""
        claims = ("params < 100M", "macs 4G", "field <= 3", "layers 9", "flops >= 1")
        return " => " + ", ".join(self.chance.sample(claims, 3))

    def sequence(self, depth: int) -> str:
        return " -> ".join(self.step(depth) for _ in range(self.chance.choice((1, 1, 1, 2, 4))))

    def step(self, depth: int, layers: tuple[str, ...] = LAYERS) -> str:
        chance = self.chance
        if depth <= 0:
            return chance.choice((*layers, *self.blocks[-1:]))
        match chance.randrange(8):
            case 0 | 1 | 2 | 3:
                deep = chance.choice((1, 1, 1, 3, 12, 30))
                counts = [self.count(bool(self.repeats or level)) for level in range(deep)]
                self.repeats += deep
                inside = self.sequence(depth - 1)
                self.repeats -= deep
                return "[" * deep + inside + "".join(f"]*{count}" for count in reversed(counts))
            case 4:
                return f"[ {self.sequence(depth - 1)} ]"
            case 5:
                word = chance.choice(("add", "concat", "mul", "max"))
                sides = [" -> ".join(chance.choices(SAME, k=2)), *chance.choices(("id", "none", "bn"), k=2)]
                return f"{word} [ {' | '.join(sides)} ]"
            case 6:
                return f"if {chance.choice(CONDITIONS)} [ {self.sequence(depth - 1)} ]"
        return f"if {chance.choice(CONDITIONS)} [ {self.step(0)} ] else [ {self.sequence(depth - 1)} ]"

    def count(self, in_a_repeat: bool) -> str:
        count = self.chance.choice((*COUNTS, *IN_A_REPEAT) if in_a_repeat else COUNTS)
        return count if count.isalnum() else f"({count})"


def nest(seed: int) -> str:
    return _Nest(random.Random(seed)).text()
