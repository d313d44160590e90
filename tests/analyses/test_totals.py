"""Totals that others have published or that the design fixes."""

from __future__ import annotations

import pytest

from cnnspec.analyses import analyse
from tests.analyses.specs import graph, of_zoo

DENSE_LENET = """input 1x32x32
C1: conv F5 K6 => 6x28x28
relu -> maxpool F2
conv F5 K16 -> relu -> maxpool F2
conv F5 K120 -> relu
fc 84 -> relu -> fc 10
"""


def test_dense_lenet_has_the_numbers_of_the_json_example() -> None:
    assert analyse(graph(DENSE_LENET)).totals._asdict() == {
        "params": 61706,
        "trainable": 61706,
        "buffers": 0,
        "macs": 416520,
        "activations": 14602,
        "peak_memory": 37632,
        "connections": 423038,
        "layers": 5,
        "weighted": 5,
        "field": (32, 32),
    }


def test_lenet_of_1998() -> None:
    totals = analyse(of_zoo("lenet5")).totals
    assert (totals.trainable, totals.connections, totals.layers) == (60_000, 340_908, 7)


@pytest.mark.parametrize(
    ("name", "variant", "params", "macs", "layers"),
    [
        ("resnet", "ResNet50", 25_557_032, 4_089_184_256, 50),
        ("vgg", "VGG16", 138_357_544, 15_470_264_320, 16),
        ("googlenet", "GoogLeNet", 6_624_904, 1_498_376_192, 22),
        ("mobilenet_v2", "MobileNetV2", 3_504_872, 300_774_272, None),
    ],
)
def test_torchvision(name: str, variant: str, params: int, macs: int, layers: int | None) -> None:
    totals = analyse(of_zoo(name, variant)).totals
    assert (totals.params, totals.macs) == (params, macs)
    assert layers is None or totals.layers == layers


def test_buffers_are_no_params() -> None:
    totals = analyse(graph("input 8x4x4\nbn -> conv F1 K2 frozen\n")).totals
    assert (totals.params, totals.trainable, totals.buffers) == (16 + 18, 16, 17)


def test_what_layers_hold() -> None:
    """A map of 8x4x4 and its gradient, 72 filters' numbers and 8 biases and their gradients; of a batch norm
    also the running statistics and the count of batches, which have none; nothing of a frozen weight."""
    report = analyse(graph("input 1x4x4\nconv F3 P1 K8 -> bn -> conv F1 K2 frozen\n"))
    conv, norm, frozen = (row.memory for row in report.rows())
    assert conv == (4 * 128, 4 * (2 * 128 + 2 * 80))
    assert norm == (4 * 128, 4 * (2 * 128 + 2 * 16 + 17))
    assert frozen == (4 * 32, 4 * (2 * 32 + 18))
    assert report.memory(0, 0, 2) == (conv.forward + norm.forward, conv.training + norm.training)


def test_a_mistake_leaves_totals_unknown_and_rows_known() -> None:
    from tests.analyses.specs import elaborated

    made, sink = elaborated("input 1x8x8\nconv F3 K4 -> conv F9 K4 -> relu\n")
    assert sink.has_errors
    report = analyse(made)
    assert all(value is None for value in report.totals[:7])
    assert [row.params for row in report.rows()] == [40, None, None]
    assert list(report.findings) is not None


def test_behind_a_line_in_error_the_claim_goes_on_but_is_not_checked() -> None:
    from tests.analyses.specs import elaborated

    made, _ = elaborated("input 1x8x8\nconv F9 K4 => 4x2x2\nconv F2 K4 => 4x1x1, params 68\n")
    report = analyse(made)
    assert [claim.holds for claim in report.claims] == [None, True, True]


def test_a_hundred_thousand_layers_are_a_handful_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each body's layers are asked once an analysis, whatever the number of passes."""
    from cnnspec.ops import lookup

    conv = lookup("conv")
    assert conv is not None
    asked = []
    plain = conv.macs
    monkeypatch.setattr(conv, "macs", lambda *given: asked.append(1) or plain(*given))
    inside = "[conv F3 P1 K8 -> relu]*100 -> [bn -> relu -> conv F3 P1 K8 nobias]*100 -> relu"
    text = f"input 8x16x16\n[{inside}]*250\n"
    report = analyse(graph(text))
    assert report.macs.total == 250 * 100 * 2 * 576 * 256
    assert len(asked) == 2
    totals = report.totals
    assert list(report.findings) == []
    assert totals.params == 250 * 100 * (584 + 576 + 16)
    assert totals.layers == totals.weighted == 50_000
    assert totals.field == (100_001, 100_001)
