"""The model's own class: what its constructor takes, what it returns, what its file says of itself."""

from __future__ import annotations

import re

import torch

from tests.targets.torch.support import built, executed, graph_of, model_class, program

TWO = "input 3x8x8\na: conv F3 P1 K4 -> relu\ncount: conv F1 K5\noutput @a, @count\n"
FIRST = re.compile(r"# Written by cnnspec \S+: model (.*) \(IR ([0-9a-f]{16})\)")


def first_line(text: str, **options: object) -> tuple[str, ...]:
    found = FIRST.match(program(graph_of(text), **options))
    assert found is not None
    return found.groups()


def test_it_is_made_for_a_device_and_a_type() -> None:
    made = model_class(executed(program(graph_of(TWO))))
    model = made(device="meta", dtype=torch.float64)
    assert {(weight.device.type, weight.dtype) for weight in model.parameters()} == {("meta", torch.float64)}
    assert {weight.dtype for weight in made().parameters()} == {torch.float32}
    exact = made(dtype=torch.float64)  # drawn so, not cast
    assert any((weight.float().double() != weight).any() for weight in exact.parameters())


def test_several_outputs_have_the_names_of_their_labels() -> None:
    """`count` is a method of every tuple."""
    outputs = built(graph_of(TWO))(torch.randn(2, 3, 8, 8))
    assert outputs._fields == ("a", "count_")
    assert outputs.a.shape == (2, 4, 8, 8)
    assert outputs.count_.shape == (2, 5, 8, 8)


def test_the_first_line_names_the_model_and_its_settings() -> None:
    spec = "model Net\nlet k = 4\ninput 3x8x8\nconv F3 K=k -> bn\n"
    assert first_line(spec)[0] == "Net"
    assert first_line(spec, fold_bn=True)[0] == "Net, batch normalisation folded"
    graph = graph_of(spec, settings={"k": "6"})
    assert "model Net, k = 6 (IR" in program(graph)


def test_the_hash_is_the_networks_not_its_layouts() -> None:
    assert first_line(TWO) == first_line("# a comment\n\n" + TWO.replace(": ", ":   "))
    assert first_line(TWO) != first_line(TWO.replace("K5", "K6"))
