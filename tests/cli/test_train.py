"""`cnnspec train` and `build --recipe`: the files of a run, what is refused, and the exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.training.small import RECIPE, write_small


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a spec, a recipe and data: the brighter half says the class."""
    write_small(tmp_path, "tiny")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_build_writes_both_programs(cnnspec: Command, here: Path) -> None:
    ran = cnnspec("build", "tiny.cnn", "--target", "torch", "--recipe", "tiny.toml", "-o", "run")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == "run/net.py: written\nrun/train.py: written\n"
    assert 'data = (HERE / "../data.npz").resolve()' in (here / "run" / "train.py").read_text()
    again = cnnspec("build", "tiny.cnn", "--target", "torch", "--recipe", "tiny.toml", "-o", "run")
    assert again.status == 2
    assert "error[E705]" in again.err


def test_a_recipe_needs_a_folder(cnnspec: Command, here: Path) -> None:
    ran = cnnspec("build", "tiny.cnn", "--recipe", "tiny.toml", "--target", "torch")
    assert ran.status == 2
    assert "--recipe needs" in ran.err


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x", "E821"),
        (RECIPE + "epoch = 1\n", "E822"),
        (RECIPE + "warmup = 9\n", "E823"),
        (RECIPE + "[loss.a]", "E824"),
    ],
)
def test_what_is_wrong_with_a_recipe_stands_at_its_place(
    cnnspec: Command, here: Path, text: str, code: str
) -> None:
    (here / "tiny.toml").write_text(text)
    ran = cnnspec("train", "tiny.cnn", "--recipe", "tiny.toml", "-o", "run")
    assert ran.status == 1
    assert f"error[{code}]" in ran.err
    assert "tiny.toml:" in ran.err
    assert not (here / "run").exists()
    document = json.loads(cnnspec("train", "tiny.cnn", "--recipe", "tiny.toml", "--format", "json").out)
    assert document["ok"] is False
    assert document["diagnostics"][0]["code"] == code
    assert document["diagnostics"][0]["file"] == "tiny.toml"


def test_without_a_recipe(cnnspec: Command, here: Path) -> None:
    assert "--recipe R.toml" in cnnspec("train", "tiny.cnn").err
    ran = cnnspec("train", "tiny.cnn", "--recipe", "zoo:lenet5_moder")
    assert ran.status == 2
    assert "did you mean lenet5_modern?" in ran.err


def test_a_folder_with_other_programs_is_not_used(cnnspec: Command, here: Path) -> None:
    (here / "run").mkdir()
    (here / "run" / "torch.py").write_text("raise SystemExit('not this')")
    ran = cnnspec("train", "tiny.cnn", "--recipe", "tiny.toml", "-o", "run")
    assert ran.status == 2
    assert "this folder contains torch.py, which train.py could import" in ran.err


@pytest.mark.parametrize(
    ("missing", "install"),
    [("numpy", "'cnnspec[train]'"), ("tensorboard", "tensorboard"), ("onnxscript", "onnxscript")],
)
def test_a_package_that_is_missing_is_named_before_the_run(
    cnnspec: Command, here: Path, monkeypatch: pytest.MonkeyPatch, missing: str, install: str
) -> None:
    (here / "tiny.toml").write_text(RECIPE + "[run]\ntensorboard = true\nonnx = true\n")
    monkeypatch.setattr("cnnspec.cli.train.find_spec", lambda name: None if name == missing else True)
    ran = cnnspec("train", "tiny.cnn", "--recipe", "tiny.toml", "-o", "run")
    assert ran.status == 2
    assert f"{missing} is needed and is not installed: pip install {install}\n" in ran.err
    assert not (here / "run").exists()


def test_recipes_have_a_page(cnnspec: Command) -> None:
    ran = cnnspec("explain", "recipe")
    assert ran.status == 0
    assert "- `rate`: the learning rate, at its highest: often 0.001 for adam" in ran.out


@pytest.mark.torch
def test_a_network_is_trained_and_goes_on(cnnspec: Command, here: Path) -> None:
    pytest.importorskip("torch")
    (here / "tiny.toml").write_text(RECIPE + '[expect]\naccuracy = "100%"\n')
    ran = cnnspec("train", "tiny.cnn", "--recipe", "tiny.toml")
    assert ran.status == 0
    assert {path.name for path in (here / "runs" / "tiny").iterdir()} == {
        "net.py", "train.py", "log.csv", "last.safetensors", "best.safetensors", "result.json", "curve.svg",
    }  # fmt: skip
    assert "Training of Tiny" in (here / "runs" / "tiny" / "curve.svg").read_text()
    again = cnnspec("train", "tiny.cnn", "--recipe", "tiny.toml")
    assert again.status == 2
    assert "--resume goes on from its last checkpoint" in again.err
    (here / "tiny.toml").write_text(RECIPE + "[expect]\nloss = 1e-6\n")
    ran = cnnspec("train", "tiny.cnn", "--recipe", "tiny.toml", "--resume", "--format", "json")
    document = json.loads(ran.out)
    assert (ran.status, document["ok"], document["result"]["ok"]) == (1, False, False)


@pytest.mark.parametrize("target", ["torch", "numpy"])
def test_a_run_of_another_recipe_is_not_resumed(cnnspec: Command, here: Path, target: str) -> None:
    """Also one that differs in no number; what does not change a step may be another."""
    if target == "torch":
        pytest.importorskip("torch")
    line = ("train", "tiny.cnn", "--recipe", "tiny.toml", "--target", target)
    assert cnnspec(*line).status == 0
    for text, status in (
        (RECIPE + "[augment]\nflip = true\n", 2),
        (RECIPE + "[run]\nsave_every = 3\n[expect]\nloss = 9.0\n", 0),
    ):
        (here / "tiny.toml").write_text(text)
        assert cnnspec(*line, "--resume").status == status


def test_the_place_of_torch_is_not_part_of_a_recipe() -> None:
    """`F` is a name of capital letters, too."""
    import ast

    from cnnspec.training.library.common import settings_hash

    kept = settings_hash({"SEED": 0, "MEAN": (0.5,)})
    assert settings_hash({"SEED": 0, "MEAN": (0.5,), "F": ast, "HERE": Path(), "PATIENCE": 3}) == kept
    assert settings_hash({"SEED": 1, "MEAN": (0.5,)}) != kept


def test_numpy_trains_too(cnnspec: Command, here: Path) -> None:
    line = [
        "train",
        "tiny.cnn",
        "--recipe",
        "tiny.toml",
        "--target",
        "numpy",
        "-o",
        "run",
        "--format",
        "json",
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "cnnspec", *line], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["result"]["best"]["accuracy"] == 1
    assert cnnspec("run", "tiny.cnn", "--random", "--weights", "run/best.npz").status == 0
    other = cnnspec(*line[:6], "-o", "run", "--resume", "--target", "torch")
    assert (other.status, "last.npz is of a run with the other target" in other.err) == (2, True)
    (here / "amp.toml").write_text(RECIPE + "[run]\namp = true\n")
    ran = cnnspec("train", "tiny.cnn", "--recipe", "amp.toml", "--target", "numpy")
    assert (ran.status, "error[E825]: amp in [run] needs torch" in ran.err) == (1, True)


@pytest.mark.heavy
def test_what_several_processes_refuse_is_wrong_use(here: Path) -> None:
    pytest.importorskip("torch")
    line = ["train", "tiny.cnn", "--recipe", "tiny.toml", "-o", "run", "--processes", "3"]
    ran = subprocess.run(
        [sys.executable, "-m", "cnnspec", *line], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2, ran.stderr
    assert "8 images cannot be divided into 3 equal parts" in ran.stderr
    assert "Traceback" not in ran.stderr
