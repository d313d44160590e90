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
from tests.support import sampled
from tests.targets.numpy.support import Beside, check_slopes

Values = tuple[tuple[str, ...], ...]
Setting = tuple[int, str]
Pair = tuple[Setting, Setting]
TABLES = [(word, *table) for word in words() for table in pairs(FOLDER / "layers" / f"{word}.md")]


def filled(spec: str, values: tuple[str, ...]) -> str:
    """`{}` is the place of all arguments, `{0}` that of the first."""
    return spec.format(*values) if "{0}" in spec else spec.format(" ".join(filter(None, values)))


@cache
def valid(spec: str, table: Values) -> tuple[list[Graph], set[Setting]]:
    """Layers that together have every pair of values that goes together, and the values that they have. What
    else such a layer has makes many pairs, too; where it fits with none of that, it is the table's first, or
    that of another layer, or drawn.
    """
    chance = Random(0)
    settings = [(number, value) for number, values in enumerate(table) for value in values]
    pairs = [pair for pair in combinations(settings, 2) if pair[0][0] != pair[1][0]]
    alone = {pair for pair in pairs if _loaded(spec, _first(pair, table)) is not None}
    chosen: list[Graph] = []
    rows: list[tuple[str, ...]] = []
    seen: set[Pair] = set()
    for pair in pairs:
        for attempt in range(9):
            if pair in seen:
                break
            if attempt < 3:
                drawn = _drawn(pair, table, alone, seen, chance)
            elif attempt == 3:
                drawn = _first(pair, table)
            elif attempt < 7:  # in a layer that has one of the two
                number, value = pair[attempt % 2]
                others = [row for row in rows if row[number] == value]
                drawn = _first(pair, tuple(zip(chance.choice(others or [_first(pair, table)]), strict=True)))
            else:
                drawn = _first(pair, tuple((chance.choice(values),) for values in table))
            graph = _loaded(spec, drawn)
            if graph is not None:
                chosen.append(graph)
                rows.append(drawn)
                seen |= set(combinations(enumerate(drawn), 2))
    return chosen, {setting for pair in seen for setting in pair}


def _loaded(spec: str, drawn: tuple[str, ...]) -> Graph | None:
    try:
        return load(text=filled(spec, drawn))
    except SpecError:
        return None


def _drawn(pair: Pair, table: Values, alone: set[Pair], seen: set[Pair], chance: Random) -> tuple[str, ...]:
    """The pair and, in turn, values that go with those before and make as many new pairs with them."""
    drawn = dict(pair)
    for number in chance.sample(range(len(table)), len(table)):
        if number not in drawn:
            ranks = {}
            for value in table[number]:
                made = {tuple(sorted(((number, value), one))) for one in drawn.items()}
                ranks[value] = (-len(made - alone), len(made - seen), chance.random())
            drawn[number] = max(ranks, key=ranks.__getitem__)
    return tuple(drawn[number] for number in range(len(table)))


def _first(pair: Pair, table: Values) -> tuple[str, ...]:
    return tuple(dict(pair).get(number, values[0]) for number, values in enumerate(table))


@pytest.mark.parametrize(
    ("word", "spec", "table"), sampled(TABLES, 2), ids=lambda one: one if isinstance(one, str) else ""
)
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
