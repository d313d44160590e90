"""What the language cannot say, and modules that are called more than once."""

from __future__ import annotations

from cnnspec import structure
from cnnspec.diagnostics import Source
from cnnspec.ops import lookup
from cnnspec.pipeline import models
from cnnspec.sources.layers import Hole, Input, Layer, LayerList, Output, Scope

CONV = lookup("conv")(F=(3, 3), P=(1, 1), K=4)  # type: ignore[misc]
RELU = lookup("relu")()  # type: ignore[misc]
ADD = lookup("add")()  # type: ignore[misc]
SHAPE = (4, 8, 8)


def conv(value: int, path: str = "conv", scopes: tuple[Scope, ...] = ()) -> Layer:
    weights = {"weight": f"{path}.weight", "bias": f"{path}.bias"}
    return Layer(CONV, (value,), SHAPE, path.rpartition(".")[2], scopes, weights)


def network(*layers: Layer | Hole) -> LayerList:
    return LayerList("Net", (Input(SHAPE),), layers, (Output(len(layers)),))


def test_a_hole_is_reported_once_and_checked_beyond() -> None:
    hole = Hole("torch.ops.aten.grid_sampler_2d", (1,), (4, 5, 5))
    made = structure.spec(network(conv(0), hole, Layer(RELU, (2,), (4, 5, 5))))
    assert "grid_sampler_2d()   => 4x5x5\nrelu\n" in made.text
    (model,) = models(Source("a.cnn", made.text), lints=False)
    assert [one.code for one in model.findings] == ["E208"]
    assert not model.buildable
    assert model.graph is not None
    assert model.graph.root.values[-1] == (4, 5, 5)


def test_a_hole_with_several_inputs_in_a_branch() -> None:
    hole = Hole("roi_align", (1, 2), SHAPE)
    layers = (conv(0, "a"), conv(0, "b"), hole, Layer(ADD, (3, 1), SHAPE))
    made = structure.spec(network(*layers))
    assert "roi_align(@b)   => 4x8x8" in made.text


def test_a_hole_without_inputs() -> None:
    made = structure.spec(network(conv(0), Hole("position", (), SHAPE), Layer(ADD, (1, 2), SHAPE)))
    assert "position()   => 4x8x8" in made.text


def test_a_hole_named_like_a_layer() -> None:
    made = structure.spec(network(conv(0), Hole("aten::relu", (1,), SHAPE)))
    assert "relu_block()   => 4x8x8" in made.text


def test_a_hole_with_a_word_of_another_tool() -> None:
    """`linear()` would be read as PyTorch's."""
    made = structure.spec(network(conv(0), Hole("aten.linear", (1,), SHAPE)))
    assert "unknown_linear()   => 4x8x8" in made.text


def test_a_branch_that_some_calls_do_not_have() -> None:
    layers: list[Layer | Hole] = []
    for number in range(4):
        scopes = (Scope(f"part{number}", "Part"),)
        at = len(layers)
        layers += [conv(at, f"part{number}.conv", scopes), Layer(RELU, (at + 1,), SHAPE, "", scopes)]
        branches = (at + 2, at + 1, at)[: 2 + number % 2]
        layers.append(Layer(ADD, branches, SHAPE, "", scopes))
    assert structure.spec(network(*layers)).text.count("block part(") == 1


def test_a_layer_called_twice_is_shared() -> None:
    made = structure.spec(network(conv(0, "body.proj"), Layer(RELU, (1,), SHAPE), conv(2, "body.proj")))
    assert "shared proj() { conv F3 P1 K4 }" in made.text
    assert made.keys == {"proj.weight": "body.proj.weight", "proj.bias": "body.proj.bias"}
    assert not made.apart
    assert "expect params 148\n" in made.text


def test_a_module_called_twice_is_shared() -> None:
    layers = []
    for call in range(2):
        scope = (Scope("head", "Head", call),)
        layers += [conv(2 * call, "head.conv", scope), Layer(RELU, (2 * call + 1,), SHAPE, "relu", scope)]
    made = structure.spec(network(*layers))
    assert "shared head() { conv F3 P1 K4 -> relu }" in made.text
    assert "[head()]*2" in made.text


def parts(second: Layer) -> LayerList:
    """Two modules of a class, in each of which a convolution runs twice."""
    layers: list[Layer | Hole] = []
    for number in range(2):
        scope = (Scope(f"part{number}", "Part"),)
        at, path = len(layers), f"part{number}.conv"
        layers += [conv(at, path, scope), Layer(RELU, (at + 1,), SHAPE, "relu", scope)]
        weights = {"weight": f"{path}.weight", "bias": f"{path}.bias"}
        layers.append(second._replace(inputs=(at + 2,), scopes=scope, weights=weights))
    return network(*layers)


def test_a_layer_called_twice_in_each_module_of_a_class_is_shared_inside_the_block() -> None:
    made = structure.spec(parts(conv(0)))
    assert "block part() {\n  shared conv_block() { conv F3 P1 K4 }\n" in made.text
    assert "[part()]*2" in made.text
    assert not made.apart
    assert "expect params 296\n" in made.text


def test_what_cannot_be_shared_is_reported() -> None:
    """The dilation is another one in the second call."""
    other = CONV.model_copy(update={"P": (2, 2), "D": (2, 2)})
    made = structure.spec(parts(Layer(other, (), SHAPE)))
    keys = {f"part{number}.conv.{name}" for number in range(2) for name in ("weight", "bias")}
    assert set(made.keys.values()) == set(made.apart) == keys
    assert "shared" not in made.text


def test_holes_of_one_class_differ_in_their_shapes() -> None:
    layers: list[Layer | Hole] = []
    for number, width in enumerate((4, 6, 8)):
        scopes = (Scope(f"part{number}", "Part"),)
        at = 3 * number
        op = CONV.model_copy(update={"K": width})
        layers += [
            Layer(op, (at,), (width, 8, 8), "conv", scopes),
            Hole("warp", (at + 1,), (2 * width, 8, 8), "", scopes),
            Layer(RELU, (at + 2,), (2 * width, 8, 8), "", scopes),
        ]
    made = structure.spec(network(*layers))
    assert "conv F3 P1 K=mid -> warp() => (2*mid)x8x8" in " ".join(made.text.split())
    assert "part(4) -> part(6)" in " ".join(made.text.split())


def test_a_hole_at_the_end_of_a_line_with_a_label() -> None:
    layers = (
        conv(0),
        Hole("warp", (1,), SHAPE),
        conv(0, "b"),
        Layer(RELU, (3,), SHAPE),
        Layer(ADD, (2, 4), SHAPE),
    )
    assert (
        "conv F3 P1 K4 -> warp()"
        in structure.spec(network(*layers, conv(2, "c"), Layer(ADD, (6, 5), SHAPE))).text
    )
