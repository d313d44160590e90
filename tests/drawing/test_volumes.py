"""The style `volumes`: every network is drawn, whole, with nothing over anything else."""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.api import load
from cnnspec.drawing.colors import GREY, PAPER, Palette
from cnnspec.drawing.draw import smallest_text
from cnnspec.drawing.options import LOOKS, Options
from cnnspec.drawing.scene import Group, Line, Scene, Text
from cnnspec.drawing.volumes import layout
from cnnspec.drawing.volumes.shorter import shortened
from cnnspec.drawing.volumes.strip import strip_of
from cnnspec.drawing.volumes.volume import Strip
from cnnspec.drawing.volumes.whole import look_of
from cnnspec.drawing.writers import svg, tikz
from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph
from tests.drawing.geometry import flat as items_of
from tests.drawing.geometry import (
    front_of,
    groups,
    lines_over_things,
    outside,
    overlapping_texts,
    overlapping_volumes,
    texts_on_volumes,
)
from tests.drawing.latex import compiled
from tests.properties.grower import grown
from tests.properties.nests import nest
from tests.properties.oracles import graph_of
from tests.support import check_text, sampled


def drawn(graph: Graph, **options: object) -> Scene:
    return layout(graph, Options(style="volumes", **options))  # type: ignore[arg-type]


def layers_shown(strip: Strip) -> int:
    volumes = strip.volumes
    return sum(volume.layers + sum(source.layers for source in volume.sources) for volume in volumes)


def well_laid(scene: Scene) -> None:
    assert outside(scene) == []
    assert overlapping_texts(scene) == []
    assert overlapping_volumes(scene) == []
    assert texts_on_volumes(scene) == []


ROOT = Path(__file__).parents[2] / "specs"
FILES = sorted(ROOT.rglob("*.cnn"))


@pytest.mark.parametrize("path", sampled(FILES, 2), ids=lambda path: path.stem)
def test_every_spec_and_variant_is_drawn_whole(path: Path) -> None:
    for model in check_text(path.read_text(encoding="utf-8"), lints=False):
        assert model.graph is not None
        scene = drawn(model.graph)
        well_laid(scene)
        assert look_of(strip_of(model.graph)) == "sheets" or lines_over_things(scene) == []
        strip = strip_of(model.graph)
        layers = sum(1 for _ in flat(model.graph))
        assert layers_shown(strip) == layers
        assert layers_shown(shortened(strip, 24)) == layers
    assert svg.write(scene) == svg.write(drawn(model.graph))


@pytest.mark.parametrize(
    ("path", "look"), sampled(product(FILES, LOOKS), 4), ids=lambda one: getattr(one, "stem", None)
)
def test_every_spec_is_drawn_in_every_look(path: Path, look: str) -> None:
    (model, *_) = check_text(path.read_text(encoding="utf-8"), lints=False, first=True)
    assert model.graph is not None
    scene = drawn(model.graph, look=look, width=245.0, colors=GREY)
    well_laid(scene)
    assert scene.width <= 245.01
    if look != "sheets":  # which show what a unit reads: lines that begin on its map
        assert lines_over_things(scene) == []
    if look == look_of(strip_of(model.graph)) and path.stem not in TOO_LARGE_FOR_A_COLUMN:
        smallest = smallest_text(scene.items)
        assert smallest is not None
        assert smallest > 4.95


TOO_LARGE_FOR_A_COLUMN = ("u2net", "ddpm_unet")
"""With 60 bars and more, however they are folded: the command says so."""


def test_a_network_for_a_column_is_drawn_with_fewer_bars() -> None:
    graph = load("zoo:unet")
    wide, narrow = drawn(graph), drawn(graph, width=245.0)
    assert len(groups(wide, "layer")) == 27
    assert len(groups(narrow, "layer")) == 18
    assert "2 × (3×3 convolution + ReLU)" in said(narrow, "legend")
    assert len(groups(narrow, "skip")) == 4
    assert "568×568" in said(narrow)
    assert said(drawn(load("zoo:vnet"), width=245.0), "legend").count("residual block") == 1


@pytest.mark.parametrize(
    ("spec", "variant", "look"),
    [
        ("lenet5", None, "sheets"),
        ("alexnet", None, "cuboids"),
        ("vgg", "VGG16", "cuboids"),
        ("resnet", "ResNet50", "cuboids"),
        ("unet", None, "levels"),
        ("unet_3d", None, "levels"),
        ("fcn8s", None, "levels"),
        ("segnet", None, "levels"),
        ("dcgan_generator", None, "cuboids"),
        ("m5", None, "cuboids"),
    ],
)
def test_the_look_follows_from_the_network(spec: str, variant: str | None, look: str) -> None:
    assert look_of(strip_of(load(f"zoo:{spec}", variant=variant))) == look


def said(scene: Scene, *roles: str) -> list[str]:
    found = groups(scene, *roles) if roles else [Group(scene.items, "all")]
    return [
        "".join(run.text for run in item.runs)
        for group in found
        for item in items_of(group.items)
        if isinstance(item, Text)
    ]


def test_vgg_shows_sizes_depths_and_a_legend() -> None:
    scene = drawn(load("zoo:vgg", variant="VGG16"))
    texts = said(scene)
    assert [texts.count(size) for size in ("224×224", "112×112", "56×56", "28×28", "14×14", "7×7")] == [
        2, 1, 1, 1, 1, 1,
    ]  # fmt: skip
    assert texts.count("4096") == 2
    assert sorted(said(scene, "legend")) == [
        "2×2 max pooling",
        "3×3 convolution + ReLU",
        "fully connected + ReLU",
    ]
    assert len(groups(scene, "layer")) == 21


def test_lenet_shows_names_sizes_and_operations() -> None:
    texts = said(drawn(load("zoo:lenet5")))
    for wanted in ("C1", "6@28×28", "S4", "16@5×5", "C5", "120", "84", "10", "5×5", "subsampling"):
        assert wanted in texts


def test_unet_shows_its_copies_and_stacked_parts() -> None:
    scene = drawn(load("zoo:unet"))
    assert len(groups(scene, "skip")) == 4
    texts = said(scene)
    assert "572×572" in texts
    assert texts.count("1024") == 3
    assert "copy and crop" in texts
    two_parts = [group for group in groups(scene, "layer") if group.name.endswith("concat")]
    assert len(two_parts) == 4


def test_resnet_is_folded_by_its_stages() -> None:
    strip = strip_of(load("zoo:resnet", variant="ResNet50"))
    blocks = [(volume.count, volume.shape) for volume in strip.spine if volume.kind == "block"]
    assert blocks == [(3, (256, 56, 56)), (4, (512, 28, 28)), (6, (1024, 14, 14)), (3, (2048, 7, 7))]


def test_a_few_shortcuts_are_arcs() -> None:
    layers = "conv F3 P1 K8\nadd [ conv F3 P1 K8 -> relu | id ]\nmaxpool F2\ngap -> fc 10\n"
    scene = drawn(graph_of(f"input 3x64x64\n{layers}"), look="cuboids")
    (arc,) = groups(scene, "skip")
    assert arc.tooltip == "from conv1"


def test_blocks_are_closed_and_opened_on_demand() -> None:
    collapsed = drawn(load("zoo:unet"), collapse=("double",))
    assert len(groups(collapsed, "layer")) == 18
    assert "double" in said(collapsed, "legend")
    strip = strip_of(load("zoo:unet"), Options(style="volumes", collapse=("double", "up")))
    assert look_of(strip) == "levels"
    assert [volume.title for volume in strip.spine].count("up") == 4
    opened = drawn(load("zoo:resnet", variant="ResNet18"), expand=("residual",))
    assert len(groups(opened, "skip")) == 8
    well_laid(opened)


def test_levels_of_blocks_are_opened() -> None:
    graph = load("zoo:resnet", variant="ResNet18")
    shown = [strip_of(graph, Options(style="volumes", levels=levels)) for levels in range(4)]
    closed = [[volume.kind for volume in strip.spine].count("block") for strip in shown]
    assert closed == [4, 4, 0, 0]  # stages, then the residual blocks in them
    assert len(shown[2].links) == 8
    assert [len(link.via) for link in shown[2].links] == [0, 0, 2, 0, 2, 0, 2, 0]
    for levels in (1, 2, 50):
        well_laid(drawn(load("zoo:resnet", variant="ResNet50"), levels=levels))
    kept = strip_of(graph, Options(style="volumes", levels=2, collapse=("residual",)))
    assert [volume.kind for volume in kept.spine].count("block") == 4


def test_passes_of_several_layers_are_not_one_volume() -> None:
    layers = "conv F3 P1 K8 -> relu -> conv F1 K32 -> relu -> conv F1 K8"
    strip = strip_of(graph_of(f"input 8x16x16\n[{layers}]*4\ngap -> fc 10\n"))
    assert [volume.count for volume in strip.spine] == [1] * 15


def test_labels_stand_below_their_bands() -> None:
    scene = drawn(load("zoo:resnet", variant="ResNet50"), levels=2)
    blocks = [group for group in groups(scene, "block") if len(group.items) > 12]
    assert blocks
    for block in blocks:
        fronts = [front_of(item) for item in block.items if isinstance(item, Group)]
        left, right = min(front[0] for front in fronts), max(front[2] for front in fronts)
        middles = [item.x for item in block.items if isinstance(item, Text)]
        assert left <= min(middles)
        assert max(middles) <= right


@pytest.mark.parametrize("colors", [PAPER, GREY])
def test_arrows_are_told_apart(colors: Palette) -> None:
    for spec, arrows in {"unet": 5, "efficientdet_d0": 8}.items():
        scene = drawn(load(f"zoo:{spec}"), colors=colors)
        lines = [item for group in groups(scene, "legend") for item in group.items if isinstance(item, Line)]
        assert len({(line.pen.color, line.pen.dashed) for line in lines}) == len(lines) == arrows


def test_many_inputs_and_outputs_stand_beside_each_other() -> None:
    inputs = "".join(f"input x{place}: 1x16x16\n" for place in range(12))
    stacked = " | ".join(f"@x{place}" for place in range(12))
    scene = drawn(graph_of(f"{inputs}concat [ {stacked} ]\nconv F3 K4\n"))
    well_laid(scene)
    assert "5 inputs" in said(scene)
    heads = "".join(f"o{place}: @x -> conv F3 K{place + 1}\n" for place in range(40))
    outputs = ", ".join(f"@o{place}" for place in range(40))
    scene = drawn(graph_of(f"input x: 1x16x16\n{heads}output {outputs}\n"))
    well_laid(scene)
    assert {"o5", "33 layers"} <= set(said(scene))
    assert scene.height < 700  # not one below the other


def test_a_gate_is_one_volume() -> None:
    gate = "mul [ id | gap -> fc 8 -> relu -> fc 32 -> sigmoid ]"
    strip = strip_of(graph_of(f"input 3x64x64\nconv F3 P1 K32 -> relu\n{gate}\ngap -> fc 10\n"))
    assert [volume.title or volume.name for volume in strip.spine] == ["input", "conv", "gate", "gap2", "fc3"]
    assert len(strip.rows) == 1


def test_a_long_network_is_folded_in_a_second() -> None:
    inner = "conv F3 P1 K16 -> bn -> relu"
    texts = [
        f"input 3x32x32\nconv F3 P1 K16\n[{inner}]*33000\ngap -> fc 10\n",
        "input 3x32x32\nconv F3 P1 K16\n[add [ conv F3 P1 K16 -> relu | id ]]*33000\ngap -> fc 10\n",
        "input 3x32x32\nconv F3 P1 K16\n" + f"{inner}\n" * 1000 + "gap -> fc 10\n",
        "input 3x32x32\n" + "".join(f"conv F3 P1 K{8 + place % 7}\n" for place in range(3000)),
        "input 1x4x4\n" + "add [ id | conv F1 K1 -> add [ id | conv F3 P1 K1 ] ]\n" * 400,
    ]
    for text in texts:
        graph = graph_of(text)
        start = time.perf_counter()
        scene = drawn(graph)
        assert time.perf_counter() - start < 3  # a guard against hanging
        strip = shortened(strip_of(graph), 48)
        assert layers_shown(strip) == sum(1 for _ in flat(graph))
        assert len(strip.volumes) <= 8 * 48
        well_laid(scene)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(LOOKS))
def test_property_a_grown_network_is_well_laid(seed: int, look: str) -> None:
    graph = graph_of(grown(seed))
    assert layers_shown(strip_of(graph)) == sum(1 for _ in flat(graph))
    scene = drawn(graph, look=look)
    well_laid(scene)
    assert look == "sheets" or lines_over_things(scene) == []


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(LOOKS))
def test_property_a_nest_is_well_laid(seed: int, look: str) -> None:
    for model in check_text(nest(seed), lints=False):
        if model.graph is not None and model.buildable:
            well_laid(drawn(model.graph, look=look))


@pytest.mark.latex
@pytest.mark.parametrize("spec", ["lenet5", "vgg", "unet", "googlenet"])
def test_the_pictures_compile(spec: str, tmp_path: Path) -> None:
    compiled(tikz.write(drawn(load(f"zoo:{spec}"))), tmp_path)


def test_words_of_signals_and_folds() -> None:
    signal = (
        "conv F15 S2 P7 K64 -> bn -> relu -> maxpool F3 S2 P1\n[conv F3 P1 K64 -> relu -> conv F1 K64]*9\n"
    )
    scene = drawn(graph_of(f"input 12x5000\n{signal}gap -> fc 5\n"), look="levels")
    assert said(scene, "legend")[::-1] == [
        "15-wide convolution + BN + ReLU",
        "3-wide max pooling",
        "9 × convolutions",
        "global average pooling",
        "fully connected",
    ]
    signs = "conv F3 P1 K8 -> abs\nmax [ conv F3 P1 K8 | conv F1 K8 ]\ngap -> fc 5\n"
    assert said(drawn(graph_of(f"input 1x64x80\n{signs}")), "legend")[::-1] == [
        "3×3 convolution + absolute value",
        "maximum of branches",
        "global average pooling",
        "fully connected",
    ]


def test_the_heads_of_arcs_have_room() -> None:
    unit = "block unit() { add [ conv F7 P3 K64 -> bn -> relu -> conv F7 P3 K64 -> bn | id ] -> relu }\n"
    text = f"{unit}input 12x5000\nconv F3 P1 K64\n[unit()]*2\ngap -> fc 5\n"
    scene = drawn(graph_of(text), levels=1)
    arcs = [item for group in groups(scene, "skip") for item in group.items if isinstance(item, Line)]
    assert len(arcs) == 2
    assert all(line.points[2][0] - line.points[1][0] > 12 for line in arcs)


def test_branches_through_several_sizes_are_not_one_block() -> None:
    text = (
        "input 3x48x48\na: conv F3 P1 K32\nb: maxpool F2 -> conv F3 P1 K64\nc: maxpool F2 -> conv F3 P1 K64\n"
        "concat [ @c | @a -> avgpool F4 ] -> conv F1 K64\nadd [ @c | id ] -> gap -> fc 10\n"
    )
    strip = strip_of(graph_of(text))
    assert "block" not in [volume.kind for volume in strip.volumes]
    assert len(strip.volumes) == 10
    scene = drawn(graph_of(text))
    well_laid(scene)
    assert lines_over_things(scene) == []
