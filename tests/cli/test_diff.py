"""`cnnspec diff`: layers matched by structure, and where specs come from."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command

PLAIN = """input 3x32x32
conv F3 P1 K16 -> bn -> relu
conv F3 P1 K32 -> bn -> relu
gap -> fc 10
"""


def changed(cnnspec: Command, tmp_path: Path, before: str, after: str) -> list[str]:
    """The lines of the changes, without the totals."""
    for name, text in (("a.cnn", before), ("b.cnn", after)):
        (tmp_path / name).write_text(text, "utf-8")
    done = cnnspec("diff", tmp_path / "a.cnn", tmp_path / "b.cnn")
    assert done.status == 0, done.err
    return [line.strip() for line in done.out.splitlines() if line.startswith(("  ~", "  +", "  -", "  no"))]


CASES = {
    "nothing": (PLAIN, PLAIN.replace("F3 P1 K16", "P1 F3 K16"), ["no layer was added, removed or changed"]),
    "filters": (
        PLAIN,
        PLAIN.replace("K16", "K24"),
        ["~ conv1: K16 → K24; output 16x32x32 → 24x32x32; weights +224; MACs +221k"],
    ),
    "stride": (
        PLAIN,
        PLAIN.replace("K16", "S2 K16"),
        ["~ conv1: S1 → S2; output 16x32x32 → 16x16x16; MACs −332k"],
    ),
    "a layer more": (
        PLAIN,
        PLAIN.replace("gap ->", "gap -> dropout 0.2 ->"),
        ["+ dropout: dropout 0.2, after gap; output 32x1x1"],
    ),
    "a layer less": (
        PLAIN,
        PLAIN.replace("K16 -> bn", "K16"),
        ["- bn1: bn, after conv1; output 16x32x32; weights −32"],
    ),
    "another activation": (
        PLAIN,
        PLAIN.replace("K32 -> bn -> relu", "K32 -> bn -> silu"),
        ["- relu2: relu, after bn2; output 32x32x32", "+ silu: silu, after bn2; output 32x32x32"],
    ),
    "more passes": (
        "input 3x8x8\n[conv F3 P1 K3]*2\n",
        "input 3x8x8\n[conv F3 P1 K3]*5\n",
        ["~ group: 2 passes → 5 passes; weights +252; MACs +15.6k"],
    ),
    "in a block": (
        "input 3x8x8\nblock unit(k) { conv F3 P1 K=k -> relu }\nunit(4) -> unit(8)\n",
        "input 3x8x8\nblock unit(k) { conv F3 P1 K=k -> bn -> relu }\nunit(4) -> unit(8)\n",
        ["+ unit.bn (2 times): bn, after conv, at unit1.bn, unit2.bn; output 4x8x8, …; weights +24"],
    ),
    "a label is no level": (
        PLAIN,
        "input 3x32x32\nstem: conv F3 P1 K16 -> bn -> relu\nconv F3 P1 K32 -> bn -> relu\ngap -> fc 10\n",
        ["no layer was added, removed or changed"],
    ),
    "another branch": (
        "input 4x8x8\na: conv F1 K4\nb: conv F1 K4\nadd [ @a | @b ]\n",
        "input 4x8x8\na: conv F1 K4\nb: conv F1 K4\nadd [ @b | @b ]\n",
        ["~ add: reads other tensors"],
    ),
}


REPEATED = "input 3x16x16\n[conv F3 P1 K8 -> bn -> relu]*3\ngap -> fc 10\n"
WRITTEN_OUT = "input 3x16x16\n" + 3 * "conv F3 P1 K8 -> bn -> relu\n" + "gap -> fc 10\n"
UNIT = "block unit(k) {\n  add [ conv F3 P1 K=k -> relu | id ]\n}\ninput 8x16x16\n"
UNITS = (UNIT + "[unit(8)]*2\ngap\n", UNIT + "unit(8) -> unit(8)\ngap\n")


@pytest.mark.parametrize(
    ("one", "other"), [(REPEATED, WRITTEN_OUT), (WRITTEN_OUT, REPEATED), UNITS, UNITS[::-1]]
)
def test_a_repeat_is_what_is_written_out(one: str, other: str, cnnspec: Command, tmp_path: Path) -> None:
    (tmp_path / "one.cnn").write_text(one)
    (tmp_path / "other.cnn").write_text(other)
    ran = cnnspec("diff", tmp_path / "one.cnn", tmp_path / "other.cnn")
    assert "no layer was added, removed or changed" in ran.out


def test_a_repeat_written_out_with_another_number(cnnspec: Command, tmp_path: Path) -> None:
    (tmp_path / "one.cnn").write_text(REPEATED)
    (tmp_path / "other.cnn").write_text(WRITTEN_OUT.replace("K8", "K16", 1))
    ran = cnnspec("diff", tmp_path / "one.cnn", tmp_path / "other.cnn")
    assert "~ conv1: K8 → K16" in ran.out
    assert "+ " not in ran.out


@pytest.mark.parametrize("name", CASES)
def test_what_is_found(name: str, cnnspec: Command, tmp_path: Path) -> None:
    before, after, said = CASES[name]
    assert changed(cnnspec, tmp_path, before, after) == said


def test_reads_like_the_paper(cnnspec: Command) -> None:
    """Version 1.5 moves the stride from the first 1x1 to the 3x3 convolution."""
    lines = cnnspec("diff", "zoo:resnet#ResNet50v1", "zoo:resnet#ResNet50").out.splitlines()
    assert lines[0] == "ResNet50v1 → ResNet50"
    places = "at body.stage2.0.conv{0}, body.stage3.0.conv{0}, body.stage4.0.conv{0}"
    assert lines[1].startswith(f"  ~ residual.conv1 (3 times): S2 → S1, {places.format(1)}; output")
    assert lines[2] == f"  ~ residual.conv2 (3 times): S1 → S2, {places.format(2)}"
    assert "  MACs     3,857,973,248 → 4,089,184,256 (+6.0 %)" in lines


def test_resnext(cnnspec: Command) -> None:
    out = cnnspec("diff", "zoo:resnet#ResNet50", "zoo:resnext#ResNeXt50_32x4d").out
    assert "bottleneck.conv2 (16 times): K64 → K128, K128 → K256, K256 → K512, K512 → K1024; G1 → G32" in out


@pytest.mark.parametrize("name", ["resnet", "googlenet", "unet", "yolo_v3_tiny", "densenet"])
def test_a_network_is_equal_to_itself(name: str, cnnspec: Command) -> None:
    done = cnnspec("diff", f"zoo:{name}", f"zoo:{name}", "--format", "json")
    assert all(one["changes"] == [] for one in json.loads(done.out)["models"])


def test_every_weight_is_accounted_for(cnnspec: Command) -> None:
    """What repeats of equal layers have more is in their line, once; channels that change show further on."""
    for before, after in (("vgg#VGG16", "vgg#VGG19"), ("resnet#ResNet50", "resnet#ResNet101")):
        done = cnnspec("diff", f"zoo:{before}", f"zoo:{after}", "--format", "json")
        (model,) = json.loads(done.out)["models"]
        assert model["elsewhere"] == {"params": 0, "macs": 0}
    done = cnnspec("diff", "zoo:resnet#ResNet50", "zoo:resnext#ResNeXt50_32x4d")
    assert "    layers as before, on other maps: weights +5,044,992; MACs" in done.out


def test_variants(cnnspec: Command) -> None:
    out = cnnspec("diff", "zoo:resnet", "zoo:resnet").out
    assert out.count("no layer was added") == 8
    assert cnnspec("diff", "zoo:resnet#ResNet9", "zoo:resnet").status == 2


def test_markdown(cnnspec: Command) -> None:
    out = cnnspec("diff", "zoo:vgg#VGG16", "zoo:vgg#VGG19", "--format", "markdown").out
    assert "| ~ | group3 | 3 passes → 4 passes |  | +590,080 | +1.85G |\n" in out
    assert "| weights | 138,357,544 | 143,667,240 | +3.8 % |" in out
    out = cnnspec("diff", "zoo:resnet#ResNet50", "zoo:resnext#ResNeXt50_32x4d", "--format", "markdown").out
    assert "\n|  | layers as before, on other maps: weights +5,044,992; MACs +822M | | | | |\n" in out


def test_specs_with_errors(cnnspec: Command, tmp_path: Path) -> None:
    (tmp_path / "a.cnn").write_text("input 3x8x8\nconvv K3\n", "utf-8")
    done = cnnspec("diff", tmp_path / "a.cnn", "zoo:lenet5")
    assert (done.status, done.out) == (1, "")
    assert "E201" in done.err
    assert cnnspec("diff", tmp_path / "none.cnn", "zoo:lenet5").status == 2


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.cnn").write_text(PLAIN, "utf-8")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
    for command in (("init", "-q"), ("add", "model.cnn"), ("commit", "-qm", "one")):
        subprocess.run([*git, *command], check=True, capture_output=True)
    (tmp_path / "model.cnn").write_text(PLAIN.replace("K16", "K24"), "utf-8")
    return tmp_path


def test_a_git_revision(cnnspec: Command, repository: Path) -> None:
    assert "~ conv1: K16 → K24" in cnnspec("diff", "HEAD:model.cnn", "model.cnn").out
    missing = cnnspec("diff", "HEAD:other.cnn", "model.cnn")
    assert missing.status == 2
    assert "E701" in missing.err
    for revision in ("HEAD~7:model.cnn", "--help:model.cnn", "-x:model.cnn", "a b:model.cnn", "HEAD:"):
        assert cnnspec("diff", "--", revision, "model.cnn").status == 2
    assert cnnspec("diff", "HEAD:model.cnn", "model.cnn", "--max-bytes", "20").status == 2


def test_a_document_of_a_git_revision(cnnspec: Command, repository: Path) -> None:
    page = f"# Two\n\n```cnn name=other\ninput 8\nfc 2\n```\n\n```cnn name=ours\n{PLAIN}```\n"
    (repository / "paper.md").write_text(page, "utf-8")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
    for command in (("add", "paper.md"), ("commit", "-qm", "two")):
        subprocess.run([*git, *command], check=True, capture_output=True)
    (repository / "paper.md").write_text(page.replace("K16", "K24"), "utf-8")
    assert "~ conv1: K16 → K24" in cnnspec("diff", "HEAD:paper.md#ours", "paper.md#ours").out
    assert "~ conv1: K16 → K24" in cnnspec("diff", "HEAD:paper.md#2", "paper.md#2").out
    for argument in ("HEAD:paper.md", "HEAD:paper.md#theirs"):
        done = cnnspec("diff", argument, "paper.md#ours")
        assert done.status == 2
        assert "E903" in done.err
    assert "E701" in cnnspec("diff", "HEAD~1:paper.md#ours", "paper.md#ours").err


def test_a_revision_runs_no_filter(cnnspec: Command, repository: Path) -> None:
    ran = repository / "ran"
    (repository / ".gitattributes").write_text("*.cnn filter=own diff=own\n", "utf-8")
    for key in ("filter.own.smudge", "filter.own.clean", "diff.own.textconv"):
        subprocess.run(["git", "config", key, f"touch {ran} && cat"], check=True)
    assert cnnspec("diff", "HEAD:model.cnn", "zoo:lenet5").status == 0
    assert not ran.exists()


def test_as_a_difftool(repository: Path) -> None:
    tool = f'"{sys.executable}" -m cnnspec diff "$LOCAL" "$REMOTE"'
    asked = ["git", "-c", f"difftool.cnnspec.cmd={tool}", "difftool", "-y", "-t", "cnnspec", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert "~ conv1: K16 → K24" in done.stdout, done.stderr


def test_is_quick_on_long_networks(cnnspec: Command, tmp_path: Path) -> None:
    """Two chains of 100,000 layers in repeats, and two of 2,000 lines."""
    deep = "input 3x8x8\n[[conv F3 P1 K3 -> relu]*250]*200\n"
    assert changed(cnnspec, tmp_path, deep, deep.replace("F3 P1", "F5 P2"))[0].startswith(
        "~ group.conv (50000 times): F3 → F5; P1 → P2; weights"
    )
    lines = "conv F3 P1 K3\nrelu\n" * 1000
    found = changed(cnnspec, tmp_path, "input 3x8x8\n" + lines, "input 3x8x8\ntanh\n" + lines)
    assert found == ["+ tanh: tanh, at the beginning; output 3x8x8"]


def test_weights_of_a_shared_block_change_once(cnnspec: Command, tmp_path: Path) -> None:
    """Those of a block's own, once for each use of the block."""
    heads = (
        "shared head(k) { conv F3 P1 K16 -> relu -> conv F1 K=k }\ninput 8x32x32\np3: conv F3 P1 K8\n"
        "p4: maxpool F2\nbig: @p3 -> head(4)\nsmall: @p4 -> head(4)\noutput @big, @small\n"
    )
    found = changed(cnnspec, tmp_path, heads, heads.replace("head(4)", "head(6)"))
    assert found[0].startswith("~ head.conv2 (2 times): K4 → K6")
    assert "; weights +34; " in found[0]  # 16 and a bias for each of 2 filters
    gates = (
        "block gate() {\nshared mlp() { conv F1 K4 nobias }\n"
        "mul [ id | add [ gap -> mlp() | gmp -> mlp() ] -> sigmoid ]\n}\n"
        "input 4x8x8\ngate() -> [gate()]*2\n"
    )
    found = changed(cnnspec, tmp_path, gates, gates.replace(" nobias", ""))
    assert "; weights +12" in found[0]  # 4 biases for each of 3 gates
