"""Flow figures of random networks and of the zoo: see `checks`."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec import resources
from cnnspec.diagnostics import Source
from cnnspec.drawing.options import Options
from cnnspec.pipeline import models
from tests.drawing.checks import checked, graph_of
from tests.properties.grower import grown
from tests.support import sampled

seeds = st.integers(0, 2**32)


@pytest.mark.parametrize("name", sampled(resources.zoo(), 3))
def test_the_zoo(name: str) -> None:
    with open(resources.zoo()[name], encoding="utf-8") as file:
        source = Source(name, file.read())
    for place, model in enumerate(models(source, lints=False)):
        assert model.graph is not None
        checked(model.graph)
        if not place:
            checked(model.graph, Options(levels=9))
            checked(model.graph, Options(wrap=3))


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_random_networks(seed: int) -> None:
    graph = graph_of(grown(seed))
    checked(graph)
    checked(graph, Options(levels=9, wrap=2))


def tangled(seed: int) -> str:
    """A network whose lines read any lines before them: no nesting to speak of."""
    chance = random.Random(seed)
    names = ["a", "b"][: chance.randint(1, 2)]
    lines = [f"input {name}: 4x8x8" for name in names]
    lines += [f"both: add [ {' | '.join('@' + name for name in names)} | @a -> relu ]"]
    names.append("both")
    unread = {"both": None}
    for number in range(chance.randint(2, 14)):
        merge = chance.choice(["add", "concat", "mul", "max"])
        count = chance.choice([1, 1, 2, 2, 3, 4])
        used = [chance.choice(names[-chance.choice([1, 2, 9]) :]) for _ in range(count)]
        steps = chance.choice(["conv F3 P1 K4 -> bn -> relu", "[conv F1 K4 -> relu]*3", "unit()", "relu"])
        branches = [f"@{one}" + chance.choice(["", f" -> {steps}"]) for one in used]
        line = f"@{used[0]} -> {steps}" if count == 1 else f"{merge} [ {' | '.join(branches)} ] -> conv F1 K4"
        lines.append(f"l{number}: {line}")
        unread = {name: None for name in unread if name not in used} | {f"l{number}": None}
        names.append(f"l{number}")
    outputs = [*unread]
    chance.shuffle(outputs)
    extra = [name for name in names[3:] if name not in outputs and chance.random() < 0.1]
    block = "block unit() { add [ conv F3 P1 K4 -> relu -> conv F3 P1 K4 | id ] -> relu }\n"
    return block + "\n".join(lines) + f"\noutput {', '.join('@' + name for name in outputs + extra)}\n"


@given(seeds)
@settings(max_examples=50, deadline=None)
def test_tangled_networks(seed: int) -> None:
    graph = graph_of(tangled(seed))
    checked(graph)
    checked(graph, Options(expand=("unit",)))
    checked(graph, Options(wrap=4))
