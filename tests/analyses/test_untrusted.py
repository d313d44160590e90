"""A graph from anybody: built where it is a network within the budgets, else refused with a code."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import cnnspec
from cnnspec.elaborate.limits import Limits
from cnnspec.ir.graph import Graph
from cnnspec.ir.serialize import graph_from_json, graph_to_json
from tests.analyses.specs import elaborated, graph

SPEC = """\
shared h(k) { conv F1 K=k -> relu }
block b(k, s=1) { conv F3 P1 K=k -> if s > 1 [ maxpool F2 ] else [ relu ] }
input 3x16x16
x: b(8) -> b(8, 2)
[b(8)]*5 -> h(8) -> flatten -> fc 10
"""
NETWORK = graph(SPEC)


def codes(network: Graph, **limits: int) -> list[str]:
    with pytest.raises(cnnspec.SpecError) as raised:
        cnnspec.build(network, target="torch", limits=Limits(**limits))
    return [finding.code for finding in raised.value.diagnostics]


def edited(change: Callable[[Any], object]) -> Graph:
    document = json.loads(graph_to_json(NETWORK))
    change(document)
    return graph_from_json(json.dumps(document))


@pytest.mark.parametrize("target", ["torch", "numpy"])
def test_a_graph_gives_the_program_of_its_spec(target: str) -> None:
    loaded = cnnspec.load(text=SPEC)
    made = cnnspec.build(text=SPEC, target=target)
    assert cnnspec.build(loaded, target=target) == made
    assert cnnspec.build(graph_from_json(graph_to_json(loaded)), target=target) == made


def test_a_graph_is_built_as_it_is() -> None:
    for other in ({"text": SPEC}, {"variant": "A"}, {"settings": {"k": 3}}):
        with pytest.raises(TypeError):
            cnnspec.build(NETWORK, target="torch", **other)  # type: ignore[arg-type]


BUDGETS = [
    # a limit that the network just keeps, and the code beyond it
    ("layers", 18, "E605"),
    ("weights", 8_930, "E606"),
    ("dimension", 512, "E604"),
    ("depth", 3, "E602"),
    ("work", 8, "E607"),
]


@pytest.mark.parametrize(("budget", "enough", "code"), BUDGETS)
def test_budgets(budget: str, enough: int, code: str) -> None:
    assert cnnspec.build(NETWORK, target="torch", limits=Limits(**{budget: enough}))
    assert codes(NETWORK, **{budget: enough - 1}) == [code]


def block(document: Any) -> Any:
    """The template of the block: its sites are the convolution and the `if`."""
    (template,) = [one for one in document["templates"] if one["block"] == "b"]
    return template["sites"]


def convolution(document: Any) -> Any:
    """The convolution of the block's first use."""
    return document["bodies"][0]["steps"][0]


def other_shape(document: Any) -> None:
    document["bodies"][0]["values"][1] = [9, 16, 16]


def other_argument(document: Any) -> None:
    convolution(document)["op"]["K"] = 9


def other_body(document: Any) -> None:
    """The body of b(8, 2) is run for b(8)."""
    steps = [step for body in document["bodies"] for step in body["steps"] if step["kind"] == "block"]
    steps[0]["passes"], steps[1]["passes"] = steps[1]["passes"], steps[0]["passes"]


def other_expression(document: Any) -> None:
    block(document)[0]["written"]["K"] = ["+", "k", 1]


def shared_name_of_a_layer(document: Any) -> None:
    (use,) = [step for step in document["bodies"][-1]["steps"] if step["kind"] == "shared"]
    use["shared"] = "fc"


def name_of_torch(document: Any) -> None:
    """All convolutions are called `train`: `self.train = …` would be the layer, or the method."""
    steps = [step for body in document["bodies"] for step in body["steps"]]
    for one in (*steps, *(site for template in document["templates"] for site in template["sites"])):
        if one.get("name") == "conv":
            one["name"] = "train"


def no_condition(document: Any) -> None:
    block(document)[1]["condition"] = [">", ["/", 1, 0], 1]


def doubling_digits(document: Any) -> None:
    lets = [("a0", 9**99), *((f"a{n + 1}", ["*", f"a{n}", f"a{n}"]) for n in range(60))]
    block(document)[:0] = [{"kind": "let", "name": name, "value": value, "at": 0} for name, value in lets]


def nested_ifs(document: Any) -> None:
    """A hundred `if`s in one another."""
    outer = block(document)[1]
    for _ in range(100):
        inner = {**outer, "joins": {}}
        outer["then"], outer["joins"] = [inner], {}
        outer = inner


def far_taps(document: Any) -> None:
    """A dilation that no number holds, where none is needed."""
    convolution(document)["op"].update(F=[1, 1], P=[0, 0], D=[10**30] * 2)


def endless_passes(document: Any) -> None:
    (repeat,) = [step for step in document["bodies"][-1]["steps"] if step["kind"] == "repeat"]
    repeat["passes"][0]["count"] = 10**18


def no_bodies(document: Any) -> None:
    document["bodies"] = []


def doubling(document: Any) -> None:
    """A chain of bodies, each running the one before twice, which is 2^40 layers."""
    bodies, templates = document["bodies"], document["templates"]
    shape = [8, 8, 8]
    layer = {"kind": "layer", "site": 0, "name": "a", "op": {"op": "relu"}, "inputs": [0], "span": [0, 0]}
    sites: list[Any] = [
        {"kind": "layer", "site": 0, "name": "a", "word": "relu", "inputs": [0], "output": 1},
    ]
    templates[:] = [{"kind": "network", "inputs": [None], "sites": [], "outputs": [2]}]
    templates.append({"kind": "group", "inputs": [None], "sites": sites, "outputs": [1]})
    bodies[:] = [{"template": 1, "inputs": 1, "values": [shape, shape], "steps": [layer], "outputs": [1]}]
    for number in range(1, 41):
        run = {"kind": "group", "site": 0, "name": "a", "inputs": [0], "span": [0, 0]}
        run["passes"] = [{"body": number - 1}]
        site = {"kind": "group", "site": 0, "name": "a", "template": number, "inputs": [0], "outputs": [1]}
        second = {"site": 1, "name": "b", "inputs": [1]}
        steps = [run, {**run, **second}]
        bodies.append(
            {"template": number + 1, "inputs": 1, "values": [shape] * 3, "steps": steps, "outputs": [2]}
        )
        both = [site, {**site, **second, "outputs": [2]}]
        templates.append({"kind": "group", "inputs": [None], "sites": both, "outputs": [2]})
    templates[0]["sites"], templates[-1] = templates[-1]["sites"], templates[1]
    bodies[-1]["template"] = 0
    document.update(inputs=["x"], outputs=["y"], blocks=[], claims=[])


def unknown_shapes(document: Any) -> None:
    for body in document["bodies"]:
        body["values"] = [None] * len(body["values"])


CHANGES: dict[Callable[[Any], object], str] = {
    other_shape: "E802",
    other_argument: "E802",
    other_body: "E802",
    other_expression: "E802",
    no_condition: "E802",
    shared_name_of_a_layer: "E802",
    name_of_torch: "E802",
    doubling_digits: "E802",
    nested_ifs: "E602",
    far_taps: "E604",
    endless_passes: "E802",
    doubling: "E605",
    no_bodies: "E802",
    unknown_shapes: "E802",
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_edited_graph(change: Callable[[Any], object]) -> None:
    assert set(codes(edited(change))) == {CHANGES[change]}


def test_a_graph_of_a_spec_with_a_mistake() -> None:
    network, sink = elaborated("input 3x8x8\nconv F3 K4 -> blub -> relu\n")
    assert sink.has_errors
    assert codes(network) == ["E802"]
