"""`cnnspec table`, on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command


def test_one_network_as_markdown(cnnspec: Command) -> None:
    done = cnnspec("table", "zoo:lenet5")
    assert done.status == 0
    assert done.out.startswith("| name |")
    assert "| C1   | conv F5 K6" in done.out


def test_the_layout_of_a_paper_has_all_variants(cnnspec: Command) -> None:
    out = cnnspec("table", "zoo:densenet", "--like", "densenet").out
    assert out.startswith("| Layers | Output Size | DenseNet121 | DenseNet169 | DenseNet201 | DenseNet161 |")


def test_variants_are_columns(cnnspec: Command) -> None:
    out = cnnspec("table", "zoo:resnet", "--variants", "ResNet18, ResNet34", "--format", "csv").out
    assert out.splitlines()[0] == "output,ResNet18,ResNet34"
    assert out.splitlines()[-1] == "MACs,1.81G,3.66G"


def test_two_files_are_columns(cnnspec: Command) -> None:
    out = cnnspec("table", "zoo:resnet#ResNet50", "zoo:se_resnet", "--format", "csv").out
    assert out.splitlines()[0] == "output,ResNet50,SEResNet50"
    assert "[1x1, 64; 3x3, 64; 1x1, 256; fc, [16, 256]] x3" in out


def test_arguments_of_blocks_are_columns(cnnspec: Command) -> None:
    columns = ("--rows", "stage", "--columns", "name,operator,t,k,repeats,s")
    out = cnnspec("table", "zoo:mobilenet_v2", *columns, "--format", "csv").out
    assert "stage4,inverted,6,64,4,2" in out.replace('"', "").replace("2, 1", "2")


def test_the_field_where_a_row_ends(cnnspec: Command) -> None:
    table = ("table", "zoo:resnet#ResNet50", "--columns", "output,field", "--format", "csv")
    assert cnnspec(*table, "--rows", "size").out.split() == [
        "output,field", "64x112x112,7x7", "256x56x56,35x35", "512x28x28,91x91", "1024x14x14,267x267",
        "2048x7x7,427x427", "1000,",
    ]  # fmt: skip
    assert "32,427x427" not in cnnspec(*table, "--rows", "layer").out


def test_what_a_layout_has_of_its_own(cnnspec: Command) -> None:
    done = cnnspec("table", "zoo:vgg", "--like", "vgg", "--rows", "line")
    assert done.status == 2
    assert "--like vgg has rows of its own" in done.err
    bracket = ("--like", "vgg", "--variants", "VGG11,VGG16", "--cells", "bracket", "--format", "csv")
    assert '"[3x3, 512] x2","[3x3, 512] x3"' in cnnspec("table", "zoo:vgg", *bracket).out


def test_a_file_is_written_in_the_format_of_its_ending(
    cnnspec: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = cnnspec("table", "zoo:lenet5", "-o", "lenet.tex")
    assert (done.status, done.out) == (0, "lenet.tex: written\n")
    assert "\\toprule" in Path("lenet.tex").read_text()
    again = cnnspec("table", "zoo:lenet5", "-o", "lenet.tex")
    assert again.status == 2
    assert "E705" in again.err
    assert cnnspec("table", "zoo:lenet5", "-o", "lenet.xyz").status == 2


def test_as_json(cnnspec: Command) -> None:
    document = json.loads(cnnspec("table", "zoo:vgg", "--like", "vgg", "--format", "json").out)
    (table,) = document["tables"]
    assert table["head"][0] == "VGG11"
    assert table["rows"][3][0] == "maxpool"
    assert document["diagnostics"] == []
    refused = cnnspec("table", "zoo:vgg", "--like", "densenet", "--format", "json")
    assert (refused.status, refused.err) == (1, "")
    document = json.loads(refused.out)
    assert document["tables"] == []
    assert [one["code"] for one in document["diagnostics"]] == ["E803"]


def test_a_layout_that_does_not_fit(cnnspec: Command) -> None:
    for name, like, said in (
        ("resnet", "mobilenet", "no expansion factor t"),
        ("resnet", "densenet", "has no dense block"),
        ("vgg", "googlenet", "no module with branches"),
        ("inception_v3", "googlenet", "`inception17` has no columns"),
    ):
        done = cnnspec("table", f"zoo:{name}", "--like", like)
        assert (done.status, done.out) == (1, "")
        assert "E803" in done.err
        assert said in " ".join(done.err.split())
        assert "help: " in done.err


def test_what_cannot_be_had(cnnspec: Command) -> None:
    assert "did you mean weights?" in cnnspec("table", "zoo:lenet5", "--columns", "wieghts").err
    assert "E210" in cnnspec("table", "zoo:resnet", "--variants", "ResNet18,ResNet19").err
    assert cnnspec("table", "zoo:nothing").status == 2
    wrong = cnnspec("table", "-", stdin="input 3x8x8\nconvv K3\n")
    assert (wrong.status, wrong.out) == (1, "")
    assert "E201" in wrong.err
    many = cnnspec("table", "-", "--rows", "layer", stdin="input 3x8x8\n[[relu]*1000]*100\n")
    assert "more than 2,000 rows" in many.err


def test_the_bytes_are_the_same_whatever_the_hashes() -> None:
    command = [sys.executable, "-m", "cnnspec", "table", "zoo:inception_v3", "--rows", "size"]
    made = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        made.add(subprocess.run(command, env=env, capture_output=True, check=True).stdout)
    assert len(made) == 1
