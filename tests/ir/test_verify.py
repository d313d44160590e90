"""The verifier: silent about what the elaborator makes, and not about a graph in which one thing is wrong."""

from __future__ import annotations

from math import prod

import pytest

from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Body, Graph, Layer, Pass, Region
from cnnspec.ir.serialize import graph_from_json, graph_to_json
from cnnspec.ir.verify import verify
from tests.analyses.specs import drawn, graph, of_zoo, zoo

TEXT = """block f(k) { if k > 1 [ conv F3 P1 K8 -> relu ] => params 584 }
input 8x8x8
a: f(2)
[conv F3 P1 K8 -> relu]*3
add [ id | @a | none ] -> gap
expect out 8
"""


@pytest.mark.parametrize(("name", "variant"), zoo()[::3])
def test_the_zoo(name: str, variant: str | None) -> None:
    assert verify(of_zoo(name, variant)) == []


@pytest.mark.parametrize("seed", range(40))
def test_random_networks(seed: int) -> None:
    assert verify(graph(drawn(seed))) == []


def broken(network: Graph, change) -> list[str]:
    """The faults after `change` has been made to one body's fields."""
    bodies = list(network.bodies)
    for number, body in enumerate(bodies):
        new = change(number, body)
        if new is not None:
            bodies[number] = body.model_copy(update=new)
            return verify(network.model_copy(update={"bodies": tuple(bodies)}))
    raise AssertionError("nothing to break")


def step(body: Body, kind: type, index: int = 0, **update) -> dict[str, object] | None:
    places = [number for number, one in enumerate(body.steps) if isinstance(one, kind)]
    if len(places) <= index:
        return None
    steps = list(body.steps)
    steps[places[index]] = steps[places[index]].model_copy(update=update)
    return {"steps": tuple(steps)}


def region(body: Body, kind: str, **update) -> dict[str, object] | None:
    for number, one in enumerate(body.steps):
        if isinstance(one, Region) and one.kind == kind:
            return {"steps": (*body.steps[:number], one.model_copy(update=update), *body.steps[number + 1 :])}
    return None


BREAKS = {
    "reads": lambda n, b: step(b, Layer, inputs=(99,)),
    "shapes for": lambda n, b: {"values": (*b.values, (1,))},
    "puts out": lambda n, b: {"values": (*b.values[:-1], (3, 3, 3))},
    "there is no value": lambda n, b: {"outputs": (99,)},
    "no shape of a volume": lambda n, b: {"values": ((0, 1, 1), *b.values[1:])},
    "are named": lambda n, b: step(b, Layer, name="relu") if len(b.steps) > 1 else None,
    "without a name": lambda n, b: step(b, Layer, name="") if len(b.steps) > 1 else None,
    "which does not come before": lambda n, b: region(b, "repeat", passes=(Pass(body=n, count=2),)),
    "has no pass": lambda n, b: region(b, "repeat", passes=()),
    "a block has one pass": lambda n, b: region(b, "block", passes=(Pass(body=0, count=2),)),
    "name their common attribute": lambda n, b: region(b, "block", shared="f"),
    "inputs where 1 belong": lambda n, b: step(b, Layer, inputs=()),
    "is about nothing": lambda n, b: (
        {"claims": (b.claims[0].model_copy(update={"last": 99}),)} if b.claims else None
    ),
}


@pytest.mark.parametrize("fault", BREAKS)
def test_one_thing_wrong(fault: str) -> None:
    network = graph(TEXT)
    assert verify(network) == []
    faults = broken(network, BREAKS[fault])
    assert any(fault in one for one in faults), faults


def test_names_of_inputs_and_unused_bodies() -> None:
    network = graph(TEXT)
    assert "names for" in verify(network.model_copy(update={"inputs": ("a", "b")}))[0]
    assert any(
        "used nowhere" in one
        for one in verify(network.model_copy(update={"bodies": (network.bodies[0], *network.bodies)}))
    )


@pytest.mark.parametrize("shape", ["4x9", "4x3x5x6"])
def test_a_signal_and_a_volume_come_back_from_json(shape: str) -> None:
    """With their own number for each axis, defaults too; and are networks."""
    network = graph(f"input {shape}\nconv F3 P1 K4 -> bn -> maxpool F2 -> upsample 2\n")
    text = graph_to_json(network)
    assert verify(graph_from_json(text)) == []
    assert graph_to_json(graph_from_json(text)) == text


INNER = """block f(k, deep) {
  shared h { conv F3 P1 K=k -> relu }
  conv F1 K=k
  body: [ h() -> h() ]
  if deep [ f(k, false) ]
}
input 8x8x8
f(8, true) -> f(8, false)
"""


def test_a_shared_block_in_a_block() -> None:
    network = graph(INNER)
    assert verify(network) == []
    assert graph_from_json(graph_to_json(network)) == network
    keys = [key for entry in flat(network) for key, _ in entry.weights if "h" in key.split(".")]
    at = ("f1", "f1.f", "f2")
    assert keys == [f"{one}.h.conv.{kind}" for one in at for kind in ("weight", "bias")]
    assert sum(prod(w.shape) for entry in flat(network) for _, w in entry.weights) == 3 * (72 + 584)


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("uses block 'h' as what it is not", lambda n, b: region(b, "shared", inner=False)),
        ("a group is not a block", lambda n, b: region(b, "group", inner=True)),
        ("has the name of a step", lambda n, b: region(b, "shared", shared="conv")),
        ("a block names no block", lambda n, b: region(b, "block", block=None)),
    ],
)
def test_a_graph_with_a_wrong_one(fault: str, change) -> None:
    assert any(fault in one for one in broken(graph(INNER), change)), broken(graph(INNER), change)
