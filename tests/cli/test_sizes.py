"""`cnnspec sizes` and `--size`, on the command line."""

from __future__ import annotations

import json

from tests.cli.conftest import Command


def test_sizes_in_words(cnnspec: Command) -> None:
    done = cnnspec("sizes", "zoo:yolo_v3_tiny")
    assert done.status == 0
    assert "H and W        32k to 32k + 15, from 32 on" in done.out
    assert "output yolo26  255x⌊H/16⌋x⌊W/16⌋" in done.out
    assert "at 3x432x432, line 21: branch 2 is 256x27x27, branch 1 is 128x26x26" in done.out


def test_variants_with_the_same_answer_are_together(cnnspec: Command) -> None:
    out = cnnspec("sizes", "zoo:resnet").out
    assert out.startswith("ResNet18, ResNet34, ResNet50")
    assert out.count("H and W") == 1


def test_as_json(cnnspec: Command) -> None:
    document = json.loads(cnnspec("sizes", "zoo:lenet5", "--format", "json").out)
    assert document["ok"]
    (model,) = document["models"]
    assert model["exact"]
    also = {"from": None, "modulus": 1, "residues": [], "also": [32, 33, 34, 35], "tried": 256}
    assert model["axes"] == [{"axis": axis, **also} for axis in "HW"]
    assert model["outputs"] == [{"name": "output", "shape": ["10"]}]


def test_a_spec_with_errors(cnnspec: Command) -> None:
    assert cnnspec("sizes", "zoo:nothing").status == 2
    wrong = cnnspec("sizes", "-", stdin="input 3x8x8\nconvv K3\n")
    assert (wrong.status, wrong.out) == (1, "")
    assert "E201" in wrong.err


def test_a_size_replaces_that_of_the_input(cnnspec: Command) -> None:
    done = cnnspec("check", "zoo:resnet", "--variant", "ResNet50", "--size", "3x256x320")
    assert done.status == 0
    assert done.out.startswith("ResNet50, input = 3x256x320:")
    assert "2048x8x10" in done.out
    assert "– params 25,557,032 (line 16: not checked" in done.out


def test_the_size_of_a_named_input(cnnspec: Command) -> None:
    sizes = ("--size", "left=1x129x129", "--size", "right=1x129x129")
    assert cnnspec("check", "zoo:siamese", *sizes).status == 0
    one = cnnspec("check", "zoo:siamese", "--size", "1x129x129")
    assert one.status == 2
    assert "--size left=1x129x129" in one.err


def test_sizes_that_are_none(cnnspec: Command) -> None:
    for size, said in {
        "x": "expected a size such as 3x256x256",
        "3x-1x8": "expected a size",
        "1x0x32": "each size is a whole number from 1",
        "1x2x32x32x32": "5 sizes",
        "a=1x32x32": "there is no input `a`",
        "1x99999999999x32": "each size is a whole number from 1 to 2,147,483,647",
    }.items():
        done = cnnspec("check", "zoo:lenet5", "--size", size)
        assert done.status == 2, size
        assert said in done.err


def test_programs_for_another_size(cnnspec: Command) -> None:
    out = cnnspec("build", "zoo:alexnet", "--target", "torch", "--size", "3x256x256").out
    assert "nn.Linear(256 * 7 * 7" in out or "12544" in out
