"""Every argument of every layer with every other argument of it: all pairs of values that one valid layer can
have, against torch and against finite differences, in evaluation and in training.

A fence `pairs` in a layer's file is a spec with holes, and a line of values for each argument (`-` is none).
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from random import Random

import pytest

from cnnspec.api import SpecError, load
from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph
from cnnspec.ops import lookup, words
from cnnspec.ops.base import arguments_of
from tests.cases.markdown import FOLDER, pairs
from tests.targets.numpy.support import Beside, check_slopes

Values = tuple[tuple[str, ...], ...]
TABLES = [(word, *table) for word in words() for table in pairs(FOLDER / "layers" / f"{word}.md")]


def filled(spec: str, values: tuple[str, ...]) -> str:
    """`{}` is the place of all arguments, `{0}` that of the first."""
    return spec.format(*values) if "{0}" in spec else spec.format(" ".join(filter(None, values)))


@cache
def valid(spec: str, table: Values) -> tuple[list[Graph], set[tuple[int, str]]]:
    """Layers that together have every pair of values that goes together, and the values that they have. What
    else such a layer has is drawn; where it fits with nothing that is drawn, it is the table's first.
    """
    chance = Random(0)
    chosen: list[Graph] = []
    seen: set[tuple[tuple[int, str], ...]] = set()
    settings = [(number, value) for number, values in enumerate(table) for value in values]
    for pair in combinations(settings, 2):
        for attempt in range(5):
            if pair in seen or pair[0][0] == pair[1][0]:
                break
            drawn = [chance.choice(values) if attempt < 4 else values[0] for values in table]
            for number, value in pair:
                drawn[number] = value
            try:
                chosen.append(load(text=filled(spec, tuple(drawn))))
            except SpecError:
                continue
            seen |= set(combinations(enumerate(drawn), 2))
    return chosen, {setting for pair in seen for setting in pair}


@pytest.mark.parametrize(("word", "spec", "table"), TABLES, ids=[f"{row[0]}-{row[1]}" for row in TABLES])
def test_pairs_of_arguments(word: str, spec: str, table: Values) -> None:
    graphs, _ = valid(spec, table)
    assert graphs
    for graph in graphs:
        beside = Beside(graph, batch=3)
        for training in (False, True):
            for name, error in beside.differences(training).items():
                assert error < 1e-10, (graph.root, name, error, training)
        if not places_meet(graph):
            check_slopes(graph, places=2)


def places_meet(graph: Graph) -> bool:
    """Whether two numbers of an unpool may be put at one place, where one of them is lost: like torch, the
    program gives both of them the gradient of the place.
    """
    pool = getattr([*flat(graph)][-1].op, "maxpool", None)
    if pool is not None and pool.size_out is not None:
        return True
    return pool is not None and any(
        s < d * (f - 1) + 1 for f, s, d in zip(pool.size, pool.stride, pool.D, strict=True)
    )


@pytest.mark.parametrize("word", dict.fromkeys(row[0] for row in TABLES))
def test_every_value_is_in_some_valid_layer(word: str) -> None:
    tables = [(spec, table) for name, spec, table in TABLES if name == word]
    reached = set.union(*(valid(spec, table)[1] for spec, table in tables))
    assert reached == {(number, value) for number, values in enumerate(tables[0][1]) for value in values}


@pytest.mark.parametrize("word", words())
def test_a_layer_of_several_arguments_has_a_table_of_all_of_them(word: str) -> None:
    op = lookup(word)
    assert op is not None
    declared = {name for name, _ in arguments_of(op)}
    written = {
        name
        for table_word, spec, table in TABLES
        if table_word == word
        for graph in valid(spec, table)[0]
        for entry in flat(graph)
        if entry.op is not None and entry.op.word == word
        for name in entry.op.model_fields_set
    }
    assert len(declared) < 2 or declared <= written
