"""Graphs that are no chain of branches, long ones, and lists that are no network."""

from __future__ import annotations

import pytest

from cnnspec import structure
from cnnspec.ops import lookup
from cnnspec.sources.layers import Input, Layer, LayerList, Output

RELU, ADD, CONCAT = (lookup(word)() for word in ("relu", "add", "concat"))  # type: ignore[misc]


def network(*layers: tuple[object, tuple[int, ...]], outputs: tuple[int, ...] = ()) -> LayerList:
    """Layers that keep the shape 4x8x8 of the input."""
    made = tuple(Layer(op, inputs, (4, 8, 8)) for op, inputs in layers)  # type: ignore[arg-type]
    return LayerList("Net", (Input((4, 8, 8)),), made, tuple(map(Output, outputs or (len(layers),))))


def body(made: structure.Spec) -> str:
    return made.text.split("\n\n", 2)[2]


def test_branches_that_meet_again() -> None:
    found = structure.spec(network((RELU, (0,)), (ADD, (1, 0)), (RELU, (2,))))
    assert body(found) == "add [ relu | id ] -> relu\n" or body(found) == "add [ relu | id ]\nrelu\n"


def test_a_bridge_has_labels() -> None:
    """Two paths with a step from one to the other: no brackets say that."""
    found = structure.spec(
        network((RELU, (0,)), (RELU, (0,)), (ADD, (1, 2)), (RELU, (1,)), (ADD, (3, 4)), (RELU, (5,)))
    )
    assert "@x -> relu" in found.text


def test_a_long_chain_does_not_recurse() -> None:
    found = structure.spec(network(*((RELU, (number,)) for number in range(5000))))
    assert body(found) == "[relu]*5000\n"


def test_deep_nesting_becomes_labels() -> None:
    """x + f(x + f(x + …)), 40 deep."""
    layers: list[tuple[object, tuple[int, ...]]] = [(RELU, (0,))]
    for _ in range(40):
        layers += [(ADD, (len(layers), 0)), (RELU, (len(layers) + 1,))]
    assert structure.spec(network(*layers)).form


def test_a_value_out_of_nowhere() -> None:
    with pytest.raises(structure.UnfitList, match="not there yet"):
        structure.spec(network((RELU, (7,))))


def test_a_wrong_shape() -> None:
    wrong = LayerList("Net", (Input((4, 8, 8)),), (Layer(RELU, (0,), (4, 7, 8)),), (Output(1),))
    with pytest.raises(structure.UnfitList, match="relu"):
        structure.spec(wrong)


def test_several_outputs_one_of_them_read_again() -> None:
    found = structure.spec(network((RELU, (0,)), (RELU, (1,)), outputs=(2, 1)))
    assert found.text.endswith("output @relu2, @relu\n")
