"""Every total, worked out body by body, equals the sum over the unrolled network; every row's field equals
the total's way.
"""

from __future__ import annotations

import pytest

from cnnspec.analyses import analyse
from cnnspec.ir.flat import flat
from tests.analyses import brute
from tests.analyses.specs import drawn, elaborated, graph, of_zoo

NETWORKS = [
    ("lenet5", None),
    ("resnet", "ResNet50"),
    ("googlenet", "GoogLeNetHeads"),
    ("densenet", "DenseNet121"),
    ("mobilenet_v3", "MobileNetV3Large"),
    ("shufflenet_v2", "ShuffleNetV2_100"),
    ("unet", None),
    ("siamese", None),
    ("retinanet", None),
    ("efficientnet", "EfficientNetB0"),
]


@pytest.mark.parametrize("seed", range(120))
def test_random_network(seed: int) -> None:
    network = graph(drawn(seed))
    found = analyse(network).totals._asdict()
    expected = brute.totals(network)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(("name", "variant"), NETWORKS)
def test_network_of_the_zoo(name: str, variant: str | None) -> None:
    network = of_zoo(name, variant)
    found = analyse(network).totals._asdict()
    expected = brute.totals(network)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("seed", range(60))
def test_rows_agree_with_bodies(seed: int) -> None:
    """The field at a step's first use, from the summaries, is that of the step's first flat row."""
    network = graph(drawn(seed))
    report = analyse(network)
    seen: set[tuple[int, int]] = set()
    starts = {
        number: [output for _, _, output in _places(body)] for number, body in enumerate(network.bodies)
    }
    for row in report.rows():
        place = (row.entry.body, row.entry.step)
        if place in seen:
            continue
        seen.add(place)
        assert report.fields.at(place[0], starts[place[0]][place[1]]) == row.field, row.entry.path
    assert report.totals.params == sum(row.params for row in report.rows())
    assert report.totals.macs == sum(row.macs for row in report.rows())
    whole = report.memory(len(network.bodies) - 1, 0, len(network.root.steps))
    assert whole.forward == sum(row.memory.forward for row in report.rows())
    assert whole.training == sum(row.memory.training for row in report.rows())


def _places(body):
    from cnnspec.ir.graph import places

    return places(body)


def test_a_volume_read_after_a_block_lives_while_it_runs() -> None:
    """The skip of 8x4x4 = 128 numbers stays alive beside the 64 + 64 maps of the inside: (128 + 1024 +
    1024)·4 bytes.
    """
    text = "input 8x4x4\nadd [ [conv F1 K64 -> conv F1 K64 -> conv F1 K8] | id ]\n"
    assert analyse(graph(text)).totals.peak_memory == (128 + 1024 + 1024) * 4


def test_what_came_into_a_repeat_lives_on_while_later_passes_run() -> None:
    """In the second pass three volumes of 8x4x4 are alive: `a`, the first pass's, and this one's."""
    text = "input 8x4x4\na: conv F1 K8\n[conv F1 K8]*3 -> gap\nmul [ @a | id ]\n"
    network = graph(text)
    assert analyse(network).totals.peak_memory == 4 * brute.peak(network, list(flat(network))) == 3 * 128 * 4


def test_a_volume_that_nobody_reads_dies_at_once() -> None:
    """The 64 maps of the first line are gone (and an error) when the second line makes its own."""
    network, _ = elaborated("input x: 8x4x4\nconv F1 K64\n@x -> conv F1 K64\n")
    assert analyse(network).totals.peak_memory == (128 + 1024) * 4


@pytest.mark.parametrize(
    "text",
    [
        "[conv F3 P1 K=8*(i+1) -> maxpool F2]*4 -> gap",
        "[concat [ id | conv F3 P1 K12 ]]*9 -> gap",
        "a: gap\n@x -> [upsample 2 -> conv F1 K=8//(i+1)]*3\nmul [ id | @a -> fc 2 ] -> gap",
    ],
)
def test_passes_of_different_sizes(text: str) -> None:
    network = graph(f"input {'x: ' if '@x' in text else ''}8x16x16\n{text}\n")
    assert analyse(network).totals.peak_memory == 4 * brute.peak(network, list(flat(network)))


def test_two_uses_of_a_shared_block_hold_one_set_of_weights() -> None:
    text = "shared f() { conv F3 P1 K8 }\ninput 8x4x4\nf() -> relu -> f()\n"
    report = analyse(graph(text))
    assert report.totals.params == 8 * 8 * 9 + 8
    assert report.totals.macs == 2 * 8 * 8 * 9 * 16
    rows = list(report.rows())
    assert [row.params for row in rows] == [584, 0, 0]
    assert [key for row in rows for key, _ in row.entry.weights] == ["f.weight", "f.bias"]
    assert [entry.attribute for entry in flat(report.graph)] == ["f", "relu", "f"]
