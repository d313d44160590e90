"""JSON both ways, loss-free."""

from __future__ import annotations

import json

import pytest

from cnnspec.ir.serialize import fingerprint, graph_from_json, graph_to_json
from cnnspec.ir.verify import verify
from tests.analyses.specs import drawn, graph, of_zoo, zoo

LITERALS = """let a = 1/3
input left: 1x6x6
input right: 1x6x6
@left -> conv F3 K1 weight=[1 0 -1; 1 1/9 -1; 0.1 0 -1] bias=-500 frozen -> leaky (a)
x: conv F1 K2 init=normal(0.01)
@right -> conv F3 K2
add [ id | @x ] -> dropout 1/3 => 2x4x4, params ~30
"""


@pytest.mark.parametrize(("name", "variant"), zoo()[::4])
def test_the_zoo(name: str, variant: str | None) -> None:
    network = of_zoo(name, variant)
    assert graph_from_json(graph_to_json(network)) == network


@pytest.mark.parametrize("seed", range(20))
def test_random_networks(seed: int) -> None:
    network = graph(drawn(seed))
    assert graph_from_json(graph_to_json(network, indent=1)) == network


def test_equal_networks_have_one_fingerprint_however_they_are_laid_out() -> None:
    one = "let k = 4\ninput 3x8x8\nconv F3 P=k//4 K=k D=k//4\n"
    other = "let k = 4\n\ninput 3x8x8\nconv D=k//4  K=k F3\tP=k//4  # the same\n"
    assert fingerprint(graph(one)) == fingerprint(graph(other))
    assert fingerprint(graph(one)) != fingerprint(graph(one.replace("K=k", "K=2*k")))


def test_literals_are_exact() -> None:
    network = graph(LITERALS)
    again = graph_from_json(graph_to_json(network))
    assert again == network
    assert graph_to_json(again) == graph_to_json(network)
    assert [repr(step) for body in again.bodies for step in body.steps] == [
        repr(step) for body in network.bodies for step in body.steps
    ]


LISTS = """let rows = ((1, 2/3, true), (2, 1/2, false))
block f(row, ks=(4, 8)) {
  let both = (ks(0), row)
  if both(1, 2) [ leaky row(1) ]
  [conv F1 K=ks(i)*row(0)]*len(ks)
}
input 3x4x4
[f(rows(i))]*2 -> f(rows(0), (1,))
"""


def test_lists() -> None:
    network = graph(LISTS)
    again = graph_from_json(graph_to_json(network))
    assert again == network
    assert verify(again) == []


@pytest.mark.parametrize("text", ["(", "(1, 2", "(1,2)", "(a)", "(1, 2) ", "(" * 300 + ")" * 300])
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        graph_from_json(graph_to_json(graph(LISTS)).replace("(1, 2/3, true)", text))


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"version": 1, "bodies": []}', "nonsense", '{"version": 2, "bodies": 3}']
)
def test_what_is_no_graph(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        graph_from_json(text)


def test_the_version_is_written() -> None:
    assert json.loads(graph_to_json(graph("input 8\nfc 8\n")))["version"] == 2
