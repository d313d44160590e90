"""Any text, token soup and mutated specs end in IR or in coded findings."""

# ruff: noqa: E501 (tables, a case a line)
from __future__ import annotations

import contextlib
import json
import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.api import SpecError, build
from cnnspec.diagnostics import Sink, Source
from cnnspec.ir.serialize import graph_from_json, graph_to_json
from cnnspec.ir.verify import verify
from cnnspec.language import parse, parse_expression
from cnnspec.language.builder.values import MAX_DIGITS
from cnnspec.language.write import write_number
from cnnspec.pipeline import TARGETS
from tests.properties.grower import grown
from tests.properties.oracles import ends_well, formats_for_good, graph_of
from tests.properties.texts import HOSTILE, ZOO, any_text, mutants, mutated, soup


@given(any_text)
def test_property_any_text(text: str) -> None:
    ends_well(text)
    parse_expression(text)


@given(soup)
def test_property_token_soup(text: str) -> None:
    ends_well(text)
    ends_well("input 3x8x8\n" + text)


@given(mutants)
def test_property_one_mutation_of_a_spec(text: str) -> None:
    ends_well(text)


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_property_one_mutation_of_a_grown_network(seed: int, other: int) -> None:
    ends_well(mutated(grown(seed % 997, 4), random.Random(other)))


@given(
    st.from_regex(r"-?[0-9]{1,38}(\.[0-9]{1,30})?(e[-+]?([0-9]|[123][0-9]|40))?", fullmatch=True)
    | st.from_regex(r"-?[0-9]{1,38}/[1-9][0-9]{0,20}", fullmatch=True)
)
def test_property_a_number_of_a_matrix_is_written_to_be_read(text: str) -> None:
    sink = Sink()
    (line,) = parse(Source("any.cnn", f"conv weight=[{text}]"), sink).statements
    if sink.has_errors:  # too many digits
        return
    value = Fraction(text)
    assert line.steps[0].arguments[0].value.planes == (((value,),),)
    again = write_number(value)
    assert Fraction(again) == value
    assert sum(map(str.isdigit, again)) <= MAX_DIGITS


@pytest.mark.parametrize("name", sorted(ZOO))
def test_the_zoo_formats_for_good(name: str) -> None:
    formats_for_good(ZOO[name])


GRAPHS = [json.loads(graph_to_json(graph_of(grown(seed, 4)))) for seed in range(4)]
VALUES: list[Any] = [
    None, True, -1, 0, 1, 2**31, 10**30, 1.5, float("inf"), "", "conv", "\x00", [], {}, [[]], {"op": "conv"}, [1, 2, 3], *HOSTILE[:12],
]  # fmt: skip


def changed(document: Any, chance: random.Random) -> Any:
    """The document with one place in it replaced, gone or doubled."""
    document = json.loads(json.dumps(document))
    places: list[tuple[Any, Any]] = []
    stack = [document]
    while stack:
        one = stack.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            places.append((one, key))
            stack.append(one[key])
    inside, key = chance.choice(places)
    match chance.randrange(4):
        case 0:
            del inside[key]
        case 1 if isinstance(inside, dict):
            inside[f"{key}_"] = inside[key]
        case 2:
            other, name = chance.choice(places)
            with contextlib.suppress(KeyError, IndexError):
                inside[key] = json.loads(json.dumps(other[name]))
        case _:
            inside[key] = chance.choice(VALUES)
    return document


@given(st.integers(0, 3), st.integers(0, 2**32), st.integers(1, 3))
def test_property_a_changed_graph_is_refused_or_read(number: int, seed: int, times: int) -> None:
    chance = random.Random(seed)
    document = GRAPHS[number]
    for _ in range(times):
        document = changed(document, chance)
    reads_or_refuses(json.dumps(document))


@given(st.integers(0, 3), st.integers(0, 2**32), st.integers(1, 2))
def test_property_a_changed_graph_is_refused_or_built(number: int, seed: int, times: int) -> None:
    chance = random.Random(seed)
    document = GRAPHS[number]
    for _ in range(times):
        document = changed(document, chance)
    try:
        graph = graph_from_json(json.dumps(document))
    except ValueError:
        return
    for target in TARGETS:
        with contextlib.suppress(SpecError):
            assert build(graph, target=target)


@given(any_text | st.binary(max_size=200))
def test_property_any_text_is_no_graph(text: str | bytes) -> None:
    reads_or_refuses(text)


def reads_or_refuses(text: str | bytes) -> None:
    """ValueError, or a graph that the verifier has an opinion of and that can be written again."""
    try:
        graph = graph_from_json(text)
    except ValueError:
        return
    assert isinstance(verify(graph), list)
    assert graph_from_json(graph_to_json(graph)) == graph
