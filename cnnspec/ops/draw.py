"""Arguments at random: windows that have a place on a map, and now and then the words of a weighted layer.

From these the random networks of the property tests are grown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnspec.ops.sliding import reach

if TYPE_CHECKING:
    import random


def draw_window(chance: random.Random, H: int, W: int) -> str:
    """F, S, P and D that have a place on an H x W map."""
    if chance.random() < 0.15:
        return f"F{chance.randint(1, 5)} S{chance.randint(1, 3)} Psame D{chance.choice([1, 1, 2])}"
    F, P, D = [], [], []
    for N in (H, W):
        F.append(chance.randint(1, 5))
        D.append(chance.choice([1, 1, 1, 2]))
        least = max(0, -(-(reach(F[-1], D[-1]) - N) // 2))  # zeros that make it fit
        P.append(least + chance.choice([0, 0, 1, 2]))
    S = [chance.choice([1, 1, 2, 3]) for _ in "HW"]
    if chance.random() < 0.5 and H == W:
        F, P, D, S = ([values[0]] * 2 for values in (F, P, D, S))
    text = f"F{F[0]}x{F[1]}"
    text += f" S{S[0]}x{S[1]}" if S != [1, 1] else ""
    text += f" P{P[0]}x{P[1]}" if P != [0, 0] else ""
    return text + (f" D{D[0]}x{D[1]}" if D != [1, 1] else "")


def draw_words(chance: random.Random, plane: tuple[int, int], *, biased: bool = True) -> str:
    """Now and then bias, nobias, literal biases, frozen, init=, weight= of one plane of this size."""
    biases = ["", "", "", "", " bias", " nobias", f" bias={chance.randint(-500, 500)}"]
    text = chance.choice(biases) if biased else ""
    text += " frozen" if chance.random() < 0.1 else ""
    start = chance.random()
    if start < 0.2:
        text += " init=" + chance.choice(["he", "xavier", "normal(0.01)", "uniform(0.1)", "zeros", "ones"])
    elif start < 0.3 and plane[0] * plane[1] <= 64:
        row = " ".join(chance.choice(["1", "-1/3", "0.2"]) for _ in range(plane[1]))
        text += f" weight=[{'; '.join([row] * plane[0])}]"
    return text


def plane_of(window: str) -> tuple[int, int]:
    """(3, 2) of `F3x2 S1 …`."""
    rows, _, columns = window.split()[0].removeprefix("F").partition("x")
    return int(rows), int(columns or rows)
