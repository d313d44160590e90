"""Templates say all that a program needs: a graph from JSON, with no place in a text, gives the bytes that
its spec gives; and a template that says anything else than its uses is found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cnnspec.ir.graph import Graph
from cnnspec.ir.serialize import graph_from_json, graph_to_json
from cnnspec.ir.verify import verify
from cnnspec.pipeline import TARGETS, program
from tests.analyses.specs import graph, of_zoo, zoo
from tests.ir.idioms import IDIOMS
from tests.support import sampled

FIRST = dict(reversed(zoo()))
"""Of each spec of the zoo, its first variant."""


def without_places(part: Any) -> Any:
    """The document with all its spans set to zero."""
    if isinstance(part, dict):
        zero = {"span": lambda value: [0, 0], "spans": lambda value: {key: [0, 0] for key in value}}
        return {key: zero.get(key, without_places)(value) for key, value in part.items()}
    return list(map(without_places, part)) if isinstance(part, list) else part


def same_programs(network: Graph) -> None:
    assert verify(network) == []
    document = json.loads(graph_to_json(network))
    assert graph_from_json(json.dumps(document)) == network
    nowhere = graph_from_json(json.dumps(without_places(document)))
    for target in TARGETS:
        made, other = program(network, target), program(nowhere, target)
        assert other == made if isinstance(made, str) else not isinstance(other, str)


@pytest.mark.parametrize("name", sampled(FIRST, 2))
def test_the_zoo(name: str) -> None:
    same_programs(of_zoo(name, FIRST[name]))


@pytest.mark.parametrize("name", IDIOMS)
def test_idioms(name: str) -> None:
    same_programs(graph(IDIOMS[name]))


def test_the_groups_of_a_text_are_not_counted_where_it_is_lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph from JSON may use one group from many others without end; one of a text is as long as it."""
    network = graph(IDIOMS["names that groups and branches define, read behind them"])
    made = program(network, "numpy")
    monkeypatch.setattr("cnnspec.ir.uses.MOST_SITES", 2)
    assert program(network, "numpy") == made
    assert "more than 2 sites in groups" in verify(network)[0]


# --- templates that are wrong -----------------------------------------------------------------------------

SPEC = """\
shared h(n) { conv F1 K=n -> relu }
block b(k, s, @skip, F=3) {
  let q = k*3/4
  a: if k > 4 and C > 2 [ conv F=F Psame K=q ] else [ conv F1 K=q ]
  g: concat [ id | if s > 1 [ @skip -> conv F1 K=k+s ] else [ none ] | @skip ]
  [ o: conv F1 K=C+i -> if i > 0 [ bn ]
    add [ id | @o ] ]*s
  part: [ t: relu
          conv F1 K8 ]
  add [ id | @t -> conv F1 K8 ]
}
input 8x8x8
e: conv F3 P1 K8 -> relu
b(4, 1, @e) -> b(8, 2, @e, F=5) -> b(8, 3, @e)
h(8)
"""
NETWORK = graph(SPEC)
DOCUMENT = json.loads(graph_to_json(NETWORK))
Mutant = tuple[str, Callable[[Any], object]]


def sites(inside: Any) -> Iterator[Any]:
    for site in inside:
        yield site
        if site["kind"] == "if":
            yield from sites(site["then"])
            yield from sites(site["otherwise"])


def expressions(site: Any) -> Iterator[tuple[Any, Any]]:
    """Where expressions stand: what they are in, and the key."""
    yield from ((site[field], name) for field in ("written", "arguments") for name in site.get(field, ()))
    yield from ((site, field) for field in ("value", "condition") if field in site)
    if site.get("times") is not None:
        yield site, "times"


def other_expression(node: Any, *, truth: bool) -> Any:
    if truth:
        return ["not", node]
    if isinstance(node, list) and node[0] == "sizes":
        return ["sizes", ["+", node[1], 1], *node[2:]]
    return ["+", node, 1]


def mutants(document: Any) -> Iterator[str]:
    """Makes every change in turn, says what it is, and takes it back."""
    for number, template in enumerate(document["templates"]):
        here = f"template {number}"
        count = 1 + max([len(template["inputs"]) - 1, *outputs(template["sites"])])
        for site in list(sites(template["sites"])):
            what = f"{here}, {site['kind']} {site.get('site', '')}"
            for inside, key in expressions(site):
                yield from put(
                    inside, key, other_expression(inside[key], truth=key == "condition"), f"{what}: {key}"
                )
            if site["kind"] == "if":
                swapped = {"then": site["otherwise"], "otherwise": site["then"]}
                yield from put_all(site, swapped, f"{what}: sides swapped")
                for value, join in site["joins"].items():
                    yield from put_all(
                        join, {"then": join["otherwise"], "otherwise": join["then"]}, f"{what}: join {value}"
                    )
                continue
            for place, value in enumerate(site.get("inputs", ())):
                for other in set(range(count)) - {value}:
                    yield from put(site["inputs"], place, other, f"{what}: input {value} -> {other}")
            for field, value in (
                ("site", 17),
                ("name", "other"),
                ("word", "abs"),
                ("template", 0),
                ("inputs", []),
            ):
                if field in site:
                    yield from put(site, field, value, f"{what}: {field}")
        for place, value in enumerate(template["outputs"]):
            for other in set(range(count)) - {value}:
                yield from put(template["outputs"], place, other, f"{here}: output {value} -> {other}")
        for inside in (
            template["sites"],
            *(s[side] for s in sites(template["sites"]) for side in ("then", "otherwise") if side in s),
        ):
            for place, site in enumerate(list(inside)):
                del inside[place]
                yield f"{here}: without site {site}"
                inside.insert(place, site)


def outputs(inside: Any) -> Iterator[int]:
    """The values that sites make."""
    for site in sites(inside):
        yield from map(int, [*site.get("outputs", ()), *site.get("joins", ())])
        if "output" in site:
            yield site["output"]


def put(inside: Any, key: Any, value: Any, what: str) -> Iterator[str]:
    yield from put_all(inside, {key: value}, what)


def put_all(inside: Any, values: dict[Any, Any], what: str) -> Iterator[str]:
    before = {key: inside[key] for key in values}
    if before == values:
        return
    for key, value in values.items():
        inside[key] = value
    yield what
    for key, value in before.items():
        inside[key] = value


def test_a_template_that_says_something_else_is_found() -> None:
    document = json.loads(graph_to_json(NETWORK))
    made, missed = 0, []
    for what in mutants(document):
        made += 1
        if not verify(graph_from_json(json.dumps(document))):
            missed.append(what)
    assert made > 300
    assert missed == []
    assert document == DOCUMENT
