"""Graphs as JSON from anybody: a ValueError, or a graph that the verifier speaks about; where it finds nothing, the
programs are harmless."""

# ruff: noqa: E501 (tables, a case a line)
from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest

from cnnspec.ir.serialize import graph_from_json, graph_to_json
from cnnspec.ir.verify import verify
from cnnspec.targets.numpy import emit as emit_numpy
from cnnspec.targets.torch import emit as emit_torch
from tests.attacks.conftest import guarded
from tests.properties.oracles import graph_of, well_behaved

Document = dict[str, Any]

SPEC = """\
model Net "a title"
let w = 4
let n = 2
let ws = (4, 5)
block b(k, @other, K=3) { conv F1 K=K -> add [ id | @other -> conv F1 K=K ] -> [ relu ]*(k) }
shared s(K) { conv F1 K=K weight=[1] }
input a: 3x8x8
x: @a -> conv F3 P1 K=w
y: b(n, @x, K=w)
[ let q = ws(i) - 3
conv F1 K=q*w ]*n
if w > 3 [ s(K=w) ] else [ relu ]
z: s(K=w)
output @y, @z
"""


def document() -> Document:
    made: Document = json.loads(graph_to_json(graph_of(SPEC)))
    return made


def places(inside: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document: what it is in, and its key there."""
    stack = [inside]
    while stack:
        one = stack.pop()
        for key in list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ():
            yield one, key
            stack.append(one[key])


def steps(graph: Document, kind: str) -> list[Document]:
    return [step for body in graph["bodies"] for step in body["steps"] if step["kind"] == kind]


def multiplied(graph: Document) -> None:
    """Lists and sizes times a large number, where numbers belong."""
    for template in graph["templates"]:
        for site in template["sites"]:
            if site["kind"] == "let":
                site["value"] = ["*", ["list", 1, 2], 10**12]
            for name in site.get("written", {}):
                site["written"][name] = ["*", ["sizes", 1, 2], 10**12]


def doubling(graph: Document) -> None:
    """Two chains of bodies, each running the one before twice, 60 deep; and both are uses of one shared block."""
    plain = {"template": 0, "labels": {}, "claims": []}
    layer = {"kind": "layer", "site": 0, "name": "a", "op": {"op": "relu"}, "inputs": [0], "span": [0, 0]}
    shape = [3, 8, 8]
    bodies: list[Document] = []
    ends = []
    for _ in range(2):
        bodies.append({"inputs": 1, "values": [shape, shape], "steps": [layer], "outputs": [1], **plain})
        for _ in range(60):
            two = [{"body": len(bodies) - 1, "count": 1}]
            run = {"kind": "group", "site": 0, "inputs": [0], "passes": two, "span": [0, 0]}
            both = [{**run, "name": "a"}, {**run, "name": "b", "inputs": [1]}]
            bodies.append({"inputs": 1, "values": [shape] * 3, "steps": both, "outputs": [2], **plain})
        ends.append(len(bodies) - 1)
    use = {"kind": "shared", "site": 0, "inputs": [0], "block": "s", "shared": "s", "span": [0, 0]}
    uses = [
        {**use, "name": f"u{end}", "inputs": [n], "passes": [{"body": end}]} for n, end in enumerate(ends)
    ]
    bodies.append({"inputs": 1, "values": [shape] * 3, "steps": uses, "outputs": [2], **plain})
    graph.update(bodies=bodies, inputs=["a"], outputs=["y"], claims=[], knobs={})


CHANGES: dict[str, Callable[[Document], object]] = {
    "a size of 0": lambda graph: [body["values"].__setitem__(0, [3, 0, 8]) for body in graph["bodies"]],
    "a size below 0": lambda graph: [body["values"].__setitem__(0, [-3, 8, 8]) for body in graph["bodies"]],
    "a shape of nothing": lambda graph: [body["values"].__setitem__(0, []) for body in graph["bodies"]],
    "sizes beyond all numbers": lambda graph: [body["values"].__setitem__(0, [10**30] * 3) for body in graph["bodies"]],
    "a shared body that runs itself": lambda graph: [step["passes"][0].update(body=number) for number, body in enumerate(graph["bodies"]) for step in body["steps"] if step["kind"] == "shared"],
    "bodies that run one another": lambda graph: [one.update(body=len(graph["bodies"]) - 1) for step in steps(graph, "shared") + steps(graph, "group") for one in step["passes"]],
    "a body that is none": lambda graph: [step["passes"][0].update(body=-1) for step in steps(graph, "shared")],
    "passes without end": lambda graph: [step["passes"][0].update(count=10**30) for step in steps(graph, "repeat")],
    "outputs without end": lambda graph: [step.update(outputs=10**12) for step in steps(graph, "repeat")],
    "values that are none": lambda graph: [step.update(inputs=[10**9]) for step in steps(graph, "layer")],
    "values before the first": lambda graph: [step.update(inputs=[-1]) for step in steps(graph, "layer")],
    "planes without rows": lambda graph: [step["op"].update(weight_values=[[]]) for step in steps(graph, "layer") if step["op"]["op"] == "conv"],
    "a block that is none": lambda graph: graph.update(blocks=[]),
    "a block twice": lambda graph: graph.update(blocks=graph["blocks"] * 2),
    "doubling": doubling,
    "lists without end": multiplied,
    "no bodies": lambda graph: graph.update(bodies=[]),
    "steps called like words of Python": lambda graph: [step.update(name="class") for step in steps(graph, "layer")],
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_the_verifier_says_what_is_wrong(name: str) -> None:
    graph = document()
    CHANGES[name](graph)
    with guarded():
        try:
            made = graph_from_json(json.dumps(graph))
        except ValueError:
            return
        faults = verify(made)
    assert faults  # what grows without end has no template


HOSTILE = [
    "x; import os #",
    "x\nimport os\n#",
    '"""\nimport os\n"""',
    "class",
    "1/0",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("keys", [False, True], ids=["values", "keys"])
def test_no_text_of_a_graph_is_code(keys: bool, text: str) -> None:
    tried = 0
    whole = json.dumps(document())
    for number in range(len(list(places(json.loads(whole))))):
        graph = json.loads(whole)
        inside, key = next(islice(places(graph), number, None))
        if keys and isinstance(inside, dict):
            inside[text] = inside.pop(key)
        elif not keys and isinstance(inside[key], str):
            inside[key] = text
        else:
            continue
        try:
            made = graph_from_json(json.dumps(graph))
        except ValueError:
            continue
        if verify(made):
            continue
        for target, emit in (("torch", emit_torch), ("numpy", emit_numpy)):
            program = emit(made)
            if isinstance(program, str):
                tried += 1
                well_behaved(program, target)
    assert keys or tried > 10  # titles, the texts of claims: what is no name


TEXTS: dict[str, str | bytes] = {
    "nothing": "",
    "brackets": "[" * 100_000,
    "objects": '{"bodies":' * 100_000,
    "digits": '{"bodies": 1, "version": ' + "9" * 100_000 + "}",
    "a number too large": '{"bodies": [], "version": 1e999}',
    "not a number": '{"bodies": NaN, "version": 2}',
    "not UTF-8": b'{"bodies": "\xff\xfe"}',
    "NULs": bytes(1000),
    "a lone surrogate": '{"bodies": [], "version": 2, "name": "\\ud800", "inputs": [], "outputs": []}',
    "another version": '{"bodies": [], "version": 1}',
    "a list": "[]",
    "a word": '"bodies"',
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_no_graph(name: str) -> None:
    with guarded():
        try:
            made = graph_from_json(TEXTS[name])
        except ValueError:
            return
    assert verify(made)
